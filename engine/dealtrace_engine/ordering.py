"""The order of events: by case, then time, then the tie order where there is one, then source row."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.attributes import plain_type
from dealtrace_engine.buffers import one_array, view
from dealtrace_engine.errors import SchemaError
from dealtrace_engine.memory_limit import require_memory
from dealtrace_engine.parallel import blocks, cut_evenly, map_blocks, thread_count

MOST_COUNTERS = 4
"""Threads that count, each with eight bytes a case of its own."""


class Events(NamedTuple):
    """The columns of the log, in order.

    Attributes
    ----------
    case_offsets : ndarray of int64, shape (cases + 1,)
    activity_codes : ndarray of uint8, uint16 or uint32, shape (events,)
    timestamps : ndarray of int64, shape (events,)
        Microseconds since 1970-01-01 UTC.
    rows : ndarray of uint32, shape (events,)
        Position in the source.
    """

    case_offsets: NDArray[np.int64]
    activity_codes: NDArray[Any]
    timestamps: NDArray[np.int64]
    rows: NDArray[np.uint32]


@dataclass
class Chunk:
    """Rows as integers, in source order.

    Attributes
    ----------
    cases : ndarray of int32, shape (n,)
        Below zero where the row is no event.
    activities : ndarray of uint8, uint16 or uint32, shape (n,)
    times : ndarray of int64, shape (n,)
    first_row : int
    case_of, activity_of : ndarray, shape (entries,), or None
        What the numbers stand for, where they are those of a dictionary.
    """

    cases: NDArray[np.int32]
    activities: NDArray[Any]
    times: NDArray[np.int64]
    first_row: int
    case_of: NDArray[np.int32] | None = None
    activity_of: NDArray[Any] | None = None


def sorted_events(
    chunks: list[Chunk], cases: int, width: np.dtype[Any], threads: int | None = None
) -> Events:
    """Sort the rows of `chunks` (emptied on the way) by case and time; ties keep the order of rows."""
    offsets = np.zeros(cases + 1, dtype=np.int64)
    np.cumsum(_sizes(chunks, cases, threads), out=offsets[1:])
    count = int(offsets[-1])
    require_memory(count * (width.itemsize + 12), f"{count:,} sorted events")
    events = Events(
        offsets,
        np.empty(count, dtype=width),
        np.empty(count, dtype=np.int64),
        np.empty(count, dtype=np.uint32),
    )
    _scatter(chunks, events, threads)
    _sort_by_time(events, threads)
    return events


def _sizes(chunks: list[Chunk], cases: int, threads: int | None) -> NDArray[np.int64]:
    """Return the number of events of each case."""
    from dealtrace_ext.scatter import count_keys

    def count(part: list[Chunk]) -> NDArray[np.int64]:
        sizes = np.zeros(cases, dtype=np.int64)
        for chunk in part:
            count_keys(chunk.cases, sizes, chunk.case_of)
        return sizes

    parts = min(thread_count(threads), MOST_COUNTERS)
    counted = map_blocks(count, [chunks[first::parts] for first in range(parts)], threads=threads)
    for sizes in counted[1:]:
        counted[0] += sizes
    return counted[0]


def _scatter(chunks: list[Chunk], events: Events, threads: int | None) -> None:
    """Move the rows to their cases; each thread has a range of cases of its own."""
    from dealtrace_ext.scatter import scatter

    cuts = cut_evenly(events.case_offsets, thread_count(threads))
    cursors, left = events.case_offsets[:-1].copy(), [len(cuts)] * len(chunks)

    def move(span: tuple[int, int]) -> None:
        for i in range(len(left)):
            chunk = chunks[i]
            scatter(chunk.cases, chunk.activities, chunk.times, chunk.first_row, cursors, *events[1:],
                    chunk.case_of, chunk.activity_of, *span)  # fmt: skip
            with released:
                left[i] -= 1
                if left[i] == 0:
                    chunks[i] = NOTHING

    released = Lock()
    map_blocks(move, cuts, threads=threads)
    chunks.clear()


NOTHING = Chunk(np.empty(0, np.int32), np.empty(0, np.uint8), np.empty(0, np.int64), 0)


def _sort_by_time(events: Events, threads: int | None) -> None:
    from dealtrace_ext.scatter import sort_within

    left_over = np.zeros(len(events.case_offsets) - 1, dtype=np.uint8)

    def sort(block: tuple[int, int]) -> int:
        return sort_within(events.case_offsets, *events[1:], *block, left_over)

    if sum(map_blocks(sort, blocks(events.case_offsets), threads=threads)):
        for case in np.flatnonzero(left_over):
            span = slice(events.case_offsets[case], events.case_offsets[case + 1])
            order = np.lexsort((events.rows[span], events.timestamps[span]))
            for column in events[1:]:
                column[span] = column[span][order]


def rank_keys(values: pa.Array, column: str, file: str) -> pa.Array:
    """Return the values of an order column as int64 or, where they are no whole numbers, float64.

    Text is read as numbers ("10" comes after "9"), times as what they count.

    Raises
    ------
    SchemaError
        The values are neither.
    """
    kind = values.type
    if pa.types.is_dictionary(kind):
        return rank_keys(values.dictionary, column, file).take(values.indices)
    for target in (pa.int64(), pa.float64()):
        with suppress(pa.ArrowInvalid, pa.ArrowNotImplementedError):
            if pa.types.is_temporal(kind) and target == pa.int64():
                return values.cast(pa.timestamp("ns")).cast(target)
            return values.cast(target)
    raise SchemaError(
        f"{plain_type(kind)} cannot order events: not all are numbers", file=file, column=column,
        hint="give whole numbers as order=",
    )  # fmt: skip


def _ranks(orders: Sequence[pa.Array]) -> NDArray[np.int64]:
    """Return whole numbers that are in the order of the values; nulls and NaN come last, as equals."""
    mixed = any(pa.types.is_floating(part.type) for part in orders)
    values = one_array(pa.chunked_array([part.cast(pa.float64()) if mixed else part for part in orders]))
    if not mixed and values.null_count == 0:
        return view(values).astype(np.int64, copy=False)
    missing = values.is_null(nan_is_null=True)
    known = view(values.fill_null(0))
    _, ranks = np.unique(known, return_inverse=True)
    ranks[view(missing.cast(pa.uint8())).astype(np.bool_)] = len(known)
    return ranks


def break_ties(
    events: Events, nanoseconds: Sequence[tuple[int, NDArray[np.uint16] | None]], orders: Sequence[pa.Array]
) -> None:
    """Order events of a case at one microsecond by nanosecond, then by the `order` column, then by row.

    Parameters
    ----------
    events : Events
        Sorted by case, time and row; changed in place.
    nanoseconds : sequence of (int, ndarray of uint16 or None)
        Rows of each chunk, and their nanoseconds beyond the microsecond; None where all are zero.
    orders : sequence of pyarrow.Array
        The order column, chunk by chunk; empty where there is none. Nulls come last.
    """
    keys: list[NDArray[Any]] = []
    if orders:
        keys.append(_ranks(orders)[events.rows])
    if any(part is not None for _, part in nanoseconds):
        parts = [np.zeros(rows, np.uint16) if part is None else part for rows, part in nanoseconds]
        keys.append(np.concatenate(parts)[events.rows])
    if not keys:
        return
    starts = np.zeros(len(events.rows), dtype=np.bool_)
    starts[events.case_offsets[:-1]] = True
    starts[1:] |= events.timestamps[1:] != events.timestamps[:-1]
    if len(keys) == 1 and np.all(starts[1:] | (keys[0][1:] >= keys[0][:-1])):
        return
    tie = np.cumsum(starts)
    order = np.lexsort((events.rows, *keys, tie))
    for column in events[1:]:
        column[:] = column[order]
