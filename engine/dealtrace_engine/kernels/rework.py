"""What is done again in a case."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel


@kernel
def doer(resources: NDArray[np.int32], event: int, other: int) -> int:
    """Return whether two events are by the same resource: 0, another one: 1, or it is not known: 2."""
    if len(resources) == 0 or resources[event] < 0 or resources[other] < 0:
        return 2
    return int(resources[event] != resources[other])


@kernel
def time_under_way(marks: NDArray[np.uint8], timestamps: NDArray[np.int64], first: int, last: int) -> int:
    """Return how long anything is between its first mark, 32, and its last one, 16, in some events."""
    under_way, time = 0, 0
    for event in range(first, last):
        if under_way > 0:
            time += timestamps[event] - timestamps[event - 1]
        mark = int(marks[event])
        under_way += ((mark >> 5) & 1) - ((mark >> 4) & 1)
    return time


@kernel
def repetitions(
    activities: NDArray[Any],
    timestamps: NDArray[np.int64],
    resources: NDArray[np.int32],
    stages: NDArray[np.int32],
    case_offsets: NDArray[np.int64],
    cells: NDArray[np.int32],
    first: int,
    last: int,
    firsts: NDArray[np.int64],
    lasts: NDArray[np.int64],
    stage_seen: NDArray[np.int64],
    stage_left: NDArray[np.int64],
    marks: NDArray[np.uint8],
    gaps: NDArray[np.int64],
    spans: NDArray[np.int64],
    returns: NDArray[np.int64],
    counts: NDArray[np.int32],
    times: NDArray[np.int64],
    tallies: NDArray[np.int64],
) -> None:
    """Mark events whose activity is there before in their case, and returns to a stage that was left.

    A self-loop comes directly after the same activity, and is by the same resource as that; a repetition
    comes later, and is by the same resource as the first one.

    Parameters
    ----------
    activities, timestamps : ndarray, shape (events,)
    resources, stages : ndarray of int32, shape (events,) or (0,)
        Codes, below zero where not known; empty where the log has none.
    case_offsets : ndarray of int64, shape (cases + 1,)
    cells : ndarray of int32, shape (cases,)
        The group of each case.
    first, last : int
        Cases.
    firsts, lasts : ndarray of int64, shape (activities,)
        Room of this call; `firsts` holds -1 at first.
    stage_seen, stage_left : ndarray of int64, shape (stages,)
        Room of this call; `stage_seen` holds -1 at first.
    marks : ndarray of uint8, shape (events,)
        0 to 2 a self-loop, 3 to 5 a repetition, by the same, another or an unknown resource, each plus 1 in
        the low three bits; 8 a return to a stage; 16 the last one of what is done again; 32 its first one; 64
        the first one of any activity.
    gaps, spans : ndarray of int64, shape (events,)
        Of what is done again, one after the other from the first event of these cases on: the time since the
        one before, and since the first one.
    returns : ndarray of int64, shape (events,)
        Of returns to a stage, in the same way: the time since that stage was left.
    counts : ndarray of int32, shape (7 * cases,)
        How often, by kind: as in `marks`, and 6 for returns to a stage. Zeros at first.
    times : ndarray of int64, shape (cases,)
        How long anything that is done again is between its first and its last time.
    tallies : ndarray of int64, shape (cells * activities * 10,)
        Is added to, by cell and activity: events, cases, cases in which it is done again, the six kinds of
        doing again, and returns to a stage.
    """
    next_gap, next_return, width = case_offsets[first], case_offsets[first], len(firsts)
    for case in range(first, last):
        begin, end, stage, again = case_offsets[case], case_offsets[case + 1], np.int32(-1), False
        for event in range(begin, end):
            activity, mark, now = activities[event], 64, timestamps[event]
            at = (cells[case] * width + np.int64(activity)) * 10
            if firsts[activity] < begin:
                firsts[activity] = event
                tallies[at + 1] += 1
            else:
                before, again = lasts[activity], True
                loop = before == event - 1
                other = before if loop else firsts[activity]
                kind = (0 if loop else 3) + doer(resources, event, other)
                mark = kind + 1 + 16
                marks[before] &= 0xEF
                tallies[at + 2] += before == firsts[activity]
                tallies[at + 3 + kind] += 1
                marks[firsts[activity]] |= 32
                gaps[next_gap] = now - timestamps[before]
                spans[next_gap] = now - timestamps[firsts[activity]]
                next_gap += 1
                counts[7 * case + kind] += 1
            lasts[activity] = event
            if len(stages) > 0 and stages[event] >= 0 and stages[event] != stage:
                if stage >= 0:
                    stage_left[stage] = now
                stage = stages[event]
                if stage_seen[stage] == case:
                    mark += 8
                    counts[7 * case + 6] += 1
                    tallies[at + 9] += 1
                    returns[next_return] = now - stage_left[stage]
                    next_return += 1
                stage_seen[stage] = case
            marks[event] = mark
        times[case] = time_under_way(marks, timestamps, begin, end) if again else 0
    for at in range(0, len(tallies), 10):  # each event is the first of its case, or again
        tallies[at] = tallies[at + 1] + tallies[at + 3 : at + 9].sum()


@kernel
def marked(
    activities: NDArray[Any],
    marks: NDArray[np.uint8],
    case_offsets: NDArray[np.int64],
    cells: NDArray[np.int32],
    first: int,
    last: int,
    width: int,
    mask: int,
    events: NDArray[np.int64],
    cases: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> int:
    """Write the events of some cases with any of the marks in `mask`, their cases, and their rows.

    A row is the cell of the case times `width`, plus the activity. Returns how many there are; there is room
    for one more.
    """
    count, case = 0, first
    for event in range(case_offsets[first], case_offsets[last]):  # a branch here could not be foreseen
        events[count] = event
        count += (marks[event] & mask) != 0
    for place in range(count):
        event = events[place]
        while event >= case_offsets[case + 1]:
            case += 1
        cases[place] = case
        rows[place] = np.int64(cells[case]) * width + np.int64(activities[event])
    return count
