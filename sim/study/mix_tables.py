"""What a search for the cheapest mix says: a row a mix, the front, the rows on fresh pairs, the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sim.study.compare import HARM, rounded
from sim.study.estimates import mean_interval
from sim.study.fronts import dominated, minimal, standings
from sim.study.mix import Found, rows_in
from sim.study.mixes import Bill, Mixes
from sim.study.race import DOES_NOT, REACHES, Record, record

RESPECTS = ("averted", "spend", "harm")
"""What the front is of."""

NAMED = 5
"""So many mixes are named in a sentence."""

MEASURED = ("averted", "yuan", "police_hours", "harm")


def mix_rows(found: Found, mixes: Mixes) -> pd.DataFrame:
    """A row for each mix, the baseline first; the columns of `mixes.csv`.

    The probability to reach the target (share, low, high, verdict) and `minimal` rest on all `pairs` that had
    a part in choosing; the means with their 90% intervals, `front` and `standing` rest on the `screened`
    pairs, the same for all mixes.
    """
    question, race = found.question, found.race
    records = race.records(found.table)
    screened = range(question.screen)
    rows = []
    for mix in mixes.worlds:
        pairs = rows_in(found.table, mix, screened)
        rows.append(_row(records.get(mix) or record(mix, pairs), mixes, question.sure, pairs))
    frame = pd.DataFrame(rows)
    front, standing = _front(found.table, list(mixes.worlds), screened)
    frame["front"], frame["standing"] = front, standing
    reaching = (frame["share"] >= question.sure).to_numpy() & ~frame["mix"].isin(race.refuted).to_numpy()
    frame["minimal"] = minimal(np.array([mixes.doses[mix] for mix in frame["mix"]]), reaching)
    return frame


def confirmed_rows(found: Found, mixes: Mixes) -> pd.DataFrame:
    """A row for each mix that was tried on fresh pairs, in order, all of it from those pairs alone."""
    fresh = found.question.fresh
    rows = [
        _row(one, mixes, found.question.sure, rows_in(found.table, one.mix, fresh)) for one in found.confirmed
    ]
    return pd.DataFrame(rows)


def _row(one: Record, mixes: Mixes, sure: float, pairs: pd.DataFrame) -> dict[str, Any]:
    """A record with the doses of its mix, and the means over some pairs."""
    names = [f"dose.{group.name}" for group in mixes.groups]
    low, high = one.interval
    row: dict[str, Any] = {"mix": one.mix, **dict(zip(names, mixes.doses[one.mix], strict=True))}
    row |= {"pairs": one.pairs, "reached": one.successes, "share": one.share, "low": low, "high": high}
    row |= {"verdict": one.verdict(sure), "screened": len(pairs), "baseline": float(pairs["baseline"].mean())}
    for what in MEASURED:
        values = pairs[what].to_numpy()
        ends = mean_interval(values, np.arange(len(values)))  # every pair stands for itself
        row |= {what: float(pairs[what].mean()), f"{what}_low": ends[0], f"{what}_high": ends[1]}
    return row | {part: float(pairs[part].mean()) for part in HARM}


def _front(table: pd.DataFrame, names: Sequence[str], screened: range) -> tuple[np.ndarray, list[str]]:
    """Which mixes are on the front of means, and how sure that is, over the pairs that all of them have."""
    numbers = table.index.get_level_values("replicate")
    own = table[numbers < screened.stop]
    columns = [
        sign * own[what].unstack("mix").reindex(columns=list(names))
        for what, sign in zip(RESPECTS, (-1.0, 1.0, 1.0), strict=True)
    ]
    samples = np.stack([column.to_numpy(dtype=float) for column in columns], axis=2)
    samples = samples[~np.isnan(samples).any(axis=(1, 2))]
    if not len(samples):
        return np.zeros(len(names), dtype=bool), standings(np.zeros((0, len(names), len(RESPECTS))))
    return ~dominated(samples.mean(axis=0)), standings(samples)


def answer(found: Found, bill: Bill) -> str:
    """What the search came to, in plain sentences."""
    question = found.question
    sentences = [_finding(found, bill)]
    if not bill.known:
        unknown = ", ".join(bill.unknown)
        sentences.append(f"What is cheapest in yuan cannot be told: no unit cost of {unknown} is known.")
    if found.race.refuted and found.confirmed[-1].mix not in found.race.refuted:
        sentences.append(f"Fresh pairs refuted {', '.join(sorted(found.race.refuted))} before.")
    if found.stopped:
        sentences.append(f"The {question.most_runs} runs allowed did not suffice to go through all mixes.")
    return " ".join(sentences)


def _finding(found: Found, bill: Bill) -> str:
    """The first sentences: the mix, or that there is none."""
    race, words = found.race, found.question.words()
    if not found.confirmed:
        return f"Nothing was confirmed, so which mix reaches {words} is not known."
    last = found.confirmed[-1]
    if race.chosen(found.table) != last.mix and last.mix not in race.refuted:
        return _none(found, last)
    verdict = last.verdict(race.sure)
    if verdict == DOES_NOT:
        return f"No mix is confirmed to reach {words}. The last one tried was {last.mix}: {_seen(last)}."
    what = "cheapest mix" if bill.known else "mix with the fewest police hours"
    can = "reaches" if verdict == REACHES else "may reach"
    sentences = [f"The {what} that {can} {words} is {last.mix}, at {_cost(last, bill)}: {_seen(last)}."]
    if verdict != REACHES:
        sentences.append(f"Whether it does cannot be told at {last.pairs} pairs.")
    own = race.records(found.table)
    limit = own[last.mix].spend
    unsure = [m for m, one in own.items() if one.spend < limit and one.verdict(race.sure) != DOES_NOT]
    if unsure:
        more = f" and {len(unsure) - NAMED} more" if len(unsure) > NAMED else ""
        sentences.append(
            f"Of cheaper ones it cannot be told whether they do: {'; '.join(unsure[:NAMED])}{more}."
        )
    return " ".join(sentences)


def _cost(one: Record, bill: Bill) -> str:
    if bill.known:
        return f"{rounded(one.spend)} yuan"
    return f"{rounded(abs(one.spend))} police hours {'more' if one.spend > 0 else 'fewer'} than the baseline"


def _none(found: Found, best: Record) -> str:
    """That no mix came through, and which one came nearest."""
    race, words = found.race, found.question.words()
    unsure = sum(one.verdict(race.sure) != DOES_NOT for one in race.records(found.table).values())
    start = f"No mix reached {words} while choosing" if unsure else f"No mix reaches {words}"
    more = f"; of {unsure} of the {len(race.mixes)} it cannot be told" if unsure else ""
    direction = "lower" if best.decline >= 0 else "higher"
    fall = f"with cases {rounded(abs(100 * best.decline))}% {direction} on average"
    return f"{start}{more}. The one that comes nearest is {best.mix}, {fall}: {_seen(best)}."


def _seen(one: Record) -> str:
    low, high = one.interval
    ends = f"90% interval {100 * low:.0f} to {100 * high:.0f}%"
    return f"it did in {one.successes} of {one.pairs} fresh pairs ({100 * one.share:.0f}%, {ends})"
