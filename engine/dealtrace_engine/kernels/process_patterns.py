"""What cases did, in sums over the cases that did it: did, repeated, one before the other, handled by.

A sum is three numbers: cases, the sum of their scores, and that of the squares.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel

Sums = np.ndarray[tuple[int, int], np.dtype[np.int64]]
SumsOfTwo = np.ndarray[tuple[int, int, int], np.dtype[np.int64]]


@kernel
def first_marked(
    activities: NDArray[Any],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    marked: NDArray[np.bool_],
    ends: NDArray[np.int64],
) -> None:
    """Write the first event of each case whose activity is marked, or else where the case ends."""
    for case in range(first, last):
        event = case_offsets[case]
        while event < case_offsets[case + 1] and not marked[activities[event]]:
            event += 1
        ends[case] = event


@kernel
def pattern_sums(
    activities: NDArray[Any],
    case_offsets: NDArray[np.int64],
    ends: NDArray[np.int64],
    first: int,
    last: int,
    places: NDArray[np.int64],
    scores: NDArray[np.int64],
    did: Sums,
    repeated: Sums,
    before: SumsOfTwo,
) -> None:
    """Add up who did and repeated activities, and who did one of them first before the other.

    `places`, shape (activities,), says at which place of the sums an activity is; negative is nowhere. `did`
    and `repeated` have shape (places, 3), `before` (places, places, 3). Negative scores leave a case out.
    """
    size = len(did)
    counts = np.zeros(size, dtype=np.int64)
    order = np.zeros(size, dtype=np.int64)
    for case in range(first, last):
        score = scores[case]
        if score < 0:
            continue
        found = 0
        for event in range(case_offsets[case], ends[case]):
            place = places[activities[event]]
            if place >= 0:
                if counts[place] == 0:
                    order[found] = place
                    found += 1
                counts[place] += 1
        for i in range(found):
            place = order[i]
            did[place, 0] += 1
            did[place, 1] += score
            did[place, 2] += score * score
            if counts[place] > 1:
                repeated[place, 0] += 1
                repeated[place, 1] += score
                repeated[place, 2] += score * score
            counts[place] = 0
            for j in range(i + 1, found):
                later = order[j]
                before[place, later, 0] += 1
                before[place, later, 1] += score
                before[place, later, 2] += score * score


@kernel
def handled_sums(
    activities: NDArray[Any],
    case_offsets: NDArray[np.int64],
    ends: NDArray[np.int64],
    first: int,
    last: int,
    places: NDArray[np.int64],
    resources: NDArray[np.int64],
    scores: NDArray[np.int64],
    handled: SumsOfTwo,
) -> None:
    """Add up the cases in which a resource did an activity, once or more.

    `resources`, shape (events,), holds places too; negative is nowhere. `handled` has shape (places of
    activities, places of resources, 3).
    """
    seen = np.full(handled.shape[:2], -1, dtype=np.int64)
    for case in range(first, last):
        score = scores[case]
        if score < 0:
            continue
        for event in range(case_offsets[case], ends[case]):
            place, who = places[activities[event]], resources[event]
            if place >= 0 and who >= 0 and seen[place, who] != case:
                seen[place, who] = case
                handled[place, who, 0] += 1
                handled[place, who, 1] += score
                handled[place, who, 2] += score * score


@kernel
def shows(
    activities: NDArray[Any],
    case_offsets: NDArray[np.int64],
    ends: NDArray[np.int64],
    first: int,
    last: int,
    resources: NDArray[np.int64],
    kind: int,
    one: int,
    other: int,
    out: NDArray[np.int64],
) -> None:
    """Write whether each case shows a pattern: 1, it does; 0, it does not; -1, it could not.

    Kinds: 0, did activity `one`; 1, did it more than once, of those that did; 2, did it first before the
    first `other`, of those that did both; 3, had resource `other` do it, of those that did.
    """
    for case in range(first, last):
        count, by, one_at, other_at = 0, False, -1, -1
        for event in range(case_offsets[case], ends[case]):
            if activities[event] == one:
                count += 1
                if one_at < 0:
                    one_at = event
                if kind == 3 and resources[event] == other:
                    by = True
            elif kind == 2 and activities[event] == other and other_at < 0:
                other_at = event
        if kind == 0:
            out[case] = count > 0
        elif count == 0 or (kind == 2 and other_at < 0):
            out[case] = -1
        elif kind == 1:
            out[case] = count > 1
        elif kind == 2:
            out[case] = one_at < other_at
        else:
            out[case] = by
