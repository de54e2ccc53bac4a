"""Some cases of a log, or some events of them, as a log of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.attributes import Attribute, attribute_of
from dealtrace_engine.buffers import arrow
from dealtrace_engine.errors import LogError
from dealtrace_engine.log import EventLog
from dealtrace_engine.origin import Origin
from dealtrace_engine.parallel import EVENTS_PER_BLOCK, blocks, map_blocks
from dealtrace_engine.quality import Finding


@dataclass(frozen=True, eq=False)
class Chosen:
    """What is kept of a log.

    Attributes
    ----------
    cases : ndarray of int64, shape (cases kept,)
        Their places in the log, rising.
    offsets : ndarray of int64, shape (cases kept + 1,)
        As in `EventLog`, of the events kept.
    marks : ndarray of bool, shape (events of the log,), or None
        The events kept; None where the cases are kept whole.
    begins : ndarray of int64, shape (cases kept,)
        Where these cases begin in the log.
    """

    cases: NDArray[np.int64]
    offsets: NDArray[np.int64]
    marks: NDArray[np.bool_] | None
    begins: NDArray[np.int64]

    @cached_property
    def events(self) -> NDArray[np.int64]:
        """Place of each event kept, in the log; shape (events kept,)."""
        if self.marks is not None:
            return np.flatnonzero(self.marks)
        shifts = self.begins - self.offsets[:-1]
        return np.repeat(shifts, np.diff(self.offsets)) + np.arange(self.offsets[-1])

    def taken(self, attribute: Attribute) -> Attribute:
        """Return what is kept of an attribute of the log."""
        if attribute.level == "case":
            return replace(attribute, values=attribute.values.take(arrow(self.cases)))
        return attribute_of(attribute.name, attribute.values.take(arrow(self.events)), self.offsets)


class FilteredLog(EventLog):
    """An event log of which only some cases or events were kept.

    Activities and times are copied, narrow as they are; everything else is taken from the log it came from
    when it is first asked for. Cases keep their order.

    Attributes
    ----------
    parent : EventLog
        The log it came from.
    """

    def __init__(self, parent: EventLog, chosen: Chosen, expression: str, threads: int | None = None) -> None:
        codes, times, used = _gathered(parent, chosen, threads)
        activities, codes = _in_use(parent.activities, codes, used, threads)
        codes.flags.writeable = times.flags.writeable = chosen.offsets.flags.writeable = False
        self.__dict__.update(
            parent=parent, activities=activities, case_offsets=chosen.offsets, activity_codes=codes,
            timestamps=times, origin=_origin(parent, len(codes), expression),
            kept=_KeptAttributes(parent, chosen), _chosen=chosen, _expression=expression,
        )  # fmt: skip

    parent: EventLog
    _chosen: Chosen
    _expression: str

    @cached_property
    def case_ids(self) -> pa.LargeStringArray:
        """The source's text for each case."""
        return self.parent.case_ids.take(arrow(self._chosen.cases))

    @cached_property
    def rows(self) -> NDArray[np.uint32]:
        """Position of each event in the source."""
        rows = self.parent.rows[self._chosen.events]
        rows.flags.writeable = False
        return rows

    @property
    def known_activities(self) -> pa.LargeStringArray:
        """The activities of the log that was first filtered."""
        return self.parent.known_activities

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """Every column besides case id, activity and timestamp."""
        return self.parent.attribute_names

    def attribute(self, name: str) -> Attribute:
        """Return a column by its name in the source; see `EventLog.attribute`."""
        return self.kept[self.parent.attribute(name).name]

    def with_attributes(self, names: Sequence[str]) -> EventLog:
        """Return the same log with these columns in memory."""
        for name in names:
            self.attribute(name)
        return self

    def _lost(self) -> str:
        return f"\n  kept of {self.parent.events:,} events, {self.parent.cases:,} cases: {self._expression}"

    def __reduce__(self) -> tuple[object, ...]:
        columns = (self.case_ids, self.activities, self.case_offsets, self.activity_codes)
        return EventLog, (*columns, self.timestamps, self.rows, self.origin, dict(self.kept))


class _KeptAttributes(Mapping[str, Attribute]):
    """What is kept of the attributes that the parent has in memory, each taken when it is first asked for."""

    def __init__(self, parent: EventLog, chosen: Chosen) -> None:
        self._parent, self._chosen = parent, chosen
        self._taken: dict[str, Attribute] = {}

    def __getitem__(self, name: str) -> Attribute:
        if name not in self._taken:
            self._taken[name] = self._chosen.taken(self._parent.kept[name])
        return self._taken[name]

    def __contains__(self, name: object) -> bool:
        return name in self._parent.kept

    def __iter__(self) -> Iterator[str]:
        return iter(self._parent.kept)

    def __len__(self) -> int:
        return len(self._parent.kept)


