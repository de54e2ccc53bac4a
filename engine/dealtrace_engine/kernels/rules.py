"""Rules on the events of a case: all of them in one pass, which tells what has to be looked at again.

What a rule is about are symbols: activities, any of which stands for it, and perhaps a condition on the
event. What a rule says of the order of events is the same in all cases with one trace. The events of a few
traces are read once to note the first and last event of each symbol, and rule by rule is seen in which of
these traces it is decided. Cases of those where it is broken, or takes more to decide, are suspects, which
the kernel for its template looks at; those about people and values are in `rule_values`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel

TEMPLATE, A, B, GIVEN, SCOPE, LOW, HIGH, LEAST, MOST, COLUMN, LAST, PROGRAM_COLUMNS = range(12)
"""Columns of `rules`: -1 is none (every event, for A), times are microseconds."""
(
    COUNT, INIT, END, RESPONDED_EXISTENCE, CO_EXISTENCE, RESPONSE, ALTERNATE_RESPONSE, CHAIN_RESPONSE,
    PRECEDENCE, ALTERNATE_PRECEDENCE, CHAIN_PRECEDENCE, SUCCESSION, ALTERNATE_SUCCESSION, CHAIN_SUCCESSION,
    NOT_CO_EXISTENCE, NOT_SUCCESSION, NOT_CHAIN_SUCCESSION, EXCLUSIVE_CHOICE, CHOICE, FOUR_EYES, SAME_PERSON,
    ON_TIME, NOT_OVERDUE, CONDITION, NEVER_FALLS, NO_SKIP,
) = range(26)  # fmt: skip
"""Values of `TEMPLATE`."""
NO_A, ONLY_A, ONLY_B, BOTH = 1, 2, 4, 8
ODD = 16
SOME_A, SOME_B, SOME, ANY = ONLY_A | BOTH, ONLY_B | BOTH, ONLY_A | ONLY_B | BOTH, 15
DECIDED = np.array([
    (ANY, 0, 0), (ANY, 0, ANY), (ANY, 0, ANY), (SOME_A, ONLY_A, 0), (SOME, ONLY_A | ONLY_B, 0),
    *3 * [(SOME_A, ONLY_A, ODD)], *3 * [(SOME_B, ONLY_B, ODD)], *3 * [(SOME, ONLY_A | ONLY_B, ODD)],
    (SOME, BOTH, 0), (SOME_A, 0, ODD), (SOME_A, 0, ODD), (ANY, NO_A | BOTH, 0), (ANY, NO_A, 0),
    (0, BOTH, 0), (0, SOME_A, 0), (0, 0, SOME_A), (0, 0, ANY), (ANY, ANY, 0), (0, SOME_A, 0), (0, SOME_A, 0),
])  # fmt: skip
"""Of each template, with which of its symbols a trace has it applies, is suspect, or has to be looked at.

