"""The keyed numbers behave like chance, and the samplers have the distributions that they are named after.

Decision rule of every test here: the seed is fixed (`SEED`, chosen before the first run), a statistic is
turned into a p-value, and the test fails where p < 1e-6. There are about 200 such values, so a right
generator with an unlucky seed fails with a probability of 2e-4, and since the seed is fixed it either
always fails or never. What the rule can see: with the million numbers of most tests, a correlation of
0.005, a mean off by 0.5% of a standard deviation or a variance off by 0.7% is found almost surely; a
smaller fault may pass.
"""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from sim.kernels import philox, sampling

SEED = 20200601
LIMIT = 1e-6
N = 1_000_000
KEY = philox.pack_key(SEED, 0)
# Consecutive numbers are the worst names that entities can have: all the mixing is left to the generator.
ENTITIES = np.arange(N, dtype=np.uint64)


def two_sided(z: float) -> float:
    return float(2.0 * stats.norm.sf(abs(z)))


def p_value_of(statistic: float, law) -> float:
    """Two-sided, for a count or a number whose law is known."""
    return min(1.0, 2.0 * min(law.cdf(statistic), law.sf(np.nextafter(statistic, -np.inf))))


def numbers(*, key=KEY, process=3, day=100, draw=0, shift=0) -> np.ndarray:
    return philox.uniforms(key, process, day, ENTITIES + np.uint64(shift), draw)


# What differs between a decision (process 3, day 100, draw 0) and its neighbour.
NEIGHBOURS = {
    "next entity": {"shift": 1},
    "entity with another high word": {"shift": 1 << 32},
    "next day": {"day": 101},
    "day 32768 later": {"day": 100 + 32768},
    "next draw": {"draw": 1},
    "next process": {"process": 4},
    "next replicate": {"key": philox.pack_key(SEED, 1)},
    "next seed": {"key": philox.pack_key(SEED + 1, 0)},
}


# ---------------------------------------------------------------------------------------- the uniform numbers


def test_uniforms_are_uniform():
    u = numbers()
    assert u.min() > 0.0
    assert u.max() < 1.0
    assert two_sided((u.mean() - 0.5) * math.sqrt(12 * N)) > LIMIT
    assert two_sided((u.var() - 1 / 12) * math.sqrt(180 * N)) > LIMIT
    assert stats.kstest(u, "uniform").pvalue > LIMIT
    assert stats.chisquare(np.bincount((u * 1000).astype(int), minlength=1000)).pvalue > LIMIT
    # The low digits as well as the high ones.
    assert stats.kstest(np.modf(u * 2.0**20)[0], "uniform").pvalue > LIMIT


