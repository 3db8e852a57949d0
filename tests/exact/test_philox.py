"""The keyed generator is Philox4x32-10, bit for bit, and its addresses do not collide.

The judge is a second implementation in plain Python integers (below), which itself must give the known
answers that the authors of Philox publish (Random123, file kat_vectors).
"""

import enum
import itertools
import math

import libm
import numpy as np
import pytest
from numba import njit
from scipy.special import ndtri

from sim.kernels import philox, sampling

WORD = 0xFFFFFFFF
HIGH_BIT = 1 << 63
# Keys and entities whose high bits are set are the ones that a signed number on the way would spoil.
KEYS = [0, 1, WORD, 1 << 32, HIGH_BIT, HIGH_BIT | 12345, 0xDEADBEEFCAFEBABE, (1 << 64) - 1]
ADDRESSES = [
    (0, 0, 0),
    (1, 0, 0),
    (0, 1, 0),
    (0, 0, 1),
    (7, 1234, 5),
    (65535, 65535, 65535),
    (40000, 50000, 60000),
]

KNOWN_ANSWERS = [
    ((0,) * 4, (0,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((WORD,) * 4, (WORD,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def reference_philox(counter: tuple[int, ...], key: tuple[int, ...]) -> tuple[int, ...]:
    """Philox4x32-10 as the paper writes it, in integers without a size."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        high_0, low_0 = divmod(0xD2511F53 * c0, 1 << 32)
        high_1, low_1 = divmod(0xCD9E8D57 * c2, 1 << 32)
        c0, c1, c2, c3 = high_1 ^ c1 ^ k0, low_1, high_0 ^ c3 ^ k1, low_0
        k0, k1 = (k0 + 0x9E3779B9) % (1 << 32), (k1 + 0xBB67AE85) % (1 << 32)
    return c0, c1, c2, c3


def reference_bits(key: int, process: int, day: int, entity: int, draw: int) -> int:
    """The bits of a decision by the documented layout of its address."""
    counter = (draw, day + process * 65536, entity % (1 << 32), entity >> 32)
    words = reference_philox(counter, (key % (1 << 32), key >> 32))
    return words[0] + (words[1] << 32)


def reference_uniform(bits: int) -> float:
    return (2 * (bits >> 12) + 1) / 2.0**53


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_published_known_answers(counter, key, answer):
    assert reference_philox(counter, key) == answer
    assert philox.philox4x32(*counter, *key) == answer


def test_kernel_equals_the_reference_at_random_counters():
    words = np.random.default_rng(1).integers(0, 1 << 32, size=(2000, 6)).tolist()
    for row in words:
        assert philox.philox4x32(*row) == reference_philox(tuple(row[:4]), tuple(row[4:]))


@pytest.mark.parametrize("key", KEYS)
def test_bits_and_uniform_of_a_decision_equal_the_reference(key):
    for (process, day, draw), entity in itertools.product(ADDRESSES, KEYS):
        bits = reference_bits(key, process, day, entity, draw)
        assert philox.bits_at(np.uint64(key), process, day, np.uint64(entity), draw) == bits
        uniform = philox.uniform_at(np.uint64(key), process, day, np.uint64(entity), draw)
        assert uniform == reference_uniform(bits)
        # A plain Python number is as good: the signature makes it unsigned.
        assert philox.bits_at(key, process, day, entity, draw) == bits


@pytest.mark.parametrize("key", KEYS)
def test_array_face_equals_the_reference(key):
    # 67 entities: vector instructions take most of them, a scalar rest the last.
    entities = [KEYS[i % len(KEYS)] ^ (i * 0x9E3779B97F4A7C15 % (1 << 64)) for i in range(67)]
    expected = [reference_uniform(reference_bits(key, 3, 1500, entity, 2)) for entity in entities]
    frozen = np.array(entities, dtype=np.uint64)
    frozen.flags.writeable = False
    for given in (key, np.uint64(key)):
        assert philox.uniforms(given, 3, 1500, frozen, 2).tolist() == expected
    assert philox.uniforms(key, 3, 1500, frozen[::-1], 2).tolist() == expected[::-1]
    signed = frozen.view(np.int64)
    assert philox.uniforms(key, 3, 1500, signed, 2).tolist() == expected


@njit("u8(u8,i8,i8,u8,i8)")
def bits_through_another_kernel(key, process, day, entity, draw):
    return philox.bits_at(key, process, day, entity, draw)


@njit("u8(i8,i8,i8,i8,i8)")
def bits_through_a_signed_kernel(key, process, day, entity, draw):
    return philox.bits_at(key, process, day, entity, draw)


@pytest.mark.parametrize("key", KEYS)
def test_other_kernels_get_the_same_bits(key):
    """Also where the caller has typed its key as a signed number, which is how keys went wrong silently."""
    expected = reference_bits(key, 9, 77, HIGH_BIT | 3, 1)
    assert bits_through_another_kernel(key, 9, 77, HIGH_BIT | 3, 1) == expected
    signed_key, signed_entity = (int(np.uint64(x).view(np.int64)) for x in (key, HIGH_BIT | 3))
    assert bits_through_a_signed_kernel(signed_key, 9, 77, signed_entity, 1) == expected


def test_a_process_may_be_an_enumeration():
    process = enum.IntEnum("Process", {"OPEN": 5})
    assert philox.bits_at(1, process.OPEN, 2, 3, 4) == reference_bits(1, 5, 2, 3, 4)
    assert philox.uniforms(1, process.OPEN, 2, [3], 4)[0] == reference_uniform(reference_bits(1, 5, 2, 3, 4))


def test_addresses_do_not_collide():
    """Every corner of the address space and its neighbours: no two share a number (64 bits; chance 1e-11)."""
    edges = [0, 1, 2, 255, 256, 32767, 32768, 65534, 65535]
    entities = [0, 1, WORD, 1 << 32, HIGH_BIT]
    seen = {
        philox.bits_at(1, process, day, entity, draw)
        for process, day, draw, entity in itertools.product(edges, edges, edges, entities)
    }
    assert len(seen) == len(edges) ** 3 * len(entities)


OUTSIDE = [(65536, 0, 0), (0, 65536, 0), (0, 0, 65536), (-1, 0, 0), (0, -1, 0), (0, 0, -1)]


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_out_of_bounds_is_refused(address):
    process, day, draw = address
    with pytest.raises(ValueError, match="between 0 and 65535"):
        philox.uniform_at(1, process, day, 1, draw)
    with pytest.raises(ValueError, match="between 0 and 65535"):
        philox.uniforms(1, process, day, [1], draw)


def test_floats_are_no_keys():
    with pytest.raises(TypeError, match="must be integers"):
        philox.uniforms(1, 0, 0, [1.0, 2.0], 0)
    # NumPy makes floats of such a list, and floats lose the low bits.
    with pytest.raises(TypeError, match="array of uint64"):
        philox.uniforms(1, 0, 0, [1, HIGH_BIT], 0)
    with pytest.raises(TypeError):
        philox.uniforms(1.0, 0, 0, [1], 0)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="differ in length"):
        philox.uniforms_into(np.uint64(1), 0, 0, np.zeros(3, np.uint64), 0, np.zeros(2))


def test_no_entities_no_numbers():
    assert philox.uniforms(1, 0, 0, np.empty(0, np.uint64), 0).shape == (0,)
    assert philox.uniforms(1, 0, 0, [], 0).shape == (0,)


def test_pack_key():
    assert philox.pack_key(7, 3) == (3 << 32) + 7
    assert isinstance(philox.pack_key(7, 3), np.uint64)
    assert philox.pack_key(WORD, WORD) == (1 << 64) - 1
    for seed, replicate in [(-1, 0), (1 << 32, 0), (0, -1), (0, 1 << 32)]:
        with pytest.raises(ValueError, match="must lie between"):
            philox.pack_key(seed, replicate)


def test_uniform_lies_inside_the_open_interval():
    lowest, highest = philox.unit_from_bits(0), philox.unit_from_bits((1 << 64) - 1)
    assert (lowest, highest) == (2.0**-53, 1.0 - 2.0**-53)
    assert philox.unit_from_bits(HIGH_BIT) + philox.unit_from_bits(HIGH_BIT - 1) == 1.0


def test_one_more_entity_changes_nobody_else():
    entities = philox.child_keys(5, np.arange(1000))
    fewer = np.delete(entities, 400)
    with_all, without_one = philox.uniforms(9, 1, 1, entities, 0), philox.uniforms(9, 1, 1, fewer, 0)
    assert np.array_equal(np.delete(with_all, 400), without_one)


def test_child_key_equals_the_reference():
    name_key = (0x62726561, 0x63617264)  # "brea", "card"
    for creator, counter in itertools.product(KEYS, KEYS):
        halves = (creator % (1 << 32), creator >> 32, counter % (1 << 32), counter >> 32)
        words = reference_philox(halves, name_key)
        assert philox.child_key(creator, counter) == words[0] + (words[1] << 32)
    expected = [philox.child_key(creator, 3) for creator in KEYS]
    assert philox.child_keys(np.array(KEYS, dtype=np.uint64), 3).tolist() == expected


def test_a_million_children_have_a_million_names():
    """A thousand creators with a thousand children each, and their creators: all names differ."""
    creators = philox.child_keys(0, np.arange(1000))
    children = philox.child_keys(np.repeat(creators, 1000), np.tile(np.arange(1000), 1000))
    assert np.unique(np.concatenate([creators, children])).size == 1_001_000


def test_normal_quantile_agrees_with_another_implementation():
    middle = np.linspace(1e-4, 1.0 - 1e-4, 20_001)
    tails = np.concatenate([10.0 ** -np.linspace(1, 300, 3000), 1.0 - 2.0 ** -np.arange(2.0, 54.0)])
    for points in (middle, tails):
        got = np.array([philox.normal_quantile(u) for u in points])
        np.testing.assert_allclose(got, ndtri(points), rtol=3e-15, atol=1e-15)


def test_normal_quantile_rises_also_across_its_seams():
    for seam in (0.075, 0.5, 0.925, math.exp(-25.0)):
        points = seam * (1.0 + np.linspace(-1e-9, 1e-9, 4001))
        values = np.array([philox.normal_quantile(u) for u in points])
        assert np.diff(values).min() >= -1e-15 * max(1.0, abs(values[0]))


@pytest.mark.parametrize("u", [0.0, 1.0, -0.1, 1.1, math.nan])
def test_normal_quantile_refuses_what_is_no_probability(u):
    with pytest.raises(ValueError, match="probability between 0 and 1"):
        philox.normal_quantile(u)


def test_normal_of_a_decision_is_the_quantile_of_its_uniform():
    entities = philox.child_keys(1, np.arange(100))
    uniforms, normals = philox.uniforms(4, 2, 9, entities, 1), philox.normals(4, 2, 9, entities, 1)
    assert normals.tolist() == [philox.normal_quantile(u) for u in uniforms]
    assert normals[5] == philox.normal_at(4, 2, 9, entities[5], 1)


def test_exponentials_and_rounded_numbers_are_made_of_the_uniforms():
    """-log(u), and the fraction of a value as the probability of the next whole number."""
    entities = np.arange(5000, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    u = philox.uniforms(5, 3, 1500, entities, 2)
    assert np.array_equal(philox.exponentials(5, 3, 1500, entities, 2), -libm.log(u))
    values = np.linspace(0.0, 20.0, 5000)
    expected = np.floor(values).astype(np.int64) + (u < values - np.floor(values))
    assert np.array_equal(sampling.rounded(5, 3, 1500, entities, 2, values), expected)
    assert sampling.rounded(5, 3, 1500, entities, 2, 7).tolist() == [7] * 5000
