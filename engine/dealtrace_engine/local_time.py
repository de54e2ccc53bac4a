"""Local wall-clock time to UTC by the rules of an IANA time zone."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.errors import SchemaError

SECOND, DAY = 1_000_000, 86_400_000_000
UNKNOWN, CHANGES = np.int32(-(2**31)), np.int32(-(2**31) + 1)
"""Marks of a day not looked at yet, and of one on which the offset changes."""

_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896  # 0001-01-01, 9999-12-31
_MIDNIGHT = datetime(1970, 1, 1)


class LocalTime:
    """The offsets of a time zone, day by day; a day is looked up once.

    Parameters
    ----------
    name : str
        IANA name, such as ``"Europe/Berlin"``.

    Raises
    ------
    SchemaError
        There is no such zone.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        try:
            self._zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            hint = 'use an IANA name such as "Europe/Berlin" (pip install tzdata if the system has none)'
            raise SchemaError("there is no such time zone", value=name, hint=hint) from error
        self._first = 0
        self._offsets = np.empty(0, np.int32)  # seconds east of UTC for the days from `_first` on

    def to_utc(
        self, local: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
        """Convert local microseconds since 1970-01-01 00:00, shape (n,), years 1 to 9999.

        Returns
        -------
        utc : NDArray[int64], shape (n,)
            Microseconds UTC; of two possible instants the earlier.
        nonexistent, ambiguous : NDArray[bool], shape (n,)
            Where the clock skipped that time; where it showed it twice.
        """
        days = local // DAY
        self._look_up(days)
        seconds = self._offsets[days - self._first].astype(np.int64)
        nonexistent, ambiguous = np.zeros(len(local), bool), np.zeros(len(local), bool)
        changing = np.flatnonzero(seconds == CHANGES)
        if len(changing):
            earlier, later = self._on_changing_days(local[changing] // SECOND)
            seconds[changing] = earlier
            nonexistent[changing], ambiguous[changing] = earlier < later, earlier > later
        return local - seconds * SECOND, nonexistent, ambiguous

    def _look_up(self, days: NDArray[np.int64]) -> None:
        if not len(days):
            return
        self._cover(int(days.min()), int(days.max()))
        places = days - self._first
        for place in np.unique(places[self._offsets[places] == UNKNOWN]):
            self._offsets[place] = self._of_day(self._first + int(place))

    def _cover(self, first: int, last: int) -> None:
        """Make room for the days `first` to `last`."""
        known_last = self._first + len(self._offsets) - 1
        if len(self._offsets) and self._first <= first and last <= known_last:
            return
        if len(self._offsets):
            first, last = min(first, self._first), max(last, known_last)
        wider = np.full(last - first + 1, UNKNOWN, np.int32)
        wider[self._first - first :][: len(self._offsets)] = self._offsets
        self._first, self._offsets = first, wider

    def _of_day(self, day: int) -> int:
        if not _FIRST_DAY <= day < _LAST_DAY:
            return int(CHANGES)
        midnight = datetime.combine(date.fromordinal(day - _FIRST_DAY + 1), datetime.min.time())
        ends = {offset for end in (midnight, midnight + timedelta(days=1)) for offset in self._both(end)}
        return ends.pop() if len(ends) == 1 else int(CHANGES)

    def _both(self, local: datetime) -> tuple[int, int]:
        """Return the offsets in seconds before and after a change that `local` may lie in."""
        return self._seconds(local.replace(fold=0)), self._seconds(local.replace(fold=1))

    def _seconds(self, local: datetime) -> int:
        offset = self._zone.utcoffset(local)
        return 0 if offset is None else offset.days * 86_400 + offset.seconds

    def _on_changing_days(self, seconds: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        distinct, which = np.unique(seconds, return_inverse=True)
        both = [self._both(_MIDNIGHT + timedelta(seconds=second)) for second in distinct.tolist()]
        offsets = np.array(both, np.int64).reshape(-1, 2)[which]
        return offsets[:, 0], offsets[:, 1]
