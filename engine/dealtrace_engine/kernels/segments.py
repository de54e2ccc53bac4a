"""Times from one milestone to another."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel

NEVER = np.iinfo(np.int64).min
ABSENT, MISSED, REVERSED, ARRIVED = 0, 1, 2, 3
LIMB = 21
"""Bits of the parts that times are cut into, so that their sums stay below 2^63."""


@kernel
def instants(
    activities: NDArray[Any],
    stamps: NDArray[np.int64],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    slot_offsets: NDArray[np.int64],
    slots: NDArray[np.int64],
    latest: NDArray[np.bool_],
    passed: NDArray[np.int64],
    out: np.ndarray[tuple[int, int], np.dtype[np.int64]],
) -> None:
    """Write when each case has each milestone, to `out`, shape (milestones, cases).

    The milestones of activity a are ``slots[slot_offsets[a]:slot_offsets[a + 1]]``; of those that are
    `latest` the last event counts, of others the first. Unknown stamps are `NEVER`, and are passed by; `out`
    holds `NEVER` at first. `passed` has room for one more than the events of the cases.
    """
    is_any = (slot_offsets[1:] > slot_offsets[:-1]).astype(np.uint8)
    begin = case_offsets[first]
    codes = activities[begin : case_offsets[last]]
    count = np.uint64(0)  # unsigned, as any other index might count from the end
    for event in range(np.uint64(len(codes))):  # a branch here could not be foreseen
        passed[count] = event
        count += is_any[codes[event]]
    case = first
    for event in passed[:count]:
        while event >= case_offsets[case + 1] - begin:
            case += 1
        activity, stamp = codes[event], stamps[begin + event]
        for own in range(slot_offsets[activity], slot_offsets[activity + 1]):
            slot = slots[own]
            before = out[slot, case]
            out[slot, case] = stamp if stamp != NEVER and (latest[slot] or before == NEVER) else before


@kernel
def next_targets(
    activities: NDArray[Any],
    source_stamps: NDArray[np.int64],
    target_stamps: NDArray[np.int64],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    is_source: NDArray[np.bool_],
    is_target: NDArray[np.bool_],
    pair_offsets: NDArray[np.int64],
    sources: NDArray[np.int64],
    targets: NDArray[np.int64],
) -> None:
    """Write each source of a case and the next target after it; `NEVER` where there is none.

    The pairs of case c go to ``pair_offsets[c]:pair_offsets[c + 1]``.
    """
    for case in range(first, last):
        place = pair_offsets[case + 1]
        if place == pair_offsets[case]:
            continue
        upcoming = NEVER
        for event in range(case_offsets[case + 1] - 1, case_offsets[case] - 1, -1):
            if is_source[activities[event]]:
                place -= 1
                sources[place] = source_stamps[event]
                targets[place] = upcoming
            if is_target[activities[event]] and target_stamps[event] != NEVER:
                upcoming = target_stamps[event]


@kernel
def between(
    sources: NDArray[np.int64],
    targets: NDArray[np.int64],
    status: NDArray[np.uint8],
    durations: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    """Write what became of each pair, the times of those that arrived one after the other, and counts.

    Without a source a pair is `ABSENT`, without a target `MISSED`, and `REVERSED` where the target came
    first. `counts`, shape (6,), is the number of each, and the sum of the times: of their last `LIMB` bits,
    and of what is before these. Pairs are at most a million.
    """
    missed = 0
    reversed_ = 0
    arrived = 0
    low, high = 0, 0
    for pair in range(len(sources)):  # without branches, which no processor could foresee
        source = sources[pair]
        target = targets[pair]
        begun = source != NEVER
        ended = begun & (target != NEVER)
        in_time = ended & (target >= source)
        status[pair] = int(begun) + int(ended) + int(in_time)
        time = target - source if in_time else 0
        durations[arrived] = time
        low += time & ((1 << LIMB) - 1)
        high += time >> LIMB
        missed += int(begun) - int(ended)
        reversed_ += int(ended) - int(in_time)
        arrived += int(in_time)
    counts[ABSENT] = len(sources) - missed - reversed_ - arrived
    counts[MISSED] = missed
    counts[REVERSED] = reversed_
    counts[ARRIVED] = arrived
    counts[4] = low
    counts[5] = high
