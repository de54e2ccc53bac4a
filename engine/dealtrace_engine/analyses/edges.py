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
from dealtrace_engine.percentiles import group_percentiles, interpolated, values_at, wanted_ranks

MOST_SHARES = 16
"""Bounds the memory of the counts of all pairs."""


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


class Counted:
    """How often each pair of activities occurs, and, when that is first asked for, in how many cases.

    Attributes
    ----------
    source, target, counts : ndarray of int64, shape (edges,)
        The pairs that occur, in the order of their codes.
    found : ndarray of int64, shape (edges,)
        ``source * activities + target``.
    spans : list of (int, int)
        The ranges of cases that were counted, each by itself.
    shares : ndarray of int64, shape (ranges, edges)
        The pairs in each range.
    """

    def __init__(
        self, log: EventLog, threads: int | None, spans: list[tuple[int, int]],
        parts: list[tuple[NDArray[np.int64], NDArray[np.int64]]],
    ) -> None:  # fmt: skip
        width = len(log.activities)
        self._log, self._threads, self.spans = log, threads, spans
        pairs, self._ends = (sum_of(list(each)) for each in zip(*parts, strict=True))
        self._events = pairs.reshape(width, width).sum(axis=0) + self._ends[:, 0]
        self.found = np.flatnonzero(pairs)
        self.shares = np.stack([each[self.found] for each, _ in parts])
        self.counts = pairs[self.found]
        self.source, self.target = self.found // width, self.found % width

    @cached_property
    def activities(self) -> NDArray[np.int64]:
        """Events, cases, starts and ends of each activity, shape (activities, 4)."""
        cases = activity_cases(self._log, self.spans, self._threads)
        return np.column_stack((self._events, cases, self._ends))


def dense_counts(log: EventLog, threads: int | None = None, progress: Progress | None = None) -> Counted:
    """Count pairs in a table of all of them."""
    from dealtrace_ext.pairs import count_neighbours

    width = len(log.activities)

    def count(span: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        pairs, ends = np.zeros(width * width, np.int64), np.zeros((width, 2), np.int64)
        count_neighbours(log.activity_codes, log.case_offsets, *span, width, pairs, ends)
        return pairs, ends

    spans = _spans(log, threads)
    return Counted(log, threads, spans, map_blocks(count, spans, threads=threads, progress=progress))


def dense_edges(
    log: EventLog, percentiles: Sequence[float], counted: Counted, threads: int | None = None
) -> Edges:
    """Find the times of each pair: all of them are written pair by pair.

    Parameters
    ----------
    log : EventLog
    percentiles : sequence of float
        From 0 to 100.
    counted : Counted
        How often each pair occurs.
    threads : int, optional
    """
    offsets = np.concatenate(([0], np.cumsum(counted.counts)))
    times, cases = _times(log, counted, offsets, threads)
    low, high, part = wanted_ranks(counted.counts, percentiles)
    values = values_at(times, offsets, np.hstack((low, high)), threads)
    figures = interpolated(values[:, : low.shape[1]], values[:, low.shape[1] :], part)
    moments = exact_moments(times, offsets, threads)
    return Edges(counted.source, counted.target, counted.counts, cases, moments, figures)


def _times(
    log: EventLog, counted: Counted, offsets: NDArray[np.int64], threads: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the microseconds of all pairs, edge after edge, and the cases with each edge."""
    from dealtrace_ext.pairs import times_between

    width, edges = len(log.activities), len(counted.found)
    times = np.empty(offsets[-1], dtype=np.int64)
    begins = offsets[:-1] + np.cumsum(counted.shares, axis=0) - counted.shares

    def write(share: int) -> NDArray[np.int64]:
        tallies = np.zeros((width * width, 3), dtype=np.int64)
        tallies[:, 0] = len(times)  # of pairs that do not occur
        tallies[counted.found, 0] = begins[share]
        codes, spans = log.activity_codes, counted.spans
        times_between(codes, log.timestamps, log.case_offsets, *spans[share], width, tallies, times)
        cases: NDArray[np.int64] = tallies[counted.found, 1]
        return cases

    parts = map_blocks(write, range(len(counted.spans)), threads=threads)
    return times, sum_of(parts) if edges else np.zeros(0, dtype=np.int64)


def _spans(log: EventLog, threads: int | None) -> list[tuple[int, int]]:
    """Cut the cases into two shares a thread, so that one slow core does not keep the others waiting."""
    shares = min(2 * thread_count(threads), MOST_SHARES)
    return blocks(log.case_offsets, max(2 * parallel.EVENTS_PER_BLOCK, -(-log.events // shares)))


def activity_cases(
    log: EventLog, spans: list[tuple[int, int]], threads: int | None = None
) -> NDArray[np.int64]:
    """Return the cases with each activity, shape (activities,)."""
    from dealtrace_ext.pairs import count_groups

    width = len(log.activities)

    def count(span: tuple[int, int]) -> NDArray[np.int64]:
        tallies = np.zeros((width, 2), dtype=np.int64)
        count_groups(log.activity_codes, log.case_offsets, *span, width, tallies)
        return tallies[:, 0]

    return sum_of(map_blocks(count, spans, threads=threads))


def exact_moments(
    values: NDArray[np.int64], offsets: NDArray[np.int64], threads: int | None = None
) -> list[tuple[int, int]]:
    """Return the sum of each group of values, and that of their squares."""
    from dealtrace_ext import moments

    parts = map_blocks(
        lambda span: moments.exact_moments(values, offsets[span[0] : span[1] + 1]),
        blocks(offsets), threads=threads,
    )  # fmt: skip
    return [pair for part in parts for pair in part]


def sum_of(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Add integer arrays of one shape."""
    total = parts[0].copy()
    for part in parts[1:]:
        total += part
    return total


def sorted_edges(
    log: EventLog, percentiles: Sequence[float], threads: int | None = None, progress: Progress | None = None
) -> tuple[Edges, NDArray[np.int64]]:
    """Find the edges by sorting pairs, for logs with very many activities; see `dense_edges`."""
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
    moments = exact_moments(durations, offsets, threads)
    figures = group_percentiles(durations, offsets, percentiles, threads=threads)
    tick(progress, 3, 3)
    found = Edges(edges // width, edges % width, np.diff(offsets), case_counts, moments, figures)
    return found, _activity_counts(log, threads)


def _activity_counts(log: EventLog, threads: int | None) -> NDArray[np.int64]:
    codes, width = log.activity_codes, len(log.activities)
    found = (codes, codes[log.case_offsets[:-1]], codes[log.case_offsets[1:] - 1])
    events, starts, ends = (np.bincount(each, minlength=width) for each in found)
    return np.column_stack((events, activity_cases(log, _spans(log, threads), threads), starts, ends))