Counts depend on their limits, and dates on whether they are known.
"""
APPLIES, SUSPECT, TIMED = 1, 2, 4
"""What is known of a rule in the cases of a trace: whether it applies, and is broken, or by their times."""
SINGLE, EACH, ANSWERS, PEOPLE, VALUES, SKIPS = range(6)
KINDS = np.array([
    EACH, SINGLE, SINGLE, EACH, EACH, *9 * [ANSWERS], SINGLE, EACH, EACH, SINGLE, SINGLE, PEOPLE, PEOPLE,
    SINGLE, SINGLE, SINGLE, VALUES, SKIPS,
])  # fmt: skip
"""Of each template, which kernel looks at its suspects."""
NONE = -1
"""No event, or no delay."""
UNKNOWN = -(2**63)
"""A deadline that is not known."""
Flags = np.ndarray[tuple[int, int], np.dtype[np.bool_]]
Grid = np.ndarray[tuple[int, int], np.dtype[np.int64]]
Cube = np.ndarray[tuple[int, int, int], np.dtype[np.int64]]
Judged = np.ndarray[tuple[int, int], np.dtype[np.uint8]]
Spots = np.ndarray[tuple[int, int, int], np.dtype[np.int32]]


@kernel
def note_events(
    activities: NDArray[Any], case_offsets: NDArray[np.int64], cases: NDArray[Any],
    alone: NDArray[np.int64], symbol_offsets: NDArray[np.int64], symbols: NDArray[np.int64],
    condition_of: NDArray[np.int64], marks: Flags, tally: Cube, begins: NDArray[np.int64],
) -> None:  # fmt: skip
    """Note the first and last event of each symbol in each of a few cases; see `judge_traces`."""
    firsts, lasts = tally[0], tally[1]
    for place in range(len(cases)):
        begin, end = case_offsets[cases[place]], case_offsets[cases[place] + 1]
        begins[place] = begin
        for event in range(begin, end):
            activity, back = activities[event], begin + end - 1 - event
            lasts[alone[activity], place] = event
            firsts[alone[activities[back]], place] = back
            for number in range(symbol_offsets[activity], symbol_offsets[activity + 1]):
                symbol = symbols[number]
                if condition_of[symbol] < 0 or marks[condition_of[symbol], event]:
                    if lasts[symbol, place] < begin:
                        firsts[symbol, place] = event
                    lasts[symbol, place] = event


@kernel
def judge_traces(
    activities: NDArray[Any], case_offsets: NDArray[np.int64], cases: NDArray[Any], first: int, last: int,
    alone: NDArray[np.int64], symbol_offsets: NDArray[np.int64], symbols: NDArray[np.int64],
    member: Flags, condition_of: NDArray[np.int64], marks: Flags, rules: Grid, tally: Cube,
    begins: NDArray[np.int64], states: NDArray[np.int64], judged: Judged, spots: Spots,
) -> None:  # fmt: skip
    """Write what is known of each rule in the cases of a trace, shape (rules, traces), by one such case.

    `cases` are these, and rise. Of rules about people and values, suspects tell to what they apply.
    `alone` says which symbol is each activity and no more, `symbol_offsets` and `symbols` which others it
    stands for. `tally`, shape (2, symbols + 1, traces at a time), holds the first and last event of each
    symbol, or of an earlier case (-1 to begin with); its last row takes what no rule is about. `begins` and
    `states` have room for these traces. Where times decide, `spots`, shape (2, rules, traces), says of which
    events, counted from the start of the case: see `rule_suspects`.
    """
    for start in range(first, last, len(states)):
        size = min(len(states), last - start)
        own = cases[start : start + size]
        note_events(
            activities, case_offsets, own, alone, symbol_offsets, symbols, condition_of, marks, tally, begins
        )
        for rule in range(len(rules)):
            template, given = rules[rule, TEMPLATE], rules[rule, GIVEN]
            a, b, low, high = rules[rule, A], rules[rule, B], rules[rule, LOW], rules[rule, HIGH]
            last_a, last_b, last_given = tally[1, a], tally[1, b], tally[1, given]
            every, with_b, always = a < 0, b >= 0, given < 0
            for place in range(size):
                begin = begins[place]
                some_a, some_b = every | (last_a[place] >= begin), with_b & (last_b[place] >= begin)
                held = always | (last_given[place] >= begin)
                states[place] = (1 + some_a + some_b * (3 + 3 * some_a)) * held
            applies, looked_at = DECIDED[template, 0], DECIDED[template, 1] | DECIDED[template, 2]
            if template == COUNT:
                looked_at = (low > 0) * NO_A + (low > 1 or high == 0) * ONLY_A + (high > 0) * ODD
            elif RESPONSE <= template <= CHAIN_SUCCESSION and (
                (template - RESPONSE) % 3 > 0 or rules[rule, LEAST] > 0 or rules[rule, MOST] >= 0
            ):
                looked_at |= BOTH
            if looked_at & ODD and not looked_at & BOTH:
                mark_odd(rules[rule], size, tally, states)
            some = 0
            for place in range(size):
                some |= states[place] & looked_at
                judged[rule, start + place] = APPLIES * ((states[place] & applies) != 0)
            if some:
                look_closer(
                    activities, case_offsets, own, start, looked_at, member, condition_of, marks, rules, rule,
                    tally, states, judged, spots,
                )  # fmt: skip


@kernel
def mark_odd(rule: NDArray[np.int64], size: int, tally: Cube, states: NDArray[np.int64]) -> None:
    """Mark the traces in which the order of events, or their number, may break a rule.

    Of templates that ask for no more, such as times; loops without branches, which become vectors.
    """
    template, a, b = rule[TEMPLATE], rule[A], rule[B]
    first_a, last_a, first_b, last_b = tally[0, a], tally[1, a], tally[0, b], tally[1, b]
    if template == COUNT:
        for place in range(size):
            states[place] |= ODD * ((states[place] == ONLY_A) & (last_a[place] > first_a[place]))
    elif template in (NOT_SUCCESSION, NOT_CHAIN_SUCCESSION):
        for place in range(size):
            states[place] |= ODD * ((states[place] == BOTH) & (last_b[place] > first_a[place]))
    else:
        answered, announced = template != PRECEDENCE, template != RESPONSE
        for place in range(size):
            forth, back = last_a[place] >= last_b[place], first_a[place] >= first_b[place]
            odd = (forth & answered) | (back & announced)
            states[place] |= ODD * ((states[place] == BOTH) & odd)


@kernel
def look_closer(
    activities: NDArray[Any], case_offsets: NDArray[np.int64], cases: NDArray[Any], start: int,
    looked_at: int, member: Flags, condition_of: NDArray[np.int64], marks: Flags, rules: Grid, rule: int,
    tally: Cube, states: NDArray[np.int64], judged: Judged, spots: Spots,
) -> None:  # fmt: skip
    """Say which of a few traces are suspects of a rule, of those in the states that are looked at."""
    template, least, most = rules[rule, TEMPLATE], rules[rule, LEAST], rules[rule, MOST]
    a, b, low, high = rules[rule, A], rules[rule, B], rules[rule, LOW], rules[rule, HIGH]
    decided, ordered = DECIDED[template, 1], RESPONSE <= template <= CHAIN_SUCCESSION
    for place in range(len(cases)):
        state = states[place]
        if state & looked_at == 0:
            continue
        suspect, timed, some_a = state & decided != 0, False, state & SOME_A != 0
        begin, end = case_offsets[cases[place]], case_offsets[cases[place] + 1]
        first_a, last_a = tally[0, a, place], tally[1, a, place]
        first_b, last_b = tally[0, b, place], tally[1, b, place]
        if ordered and state & BOTH:
            forth, back = last_a >= last_b, first_a >= first_b
            suspect = (forth and template != PRECEDENCE) or (back and template != RESPONSE)
            if template == RESPONSE and least <= 0 and most >= 0:
                timed = not suspect
                event = first_b if first_a == last_a and not back else last_b
                spots[0, rule, start + place], spots[1, rule, start + place] = first_a - begin, event - begin
            else:
                suspect = suspect or least > 0 or most >= 0 or (template - RESPONSE) % 3 > 0
        elif state & BOTH and (template in (NOT_SUCCESSION, NOT_CHAIN_SUCCESSION)):
            suspect = last_b > first_a
        elif template == COUNT:
            count = int(some_a) + int(some_a and last_a > first_a)
            if count > 1 and (low > 2 or high > 1):
                for event in range(first_a + 1, last_a):
                    is_a = member[a, activities[event]]
                    count += is_a and (condition_of[a] < 0 or marks[condition_of[a], event])
            suspect = count < low or 0 <= high < count
        elif template == INIT:
            suspect = not some_a or first_a != begin
        elif template == END:
            suspect = not some_a or last_a != end - 1
        elif template in (ON_TIME, NOT_OVERDUE):
            event = last_a if rules[rule, LAST] else first_a
            spots[0, rule, start + place], timed = event - begin if some_a else NONE, True
        judged[rule, start + place] |= SUSPECT * suspect | TIMED * timed


@kernel
def single_events(
    activities: NDArray[Any], timestamps: NDArray[np.int64], case_offsets: NDArray[np.int64], member: Flags,
    condition_of: NDArray[np.int64], marks: Flags, rules: Grid, deadlines: Grid, now: int, rule: int,
    suspects: NDArray[np.int64], rows: Grid, reached: NDArray[np.int64],
) -> None:  # fmt: skip
    """Write the violation of suspects that have one: that something is missing, or is where it must not be.

    `rows` of violations, shape (5, n), are rule, case, event, other event, delay. `reached` says how many
    there are.
    """
    filled, template, a, b = 0, rules[rule, TEMPLATE], rules[rule, A], rules[rule, B]
    for suspect in range(len(suspects)):
        case = suspects[suspect]
        begin, end = case_offsets[case], case_offsets[case + 1]
        first_a, last_a, first_b = NONE, NONE, NONE
        for event in range(begin, end):
            activity = activities[event]
            is_a = a >= 0 and member[a, activity]
            if is_a and (condition_of[a] < 0 or marks[condition_of[a], event]):
                first_a, last_a = event if first_a < 0 else first_a, event
            is_b = b >= 0 and first_b < 0 and member[b, activity]
            if is_b and (condition_of[b] < 0 or marks[condition_of[b], event]):
                first_b = event
        event, other, late = NONE, NONE, NONE
        if template == INIT:
            event = begin
        elif template == END:
            event = end - 1
        elif template in (NOT_CO_EXISTENCE, EXCLUSIVE_CHOICE) and first_a >= 0:
            event, other = max(first_a, first_b), min(first_a, first_b)
        elif template == ON_TIME:
            event = last_a if rules[rule, LAST] else first_a
            late = timestamps[event] - deadlines[rules[rule, COLUMN], case]
        elif template == NOT_OVERDUE:
            late = now - deadlines[rules[rule, COLUMN], case]
        rows[0, filled], rows[1, filled], rows[2, filled] = rule, case, event
        rows[3, filled], rows[4, filled] = other, late
        filled += 1
    reached[0] = filled


@kernel
def each_event(
    activities: NDArray[Any], case_offsets: NDArray[np.int64], member: Flags,
    condition_of: NDArray[np.int64], marks: Flags, rules: Grid, rule: int, suspects: NDArray[np.int64],
    rows: Grid, reached: NDArray[np.int64],
) -> None:  # fmt: skip
    """Write the events of suspects that are too many, come where they must not, or lack their counterpart.

    Where there are too few, that is one violation, without an event.
    """
    filled, template, a, b = 0, rules[rule, TEMPLATE], rules[rule, A], rules[rule, B]
    low, high = rules[rule, LOW], rules[rule, HIGH]
    for suspect in range(len(suspects)):
        case, start = suspects[suspect], filled
        count, before, first_a = 0, False, NONE
        for event in range(case_offsets[case], case_offsets[case + 1]):
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
    reached[0] = filled


@kernel
def unanswered(
    activities: NDArray[Any], timestamps: NDArray[np.int64], case_offsets: NDArray[np.int64], member: Flags,
    condition_of: NDArray[np.int64], marks: Flags, rules: Grid, now: int, rule: int,
    suspects: NDArray[np.int64], rows: Grid, reached: NDArray[np.int64],
) -> None:  # fmt: skip
    """Write the events of A that no B comes after, and of B that no A comes before, as the template asks.

    Kind 1 is before the next such event, 2 is right after. The places of the next such event and of the
    answer only move on, so that a case is read once however long it is.
    """
    filled, least, most = 0, rules[rule, LEAST], rules[rule, MOST]
    family, kind = (rules[rule, TEMPLATE] - RESPONSE) // 3, (rules[rule, TEMPLATE] - RESPONSE) % 3
    for number in range(2 * len(suspects)):
        case, step = suspects[number // 2], 1 - 2 * (number % 2)
        if family == (1 if step > 0 else 0):
            continue
        asks, wanted = (rules[rule, A], rules[rule, B]) if step > 0 else (rules[rule, B], rules[rule, A])
        on_asks, on_wanted = condition_of[asks], condition_of[wanted]
        event = case_offsets[case] if step > 0 else case_offsets[case + 1] - 1
        stop = case_offsets[case + 1] if step > 0 else case_offsets[case] - 1
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
                found, closed = found and answer == event + step, event + step != stop
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
    reached[0] = filled
