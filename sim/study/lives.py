"""One entity of a running model, followed: what its row says after each phase, and what befell it, in words.

A life only reads: columns of the tables, the cases of the day, who is due to be replaced. What it says of a
day is a difference between what stood there before a phase of the model and after it, so each event carries
the phase that made it, and no rule of the model is written down twice.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from sim.agents.population import successors
from sim.world.codes import LIVE, Channel, Flag, Goods, Kind, Source, Status

if TYPE_CHECKING:
    from sim.model import FraudSupplyChain
    from sim.world.table import Table

State = dict[str, Any]
"""The columns of a row as plain values, rows of other tables as keys; empty while there is no such row."""

START = "start"
"""Stands for the phase where something is there before the first day."""

ENDS = {
    Status.RESTRICTED: "detected and restricted",
    Status.FROZEN: "frozen with the money of a case",
    Status.CLEANED: "closed by a cleanup",
    Status.SEIZED: "seized",
    Status.EXHAUSTED: "used up or lost",
    Status.RECLAIMED: "taken back by its opener",
}
"""How a card goes out of use."""

ENDS_BY_PHASE = {
    ("market", Status.SEIZED): "seized on its way to the gang",
    ("police", Status.SEIZED): "seized by the police",
    ("police", Status.EXHAUSTED): "lost when its holder was closed down",
    ("learning", Status.EXHAUSTED): "lost when its gang gave up",
}
"""The same where the phase says more."""

LOSSES = {
    Status.RESTRICTED: "detected",
    Status.FROZEN: "frozen",
    Status.CLEANED: "cleaned",
    Status.SEIZED: "seized",
    Status.EXHAUSTED: "used up",
    Status.RECLAIMED: "reclaimed",
}
"""The same in a word, for a gang that loses several."""

FLAGGED = {
    Flag.INVOLVED: ("traced: known as involved", "no longer known as involved"),
    Flag.IDLE: ("has lain unused so long that it counts as dormant", "warmed up by a few transfers"),
}
"""What it means for a card that a flag comes, and that it goes."""

KINDS = {Kind.SIM: "phone card", Kind.IOT: "IoT card"}
"""Kinds of cards that are no accounts."""

GOODS = {Goods.ACCOUNTS: "set", Goods.SIMS: "phone card"}

DECIDED = ("order", "bid", "use_cap", "mix")
"""Columns that the weekly decision of a gang sets."""

NOTICEABLE = 0.05
"""Changes of a price relative to the last one told, or of a channel's share, that are worth a line."""


@dataclass(frozen=True)
class Event:
    """What happened: the day, the phase of the day that made it, and words."""

    date: date
    phase: str
    text: str


class Life(ABC):
    """What befalls one entity of ``model``, found by its ``key``.

    Call :meth:`look` after each phase. ``events`` grows; ``state`` is how the row stands; ``seen`` holds the
    states after each phase, for whoever compares two worlds (and empties it). From the day after its end an
    entity is not looked at any more: tables may forget it.
    """

    kind: ClassVar[str]

    def __init__(self, model: FraudSupplyChain, key: int) -> None:
        self.model = model
        self.key = np.uint64(key)
        self.events: list[Event] = []
        self.seen: list[tuple[str, State]] = []
        self.state: State = {}
        self.ended: tuple[int, str] | None = None
        self.look(START)

    @property
    def over(self) -> bool:
        """Whether it has ended before today."""
        return self.ended is not None and self.model.day > self.ended[0]

    @property
    def name(self) -> str:
        """Its kind and key, as the command line takes them."""
        return f"{self.kind} {named(int(self.key))}"

    def look(self, phase: str) -> None:
        """Note what the phase that has just run did to the entity."""
        if not self.over:
            before, self.state = self.state, self.read()
            if self.state:
                texts = self.changes(phase, before) if before else self.entry(phase)
                self.events += [Event(self.today, phase, text) for text in texts]
        self.seen.append((phase, self.state))

    @property
    def today(self) -> date:
        """The date of the model's day (the model's own is set in its first phase)."""
        return self.date_of(self.model.day)

    def date_of(self, day: int) -> date:
        """The date of a day number."""
        return self.model.scenario.start + timedelta(days=day)

    def place(self, region: int) -> str:
        """The code of a region's number."""
        codes = self.model.regions.codes
        return codes[region] if region < len(codes) else "abroad"

    @property
    def fate(self) -> str:
        """How it ended or stands, in a line."""
        if not self.state:
            return "never exists"
        when = f"on {self.date_of(self.ended[0])}" if self.ended else "when the run ends"
        return f"{self.ended[1] if self.ended else self.standing()} {when}{self.achieved()}"

    @abstractmethod
    def read(self) -> State:
        """The row as it stands now."""

    @abstractmethod
    def entry(self, phase: str) -> Iterator[str]:
        """How it came into the world."""

    @abstractmethod
    def changes(self, phase: str, before: State) -> Iterator[str]:
        """What ``phase`` changed from the state ``before`` to the present one; sets ``ended`` at the end."""

    @abstractmethod
    def standing(self) -> str:
        """Where an entity that has not ended stands."""

    @abstractmethod
    def achieved(self) -> str:
        """What it did in its life, to be added to its fate."""


