"""Small logs by hand and seeded random ones, as lists of events and as Arrow tables.

A list of events is the source: an event's `row` is its position in the file, and `table` writes the rows in
that order. Nothing else about the order may matter to an analysis.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import strategies as st

EPOCH_2024 = 1_704_067_200_000_000
"""2024-01-01 00:00 UTC, in microseconds."""
SECOND, HOUR, DAY = 1_000_000, 3_600_000_000, 86_400_000_000


class Event(NamedTuple):
    """One row of a source: the time is in microseconds UTC, rows count from 0."""

    case: str
    activity: str
    time_us: int
    row: int


def log(*rows: tuple[str, str, int]) -> list[Event]:
    """Events from (case, activity, microseconds) in file order."""
    return [Event(*cells, row) for row, cells in enumerate(rows)]


def table(events: Iterable[Event]) -> pa.Table:
    """The events as an Arrow table of case_id, activity and timestamp, in row order."""
    rows = sorted(events, key=lambda event: event.row)
    return pa.table(
        {
            "case_id": pa.array([event.case for event in rows], pa.string()),
            "activity": pa.array([event.activity for event in rows], pa.string()),
            "timestamp": pa.array([event.time_us for event in rows], pa.timestamp("us", tz="UTC")),
        }
    )


def by_case(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Events of each case by time, then row; cases in order of first appearance in the source."""
    cases: dict[str, list[Event]] = {}
    for event in sorted(events, key=lambda event: event.row):
        cases.setdefault(event.case, []).append(event)
    return {case: sorted(own, key=lambda event: (event.time_us, event.row)) for case, own in cases.items()}


def reordered(events: Iterable[Event], rng: random.Random) -> list[Event]:
    """The same rows in another file order, so that ties may resolve differently."""
    rows = list(events)
    rng.shuffle(rows)
    return [event._replace(row=row) for row, event in enumerate(rows)]


BY_HAND: dict[str, list[Event]] = {
    "one event": log(("1", "a", EPOCH_2024)),
    "one case": log(("1", "a", 0), ("1", "b", SECOND), ("1", "b", 3 * SECOND), ("1", "a", 3 * SECOND)),
    "file order breaks ties": log(("1", "b", 0), ("1", "a", 0), ("1", "c", 0)),
    "interleaved": log(
        ("2", "a", 0), ("10", "a", 1), ("2", "b", 2), ("10", "c", 3), ("9", "a", 4), ("10", "b", 5)
    ),
    "rows backwards": log(
        ("1", "c", 3 * DAY), ("2", "b", DAY), ("1", "b", DAY), ("2", "a", 0), ("1", "a", 0)
    ),
    "before and after 1970": log(
        ("1", "a", -DAY), ("1", "b", 0), ("2", "a", -1), ("2", "b", 4_000_000 * HOUR)
    ),
    "ids that look like nulls": log(("NA", "a", 0), ("null", "a", 1), ("None", "nan", 2), ("NA", "b", 3)),
    "one long case": log(*(("1", "abc"[step % 3], step * SECOND) for step in range(1000))),
    "one-event cases": log(*((str(case), "ab"[case % 2], case) for case in range(50))),
    "many activities": log(*((str(step % 7), f"activity {step}", step) for step in range(700))),
}
"""Logs that each have one thing to get right, named after it."""


def cases_shuffled(events: pa.Table, seed: int = 0) -> pa.Table:
    """The same events with the cases in another order; those of a case stay in theirs."""
    cases = pc.unique(events["case_id"])
    place = pc.index_in(events["case_id"], cases.take(np.random.default_rng(seed).permutation(len(cases))))
    return events.take(np.argsort(place.to_numpy(), kind="stable"))


def random_log(
    seed: int, *, cases: int = 50, events: int = 500, activities: int = 12, ties: float = 0.2
) -> list[Event]:
    """A seeded log: uneven interleaved cases, ties, a few long gaps; half of the seeds shuffle the rows."""
    rng = random.Random(seed)
    clocks = [EPOCH_2024 + rng.randrange(30 * DAY) for _ in range(cases)]
    rows: list[tuple[str, str, int]] = []
    for _ in range(events):
        case = min(int(rng.expovariate(3 / cases)), cases - 1)
        step = rng.choice((1, SECOND, HOUR, DAY, 400 * DAY if rng.random() < 0.01 else HOUR))
        clocks[case] += 0 if rng.random() < ties else rng.randrange(1, step + 1)
        rows.append((case_name(case), activity_name(rng.randrange(activities)), clocks[case]))
    if rng.random() < 0.5:
        rng.shuffle(rows)
    return log(*rows)


def case_name(case: int) -> str:
    """A case id: a number, 18 characters as in Salesforce, longer than a cache line, or not ASCII."""
    forms = (str(case), f"0065g00000{case:05d}AAC", f"{case}-" + "x" * 70, f"Fälle/{case}", f"商談 {case}")
    return forms[case % len(forms)]


def activity_name(activity: int) -> str:
    """An activity: letters first, then words, some not ASCII."""
    return "abcdefgh"[activity] if activity < 8 else f"{('Étape', 'Stage', '見積')[activity % 3]} {activity}"


_TIMES = st.one_of(
    st.integers(0, 5),  # ties
    st.integers(-3, 60).map(lambda minutes: minutes * 60 * SECOND),
    st.integers(-(10**15), 10**16),  # 1938 to 2286
).map(lambda offset: EPOCH_2024 + offset)


@st.composite
def event_logs(
    draw: st.DrawFn,
    max_cases: int = 8,
    max_events: int = 40,
    *,
    min_events: int = 1,
    max_activities: int = 6,
    times: st.SearchStrategy[int] = _TIMES,
) -> list[Event]:
    """Logs with ties, gaps and one-event cases; rows in any order, cases interleaved.

    More than 256 distinct activities need `max_activities` and `max_events` above that.
    """
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, max_cases - 1).map(case_name),
                st.integers(0, max_activities - 1).map(activity_name),
                times,
            ),
            min_size=min_events,
            max_size=max_events,
        )
    )
    if draw(st.booleans()):
        rows.sort(key=lambda cells: cells[2])  # in time order, as most exports are
    return log(*rows)


def traces(events: Sequence[Event]) -> list[tuple[str, ...]]:
    """The activities of each case, in its order; cases in order of first appearance."""
    return [tuple(event.activity for event in own) for own in by_case(events).values()]
