"""One filter of every kind, for tests that must leave none out, and a log on which each keeps something."""

from __future__ import annotations

import pyarrow as pa

import logs
from dealtrace_engine.filters import where as w
from dealtrace_engine.log import EventLog

FILTERS = (
    w.case("region") == "DACH",
    w.event("amount").between(2, 9),
    w.case_id(*map(logs.case_name, range(20))),
    w.starts("a", "b", "c"),
    w.ends("a", "b", "c"),
    w.prefix("a"),
    w.contains("a", at_least=2, at_most=40),
    w.directly_followed("a", "b", at_most="30d"),
    w.eventually_followed("a", "b", at_least="1s"),
    w.pattern("a -> ... -> [b | c]+ -> !a"),
    w.rework(),
    w.rework("b", at_least=3),
    w.self_loop(),
    w.self_loop("a"),
    w.case_size(at_least=3),
    w.throughput_time(at_least="1h"),
    w.contained_in("2024-01-02", None),
    w.intersecting("2024-01-05", "2024-01-20"),
    w.started_in("2024-01-01", "2024-01-15"),
    w.ended_in("2024-01-15", None),
    ~w.variant("0000000000000000"),
    w.top_variants(5),
    w.variant_coverage(0.5),
    w.sample(10, seed=3),
    w.any_event(w.activity("a")),
    ~w.every_event(w.event("amount") > 5),
    w.activity("a", "b", "c"),
    w.timeframe("2024-01-03", None),
    w.between("a", "c"),
    w.between("a", "c", to="next"),
    w.activity("a", "b", "c") & (w.starts("a") | w.case_size(at_least=4)),
)
PATTERNS = ("^ a -> ... -> b $", "(a -> .)+ -> c", "![a | b]{2,4} -> c?")


def table(events: list[logs.Event]) -> pa.Table:
    """The events with an attribute of the case and one of the event."""
    rows = sorted(events, key=lambda event: event.row)
    regions = {case: ("DACH", "UK", None)[number % 3] for number, case in enumerate(logs.by_case(events))}
    return (
        logs.table(events)
        .append_column("region", pa.array([regions[event.case] for event in rows], pa.string()))
        .append_column("amount", pa.array([event.row % 13 for event in rows], pa.int64()))
    )


def wide_table(activities: int) -> pa.Table:
    """A table with so many activities, `a`, `b` and `c` among them."""
    names = [*"abcabcaabbc", *(f"activity {number}" for number in range(activities - 3))]
    return table(
        logs.log(*((str(i % 5), name, logs.EPOCH_2024 + i * logs.HOUR) for i, name in enumerate(names)))
    )


def kept(log: EventLog, expression: w.Expression, threads: int | None = None) -> EventLog | None:
    """The filtered log, or None where nothing passes."""
    mask = expression.mask(log, threads)
    return log.filter(expression, threads=threads) if mask.any() else None
