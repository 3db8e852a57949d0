"""The card step alone: cards in the mix of a real run, and the memory bandwidth that bounds the step.

The mix is that of `card-broken-2020` on 15 December 2020, when three criteria of the account cleanup and the
phone-card cleanup are at work: 62% accounts and 38% phone cards (one in seven an IoT card), the accounts
first, as in the model, where each has a table of its own. Of the accounts 5% are in recruiters' stock, 6% on
their way, 52% in gangs' stock, 29% in use, 8% out of use but not dropped yet; of the phone cards 7% (in
dealers' stock), 14%, 22%, 39% and 18%. Every phone card in use is used once a day, and 6% of the accounts in
use, three times each. 39% of the accounts belong to holders of many cards, 9% lie idle, 5% were often
replaced; 40% of the phone cards stand on a stolen identity.

A measured step steps the same cards on the next day: nobody is taken out, so every step does the same work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sim.bench.plan import Plan, Task, own
from sim.bench.worker import Report
from sim.world.codes import FLAG_SETS, LIVE, Flag, Kind, Status

BANDWIDTH = "memory bandwidth"
REGIONS = 31
PROCESS = 9
"""Which of the model's processes the random numbers belong to; any will do."""
KEY = np.uint64(0x9E3779B97F4A7C15)
DAY = 1079
"""15 December 2020, counted from the first day of the model."""

ACCOUNT_SHARE = 0.62
IOT_SHARE = 0.14
ACCOUNT_STATES = {
    Status.RECRUITER_STOCK: 0.05,
    Status.IN_TRANSIT: 0.06,
    Status.GANG_STOCK: 0.52,
    Status.ACTIVE: 0.29,
    Status.EXHAUSTED: 0.08,
}
SIM_STATES = {
    Status.DEALER_STOCK: 0.07,
    Status.IN_TRANSIT: 0.14,
    Status.GANG_STOCK: 0.22,
    Status.ACTIVE: 0.39,
    Status.EXHAUSTED: 0.18,
}
ACCOUNTS_USED = 0.06
ACCOUNT_FLAGS = {Flag.IDLE: 0.09, Flag.MULTI: 0.39, Flag.REPLACED: 0.05}
SIMS_STOLEN = 0.40

BYTES = 12
"""Bytes that the step must touch of every card: status, kind, uses today, key, and the cause that it writes.
The other columns are read of few cards only, those whose number may remove them.
"""


@dataclass
class Deck:
    """Cards as columns, and the rates of the day, as the kernel takes them (see `sim.kernels.card_step`)."""

    keys: np.ndarray
    status: np.ndarray
    kind: np.ndarray
    region: np.ndarray
    flags: np.ndarray
    detection: np.ndarray
    cleanup: np.ndarray
    own: np.ndarray
    ended: int = int(LIVE)
    uses_today: np.ndarray = field(init=False)
    amount: np.ndarray = field(init=False)
    opened: np.ndarray = field(init=False)
    uses: np.ndarray = field(init=False)
    removed: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        n = len(self.keys)
        self.uses_today = np.zeros(n, dtype=np.uint8)
        self.amount = np.zeros(n, dtype=np.int64)
        self.opened = np.zeros(n, dtype=np.int32)
        self.uses = np.zeros(n, dtype=np.uint16)
        self.removed = np.zeros(n, dtype=np.uint8)
        self.use_factor = np.ones(REGIONS)

    def step(self, day: int) -> np.ndarray:
        """Settle a day: uint8 (n), 0 for a card that stays, else 1 + the cause."""
        from sim.kernels.card_step import card_step

        card_step(
            KEY,
            PROCESS,
            day,
            self.keys,
            self.status,
            self.kind,
            self.region,
            self.flags,
            self.uses_today,
            self.amount,
            self.opened,
            self.uses,
            self.ended,
            30,
            self.detection,
            self.use_factor,
            self.cleanup,
            self.own,
            self.removed,
        )
        return self.removed


def mixed(n: int) -> Deck:
    """So many cards in the mix that the head of this module states."""
    rng = np.random.default_rng(20_201_215)
    accounts = round(ACCOUNT_SHARE * n)
    sims = n - accounts
    kind = np.full(n, Kind.ACCOUNT, dtype=np.uint8)
    kind[accounts:] = np.where(rng.random(sims) < IOT_SHARE, np.uint8(Kind.IOT), np.uint8(Kind.SIM))
    flags = np.zeros(n, dtype=np.uint8)
    for flag, share in ACCOUNT_FLAGS.items():
        flags[:accounts] |= np.where(rng.random(accounts) < share, np.uint8(flag), np.uint8(0))
    flags[accounts:] = np.where(rng.random(sims) < SIMS_STOLEN, np.uint8(Flag.STOLEN), np.uint8(0))
    deck = Deck(
        keys=rng.integers(0, 2**64, n, dtype=np.uint64),
        status=np.concatenate([_states(rng, ACCOUNT_STATES, accounts), _states(rng, SIM_STATES, sims)]),
        kind=kind,
        region=rng.integers(0, REGIONS, n, dtype=np.uint8),
        flags=flags,
        detection=_detection(),
        cleanup=_cleanup(),
        own=_own(),
    )
    used = deck.status == Status.ACTIVE
    used[:accounts] &= rng.random(accounts) < ACCOUNTS_USED
    deck.uses_today[used] = np.where(kind[used] == Kind.ACCOUNT, np.uint8(3), np.uint8(1))
    deck.amount[:accounts][used[:accounts]] = 500_000
    deck.uses[used] = 4
    deck.opened[:] = DAY - rng.exponential(75.0, n)
    return deck


