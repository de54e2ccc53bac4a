"""Visits of cases to stages: when each begins and ends, what changes during it, what it is of the case."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel


@kernel
def next_origin(codes: NDArray[np.int32], origins: NDArray[np.int32], first: int, last: int) -> int:
    """Return the stage before the first of some events that tells one; -1 where it is not known."""
    for event in range(first, last):
        if origins[event] >= 0 or codes[event] >= 0:
            return int(origins[event])
    return -1


@kernel
def stage_visits(
    activities: NDArray[Any],
    timestamps: NDArray[np.int64],
    case_offsets: NDArray[np.int64],
    codes: NDArray[np.int32],
    origins: NDArray[np.int32],
    first: int,
    last: int,
    until: int,
    known_from: int,
    effects: NDArray[np.uint8],
    closed: NDArray[np.bool_],
    cases: NDArray[np.int32],
    stages: NDArray[np.int32],
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    states: NDArray[np.int8],
    changes: NDArray[np.int32],
    counts: NDArray[np.int64],
) -> None:
    """Write the visits of each case, one after the other.

    `codes`, shape (events,), is the stage after each event, -1 where it stays; `origins` that before it,
    empty where no column tells. `effects`, shape (activities,): 1 the close date is pushed, 2 the amount is
    changed, 3 the owner, 4 the case leaves its stage unless that is closed, 5 a stage begins that the next
    change tells, if it is not before `known_from`, 6 as 4, since it is won. Events after `until` are not
    looked at. `states`: 0 the visit is not over and ends with `until`, 1 another stage follows, 2 the case
    left, 3 it left since it is won. `changes` counts what is 1, 2 and 3 above, visit by visit. `counts` gets
    the visits, and how many began before what is known. The other arrays have room for one visit per event.
    """
    visit, unseen = -1, 0
    for case in range(first, last):
        current, before = -1, visit
        end = case_offsets[case + 1]
        stop = end
        while stop > case_offsets[case] and timestamps[stop - 1] > until:
            stop -= 1
        for event in range(case_offsets[case], stop):
            effect = effects[activities[event]]
            code = codes[event]
            if effect == 0 and (code < 0 or code == current):
                continue
            time = timestamps[event]
            if current >= 0 and 1 <= effect <= 3:
                changes[3 * visit + effect - 1] += 1
            if code < 0 and (effect == 4 or effect == 6) and current >= 0 and not closed[current]:
                ends[visit] = time
                states[visit] = effect // 2
                current = -1
            told_later = code < 0 and effect == 5 and len(origins) > 0 and time >= known_from
            if told_later and (current < 0 or closed[current]):
                code = next_origin(codes, origins, event + 1, end)
            if code < 0 or code == current:
                continue
            if current >= 0:
                ends[visit] = time
                states[visit] = 1
            elif len(origins) > 0 and visit == before and origins[event] >= 0:
                unseen += 1
            current = code
            visit += 1
            cases[visit] = case
            stages[visit] = code
            begins[visit] = time
            ends[visit] = until
            states[visit] = 0
            changes[3 * visit : 3 * visit + 3] = 0
    counts[0] = visit + 1
    counts[1] = unseen


@kernel
def first_entries(
    cases: NDArray[np.int32],
    stages: NDArray[np.int32],
    seen: NDArray[np.int64],
    order: NDArray[np.int32],
    entered: NDArray[np.int64],
    votes: NDArray[np.int64],
) -> None:
    """Count the visits to each stage, and the cases that enter one first before they enter another first.

    Visits are those of `stage_visits`. `seen`, shape (stages,), holds -1 at first; `order` has the same
    shape. `entered`, shape (stages,), is added to, and `votes`, shape (stages * stages,): the one times the
    number of stages plus the other.
    """
    width = len(seen)
    known = 0
    case = -1
    for visit in range(len(cases)):
        if cases[visit] != case:
            case = cases[visit]
            known = 0
        stage = stages[visit]
        entered[stage] += 1
        if seen[stage] != case:
            seen[stage] = case
            for earlier in range(known):
                votes[order[earlier] * width + stage] += 1
            order[known] = stage
            known += 1


@kernel
def visit_kinds(
    cases: NDArray[np.int32],
    ranks: NDArray[np.int32],
    states: NDArray[np.int8],
    open_stages: int,
    origins: NDArray[np.int32],
    kinds: NDArray[np.int8],
) -> None:
    """Write from which stage each visit comes, and what kind of move it is.

    Ranks below `open_stages` are open stages in their order, others closed ones. `origins` is -1 where
    the case was in no stage. Kinds: 0 the first of the case, 1 forward to the next stage, 2 forward over
    others, 3 back, 4 to a closed stage, 5 to an open one after a closed one or after the case left.
    """
    for visit in range(len(cases)):
        rank = ranks[visit]
        origins[visit] = -1
        if visit == 0 or cases[visit - 1] != cases[visit]:
            kinds[visit] = 0
            continue
        if states[visit - 1] == 1:
            origins[visit] = ranks[visit - 1]
        origin = origins[visit]
        if rank >= open_stages:
            kinds[visit] = 4
        elif origin < 0 or origin >= open_stages:
            kinds[visit] = 5
        elif rank < origin:
            kinds[visit] = 3
        else:
            kinds[visit] = 1 if rank == origin + 1 else 2


@kernel
def begin_pair(
    pair: int,
    case: int,
    rank: int,
    row: int,
    cases: NDArray[np.int32],
    ranks: NDArray[np.int32],
    rows: NDArray[np.int64],
    visits: NDArray[np.int32],
    still: NDArray[np.int32],
    dwell: NDArray[np.int64],
) -> None:
    """Write a pair of a case and a stage without visits; `row` is that of the first stage."""
    cases[pair] = case
    ranks[pair] = rank
    rows[pair] = row + rank
    visits[pair] = 0
    still[pair] = 0
    dwell[pair] = 0


@kernel
def stages_of_cases(
    cases: NDArray[np.int32],
    ranks: NDArray[np.int32],
    states: NDArray[np.int8],
    kinds: NDArray[np.int8],
    origins: NDArray[np.int32],
    dwell: NDArray[np.int64],
    groups: NDArray[np.int32],
    open_stages: int,
    lost: NDArray[np.bool_],
    slots: NDArray[np.int64],
    rows: NDArray[np.int64],
    pairs: NDArray[np.int32],
    pair_cases: NDArray[np.int32],
    pair_ranks: NDArray[np.int32],
    pair_visits: NDArray[np.int32],
    pair_open: NDArray[np.int32],
    pair_dwell: NDArray[np.int64],
    pair_rows: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    """Write the pairs of a case and a stage that it was in or passed over, and which of them each visit is.

    A case passes over a stage if it moves from before it to after it, or is won before it, and is never in
    it; a move to a `lost` stage, shape (stages,), passes over none. `groups`, shape (cases,), is the group of
    each case; a row is that times the number of stages, plus the stage. `slots`, shape (stages,), holds -1 at
    first. The arrays of pairs have room for one per visit and for every open stage of each case;
    `pair_visits` is 0 where it is passed over; `pair_open` counts the visits that are not over, `pair_dwell`
    sums `dwell`, the length of each visit. `counts` gets the number of pairs.
    """
    pair = 0
    begin = 0
    while begin < len(cases):
        case, base, end, passes = cases[begin], pair, begin, False
        row = int(groups[case]) * len(lost)
        while end < len(cases) and cases[end] == case:
            rank = ranks[end]
            rows[end] = row + rank
            slot = slots[rank]
            if slot < base:
                slot, slots[rank] = pair, pair
                begin_pair(pair, case, rank, row, pair_cases, pair_ranks, pair_rows, pair_visits, pair_open,
                           pair_dwell)  # fmt: skip
                pair += 1
            pair_visits[slot] += 1
            pair_open[slot] += states[end] == 0
            pair_dwell[slot] += dwell[end]
            pairs[end] = slot
            moves_on = (kinds[end] == 2) | ((kinds[end] == 4) & (origins[end] >= 0) & (not lost[rank]))
            passes |= moves_on & (origins[end] + 1 < min(rank, open_stages))
            passes |= (states[end] == 3) & (rank + 1 < open_stages)
            end += 1
        for visit in range(begin, end if passes else begin):
            kind, before, after = kinds[visit], origins[visit], 0
            if kind == 2 or (kind == 4 and before >= 0 and not lost[ranks[visit]]):
                after = min(ranks[visit], open_stages)
            for again in range(2):
                if again == 1:
                    before, after = ranks[visit], open_stages if states[visit] == 3 else 0
                for over in range(before + 1, after):
                    if slots[over] < base:
                        slots[over] = pair
                        begin_pair(pair, case, over, row, pair_cases, pair_ranks, pair_rows, pair_visits,
                                   pair_open, pair_dwell)  # fmt: skip
                        pair += 1
        begin = end
    counts[0] = pair


@kernel
def visit_counts(
    rows: NDArray[np.int64],
    stages: NDArray[np.int32],
    origins: NDArray[np.int32],
    kinds: NDArray[np.int8],
    states: NDArray[np.int8],
    changes: NDArray[np.int32],
    counts: NDArray[np.int64],
) -> None:
    """Count visits by row; a row is of a group of cases and a stage, and those of a group are side by side.

    `counts`, shape (rows * 8,), is added to: visits, those not over, returns to the stage and from it, the
    three kinds of `changes`, and 0.
    """
    for visit in range(len(rows)):
        at = 8 * rows[visit]
        counts[at] += 1
        counts[at + 1] += states[visit] == 0
        if kinds[visit] == 3:
            counts[at + 2] += 1
            counts[at + 8 * (origins[visit] - stages[visit]) + 3] += 1
        for kind in range(3):
            counts[at + 4 + kind] += changes[3 * visit + kind]


@kernel
def count_kept(rows: NDArray[np.int64], kept: NDArray[np.bool_], counts: NDArray[np.int64]) -> None:
    """Count what is kept by row, and after all rows what is not; `counts`, shape (2 * rows,), is added to."""
    half = len(counts) // 2
    for place in range(len(rows)):
        counts[rows[place] if kept[place] else rows[place] + half] += 1


@kernel
def pair_counts(
    rows: NDArray[np.int64],
    visits: NDArray[np.int32],
    still: NDArray[np.int32],
    kept: NDArray[np.bool_],
    counts: NDArray[np.int64],
) -> None:
    """Count pairs of cases and stages by row, and mark those that were in the stage and are no more.

    `visits` is how often each was in it, `still` how many of those are not over. `counts`, shape (rows * 3,),
    is added to: those that were never in it, that are in it still, and the marked ones.
    """
    for pair in range(len(rows)):
        what = int(visits[pair] > 0) + int(visits[pair] > 0 and still[pair] == 0)
        kept[pair] = what == 2
        counts[3 * rows[pair] + what] += 1


@kernel
def group_kept(
    rows: NDArray[np.int64],
    kept: NDArray[np.bool_],
    values: NDArray[np.int64],
    positions: NDArray[np.int64],
    out: NDArray[np.int64],
) -> None:
    """Write the values that are kept, row by row; `positions` is where the next of each row goes."""
    for place in range(len(rows)):
        if kept[place]:
            row = rows[place]
            out[positions[row]] = values[place]
            positions[row] += 1