def select_cases(
    log: EventLog, keep: NDArray[np.bool_], expression: str, threads: int | None = None
) -> FilteredLog:
    """Return the log of the cases to keep.

    Parameters
    ----------
    log : EventLog
    keep : ndarray of bool, shape (cases,)
    expression : str
        What the filter is, for the quality report and for messages.
    threads : int, optional
        All CPUs by default; the result does not depend on it.

    Raises
    ------
    LogError
        No case is kept.
    """
    cases = np.flatnonzero(keep)
    begins = log.case_offsets[cases]
    offsets = _offsets(log, log.case_offsets[cases + 1] - begins, expression)
    return FilteredLog(log, Chosen(cases, offsets, None, begins), expression, threads)


def select_events(
    log: EventLog, marks: NDArray[np.bool_], expression: str, threads: int | None = None
) -> FilteredLog:
    """Return the log of the marked events; cases without any are left out.

    Parameters
    ----------
    log : EventLog
    marks : ndarray of bool, shape (events,)
    expression, threads
        See `select_cases`.

    Raises
    ------
    LogError
        No event is kept.
    """
    from dealtrace_engine.kernels.selection import count_marked

    counts = np.empty(log.cases, dtype=np.int64)
    map_blocks(
        lambda block: count_marked(marks, log.case_offsets, *block, counts),
        blocks(log.case_offsets), threads=threads,
    )  # fmt: skip
    cases = np.flatnonzero(counts)
    chosen = Chosen(cases, _offsets(log, counts[cases], expression), marks, log.case_offsets[cases])
    return FilteredLog(log, chosen, expression, threads)


def _offsets(log: EventLog, sizes: NDArray[np.int64], expression: str) -> NDArray[np.int64]:
    if not len(sizes):
        raise LogError(f"no case passes the filter {expression}", file=log.origin.source.label,
                       hint="loosen it; expression.mask(log) tells what passes")  # fmt: skip
    offsets = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(sizes, out=offsets[1:])
    return offsets


def _gathered(
    log: EventLog, chosen: Chosen, threads: int | None
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.bool_]]:
    """Return the codes and times that are kept, and which activities are among them."""
    cases, offsets, marks = chosen.cases, chosen.offsets, chosen.marks
    if len(cases) == log.cases and offsets[-1] == log.events:
        return log.activity_codes, log.timestamps, np.ones(len(log.activities), dtype=np.bool_)
    codes = np.empty(int(offsets[-1]), dtype=log.activity_codes.dtype)
    times = np.empty(int(offsets[-1]), dtype=np.int64)

    def gather(block: tuple[int, int]) -> NDArray[np.bool_]:
        used = np.zeros(len(log.activities), dtype=np.bool_)
        if marks is None:
            _copy_cases(log, chosen, block, used, codes, times)
        else:
            from dealtrace_engine.kernels.selection import gather_marked

            place = (log.case_offsets, cases, offsets, *block, used, codes, times)
            gather_marked(log.activity_codes, log.timestamps, marks, *place)
        return used

    used = np.logical_or.reduce(map_blocks(gather, blocks(offsets), threads=threads))
    return codes, times, used


def _copy_cases(
    log: EventLog, chosen: Chosen, block: tuple[int, int], used: NDArray[np.bool_], codes: NDArray[Any],
    times: NDArray[np.int64],
) -> None:  # fmt: skip
    """Copy the events of a range of the cases kept; say in `used` which activities occur."""
    from dealtrace_ext.groups import copy_groups, mark_codes

    place = (log.case_offsets, chosen.cases, chosen.offsets, *block)
    copy_groups(log.activity_codes, *place, codes)
    copy_groups(log.timestamps, *place, times)
    first, last = chosen.offsets[block[0]], chosen.offsets[block[1]]
    mark_codes(codes, first, last, used.view(np.uint8))


def _in_use(
    activities: pa.LargeStringArray, codes: NDArray[Any], used: NDArray[np.bool_], threads: int | None
) -> tuple[pa.LargeStringArray, NDArray[Any]]:
    """Leave out the activities that no longer occur; codes stay as narrow as they can be."""
    from dealtrace_engine.kernels.selection import renumber

    if used.all():
        return activities, codes
    left = np.flatnonzero(used)
    narrow = np.dtype(np.uint8 if len(left) <= 1 << 8 else np.uint16 if len(left) <= 1 << 16 else np.uint32)
    places = np.zeros(len(used), dtype=codes.dtype)  # of one width with the codes: one form to compile
    places[left] = np.arange(len(left))
    out = np.empty(len(codes), dtype=codes.dtype)
    ranges = list(pairwise([*range(0, len(codes), EVENTS_PER_BLOCK), len(codes)]))
    map_blocks(lambda span: renumber(codes, places, *span, out), ranges, threads=threads)
    return activities.take(arrow(left)), out.astype(narrow, copy=False)


def _origin(parent: EventLog, events: int, expression: str) -> Origin:
    """Count what was left out among what was dropped, so that the counts still add up."""
    origin, left_out = parent.origin, parent.events - events
    dropped = [Finding(f"not kept by the filter {expression}", left_out)] if left_out else []
    return replace(origin, dropped=[*origin.dropped, *dropped], noted=list(origin.noted),
                   notes=[*origin.notes, f"filter: {expression}"])  # fmt: skip
