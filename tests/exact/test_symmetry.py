"""Check A23: names do not matter - relabelled regions or issuers permute the outputs.

Every random number is keyed by who decides, so relabelling can be followed exactly, with one exception: where
something is given a region by a number (a victim, a newcomer's home), the number walks through the regions in
their order.  Two tests therefore stand side by side: an exact one, in which those walks keep the old order,
so that everything else has to follow the labels; and a statistical one, in which nothing is touched.
"""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from reference import RARE
from scipy import stats

import sim.model
import sim.world.openers
from sim.agents.institutions import Banks
from sim.agents.population import Population
from sim.arrays import interval
from sim.kernels import cases
from sim.model import FraudSupplyChain
from sim.scenario import Scenario, load, shipped_folder
from sim.scenario.parameters import Parameters
from sim.world.ordinary import OrdinaryCards
from sim.world.outlets import Outlets
from sim.world.regions import Regions, read_regions

NO_INSIDERS = "parameters.insiders.outlet_share=0"
"""Cards of insiders come in the order of outlets, that is of regions, and the oldest card is sold first."""


def shuffled(n: int) -> np.ndarray:
    """Which old number each new one stands for: no number keeps its place."""
    order = np.random.default_rng(23).permutation(n)
    assert (order != np.arange(n)).sum() >= n - 2
    return order


class Relabelling:
    """Another order of the regions, ``old[new]`` and ``new[old]``, built into a model by patches."""

    def __init__(self, patch: pytest.MonkeyPatch, regions: int) -> None:
        self.old = shuffled(regions)
        self.new = np.argsort(self.old)
        self.patch = patch

    def regions(self, *args: object) -> Regions:
        """The regions in their new order."""
        before = read_regions(*args)  # type: ignore[arg-type]
        return Regions(
            tuple(np.array(before.codes)[self.old].tolist()),
            tuple(np.array(before.names)[self.old].tolist()),
            before.adults[self.old],
        )

    def names(self) -> None:
        """Give the model regions in another order, and nothing else."""
        self.patch.setattr(sim.model, "read_regions", self.regions)

    def walks(self) -> None:
        """Let numbers walk through the regions in the old order, and keep outlets and cells who they were."""
        old, new = self.old, self.new
        regions_of, potential_cases = Population.regions_of, cases.potential_cases

        def by_number(edges: np.ndarray, at: np.ndarray) -> np.ndarray:
            weight = np.diff(edges, prepend=0.0)[new]
            return new[interval(np.cumsum(weight), at)]

        def in_old_order(*given: Any) -> tuple[np.ndarray, ...]:
            *others, weight = given
            gang, key, method, region, *rest = potential_cases(*others, np.ascontiguousarray(weight[new]))
            return gang, key, method, new[region], *rest

        class SameOutlets(Outlets):
            def __init__(self, regions: Regions, *args: object, **options: object) -> None:
                before = Regions(regions.codes, regions.names, regions.adults[new])
                super().__init__(before, *args, **options)  # type: ignore[arg-type]
                label = new[self.region]
                order = np.argsort(label, kind="stable")
                for name, value in list(vars(self).items()):
                    if isinstance(value, np.ndarray) and len(value) == self.n:
                        setattr(self, name, value[order])
                self.region = label[order].astype(np.uint8)
                self.first = np.searchsorted(self.region, np.arange(regions.n + 1))
                self.cumulative = np.cumsum(self.laxity)

        class SameCells(OrdinaryCards):
            def __init__(self, p: Parameters, regions: Regions) -> None:
                super().__init__(p, regions)
                self._keys = self._keys[:, old]

        self.patch.setattr(sim.world.openers, "interval", by_number)
        self.patch.setattr(
            Population, "regions_of", lambda own, keys, weight: new[regions_of(own, keys, weight[new])]
        )
        self.patch.setattr(cases, "potential_cases", in_old_order)
        self.patch.setattr(sim.model, "Outlets", SameOutlets)
        self.patch.setattr(sim.model, "OrdinaryCards", SameCells)


def finished(scenario: Scenario, replicate: int = 0) -> FraudSupplyChain:
    """A model that was run to its end."""
    model = FraudSupplyChain(scenario, replicate=replicate)
    model.run_model()
    return model


def monthly(model: FraudSupplyChain) -> pd.DataFrame:
    """Months of a run by month and code of the place, rows sorted."""
    return model.recorder.monthly().set_index(["month", "region"]).sort_index()


def in_parts_of_the_country(scenario: Scenario) -> Scenario:
    """The scenario with each measure at work in two thirds of the regions, where it can be so."""
    codes = np.array(read_regions(shipped_folder() / "evidence").codes)
    measures = []
    for number, measure in enumerate(scenario.interventions):
        some = codes[(np.arange(len(codes)) + number) % 3 > 0].tolist()
        whole = measure.measure == "institution_inspection"
        measures.append(measure if whole else measure.model_copy(update={"regions": some}))
    return scenario.with_(interventions=tuple(measures))