class CardLife(Life):
    """The life of a tracked card: an account with its set, or a phone card."""

    kind = "card"

    def read(self) -> State:
        """Columns of the card; dealer and gang as keys."""
        m = self.model
        for cards in (m.accounts, m.sims):
            row = row_of(cards, self.key)
            if row >= 0:
                self.gang_row = int(cards.gang[row])
                owners = {
                    "dealer": key_in(m.dealers, cards.dealer[row]),
                    "gang": key_in(m.gangs, self.gang_row),
                }
                return values(cards, row) | owners
        return {}

    def entry(self, phase: str) -> Iterator[str]:
        """Where it was opened and who has it."""
        now = self.state
        what = KINDS.get(now["kind"], "account")
        owner = f"gang {now['gang']}" if now["gang"] else f"dealer {now['dealer']}"
        where = self.place(now["region_open"])
        if phase == START:
            yield f"{what} of {where}, with {owner} when the run begins"
        elif now["outlet"] >= 0:
            yield f"{what} opened in {where}, outlet {now['outlet']} of bank {now['issuer']}, for {owner}"
        elif now["opened"] < self.model.day:
            yield f"{what} of {where}, opened earlier, goes to {owner}"
        else:
            yield f"{what} registered in {where} by {owner}"
        if now["source"] != Source.SOLD:
            yield f"source: {Source(now['source']).name.lower().replace('_', ' ')}"

    def changes(self, phase: str, before: State) -> Iterator[str]:
        """Hands, uses, tracing, the end."""
        now = self.state
        if now["status"] != before["status"]:
            yield self._moved(phase, Status(now["status"]))
        if now["uses"] > before["uses"]:
            uses, fen = (now[name] - before[name] for name in ("uses", "flow_fen"))
            so_far = f"{times(now['uses'])}, {yuan(now['flow_fen'])} yuan"
            yield f"used {times(uses)}, {yuan(fen)} yuan (so far {so_far})"
        for flag, (comes, goes) in FLAGGED.items():
            if (now["flags"] ^ before["flags"]) & flag:
                yield comes if now["flags"] & flag else goes

    def _moved(self, phase: str, status: Status) -> str:
        if status >= LIVE:
            words = self._end(phase, status)
            self.ended = (self.model.day, words)
            return words
        return {
            Status.DEALER_STOCK: f"bought by dealer {self.state['dealer']}",
            Status.IN_TRANSIT: f"sold to gang {self.state['gang']}, on its way",
            Status.GANG_STOCK: "arrives at the gang",
            Status.ACTIVE: "taken into use",
        }.get(status, status.name.lower().replace("_", " "))

    def _end(self, phase: str, status: Status) -> str:
        if (phase, status) == ("card step", Status.EXHAUSTED):
            caps, row = self.model.gangs.use_cap, self.gang_row
            used_up = row >= 0 and self.state["uses"] >= caps[row]
            return "thrown away at the gang's use cap" if used_up else "lapsed"
        return ENDS_BY_PHASE.get((phase, status), ENDS[status])

    def standing(self) -> str:
        """Where a live card is."""
        return {
            Status.ACTIVE: "in use",
            Status.IN_TRANSIT: "on its way",
            Status.GANG_STOCK: "in the gang's stock",
        }.get(Status(self.state["status"]), "on a dealer's shelf")

    def achieved(self) -> str:
        """Uses and the money that went through it (phone cards count none)."""
        if not self.state["uses"]:
            return ""
        return f", used {times(self.state['uses'])}, {yuan(self.state['flow_fen'])} yuan through it"


