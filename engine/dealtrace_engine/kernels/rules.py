"""Rules on the events of a case, all of them in one pass.

What a rule is about are symbols: activities, any of which stands for it, and perhaps a condition on the
event. The events of a case are read once to count its symbols; most rules are decided by these counts, the
others, where they apply, look at the events of the case again.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel

TEMPLATE, A, B, GIVEN, SCOPE, LOW, HIGH, LEAST, MOST, COLUMN, LAST, PROGRAM_COLUMNS = range(12)
"""Columns of `rules`: -1 is none, times are microseconds."""
(
    COUNT, INIT, END, RESPONDED_EXISTENCE, CO_EXISTENCE, RESPONSE, ALTERNATE_RESPONSE, CHAIN_RESPONSE,
    PRECEDENCE, ALTERNATE_PRECEDENCE, CHAIN_PRECEDENCE, SUCCESSION, ALTERNATE_SUCCESSION, CHAIN_SUCCESSION,
    NOT_CO_EXISTENCE, NOT_SUCCESSION, NOT_CHAIN_SUCCESSION, EXCLUSIVE_CHOICE, CHOICE, FOUR_EYES, SAME_PERSON,
    ON_TIME, NOT_OVERDUE, CONDITION, NEVER_FALLS, NO_SKIP,
) = range(26)  # fmt: skip
"""Values of `TEMPLATE`."""
NONE, ZERO = cast(int, np.int64(-1)), cast(int, np.int64(0))
"""No event, or no delay; and what is returned of a rule that does not apply to a case.

