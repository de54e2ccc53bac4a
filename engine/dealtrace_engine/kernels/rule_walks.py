"""The violations of the suspects of rules on the events of a case; see `rules` for what suspects are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel

TEMPLATE, A, B, LOW, HIGH, LEAST, MOST, COLUMN = 0, 1, 2, 5, 6, 7, 8, 9
"""Columns of `rules` there."""
COUNT, RESPONSE, NOT_SUCCESSION, NOT_CHAIN_SUCCESSION, ON_TIME, NOT_OVERDUE = 0, 5, 15, 16, 21, 22
"""Templates there."""
SINGLE, EACH, ANSWERS, PEOPLE, VALUES, SKIPS = range(6)
KINDS = np.array([
    EACH, SINGLE, SINGLE, EACH, EACH, *9 * [ANSWERS], SINGLE, EACH, EACH, SINGLE, SINGLE, PEOPLE, PEOPLE,
    SINGLE, SINGLE, SINGLE, VALUES, SKIPS,
])  # fmt: skip
"""Of each template, which kernel looks at its suspects."""
NONE = -1
"""No event, or no delay."""
Flags = np.ndarray[tuple[int, int], np.dtype[np.bool_]]
Grid = np.ndarray[tuple[int, int], np.dtype[np.int64]]
Spots = np.ndarray[tuple[int, int, int], np.dtype[np.int32]]


@kernel
def write_violations(
    activities: NDArray[Any], timestamps: NDArray[np.int64], case_offsets: NDArray[np.int64],
    numbers: NDArray[np.uint32], member: Flags, condition_of: NDArray[np.int64], marks: Flags, rules: Grid,
    spots: Spots, deadlines: Grid, now: int, first_rule: int, suspects: Grid, filled: NDArray[np.int64],
    most: int, rows: Grid, ends: NDArray[np.int64],
) -> int:  # fmt: skip
    """Write the violations of one rule after the other, but of those on people and values.

    Returns the rule to go on with, as far as `rows` is sure to have room: a rule has at most `most` here.
    `rows` of violations, shape (5, n), are rule, case, event, other event, delay. Those of a rule end at
    ``ends[rule]``, and are in order but for successions, whose cases are. `suspects`, shape (rules, cases),
    has so many of each rule as `filled` says; `numbers` is the trace of each case.
    """
    end = 0
    for rule in range(first_rule, len(rules)):
        if rows.shape[1] - end < most:
            return rule
        kind, own, room = KINDS[rules[rule, TEMPLATE]], suspects[rule, : filled[rule]], rows[:, end:]
        if kind == SINGLE:
            end += single_events(
                timestamps, case_offsets, numbers, rules, spots, deadlines, now, rule, own, room
            )
        elif kind == EACH:
            end += each_event(
                activities, case_offsets, numbers, member, condition_of, marks, rules, spots, rule, own, room
            )
        elif kind == ANSWERS:
            end += unanswered(
                activities, timestamps, case_offsets, numbers, member, condition_of, marks, rules, spots, now,
                rule, own, room,
            )  # fmt: skip
        ends[rule] = end
    return len(rules)


@kernel
def single_events(
    timestamps: NDArray[np.int64], case_offsets: NDArray[np.int64], numbers: NDArray[np.uint32], rules: Grid,
    spots: Spots, deadlines: Grid, now: int, rule: int, suspects: NDArray[np.int64], rows: Grid,
) -> int:  # fmt: skip
    """Write the violation of suspects that have one: that something is missing, or is where it must not be.

    Returns how many there are.
    """
    template, own = rules[rule, TEMPLATE], spots[rule]
    for place in range(len(suspects)):
        case = suspects[place]
        begin, number = case_offsets[case], numbers[case]
        event = begin + own[number, 0] if own[number, 0] >= 0 else NONE
        other = begin + own[number, 1] if own[number, 1] >= 0 else NONE
        late = NONE
        if template == ON_TIME:
            late = timestamps[event] - deadlines[rules[rule, COLUMN], case]
        elif template == NOT_OVERDUE:
            late = now - deadlines[rules[rule, COLUMN], case]
        rows[0, place], rows[1, place], rows[2, place] = rule, case, event
        rows[3, place], rows[4, place] = other, late
    return len(suspects)


@kernel
def each_event(
    activities: NDArray[Any], case_offsets: NDArray[np.int64], numbers: NDArray[np.uint32], member: Flags,
    condition_of: NDArray[np.int64], marks: Flags, rules: Grid, spots: Spots, rule: int,
    suspects: NDArray[np.int64], rows: Grid,
) -> int:  # fmt: skip
    """Write the events of suspects that are too many, come where they must not, or lack their counterpart.

    Where there are too few, that is one violation, without an event. Returns how many there are.
    """
    filled, template, a, b = 0, rules[rule, TEMPLATE], rules[rule, A], rules[rule, B]
    low, high = rules[rule, LOW], rules[rule, HIGH]
    for suspect in range(len(suspects)):
        case, start = suspects[suspect], filled
        count, before, first_a, number = 0, False, NONE, numbers[case]
        begin, last = case_offsets[case] + spots[rule, number, 0], case_offsets[case] + spots[rule, number, 1]
        for event in range(begin, last + 1 if spots[rule, number, 0] >= 0 else begin):
            activity = activities[event]
            is_a = member[a, activity] and (condition_of[a] < 0 or marks[condition_of[a], event])
            is_b = b >= 0 and member[b, activity] and (condition_of[b] < 0 or marks[condition_of[b], event])
            other, found = NONE, is_a or is_b
            if template == COUNT:
                count += is_a
                found = is_a and 0 <= high < count
            elif template == NOT_SUCCESSION:
                other, found = first_a, is_b and first_a >= 0
            elif template == NOT_CHAIN_SUCCESSION:
                other, found = event - 1, is_b and before
            if found:
                rows[0, filled], rows[1, filled], rows[2, filled] = rule, case, event
                rows[3, filled], rows[4, filled] = other, NONE
                filled += 1
            before = is_a
            if is_a and first_a < 0:
                first_a = event
        if template == COUNT and count < low:
            rows[0, start], rows[1, start], rows[2, start] = rule, case, NONE
            rows[3, start], rows[4, start] = NONE, NONE
            filled = start + 1
    return filled


@kernel
def unanswered(
    activities: NDArray[Any], timestamps: NDArray[np.int64], case_offsets: NDArray[np.int64],
    numbers: NDArray[np.uint32], member: Flags, condition_of: NDArray[np.int64], marks: Flags, rules: Grid,
    spots: Spots, now: int, rule: int, suspects: NDArray[np.int64], rows: Grid,
) -> int:  # fmt: skip
    """Write the events of A that no B comes after, and of B that no A comes before, as the template asks.

    Kind 1 is before the next such event, 2 is right after. The places of the next such event and of the
    answer only move on, so that a case is read once however long it is. Returns how many there are.
    """
    filled, least, most = 0, rules[rule, LEAST], rules[rule, MOST]
    family, kind = (rules[rule, TEMPLATE] - RESPONSE) // 3, (rules[rule, TEMPLATE] - RESPONSE) % 3
    for turn in range(2 * len(suspects)):
        case, step, start = suspects[turn // 2], 1 - 2 * (turn % 2), filled
        if family == (1 if step > 0 else 0):
            continue
        asks, wanted = (rules[rule, A], rules[rule, B]) if step > 0 else (rules[rule, B], rules[rule, A])
        on_asks, on_wanted, begin = condition_of[asks], condition_of[wanted], case_offsets[case]
        first, last = begin + spots[rule, numbers[case], 0], begin + spots[rule, numbers[case], 1]
        if last < begin:  # these two are known
            answer = begin + ~spots[rule, numbers[case], 1]
            rows[0, filled], rows[1, filled], rows[2, filled] = rule, case, first
            rows[3, filled], rows[4, filled] = answer, timestamps[answer] - timestamps[first] - most
            filled += 1
            continue
        event, stop = (first, last + 1) if step > 0 else (last, first - 1)
        beyond = case_offsets[case + 1] if step > 0 else begin - 1
        answer, again = event, event
        while event != stop:
            if not member[asks, activities[event]] or (on_asks >= 0 and not marks[on_asks, event]):
                event += step
                continue
            if kind == 1:
                again = again if (again - event) * step > 0 else event + step
                while again != stop and (
                    not member[asks, activities[again]] or (on_asks >= 0 and not marks[on_asks, again])
                ):
                    again += step
            answer = answer if (answer - event) * step > 0 else event + step
            while answer != stop and (
                not member[wanted, activities[answer]]
                or (on_wanted >= 0 and not marks[on_wanted, answer])
                or abs(timestamps[answer] - timestamps[event]) < least
            ):
                answer += step
            found, closed = answer != stop, False
            if kind == 1:
                found, closed = found and (again == stop or (answer - again) * step <= 0), again != stop
            elif kind == 2:
                found, closed = found and answer == event + step, event + step != beyond
            late, broken = NONE, not found
            if most >= 0 and found:
                late = abs(timestamps[answer] - timestamps[event]) - most
                broken = late > 0
            elif most >= 0 and step > 0 and not closed:
                late = now - timestamps[event] - most
                broken = late > 0  # else there is still time
            if broken:
                rows[0, filled], rows[1, filled], rows[2, filled] = rule, case, event
                rows[3, filled], rows[4, filled] = answer if found else NONE, late
                filled += 1
            event += step
        if step < 0:
            turn_round(rows[2:, start:filled])
    return filled


@kernel
def turn_round(rows: Grid) -> None:
    """Put the last first."""
    size = rows.shape[1]
    for place in range(size // 2):
        for column in range(len(rows)):
            held = rows[column, place]
            rows[column, place], rows[column, size - 1 - place] = rows[column, size - 1 - place], held
