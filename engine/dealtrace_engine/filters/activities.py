"""Conditions on the activities of a case."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dealtrace_engine.errors import LogError
from dealtrace_engine.filters.expressions import Expression, Mask, case_mask
from dealtrace_engine.filters.values import (
    bounds_us,
    duration_bounds,
    number,
    number_bounds,
    text,
    texts,
)
from dealtrace_engine.log import EventLog
from dealtrace_engine.schema import nearest


def activity_code(log: EventLog, activity: str) -> int:
    """Return the code of an activity, -1 where a filter before has left it out.

    Raises
    ------
    LogError
        The log never had such an activity.
    """
    wanted = pa.scalar(activity, pa.large_string())
    code = int(pc.index(log.activities, wanted).as_py())
    if code < 0 and pc.index(log.known_activities, wanted).as_py() < 0:
        names = log.known_activities.to_pylist()
        raise LogError(f"there is no activity {activity!r}", file=log.origin.source.label,
                       hint=nearest(names, activity, "activities"))  # fmt: skip
    return code


def activity_marks(log: EventLog, activities: Sequence[str]) -> Mask:
    """Say of each code whether it is one of these activities, shape (activities,)."""
    codes = np.array([activity_code(log, activity) for activity in activities])
    marks = np.zeros(len(log.activities), dtype=np.bool_)
    marks[codes[codes >= 0]] = True
    return marks


@dataclass(frozen=True, repr=False)
class _OneOf(Expression):
    activities: tuple[str, ...]

    def __post_init__(self) -> None:
        self._set(activities=texts(self.activities, f"the activities of {self.op!r}"))

    @abstractmethod
    def _events(self, log: EventLog) -> NDArray[np.int64]:
        """Return the event of each case that counts."""

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return the cases whose event in that place has one of the activities."""
        passes: Mask = activity_marks(log, self.activities)[log.activity_codes[self._events(log)]]
        return passes


class Starts(_OneOf):
    """Cases whose first event has one of these activities."""

    op: ClassVar[str] = "starts"

    def _events(self, log: EventLog) -> NDArray[np.int64]:
        return log.case_offsets[:-1]


class Ends(_OneOf):
    """Cases whose last event has one of these activities."""

    op: ClassVar[str] = "ends"

    def _events(self, log: EventLog) -> NDArray[np.int64]:
        return log.case_offsets[1:] - 1


@dataclass(frozen=True, repr=False)
class Prefix(Expression):
    """Cases that begin with these activities, in this order."""

    activities: tuple[str, ...]
    op: ClassVar[str] = "prefix"

    def __post_init__(self) -> None:
        self._set(activities=texts(self.activities, "the activities of 'prefix'"))

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return the cases that begin so."""
        from dealtrace_engine.kernels.conditions import begins_with

        prefix = np.array([activity_code(log, activity) for activity in self.activities])
        codes, offsets = log.activity_codes, log.case_offsets
        return case_mask(log, lambda block, out: begins_with(codes, offsets, *block, prefix, out), threads)


@dataclass(frozen=True, repr=False)
class Contains(Expression):
    """Cases in which an activity occurs so often."""

    activity: str
    at_least: int = 1
    at_most: int | None = None
    op: ClassVar[str] = "contains"

    def __post_init__(self) -> None:
        text(self.activity, "the activity of 'contains'")
        number(self.at_least, "at_least")
        number_bounds(self.at_least, self.at_most)

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return the cases in which the activity occurs so often."""
        from dealtrace_engine.kernels.conditions import occurs

        code, least = activity_code(log, self.activity), self.at_least
        most = -1 if self.at_most is None else self.at_most
        codes, offsets = log.activity_codes, log.case_offsets
        return case_mask(
            log, lambda block, out: occurs(codes, offsets, *block, code, least, most, out), threads
        )


@dataclass(frozen=True, repr=False)
class _Followed(Expression):
    source: str
    target: str
    at_least: str | None = None
    at_most: str | None = None

    def __post_init__(self) -> None:
        text(self.source, f"the source of {self.op!r}")
        text(self.target, f"the target of {self.op!r}")
        low, high = duration_bounds(self.at_least, self.at_most)
        self._set(at_least=low, at_most=high)

    def _arguments_of(self, log: EventLog) -> tuple[int, int, int, int]:
        pair = activity_code(log, self.source), activity_code(log, self.target)
        return (*pair, *bounds_us(self.at_least, self.at_most))


class DirectlyFollowed(_Followed):
    """Cases in which the target is the next event after a source, after so long."""

    op: ClassVar[str] = "directly_followed"

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return the cases with such a pair."""
        from dealtrace_engine.kernels.conditions import follows_directly

        columns = log.activity_codes, log.timestamps, log.case_offsets
        wanted = self._arguments_of(log)
        return case_mask(log, lambda block, out: follows_directly(*columns, *block, *wanted, out), threads)


class EventuallyFollowed(_Followed):
    """Cases in which a target comes at any place after a source, after so long."""

    op: ClassVar[str] = "eventually_followed"

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return the cases with such a pair."""
        from dealtrace_engine.kernels.conditions import follows_eventually

        columns = log.activity_codes, log.timestamps, log.case_offsets
        wanted = self._arguments_of(log)
        return case_mask(log, lambda block, out: follows_eventually(*columns, *block, *wanted, out), threads)


@dataclass(frozen=True, repr=False)
class Rework(Expression):
    """Cases in which one activity, or any, occurs at least so many times."""

    activity: str | None = None
    at_least: int = 2
    op: ClassVar[str] = "rework"

    def __post_init__(self) -> None:
        if self.activity is not None:
            text(self.activity, "the activity of 'rework'")
        number(self.at_least, "at_least", 2)

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return the cases with rework."""
        from dealtrace_engine.kernels.conditions import repeats

        if self.activity is not None:
            return Contains(self.activity, self.at_least).mask(log, threads)
        codes, offsets, least = log.activity_codes, log.case_offsets, self.at_least

        def run(block: tuple[int, int], out: Mask) -> None:
            seen = np.full(len(log.activities), -1, dtype=np.int64)
            repeats(codes, offsets, *block, least, seen, np.empty_like(seen), out)

        return case_mask(log, run, threads)


@dataclass(frozen=True, repr=False)
class SelfLoop(Expression):
    """Cases in which one activity, or any, directly follows itself at least so many times."""

    activity: str | None = None
    at_least: int = 1
    op: ClassVar[str] = "self_loop"

    def __post_init__(self) -> None:
        if self.activity is not None:
            text(self.activity, "the activity of 'self_loop'")
        number(self.at_least, "at_least", 1)

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return the cases with such loops."""
        from dealtrace_engine.kernels.conditions import loops

        code = -1 if self.activity is None else activity_code(log, self.activity)
        if self.activity is not None and code < 0:
            return np.zeros(log.cases, dtype=np.bool_)
        codes, offsets, least = log.activity_codes, log.case_offsets, self.at_least
        return case_mask(log, lambda block, out: loops(codes, offsets, *block, code, least, out), threads)
