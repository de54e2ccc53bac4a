"""Which events of a log are done again, by whom, and how long after."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.priced_groups import PricedGroups
from dealtrace_engine.attributes import sortable
from dealtrace_engine.buffers import view
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import EVENTS_PER_BLOCK, Progress, cut_evenly, map_blocks, thread_count

MOST_ROWS = 1 << 24
KINDS = 7
TALLIED = 10
AGAIN, STAGE, LAST = 7, 8, 16
"""Marks of events; see `dealtrace_engine.kernels.rework`."""
NAMES = ("self_loop", "self_loop", "self_loop", "repetition", "repetition", "repetition", "stage_return")
DOERS = ("same", "other", None, "same", "other", None, None)


class Part(NamedTuple):
    """What some cases have.

    Attributes
    ----------
    first, last : int
        The cases.
    again, back : slice
        Where what is done again, and the returns to a stage, are written.
    """

    first: int
    last: int
    again: slice
    back: slice


@dataclass(frozen=True, eq=False)
class Repeated:
    """What is done again in a log; all arrays are as `dealtrace_engine.kernels.rework.repetitions` writes
    them.

    Attributes
    ----------
    log : EventLog
    groups : PricedGroups
    marks : ndarray of uint8, shape (events,)
    written : tuple of ndarray of int64, shape (events,)
        Gaps, spans and returns, of which only the `parts` are written.
    parts : list of Part
    counts : ndarray of int32, shape (cases, 7)
    times : ndarray of int64, shape (cases,)
    tallies : ndarray of int64, shape (groups * activities, 10)
    """

    log: EventLog
    groups: PricedGroups
    marks: NDArray[np.uint8]
    written: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
    parts: list[Part]
    counts: NDArray[np.int32]
    times: NDArray[np.int64]
    tallies: NDArray[np.int64]
    threads: int | None

    @cached_property
    def gaps(self) -> NDArray[np.int64]:
        """Microseconds since the time before, shape (events done again,)."""
        return np.concatenate([self.written[0][part.again] for part in self.parts])

    @cached_property
    def spans(self) -> NDArray[np.int64]:
        """Microseconds since the first time, shape (events done again,)."""
        return np.concatenate([self.written[1][part.again] for part in self.parts])

    @cached_property
    def returns(self) -> NDArray[np.int64]:
        """Microseconds since that stage was left, shape (returns to a stage,)."""
        return np.concatenate([self.written[2][part.back] for part in self.parts])

    def marked(self, mark: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return the events with a mark, `AGAIN` or `STAGE` or both, their cases, and rows in `tallies`."""
        from dealtrace_engine.kernels.rework import marked

        codes, offsets, width = self.log.activity_codes, self.log.case_offsets, len(self.log.activities)

        def of(part: Part) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
            sizes = ((AGAIN, part.again), (STAGE, part.back))
            room = sum(own.stop - own.start for kind, own in sizes if mark & kind) + 1
            events, cases, rows = (np.empty(room, dtype=np.int64) for _ in range(3))
            span, cells = (part.first, part.last), self.groups.codes
            count = marked(codes, self.marks, offsets, cells, *span, width, mark, events, cases, rows)
            return events[:count], cases[:count], rows[:count]

        found = map_blocks(of, self.parts, threads=self.threads)
        events, cases, rows = (np.concatenate(columns) for columns in zip(*found, strict=True))
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
    clock: NDArray[np.int64] | None = None, threads: int | None = None, progress: Progress | None = None,
) -> Repeated:  # fmt: skip
    """Return what is done again in a log.

    Parameters
    ----------
    log : EventLog
    groups : PricedGroups
    resource, stage : str or None
        Attributes.
    clock : ndarray of int64, shape (events,), optional
        When events happen by the clock that times are told by; see `working_clock`. That of the log by
        default.
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
    from dealtrace_engine.kernels.rework import repetitions

    width, cases, codes = len(log.activities), log.cases, log.activity_codes
    if width * groups.count > MOST_ROWS:
        raise ArgumentError(f"there would be {width * groups.count:,} rows",
                            hint="group by an attribute with fewer values")  # fmt: skip
    who, where = known_codes(log, resource, threads), known_codes(log, stage, threads)
    marks = np.empty(log.events, dtype=np.uint8)
    gaps, spans, returns = (np.empty(log.events, dtype=np.int64) for _ in range(3))
    counts, times = np.zeros(KINDS * cases, dtype=np.int32), np.empty(cases, dtype=np.int64)
    instants, stages = log.timestamps if clock is None else clock, int(where.max(initial=-1)) + 1

    def count(span: tuple[int, int]) -> NDArray[np.int64]:
        firsts, lasts = (np.full(width, -1, dtype=np.int64) for _ in range(2))
        stage_seen, stage_left = (np.full(stages, -1, dtype=np.int64) for _ in range(2))
        room = firsts, lasts, stage_seen, stage_left
        out = np.zeros(groups.count * width * TALLIED, dtype=np.int64)
        columns = codes, instants, who, where, log.case_offsets, groups.codes
        repetitions(*columns, *span, *room, marks, gaps, spans, returns, counts, times, out)
        return out

    shares = cut_evenly(log.case_offsets, 2 * thread_count(threads))
    parts = [
        part.reshape(-1, TALLIED) for part in map_blocks(count, shares, threads=threads, progress=progress)
    ]
    told = []
    for (first, last), part in zip(shares, parts, strict=True):
        at, again, back = int(log.case_offsets[first]), int(part[:, 3:9].sum()), int(part[:, 9].sum())
        told.append(Part(first, last, slice(at, at + again), slice(at, at + back)))
    by_kind = counts.reshape(-1, KINDS)
    written, total = (gaps, spans, returns), np.sum(parts, axis=0)
    return Repeated(log, groups, marks, written, told, by_kind, times, total, threads)


def known_codes(log: EventLog, name: str | None, threads: int | None = None) -> NDArray[np.int32]:
    """Return a code per event, -1 for null, shape (events,); or nothing where no attribute is named."""
    if name is None:
        return np.zeros(0, dtype=np.int32)
    column = log.attribute(name)
    values = sortable(column.values)
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode()
    codes = known_indices(values.indices.cast(pa.int32(), safe=False), threads)
    if column.level == "event":
        return codes if codes.flags.writeable else codes.copy()
    return np.repeat(codes, np.diff(log.case_offsets))


def known_indices(indices: pa.Int32Array, threads: int | None = None) -> NDArray[np.int32]:
    """Return indices, -1 where they are null.

    Examples
    --------
    >>> known_indices(pa.array([3, None, 1], pa.int32())).tolist()
    [3, -1, 1]
    """
    codes = view(indices)
    if not indices.null_count:
        return codes
    bits, out = np.frombuffer(indices.buffers()[0], dtype=np.uint8), np.empty(len(codes), dtype=np.int32)

    def write(first: int) -> None:
        own = slice(first, min(first + EVENTS_PER_BLOCK, len(codes)))
        byte, bit = divmod(indices.offset + first, 8)
        valid = np.unpackbits(bits[byte : (indices.offset + own.stop + 7) // 8], bitorder="little")
        nulls = valid[bit : bit + own.stop - first].astype(np.int32) - 1
        np.bitwise_or(codes[own], nulls, out=out[own])  # -1 is all bits

    map_blocks(write, range(0, len(codes), EVENTS_PER_BLOCK), threads=threads)
    return out
