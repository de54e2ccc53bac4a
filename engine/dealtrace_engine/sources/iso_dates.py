"""ISO 8601 date texts to exact microseconds UTC, a column at a time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

NAIVE = "naive"
FIRST_US, LAST_US = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The years 1 to 9999, in microseconds since 1970-01-01 UTC."""

_SHAPE = re.compile(r"0000-00-00T00:00:00(?:\.(?P<fraction>0{1,9}))?(?P<zone>Z|[+-]00:?00)?")
_LONGEST = len("0000-00-00T00:00:00.000000000+00:00")
_ZERO = ord("0")


@dataclass
class Dates:
    """Dates read from text.

    Attributes
    ----------
    microseconds : ndarray of int64, shape (n,)
        Since 1970-01-01 UTC.
    nanoseconds : ndarray of int64, shape (n,)
        What is beyond the microseconds, 0 to 999.
    zones : Counter
        UTC offset as written, or ``"naive"``, to number of dates.
    first_bad : int or None
        Row of the first text that is no date; from there on nothing else is valid.
    """

    microseconds: Ints
    nanoseconds: Ints
    zones: Counter[str] = field(default_factory=Counter)
    first_bad: int | None = None

    def bad(self, row: int) -> None:
        """Remember `row` if it is the first bad one."""
        self.first_bad = row if self.first_bad is None else min(self.first_bad, row)


def parse_dates(texts: Sequence[str]) -> Dates:
    """Read ``YYYY-MM-DDThh:mm:ss[.f][Z|+hh:mm]``, 0 to 9 digits of fraction; without a zone it is UTC.

    Parameters
    ----------
    texts : sequence of str, length n

    Returns
    -------
    Dates
        With `first_bad` set where a text has another form, a field out of range (24:00 and leap
        seconds too), or a moment outside of the years 1 to 9999 UTC.

    Examples
    --------
    >>> dates = parse_dates(["1970-01-01T01:00:00.5+01:00", "1970-01-01T00:00:01"])
    >>> dates.microseconds.tolist(), dict(dates.zones)
    ([500000, 1000000], {'+01:00': 1, 'naive': 1})
    >>> parse_dates(["2020-02-30T00:00:00Z"]).first_bad
    0
    """
    dates = Dates(np.zeros(len(texts), np.int64), np.zeros(len(texts), np.int64))
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    for length in np.unique(lengths).tolist():
        rows = np.flatnonzero(lengths == length)
        if length == 0 or length > _LONGEST:
            dates.bad(int(rows[0]))
        else:
            _parse_length(dates, rows, _characters(texts, rows))
    return dates


def _characters(texts: Sequence[str], rows: Ints) -> NDArray[np.uint8]:
    """Return texts of one length as a matrix of ASCII codes, shape (rows, length)."""
    chosen = texts if len(rows) == len(texts) else [texts[row] for row in rows.tolist()]
    joined = "".join(chosen).encode("ascii", "replace")
    return np.frombuffer(joined, np.uint8).reshape(len(rows), -1)


def _parse_length(dates: Dates, rows: Ints, characters: NDArray[np.uint8]) -> None:
    """Read texts of one length, one shape (digits replaced by zeros) after the other."""
    shapes = np.where(characters - _ZERO < 10, np.uint8(_ZERO), characters)
    while len(rows):
        shape = shapes[0]
        same = (shapes == shape).all(axis=1)
        match = _SHAPE.fullmatch(shape.tobytes().decode())
        if match is None:
            dates.bad(int(rows[0]))
            return
        _parse_shape(dates, rows[same], characters[same], match)
        rows, characters, shapes = rows[~same], characters[~same], shapes[~same]


def _parse_shape(dates: Dates, rows: Ints, characters: NDArray[np.uint8], shape: re.Match[str]) -> None:
    digits = np.ascontiguousarray(characters.T).astype(np.int64) - _ZERO
    days, good = _days(_number(digits[0:4]), _number(digits[5:7]), _number(digits[8:10]))
    hour, minute, second = _number(digits[11:13]), _number(digits[14:16]), _number(digits[17:19])
    good &= (hour < 24) & (minute < 60) & (second < 60)
    first, last = shape.span("fraction")
    fraction = _number(digits[first:last]) * 10 ** (9 - (last - first)) if last > first else 0 * hour
    offset, offset_good = _offsets(dates.zones, characters, digits, shape)
    micros = (((days * 24 + hour) * 60 + minute - offset) * 60 + second) * 1_000_000 + fraction // 1000
    good &= offset_good & (micros >= FIRST_US) & (micros <= LAST_US)
    if not good.all():
        dates.bad(int(rows[np.argmin(good)]))
    dates.microseconds[rows], dates.nanoseconds[rows] = micros, fraction % 1000


def _number(digits: Ints) -> Ints:
    number = digits[0]
    for digit in digits[1:]:
        number = number * 10 + digit
    return number


def _days(year: Ints, month: Ints, day: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """Return days since 1970-01-01 in the Gregorian calendar, and which dates exist."""
    months = (year - 1970) * 12 + month - 1
    first = months.astype("M8[M]").astype("M8[D]").astype(np.int64)
    following = (months + 1).astype("M8[M]").astype("M8[D]").astype(np.int64)
    good = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= following - first)
    return first + day - 1, good


def _offsets(
    zones: Counter[str], characters: NDArray[np.uint8], digits: Ints, shape: re.Match[str]
) -> tuple[Ints, NDArray[np.bool_]]:
    """Return minutes east of UTC and which are real ones; count the offsets as they are written."""
    rows = characters.shape[0]
    begin, end = shape.span("zone")
    if end - begin <= 1:
        zones[NAIVE if begin == end else "Z"] += rows
        return np.zeros(rows, np.int64), np.ones(rows, np.bool_)
    hour, minute = _number(digits[begin + 1 : begin + 3]), _number(digits[end - 2 : end])
    _, example, counts = np.unique(hour * 100 + minute, return_index=True, return_counts=True)
    for row, count in zip(example.tolist(), counts.tolist(), strict=True):
        zones[characters[row, begin:end].tobytes().decode()] += count
    sign = -1 if shape.string[begin] == "-" else 1
    return sign * (hour * 60 + minute), (hour < 24) & (minute < 60)
