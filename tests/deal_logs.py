"""Lead-to-cash logs by hand, and the one row of a result that is meant."""

from __future__ import annotations

import pyarrow as pa

from dealtrace_engine.sources.labels import activity_label
from dealtrace_engine.sources.memory import from_arrow

DAY = 86_400_000_000
DEALS = (
    ("a", "lead_captured", 0), ("a", "opportunity_created", 2), ("a", "quote_created", 5),
    ("a", "quote_accepted", 8), ("a", "opportunity_won", 12), ("a", "order_fulfilled", 20),
    ("a", "invoice_sent", 23), ("a", "payment_received", 40),
    ("b", "lead_captured", 0), ("b", "opportunity_created", 4), ("b", "quote_created", 5),
    ("b", "opportunity_lost", 10),
    ("c", "opportunity_created", 40), ("c", "quote_created", 41),
    ("d", "lead_captured", 3), ("d", "lead_disqualified", 4),
    ("e", "opportunity_created", 35), ("e", "opportunity_won", 40), ("e", "opportunity_reopened", 41),
    ("e", "opportunity_lost", 45), ("e", "order_fulfilled", 40), ("e", "invoice_sent", 39),
)  # fmt: skip
"""(case, canonical activity, day): won and paid, lost, open, a lead, and one won, reopened and lost."""


def log_of(*events, **attributes):
    """A log of (case, canonical activity, day), with a value per case of each attribute."""
    cases = [case for case, _, _ in events]
    columns = {
        "case_id": pa.array(cases),
        "activity": pa.array([activity_label(activity, "en") for _, activity, _ in events]),
        "timestamp": pa.array([int(day * DAY) for *_, day in events], pa.timestamp("us", "UTC")),
    }
    for name, values in attributes.items():
        of_case = values if isinstance(values, dict) else None
        columns[name] = pa.array([of_case.get(case) for case in cases] if of_case else list(values))
    return from_arrow(pa.table(columns))


def row(found, kpi, **keys):
    wanted = {"id": kpi, **keys}
    (only,) = [
        one for one in found.table.to_pylist() if all(one[name] == key for name, key in wanted.items())
    ]
    return only