def test_every_bit_is_a_fair_coin_and_independent_of_the_other_bits():
    bits = np.array([philox.bits_at(KEY, 3, 100, e, 0) for e in range(100_000)], dtype=np.uint64)
    table = ((bits[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)).astype(float) * 2.0 - 1.0
    assert two_sided(np.abs(table.sum(axis=0)).max() / math.sqrt(len(bits))) * 64 > LIMIT
    products = np.abs(table.T @ table - np.diag(np.full(64, float(len(bits)))))
    assert two_sided(products.max() / math.sqrt(len(bits))) * 64 * 63 / 2 > LIMIT


@pytest.mark.parametrize("change", NEIGHBOURS.values(), ids=NEIGHBOURS.keys())
def test_neighbouring_decisions_are_uncorrelated(change):
    u, v = numbers(), numbers(**change)
    for transform in (lambda x: x, lambda x: (x - 0.5) ** 2, np.log):
        assert two_sided(np.corrcoef(transform(u), transform(v))[0, 1] * math.sqrt(N)) > LIMIT


@pytest.mark.parametrize("change", NEIGHBOURS.values(), ids=NEIGHBOURS.keys())
def test_rare_events_of_neighbours_coincide_as_often_as_chance_says(change):
    """Two events of probability 1/1000 meet 16 times in 16 million pairs; weak mixers give 0 or thousands."""
    p, hits = 1e-3, 0
    for block in range(16):
        start = block << 33
        neighbour = {**change, "shift": start + change.get("shift", 0)}
        hits += int(np.count_nonzero((numbers(shift=start) < p) & (numbers(**neighbour) < p)))
    assert p_value_of(hits, stats.poisson(16 * N * p * p)) > LIMIT


@pytest.mark.parametrize("over", ["day", "process", "draw"])
def test_counts_of_events_scatter_as_binomial_numbers_do(over):
    """Mixers with the right mean and wrong correlations show in the scatter of the counts of 1,000 steps."""
    n, p = 10_000, 0.01
    place = {"process": 3, "day": 5, "draw": 0}
    hits = np.array(
        [
            np.count_nonzero(philox.uniforms(KEY, entities=ENTITIES[:n], **{**place, over: step}) < p)
            for step in range(1000)
        ]
    )
    scatter = float(np.sum((hits - n * p) ** 2) / (n * p * (1 - p)))
    assert p_value_of(scatter, stats.chi2(1000)) > LIMIT


def test_normals_are_normal():
    x = philox.normals(KEY, 3, 100, ENTITIES, 0)
    assert stats.kstest(x, "norm").pvalue > LIMIT
    assert two_sided(x.mean() * math.sqrt(N)) > LIMIT
    assert two_sided((np.mean(x**2) - 1.0) * math.sqrt(N / 2)) > LIMIT
    assert two_sided((np.mean(x**4) - 3.0) * math.sqrt(N / 96)) > LIMIT


# ------------------------------------------------------------------------------------------- inverse samplers

INNER = np.concatenate([[1e-9], np.linspace(0.001, 0.999, 101), [1.0 - 1e-9]])
# Within about 1e-13 of the far end the rounding of the sum decides, as documented.
GRID = np.concatenate([[1e-12], INNER, [1.0 - 1e-12]])
SMALL_BINOMIALS = [
    (1, 0.5),
    (10, 0.3),
    (10, 0.9),
    (59, 0.5),
    (100, 0.02),
    (1000, 0.99),
    (10**6, 2e-5),
    (10**10, 2e-9),
]


@pytest.mark.parametrize("lam", [1e-10, 0.3, 1.0, 7.5, 64.0, 300.0])
def test_poisson_inverse_is_the_quantile(lam):
    assert [sampling.poisson_inverse(u, lam) for u in INNER] == stats.poisson.ppf(INNER, lam).tolist()


@pytest.mark.parametrize(("n", "p"), SMALL_BINOMIALS)
def test_binomial_inverse_is_the_quantile(n, p):
    assert [sampling.binomial_inverse(u, n, p) for u in INNER] == stats.binom.ppf(INNER, n, p).tolist()


def test_inverse_samplers_rise_with_the_uniform_and_with_the_parameter():
    means, chances = np.linspace(0.0, 100.0, 401), np.linspace(0.0, 1.0, 401)
    poisson = np.array([[sampling.poisson_inverse(u, lam) for lam in means] for u in GRID])
    binomial = np.array([[sampling.binomial_inverse(u, 59, p) for p in chances] for u in GRID])
    trials = np.array([[sampling.binomial_inverse(u, n, 0.3) for n in range(100)] for u in GRID])
    for table in (poisson, binomial, trials):
        assert np.diff(table, axis=0).min() >= 0
        assert np.diff(table, axis=1).min() >= 0


@pytest.mark.parametrize("lam", [0.0, 1e-300, 1.0, 64.0, 700.0])
def test_extreme_uniforms_end_the_search(lam):
    low, high = (sampling.poisson_inverse(u, lam) for u in (2.0**-53, 1.0 - 2.0**-53))
    assert 0 <= low <= lam
    assert math.floor(lam) <= high <= lam + 12.0 * math.sqrt(lam) + 30.0


# --------------------------------------------------------------------------------------------- keyed samplers

# Each branch, both sides of each branching point, and sizes where a difference of log-gammas has no digits
# left.
POISSON = [0.01, 3.0, 30.0, 64.0, 64.0000001, 150.0, 1e3, 1e5, 1e8, 1e11]
BINOMIAL = [
    (1, 0.3),
    (40, 0.5),
    (59, 0.5),
    (60, 0.5),
    (61, 0.5),
    (100, 0.29999),
    (100, 0.3),
    (100, 0.7),
    (100, 0.95),
    (10**4, 0.0031),
    (10**4, 0.6),
    (10**6, 0.999),
    (10**9, 0.3),
    (10**10, 2e-9),
    (10**10, 1e-4),
    (10**11, 0.5),
    (10**11, 0.9999),
]
SAMPLES = 200_000


def cell_p_value(counts: np.ndarray, law) -> float:
    """Chi-square over about 200 cells of equal probability, and the tails beyond 1/1000 apart."""
    edges = np.unique(law.ppf(np.concatenate([[1e-3], np.linspace(0.0, 1.0, 200)[1:-1], [1.0 - 1e-3]])))
    expected = np.diff(np.concatenate([[0.0], law.cdf(edges), [1.0]])) * counts.size
    observed = np.bincount(np.searchsorted(edges, counts), minlength=expected.size)
    rare = expected < 5.0
    expected = np.append(expected[~rare], expected[rare].sum())
    observed = np.append(observed[~rare], observed[rare].sum())
    used = expected > 1.0
    terms = (observed - expected)[used] ** 2 / expected[used]
    return float(stats.chi2.sf(terms.sum(), used.sum() - 1))


def assert_law(counts: np.ndarray, law) -> None:
    """Mean, variance and shape of a sample of counts against the law it should have."""
    variance, kurtosis = float(law.var()), float(law.stats(moments="k"))
    centred = counts - float(law.mean())
    assert two_sided(centred.mean() / math.sqrt(variance / counts.size)) > LIMIT
    scatter = np.mean(centred**2) / variance - 1.0
    assert two_sided(scatter * math.sqrt(counts.size / (2.0 + kurtosis))) > LIMIT
    assert cell_p_value(counts, law) > LIMIT


@pytest.mark.parametrize("lam", POISSON)
def test_poisson_law(lam):
    assert_law(sampling.poissons(KEY, 5, 10, ENTITIES[:SAMPLES], 0, lam), stats.poisson(lam))


@pytest.mark.parametrize(("n", "p"), BINOMIAL)
def test_binomial_law(n, p):
    counts = sampling.binomials(KEY, 6, 10, ENTITIES[:SAMPLES], 0, n, p)
    assert counts.min() >= 0
    assert counts.max() <= n
    assert_law(counts, stats.binom(n, p))


@pytest.mark.parametrize("sampler", ["poisson", "binomial"])
def test_draws_of_rejection_samplers_are_independent(sampler):
    """A sampler uses blocks of its own however often it rejects: the next draw, day and entity know
    nothing."""

    def sample(day: int, draw: int) -> np.ndarray:
        if sampler == "poisson":
            return sampling.poissons(KEY, 5, day, ENTITIES[:SAMPLES], draw, 100.0)
        return sampling.binomials(KEY, 5, day, ENTITIES[:SAMPLES], draw, 1000, 0.4)

    first = sample(10, 0)
    others = (sample(10, 1), sample(11, 0), np.roll(first, 1))
    for other in others:
        assert two_sided(np.corrcoef(first, other)[0, 1] * math.sqrt(SAMPLES)) > LIMIT


@pytest.mark.parametrize(("n", "p"), [(200, 0.4), (10**6, 1e-4), (10**9, 0.3), (10**10, 1e-4), (10**11, 0.5)])
def test_log_binomial_pmf_keeps_its_digits(n, p):
    """Against the sum of the logarithms of successive ratios, which has no cancellation."""
    mode = math.floor((n + 1) * p)
    sd = math.sqrt(n * p * (1 - p))
    at_mode = sampling.log_binomial_pmf(mode, n, p)
    for k in (mode - math.floor(4 * sd), mode + math.floor(4 * sd)):
        j = np.arange(min(k, mode) + 1, max(k, mode) + 1, dtype=float)
        steps = math.fsum(np.log((n - j + 1.0) / j * (p / (1 - p))))
        difference = sampling.log_binomial_pmf(k, n, p) - at_mode
        assert difference == pytest.approx(steps if k > mode else -steps, abs=1e-9)
    assert at_mode == pytest.approx(-math.log(sd * math.sqrt(2 * math.pi)), abs=1 / sd)


@pytest.mark.parametrize("lam", [65.0, 1e4, 1e7, 1e11])
def test_log_poisson_pmf_keeps_its_digits(lam):
    mode, sd = math.floor(lam), math.sqrt(lam)
    at_mode = sampling.log_poisson_pmf(mode, lam)
    for k in (mode - math.floor(4 * sd), mode + math.floor(4 * sd)):
        steps = math.fsum(np.log(lam / np.arange(min(k, mode) + 1, max(k, mode) + 1, dtype=float)))
        difference = sampling.log_poisson_pmf(k, lam) - at_mode
        assert difference == pytest.approx(steps if k > mode else -steps, abs=1e-9)
    assert at_mode == pytest.approx(-math.log(sd * math.sqrt(2 * math.pi)), abs=1 / sd)


def test_probabilities_sum_to_one():
    assert math.fsum(math.exp(sampling.log_poisson_pmf(k, 70.0)) for k in range(400)) == pytest.approx(
        1, abs=1e-12
    )
    for n, p in [(60, 0.5), (300, 0.1)]:
        total = math.fsum(math.exp(sampling.log_binomial_pmf(k, n, p)) for k in range(n + 1))
        assert total == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("scale", [5.0, 100.0, 1e6])
def test_a_small_change_of_the_mean_changes_counts_little(scale):
    """Common random numbers: the scatter of the difference is far below that of two independent counts."""
    few = sampling.poissons(KEY, 5, 10, ENTITIES[:SAMPLES], 0, scale)
    more = sampling.poissons(KEY, 5, 10, ENTITIES[:SAMPLES], 0, scale * 1.001)
    assert np.var(more - few) < 0.25 * (np.var(more) + np.var(few))
    n = 10 * int(scale)
    some = sampling.binomials(KEY, 5, 10, ENTITIES[:SAMPLES], 0, n, 0.4999)
    half = sampling.binomials(KEY, 5, 10, ENTITIES[:SAMPLES], 0, n, 0.5001)
    assert np.var(half - some) < 0.25 * (np.var(half) + np.var(some))


def test_binomial_edges_are_exact():
    for n in (0, 1, 30, 10**6, 1 << 53):
        assert sampling.binomial_at(KEY, 1, 1, 1, 0, n, 0.0) == 0
        assert sampling.binomial_at(KEY, 1, 1, 1, 0, n, 1.0) == n
    assert sampling.binomial_at(KEY, 1, 1, 1, 0, 0, 0.5) == 0
    assert sampling.poisson_at(KEY, 1, 1, 1, 0, 0.0) == 0


@pytest.mark.parametrize(("n", "p"), [(-1, 0.5), (10, -0.1), (10, 1.1), (10, math.nan), ((1 << 53) + 1, 0.5)])
def test_what_is_no_binomial_is_refused(n, p):
    for sample in (
        lambda: sampling.binomial_at(KEY, 1, 1, 1, 0, n, p),
        lambda: sampling.binomials(KEY, 1, 1, [1], 0, n, p),
        lambda: sampling.binomial_inverse(0.5, n, p),
    ):
        with pytest.raises(ValueError, match="a binomial number needs"):
            sample()


@pytest.mark.parametrize("lam", [-1.0, math.nan, math.inf, 1e300])
def test_what_is_no_poisson_mean_is_refused(lam):
    with pytest.raises(ValueError, match="Poisson"):
        sampling.poisson_at(KEY, 1, 1, 1, 0, lam)
    with pytest.raises(ValueError, match="Poisson"):
        sampling.poisson_inverse(0.5, lam)


def test_out_of_bounds_addresses_and_odd_shapes_are_refused():
    with pytest.raises(ValueError, match="between 0 and 65535"):
        sampling.poisson_at(KEY, 1, 1, 1, 65536, 5.0)
    with pytest.raises(ValueError, match="between 0 and 65535"):
        sampling.binomial_at(KEY, 1, 65536, 1, 0, 5, 0.5)
    with pytest.raises(TypeError, match="must be integers"):
        sampling.binomials(KEY, 1, 1, [1], 0, 5.5, 0.5)
    with pytest.raises(ValueError, match="broadcast"):
        sampling.poissons(KEY, 1, 1, [1, 2, 3], 0, [1.0, 2.0])


def test_array_faces_equal_the_kernels_for_one():
    entities = philox.child_keys(1 << 63, np.arange(50))
    key, lams = philox.pack_key(1, 1 << 31), np.geomspace(0.01, 1e6, 50)
    ns, ps = np.geomspace(1, 1e10, 50).astype(np.int64), np.linspace(0.0, 1.0, 50)
    expected = [sampling.poisson_at(key, 2, 3, e, 4, lam) for e, lam in zip(entities, lams, strict=True)]
    assert sampling.poissons(key, 2, 3, entities, 4, lams).tolist() == expected
    trials = zip(entities, ns, ps, strict=True)
    expected = [sampling.binomial_at(key, 2, 3, e, 4, n, p) for e, n, p in trials]
    assert sampling.binomials(key, 2, 3, entities, 4, ns, ps).tolist() == expected


# ----------------------------------------------------------------------------------- multinomials and choices


def share(n: int, weights: np.ndarray, entity: int = 1, draw: int = 0) -> np.ndarray:
    out = np.full(len(weights), -1, dtype=np.int64)
    sampling.multinomial_at(KEY, 7, 10, entity, draw, n, weights, out)
    return out


@pytest.mark.parametrize("n", [0, 1, 17, 10_000, 10**11])
@pytest.mark.parametrize("cells", [1, 2, 31, 1024])
def test_shares_sum_to_the_whole_and_empty_cells_stay_empty(n, cells):
    weights = np.random.default_rng(SEED).gamma(0.3, size=cells)
    weights[1::5] = 0.0
    counts = share(n, weights)
    assert counts.sum() == n
    assert counts.min() >= 0
    assert not counts[weights == 0.0].any()


@pytest.mark.parametrize("n", [20, 5_000])
def test_multinomial_law(n):
    """Each cell is binomial, and the cells repel each other by -n p q (20,000 samples, weights of sum 2)."""
    weights = np.array([0.02, 0.4, 0.0, 0.6, 0.18, 0.8])
    p = weights / weights.sum()
    counts = np.array([share(n, weights, entity) for entity in range(20_000)])
    for i in np.flatnonzero(p):
        assert_law(counts[:, i], stats.binom(n, p[i]))
    for i, j in itertools.combinations(np.flatnonzero(p), 2):
        right = -math.sqrt(p[i] * p[j] / ((1 - p[i]) * (1 - p[j])))
        seen = np.corrcoef(counts[:, i], counts[:, j])[0, 1]
        assert two_sided((math.atanh(seen) - math.atanh(right)) * math.sqrt(len(counts))) > LIMIT


def test_neighbouring_draws_of_a_multinomial_are_independent():
    weights = np.ones(5)
    pairs = [(share(1000, weights, e, 0), share(1000, weights, e, 1)) for e in range(20_000)]
    first, second = (np.array(part) for part in zip(*pairs, strict=True))
    for i, j in itertools.product(range(5), repeat=2):
        assert two_sided(np.corrcoef(first[:, i], second[:, j])[0, 1] * math.sqrt(len(first))) > LIMIT


@pytest.mark.parametrize(
    ("n", "weights", "size"),
    [
        (5, [0.0, 0.0], 2),
        (5, [], 0),
        (-1, [1.0], 1),
        (5, [1.0, -0.1], 2),
        (5, [1.0, math.nan], 2),
        (5, [1.0, math.inf], 2),
        (5, [1.0, 1.0], 3),
        (5, [1.0] * 1025, 1025),
    ],
)
def test_what_is_no_multinomial_is_refused(n, weights, size):
    with pytest.raises(ValueError, match="multinomial"):
        sampling.multinomial_at(KEY, 1, 1, 1, 0, n, np.array(weights), np.zeros(size, dtype=np.int64))


def test_choices_follow_the_weights():
    weights = np.array([0.0, 0.1, 0.0, 2.0, 1.9, 0.0])
    running = np.cumsum(weights)
    running.flags.writeable = False
    chosen = np.array([sampling.categorical_at(u, running) for u in numbers()[:100_000]])
    seen = np.bincount(chosen, minlength=weights.size)
    assert not seen[weights == 0.0].any()
    expected = weights[weights > 0.0] / 4.0 * chosen.size
    assert stats.chisquare(seen[weights > 0.0], expected).pvalue > LIMIT


def test_choices_at_the_edges():
    running = np.array([0.0, 0.25, 0.25, 1.0, 1.0])
    uniforms = [2.0**-53, 0.2499, 0.25, 0.2501, 1.0 - 2.0**-53]
    assert [sampling.categorical_at(u, running) for u in uniforms] == [1, 1, 3, 3, 3]
    # The product with this total rounds up to the total.
    assert sampling.categorical_at(1.0 - 2.0**-53, np.array([1.0, 1.0 + 2.0**-52, 1.0 + 2.0**-52])) == 1
    for nothing in (np.empty(0), np.zeros(3), np.array([math.nan])):
        with pytest.raises(ValueError, match="a choice needs"):
            sampling.categorical_at(0.5, nothing)
