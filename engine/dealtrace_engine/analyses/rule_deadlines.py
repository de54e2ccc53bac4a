"""Until when each case is on time, by a date of the case."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.attributes import plain_type
from dealtrace_engine.buffers import view
from dealtrace_engine.errors import DealtraceError, SchemaError
from dealtrace_engine.instants import InstantReader
from dealtrace_engine.log import EventLog
from dealtrace_engine.quality import Finding
from dealtrace_engine.readings import DAY, NOT_A_TIME
from dealtrace_ext.timestamps import EARLIEST, LATEST

LONGEST = np.iinfo(np.int64).max
FIRST_DAY, LAST_DAY = EARLIEST // DAY, LATEST // DAY
BEYOND = np.iinfo(np.int32).max
"""A day that no calendar has."""


def deadlines(log: EventLog, name: str, grace: int = 0) -> tuple[NDArray[np.int64], Finding]:
    """Return the last instant of each case that is still on time, and the cases with dates that are none.

    A date, also as an instant at midnight, is on time until its day ends (UTC, as in `receivables`); another
    time of day is an instant, without an offset in the time zone of the log. Of an attribute of events, such
    as the due dates of several invoices, the latest counts.

    Parameters
    ----------
    log : EventLog
    name : str
        A column of dates, timestamps, or either as text.
    grace : int
        Microseconds by which it may be passed.

    Returns
    -------
    ndarray of int64, shape (cases,)
        Microseconds since 1970-01-01 UTC; `NOT_A_TIME` where it is not known.
    Finding
        How many cases have a value that is no date of the years 1 to 9999.

    Raises
    ------
    SchemaError
        There is no such column, or it has no dates.
    """
    attribute = log.attribute(name)
    values, kind = attribute.values, attribute.values.type
    if not (pa.types.is_dictionary(kind) or pa.types.is_date(kind) or pa.types.is_timestamp(kind)):
        raise SchemaError(f"column {name!r} has no dates but {plain_type(kind)}", column=name)
    try:
        found = _read(name, values, log.origin.timezone)
    except DealtraceError as error:
        raise SchemaError(f"column {name!r} has no dates ({error.what})", column=name) from error
    finding = Finding(f"no date can be read in {name!r}")
    unknown = found == NOT_A_TIME
    limits = found if not grace else np.where(unknown, NOT_A_TIME, np.minimum(found, LONGEST - grace) + grace)
    unread = np.empty(0, dtype=np.int64)
    if np.count_nonzero(unknown) > values.null_count:
        unread = np.flatnonzero(unknown & ~np.asarray(values.is_null()))
    if attribute.level == "event":  # no case is empty
        limits = np.maximum.reduceat(limits, log.case_offsets[:-1])
        unread = np.unique(np.searchsorted(log.case_offsets, unread, side="right"))
    finding.add(len(unread), [])
    return limits, finding


def _read(name: str, values: pa.Array, timezone: str | None) -> NDArray[np.int64]:
    if pa.types.is_date(values.type):
        days = view(values.cast(pa.date32()).cast(pa.int32()).fill_null(BEYOND))
        known = (days >= FIRST_DAY) & (days <= LAST_DAY)
        return np.where(known, days * np.int64(DAY) + (DAY - 1), NOT_A_TIME)
    found = InstantReader(name).read(values).microseconds
    whole = found % DAY == 0  # a day without a time
    instants = found
    if timezone is not None and not (whole | (found == NOT_A_TIME)).all():
        instants = InstantReader(name, timezone=timezone).read(values).microseconds
    return np.where(whole & (found != NOT_A_TIME), found + (DAY - 1), instants)