def _states(rng: np.random.Generator, shares: dict[Status, float], n: int) -> np.ndarray:
    return rng.choice(np.array(list(shares), dtype=np.uint8), n, p=list(shares.values()))


def _detection() -> np.ndarray:
    """Coefficients of detection by use."""
    detection = np.zeros((len(Kind), 7))
    detection[:, 4] = 1.0
    detection[Kind.ACCOUNT] = [0.0519, 0.008, 2.0, 0.003, 1e6, 0.0, 0.02]
    detection[Kind.SIM, 0], detection[Kind.IOT, 0] = 0.05, 0.03
    return detection


def _cleanup() -> np.ndarray:
    """Rates of the three criteria for accounts and of the cleanup of phone cards, in all regions."""
    cleanup = np.zeros((6, len(Kind), FLAG_SETS, REGIONS))
    for cause, (flag, rate) in enumerate([(1, 0.0049), (2, 0.0037), (4, 0.0042)]):
        cleanup[cause, Kind.ACCOUNT, (np.arange(FLAG_SETS) & flag) != 0] = rate
    cleanup[3, Kind.SIM] = 0.0005
    return cleanup


def _own() -> np.ndarray:
    """Rates of reclaim and lapse."""
    own = np.zeros((2, len(Status), len(Kind)))
    own[0, Status.RECRUITER_STOCK : LIVE, Kind.ACCOUNT] = 0.00057
    own[1, :LIVE, [Kind.ACCOUNT, Kind.SIM, Kind.IOT]] = 0.00137
    return own


def name_of(cards: int) -> str:
    """The task's name."""
    return f"card step, {cards:,} cards"


def tasks(plan: Plan) -> list[Task]:
    """The bandwidth of the memory, then the card step for each number of cards."""
    common: dict[str, Any] = {"threads": list(plan.threads), "least": plan.least_seconds}
    memory = own("cards", BANDWIDTH, 3.0, what="bandwidth", megabytes=plan.megabytes, **common)
    return [memory, *(own("cards", name_of(n), 3.0 + 3e-7 * n, cards=n, **common) for n in plan.decks)]


def measure(cards: int, threads: Sequence[int], least: float, report: Report) -> dict[str, Any]:
    """Tracked-card-days a second (``rate_1`` on one thread, and so on)."""
    import numba

    deck = mixed(cards)
    found: dict[str, Any] = {"cards": cards}
    for count in threads:
        numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]
        seconds, computed = timed(deck.step, least)
        found |= {f"rate_{count}": cards / seconds, f"cpu_seconds_{count}": computed}
    return found


def timed(step: Callable[[int], Any], least: float) -> tuple[float, float]:
    """Median wall-clock and mean CPU seconds of a step, stepped for ``least`` seconds after a first one."""
    step(DAY)
    seconds: list[float] = []
    computed = time.process_time()
    while sum(seconds) < least or len(seconds) < 5:
        began = time.perf_counter()
        step(DAY + 1 + len(seconds))
        seconds.append(time.perf_counter() - began)
    return float(np.median(seconds)), (time.process_time() - computed) / len(seconds)


def bandwidth(megabytes: int, threads: Sequence[int], least: float, report: Report) -> dict[str, Any]:
    """Bytes a second that this machine moves, by thread count: the better of reading and of copying.

    Reading sums an array of 64-bit numbers far larger than the caches; copying counts bytes read and written.
    """
    source = np.ones(megabytes * 2**17, dtype=np.int64)
    target = np.empty_like(source)
    found: dict[str, Any] = {"megabytes": megabytes}
    for count in threads:
        sources, targets = np.array_split(source, count), np.array_split(target, count)
        with ThreadPoolExecutor(count) as pool:
            reading = _passes(lambda p=pool, s=sources: p.map(np.sum, s), least)  # type: ignore[misc]
            copying = _passes(lambda p=pool, s=sources, t=targets: p.map(np.copyto, t, s), least)  # type: ignore[misc]
        found[f"bytes_{count}"] = max(source.nbytes / reading, 2 * source.nbytes / copying)
    return found


def _passes(go: Callable[[], Iterable[Any]], least: float) -> float:
    """Median seconds of a pass over memory by several threads."""
    return timed(lambda _: list(go()), least)[0]
