"""Rules on the events of a case: all of them in one pass, which tells what has to be looked at again.

What a rule is about are symbols: activities, any of which stands for it, and perhaps a condition on the
event. What a rule says of the order of events is the same in all cases with one trace. The events of a few
traces are read once to note the first and last event of each symbol, and rule by rule is seen in which of
these traces it is decided. Cases of those where it is broken, or takes more to decide, are suspects, whose
violations are found in `rule_walks`, or, of rules about people and values, in `rule_values`.
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
NONE = -1
"""No event."""
Flags = np.ndarray[tuple[int, int], np.dtype[np.bool_]]
Grid = np.ndarray[tuple[int, int], np.dtype[np.int64]]
States = NDArray[np.int32]
Tally = np.ndarray[tuple[int, int, int], np.dtype[np.int32]]
Judged = np.ndarray[tuple[int, int], np.dtype[np.uint8]]
Spots = np.ndarray[tuple[int, int, int], np.dtype[np.int32]]


@kernel
def note_events(
    activities: NDArray[Any], case_offsets: NDArray[np.int64], cases: NDArray[Any],
    rows_of: NDArray[np.int64], parts: Grid, marked_offsets: NDArray[np.int64], marked: NDArray[np.int64],
    condition_of: NDArray[np.int64], marks: Flags, tally: Tally,
) -> None:  # fmt: skip
    """Note the first and last event of each symbol in each of a few cases; see `judge_traces`."""
    tally[:] = NONE
    firsts, lasts, some_marked = tally[0], tally[1], len(marked) > 0
    for place in range(len(cases)):
        begin = case_offsets[cases[place]]
        own = activities[begin : case_offsets[cases[place] + 1]]
        size = np.uint64(len(own))
        for event in range(size):  # unsigned, as any other index might count from the end
            back = size - np.uint64(1) - np.uint64(event)
            lasts[rows_of[own[event]], place], firsts[rows_of[own[back]], place] = event, back
        if not some_marked:
            continue
        for event in range(begin, case_offsets[cases[place] + 1]):
            activity = activities[event]
            for number in range(marked_offsets[activity], marked_offsets[activity + 1]):
                symbol = marked[number]
                if marks[condition_of[symbol], event]:
                    if lasts[symbol, place] < 0:
                        firsts[symbol, place] = event - begin
                    lasts[symbol, place] = event - begin
    for number in range(len(parts)):
        whole, part = parts[number, 0], parts[number, 1]
        for place in range(len(cases)):  # without branches, which becomes vectors
            first, own_first = firsts[whole, place], firsts[part, place]
            sooner = (first < 0) | ((own_first >= 0) & (own_first < first))
            firsts[whole, place] = own_first if sooner else first
            lasts[whole, place] = max(lasts[whole, place], lasts[part, place])


@kernel
def judge_traces(
    activities: NDArray[Any], case_offsets: NDArray[np.int64], cases: NDArray[Any], first: int, last: int,
    rows_of: NDArray[np.int64], parts: Grid, marked_offsets: NDArray[np.int64], marked: NDArray[np.int64],
    member: Flags, condition_of: NDArray[np.int64], marks: Flags, rules: Grid, tally: Tally,
    states: States, judged: Judged, spots: Spots,
) -> None:  # fmt: skip
    """Write what is known of each rule in the cases of a trace, shape (rules, traces), by one such case.

    `cases` are these. Of rules about people and values, suspects tell to what they apply. `tally`, shape
    (2, rows, traces at a time), has room for the first and last event of each symbol, counted from the start
    of the case, a row for each; further rows are of activities, the last of those that no rule is about.
    `rows_of` says the row of each activity, `parts`, shape (n, 2), of which symbol which rows are parts;
    `marked_offsets` and `marked` for which symbols with conditions it stands. `states` has room for these
    traces.
    `spots`, shape (rules, traces, 2), says of suspects, and where times decide, which events to look at,
    likewise counted: the first and last of those that may break the rule or keep it; the two that a limit is
    between, the second as its complement, where there are no more; or the one that has to be on time.
    """
    for start in range(first, last, len(states)):
        size = min(len(states), last - start)
        own = cases[start : start + size]
        note_events(
            activities, case_offsets, own, rows_of, parts, marked_offsets, marked, condition_of, marks, tally
        )
        for rule in range(len(rules)):
            template, given = rules[rule, TEMPLATE], rules[rule, GIVEN]
            a, b, low, high = rules[rule, A], rules[rule, B], rules[rule, LOW], rules[rule, HIGH]
            last_a, last_b, last_given = tally[1, a], tally[1, b], tally[1, given]
            every, with_b, always = a < 0, b >= 0, given < 0
            for place in range(size):
                some_a, some_b = every | (last_a[place] >= 0), with_b & (last_b[place] >= 0)
                held = always | (last_given[place] >= 0)
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
def mark_odd(rule: NDArray[np.int64], size: int, tally: Tally, states: States) -> None:
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
    tally: Tally, states: States, judged: Judged, spots: Spots,
) -> None:  # fmt: skip
    """Say which of a few traces are suspects of a rule, of those in the states that are looked at."""
    template, least, most = rules[rule, TEMPLATE], rules[rule, LEAST], rules[rule, MOST]
    a, b, low, high = rules[rule, A], rules[rule, B], rules[rule, LOW], rules[rule, HIGH]
    decided, ordered = DECIDED[template, 1], RESPONSE <= template <= CHAIN_SUCCESSION
    for place in range(len(cases)):
        state = states[place]
        if state & looked_at == 0:
            continue
        suspect, timed, some_a, both = state & decided != 0, False, state & SOME_A != 0, state & BOTH != 0
        begin, end = case_offsets[cases[place]], case_offsets[cases[place] + 1]
        first_a, last_a, first_b, last_b = tally[0, a, place], tally[1, a, place], NONE, NONE
        if b >= 0:
            first_b, last_b = tally[0, b, place], tally[1, b, place]
        from_event, to_event = first_a, max(last_a, last_b)
        if first_a < 0 or 0 <= first_b < first_a:
            from_event = first_b
        extent = from_event, to_event
        if ordered and both:
            forth, back = last_a >= last_b, first_a >= first_b
            suspect = (forth and template != PRECEDENCE) or (back and template != RESPONSE)
            if template == RESPONSE and least <= 0 and most >= 0:
                timed = not suspect
                answer = last_b if back or first_a != last_a else ~first_b
                from_event, to_event = (first_a, answer) if timed else extent
            elif least > 0 or most >= 0 or (template - RESPONSE) % 3 > 0:
                suspect = True
            elif template == RESPONSE:
                from_event, to_event = max(first_a, last_b), last_a
            else:
                last = min(last_b, first_a)
                from_event, to_event = (first_b, last) if template == PRECEDENCE else extent
        elif both and (template in (NOT_SUCCESSION, NOT_CHAIN_SUCCESSION)):
            suspect, from_event, to_event = last_b > first_a, first_a, last_b
        elif template == COUNT:
            count = int(some_a) + int(some_a and last_a > first_a)
            if count > 1 and (low > 2 or high > 1):
                for event in range(begin + first_a + 1, begin + last_a):
                    is_a = member[a, activities[event]]
                    count += is_a and (condition_of[a] < 0 or marks[condition_of[a], event])
            suspect = count < low or 0 <= high < count
        elif template in (INIT, END):
            at = 0 if template == INIT else end - begin - 1
            suspect = not some_a or (first_a if template == INIT else last_a) != at
            from_event, to_event = at, NONE
        elif template in (NOT_CO_EXISTENCE, EXCLUSIVE_CHOICE):
            from_event, to_event = max(first_a, first_b), min(first_a, first_b)
        elif template in (ON_TIME, NOT_OVERDUE):
            timed, from_event, to_event = True, last_a if rules[rule, LAST] else first_a, NONE
        elif template in (CHOICE, CONDITION):
            from_event, to_event = NONE, NONE
        judged[rule, start + place] |= SUSPECT * suspect | TIMED * timed
        spots[rule, start + place, 0], spots[rule, start + place, 1] = from_event, to_event
