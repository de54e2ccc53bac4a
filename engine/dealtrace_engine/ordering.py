"""The order of events: by case, then time, then the tie order where there is one, then source row."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dealtrace_engine.buffers import one_array, view
from dealtrace_engine.parallel import blocks, map_blocks


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


class UnsortedChunk(Protocol):
    """Rows as integers, in source order; case -1 is left out."""

    cases: NDArray[np.int32]
    activities: NDArray[Any]
    times: NDArray[np.int64]
    first_row: int


def sorted_events(chunks: list[Any], cases: int, width: np.dtype[Any], threads: int | None = None) -> Events:
    """Sort the rows of `chunks` (emptied on the way) by case and time; ties keep the order of rows."""
    from dealtrace_ext.scatter import count_keys, scatter

    counts = np.zeros(cases, dtype=np.int64)
    for chunk in chunks:
        count_keys(chunk.cases, counts)
    offsets = np.zeros(cases + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    events = Events(
        offsets,
        np.empty(offsets[-1], dtype=width),
        np.empty(offsets[-1], dtype=np.int64),
        np.empty(offsets[-1], dtype=np.uint32),
    )
    cursors = offsets[:-1].copy()
    while chunks:
        chunk = chunks.pop(0)
        scatter(chunk.cases, chunk.activities, chunk.times, chunk.first_row, cursors, *events[1:])
    _sort_by_time(events, threads)
    return events


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
        ranks = pc.rank(_numbers(pa.chunked_array(orders)), "ascending", tiebreaker="min")
        keys.append(view(one_array(ranks) if isinstance(ranks, pa.ChunkedArray) else ranks)[events.rows])
    if any(part is not None for _, part in nanoseconds):
        parts = [np.zeros(rows, np.uint16) if part is None else part for rows, part in nanoseconds]
        keys.append(np.concatenate(parts)[events.rows])
    if not keys:
        return
    starts = np.zeros(len(events.rows), dtype=np.bool_)
    starts[events.case_offsets[:-1]] = True
    starts[1:] |= events.timestamps[1:] != events.timestamps[:-1]
    tie = np.cumsum(starts)
    order = np.lexsort((events.rows, *keys, tie))
    for column in events[1:]:
        column[:] = column[order]


def _numbers(orders: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return text that is all numbers as numbers, so that 9 comes before 10."""
    if not (pa.types.is_string(orders.type) or pa.types.is_large_string(orders.type)):
        return orders
    for kind in (pa.int64(), pa.float64()):
        with suppress(pa.ArrowInvalid):
            return orders.cast(kind)
    return orders
