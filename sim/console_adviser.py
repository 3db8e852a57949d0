"""What `compare --until-half-width` does: say what it takes, make runs, look, say what more it takes."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from sim.console import COMPILING, Options, runs_of
from sim.errors import Fault, InputError

if TYPE_CHECKING:
    from sim.study.adviser import Advice, Look, Wish
    from sim.study.run_set import RunSet
    from sim.study.variants import Comparison
    from sim.views.progress import Display


def wish(width: str, most: int | None, asked: Comparison, options: Options) -> Wish | None:
    """What the options ask for; None without a width. Raises `InputError`."""
    if width:
        from sim.draws.plausible import smallest
        from sim.study.adviser import wish_of

        draws, there = options.draws_for(asked.scenarios), smallest(asked.scenarios)
        return wish_of(width, most, options.replicates, draws, there)
    if most is not None:
        what, mend = "says when to stop adding replicates, which nothing asks for", "Add --until-half-width."
        raise InputError([Fault("--most-replicates", None, "", what, mend)])
    return None


def runs_until(asked: Comparison, wish: Wish, options: Options, display: Display) -> tuple[RunSet, Advice]:
    """Make runs until the wish is met, with the cost stated before the first and after each look."""
    from sim.study.adviser import run_until

    def make(*, replicates: int, there: RunSet | None) -> RunSet:
        more = replace(options, replicates=replicates)
        return runs_of(asked.scenarios, more, display, asked.watched, there)

    if not display.quiet:
        display.say(_beginning(asked, wish, options, display))
    return run_until(
        asked, wish, options.replicates, make, lambda look, runs: display.say(_progress(look, runs, wish))
    )


def _beginning(asked: Comparison, wish: Wish, options: Options, display: Display) -> str:
    from sim.study.compiling import warm_up
    from sim.study.sweep import pace
    from sim.views.progress import duration

    warm_up(lambda: display.say(COMPILING))
    scenarios, jobs = len(asked.scenarios), options.jobs or os.cpu_count() or 1
    _, seconds = pace(asked.scenarios[-1], options.seed)
    first, most = (
        f"{scenarios * pairs} runs, about {duration(scenarios * pairs * seconds / jobs)}"
        for pairs in (options.replicates, wish.most)
    )
    why = ", one for each of the draws" if wish.draws_limit else ""
    return (
        f"to begin with, {options.replicates} pairs of {scenarios} scenarios: {first} with {jobs} at a time; "
        f"they will tell how many pairs ±{wish.width} takes; at most {wish.most}{why}: {most}"
    )


def _progress(look: Look, runs: RunSet, wish: Wish) -> str:
    """What a look has shown, how many pairs are needed, what the next ones take."""
    from sim.study.adviser import about
    from sim.views.precision import reach
    from sim.views.progress import duration

    widest, further = look.widest, look.further or look.replicates
    more = (further - look.replicates) * len(runs.scenarios)
    left = duration(more * runs.seconds / len(runs.runs))
    known = reach(widest.half_width, widest.level)
    takes = f"±{wish.width} takes {about(widest.pairs_for_width)} pairs"
    if widest.pairs_for_width is None or widest.pairs_for_width > wish.most:
        takes += f", the cap of {wish.most} reaches about {reach(look.reachable, widest.level)}"
    return (
        f"{widest.pairs} pairs: the effect of {widest.scenario} is known to {known}; {takes}; "
        f"going on to {further}: {more} more runs, about {left}"
    )
