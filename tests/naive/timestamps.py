"""Dates in text, read by regular expression, `datetime` and `zoneinfo`, one at a time."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1)
MICROSECOND = timedelta(microseconds=1)
EARLIEST = (datetime.min - EPOCH) // MICROSECOND
LATEST = (datetime.max - EPOCH) // MICROSECOND

_PARTS = {"y": r"(?P<y>\d{4})", "m": r"(?P<m>\d{1,2})", "d": r"(?P<d>\d{1,2})"}
_REST = (
    r"(?:(?:T|,? )(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?: ?(?P<half>[AaPp])[Mm])?"
    r"(?: ?(?P<offset>[Zz]|UTC|[+-]\d\d(?::?\d\d)?))?)?"
)


def parse(text, order, separator):
    """Return ("ok", microseconds UTC, nanoseconds beyond, minutes of offset or None) or (reason,)."""
    if text is None:
        return ("null",)
    pattern = re.escape(separator).join(_PARTS[letter] for letter in order) + _REST
    match = re.fullmatch(pattern, text.strip(" "), re.ASCII)
    if match is None:
        return ("unparsed",)
    hour, minute = int(match["hour"] or 0), int(match["minute"] or 0)
    second, fraction = int(match["second"] or 0), (match["fraction"] or "").ljust(9, "0")
    if match["half"]:
        if not 1 <= hour <= 12:
            return ("unparsed",)
        hour = hour % 12 + (12 if match["half"] in "pP" else 0)
    whole_days = 0
    if hour == 24 and minute == second == int(fraction) == 0:
        hour, whole_days = 0, 1
    year = int(match["y"])
    offset = _offset(match["offset"])
    try:  # year 0 stands in for the leap year 400, which has the same days
        moment = datetime(
            year or 400, int(match["m"]), int(match["d"]), hour, minute, second, int(fraction[:6])
        )
    except ValueError:
        return ("unparsed",)
    if offset is not None and abs(offset) > 18 * 60:
        return ("unparsed",)
    if (
        match["offset"]
        and match["offset"][0] in "+-"
        and int(match["offset"][-2:]) > 59
        and len(match["offset"]) > 3
    ):
        return ("unparsed",)
    microseconds = (moment - EPOCH) // MICROSECOND + whole_days * 86_400_000_000 - (offset or 0) * 60_000_000
    if year == 0 or not EARLIEST <= microseconds <= LATEST:
        return ("out of range",)
    return ("ok", microseconds, int(fraction[6:]), offset)


def _offset(text):
    if text is None:
        return None
    if text in ("Z", "z", "UTC"):
        return 0
    digits = text[1:].replace(":", "").ljust(4, "0")
    return (int(digits[:2]) * 60 + int(digits[2:])) * (1 if text[0] == "+" else -1)


def to_utc(local, zone):
    """Return ("ok" | "ambiguous" | "nonexistent", microseconds UTC) of local microseconds in a zone."""
    wall = EPOCH + local * MICROSECOND
    first, second = (
        wall.replace(tzinfo=ZoneInfo(zone), fold=fold).utcoffset() // timedelta(seconds=1) for fold in (0, 1)
    )
    state = "ok" if first == second else "ambiguous" if first > second else "nonexistent"
    return state, local - first * 1_000_000
