"""Which events of a log are done again, by whom, and how long after."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.priced_groups import PricedGroups
from dealtrace_engine.attributes import codes_of
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress, cut_evenly, map_blocks, thread_count

MOST_ROWS = 1 << 24
KINDS = 7
TALLIED = 10
AGAIN, STAGE, LAST = 7, 8, 16
"""Marks of events; see `dealtrace_engine.kernels.rework`."""
NAMES = ("self_loop", "self_loop", "self_loop", "repetition", "repetition", "repetition", "stage_return")
DOERS = ("same", "other", None, "same", "other", None, None)


@dataclass(frozen=True, eq=False)
class Repeated:
    """What is done again in a log; all arrays are as `dealtrace_engine.kernels.rework.repetitions` writes
    them.

    Attributes
    ----------
    log : EventLog
    groups : PricedGroups
    marks : ndarray of uint8, shape (events,)
    gaps, spans : ndarray of int64, shape (events done again,)
        Microseconds since the time before, and since the first time.
    returns : ndarray of int64, shape (returns to a stage,)
        Microseconds since that stage was left.
    counts : ndarray of int32, shape (cases, 7)
    times : ndarray of int64, shape (cases,)
    tallies : ndarray of int64, shape (groups * activities, 10)
    """

    log: EventLog
    groups: PricedGroups
    marks: NDArray[np.uint8]
    gaps: NDArray[np.int64]
    spans: NDArray[np.int64]
    returns: NDArray[np.int64]
    counts: NDArray[np.int32]
    times: NDArray[np.int64]
    tallies: NDArray[np.int64]

    @cached_property
    def _case_of_event(self) -> NDArray[np.int32]:
        return np.repeat(np.arange(self.log.cases, dtype=np.int32), np.diff(self.log.case_offsets))

    def marked(self, mark: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return the events with any of some marks, their cases, and their rows in `tallies`."""
        events = np.flatnonzero(self.marks & mark)
        cases = self._case_of_event[events].astype(np.int64)
        width = len(self.log.activities)
        rows = self.groups.codes[cases].astype(np.int64) * width + self.log.activity_codes[events]
        return events, cases, rows

    @cached_property
    def again(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The events that are done again; see `marked`."""
        return self.marked(AGAIN)

    def times_of(self, kind: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return the group of each event of a kind, and its gap, or what it took to return to a stage."""
        if kind == KINDS - 1:
            return self.groups.codes[self.marked(STAGE)[1]], self.returns
        chosen = self.kinds == kind
        return self.groups.codes[self.again[1][chosen]], self.gaps[chosen]

    @cached_property
    def kinds(self) -> NDArray[np.int64]:
        """The kind of each of `again`."""
        return (self.marks[self.again[0]] & AGAIN).astype(np.int64) - 1


def repeated(
    log: EventLog, groups: PricedGroups, resource: str | None, stage: str | None, *,
    threads: int | None = None, progress: Progress | None = None,
) -> Repeated:  # fmt: skip
    """Return what is done again in a log.

    Parameters
    ----------
    log : EventLog
    groups : PricedGroups
    resource, stage : str or None
        Attributes.
    threads : int, optional
    progress : callable (done, of) -> object, optional

    Raises
    ------
    SchemaError
        There is no such column.
    ArgumentError
        There are too many groups.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.analyses.priced_groups import priced_groups
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"] * 3, "activity": ["a", "a", "b"],
    ...                            "time": ["2024-01-01", "2024-01-02", "2024-01-05"]}))
    >>> repeated(log, priced_groups(log), None, None).counts.tolist()
    [[0, 0, 1, 0, 0, 0, 0]]
    """
    from dealtrace_engine.kernels.rework import repetitions, tally

    width, cases, codes = len(log.activities), log.cases, log.activity_codes
    if width * groups.count > MOST_ROWS:
        raise ArgumentError(f"there would be {width * groups.count:,} rows",
                            hint="group by an attribute with fewer values")  # fmt: skip
    who, where = known_codes(log, resource), known_codes(log, stage)
    marks = np.empty(log.events, dtype=np.uint8)
    written = [np.empty(log.events, dtype=np.int64) for _ in range(3)]
    counts, times = np.zeros(KINDS * cases, dtype=np.int32), np.empty(cases, dtype=np.int64)
    stages = int(where.max(initial=-1)) + 1

    def count(span: tuple[int, int]) -> NDArray[np.int64]:
        seen, firsts, lasts = (np.full(width, -1, dtype=np.int64) for _ in range(3))
        stage_seen, stage_left = (np.full(stages, -1, dtype=np.int64) for _ in range(2))
        room = seen, firsts, lasts, stage_seen, stage_left
        out = np.zeros(groups.count * width * TALLIED, dtype=np.int64)
        gaps, spans, returns = written
        columns = codes, log.timestamps, who, where, log.case_offsets
        repetitions(*columns, *span, *room, marks, gaps, spans, returns, counts, times)
        tally(codes, marks, log.case_offsets, groups.codes, *span, width, out)
        return out

    shares = cut_evenly(log.case_offsets, 2 * thread_count(threads))
    parts = [
        part.reshape(-1, TALLIED) for part in map_blocks(count, shares, threads=threads, progress=progress)
    ]
    firsts = [int(log.case_offsets[first]) for first, _ in shares]
    again, back = (
        [slice(at, at + int(part[:, kinds].sum())) for at, part in zip(firsts, parts, strict=True)]
        for kinds in (slice(3, 9), slice(9, 10))
    )
    gaps, spans, returns = (
        np.concatenate([values[each] for each in chosen])
        for values, chosen in zip(written, (again, again, back), strict=True)
    )
    by_kind = counts.reshape(-1, KINDS)
    return Repeated(log, groups, marks, gaps, spans, returns, by_kind, times, np.sum(parts, axis=0))


def known_codes(log: EventLog, name: str | None) -> NDArray[np.int32]:
    """Return a code per event, -1 for null, shape (events,); or nothing where no attribute is named."""
    if name is None:
        return np.zeros(0, dtype=np.int32)
    column = log.attribute(name)
    codes = codes_of(column.values)
    if not pa.types.is_dictionary(column.values.type):  # where nulls have a code of their own
        codes = np.where(np.asarray(column.values.is_null()), np.int32(-1), codes)
    if column.level == "event":
        return codes if codes.flags.writeable else codes.copy()
    return np.repeat(codes, np.diff(log.case_offsets))
