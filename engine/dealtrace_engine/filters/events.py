"""Choices of events, which cut the traces, and conditions on cases made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dealtrace_engine.errors import SchemaError
from dealtrace_engine.filters.activities import activity_code, activity_marks
from dealtrace_engine.filters.cases import window_of, window_us
from dealtrace_engine.filters.expressions import Expression, Level, Mask, case_mask, checked
from dealtrace_engine.filters.values import text, texts
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import blocks, map_blocks
from dealtrace_engine.schema import nearest

ENDS = ("last", "next")
EVENTS_PER_SPAN = 1 << 17
"""Small enough for what is between two steps to stay in the cache."""


@dataclass(frozen=True, repr=False)
class EventExpression(Expression):
    """A choice of events."""

    @property
    def level(self) -> Level:
        """Events."""
        return "event"


@dataclass(frozen=True, repr=False)
class Activity(EventExpression):
    """Events with one of these activities."""

    activities: tuple[str, ...]
    op: ClassVar[str] = "activity"

    def __post_init__(self) -> None:
        self._set(activities=texts(self.activities, "the activities of 'activity'"))

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return the events with one of the activities."""
        marks, codes = activity_marks(log, self.activities), log.activity_codes
        return _event_mask(log, lambda span, out: np.take(marks, codes[span], out=out, mode="clip"), threads)


@dataclass(frozen=True, repr=False)
class Timeframe(EventExpression):
    """Events in a time window."""

    start: str | None
    end: str | None
    op: ClassVar[str] = "timeframe"

    def __post_init__(self) -> None:
        self._set(**window_of(self.start, self.end, self.op))

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return the events in the window."""
        low, high = window_us(self.start, self.end)
        times = log.timestamps

        def run(span: slice, out: Mask) -> None:
            np.greater_equal(times[span], low, out=out)
            np.logical_and(out, times[span] <= high, out=out)

        return _event_mask(log, run, threads)


def _event_mask(log: EventLog, run: Callable[[slice, Mask], object], threads: int | None) -> Mask:
    """Return a mask of shape (events,) that ``run(span, part of the mask)`` fills, span by span."""
    out = np.empty(log.events, dtype=np.bool_)
    spans = [slice(first, first + EVENTS_PER_SPAN) for first in range(0, log.events, EVENTS_PER_SPAN)]
    map_blocks(lambda span: run(span, out[span]), spans, threads=threads)
    return out


@dataclass(frozen=True, repr=False)
class Between(EventExpression):
    """Events from the first `source` of a case to the last `target` after it, or to the next."""

    source: str
    target: str
    to: str = "last"
    op: ClassVar[str] = "between"

    def __post_init__(self) -> None:
        text(self.source, "the source of 'between'")
        text(self.target, "the target of 'between'")
        if self.to not in ENDS:
            raise SchemaError("'between' goes to the last target or to the next", value=self.to,
                              hint=nearest(ENDS, str(self.to), "values"))  # fmt: skip

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return the events in between."""
        from dealtrace_engine.kernels.selection import mark_between

        pair = activity_code(log, self.source), activity_code(log, self.target)
        out = np.zeros(log.events, dtype=np.bool_)
        columns, to_next = (log.activity_codes, log.case_offsets), self.to == "next"
        map_blocks(
            lambda block: mark_between(*columns, *block, *pair, to_next, out),
            blocks(log.case_offsets), threads=threads,
        )  # fmt: skip
        return out


@dataclass(frozen=True, repr=False)
class _Quantified(Expression):
    events: Expression

    def __post_init__(self) -> None:
        checked(self.events, f"what {self.op!r} is of", "event")


class AnyEvent(_Quantified):
    """Cases of which at least one event is chosen."""

    op: ClassVar[str] = "any_event"

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return the cases with such an event."""
        return _any(log, self.events.mask(log, threads), threads)


class EveryEvent(_Quantified):
    """Cases of which every event is chosen."""

    op: ClassVar[str] = "every_event"

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return the cases with no other events."""
        return ~_any(log, ~self.events.mask(log, threads), threads)


def _any(log: EventLog, marks: Mask, threads: int | None) -> Mask:
    from dealtrace_engine.kernels.conditions import any_marked

    return case_mask(log, lambda block, out: any_marked(marks, log.case_offsets, *block, out), threads)
