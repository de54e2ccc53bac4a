"""Directly-follows pairs of activities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel


@kernel
def count_activities(
    activities: NDArray[Any],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    seen: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    """Add to ``counts[a]`` the events, cases, starts and ends of activity a.

    `seen`, shape (activities,), holds -1 at first; `counts` has shape (activities, 4).
    """
    for case in range(first, last):
        begin, end = case_offsets[case], case_offsets[case + 1]
        counts[activities[begin], 2] += 1
        counts[activities[end - 1], 3] += 1
        for event in range(begin, end):
            activity = activities[event]
            counts[activity, 0] += 1
            if seen[activity] != case:
                seen[activity] = case
                counts[activity, 1] += 1


@kernel
def count_pairs(
    activities: NDArray[Any],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    width: int,
    seen: NDArray[np.int64],
    counts: NDArray[np.int64],
    case_counts: NDArray[np.int64],
) -> None:
    """Add to ``counts[a * width + b]`` how often b directly follows a, to `case_counts` in how many cases.

    `seen`, shape (width * width,), holds -1 at first.
    """
    for case in range(first, last):
        for event in range(case_offsets[case], case_offsets[case + 1] - 1):
            pair = np.int64(activities[event]) * width + np.int64(activities[event + 1])
            counts[pair] += 1
            if seen[pair] != case:
                seen[pair] = case
                case_counts[pair] += 1


@kernel
def gather_durations(
    activities: NDArray[Any],
    timestamps: NDArray[np.int64],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    width: int,
    cursors: NDArray[np.int64],
    out: NDArray[np.int64],
) -> None:
    """Write the time from a to b to ``out[cursors[a * width + b]]`` for each pair; advance the cursor."""
    for case in range(first, last):
        for event in range(case_offsets[case], case_offsets[case + 1] - 1):
            pair = np.int64(activities[event]) * width + np.int64(activities[event + 1])
            out[cursors[pair]] = timestamps[event + 1] - timestamps[event]
            cursors[pair] += 1