class GangLife(Life):
    """The life of a gang: decisions and books once a week, the rest as it comes."""

    kind = "gang"

    def __init__(self, model: FraudSupplyChain, key: int) -> None:
        self.cards: dict[tuple[Goods, int], Status] = {}
        self.week: Counter[str] = Counter()
        self.got: Counter[Goods] = Counter()
        self.lost: Counter[tuple[Goods, Status]] = Counter()
        self.told: State = {}
        super().__init__(model, key)

    def read(self) -> State:
        """Columns of the gang; contacts as keys, and how many of them are at large."""
        m = self.model
        self.row = row_of(m.gangs, self.key)
        if self.row < 0:
            return {}
        contacts = m.gangs.contacts[self.row]
        known = contacts[contacts >= 0]
        return values(m.gangs, self.row) | {
            "contacts": [key_in(m.dealers, contact) for contact in contacts],
            "sellers_known": int((m.dealers.alive[known] == 1).sum()),
        }

    def entry(self, phase: str) -> Iterator[str]:
        """Who it is."""
        now = self.state
        self._count_cards()
        self.got.clear()
        verb = "at work when the run begins" if phase == START else "enters the trade"
        yield (
            f"{verb}: home {self.place(now['region'])}, {many(now['staff'], 'person')},"
            f" cash {yuan(now['cash'])} yuan, knows {many(now['sellers_known'], 'seller')}"
        )

    def changes(self, phase: str, before: State) -> Iterator[str]:
        """Decisions, lying low, moves, contacts; the week's books; the end."""
        now, day = self.state, self.model.day
        taken = self._count_cards()
        if phase == "operation":
            self._count_cases(before)
        if phase == "deciding" and any(now[name] != before[name] for name in DECIDED):
            yield from self._decision()
        if now["low_until"] > max(before["low_until"], day):
            yield f"lies low until {self.date_of(now['low_until'])}"
        if now["region"] != before["region"]:
            yield f"moves from {self.place(before['region'])} to {self.place(now['region'])}"
        if now["sellers_known"] < before["sellers_known"]:
            yield f"a seller it knows is gone: {now['sellers_known']} left"
        ends = now["alive"] < before["alive"]
        if ends or (phase == "learning" and now["alive"] and now["weekday"] == day % 7):
            yield self._books(before)
        if ends:
            yield from self._end(phase, taken)

    def _count_cards(self) -> Counter[Status]:
        """Compare the gang's cards with what they were: what came and went; returns what went just now."""
        m, now = self.model, {}
        for goods, cards in ((Goods.ACCOUNTS, m.accounts), (Goods.SIMS, m.sims)):
            here = np.flatnonzero((cards.gang == self.row) & ((cards.status < LIVE) | (cards.moved == m.day)))
            for key, status in zip(cards.key[here].tolist(), cards.status[here], strict=True):
                now[goods, key] = Status(status)
        moved = [(goods, s) for (goods, k), s in now.items() if self.cards.get((goods, k)) != s]
        went = [(goods, s) for goods, s in moved if s >= LIVE]
        self.got.update(goods for goods, s in moved if s == Status.GANG_STOCK)
        self.lost.update(went)
        self.cards = now
        return Counter(s for _, s in went)

    def _count_cases(self, before: State) -> None:
        """Cases of the day by channel, and those that found none."""
        cases = self.model.cases
        channels = cases.channel[cases.gang == self.row]
        self.week.update(Channel(channel).label for channel in channels)
        self.week["failed"] += self.state["cases"] - before["cases"] - len(channels)

    def _decision(self) -> Iterator[str]:
        """The week's decision where it differs noticeably from the last one told."""
        now, told = self.state, self.told
        mix = not told or np.abs(np.subtract(now["mix"], told["mix"])).max() >= NOTICEABLE
        prices = ([*state["bid"], state["price_seen"]] for state in (now, told or now))
        moved = any(abs(a - b) > NOTICEABLE * b for a, b in zip(*prices, strict=True))
        if not (mix or moved or any(now[name] != told[name] for name in ("order", "use_cap"))):
            return
        orders = ", ".join(many(now["order"][goods], word) for goods, word in GOODS.items())
        words = (
            f"orders {orders}; bids {now['bid'][Goods.ACCOUNTS]:,.0f} yuan a set"
            f" (sees {now['price_seen']:,.0f}), use cap {now['use_cap']}"
        )
        yield f"{words}; {self._mix()}" if mix else words
        self.told = now if mix else now | {"mix": told["mix"]}

    def _mix(self) -> str:
        shares = {channel: self.state["mix"][channel] for channel in Channel}
        return ", ".join(f"{c.label} {share:.0%}" for c, share in shares.items() if share >= 0.005)

    def _books(self, before: State) -> str:
        """The week in a line; the counts begin again."""
        failed = self.week.pop("failed", 0)
        words = [f"{many(self.week.total(), 'case')}{_parts(self.week)}"]
        words += [f"{failed} failed for want of a card"] if failed else []
        words += [f"income {yuan(before['week_income'])}, cards {yuan(before['week_cost'])} yuan"]
        for goods, name in GOODS.items():
            gone = Counter({LOSSES[status]: count for (g, status), count in self.lost.items() if g == goods})
            came, went = self.got[goods], gone.total()
            if came or went:
                signs = [f"+{came}"] * (came > 0) + [f"-{went}{_parts(gone)}"] * (went > 0)
                words.append(f"{name}s {' '.join(signs)}")
        for counts in (self.week, self.got, self.lost):
            counts.clear()
        return "; ".join([*words, f"cash {yuan(self.state['cash'])}"])

    def _end(self, phase: str, taken: Counter[Status]) -> Iterator[str]:
        m = self.model
        words = gang_end(m, self.row, phase)
        self.ended = (m.day, words)
        yield f"{words}, {taken[Status.SEIZED]} of its {many(taken.total(), 'card')} seized"
        due = [day for day, rows in m.removal.gangs_due.items() if self.row in rows]
        if due:
            heir = named(int(successors(np.array([self.key]))[0]))
            yield f"gang {heir} is to take its place on {self.date_of(due[0])}"

    def standing(self) -> str:
        """A gang that has not ended is at work, or hides."""
        return "lies low" if self.state["low_until"] > self.model.day else "at work"

    def achieved(self) -> str:
        """Cases that it brought about, those that failed for want of a card included."""
        return f", after {many(self.state['cases'], 'case')}"


