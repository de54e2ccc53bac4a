"""Paths of cases: without their loops, to where they are decided, and what is on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel


@kernel
def mark_without_loops(
    activities: NDArray[Any],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    longest: int,
    places: NDArray[np.int64],
    marks: NDArray[np.bool_],
) -> None:
    """Mark the events that are left when every repeated block of activities is taken once.

    From left to right, as soon as the last k events that are left are the same activities as the k before
    them, for the smallest k up to `longest`, the later ones go. `places` is as long as the longest case.
    """
    for case in range(first, last):
        left = 0
        for event in range(case_offsets[case], case_offsets[case + 1]):
            marks[event] = False
            places[left] = event
            left += 1
            for length in range(1, min(longest, left // 2) + 1):
                if activities[places[left - 1 - length]] != activities[event]:
                    continue
                same = True
                for back in range(1, length):
                    one = activities[places[left - 1 - back]]
                    if one != activities[places[left - 1 - back - length]]:
                        same = False
                        break
                if same:
                    left -= length
                    break
        for place in range(left):
            marks[places[place]] = True


@kernel
def decide(
    activities: NDArray[Any],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    meanings: NDArray[np.int8],
    outcomes: NDArray[np.int8],
    ends: NDArray[np.int64],
) -> None:
    """Write what the last event that decides a case says, and the place of that event.

    `meanings`, shape (activities,), is 1 for won, 0 for lost, -1 for open again and -2 for nothing. The
    outcome is -1 where nothing decides, and the end is that of the case, unless it is won or lost.
    """
    for case in range(first, last):
        outcomes[case] = -1
        ends[case] = case_offsets[case + 1]
        for event in range(case_offsets[case + 1] - 1, case_offsets[case] - 1, -1):
            meaning = meanings[activities[event]]
            if meaning >= -1:
                outcomes[case] = meaning
                if meaning >= 0:
                    ends[case] = event
                break


@kernel
def count_steps(
    activities: NDArray[Any],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    ends: NDArray[np.int64],
    groups: NDArray[np.int32],
    width: int,
    seen: NDArray[np.int64],
    steps: NDArray[np.int64],
    times: NDArray[np.int64],
    with_step: NDArray[np.int64],
    with_repeat: NDArray[np.int64],
    in_order: NDArray[np.int64],
) -> None:
    """Count the cases of each group with each activity before its end, with it again, and with two in order.

    `groups`, shape (cases,), is -1 for cases that do not count; `seen`, shape (width,), is -1 at first;
    `steps` and `times` have that shape too. Two are in order by the first time that each happens.
    """
    for case in range(first, last):
        group = np.int64(groups[case])
        if group < 0:
            continue
        count = 0
        for event in range(case_offsets[case], ends[case]):
            step = np.int64(activities[event])
            if seen[step] != case:
                seen[step] = case
                times[step] = 1
                with_step[group * width + step] += 1
                for k in range(count):
                    in_order[(group * width + steps[k]) * width + step] += 1
                steps[count] = step
                count += 1
            else:
                times[step] += 1
                if times[step] == 2:
                    with_repeat[group * width + step] += 1


@kernel
def count_map(
    activities: NDArray[Any],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    ends: NDArray[np.int64],
    groups: NDArray[np.int32],
    width: int,
    seen: NDArray[np.int64],
    counts: NDArray[np.int64],
    cases: NDArray[np.int64],
) -> None:
    """Count how often each activity directly follows another before the end, and in how many cases.

    An edge is ``source * (width + 1) + target``, where `width` stands for the start and the end of the path.
    `seen`, shape (edges,), is -1 at first; `counts` and `cases` have shape (groups * edges,).
    """
    edges = np.int64(width + 1) * (width + 1)
    for case in range(first, last):
        group = np.int64(groups[case])
        if group < 0 or ends[case] == case_offsets[case]:
            continue
        source = np.int64(width)
        for event in range(case_offsets[case], ends[case] + 1):
            target = np.int64(width)
            if event < ends[case]:
                target = np.int64(activities[event])
            edge = source * (width + 1) + target
            counts[group * edges + edge] += 1
            if seen[edge] != case:
                seen[edge] = case
                cases[group * edges + edge] += 1
            source = target
