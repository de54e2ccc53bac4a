"""Text in any strptime pattern, where no layout of the fast parser fits."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.date_formats import Parsed
from dealtrace_engine.errors import SchemaError
from dealtrace_engine.readings import numbers
from dealtrace_ext import timestamps

_DIRECTIVES = frozenset("aAdbBmyYHIMSfzjpTRFD%")
_VECTORISED = frozenset("aAdbBmYHIMSpTRF%")
_SHORTHANDS = {"%T": "%H:%M:%S", "%R": "%H:%M", "%F": "%Y-%m-%d", "%D": "%m/%d/%y"}
_EPOCH, _MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)


def checked_pattern(pattern: str, column: str) -> str:
    """Return a strptime pattern, shorthands spelled out, if it fixes an instant.

    Raises
    ------
    SchemaError
        A directive is unknown, depends on the machine, or the date is incomplete.
    """
    used = set(re.findall(r"%(.?)", pattern, re.DOTALL))
    problem = ""
    if unknown := sorted(used - _DIRECTIVES):
        problem = f"%{unknown[0]} cannot be read" + (" (%z reads offsets)" if "Z" in unknown else "")
    elif not used & set("yYFD") or not (used & set("jFD") or (used & set("mbB") and "d" in used)):
        problem = "year, month or day is missing"
    elif "I" in used and "p" not in used:
        problem = "%I needs %p"
    if problem:
        raise SchemaError(f"timestamp format {pattern!r}: {problem}", column=column)
    for shorthand, long in _SHORTHANDS.items():
        pattern = pattern.replace(shorthand, long)
    return pattern


def parse_pattern(values: pa.Array, pattern: str) -> Parsed:
    """Read a text array, shape (n,), as `datetime.strptime` does, each distinct text once.

    Polars reads a value first; where what it read, written in the pattern again, is not the same text,
    `datetime.strptime` decides.
    """
    encoded = values.dictionary_encode()
    texts = encoded.dictionary
    distinct = np.full(len(texts) + 1, timestamps.NOT_A_TIME, np.int64)  # the last one stands for null
    offsets = np.full(len(texts) + 1, timestamps.NAIVE, np.int16)
    open_ones = _guess(texts, pattern, distinct)
    for place in open_ones.tolist():
        distinct[place], offsets[place] = _decide(texts[place].as_py(), pattern)
    which = numbers(encoded.indices.fill_null(len(texts)))
    microseconds = distinct[which]
    status = np.full(len(values), timestamps.OK, np.uint8)
    status[microseconds == timestamps.NOT_A_TIME] = timestamps.UNPARSED
    outside = (microseconds < timestamps.EARLIEST) | (microseconds > timestamps.LATEST)
    status[outside & (status == timestamps.OK)] = timestamps.OUT_OF_RANGE
    status[which == len(texts)] = timestamps.MISSING
    microseconds[status != timestamps.OK] = timestamps.NOT_A_TIME
    return Parsed.of(microseconds, offsets[which], status)


def _guess(texts: pa.Array, pattern: str, out: NDArray[np.int64]) -> NDArray[np.int64]:
    """Write what Polars reads and writes back the same way; return the positions of the others."""
    if not set(re.findall(r"%(.?)", pattern, re.DOTALL)) <= _VECTORISED or len(texts) == 0:
        return np.arange(len(texts))
    import polars as pl

    column = pl.Series(texts, dtype=pl.String)
    guess = column.str.to_datetime(pattern, time_unit="us", strict=False, ambiguous="raise")
    same = (guess.dt.strftime(pattern) == column).fill_null(False).to_numpy()
    out[: len(texts)][same] = guess.to_physical().fill_null(0).to_numpy()[same]
    return np.flatnonzero(~same)


def _decide(text: str, pattern: str) -> tuple[int, int]:
    try:
        moment = datetime.strptime(text, pattern)
    except ValueError:
        return timestamps.NOT_A_TIME, timestamps.NAIVE
    local = (moment.replace(tzinfo=None) - _EPOCH) // _MICROSECOND
    offset = moment.utcoffset()
    if offset is None:
        return local, timestamps.NAIVE
    return local - offset // _MICROSECOND, offset // timedelta(minutes=1)