def gang_end(model: FraudSupplyChain, row: int, phase: str) -> str:
    """How a gang that ended in ``phase`` did so.

    Gangs abroad are closed in one phase by arrests and by the return of their members; their rows do not tell
    which.
    """
    if phase == "learning":
        return "gives up"
    abroad = model.gangs.region[row] == model.regions.abroad
    return (
        "broken up, or its members return" if abroad and model.policy.returns else "broken up by the police"
    )


def values(table: Table, row: int) -> State:
    """All columns of a row as plain values; the key as text."""
    plain = {name: getattr(table, name)[row].tolist() for name in table.names}
    return plain | {"key": named(plain["key"])}


def row_of(table: Table, key: np.uint64) -> int:
    """The row with a key, -1 where there is none."""
    rows = np.flatnonzero(table.key == key)
    return int(rows[0]) if len(rows) else -1


def key_in(table: Table, row: int) -> str | None:
    """The key of a row as text; None for no row (-1)."""
    return named(int(table.key[row])) if row >= 0 else None


def named(key: int) -> str:
    """A key as text, such as 0x00000000000000ff."""
    return f"{key:#018x}"


def yuan(fen: int) -> str:
    """Money in yuan, thousands set off."""
    return f"{fen / 100:,.0f}"


def times(count: int) -> str:
    """Once, 2 times."""
    return "once" if count == 1 else f"{count} times"


def many(count: int, thing: str) -> str:
    """A count and its noun: 1 set, 2 sets."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def _parts(counts: Counter[str]) -> str:
    """What a sum is made of, in brackets; nothing for nothing."""
    parts = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()) if count)
    return f" ({parts})" if parts else ""
