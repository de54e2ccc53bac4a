"""When cases pass both ends of segments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.milestones import NEVER, wanted_activities
from dealtrace_engine.analyses.segment_ends import Segment, SegmentEnd
from dealtrace_engine.analyses.starts import starts_of
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress, blocks, map_blocks
from dealtrace_engine.quality import Finding

ABSENT, MISSED, REVERSED, ARRIVED = range(4)
"""What became of a pair: no source, no target, the target first, or the target in time."""
PAIRS_AT_A_TIME = 1 << 18
"""Pieces that threads share."""
LIMB = 21
"""Bits of the parts that numbers are cut into: products of two can be added up two million times."""
Measure = Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]], NDArray[np.int64]]
"""From sources and targets in microseconds, and the numbers of their cases, to microseconds between."""


@dataclass(frozen=True, eq=False)
class SegmentPairs:
    """The sources of a segment and their targets.

    Attributes
    ----------
    sources, targets : ndarray of int64, shape (pairs,)
        Microseconds since 1970-01-01 UTC; `NEVER` where there is none.
    owners : ndarray of int64, shape (pairs,), or None
        The case of each pair; None where there is one pair per case.
    """

    sources: NDArray[np.int64]
    targets: NDArray[np.int64]
    owners: NDArray[np.int64] | None = None

    def of_cases(self, values: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the values of the cases of the pairs."""
        return values if self.owners is None else values[self.owners]

    def cases(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the cases of some pairs, given as marks or as places."""
        if self.owners is not None:
            return self.owners[chosen]
        return np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen.astype(np.int64)

    def measured(self, measure: Measure | None = None, threads: int | None = None) -> Measured:
        """Return what became of the pairs, and the times of those that arrived.

        Examples
        --------
        >>> pairs = SegmentPairs(np.array([NEVER, 1, 3, 5]), np.array([7, NEVER, 2, 9]))
        >>> found = pairs.measured()
        >>> found.status.tolist(), found.durations.tolist(), found.counts.tolist()
        ([0, 1, 2, 3], [4], [1, 1, 1, 1])
        """
        from dealtrace_engine.kernels.segments import between

        status = np.empty(len(self.sources), dtype=np.uint8)
        room = np.empty(len(self.sources), dtype=np.int64)

        def count(begin: int) -> NDArray[np.int64]:
            own, found = slice(begin, begin + PAIRS_AT_A_TIME), np.zeros(6, dtype=np.int64)
            between(self.sources[own], self.targets[own], status[own], room[own], found)
            return found

        begins = range(0, max(len(room), 1), PAIRS_AT_A_TIME)
        parts = map_blocks(count, begins, threads=threads)
        durations = np.concatenate(
            [room[begin : begin + part[ARRIVED]] for begin, part in zip(begins, parts, strict=True)]
        )
        counts = np.sum([part[:4] for part in parts], axis=0)
        total = sum(int(part[4]) + (int(part[5]) << LIMB) for part in parts)
        if measure is not None:
            arrived = np.flatnonzero(status == ARRIVED)
            durations = measure(self.sources[arrived], self.targets[arrived], self.cases(arrived))
            total = group_sums(durations, np.array([0, len(durations)]))[0]
        return Measured(status, durations, counts, total)


@dataclass(frozen=True, eq=False)
class Measured:
    """What became of pairs.

    Attributes
    ----------
    status : ndarray of uint8, shape (pairs,)
        `ABSENT`, `MISSED`, `REVERSED` or `ARRIVED`.
    durations : ndarray of int64, shape (arrived,)
        Microseconds, of those that arrived.
    counts : ndarray of int64, shape (4,)
        How many pairs have each status.
    total : int
        The sum of the durations.
    """

    status: NDArray[np.uint8]
    durations: NDArray[np.int64]
    counts: NDArray[np.int64]
    total: int


def group_sums(values: NDArray[np.int64], offsets: NDArray[np.int64]) -> list[int]:
    """Return the exact sum of each group.

    Parameters
    ----------
    values : ndarray of int64, shape (n,)
        Group by group.
    offsets : ndarray of int64, shape (groups + 1,)

    Examples
    --------
    >>> group_sums(np.array([2**62, 2**62, 2**62, 1]), np.array([0, 3, 3, 4])) == [3 * 2**62, 0, 1]
    True
    """
    sums = [0] * (len(offsets) - 1)
    filled = np.flatnonzero(np.diff(offsets))
    if not len(filled):
        return sums
    low = np.add.reduceat(values & ((1 << LIMB) - 1), offsets[filled])
    high = np.add.reduceat(values >> LIMB, offsets[filled])
    for group, a, b in zip(filled.tolist(), low.tolist(), high.tolist(), strict=True):
        sums[group] = a + (b << LIMB)
    return sums


Marks = dict[tuple[str, ...], NDArray[np.bool_]]
"""The activities of segment ends, to which activities of the log are meant, shape (activities,)."""


def marks_of(log: EventLog, chosen: Sequence[Segment], *, missing: bool = False) -> Marks:
    """Return which activities of the log are meant by the ends of segments.

    Raises
    ------
    SchemaError
        The log has no such activity, and `missing` is not set.
    """
    ends = {end.activities for segment in chosen for end in (segment.source, segment.target)}
    return {names: wanted_activities(log, names, missing=missing) for names in sorted(ends)}


def pairs_of_segments(
    log: EventLog, chosen: Sequence[Segment], marks: Marks, *, until: int | None = None,
    threads: int | None = None, progress: Progress | None = None,
) -> list[SegmentPairs]:  # fmt: skip
    """Return the pairs of each segment.

    Parameters
    ----------
    log : EventLog
    chosen : sequence of Segment
    marks : dict
        See `marks_of`.
    until : int, optional
        Events after it are passed by; microseconds since 1970-01-01 UTC.
    threads : int, optional
    progress : callable (done, of) -> object, optional

    Raises
    ------
    LogError
        The log has no start timestamps, and a segment's end is one.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.analyses.segment_ends import segments_of
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "1"], "activity": ["a", "b"],
    ...                            "time": ["1970-01-01 00:00:01", "1970-01-01 00:00:03"]}))
    >>> chosen = segments_of([("a", "b")])
    >>> (pairs,) = pairs_of_segments(log, chosen, marks_of(log, chosen))
    >>> pairs.sources.tolist(), pairs.targets.tolist()
    ([1000000], [3000000])
    """
    ends = {end for s in chosen if s.source.occurrence != "every" for end in (s.source, s.target)}
    order = sorted(ends, key=lambda end: (end.timestamp, end.occurrence, end.activities))
    found = _instants(log, order, marks, until, threads, progress)
    row = {end: found[place] for place, end in enumerate(order)}
    return [
        _every(log, segment, marks, until, threads)
        if segment.source.occurrence == "every"
        else SegmentPairs(row[segment.source], row[segment.target])
        for segment in chosen
    ]


def stamps_of(log: EventLog, end: SegmentEnd, until: int | None = None) -> NDArray[np.int64]:
    """Return the timestamps that count at an end, shape (events,); `NEVER` where unknown or later.

    Raises
    ------
    LogError
        The log has no start timestamps, and they count.
    """
    stamps, told = log.timestamps, np.ones(1, dtype=np.bool_)
    if end.timestamp == "start":
        _ = log.start_timestamps  # a log that has none says so
        starts = starts_of(log)
        stamps, told = starts.microseconds, np.asarray(starts.known)
    if until is not None and until < log.span[1]:
        told = told & (log.timestamps <= until)
    return stamps if told.all() else np.where(told, stamps, NEVER)


def start_findings(log: EventLog, ends: Iterable[SegmentEnd]) -> list[Finding]:
    """Return how many starts are missing or make no sense, if they count at any end."""
    return starts_of(log).findings if any(end.timestamp == "start" for end in ends) else []


def _instants(
    log: EventLog, ends: Sequence[SegmentEnd], marks: Marks, until: int | None, threads: int | None,
    progress: Progress | None,
) -> NDArray[np.int64]:  # fmt: skip
    """When each case has each end, shape (ends, cases)."""
    from dealtrace_engine.kernels.segments import instants

    out = np.empty((len(ends), log.cases), dtype=np.int64)
    latest = np.array([end.occurrence == "last" for end in ends], dtype=np.bool_)
    for timestamp in sorted({end.timestamp for end in ends}):
        own = [place for place, end in enumerate(ends) if end.timestamp == timestamp]
        members = np.array([marks[ends[place].activities] for place in own]).reshape(len(own), -1).T
        slots = np.array(own, dtype=np.int64)[np.nonzero(members)[1]]
        offsets = np.cumsum([0, *members.sum(axis=1)]).astype(np.int64)
        stamps = stamps_of(log, ends[own[0]], until)

        def write(
            block: tuple[int, int], own: list[int] = own, stamps: NDArray[np.int64] = stamps,
            offsets: NDArray[np.int64] = offsets, slots: NDArray[np.int64] = slots,
        ) -> None:  # fmt: skip
            out[own[0] : own[-1] + 1, block[0] : block[1]] = NEVER
            events = int(log.case_offsets[block[1]] - log.case_offsets[block[0]])
            passed = np.empty(events + 1, dtype=np.int64)
            instants(
                log.activity_codes, stamps, log.case_offsets, *block, offsets, slots, latest, passed, out
            )  # fmt: skip

        map_blocks(write, blocks(log.case_offsets), threads=threads, progress=progress)
    return out


def _every(
    log: EventLog, segment: Segment, marks: Marks, until: int | None, threads: int | None
) -> SegmentPairs:
    from dealtrace_engine.kernels.milestones import first_and_last
    from dealtrace_engine.kernels.segments import next_targets

    is_source, is_target = marks[segment.source.activities], marks[segment.target.activities]
    counts, unused = np.zeros(log.cases, dtype=np.int64), np.empty((2, log.cases), dtype=np.int64)
    cut = blocks(log.case_offsets)
    columns = (log.activity_codes, log.timestamps, log.case_offsets)
    map_blocks(lambda block: first_and_last(*columns, *block, is_source, unused[0], unused[1], counts), cut,
               threads=threads)  # fmt: skip
    offsets = np.zeros(log.cases + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    sources, targets = np.empty((2, offsets[-1]), dtype=np.int64)
    stamps = (stamps_of(log, segment.source, until), stamps_of(log, segment.target, until))
    map_blocks(
        lambda block: next_targets(
            log.activity_codes, *stamps, log.case_offsets, *block, is_source, is_target, offsets, sources,
            targets,
        ),
        cut, threads=threads,
    )  # fmt: skip
    return SegmentPairs(sources, targets, np.repeat(np.arange(log.cases, dtype=np.int64), counts))
