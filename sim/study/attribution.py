"""Attribution: which part of what an operation does is due to which group of its measures.

Measures make each other bite or take each other's cards away, so neither the effect of each alone nor what is
lost without it adds up to the whole. Shapley's share of a group is what it adds on average over all orders in
which the groups could have been brought in; the shares add up to the joint effect exactly, in every pair of
runs. It is computed within each pair (draw and replicate share all chance), so that its interval holds what
the pair shares. Up to `EXACT` groups every combination is run; beyond that orders are drawn, each with its
reverse, and what they add stands for all.

Next to it stand the two simple answers: *add-one-in*, the group alone against the baseline, and
*leave-one-out*, the whole against the whole without the group.

Who did what hangs on how the world is thought to work, which no run of one structure can show. So the same
combinations can be run in rival structures too, each with draws of its own, and their shares stand beside.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sim.draws.plausible import MAIN
from sim.errors import Fault, InputError, nearest
from sim.experiment import Experiment, Point
from sim.study.additions import added
from sim.study.compare import NATION
from sim.study.estimates import draws_of, interval_name, matched, mean_interval, ratio
from sim.study.sweep import Sweep
from sim.study.sweep_tables import outcome_of, window_of
from sim.study.variants import all_under, rival_names
from sim.study.windows import Window, over_window

if TYPE_CHECKING:
    from sim.draws.wish import DrawsWish
    from sim.interventions.base import Measure
    from sim.observe.parts import SweepFolder
    from sim.scenario import Scenario

EXACT = 6
"""Up to so many groups every combination is run: 64 of them."""

MOST_GROUPS = 20

FAMILIES: dict[str, tuple[str, ...]] = {
    "arrests": ("cluster_campaign", "insider_investigation", "five_year_ban", "border_repatriation"),
    "opening": ("institution_inspection", "opening_suspension", "blacklist_sharing"),
    "cleanup": ("account_cleanup", "phone_card_cleanup", "iot_card_review", "one_pass_check"),
    "funds": ("risk_control_linkage", "police_bank_link", "transfer_limits", "stablecoin_limits"),
    "people": ("publicity", "antifraud_app", "dissuasion_orders", "warning_line"),
}
"""Groups of measures where the user names none: what they work on."""

Coalition = frozenset[str]
Worlds = Mapping[Coalition, "Scenario"]
"""The scenario of every combination of groups."""


@dataclass(frozen=True)
class Group:
    """Measures that are credited together."""

    name: str
    measures: tuple[Measure, ...]


def groups_of(scenario: Scenario, baseline: Scenario, asked: Sequence[str] = ()) -> tuple[Group, ...]:
    """Groups of the measures that a scenario adds to its baseline.

    ``asked`` holds ``NAME=ID,ID,..`` with ids of measures; what no group names is a group "other". Without
    any the groups are `FAMILIES`. Raises `InputError`.
    """
    extra = added(scenario, baseline)
    if not extra:
        what, mend = "adds no measure to its baseline", "Name a scenario with measures of its own."
        raise InputError([Fault(scenario.name, None, "", what, mend)])
    if asked:
        names = _read(asked, [measure.id for measure in extra])
        home = {member: name for name, members in names.items() for member in members}
        place = {measure.id: home.get(measure.id, "other") for measure in extra}
    else:
        family = {kind: name for name, kinds in FAMILIES.items() for kind in kinds}
        place = {measure.id: family.get(measure.measure, "other") for measure in extra}
    order = [*dict.fromkeys(place.values())]
    if len(order) > MOST_GROUPS:
        raise InputError([Fault("--group", None, "", f"makes more than {MOST_GROUPS} groups", "Join some.")])
    return tuple(Group(name, tuple(m for m in extra if place[m.id] == name)) for name in order)


def _read(asked: Sequence[str], known: Sequence[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    faults: list[Fault] = []
    for text in asked:
        name, equals, members = text.partition("=")
        if not equals or not name.isidentifier():
            faults.append(_wrong("must be NAME=ID,ID, with a plain name", "Write --group arrests=campaign."))
            continue
        groups[name] = [member.strip() for member in members.split(",")]
        for member in groups[name]:
            if member not in known:
                mend = f"The added measures are {', '.join(known)}."
                faults.append(_wrong(f"no measure {member[:60]!r} is added", mend, nearest(member, known)))
            elif sum(member in others for others in groups.values()) > 1:
                faults.append(_wrong(f"{member} stands in two groups", "Name it once."))
    if faults:
        raise InputError(faults)
    return groups


def _wrong(what: str, mend: str, near: str | None = None) -> Fault:
    return Fault("--group", None, "", what, mend, near)


def orders(groups: Sequence[str], count: int, seed: int) -> list[tuple[str, ...]]:
    """Orders in which groups come in: all of them up to `EXACT` groups, else ``count`` drawn ones.

    Half of the drawn ones are the others reversed, which cancels what is odd in the order.
    """
    if len(groups) <= EXACT:
        return list(itertools.permutations(groups))
    random = np.random.Generator(np.random.PCG64(seed))
    drawn = [tuple(groups[k] for k in random.permutation(len(groups))) for _ in range(-(-count // 2))]
    return [order for one in drawn for order in (one, one[::-1])]


def coalitions(groups: Sequence[str], chosen: Iterable[tuple[str, ...]]) -> list[Coalition]:
    """Every combination of groups that an answer needs, the empty one first and the whole last."""
    found = {frozenset(order[:k]) for order in chosen for k in range(len(order) + 1)}
    found |= {frozenset([name]) for name in groups} | {frozenset(groups) - {name} for name in groups}
    place = {name: k for k, name in enumerate(groups)}
    return sorted(found, key=lambda c: (len(c), sorted(place[name] for name in c)))


def coalition_scenario(
    scenario: Scenario, baseline: Scenario, groups: Sequence[Group], members: Coalition
) -> Scenario:
    """The scenario with the measures of some groups only; of none it is the baseline, of all itself."""
    if not members:
        return baseline
    if len(members) == len(groups):
        return scenario
    out = {id(m) for group in groups if group.name not in members for m in group.measures}
    kept = tuple(measure for measure in scenario.interventions if id(measure) not in out)
    bits = "".join("1" if group.name in members else "0" for group in groups)
    return scenario.with_(name=f"{scenario.name[:50]}-groups-{bits}", interventions=kept)


def worlds_of(
    scenario: Scenario,
    baseline: Scenario,
    groups: Sequence[Group],
    chosen: Iterable[tuple[str, ...]],
    rivals: Iterable[str],
    wish: DrawsWish,
) -> dict[str, Worlds]:
    """The worlds of each structure, the main model first; ``wish`` says which draws the rivals take.

    Raises `InputError` for a rival that there is not.
    """
    main = {
        members: coalition_scenario(scenario, baseline, groups, members)
        for members in coalitions([group.name for group in groups], chosen)
    }
    found: dict[str, Worlds] = {MAIN: main}
    for rival in rival_names(rivals):
        found[rival] = dict(zip(main, all_under(list(main.values()), rival, wish), strict=True))
    return found


def as_sweep(
    scenario: Scenario,
    groups: Sequence[Group],
    structures: Mapping[str, Worlds],
    replicates: int,
    draws: int | None,
    seed: int,
) -> Sweep:
    """The combinations as a sweep, a point each, whose levers say which groups are in."""
    experiment = Experiment(
        name=f"attribute-{scenario.name[:60]}",
        title=f"Shares of {scenario.title or scenario.name}",
        scenarios=[scenario.name],
    )
    points = tuple(
        Point(world, scenario.name, {group.name: group.name in members for group in groups})
        for worlds in structures.values()
        for members, world in worlds.items()
    )
    return Sweep(experiment, points, replicates, draws, seed)


def table(
    folder: SweepFolder,
    sweep: Sweep,
    groups: Sequence[Group],
    structures: Mapping[str, Worlds],
    chosen: Sequence[tuple[str, ...]],
) -> pd.DataFrame:
    """The attribution that a sweep's runs give so far, over the window of comparisons; `structure` says in
    which world.
    """
    monthly = folder.monthly()
    if monthly.empty:
        return monthly
    found = []
    for structure, worlds in structures.items():
        names = {members: world.name for members, world in worlds.items()}
        ours = monthly[monthly["scenario"].isin(names.values())]
        rows = attribution(ours, names, groups, chosen, outcome_of(sweep), window_of(sweep))
        rows.insert(0, "structure", structure)
        found.append(rows)
    whole = [rows for rows in found if len(rows)]
    return pd.concat(whole, ignore_index=True) if whole else found[0]


@dataclass(frozen=True)
class Attributed:
    """What one group is credited with, over one window; a row of `attribution.csv`.

    ``share`` is the Shapley share as a part of the joint effect (NaN where that cannot be told from 0). Every
    low and high is a 90% interval of a mean.
    """

    group: str
    measures: str
    outcome: str
    window_start: str
    window_end: str
    shapley: float
    shapley_low: float
    shapley_high: float
    share: float
    share_low: float
    share_high: float
    alone: float
    alone_low: float
    alone_high: float
    without: float
    without_low: float
    without_high: float
    interval: str
    pairs: int


def attribution(
    monthly: pd.DataFrame,
    names: Mapping[Coalition, str],
    groups: Sequence[Group],
    chosen: Sequence[tuple[str, ...]],
    outcome: str,
    window: Window,
) -> pd.DataFrame:
    """A row for each group, and the joint effect last.

    ``monthly`` is the results table, ``names`` the scenario of each combination, ``chosen`` the orders.
    """
    values = over_window(monthly[monthly["region"] == NATION], window, [outcome])[outcome]
    there = set(values.index.get_level_values("scenario"))
    pairs = matched({c: values.loc[name] for c, name in names.items() if name in there})
    if pairs.empty or len(pairs.columns) < len(names):
        return pd.DataFrame(columns=list(Attributed.__dataclass_fields__))
    draws = draws_of(pairs)
    whole, nothing = frozenset(group.name for group in groups), frozenset[str]()
    of = {coalition: pairs[coalition].to_numpy() for coalition in names}
    joint = of[whole] - of[nothing]
    rows = [
        _row(
            (group.name, ", ".join(measure.id for measure in group.measures), outcome, window),
            _shapley(group.name, of, chosen),
            of[frozenset([group.name])] - of[nothing],
            of[whole] - of[whole - {group.name}],
            joint,
            draws,
        )
        for group in groups
    ]
    every = ", ".join(measure.id for group in groups for measure in group.measures)
    rows.append(_row(("all together", every, outcome, window), joint, joint, joint, joint, draws))
    return pd.DataFrame([vars(row) for row in rows])


def _shapley(name: str, of: Mapping[Coalition, np.ndarray], chosen: Sequence[tuple[str, ...]]) -> np.ndarray:
    """What a group adds in each pair, float64 (pairs), on average over orders."""
    weights: dict[Coalition, int] = {}
    for order in chosen:
        before = frozenset(order[: order.index(name)])
        weights[before] = weights.get(before, 0) + 1
    steps = [weight * (of[before | {name}] - of[before]) for before, weight in weights.items()]
    return np.asarray(np.sum(steps, axis=0) / len(chosen))


def _row(
    about: tuple[str, str, str, Window],
    shapley: np.ndarray,
    alone: np.ndarray,
    without: np.ndarray,
    joint: np.ndarray,
    draws: np.ndarray,
) -> Attributed:
    name, measures, outcome, window = about
    part = ratio(shapley, joint, draws)
    spans: dict[str, Any] = {}
    for what, data in (("shapley", shapley), ("alone", alone), ("without", without)):
        low, high = mean_interval(data, draws)
        spans |= {what: float(data.mean()), f"{what}_low": low, f"{what}_high": high}
    return Attributed(
        group=name,
        measures=measures,
        outcome=outcome,
        window_start=window.start.isoformat(),
        window_end=window.end.isoformat(),
        share=part.value,
        share_low=part.low,
        share_high=part.high,
        interval=interval_name(draws, math.nan if len(draws) < 2 else spans["shapley_low"]),
        pairs=len(draws),
        **spans,
    )
