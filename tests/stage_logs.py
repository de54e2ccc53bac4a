"""Small logs whose events tell stages."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa

from dealtrace_engine.sources.memory import from_arrow

DAY = 86_400.0

BY_HAND = (
    ("1", "Opportunity Created", 0, "A"),
    ("1", "Close Date Pushed", 1, "A"),
    ("1", "x", 2, "B"),
    ("1", "Amount Changed", 3, "A"),  # returns, and the amount is changed in B
    ("1", "x", 7, "C"),  # over B, but was in it
    ("1", "Opportunity Closed Won", 8, "Closed Won"),
    ("2", "Opportunity Created", 0, "A"),
    ("2", "x", 4, "C"),  # skips B
    ("2", "Opportunity Closed Lost", 5, "Closed Lost"),
    ("2", "Opportunity Reopened", 6, "B"),
    ("2", "Owner Changed", 7, None),
    ("3", "Opportunity Created", 1, "A"),
    ("3", "x", 2, "B"),
    ("3", "x", 9, "C"),
    ("4", "Lead Captured", 9, None),
    ("5", "Opportunity Created", 5, "A"),
    ("5", "Opportunity Closed Lost", 10, "Closed Lost"),  # lost early: skips nothing
)


def log_of(*rows, column="stage", **more):
    """A log of (case, activity, day of January 2024, stage) rows."""
    case, activity, day, stage = zip(*rows, strict=True)
    times = [datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 10**6 + d * 86_400 * 10**6 for d in day]
    columns = {
        "case_id": case, "activity": activity,
        "timestamp": pa.array([int(t) for t in times], pa.timestamp("us", "UTC")),
        column: pa.array(stage, pa.string()),
    }  # fmt: skip
    return from_arrow(pa.table(columns | {k: pa.array(v) for k, v in more.items()}))


def changes(*rows):
    """A log of changes as CRM exports have it: (case, activity, day, from, to)."""
    plain = [(case, activity, day, to) for case, activity, day, _, to in rows]
    return log_of(*plain, column="stage_to", stage_from=pa.array([row[3] for row in rows], pa.string()))
