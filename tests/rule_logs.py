"""Small logs for rules, and what was told of each rule."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa

from dealtrace_engine.sources.memory import from_arrow


def small(events, **columns):
    """A log of (case, activity, day of January 2024)."""
    cases, activities, days = zip(*events, strict=True)
    times = [datetime(2024, 1, day, tzinfo=UTC) for day in days]
    return from_arrow(pa.table({"case": cases, "activity": activities, "time": times, **columns}))


def rows(found):
    return {row["rule"]: row for row in found.table.to_pylist()}