def test_a23_relabelled_regions_permute_every_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    """A23: with all measures at work, every number of every region goes where its label goes, and so
    does what the trade believes.

    Honest cards cleaned though wanted are drawn by the place of their cell in the table, and left out.
    """
    dates = {"start": "2020-07-01", "end": "2021-03-15"}
    whole = load("card-broken-2020", sets=["scale=800", NO_INSIDERS], **dates)
    scenario = in_parts_of_the_country(whole)
    model = finished(scenario)
    relabelling = Relabelling(monkeypatch, 31)
    relabelling.names()
    relabelling.walks()
    other = finished(scenario)
    before, after = monthly(model), monthly(other)
    assert set(before.index.unique("region")) == set(after.index.unique("region"))
    for name in before.columns.drop("closed_false"):
        assert np.allclose(after[name], before[name], rtol=1e-9), name
    for name in ("gang_removal", "dealer_removal", "opener_belief"):
        places = getattr(model.signals, name)
        label = relabelling.old if len(places) == 31 else np.append(relabelling.old, 31)
        assert np.allclose(getattr(other.signals, name), places[label], rtol=1e-9), name
    counts = ["openings_illicit", "cases_true", "cards_seized", "gangs", "openings_refused_legitimate"]
    assert (before[counts] == after[counts]).all(axis=None)
    for name, places in (("cases_true", 20), ("openings_illicit", 10), ("arrests_opener", 5)):
        assert before[name].groupby("region").sum().nunique() > places, name


def test_a23_relabelled_issuers_change_names_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """A23: banks that swap numbers swap their cards and their effort; every outcome is the same.

    Banks decide on the weekday of their number, so numbers move among those of one weekday.
    """
    scenario = load("card-broken-2020", sets=["scale=1000"], start="2021-01-01", end="2021-08-31")
    model = finished(scenario)
    old = np.arange(model.banks.n)
    for weekday in range(7):
        old[weekday::7] = old[weekday::7][shuffled(len(old[weekday::7]))]
    new = np.argsort(old)

    class SameBanks(Banks):
        def __init__(self, model: FraudSupplyChain) -> None:
            super().__init__(model)
            for name, value in list(vars(self).items()):
                if isinstance(value, np.ndarray) and len(value) == self.n:
                    setattr(self, name, value[old])

    class SameOutlets(Outlets):
        def __init__(
            self, regions: Regions, count: int, exponent: float, shares: np.ndarray, *rest: Any
        ) -> None:
            super().__init__(regions, count, exponent, shares[new], *rest)
            self.bank = new[self.bank].astype(np.int16)

    monkeypatch.setattr(sim.model, "Banks", SameBanks)
    monkeypatch.setattr(sim.model, "Outlets", SameOutlets)
    other = finished(scenario)
    before, after = model.recorder.monthly(), other.recorder.monthly()
    for name in before.columns.drop(["month", "region"]):
        assert np.allclose(after[name], before[name], rtol=1e-9), name
    assert np.array_equal(np.append(new, -1)[model.accounts.issuer], other.accounts.issuer)
    assert np.array_equal(model.banks.effort[old], other.banks.effort)
    assert np.ptp(model.banks.effort) > 0.0


def test_a23_the_order_of_regions_changes_no_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    """A23: with nothing held in place, another order of the regions draws from the same distributions.

    Rule, over six runs each of independent chance: victims' regions, which are drawn one by one, agree by
    chi-square (p > 1e-4); of openings, dealers and gangs at home, which come in clusters, the share of the
    first fifteen codes lies within 4.5 standard errors estimated from the runs (Student's t of 10 degrees of
    freedom: one in a thousand); two fifths of it could be told.
    """
    scenario = load("no-measures", sets=["scale=200"], start="2020-01-01", end="2020-02-29")
    runs = [pd.concat([monthly(finished(scenario, k)) for k in range(6)], keys=range(6))]
    Relabelling(monkeypatch, 31).names()
    runs.append(pd.concat([monthly(finished(scenario, k)) for k in range(6, 12)], keys=range(6, 12)))
    totals = [run.drop("CN", level="region").groupby(level=[0, "region"]).sum() for run in runs]
    victims = np.stack([t["cases_true"].groupby("region").sum().drop("ABROAD") / 200 for t in totals])
    assert victims.sum() > 2000
    assert stats.chi2_contingency(victims).pvalue > RARE
    for name in ("openings_illicit", "dealers", "gangs"):
        table = [t[name].unstack("region").drop(columns="ABROAD") for t in totals]
        share = [t.iloc[:, :15].sum(axis=1) / t.sum(axis=1) for t in table]
        error = 4.5 * np.sqrt(sum(s.var() / len(s) for s in share))
        assert error < 0.4 * share[0].mean(), f"{name}: the sample could never decide"
        assert abs(share[0].mean() - share[1].mean()) < error, name