Plain constants would be types of their own to Numba, and each function compiled for each of them."""
UNKNOWN = -(2**63)
"""A deadline that is not known."""
Flags = np.ndarray[tuple[int, int], np.dtype[np.bool_]]
Grid = np.ndarray[tuple[int, int], np.dtype[np.int64]]
Codes = np.ndarray[tuple[int, int], np.dtype[np.int32]]
Numbers = np.ndarray[tuple[int, int], np.dtype[np.float64]]


@kernel
def _is(
    activities: NDArray[Any],
    member: Flags,
    condition_of: NDArray[np.int64],
    marks: Flags,
    symbol: int,
    event: int,
) -> bool:
    """Whether an event is a symbol."""
    if symbol < 0 or not member[symbol, activities[event]]:
        return False
    return condition_of[symbol] < 0 or bool(marks[condition_of[symbol], event])


@kernel
def _put(rows: Grid, filled: int, rule: int, case: int, event: int, other: int, late: int) -> int:
    """Write a violation; return how many there are."""
    rows[filled, 0] = rule
    rows[filled, 1] = case
    rows[filled, 2] = event
    rows[filled, 3] = other
    rows[filled, 4] = late
    return filled + 1


@kernel
def _unanswered(
    activities: NDArray[Any], timestamps: NDArray[np.int64], case_offsets: NDArray[np.int64], member: Flags,
    condition_of: NDArray[np.int64], marks: Flags, rules: Grid, rule: int, case: int, forward: bool,
    kind: int, now: int, rows: Grid, filled: int,
) -> int:  # fmt: skip
    """Write the events that no event of the other symbol comes after (or before, if not `forward`).

    `kind` is 0, 1 (before the next such event) or 2 (as the next event). Both places that are looked for
    only move on, so that a case is read once however long it is.
    """
    activation, target = (rules[rule, A], rules[rule, B]) if forward else (rules[rule, B], rules[rule, A])
    least, most = rules[rule, LEAST], rules[rule, MOST]
    step = 1 if forward else -1
    begin = case_offsets[case] if forward else case_offsets[case + 1] - 1
    stop = case_offsets[case + 1] if forward else case_offsets[case] - 1
    answer, again, event = begin, begin, begin
    while event != stop:
        if _is(activities, member, condition_of, marks, activation, event):
            if (again - event) * step <= 0:
                again = event + step
            while again != stop and not _is(activities, member, condition_of, marks, activation, again):
                again += step
            if (answer - event) * step <= 0:
                answer = event + step
            while answer != stop and not (
                _is(activities, member, condition_of, marks, target, answer)
                and abs(timestamps[answer] - timestamps[event]) >= least
            ):
                answer += step
            found = answer != stop
            if kind == 1:
                found = found and (again == stop or (answer - again) * step <= 0)
            elif kind == 2:
                found = found and answer == event + step
            closed = (kind == 1 and again != stop) or (kind == 2 and event + step != stop)
            late, waiting = NONE, False
            if most >= 0 and found:
                late = abs(timestamps[answer] - timestamps[event]) - most
            elif most >= 0 and forward and not closed:
                late = now - timestamps[event] - most
                waiting = late <= 0
            if not waiting and (not found or (most >= 0 and late > 0)):
                filled = _put(rows, filled, rule, case, event, answer if found else NONE, late)
        event += step
    return filled


@kernel
def _people(
    activities: NDArray[Any], case_offsets: NDArray[np.int64], member: Flags,
    condition_of: NDArray[np.int64], marks: Flags, rules: Grid, rule: int, case: int, people: Codes,
    seen: Grid, rows: Grid, filled: int,
) -> int:  # fmt: skip
    """Write the events of B by who did an A, or those of both that are by somebody else than the first.

    People are codes, negative where not known. `seen`, shape (2, people), holds for each the last rule and
    case in which they did an A, as one number, and where that was.
    """
    a, b, who = rules[rule, A], rules[rule, B], rules[rule, COLUMN]
    stamp = case * len(rules) + rule
    begin, end = case_offsets[case], case_offsets[case + 1]
    some_a, some_b, before = False, b < 0, NONE
    for event in range(begin, end):
        person = people[who, event]
        if person < 0:
            continue
        is_a = _is(activities, member, condition_of, marks, a, event)
        is_b = _is(activities, member, condition_of, marks, b, event)
        some_a, some_b = some_a or is_a, some_b or is_b
        if rules[rule, TEMPLATE] == FOUR_EYES and is_a:
            seen[0, person] = stamp
            seen[1, person] = event
        if rules[rule, TEMPLATE] == SAME_PERSON and (is_a or is_b):
            if before < 0:
                before = event
            elif people[who, before] != person:
                filled = _put(rows, filled, rule, case, event, before, NONE)
    if not (some_a and some_b):
        return NONE
    if rules[rule, TEMPLATE] == FOUR_EYES:
        for event in range(begin, end):
            person = people[who, event]
            known = person >= 0 and seen[0, person] == stamp
            if known and _is(activities, member, condition_of, marks, b, event):
                filled = _put(rows, filled, rule, case, event, seen[1, person], NONE)
    return filled


@kernel
def _values(
    activities: NDArray[Any], case_offsets: NDArray[np.int64], member: Flags,
    condition_of: NDArray[np.int64], marks: Flags, rules: Grid, rule: int, case: int, values: Numbers,
    rows: Grid, filled: int,
) -> int:  # fmt: skip
    """Write the events of A whose value is below the one before, or more than one above the highest so far.

    Values that are not known are NaN, and passed by.
    """
    falls, before = rules[rule, TEMPLATE] == NEVER_FALLS, NONE
    column = rules[rule, COLUMN]
    for event in range(case_offsets[case], case_offsets[case + 1]):
        value = values[column, event]
        if np.isnan(value) or not _is(activities, member, condition_of, marks, rules[rule, A], event):
            continue
        if before >= 0 and falls and value < values[column, before]:
            filled = _put(rows, filled, rule, case, event, before, NONE)
        if before >= 0 and not falls and value > values[column, before] + 1:
            filled = _put(rows, filled, rule, case, event, before, NONE)
        if before < 0 or falls or value > values[column, before]:
            before = event
    return filled if before >= 0 else NONE


@kernel
def _each(
    activities: NDArray[Any], case_offsets: NDArray[np.int64], member: Flags,
    condition_of: NDArray[np.int64], marks: Flags, rules: Grid, rule: int, case: int, symbol: int,
    passed: int, other: int, rows: Grid, filled: int,
) -> int:  # fmt: skip
    """Write the events of a symbol, but for the first few; where `other` is an event, only those after it.

    With `NOT_CHAIN_SUCCESSION`, those right after an A, which is the other event.
    """
    chain = rules[rule, TEMPLATE] == NOT_CHAIN_SUCCESSION
    for event in range(case_offsets[case], case_offsets[case + 1]):
        if event > other and _is(activities, member, condition_of, marks, symbol, event):
            passed -= 1
            if chain and event > case_offsets[case]:
                if _is(activities, member, condition_of, marks, rules[rule, A], event - 1):
                    filled = _put(rows, filled, rule, case, event, event - 1, NONE)
            elif passed < 0 and not chain:
                filled = _put(rows, filled, rule, case, event, other, NONE)
    return filled


@kernel
def _alone(
    activities: NDArray[Any], timestamps: NDArray[np.int64], case_offsets: NDArray[np.int64], member: Flags,
    condition_of: NDArray[np.int64], marks: Flags, rules: Grid, rule: int, case: int, scopes: Flags,
    deadlines: Grid, now: int, counts: NDArray[np.int64], firsts: NDArray[np.int64],
    lasts: NDArray[np.int64], rows: Grid, filled: int,
) -> int:  # fmt: skip
    """Write where a case breaks a rule about one symbol, or none; return `NONE` if it does not apply."""
    template, a, column = rules[rule, TEMPLATE], rules[rule, A], rules[rule, COLUMN]
    if template == CONDITION:
        return filled if scopes[column, case] else _put(rows, filled, rule, case, NONE, NONE, NONE)
    if template == COUNT:
        if counts[a] < rules[rule, LOW]:
            return _put(rows, filled, rule, case, NONE, NONE, NONE)
        if rules[rule, HIGH] >= 0 and counts[a] > rules[rule, HIGH]:
            return _each(
                activities, case_offsets, member, condition_of, marks, rules, rule, case, a,
                rules[rule, HIGH], NONE, rows, filled,
            )  # fmt: skip
        return filled
    if template in (INIT, END):
        event = case_offsets[case] if template == INIT else case_offsets[case + 1] - 1
        if not _is(activities, member, condition_of, marks, a, event):
            filled = _put(rows, filled, rule, case, event, NONE, NONE)
        return filled
    deadline = deadlines[column, case]
    if deadline == UNKNOWN or (counts[a] == 0 and (template == ON_TIME or now <= deadline)):
        return NONE
    if template == NOT_OVERDUE:
        return filled if counts[a] else _put(rows, filled, rule, case, NONE, NONE, now - deadline)
    event = lasts[a] if rules[rule, LAST] else firsts[a]
    late = timestamps[event] - deadline
    return _put(rows, filled, rule, case, event, NONE, late) if late > 0 else filled


@kernel
def _together(
    activities: NDArray[Any], timestamps: NDArray[np.int64], case_offsets: NDArray[np.int64], member: Flags,
    condition_of: NDArray[np.int64], marks: Flags, rules: Grid, rule: int, case: int, now: int,
    counts: NDArray[np.int64], firsts: NDArray[np.int64], lasts: NDArray[np.int64], rows: Grid, filled: int,
) -> int:  # fmt: skip
    """Write where a case breaks a rule about two symbols; return `NONE` if it does not apply."""
    template, a, b = rules[rule, TEMPLATE], rules[rule, A], rules[rule, B]
    some_a, some_b = counts[a] > 0, counts[b] > 0
    if template in (CHOICE, EXCLUSIVE_CHOICE, NOT_CO_EXISTENCE):
        if some_a and some_b and template != CHOICE:
            late = max(firsts[a], firsts[b])
            return _put(rows, filled, rule, case, late, min(firsts[a], firsts[b]), NONE)
        if template == NOT_CO_EXISTENCE:
            return filled if some_a or some_b else NONE
        return filled if some_a or some_b else _put(rows, filled, rule, case, NONE, NONE, NONE)
    if template in (RESPONDED_EXISTENCE, CO_EXISTENCE, NOT_SUCCESSION, NOT_CHAIN_SUCCESSION):
        if not some_a and (template != CO_EXISTENCE or not some_b):
            return NONE
        asking, barred = template in (RESPONDED_EXISTENCE, CO_EXISTENCE), some_b and lasts[b] > firsts[a]
        if (asking and some_a and some_b) or not (asking or barred):
            return filled
        symbol = a if asking and some_a else b
        other = firsts[a] if template == NOT_SUCCESSION else NONE
        return _each(
            activities, case_offsets, member, condition_of, marks, rules, rule, case, symbol, ZERO, other,
            rows, filled,
        )  # fmt: skip
    family, kind = (template - RESPONSE) // 3, (template - RESPONSE) % 3
    if not ((some_a and family != 1) or (some_b and family != 0)):
        return NONE
    plain = kind == 0 and rules[rule, LEAST] <= 0 and rules[rule, MOST] < 0
    for direction in range(2):
        forward = direction == 0
        if not (some_a and family != 1 if forward else some_b and family != 0):
            continue
        kept = lasts[a] < lasts[b] if forward else firsts[a] < firsts[b]
        if plain and some_a and some_b and kept:
            continue
        filled = _unanswered(
            activities, timestamps, case_offsets, member, condition_of, marks, rules, rule, case, forward,
            kind, now, rows, filled,
        )  # fmt: skip
    return filled


@kernel
def check_cases(
    activities: NDArray[Any],
    timestamps: NDArray[np.int64],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    symbol_offsets: NDArray[np.int64],
    symbols: NDArray[np.int64],
    member: Flags,
    condition_of: NDArray[np.int64],
    marks: Flags,
    rules: Grid,
    scopes: Flags,
    deadlines: Grid,
    people: Codes,
    values: Numbers,
    now: int,
    groups: NDArray[np.int32],
    tally: Grid,
    seen: Grid,
    applicable: Grid,
    rows: Grid,
    reached: NDArray[np.int64],
) -> None:
    """Count the cases to which each rule applies, and write where they break it.

    Stops before a case whose violations might not fit; `reached` says at which case, and how many rows of
    `rows` (rule, case, event, other event, delay) are filled. `symbol_offsets` and `symbols` say which
    symbols each activity stands for; `tally` has the shape (3, symbols); `applicable` (groups, rules).
    """
    counts, firsts, lasts = tally[0], tally[1], tally[2]
    filled = ZERO
    for case in range(first, last):
        begin, end = case_offsets[case], case_offsets[case + 1]
        if filled + len(rules) * 2 * (end - begin + 1) > len(rows):
            reached[0], reached[1] = case, filled
            return
        counts[:] = 0
        for event in range(begin, end):
            activity = activities[event]
            for place in range(symbol_offsets[activity], symbol_offsets[activity + 1]):
                symbol = symbols[place]
                if condition_of[symbol] < 0 or marks[condition_of[symbol], event]:
                    if counts[symbol] == 0:
                        firsts[symbol] = event
                    lasts[symbol] = event
                    counts[symbol] += 1
        for rule in range(len(rules)):
            scope, given, template = rules[rule, SCOPE], rules[rule, GIVEN], rules[rule, TEMPLATE]
            if (scope >= 0 and not scopes[scope, case]) or (given >= 0 and counts[given] == 0):
                continue
            if template in (FOUR_EYES, SAME_PERSON):
                found = NONE
                if counts[rules[rule, A]] > 0 and (rules[rule, B] < 0 or counts[rules[rule, B]] > 0):
                    found = _people(
                        activities, case_offsets, member, condition_of, marks, rules, rule, case, people,
                        seen, rows, filled,
                    )  # fmt: skip
            elif template in (NEVER_FALLS, NO_SKIP):
                found = _values(
                    activities, case_offsets, member, condition_of, marks, rules, rule, case, values, rows,
                    filled,
                )  # fmt: skip
            elif template <= END or template >= ON_TIME:
                found = _alone(
                    activities, timestamps, case_offsets, member, condition_of, marks, rules, rule, case,
                    scopes, deadlines, now, counts, firsts, lasts, rows, filled,
                )  # fmt: skip
            else:
                found = _together(
                    activities, timestamps, case_offsets, member, condition_of, marks, rules, rule, case, now,
                    counts, firsts, lasts, rows, filled,
                )  # fmt: skip
            if found >= 0:
                applicable[groups[case], rule] += 1
                filled = found
    reached[0], reached[1] = last, filled
