"""Studies from Python: what `cardbreak run` and `cardbreak compare` do, without files.

>>> import sim
>>> found = sim.compare("opening-suspension", replicates=10, scale=1000)  # doctest: +SKIP
>>> found.effects.query("outcome == 'cases_registered'")  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from sim.draws.plausible import attached, number_of, smallest
from sim.draws.wish import PLAUSIBLE, DrawsWish
from sim.draws.wish import asked as asked_draws
from sim.scenario import Scenario, load
from sim.study.adviser import Wish, run_until, wish_of
from sim.study.checks import check_comparable, check_names
from sim.study.results import Tables, tables_of
from sim.study.runs import REPLICATES, run_many
from sim.study.variants import Comparison, comparison


def run(
    *scenarios: Scenario | str,
    scale: int | None = None,
    draws: DrawsWish | str | int | None = PLAUSIBLE,
    **options: Any,
) -> Tables:
    """Run scenarios (or names, or files) and return the monthly table and its summary.

    Parameters
    ----------
    scenarios, scale
        What to run; `scale` overrides theirs.
    draws
        Draws of the uncertain parameters, as the option `--draws` takes them: by default the shipped
        plausible ones (where none are shipped, the point values), 20 for the first so many of these,
        "prior:20" for draws of the priors, "FILE.parquet" for a table of one's own, None for the point
        values. Run i takes draw 1 + i mod their number, which is in `manifest["draws_from"]` with its source.
    options
        Those of `run_many`: replicates, seed, jobs, threads, audit, progress, model.

    Runs that failed are named in the manifest. Raises `InputError`, and RuntimeError where no run was
    finished.
    """
    wish = asked_draws(draws)
    loaded = attached([_loaded(scenario, scale) for scenario in scenarios], wish)
    check_names(loaded)
    return _study(loaded, None, options | {"draws": number_of(loaded, wish)})


def compare(
    *scenarios: Scenario | str,
    baseline: Scenario | str = "baseline",
    scale: int | None = None,
    each: bool = False,
    rivals: Sequence[str] = (),
    doses: Sequence[float] = (),
    until_half_width: str | float | None = None,
    most_replicates: int | None = None,
    draws: DrawsWish | str | int | None = PLAUSIBLE,
    **options: Any,
) -> Tables:
    """Compare scenarios with a baseline, run by run; `effects` of the result holds the paired effects.

    An effect is scenario minus baseline. `each`, `rivals` and `doses` add variants as in
    `sim.study.variants.comparison`; `findings` of the result holds what was found besides effects. With
    `until_half_width` ("2%", or a number of cases) replicates are added until the effects on registered cases
    are known that well, `most_replicates` (200) at most; see `sim.study.adviser`. `draws` and `options` as
    for `run`; both runs of a pair take the same draw, and a rival structure has a table of plausible draws of
    its own, where one is shipped.
    """
    drawn = asked_draws(draws)
    base, *loaded = attached([_loaded(scenario, scale) for scenario in (baseline, *scenarios)], drawn)
    check_comparable(loaded, base)
    asked = comparison(loaded, base, each=each, rivals=rivals, doses=doses, draws=drawn)
    check_names(asked.scenarios)
    number = number_of(asked.scenarios, drawn)
    wish = None
    if until_half_width is not None:
        replicates = options.get("replicates", REPLICATES)
        wish = wish_of(str(until_half_width), most_replicates, replicates, number, smallest(asked.scenarios))
    elif most_replicates is not None:
        raise ValueError("most_replicates is the cap of until_half_width, which is not given")
    return _study(list(asked.scenarios), asked, options | {"draws": number}, wish)


def _loaded(scenario: Scenario | str, scale: int | None) -> Scenario:
    whole = scenario if isinstance(scenario, Scenario) else load(scenario)
    return whole if scale is None else whole.with_(scale=scale)


def _study(
    scenarios: list[Scenario], asked: Comparison | None, options: dict[str, Any], wish: Wish | None = None
) -> Tables:
    make = partial(run_many, scenarios, watch=asked.watched if asked is not None else (), **options)
    advice = None
    if asked is None or wish is None:
        runs = make()
    else:
        runs, advice = run_until(asked, wish, options.get("replicates", REPLICATES), make)
    if runs.interrupted:
        raise KeyboardInterrupt
    if not runs.finished:
        raise RuntimeError(f"no run was finished: {runs.failed[0].error}")
    return tables_of(runs, command=["python"], asked=asked, advice=advice)
