"""Visits of cases to stages: when each begins, how long it is, and what changes during it."""

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
def telling_events(
    activities: NDArray[Any],
    codes: NDArray[np.int32],
    effects: NDArray[np.uint8],
    begin: int,
    end: int,
    found: NDArray[np.int32],
) -> int:
    """Write the events of a case that may begin or end a visit, or change something during one.

    They are counted from `begin`, the first event of the case. Events that tell the stage that the last one
    told, and nothing else, are left out, without a branch. Returns how many there are.
    """
    own, happened = codes[begin:end], activities[begin:end]
    count, told = np.uint64(0), np.int32(-1)  # unsigned, as any other index might count from the end
    for event in range(np.uint64(len(own))):
        code, effect = own[event], effects[happened[event]]
        found[count] = event
        count += np.uint8((effect != 0) | ((code >= 0) & (code != told)))
        told = np.int32(-1) if effect != 0 else code if code >= 0 else told
    return int(count)


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
    dwell: NDArray[np.int64],
    states: NDArray[np.int8],
    changed: NDArray[np.int32],
    changes: NDArray[np.int8],
    found: NDArray[np.int32],
    counts: NDArray[np.int64],
) -> None:
    """Write the visits of each case, one after the other.

    `codes`, shape (events,), is the stage after each event, -1 where it stays; `origins` that before it,
    empty where no column tells. `effects`, shape (activities,): 1 the close date is pushed, 2 the amount is
    changed, 3 the owner, 4 the case leaves its stage unless that is closed, 5 a stage begins that the next
    change tells, if it is not before `known_from`, 6 as 4, since it is won. Events after `until` are not
    looked at. `states`: 0 the visit is not over and lasts until `until`, 1 another stage follows, 2 the case
    left, 3 it left since it is won. `changes` are what is 1, 2 and 3 above, less one, in turn, and `changed`
    during which visit. `found` is scratch space for the events of a case. `counts` gets the visits, how many
    began before what is known, and the changes. The other arrays have room for one visit per event.
    """
    visit, unseen, change, began = -1, 0, 0, until
    for case in range(first, last):
        current, before = -1, visit
        begin, end = case_offsets[case], case_offsets[case + 1]
        stop = end
        while stop > begin and timestamps[stop - 1] > until:
            stop -= 1
        for number in range(telling_events(activities, codes, effects, begin, stop, found)):
            event = begin + found[number]
            effect, code, time = effects[activities[event]], codes[event], timestamps[event]
            if current >= 0 and 1 <= effect <= 3:
                changed[change] = visit
                changes[change] = effect - 1
                change += 1
            if code < 0 and (effect == 4 or effect == 6) and current >= 0 and not closed[current]:
                dwell[visit] = time - began
                states[visit] = effect // 2
                current = -1
            told_later = code < 0 and effect == 5 and len(origins) > 0 and time >= known_from
            if told_later and (current < 0 or closed[current]):
                code = next_origin(codes, origins, event + 1, end)
            if code < 0 or code == current:
                continue
            if current >= 0:
                dwell[visit] = time - began
                states[visit] = 1
            elif len(origins) > 0 and visit == before and origins[event] >= 0:
                unseen += 1
            current = code
            visit += 1
            began = time
            cases[visit] = case
            stages[visit] = code
            begins[visit] = time
            dwell[visit] = until - time
            states[visit] = 0
    counts[0], counts[1], counts[2] = visit + 1, unseen, change


@kernel
def first_entries(
    cases: NDArray[np.int32],
    stages: NDArray[np.int32],
    seen: NDArray[np.int64],
    order: NDArray[np.int32],
    after: NDArray[np.int64],
    entered: NDArray[np.int64],
    votes: NDArray[np.int64],
) -> None:
    """Count the visits to each stage, and the cases that enter one first before they enter another first.

    Visits are those of `stage_visits`. `seen`, shape (stages,), holds -1 at first; `order` has the same
    shape. `after` holds zeros, shape (2**stages * stages,), for how often a stage is entered after which
    others, or is empty where these are too many. `entered`, shape (stages,), is added to, and `votes`, shape
    (stages * stages,): the one times the number of stages plus the other.
    """
    width = len(seen)
    known, been = 0, 0
    case = -1
    for visit in range(len(cases)):
        if cases[visit] != case:
            case = cases[visit]
            known, been = 0, 0
        stage = stages[visit]
        entered[stage] += 1
        if len(after) > 0:
            after[been * width + stage] += (been >> stage & 1) ^ 1
            been |= 1 << stage
        elif seen[stage] != case:
            seen[stage] = case
            for earlier in range(known):
                votes[order[earlier] * width + stage] += 1
            order[known] = stage
            known += 1
    for place in range(len(after)):
        for earlier in range(width if after[place] else 0):
            votes[earlier * width + place % width] += after[place] * (place // width >> earlier & 1)
