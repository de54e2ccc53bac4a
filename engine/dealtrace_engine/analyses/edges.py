"""Activities that follow each other: counts, exact sums and exact percentiles of the times between."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine import parallel
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress, blocks, map_blocks, thread_count, tick
from dealtrace_engine.percentiles import group_percentiles, interpolated, sort_groups, wanted_ranks

MOST_SHARES = 16
"""Bounds the memory of counts and histograms."""
FEW = 1 << 12
"""An edge with so many pairs or fewer needs no histogram."""
MOST_HISTOGRAMS = 1 << 12
"""Bounds the memory of a share."""
NOWHERE = 2**32 - 1


class Edges(NamedTuple):
    """The pairs of activities that occur, in the order of their codes.

    Attributes
    ----------
    source, target : ndarray of int64, shape (edges,)
    counts : ndarray of int64, shape (edges,)
        How often the pair occurs.
    cases : ndarray of int64, shape (edges,)
        Cases in which it occurs.
    moments : list of (int, int)
        Sum of the microseconds between the two, and of their squares.
    percentiles : ndarray of float64, shape (edges, ranks)
        Seconds.
    """

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    counts: NDArray[np.int64]
    cases: NDArray[np.int64]
    moments: list[tuple[int, int]]
    percentiles: NDArray[np.float64]


class Share(NamedTuple):
    """A range of cases and what belongs to it: a histogram per edge and the sums per edge."""

    first: int
    last: int
    histogram: NDArray[np.uint32]
    sums: NDArray[np.uint64]


class Counted:
    """How often each pair of activities occurs, and, when that is first asked for, in how many cases.

    Attributes
    ----------
    source, target, counts : ndarray of int64, shape (edges,)
        The pairs that occur, in the order of their codes.
    """

    def __init__(
        self, log: EventLog, threads: int | None, pairs: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> None:
        width = len(log.activities)
        self._log, self._threads, self._ends = log, threads, ends
        self._events = pairs.reshape(width, width).sum(axis=0) + ends[:, 0]
        self.found = np.flatnonzero(pairs)
        self.counts = pairs[self.found]
        self.source, self.target = self.found // width, self.found % width

    @cached_property
    def cases(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Cases with each of the pairs, and with each activity."""
        log = self._log
        pairs, singles = _with_cases(log, _spans(log, self._threads), self._threads)
        return pairs[self.found], singles

    @property
    def activities(self) -> NDArray[np.int64]:
        """Events, cases, starts and ends of each activity, shape (activities, 4)."""
        return np.column_stack((self._events, self.cases[1], self._ends))


