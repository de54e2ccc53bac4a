"""The values in a filter: checked when it is made, kept as text and numbers that go to JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction

from dealtrace_engine.errors import SchemaError

Moment = str | date | datetime
Duration = str | timedelta
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNITS = {
    "w": 604_800_000_000, "d": 86_400_000_000, "h": 3_600_000_000, "min": 60_000_000, "s": 1_000_000,
    "ms": 1_000, "us": 1,
}  # fmt: skip
"""Microseconds of each unit of duration."""
_PART = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(w|d|h|min|s|ms|us)(?![a-z])")
LONGEST_US = (1 << 63) - 1


def text(value: object, what: str) -> str:
    """Return `value` if it is text; else raise `SchemaError`."""
    if not isinstance(value, str):
        raise SchemaError(f"{what} is a text", value=value)
    return value


def texts(values: object, what: str) -> tuple[str, ...]:
    """Return `values` as a tuple if they are one text or more; else raise `SchemaError`."""
    if isinstance(values, str) or not isinstance(values, Sequence) or not values:
        raise SchemaError(f"{what} are one text or more", value=values)
    return tuple(text(value, what) for value in values)


def number(value: object, what: str, least: int = 0) -> int:
    """Return `value` if it is a whole number of at least `least`; else raise `SchemaError`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least or value > LONGEST_US:
        raise SchemaError(f"{what} is a whole number from {least} on", value=value)
    return value


def share(value: object, what: str) -> float:
    """Return `value` if it is above 0 and at most 1; else raise `SchemaError`."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 1:
        raise SchemaError(f"{what} is a number above 0 and up to 1", value=value)
    return float(value)


def moment(value: object, what: str) -> str:
    """Return an instant as ISO text in UTC; without a zone it is UTC.

    Examples
    --------
    >>> moment("2024-03-01", "start"), moment("2024-03-01T12:00+01:00", "start")
    ('2024-03-01T00:00:00Z', '2024-03-01T11:00:00Z')
    """
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else value
        if isinstance(read, date) and not isinstance(read, datetime):
            read = datetime.combine(read, time())
        if isinstance(read, datetime):
            read = read.replace(tzinfo=read.tzinfo or UTC).astimezone(UTC)
            return read.isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError) as error:
        raise SchemaError(f"{what} cannot be read as an instant", value=value, hint=_INSTANT) from error
    raise SchemaError(f"{what} is an instant", value=value, hint=_INSTANT)


_INSTANT = "write it as 2024-03-01 or 2024-03-01T12:00:00+01:00"


def moment_us(instant: str) -> int:
    """Return microseconds since 1970-01-01 UTC of what `moment` returned."""
    return (datetime.fromisoformat(instant) - EPOCH) // timedelta(microseconds=1)


def duration(value: object, what: str) -> str:
    """Return a duration as text with units.

    Examples
    --------
    >>> duration("36 h", "at_most"), duration(timedelta(minutes=90), "at_most"), duration("0.5s", "at_most")
    ('1d 12h', '1h 30min', '500ms')
    """
    if isinstance(value, timedelta) and value >= timedelta(0):
        return _written(value // timedelta(microseconds=1))
    if isinstance(value, str):
        parts = _PART.findall(value)
        total = sum(Fraction(amount) * UNITS[unit] for amount, unit in parts)
        if parts and not _PART.sub("", value).strip() and total.denominator == 1 and total <= LONGEST_US:
            return _written(int(total))
    raise SchemaError(f"{what} is a duration", value=value,
                      hint="write it as 3d, 36h, 1h 30min or 0.5s, or as a timedelta")  # fmt: skip


def duration_us(written: str) -> int:
    """Return the microseconds of what `duration` returned."""
    return sum(int(amount) * UNITS[unit] for amount, unit in _PART.findall(written))


def _written(microseconds: int) -> str:
    parts = []
    for unit, size in UNITS.items():
        amount, microseconds = divmod(microseconds, size) if unit != "w" else (0, microseconds)
        if amount:
            parts.append(f"{amount}{unit}")
    return " ".join(parts) or "0s"


def duration_bounds(
    at_least: Duration | None, at_most: Duration | None, needed: bool = False
) -> tuple[str | None, str | None]:
    """Return both bounds as text; raise `SchemaError` where they exclude all, or are needed and not there."""
    low = None if at_least is None else duration(at_least, "at_least")
    high = None if at_most is None else duration(at_most, "at_most")
    _check_bounds(
        None if low is None else duration_us(low), None if high is None else duration_us(high), needed
    )
    return low, high


def bounds_us(at_least: str | None, at_most: str | None) -> tuple[int, int]:
    """Return both bounds in microseconds; where there is none, one that everything keeps."""
    low = 0 if at_least is None else duration_us(at_least)
    return low, LONGEST_US if at_most is None else duration_us(at_most)


def number_bounds(at_least: object, at_most: object, least: int = 0) -> None:
    """Raise `SchemaError` unless the bounds are whole numbers and leave something between them."""
    low = None if at_least is None else number(at_least, "at_least", least)
    high = None if at_most is None else number(at_most, "at_most", least)
    _check_bounds(low, high, needed=True)


def _check_bounds(low: int | None, high: int | None, needed: bool) -> None:
    if needed and low is None and high is None:
        raise SchemaError("neither at_least nor at_most is given", hint="give one or both")
    if low is not None and high is not None and low > high:
        raise SchemaError("at_least is above at_most", value=(low, high))
