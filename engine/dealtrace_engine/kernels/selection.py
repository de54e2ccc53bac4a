"""Events that are marked, and the columns of those that are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel


@kernel
def mark_cases(
    keep: NDArray[np.bool_],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    out: NDArray[np.bool_],
) -> None:
    """Mark all events of the cases to keep."""
    for case in range(first, last):
        for event in range(case_offsets[case], case_offsets[case + 1]):
            out[event] = keep[case]


@kernel
def mark_between(
    activities: NDArray[Any],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    source: int,
    target: int,
    to_next: bool,
    out: NDArray[np.bool_],
) -> None:
    """Mark the events from the first source to the last target after it, or the next.

    `out` is False at first.
    """
    for case in range(first, last):
        begin, end = -1, -1
        for event in range(case_offsets[case], case_offsets[case + 1]):
            if begin < 0:
                if activities[event] == source:
                    begin = event
            elif activities[event] == target:
                end = event
                if to_next:
                    break
        if end >= 0:
            for event in range(begin, end + 1):
                out[event] = True


@kernel
def count_marked(
    marks: NDArray[np.bool_],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    out: NDArray[np.int64],
) -> None:
    """Write how many events of each case are marked."""
    for case in range(first, last):
        count = 0
        for event in range(case_offsets[case], case_offsets[case + 1]):
            count += marks[event]
        out[case] = count


@kernel
def gather_marked(
    activities: NDArray[Any],
    timestamps: NDArray[np.int64],
    marks: NDArray[np.bool_],
    case_offsets: NDArray[np.int64],
    cases: NDArray[np.int64],
    new_offsets: NDArray[np.int64],
    first: int,
    last: int,
    used: NDArray[np.bool_],
    activities_out: NDArray[Any],
    timestamps_out: NDArray[np.int64],
) -> None:
    """Copy the marked events of ``cases[first:last]`` to their place; `used` says which activities occur."""
    for new in range(first, last):
        at = new_offsets[new]
        for event in range(case_offsets[cases[new]], case_offsets[cases[new] + 1]):
            if marks[event]:
                used[activities[event]] = True
                activities_out[at] = activities[event]
                timestamps_out[at] = timestamps[event]
                at += 1


@kernel
def renumber(old: NDArray[Any], numbers: NDArray[Any], first: int, last: int, out: NDArray[Any]) -> None:
    """Write the new number of each of ``old[first:last]``."""
    for event in range(first, last):
        out[event] = numbers[old[event]]
