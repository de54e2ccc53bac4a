"""A log whose cases are invoices, of a log whose cases have several of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.milestones import wanted_activities
from dealtrace_engine.attributes import Attribute
from dealtrace_engine.buffers import arrow
from dealtrace_engine.errors import LogError
from dealtrace_engine.log import EventLog
from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.memory import from_arrow

ISSUING = ("invoice_generated", "invoice_sent", "invoice_rebilled")
FOLLOWING = ("invoice_canceled", "payment_received", "payment_completed", "payment_reversed")


def invoice_log(log: EventLog, invoice: str, columns: Sequence[str] = ()) -> tuple[EventLog, list[Finding]]:
    """Return the events of invoices, a case per invoice.

    An invoice that belongs to several cases is there once. Where an attribute varies within an invoice, its
    first value that is known counts, of the events that issue it.

    Parameters
    ----------
    log : EventLog
    invoice : str
        Attribute of events with the id of their invoice.
    columns : sequence of str
        Attributes to keep.

    Returns
    -------
    EventLog
    list of Finding
        Events of payments and cancellations that belong to no invoice that was issued.

    Raises
    ------
    SchemaError
        There is no such column.
    LogError
        No event that issues an invoice has an id of one.

    Examples
    --------
    >>> log = from_arrow(pa.table({"case": ["1"] * 3, "number": ["x", "y", "y"], "time": ["2024-01-01"] * 3,
    ...     "activity": ["Invoice Generated", "Invoice Generated", "Payment Received"]}))
    >>> invoice_log(log, "number")[0].case_ids.to_pylist()
    ['x', 'y']
    """
    import polars as pl

    issuing = wanted_activities(log, ISSUING, missing=True)
    wanted = issuing | wanted_activities(log, FOLLOWING, missing=True)
    rows = np.flatnonzero(wanted[log.activity_codes])
    values = {"invoice": log.attribute(invoice), **{name: log.attribute(name) for name in columns}}
    codes = log.activity_codes[rows]
    keys = {"case_id": _at(values.pop("invoice"), log, rows), "issues": arrow(issuing[codes])}
    frame = pl.DataFrame({"activity": log.activity_texts(codes), "timestamp": arrow(log.timestamps[rows])})
    frame = frame.with_columns(pl.from_epoch("timestamp", "us").dt.replace_time_zone("UTC"))
    frame = frame.with_columns(pl.Series(name, column) for name, column in keys.items())
    frame = frame.with_columns(pl.Series(name, _at(one, log, rows)) for name, one in values.items())
    frame = frame.with_columns(pl.col("case_id").cast(pl.String))
    told = pl.col("case_id").is_not_null() & pl.col("issues").any().over("case_id")
    lost = Finding("payment or cancellation of no invoice that was issued")
    lost.add(frame.filter(~told & ~pl.col("issues")).height, [])
    unnamed = Finding("invoice without an id")
    unnamed.add(frame.filter(pl.col("case_id").is_null() & pl.col("issues")).height, [])
    frame = frame.filter(told)
    if frame.is_empty():
        raise LogError(f"no invoice has an id in {invoice!r}", file=log.origin.source.label)
    first = (pl.col(name).filter(pl.col("issues")).drop_nulls().first().over("case_id") for name in values)
    found = from_arrow(frame.with_columns(first).drop("issues"), case_id="case_id", activity="activity",
                       timestamp="timestamp")  # fmt: skip
    return found, [finding for finding in (lost, unnamed) if finding.count]


def _at(attribute: Attribute, log: EventLog, rows: NDArray[np.int64]) -> pa.Array:
    by_case = attribute.level == "case"
    places = np.searchsorted(log.case_offsets, rows, side="right") - 1 if by_case else rows
    return attribute.values.take(arrow(places))
