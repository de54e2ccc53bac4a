"""Working time: what of the time between two instants lies in the hours of a calendar.

The shifts of a calendar are laid out once for the days of a log, with what was worked before each. From then
on any pair of instants costs two look-ups, however long it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.parallel import map_blocks
from dealtrace_engine.schema import close_to, nearest

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY, MINUTE, SECOND = 86_400_000_000, 60_000_000, 1_000_000
THURSDAY = 3
"""The weekday of 1970-01-01."""
FIRST, LAST = -719_162 + 366, 2_932_896 - 366
"""Days since 1970 that calendars know: from the year 2 to 9998."""
PAIRS = 1 << 18
Hours = str | Sequence[str]
Shifts = tuple[tuple[int, int], ...]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class WorkingCalendar:
    """When people work.

    Parameters
    ----------
    zone : str
        IANA name of their time zone, such as ``"Europe/Berlin"``.
    hours : mapping of str to str or sequence of str
        Weekdays (``"mon"``, ``"monday"`` or ``"mon-fri"``) to shifts of the local clock such as
        ``"09:00-17:00"``, or several of them. Days that are not named are free.
    holidays : collection of date or str
        Local days without work, as dates or in ISO 8601.

    Raises
    ------
    ArgumentError
        There is no such zone, weekday, time or day; a shift ends before it begins, or two overlap; a
        weekday is named twice; or there are no hours at all.

    Examples
    --------
    >>> office = WorkingCalendar("Europe/Berlin", {"mon-thu": ["08:00-12:00", "13:00-17:00"],
    ...                                            "fri": "08:00-13:00"}, holidays=["2024-05-01"])
    >>> office.between(datetime(2024, 4, 30, 14, tzinfo=ZoneInfo("UTC")),
    ...                datetime(2024, 5, 2, 7, tzinfo=ZoneInfo("UTC")))
    datetime.timedelta(seconds=7200)
    """

    zone: str
    hours: Mapping[str, Hours] = field(default_factory=lambda: {"mon-fri": "09:00-17:00"})
    holidays: Collection[date | str] = ()

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError, TypeError) as error:
            near = close_to(sorted(available_timezones()), str(self.zone))
            hint = f"nearest: {', '.join(map(repr, near))}" if near else "such as 'Europe/Berlin'"
            raise ArgumentError(f"there is no such time zone as {self.zone!r}", hint=hint) from error
        if not any(self.week):
            raise ArgumentError("a calendar without working hours", hint='such as {"mon-fri": "09:00-17:00"}')
        _ = self.free_days

    @cached_property
    def week(self) -> tuple[Shifts, ...]:
        """The shifts of each weekday, from Monday, in minutes after midnight of the local clock."""
        if not isinstance(self.hours, Mapping):
            raise ArgumentError(f"hours are weekdays to shifts, got {self.hours!r}")
        week: dict[int, Shifts] = {}
        for name, shifts in self.hours.items():
            for weekday in _weekdays(name):
                if weekday in week:
                    raise ArgumentError(f"{WEEKDAYS[weekday].title()} is named twice in the hours")
                week[weekday] = _shifts(shifts, WEEKDAYS[weekday].title())
        return tuple(week.get(weekday, ()) for weekday in range(7))

    @cached_property
    def free_days(self) -> NDArray[np.int64]:
        """The holidays in days since 1970-01-01, rising."""
        if isinstance(self.holidays, str) or not isinstance(self.holidays, Collection):
            raise ArgumentError(f"holidays are several days, got {self.holidays!r}", hint="give a list")
        return np.array(sorted({_day(holiday) for holiday in self.holidays}), dtype=np.int64)

    def shifts(self, first: int, last: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return when shifts begin and end, in microseconds UTC, from one day to another.

        A shift is all instants whose local clock shows a time in it: where clocks are set back it is longer,
        or there twice, and where they are set forward shorter, or not at all. Shifts that touch are one.

        Parameters
        ----------
        first, last : int
            Days since 1970-01-01 UTC; the last one is left out.
        """
        found = [np.empty((0, 2), dtype=np.int64)]
        for begin, end, offset in _offsets(self.zone, first, last):
            days = np.arange((begin + offset) // DAY, (end + offset - 1) // DAY + 1)
            days = days[~np.isin(days, self.free_days)]
            weekdays = (days + THURSDAY) % 7
            for weekday, shifts in enumerate(self.week):
                own = days[weekdays == weekday] * DAY - offset
                for opens, closes in shifts:
                    pair = np.stack([own + opens * MINUTE, own + closes * MINUTE], axis=1)
                    found.append(pair.clip(begin, end))
        pairs = np.concatenate(found)
        pairs = pairs[pairs[:, 0] < pairs[:, 1]]
        pairs = pairs[np.argsort(pairs[:, 0])]
        apart = pairs[1:, 0] > pairs[:-1, 1]
        ends = np.append(apart, True)[: len(pairs)]
        return pairs[np.insert(apart, 0, True)[: len(pairs)], 0], pairs[ends, 1]

    def between(self, source: datetime, target: datetime) -> timedelta:
        """Return the working time from one instant to another.

        Raises
        ------
        ArgumentError
            One is no instant with a time zone, or not in the years 2 to 9998.
        """
        for when in (source, target):
            if not isinstance(when, datetime) or when.tzinfo is None:
                raise ArgumentError(f"an instant is a datetime with a time zone, got {when!r}",
                                    hint="such as datetime(2024, 5, 1, tzinfo=UTC)")  # fmt: skip
        one, other = ((when - _EPOCH) // timedelta(microseconds=1) for when in (source, target))
        table = WorkingTime.of([self], min(one, other), max(one, other))
        (found,) = table.between(np.array([one]), np.array([other]), np.zeros(1, dtype=np.int32))
        return timedelta(microseconds=int(found))


@dataclass(frozen=True, eq=False)
class Calendars:
    """A calendar for each value of an attribute of the case, such as its region or its sales rep.

    Parameters
    ----------
    calendars : mapping of value to WorkingCalendar
    by : str
        The attribute.
    default : WorkingCalendar, optional
        For cases with another value, or none. Without it such cases are an error.

    Raises
    ------
    ArgumentError
        There is no calendar, one is something else, or `by` is no text.

    Examples
    --------
    >>> berlin, tokyo = WorkingCalendar("Europe/Berlin"), WorkingCalendar("Asia/Tokyo")
    >>> Calendars({"DACH": berlin, "Japan": tokyo}, by="region", default=berlin).by
    'region'
    """

    calendars: Mapping[object, WorkingCalendar]
    by: str
    default: WorkingCalendar | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.calendars, Mapping) or not self.calendars:
            raise ArgumentError(f"calendars are values to working calendars, got {self.calendars!r}")
        for one in (*self.calendars.values(), *([] if self.default is None else [self.default])):
            if not isinstance(one, WorkingCalendar):
                raise ArgumentError(f"a calendar is a WorkingCalendar, got {one!r}")
        if not isinstance(self.by, str):
            raise ArgumentError(f"calendars are told apart by one attribute, got {self.by!r}")


@dataclass(frozen=True, eq=False)
class WorkingTime:
    """The shifts of calendars over the days of a log; see `kernels.working_time`.

    Attributes
    ----------
    first_day : int
        Days since 1970-01-01.
    begins, ends, worked : ndarray of int64, shape (shifts,)
    shift_offsets : ndarray of int64, shape (calendars + 1,)
    shift_of_day : ndarray of int64, shape (calendars, days)
    """

    first_day: int
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    worked: NDArray[np.int64]
    shift_offsets: NDArray[np.int64]
    shift_of_day: np.ndarray[tuple[int, int], np.dtype[np.int64]]

    @classmethod
    def of(cls, calendars: Sequence[WorkingCalendar], first: int, last: int) -> WorkingTime:
        """Lay out calendars from one instant to another, in microseconds since 1970-01-01 UTC.

        Raises
        ------
        ArgumentError
            The instants are not in the years 2 to 9998.
        """
        first_day, last_day = first // DAY, last // DAY + 1
        if first_day < FIRST or last_day > LAST:
            raise ArgumentError("working time is known for the years 2 to 9998",
                                hint="filter events of other years out")  # fmt: skip
        midnights = np.arange(first_day, last_day) * DAY
        parts, places, offsets = [], [], [0]
        for calendar in calendars:
            begins, ends = calendar.shifts(first_day, last_day)
            # An empty shift in front, so that one has always begun.
            begins, ends = (np.insert(side, 0, first_day * DAY) for side in (begins, ends))
            worked = np.cumsum(ends - begins) - (ends - begins)
            parts.append(np.stack([begins, ends, worked]))
            places.append(np.searchsorted(begins, midnights, side="right") - 1 + offsets[-1])
            offsets.append(offsets[-1] + len(begins))
        columns = np.concatenate(parts, axis=1)
        places_of_days = np.array(places, dtype=np.int64).reshape(len(calendars), -1)
        return cls(first_day, columns[0], columns[1], columns[2], np.array(offsets), places_of_days)

    @cached_property
    def in_all(self) -> NDArray[np.int64]:
        """What each calendar works from the first day to the last, in microseconds, shape (calendars,)."""
        last = self.shift_offsets[1:] - 1
        return np.asarray(self.worked[last] + self.ends[last] - self.begins[last])

    def instants(self, worked: NDArray[np.int64], calendars: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the first instants by which so much is worked since the first day, in microseconds UTC.

        Parameters
        ----------
        worked : ndarray of int64, shape (n,)
            Microseconds, no more than `in_all`.
        calendars : ndarray of int32, shape (n,)
        """
        out = np.empty(len(worked), dtype=np.int64)
        for calendar, (first, last) in enumerate(pairwise(self.shift_offsets.tolist())):
            own = calendars == calendar
            done = self.worked[first:last] + self.ends[first:last] - self.begins[first:last]
            shift = first + np.searchsorted(done, worked[own])
            out[own] = self.begins[shift] + worked[own] - self.worked[shift]
        return out

    def between(
        self, sources: NDArray[np.int64], targets: NDArray[np.int64], calendars: NDArray[np.int32],
        threads: int | None = None,
    ) -> NDArray[np.int64]:  # fmt: skip
        """Return the working time of pairs of instants, in microseconds.

        Parameters
        ----------
        sources, targets : ndarray of int64, shape (pairs,)
            Microseconds since 1970-01-01 UTC, within what is laid out.
        calendars : ndarray of int32, shape (pairs,)
            The calendar of each pair.
        threads : int, optional
        """
        from dealtrace_engine.kernels.working_time import elapsed

        out = np.empty(len(sources), dtype=np.int64)
        map_blocks(
            lambda cut: elapsed(
                sources, targets, calendars, *cut, self.first_day, self.begins, self.ends, self.worked,
                self.shift_offsets, self.shift_of_day, out,
            ),
            [(at, min(at + PAIRS, len(sources))) for at in range(0, len(sources), PAIRS)], threads=threads,
        )  # fmt: skip
        return out


@lru_cache(maxsize=256)
def _offsets(zone: str, first: int, last: int) -> list[tuple[int, int, int]]:
    """From when to when (microseconds UTC) a zone has which offset (microseconds east)."""
    local, found = ZoneInfo(zone), list[tuple[int, int, int]]()

    def offset_at(second: int) -> int:
        known = (_EPOCH + timedelta(seconds=second)).astimezone(local).utcoffset()
        return 0 if known is None else known // timedelta(microseconds=1)

    begin, offset = first * 86_400, offset_at(first * 86_400)
    for midnight in range((first + 1) * 86_400, last * 86_400 + 1, 86_400):
        if (later := offset_at(midnight)) != offset:
            low, high = midnight - 86_400, midnight
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset_at(middle) == offset else (low, middle)
            found.append((begin * SECOND, high * SECOND, offset))
            begin, offset = high, later
    return [*found, (begin * SECOND, last * DAY, offset)]


def _weekdays(name: object) -> Iterator[int]:
    """Yield the weekdays of a name, or of two with a hyphen."""
    ends = [_weekday(part.strip()) for part in str(name).casefold().split("-", 1)]
    yield from (day % 7 for day in range(ends[0], ends[-1] + 1 + 7 * (ends[-1] < ends[0])))


def _weekday(name: str) -> int:
    for number, weekday in enumerate(WEEKDAYS):
        if name in (weekday, weekday[:3]):
            return number
    raise ArgumentError(f"there is no weekday {name!r}", hint=nearest(WEEKDAYS, name, "weekdays"))


def _shifts(shifts: object, weekday: str) -> Shifts:
    texts = [shifts] if isinstance(shifts, str) else shifts
    if not isinstance(texts, Sequence):
        raise ArgumentError(f"the hours of {weekday} are shifts such as '09:00-17:00', got {shifts!r}")
    found = sorted(_shift(text, weekday) for text in texts)
    for (_, end), (begin, _) in pairwise(found):
        if begin < end:
            raise ArgumentError(f"working hours of {weekday} overlap", value=list(texts))
    return tuple(found)


def _shift(text: object, weekday: str) -> tuple[int, int]:
    parts = text.split("-") if isinstance(text, str) else []
    if len(parts) != 2:
        raise ArgumentError(f"the hours of {weekday} are shifts such as '09:00-17:00', got {text!r}")
    begin, end = map(_minutes, parts)
    if end <= begin:
        hint = "a shift over midnight is two: until 24:00, and from 00:00 of the next day"
        raise ArgumentError(f"working hours of {weekday} end before they begin", value=text, hint=hint)
    return begin, end


def _minutes(text: str) -> int:
    hours, colon, minutes = text.strip().partition(":")
    if colon and hours.isdecimal() and minutes.isdecimal() and len(minutes) == 2:
        found = int(hours) * 60 + int(minutes)
        if int(minutes) < 60 and found <= 24 * 60:
            return found
    raise ArgumentError("this is no time of day", value=text, hint="write 00:00 to 24:00")


def _day(holiday: date | str) -> int:
    try:
        day = date.fromisoformat(holiday) if isinstance(holiday, str) else holiday
        return day.toordinal() - date(1970, 1, 1).toordinal()
    except (ValueError, AttributeError) as error:
        raise ArgumentError("this is no day", value=holiday, hint="write it as 2024-12-25") from error
