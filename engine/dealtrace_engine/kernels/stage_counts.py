"""What visits to stages are of their cases, and both counted by stage."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel

MOST_BITS = 62
"""Stages that a whole number has bits for."""


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
def passed_over(rank: int, origin: int, state: int, open_stages: int, is_lost: bool) -> tuple[int, int]:
    """Return before which stages a case passes over others on its way into a visit and out of it; 0 for none.

    On its way in it passes over those after `origin`, the stage before, -1 where there was none or it did not
    move on from it; a move to a lost stage passes over none. Out of a visit with state 3, as the case is won,
    it passes over those after `rank`.
    """
    into = min(rank, open_stages) if 0 <= origin < open_stages and not is_lost else 0
    return into, open_stages if state == 3 else 0


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
            into, out = passed_over(rank, origins[end], states[end], open_stages, lost[rank])
            passes |= (origins[end] + 1 < into) | (rank + 1 < out)
            end += 1
        for visit in range(begin, end if passes else begin):
            rank, origin = ranks[visit], origins[visit]
            into, out = passed_over(rank, origin, states[visit], open_stages, lost[rank])
            for over in range(open_stages):
                if slots[over] < base and (origin < over < into or rank < over < out):
                    slots[over] = pair
                    begin_pair(pair, case, over, row, pair_cases, pair_ranks, pair_rows, pair_visits,
                               pair_open, pair_dwell)  # fmt: skip
                    pair += 1
        begin = end
    counts[0] = pair


@kernel
def stage_counts(
    cases: NDArray[np.int32],
    ranks: NDArray[np.int32],
    states: NDArray[np.int8],
    dwell: NDArray[np.int64],
    changed: NDArray[np.int32],
    changes: NDArray[np.int8],
    groups: NDArray[np.int32],
    open_stages: int,
    lost: NDArray[np.bool_],
    times: NDArray[np.int32],
    still: NDArray[np.int32],
    total: NDArray[np.int64],
    order: NDArray[np.int32],
    counts: NDArray[np.int64],
    left: NDArray[np.bool_],
    again_rows: NDArray[np.int32],
    again_dwell: NDArray[np.int64],
    sizes: NDArray[np.int64],
) -> None:
    """Count visits and cases by row, and write how long the cases that left a stage were in it in total.

    Visits are those of `stage_visits`, of which `ranks` are the stages in their order. A row is the group of
    a case, of `groups`, shape (cases,), times the number of stages, plus the stage. `counts`, shape
    (rows * 11,), is added to: visits, those not over, returns to the stage and from it, the three kinds of
    `changes`, 0, cases that pass over the stage (see `stages_of_cases`), cases in it still, cases that were
    in it and are no more. Of the last, `left` marks the visit, shape (visits,); of cases that are in a stage
    more than once it marks none, but `again_rows` and `again_dwell` get the row and the time, and `sizes` how
    many there are; they have room for one per visit. The others hold zeros, shape (stages,), and do again
    afterwards.
    """
    width, change, place, begin = len(lost), 0, 0, 0
    while begin < len(cases):
        case, end, origin, been, over, again = cases[begin], begin, -1, 0, 0, width > MOST_BITS
        row = int(groups[case]) * width
        while end < len(cases) and cases[end] == case:
            rank, state = ranks[end], states[end]
            if rank < origin < open_stages:
                counts[11 * (row + rank) + 2] += 1
                counts[11 * (row + origin) + 3] += 1
            into, out = passed_over(rank, origin, state, open_stages, lost[rank])
            bit = bits_between(rank, rank + 1)
            again |= (been & bit) != 0
            been |= bit
            over |= bits_between(origin + 1, into) | bits_between(rank + 1, out)
            origin = rank if state == 1 else -1
            end += 1
        while change < len(changed) and changed[change] < end:
            counts[11 * (row + ranks[changed[change]]) + 4 + changes[change]] += 1
            change += 1
        if again:
            place = stages_again(
                begin, end, row, ranks, states, dwell, open_stages, lost, times, still, total, order, counts,
                again_rows, again_dwell, place,
            )  # fmt: skip
            left[begin:end] = False
            begin = end
            continue
        for visit in range(begin, end):
            stays = int(states[visit] == 0)
            at = 11 * (row + ranks[visit])
            counts[at] += 1
            counts[at + 1] += stays
            counts[at + 9] += stays
            counts[at + 10] += 1 - stays
            left[visit] = not stays
        over &= ~been
        for stage in range(open_stages if over else 0):
            counts[11 * (row + stage) + 8] += over >> stage & 1
        begin = end
    sizes[0] = place


@kernel
def bits_between(first: int, last: int) -> int:
    """Return a number with the bits from `first` to before `last`; those from `MOST_BITS` on are left out."""
    last = min(last, MOST_BITS)
    return (1 << last) - (1 << first) if first < last else 0


@kernel
def stages_again(
    begin: int,
    end: int,
    row: int,
    ranks: NDArray[np.int32],
    states: NDArray[np.int8],
    dwell: NDArray[np.int64],
    open_stages: int,
    lost: NDArray[np.bool_],
    times: NDArray[np.int32],
    still: NDArray[np.int32],
    total: NDArray[np.int64],
    order: NDArray[np.int32],
    counts: NDArray[np.int64],
    again_rows: NDArray[np.int32],
    again_dwell: NDArray[np.int64],
    place: int,
) -> int:
    """Count the visits of a case that is in a stage more than once, and its stages; see `stage_counts`.

    Returns how many stages were left so far.
    """
    known = 0
    for visit in range(begin, end):
        rank = ranks[visit]
        if times[rank] == 0:
            order[known] = rank
            known += 1
        times[rank] += 1
        still[rank] += states[visit] == 0
        total[rank] += dwell[visit]
    for visit in range(begin, end):
        rank = ranks[visit]
        origin = ranks[visit - 1] if visit > begin and states[visit - 1] == 1 else -1
        into, out = passed_over(rank, origin, states[visit], open_stages, lost[rank])
        for over in range(open_stages if origin + 1 < into or rank + 1 < out else 0):
            if times[over] == 0 and (origin < over < into or rank < over < out):
                times[over] = -1
                order[known] = over
                known += 1
    for number in range(known):
        rank = order[number]
        at = 11 * (row + rank)
        if times[rank] < 0:
            counts[at + 8] += 1
        else:
            counts[at] += times[rank]
            counts[at + 1] += still[rank]
            counts[at + (9 if still[rank] else 10)] += 1
        if times[rank] > 0 and still[rank] == 0:
            again_rows[place] = row + rank
            again_dwell[place] = total[rank]
            place += 1
        times[rank], still[rank], total[rank] = 0, 0, 0
    return place


@kernel
def count_kept(rows: NDArray[np.int32], kept: NDArray[np.bool_], counts: NDArray[np.int64]) -> None:
    """Count what is kept by row, and after all rows what is not; `counts`, shape (2 * rows,), is added to."""
    half = len(counts) // 2
    for place in range(len(rows)):
        counts[rows[place] if kept[place] else rows[place] + half] += 1


@kernel
def group_kept(
    rows: NDArray[np.int32],
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
