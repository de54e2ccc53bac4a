"""The type of a column of text, where every value is written alike and nothing of it is lost."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_LOSSY = r"^[+-]?0[0-9]|^\+|^[+-]?[0-9]{16,}$"
"""Digits that are a name rather than a number: a leading zero or plus, more than a float can hold."""
_DATES = (
    pa.date32(),
    pa.timestamp("us"),
    pa.timestamp("us", "UTC"),
    pa.timestamp("ns"),
    pa.timestamp("ns", "UTC"),
)


def typed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a text column as int64, float64, bool, date or timestamp if all of its values read so.

    Text stays text where numbers would lose something of it: ``007``, ``+5``, or 20 digits.

    Examples
    --------
    >>> typed(pa.chunked_array([["1", None], ["2.5"]])).to_pylist()
    [1.0, None, 2.5]
    >>> typed(pa.chunked_array([["1", "007"]])).to_pylist()
    ['1', '007']
    """
    if column.null_count == len(column):
        return column
    number = _cast(column, pa.int64()) or _cast(column, pa.float64())
    if number is not None:
        lossy = pc.any(pc.match_substring_regex(column, _LOSSY)).as_py()
        return column if lossy and not _exact(column, number) else number
    for kind in (pa.bool_(), *_DATES):
        if (values := _cast(column, kind)) is not None:
            return values
    return column


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | None:
    try:
        return column.cast(kind)
    except pa.ArrowInvalid:
        return None


def _exact(column: pa.ChunkedArray, number: pa.ChunkedArray) -> bool:
    """Whether whole numbers, written again, are the same text."""
    return bool(pa.types.is_int64(number.type) and number.cast(pa.string()).equals(column))