def dense_counts(log: EventLog, threads: int | None = None, progress: Progress | None = None) -> Counted:
    """Count pairs in a table of all of them."""
    from dealtrace_ext.pairs import count_neighbours

    width = len(log.activities)

    def count(span: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        pairs, ends = np.zeros(width * width, np.int64), np.zeros((width, 2), np.int64)
        count_neighbours(log.activity_codes, log.case_offsets, *span, width, pairs, ends)
        return pairs, ends

    parts = map_blocks(count, _spans(log, threads), threads=threads, progress=progress)
    return Counted(log, threads, sum_of([pairs for pairs, _ in parts]), sum_of([ends for _, ends in parts]))


def dense_edges(
    log: EventLog,
    percentiles: Sequence[float],
    threads: int | None = None,
    progress: Progress | None = None,
    *,
    counted: Counted | None = None,
) -> tuple[Edges, NDArray[np.int64]]:
    """Find the edges in a table of all pairs.

    Parameters
    ----------
    log : EventLog
    percentiles : sequence of float
        From 0 to 100.
    threads : int, optional
    progress : callable, optional
        Told of the counting, not of the times.
    counted : Counted, optional
        Where they were counted already.

    Returns
    -------
    edges : Edges
    activities : ndarray of int64, shape (activities, 4)
        Events, cases, starts and ends of each activity.
    """
    counted = counted or dense_counts(log, threads, progress)
    found, counts = counted.found, counted.counts
    places, room = _places(len(log.activities), found, counts, log.events)
    shares = _spread(log, _spans(log, threads), places, room, len(found), threads)
    low, high, part = wanted_ranks(counts, percentiles)
    values = _exact(log, shares, places, counts, np.hstack((low, high)), threads)
    figures = interpolated(values[:, : low.shape[1]], values[:, low.shape[1] :], part)
    moments = _moments([share.sums for share in shares], len(found))
    edges = Edges(counted.source, counted.target, counts, counted.cases[0], moments, figures)
    return edges, counted.activities


def _spans(log: EventLog, threads: int | None) -> list[tuple[int, int]]:
    """Cut the cases into two shares a thread, so that one slow core does not keep the others waiting."""
    shares = min(2 * thread_count(threads), MOST_SHARES)
    return blocks(log.case_offsets, max(2 * parallel.EVENTS_PER_BLOCK, -(-log.events // shares)))


def _with_cases(
    log: EventLog, spans: list[tuple[int, int]], threads: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the cases with each pair, shape (activities**2,), and with each activity."""
    from dealtrace_ext.pairs import count_pairs

    width = len(log.activities)

    def count(span: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        pairs, singles = np.zeros((width * width, 3), np.int64), np.zeros((width, 4), np.int64)
        count_pairs(log.activity_codes, log.case_offsets, *span, width, pairs, singles)
        return pairs[:, 1], singles[:, 0]

    parts = map_blocks(count, spans, threads=threads)
    return sum_of([pairs for pairs, _ in parts]), sum_of([singles for _, singles in parts])


def sum_of(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Add integer arrays of one shape."""
    total = parts[0].copy()
    for part in parts[1:]:
        total += part
    return total


def _places(
    width: int, found: NDArray[np.int64], counts: NDArray[np.int64], events: int
) -> tuple[NDArray[np.uint32], int]:
    """Give each edge its buckets: a histogram where it has many pairs, else a single one."""
    from dealtrace_ext.pairs import BUCKETS

    many = counts > max(FEW, events // MOST_HISTOGRAMS)
    ends = np.cumsum(np.where(many, BUCKETS, 1))
    places = np.full((width * width, 3), NOWHERE, dtype=np.uint32)
    places[found, 0] = np.arange(len(found))
    places[found, 1] = ends - np.where(many, BUCKETS, 1)
    places[found, 2] = np.where(many, NOWHERE, 0)
    return places, int(ends[-1]) if len(ends) else 0


def _spread(
    log: EventLog, spans: list[tuple[int, int]], places: NDArray[np.uint32], room: int, edges: int,
    threads: int | None,
) -> list[Share]:  # fmt: skip
    from dealtrace_ext.pairs import spread

    def fill(span: tuple[int, int]) -> Share:
        share = Share(*span, np.zeros(room, np.uint32), np.zeros((edges, 5), np.uint64))
        spread(
            log.activity_codes,
            log.timestamps,
            log.case_offsets,
            *span,
            len(log.activities),
            places,
            *share[2:],
        )
        return share

    return map_blocks(fill, spans, threads=threads)


def _exact(
    log: EventLog, shares: list[Share], places: NDArray[np.uint32], counts: NDArray[np.int64],
    ranks: NDArray[np.int64], threads: int | None,
) -> NDArray[np.int64]:  # fmt: skip
    """Return the values at `ranks` of each edge, shape (edges, k), from the buckets that hold them."""
    from dealtrace_ext.pairs import collect

    sizes = sum_of([share.histogram.astype(np.int64) for share in shares])
    ends = np.cumsum(sizes)
    wanted = (np.cumsum(counts) - counts)[:, None] + ranks
    buckets = np.searchsorted(ends, wanted, side="right")
    hit = np.zeros(len(sizes), dtype=np.bool_)
    hit[buckets] = True
    marked = np.flatnonzero(hit)
    offsets = np.concatenate(([0], np.cumsum(sizes[marked])))
    out = np.empty(offsets[-1], dtype=np.int64)
    cursors, free = [], offsets[:-1].copy()
    for share in shares:
        cursors.append(np.full(len(sizes), NOWHERE, dtype=np.uint32))
        cursors[-1][marked] = free
        free += share.histogram[marked]

    def gather(item: tuple[Share, NDArray[np.uint32]]) -> None:
        share, cursor = item
        collect(log.activity_codes, log.timestamps, log.case_offsets, share.first, share.last,
                len(log.activities), places, cursor, out)  # fmt: skip

    map_blocks(gather, list(zip(shares, cursors, strict=True)), threads=threads)
    sort_groups(out, offsets, threads)
    values: NDArray[np.int64] = out[
        offsets[np.searchsorted(marked, buckets)] + wanted - (ends - sizes)[buckets]
    ]
    return values


def _moments(parts: list[NDArray[np.uint64]], edges: int) -> list[tuple[int, int]]:
    """Add the sums of all shares, as Python integers."""
    totals, squares = [0] * edges, [0] * edges
    for part in parts:
        for edge, (low, high, *square) in enumerate(part.tolist()):
            totals[edge] += low + ((high - (high >> 63 << 64)) << 64)
            squares[edge] += square[0] + (square[1] << 64) + (square[2] << 128)
    return list(zip(totals, squares, strict=True))


def sorted_edges(
    log: EventLog, percentiles: Sequence[float], threads: int | None = None, progress: Progress | None = None
) -> tuple[Edges, NDArray[np.int64]]:
    """Find the edges by sorting pairs, for logs with very many activities; see `dense_edges`."""
    from dealtrace_ext.moments import exact_moments

    width = len(log.activities)
    inside = np.ones(log.events, dtype=np.bool_)
    inside[log.case_offsets[1:] - 1] = False
    at = np.flatnonzero(inside)
    keys = log.activity_codes[at].astype(np.int64) * width + log.activity_codes[at + 1]
    tick(progress, 1, 3)
    order = np.argsort(keys, kind="stable")
    tick(progress, 2, 3)
    edges, starts = np.unique(keys[order], return_index=True)
    offsets = np.append(starts, len(keys)).astype(np.int64)
    cases = np.searchsorted(log.case_offsets, at[order], side="right")
    new_case = np.ones(len(order), dtype=np.int64)
    new_case[1:] = cases[1:] != cases[:-1]
    new_case[starts] = 1
    case_counts = np.add.reduceat(new_case, starts) if len(starts) else np.zeros(0, dtype=np.int64)
    durations = (log.timestamps[at + 1] - log.timestamps[at])[order]
    moments = exact_moments(durations, offsets)
    figures = group_percentiles(durations, offsets, percentiles, threads=threads)
    tick(progress, 3, 3)
    found = Edges(edges // width, edges % width, np.diff(offsets), case_counts, moments, figures)
    return found, _activity_counts(log, threads)


def _activity_counts(log: EventLog, threads: int | None) -> NDArray[np.int64]:
    from dealtrace_engine.kernels.follows import count_activities

    def partial(block: tuple[int, int]) -> NDArray[np.int64]:
        counts = np.zeros((len(log.activities), 4), dtype=np.int64)
        seen = np.full(len(log.activities), -1, dtype=np.int64)
        count_activities(log.activity_codes, log.case_offsets, *block, seen, counts)
        return counts

    return sum_of(map_blocks(partial, blocks(log.case_offsets), threads=threads))
