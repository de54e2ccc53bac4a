"""Random filters for the logs of `logs`, with a text attribute of cases and a number of events."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import strategies as st

import logs
from dealtrace_engine.filters import where as w
from dealtrace_engine.sources.memory import from_arrow

REGIONS = ("DACH", "UK", None)


def region(event) -> str | None:
    return REGIONS[sum(event.case.encode()) % 3]


def amount(event) -> int | None:
    return None if event.row % 5 == 4 else event.row % 7


def value(event, column: str):
    return {"region": region, "amount": amount}[column](event)


def table(events) -> pa.Table:
    """The events in row order, with `region` and `amount`."""
    rows = sorted(events, key=lambda event: event.row)
    made = logs.table(rows)
    made = made.append_column("region", pa.array([region(event) for event in rows], pa.string()))
    return made.append_column("amount", pa.array([amount(event) for event in rows], pa.int64()))


def log_of(events):
    return from_arrow(table(events))


def complete(events):
    """The events, and one case with all activities, so that none of them is unknown."""
    last = max((event.time_us for event in events), default=logs.EPOCH_2024)
    every = (logs.Event("all", logs.activity_name(i), last, len(events) + i) for i in range(6))
    return [*events, *every]


LOGS = logs.event_logs(min_events=0, max_events=30).map(complete)
ACTIVITIES = st.integers(0, 5).map(logs.activity_name)
SEVERAL = st.lists(ACTIVITIES, min_size=1, max_size=3)


def bounds(values):
    """Lower and upper bounds, at least one of them, in order."""
    rising = st.tuples(st.sampled_from(values), st.sampled_from(values)).map(
        lambda pair: sorted(pair, key=values.index)
    )
    low_only, high_only = (st.sampled_from(values).map(f) for f in (lambda v: (v, None), lambda v: (None, v)))
    names = ("at_least", "at_most")
    return st.one_of(rising, low_only, high_only).map(lambda pair: dict(zip(names, pair, strict=True)))


COUNTS = bounds([0, 1, 2, 3, 5])
DURATIONS = bounds(["0s", "1us", "3us", "1min", "1h 30min", "20d", "4000d"])
INSTANTS = [
    "1990-01-01",
    "2023-12-31T22:00:00-02:00",
    "2024-01-01T00:00:00.000003",
    "2024-01-01 00:30",
    "2200-01-01",
]
WINDOWS = bounds(INSTANTS).map(lambda pair: tuple(pair.values())).filter(lambda pair: pair[0] != pair[1])
REGION = st.sampled_from(["DACH", "UK", "Nordics"])
SYMBOLS = st.sampled_from(["__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"])


def compared(column, values):
    """Every comparison of a column."""
    return st.one_of(
        st.builds(lambda symbol, value: getattr(column, symbol)(value), SYMBOLS, values),
        st.builds(column.is_in, st.lists(values, min_size=1, max_size=3)),
        st.builds(column.between, values, values),
        st.just(column.is_null()),
    )


EVENTS = st.one_of(
    compared(w.event("amount"), st.one_of(st.integers(-1, 7), st.sampled_from([2.0, 2.5, 1e300]))),
    compared(w.event("region"), REGION),
    st.builds(lambda names: w.activity(*names), SEVERAL),
    st.builds(lambda pair: w.timeframe(*pair), WINDOWS),
    st.builds(w.between, ACTIVITIES, ACTIVITIES, st.sampled_from(["last", "next"])),
)
CASES = st.one_of(
    compared(w.case("region"), REGION),
    st.builds(lambda cases: w.case_id(*map(logs.case_name, cases)), st.lists(st.integers(0, 9), min_size=1)),
    st.sampled_from([w.starts, w.ends, w.prefix]).flatmap(lambda f: st.builds(lambda a: f(*a), SEVERAL)),
    st.builds(lambda a, pair: w.contains(a, pair["at_least"] or 0, pair["at_most"]), ACTIVITIES, COUNTS),
    st.builds(w.contains, ACTIVITIES),
    st.sampled_from([w.directly_followed, w.eventually_followed]).flatmap(
        lambda f: st.builds(
            lambda a, b, pair: f(a, b, **pair), ACTIVITIES, ACTIVITIES, DURATIONS | st.just({})
        )
    ),
    st.builds(w.rework, st.none() | ACTIVITIES, st.integers(2, 3)),
    st.builds(w.self_loop, st.none() | ACTIVITIES, st.integers(1, 2)),
    st.sampled_from(["a", "a -> b", "a -> ... -> b+ -> c", "^ !a", "[a | b]{2} $", "(a | c) -> ."]).map(
        w.pattern
    ),
    st.builds(lambda pair: w.case_size(**pair), COUNTS),
    st.builds(lambda pair: w.throughput_time(**pair), DURATIONS),
    st.sampled_from([w.contained_in, w.intersecting, w.started_in, w.ended_in]).flatmap(
        lambda f: st.builds(lambda pair: f(*pair), WINDOWS)
    ),
    st.builds(w.top_variants, st.integers(1, 5)),
    st.builds(w.variant_coverage, st.sampled_from([0.1, 0.3, 0.5, 0.8, 1.0])),
    st.sampled_from([w.any_event, w.every_event]).flatmap(lambda f: st.builds(f, EVENTS)),
)
"""All conditions on cases but those on variant ids and chance."""


def composed(parts):
    return st.one_of(
        st.builds(lambda a, b: a & b, parts, parts),
        st.builds(lambda a, b: a | b, parts, parts),
        st.builds(lambda a: ~a, parts),
    )


CASE_FILTERS = st.recursive(CASES, composed, max_leaves=5)
FILTERS = st.recursive(st.one_of(CASES, EVENTS), composed, max_leaves=5)
