"""Whether a model that came out of a file may go on: kernels look where rows point without asking.

Every number that says where something stands must lie within what there is, and the books must agree with
the world (identities A17 and A18).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from sim.kernels import money
from sim.state.capture import attributes
from sim.world.codes import Channel, Kind, Source, Status
from sim.world.ledger import AuditError

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain

Reference = tuple[str, np.ndarray, int, int]
"""Name, numbers, and the bounds within which they must lie: lowest, and the first that is too high."""


def unsound(model: FraudSupplyChain, day: int) -> str:
    """What is wrong with a model that should stand on the morning of a day; empty where nothing is."""
    if model.day != day:
        return f"its day is {model.day}, not {day}"
    if not _of_one_length(model):
        return "columns of a queue differ in length"
    for name, numbers, low, end in references(model):
        if numbers.size and not (low <= int(numbers.min()) and int(numbers.max()) < end):
            return f"{name} points outside of what there is"
    people = model.population
    for table, agents in ((model.gangs, people.gang_agents), (model.dealers, people.dealer_agents)):
        if sorted(agents) != np.flatnonzero(table.alive).tolist():
            return "its agents are not those alive"
    try:
        model.audit.money()
        model.audit.cards()
    except AuditError as problem:
        return str(problem)
    return ""


def references(model: FraudSupplyChain) -> Iterator[Reference]:
    """Every number of a model that points to something."""
    m, regions = model, model.regions.n
    for name, cards in (("accounts", m.accounts), ("sims", m.sims)):
        issuers = m.banks.n if cards is m.accounts else len(m.operators.agents)
        for column, low, end in (
            ("kind", 0, len(Kind)),
            ("status", 0, len(Status)),
            ("source", 0, len(Source)),
            ("holder", -1, m.openers.n),
            ("issuer", -1, issuers),
            ("outlet", -1, m.outlets.n),
            ("dealer", -1, m.dealers.n),
            ("gang", -1, m.gangs.n),
            ("region_open", 0, regions),
            ("region_use", 0, regions),
        ):
            yield f"{name}.{column}", getattr(cards, column), low, end
    for name, table, places in (("gangs", m.gangs, regions + 1), ("dealers", m.dealers, regions)):
        yield f"{name}.region", table.region, 0, places
        yield f"{name}.contacts", table.contacts, -1, m.dealers.n
        yield f"{name}.weekday", table.weekday, 0, 7
    yield "dealers.tier", m.dealers.tier, 0, 2
    yield "openers.region", m.openers.region, 0, regions
    raisers = len(m.banks.raisers)
    yield "banks.raised_by", m.banks.raised_by, -1, raisers
    for name, rows, end in _rows(model):
        yield name, rows, 0, end


def _rows(model: FraudSupplyChain) -> Iterator[tuple[str, np.ndarray, int]]:
    """Rows, regions and channels in queues and lists, and the first that is too high."""
    m, regions, leads = model, model.regions.n, model.leads
    yield "leads.n", np.array([leads.n]), min(map(len, leads.columns)) + 1
    yield "leads.unit", leads.unit[: leads.n], regions
    yield "leads.gang", leads.gang[: leads.n], m.gangs.n
    filed = np.column_stack(m.registered_today[:3])
    for name, papers, columns in (
        ("money in flight", m.funds.flight, (money.GANG, money.REGION, money.CHANNEL)),
        ("files", m.reporting.files, (money.BY, money.PLACE, money.ON)),
        ("registered cases", filed, (0, 1, 2)),
    ):
        for column, end in zip(columns, (m.gangs.n, regions, len(Channel)), strict=True):
            yield name, papers[:, column], end
    for name, due, count in (
        ("removal.gangs_due", m.removal.gangs_due, m.gangs.n),
        ("removal.dealers_due", m.removal.dealers_due, m.dealers.n),
    ):
        yield name, np.array([row for rows in due.values() for row in rows], dtype=np.int64), count
    yield "outlets.insiders", m.outlets.insiders, m.outlets.n
    yield "outlets.insider_region", m.outlets.insider_region, regions
    yield "outlets shut", attributes(m.outlets)["_shut"], m.outlets.n
    openers = attributes(m.openers)
    for persons in (openers["_away"], *openers["_left"]):
        yield "openers away", persons, m.openers.n
    for places in (place for day in m.detection.involved.values() for place in day):
        yield "involved cards", places, regions


def _of_one_length(model: FraudSupplyChain) -> bool:
    """Whether parallel arrays are as long as each other, and the month's counts as there are places."""
    m, recorder = model, attributes(model.recorder)
    parallel = (
        m.leads.columns,
        m.registered_today,
        (m.reporting.files, m.reporting.file_keys),
        (m.outlets.insiders, m.outlets.insider_keys, m.outlets.insider_region),
        (np.empty(m.recorder.places), *recorder["_month"].values()),
    )
    return all(len({len(array) for array in arrays}) == 1 for arrays in parallel)
