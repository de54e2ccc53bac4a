"""Conditions on the events of a case: `out` says for each case whether it holds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel


@kernel
def occurs(
    activities: NDArray[Any],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    activity: int,
    least: int,
    most: int,
    out: NDArray[np.bool_],
) -> None:
    """Whether the activity occurs from `least` to `most` times; a negative `most` is no bound."""
    enough = least if most < 0 else most + 1
    for case in range(first, last):
        count = 0
        for event in range(case_offsets[case], case_offsets[case + 1]):
            if activities[event] == activity:
                count += 1
                if count == enough:
                    break
        out[case] = count >= least and (most < 0 or count <= most)


@kernel
def repeats(
    activities: NDArray[Any],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    least: int,
    seen: NDArray[np.int64],
    counts: NDArray[np.int64],
    out: NDArray[np.bool_],
) -> None:
    """Whether any activity occurs at least so many times.

    `seen`, shape (activities,), holds -1 at first; `counts` has the same shape.
    """
    for case in range(first, last):
        out[case] = False
        for event in range(case_offsets[case], case_offsets[case + 1]):
            activity = activities[event]
            if seen[activity] != case:
                seen[activity] = case
                counts[activity] = 0
            counts[activity] += 1
            if counts[activity] >= least:
                out[case] = True
                break


@kernel
def loops(
    activities: NDArray[Any],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    activity: int,
    least: int,
    out: NDArray[np.bool_],
) -> None:
    """Whether the activity (any, where it is negative) directly follows itself at least so many times."""
    for case in range(first, last):
        count = 0
        for event in range(case_offsets[case] + 1, case_offsets[case + 1]):
            if activities[event] == activities[event - 1] and (activity < 0 or activities[event] == activity):
                count += 1
                if count >= least:
                    break
        out[case] = count >= least


@kernel
def follows_directly(
    activities: NDArray[Any],
    timestamps: NDArray[np.int64],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    source: int,
    target: int,
    least: int,
    most: int,
    out: NDArray[np.bool_],
) -> None:
    """Whether the target is the event after a source, from `least` to `most` microseconds later."""
    for case in range(first, last):
        out[case] = False
        for event in range(case_offsets[case] + 1, case_offsets[case + 1]):
            if (
                activities[event] == target
                and activities[event - 1] == source
                and least <= timestamps[event] - timestamps[event - 1] <= most
            ):
                out[case] = True
                break


@kernel
def follows_eventually(
    activities: NDArray[Any],
    timestamps: NDArray[np.int64],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    source: int,
    target: int,
    least: int,
    most: int,
    out: NDArray[np.bool_],
) -> None:
    """Whether a target comes after a source, from `least` to `most` microseconds later.

    For each target only the first source that is not too early can serve: later ones are later still.
    """
    for case in range(first, last):
        out[case] = False
        candidate = case_offsets[case]
        for event in range(case_offsets[case] + 1, case_offsets[case + 1]):
            if activities[event] != target:
                continue
            while candidate < event and (
                activities[candidate] != source or timestamps[event] - timestamps[candidate] > most
            ):
                candidate += 1
            if candidate < event and timestamps[event] - timestamps[candidate] >= least:
                out[case] = True
                break


@kernel
def begins_with(
    activities: NDArray[Any],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    prefix: NDArray[np.int64],
    out: NDArray[np.bool_],
) -> None:
    """Whether the first events are these activities; -1 is none of the log."""
    for case in range(first, last):
        begin = case_offsets[case]
        out[case] = case_offsets[case + 1] - begin >= len(prefix)
        if out[case]:
            for i in range(len(prefix)):
                if activities[begin + i] != prefix[i]:
                    out[case] = False
                    break


@kernel
def any_marked(
    marks: NDArray[np.bool_],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    out: NDArray[np.bool_],
) -> None:
    """Whether an event of the case is marked."""
    for case in range(first, last):
        out[case] = False
        for event in range(case_offsets[case], case_offsets[case + 1]):
            if marks[event]:
                out[case] = True
                break
