"""Pages of the parameters: the passport of each, and where in the code it is read.

Where a number is read is seen: a model is built and run for some weeks with parameters that note who asks, so
that a name that is put together meanwhile is found too. What so small a run does not come to is found in the
source, where the whole name stands.
"""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Mapping
from functools import cache

from sim.documents import evidence_rows, words
from sim.documents.equations import DAY
from sim.documents.page import code, joined, table
from sim.scenario import Scenario, load
from sim.scenario.parameters import Parameters, Passport, Value

DAYS = ("scale=100000", "start=2018-01-01", "end=2018-02-28")
"""The small run in which reading is seen."""


class Watched(Parameters):
    """Parameters that note which function reads which of them, in ``readers``: names by id."""

    readers: dict[str, set[str]]

    def __getitem__(self, identifier: str) -> Value:
        frame = inspect.currentframe()
        while frame is not None and frame.f_globals.get("__name__") in (__name__, Parameters.__module__):
            frame = frame.f_back
        if frame is not None:
            function = frame.f_code.co_qualname.split(".<")[0]
            self.readers.setdefault(identifier, set()).add(f"{frame.f_globals['__name__']}.{function}")
        return super().__getitem__(identifier)


@cache
def readers() -> Mapping[str, frozenset[str]]:
    """The functions that read each parameter, by its id."""
    from sim.model import FraudSupplyChain

    scenario = load("card-broken-2020", sets=DAYS)
    watched = Watched(scenario.parameters.passports)
    watched.readers = {}
    FraudSupplyChain(scenario.with_(parameters=watched)).run_model()
    for module, function, node in words.functions(DAY):
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and part.value in scenario.parameters:
                watched.readers.setdefault(str(part.value), set()).add(f"{module}.{function}")
    return {name: frozenset(who) for name, who in watched.readers.items()}


def groups(scenario: Scenario) -> dict[str, list[Passport]]:
    """The passports by the file that holds them."""
    found: dict[str, list[Passport]] = {}
    for passport in scenario.parameters.passports.values():
        found.setdefault(passport.id.split(".")[0], []).append(passport)
    return found


def page(group: str, passports: list[Passport]) -> str:
    """The passports of one group."""
    cited = [fact for passport in passports for fact in passport.evidence]
    return joined(
        f"# Parameters: {group}",
        f"Passports as `scenarios/parameters/{group}.yaml` has them. A scenario sets a number with "
        f"`parameters: {{{passports[0].id}: ...}}`, a command with `--set parameters.{passports[0].id}=...`.",
        *(_passport(passport) for passport in passports),
        joined("## Evidence cited", evidence_rows.shown(cited)) if cited else "",
    )


def overview(scenario: Scenario) -> str:
    """The page that lists the groups and says what the grades are."""
    rows = [
        (
            f"[{group}]({group}.md)",
            len(passports),
            sum(passport.prior is not None for passport in passports),
            sum(not passport.evidence for passport in passports),
        )
        for group, passports in groups(scenario).items()
    ]
    return joined(
        "# Parameters",
        "Every number of the model has a passport: what it means, unit, value, the range outside which it "
        "is refused, its prior where it is uncertain, the evidence or the word assumed, its grade (A "
        "official, B press reporting an official or a study, C a single case, D an estimate), and the "
        "functions that read it. On the command line: `cardbreak list parameters`.",
        table(("group", "parameters", "with a prior", "assumed"), rows),
    )


def _passport(passport: Passport) -> str:
    from sim.study.catalogue import plain

    read = ", ".join(code(name) for name in sorted(readers().get(passport.id, ())))
    rows = [
        ("value", f"{plain(passport.value)} {passport.unit}"),
        ("range", _range(passport.range)),
        ("prior", _prior(passport)),
        ("evidence", passport.source),
        ("grade", passport.grade),
        ("moved", passport.moved),
        ("read by", read),
    ]
    return joined(f"## {passport.id}", passport.meaning, table(("", ""), [row for row in rows if row[1]]))


def _range(span: tuple[float, float]) -> str:
    low, high = span
    ends = ("any" if math.isinf(low) else f"{low:g}", "any" if math.isinf(high) else f"{high:g}")
    return " to ".join(ends)


def _prior(passport: Passport) -> str:
    if passport.prior is None:
        return "none: it is taken as known"
    numbers = ", ".join(f"{number:g}" for number in passport.prior.numbers)
    return f"{passport.prior.kind} ({numbers})"
