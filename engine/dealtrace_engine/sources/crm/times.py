"""Dates and times as APIs and warehouses write them, by the project's own parser.

ISO 8601 in all its forms (blank or T, fractions, Z, +00:00, +0000, no offset, the day alone) and the American
way of Synapse Link and Excel (``6/28/2021 4:34:35 PM``). No text can be read both ways. The locale's ways of
reports are read before, by their reader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.date_formats import ISO, Layout, Parsed, parse_text
from dealtrace_ext import timestamps

if TYPE_CHECKING:
    import polars as pl

AMERICAN = Layout("mdy", "/")
MINUTE, DAY = 60_000_000, 86_400_000_000
UTC_MICROSECONDS = pa.timestamp("us", "UTC")


def instants(texts: pl.Series, zone: str) -> pl.Series:
    """Return the instants of texts in microseconds UTC, null where there is none.

    Parameters
    ----------
    texts : Series of text
    zone : str
        IANA name of the zone of times without an offset; of two possible instants the earlier counts.

    Examples
    --------
    >>> import polars as pl
    >>> texts = pl.Series(["2024-07-01 12:00:00", "2024-07-01T12:00:00.000Z", "7/1/2024 12:00:00 PM", "soon"])
    >>> instants(texts, "Europe/Berlin").dt.hour().to_list()
    [10, 12, 10, None]
    """
    import polars as pl

    microseconds, offsets, unread = _read(texts)
    there = pa.array(microseconds, UTC_MICROSECONDS, mask=unread)
    found = pl.Series(texts.name, pl.from_arrow(there), dtype=pl.Datetime("us", "UTC"))
    naive = offsets == timestamps.NAIVE
    if zone == "UTC" or not naive.any():
        return found
    local = found.dt.replace_time_zone(None)
    moved = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return moved.dt.convert_time_zone("UTC").zip_with(pl.Series(naive), found)


def days(texts: pl.Series) -> pl.Series:
    """Return the calendar days of texts as they are written, whatever time and offset follow.

    Examples
    --------
    >>> import polars as pl
    >>> days(pl.Series(["2013-09-16 00:00:00", "2024-01-01T23:00:00+02:00", "9/16/2013", ""])).to_list()
    [datetime.date(2013, 9, 16), datetime.date(2024, 1, 1), datetime.date(2013, 9, 16), None]
    """
    import polars as pl

    microseconds, offsets, unread = _read(texts)
    east = np.where(offsets == timestamps.NAIVE, 0, offsets).astype(np.int64)
    written = (np.where(unread, 0, microseconds) + east * MINUTE) // DAY
    return pl.Series(texts.name, pl.from_arrow(pa.array(written.astype(np.int32), pa.date32(), mask=unread)))


def _read(texts: pl.Series) -> tuple[NDArray[np.int64], NDArray[np.int16], NDArray[np.bool_]]:
    """Return microseconds, offsets in minutes, and where there is no time."""
    values = texts.to_arrow()
    if not pa.types.is_large_string(values.type):
        values = values.cast(pa.large_string())
    parsed = parse_text(values, ISO)
    left = np.flatnonzero((parsed.status != timestamps.OK) & (parsed.status != timestamps.MISSING))
    if len(left):
        _retry(values, parsed, left)
    return parsed.microseconds, parsed.offsets, parsed.status != timestamps.OK


def _retry(values: pa.Array, parsed: Parsed, left: NDArray[np.int64]) -> None:
    """Read what is not ISO 8601 the American way."""
    again = parse_text(values.take(pa.array(left)), AMERICAN)
    parsed.microseconds[left], parsed.offsets[left] = again.microseconds, again.offsets
    parsed.status[left] = again.status
