"""Lead-to-cash logs by hand, and the one row of a result that is meant."""

from __future__ import annotations

import pyarrow as pa

from dealtrace_engine.sources.labels import activity_label
from dealtrace_engine.sources.memory import from_arrow

DAY = 86_400_000_000


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
