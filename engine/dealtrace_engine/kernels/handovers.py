"""Who hands over to whom, who works in the same cases, and who has how much to do.

`resources` holds the resource of each event, shape (events,); -1 where it is not known.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel


@kernel
def write_handovers(
    resources: NDArray[np.int32],
    timestamps: NDArray[np.int64],
    starts: NDArray[np.int64],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    width: int,
    case_keys: NDArray[np.int64],
    counts: NDArray[np.int64],
    keys: NDArray[np.int64],
    begins: NDArray[np.int64],
    waits: NDArray[np.int64],
    returned: NDArray[np.bool_],
    occurs: NDArray[np.bool_],
) -> None:
    """Write the handovers of some cases one after the other, and to `counts`, shape (cases,), how many.

    A handover is a change of resource from one event to the next; next to an unknown one there is none. A
    key is ``case_keys[case] + source * width + target``; it is marked in `occurs` unless that is empty. A
    wait is from the end of the one event to the start of the other, which is its timestamp where `starts` is
    empty; never below zero. When it begins is only written where `begins` is not empty. Work is returned if
    the next change of resource in the case gives it back, with no unknown resource in between.
    """
    at = 0
    for case in range(first, last):
        before = at
        giver, taker = -1, -1
        source = resources[case_offsets[case]]
        for event in range(case_offsets[case] + 1, case_offsets[case + 1]):
            target = resources[event]
            if source < 0 or target < 0:
                giver = -1
            elif source != target:
                begin = starts[event] if len(starts) > 0 else timestamps[event]
                key = case_keys[case] + np.int64(source) * width + target
                keys[at] = key
                if len(occurs) > 0 and not occurs[key]:
                    occurs[key] = True
                waits[at] = max(begin - timestamps[event - 1], 0)
                if len(begins) > 0:
                    begins[at] = timestamps[event - 1]
                returned[at] = False
                if giver == target and taker == source:
                    returned[at - 1] = True
                giver, taker = source, target
                at += 1
            source = target
        counts[case] = at - before


@kernel
def count_cases(
    ranks: NDArray[np.int32],
    returned: NDArray[np.bool_],
    counts: NDArray[np.int64],
    units: NDArray[np.int64],
    first: int,
    last: int,
    seen: NDArray[np.int64],
    seen_returned: NDArray[np.int64],
    sizes: NDArray[np.int64],
    cases: NDArray[np.int64],
    returns: NDArray[np.int64],
    returned_cases: NDArray[np.int64],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
) -> None:
    """Count each rank, its cases, what is returned, the cases with that, and add the units of the cases.

    Each case has as many `ranks` as `counts`, shape (all cases,), says, beginning with those of the `first`.
    `seen` and `seen_returned` are -1 at first. Sums are of the lower 24 bits and of the others, so that none
    is too large; `units`, shape (all cases,), may be empty.
    """
    end = 0
    for case in range(first, last):
        begin, end = end, end + counts[case]
        for at in range(begin, end):
            rank = ranks[at]
            sizes[rank] += 1
            if seen[rank] != case:
                seen[rank] = case
                cases[rank] += 1
                if len(units) > 0:
                    low[rank] += units[case] & 0xFFFFFF
                    high[rank] += units[case] >> 24
            if returned[at]:
                returns[rank] += 1
                if seen_returned[rank] != case:
                    seen_returned[rank] = case
                    returned_cases[rank] += 1


@kernel
def group_waits(
    ranks: NDArray[np.int32],
    waits: NDArray[np.int64],
    positions: NDArray[np.int64],
    out: NDArray[np.int64],
) -> None:
    """Write the waits rank by rank; `positions` is where the next of each rank goes."""
    for at in range(len(ranks)):
        rank = ranks[at]
        out[positions[rank]] = waits[at]
        positions[rank] += 1


@kernel
def count_together(
    resources: NDArray[np.int32],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    width: int,
    places: NDArray[np.int32],
    seen: NDArray[np.int64],
    members: NDArray[np.int64],
    out: NDArray[np.int64],
) -> None:
    """Count the cases that two resources both work in, and on the diagonal those of each.

    `places`, shape (resources,), says which of the `width` counted ones each is, or -1. `seen` and `members`
    have shape (width,), `seen` is -1 at first. The smaller place of a pair is the row of `out`.
    """
    for case in range(first, last):
        count = 0
        for event in range(case_offsets[case], case_offsets[case + 1]):
            if resources[event] < 0:
                continue
            place = places[resources[event]]
            if place >= 0 and seen[place] != case:
                seen[place] = case
                for k in range(count):
                    low, high = min(members[k], place), max(members[k], place)
                    out[low * width + high] += 1
                members[count] = place
                out[np.int64(place) * width + place] += 1
                count += 1


@kernel
def count_activities(
    resources: NDArray[np.int32],
    activities: NDArray[Any],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    width: int,
    out: NDArray[np.int64],
) -> None:
    """Count the events of each resource with each of the `width` activities."""
    for event in range(case_offsets[first], case_offsets[last]):
        if resources[event] >= 0:
            out[np.int64(resources[event]) * width + np.int64(activities[event])] += 1


@kernel
def count_workload(
    resources: NDArray[np.int32],
    timestamps: NDArray[np.int64],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    bounds: NDArray[np.int64],
    events: NDArray[np.int64],
    in_hand: NDArray[np.int64],
) -> None:
    """Count the events of each resource in each period, and the cases that it has in hand at its end.

    Period p is from ``bounds[p]``, inclusive, to ``bounds[p + 1]``, exclusive; all events are in one. A case
    is in the hand of who had its latest event, until its last event.
    """
    periods = len(bounds) - 1
    period = 0
    for case in range(first, last):
        begin = case_offsets[case]
        while period > 0 and timestamps[begin] < bounds[period]:
            period -= 1
        for event in range(begin, case_offsets[case + 1]):
            while timestamps[event] >= bounds[period + 1]:
                if event > begin and resources[event - 1] >= 0:
                    in_hand[np.int64(resources[event - 1]) * periods + period] += 1
                period += 1
            if resources[event] >= 0:
                events[np.int64(resources[event]) * periods + period] += 1
