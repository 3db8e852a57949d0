"""The recorder: integers by day and region, flushed to a row a month.

A Mesa user will know :meth:`Recorder.get_model_vars_dataframe`; it is the nation's part of :meth:`monthly`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sim.kernels.tally import tally_amounts_into, tally_into
from sim.observe.outcomes import OUTCOMES
from sim.world.codes import POOLS, Channel, Status
from sim.world.regions import NATION

if TYPE_CHECKING:
    import pandas as pd

    from sim.model import FraudSupplyChain

ABROAD = "ABROAD"
CHANNEL_COUNTS = {kind: f"cases_{kind.label}" for kind in Channel}
"""The outcome that counts the cases of each channel."""

PRICES = ("price_gang_yuan", "price_dealer_yuan", "price_opener_yuan")
YUAN = ("losses_yuan", "frozen_yuan", "gang_income_yuan")
WEEKLY = ("cases_true", "cases_registered", "orders_filled")
"""Flows that the nation's weekly series hold, for what happens faster than months show."""


class Recorder:
    """Counts of one run.  Places are the regions and, last, abroad; the nation is their sum."""

    remade: ClassVar[tuple[str, ...]] = ("_tables",)

    def __init__(self, model: FraudSupplyChain) -> None:
        self.model = model
        self.places = model.regions.n + 1
        self._month: dict[str, np.ndarray] = {}
        self._tables: dict[tuple[str, ...], np.ndarray] = {}
        self._value: dict[str, np.ndarray] = {name: np.zeros(self.places, dtype=np.int64) for name in PRICES}
        self._volume: dict[str, np.ndarray] = {name: np.zeros(self.places, dtype=np.int64) for name in PRICES}
        p = model.parameters
        first = {name: p.number(f"market.{name.removesuffix('_yuan')}_start") for name in PRICES}
        self._quotes = {name: np.full(self.places, value) for name, value in first.items()}
        self._nation = dict(first)
        self._rows: list[tuple[date, dict[str, np.ndarray], dict[str, float]]] = []
        self.totals: dict[str, int] = {}
        self._deeds: dict[tuple[str, str], float] = {}
        self._deed_rows: list[tuple[date, str, str, float]] = []
        self._weeks: list[list[int]] = []

    def count(self, name: str, place: np.ndarray, amount: np.ndarray | None = None) -> None:
        """Add simulated counts (or fen) of today by place number (n)."""
        if not len(place):
            return
        if amount is None:
            tally_into(self._counts(name), place)
        else:
            tally_amounts_into(self._counts(name), place, amount)

    def add(self, name: str, by_place: np.ndarray) -> None:
        """Add counts already summed by region (regions or places)."""
        self._counts(name)[: len(by_place)] += by_place

    def _counts(self, name: str) -> np.ndarray:
        """Counts of a name in this month by place, int64 (places)."""
        counts = self._month.get(name)
        if counts is None:
            counts = self._month[name] = np.zeros(self.places, dtype=np.int64)
        return counts

    def table(self, names: tuple[str, ...]) -> np.ndarray:
        """Counts of the month of several outcomes, int64 (names, places), for a kernel to add to.

        An outcome stands in one table only.
        """
        if names not in self._tables:
            rows = np.zeros((len(names), self.places), dtype=np.int64)
            for name, row in zip(names, rows, strict=True):
                row += self._month.get(name, 0)
                self._month[name] = row
            self._tables[names] = rows
        return self._tables[names]

    def price(self, name: str, place: np.ndarray, fen: np.ndarray, units: np.ndarray) -> None:
        """Add trades: money in fen and units, by place (n)."""
        tally_amounts_into(self._value[name], place, fen)
        tally_amounts_into(self._volume[name], place, units)

    def deed(self, measure: str, what: str, value: float) -> None:
        """Add to what a measure did this month, in real-world units."""
        if value:
            self._deeds[measure, what] = self._deeds.get((measure, what), 0.0) + value

    def credit(self, measure: str, count: float, *, real: bool = False) -> None:
        """Credit a measure with a simulated count (a real one if ``real``) of what it alone brought about."""
        self.deed(measure, "attributed", count if real else count * self.model.scale)

    def credit_parts(self, what: str, region: np.ndarray) -> None:
        """Credit events (n) by region to the measures that wrote ``what`` today, by their parts there."""
        if len(region) and what in self.model.policy.parts:
            self.credit_weights(what, np.bincount(region, minlength=self.model.regions.n))

    def credit_weights(self, what: str, by_region: np.ndarray) -> None:
        """Credit an amount by region (regions) to the measures that wrote ``what`` today, by their parts."""
        parts = self.model.policy.parts.get(what)
        if not parts or not np.count_nonzero(by_region):
            return
        if len(parts) == 1:  # as nearly always: all of it, wherever the measure acts
            ((measure, part),) = parts.items()
            self.credit(measure, float((part > 0.0).astype(np.float64) @ by_region))
            return
        total = sum(parts.values(), np.zeros(self.model.regions.n))
        for measure, part in parts.items():
            share = np.divide(part, total, out=np.zeros_like(total), where=total > 0.0)
            self.credit(measure, float(share @ by_region))

    def credit_shares(self, shares: Mapping[str, float], amount: float) -> None:
        """Credit an amount to measures by fixed shares."""
        total = sum(shares.values())
        for measure, share in shares.items():
            if total > 0.0:
                self.credit(measure, amount * share / total)

    def quote(self, name: str) -> float:
        """The nation's last monthly price, yuan."""
        return self._nation[name]

    def end_week(self) -> None:
        """Note what the nation's weekly flows have added up to so far."""
        nothing = np.zeros(0, dtype=np.int64)
        self._weeks.append(
            [self.totals.get(name, 0) + int(self._month.get(name, nothing).sum()) for name in WEEKLY]
        )

    def end_month(self, first_day: date) -> None:
        """Close the month that began on ``first_day``."""
        counts = {name: np.zeros(self.places, dtype=np.int64) for name in OUTCOMES} | self._month
        self._month, self._tables = {}, {}
        self._stocks(counts)
        for name in PRICES:
            value, volume = self._value[name], self._volume[name]
            traded = volume > 0
            self._quotes[name] = np.where(traded, value / np.maximum(volume, 1) / 100.0, self._quotes[name])
            if volume.sum():
                self._nation[name] = float(value.sum() / volume.sum() / 100.0)
            value[:] = 0
            volume[:] = 0
        for name, values in counts.items():
            self.totals[name] = self.totals.get(name, 0) + int(values.sum())
        prices = {name: quotes.copy() for name, quotes in self._quotes.items()}
        awareness = np.append(self.model.awareness, 0.0)
        nation = dict(self._nation) | {"awareness": float(self.model.regions.share @ self.model.awareness)}
        self._deed_rows += [(first_day, *name, value) for name, value in sorted(self._deeds.items())]
        self._deeds = {}
        self._rows.append((first_day, counts | prices | {"awareness": awareness}, nation))

    def _stocks(self, counts: dict[str, np.ndarray]) -> None:
        m = self.model
        g, d, cards = m.gangs, m.dealers, m.accounts
        counts["gangs"] = np.bincount(g.region[g.alive == 1], minlength=self.places)
        counts["dealers"] = np.bincount(d.region[d.alive == 1], minlength=self.places)
        where = {
            "cards_active": cards.status == Status.ACTIVE,
            "cards_gang_stock": (cards.status == Status.GANG_STOCK) | (cards.status == Status.IN_TRANSIT),
            "cards_dealer_stock": (cards.status == Status.RECRUITER_STOCK)
            | (cards.status == Status.DEALER_STOCK),
        }
        for name, mask in where.items():
            counts[name] = np.bincount(cards.region_open[mask], minlength=self.places)
        using = m.sims.status == Status.ACTIVE
        counts["sims_active"] = np.bincount(m.sims.region_open[using], minlength=self.places)

    @property
    def months(self) -> int:
        """How many months are closed."""
        return len(self._rows)

    def monthly(self, since: int = 0) -> pd.DataFrame:
        """One row a month and place: month, region (``CN`` first, then regions, then ``ABROAD``), outcomes.

        Counts and yuan are in real-world units.  Regions and abroad add up to the nation.  ``since``: how
        many of the first months to leave out.
        """
        import pandas as pd

        codes = [NATION, *self.model.regions.codes, ABROAD]
        frames = []
        for first, counts, nation in self._rows[since:]:
            columns: dict[str, object] = {"month": pd.Timestamp(first), "region": codes}
            for name in OUTCOMES:
                columns[name] = self._column(name, counts, nation)
            frames.append(pd.DataFrame(columns))
        table = pd.concat(frames, ignore_index=True)
        table["month"] = table["month"].astype("datetime64[ns]")
        return table

    def deeds(self) -> pd.DataFrame:
        """What each measure did, month by month: month, measure (its id), what, value in real-world units.

        ``what``: ``units`` of its dose delivered; ``attributed``, the count that it alone brought about;
        illicit openings at the outlets or banks that it aims at (``outlet_here``, ``issuer_here``) and at
        all others (``outlet_elsewhere``, ``issuer_elsewhere``).
        """
        import pandas as pd

        rows = sorted([*self._deed_rows, *self.model.footprints.deeds()])
        table = pd.DataFrame(rows, columns=["month", "measure", "what", "value"])
        return table.astype({"month": "datetime64[ns]", "value": "float64"})

    def weekly(self) -> pd.DataFrame:
        """The nation by weeks of seven days from the first day of the run on, whole weeks only.

        Columns: week (its first day), then `WEEKLY` in real-world units, float64.
        """
        import pandas as pd

        sums = np.array(self._weeks, dtype=np.int64).reshape(-1, len(WEEKLY))
        flows = np.diff(sums, axis=0, prepend=0) * float(self.model.scale)
        table = pd.DataFrame(flows, columns=list(WEEKLY))
        first = pd.Timestamp(self.model.scenario.start)
        weeks = pd.date_range(first, periods=len(table), freq="7D", unit="ns")
        table.insert(0, "week", weeks)
        return table

    def _column(self, name: str, counts: dict[str, np.ndarray], nation: dict[str, float]) -> np.ndarray:
        if name in nation:
            return np.concatenate([[nation[name]], counts[name]])
        if name in ("own_account_share", "substitute_share"):
            return self._shares(name, counts)
        whole = np.concatenate([[counts[name].sum()], counts[name]])
        scale = self.model.scale if OUTCOMES[name].scaled else 1
        return whole * scale / 100.0 if name in YUAN else whole * scale

    def _shares(self, name: str, counts: dict[str, np.ndarray]) -> np.ndarray:
        zero = np.zeros(self.places, dtype=np.int64)
        by = {kind: counts.get(label, zero) for kind, label in CHANNEL_COUNTS.items()}
        kinds = (Channel.OWN,) if name == "own_account_share" else POOLS
        part = sum((by[kind] for kind in kinds), zero)
        total = sum(by.values(), zero)
        part, total = np.append(part.sum(), part), np.append(total.sum(), total)
        return np.asarray(np.divide(part, total, out=np.zeros(len(total)), where=total > 0))

    def get_model_vars_dataframe(self) -> pd.DataFrame:
        """The nation's months, indexed by month, as a Mesa DataCollector would give them."""
        table = self.monthly()
        return table[table["region"] == NATION].drop(columns="region").set_index("month")

    def counts(self) -> dict[str, int]:
        """Raw simulated counts (not scaled) and fen over the whole run, by name."""
        return dict(sorted(self.totals.items()))
