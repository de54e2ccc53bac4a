"""Working time, minute by minute."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


def elapsed(
    source: datetime,
    target: datetime,
    zone: str,
    hours: Mapping[int, Sequence[tuple[int, int]]],
    holidays: Collection[date] = (),
) -> int:
    """Minutes from one instant to another (whole minutes) that are within the hours of their local day.

    `hours` has the shifts of each weekday (0 is Monday) in minutes after midnight.
    """
    local, count = ZoneInfo(zone), 0
    while source < target:
        clock = source.astimezone(local)
        minute = clock.hour * 60 + clock.minute
        shifts = () if clock.date() in holidays else hours.get(clock.weekday(), ())
        count += any(begin <= minute < end for begin, end in shifts)
        source += timedelta(minutes=1)
    return count


def instant(minutes: int) -> datetime:
    """An instant by its minutes since 1970."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
