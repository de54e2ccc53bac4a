"""Which cases are suspects of a rule: what is known of their traces, their conditions and times.

Plain rules are those that traces alone decide: what they suspect is a bit of each trace. See `rules` for what
is known of traces, and for what is done with suspects.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel

TEMPLATE, SCOPE, MOST, COLUMN = 0, 4, 8, 9
"""Columns of `rules` there."""
RESPONSE, ON_TIME, NOT_OVERDUE, CONDITION = 5, 21, 22, 23
"""Templates there."""
APPLIES, SUSPECT, TIMED = 1, 2, 4
"""What is known of a rule in the cases of a trace: whether it applies, and is broken, or by their times."""
UNKNOWN = -(2**63)
"""A deadline that is not known."""
PLACES = np.array([next((k for k in range(64) if 2**k % 67 == rest), 0) for rest in range(67)])
"""Which bit is the only one of a number, by its remainder when divided by 67: each bit has another."""
Flags = np.ndarray[tuple[int, int], np.dtype[np.bool_]]
Grid = np.ndarray[tuple[int, int], np.dtype[np.int64]]
Judged = np.ndarray[tuple[int, int], np.dtype[np.uint8]]
Spots = np.ndarray[tuple[int, int, int], np.dtype[np.int32]]


@kernel
def find_suspects(
    timestamps: NDArray[np.int64], case_offsets: NDArray[np.int64], first: int, last: int,
    numbers: NDArray[np.uint32], judged: Judged, spots: Spots, rules: Grid, scopes: Flags, deadlines: Grid,
    now: int, groups: NDArray[np.int32], plain: NDArray[np.bool_], known: NDArray[np.uint8],
    timed: NDArray[np.int64], applicable: Grid, suspects: Grid, filled: NDArray[np.int64],
) -> None:  # fmt: skip
    """Count the cases to which each rule applies, and write the suspects: a row for each, filled so far.

    Rules that are `plain` are left out.

    `numbers` says which trace each case has, `applicable` has shape (groups, rules). `known` and `timed` have
    room for so many cases as are looked at by one rule after the other: their times stay in the cache.
    """
    for start in range(first, last, len(known)):
        size = min(len(known), last - start)
        own, of = numbers[start : start + size], groups[start : start + size]
        for rule in range(len(rules)):
            template, scope, column = rules[rule, TEMPLATE], rules[rule, SCOPE], rules[rule, COLUMN]
            if plain[rule]:
                continue
            some = know_cases(judged[rule], own, known[:size])
            if scope >= 0:
                for place in range(size):
                    known[place] *= scopes[scope, start + place]
            if template == CONDITION:
                for place in range(size):
                    known[place] &= APPLIES | SUSPECT * (not scopes[column, start + place])
            if some & TIMED:
                look_at_times(
                    timestamps, case_offsets, start, numbers, spots, rules, rule, deadlines, now,
                    known[:size], timed,
                )  # fmt: skip
            if len(applicable) == 1:
                found = 0
                for place in range(size):
                    found += (known[place] & APPLIES) != 0
                applicable[0, rule] += found
            else:
                for place in range(size):
                    applicable[of[place], rule] += known[place] & APPLIES
            if some & (SUSPECT | TIMED):
                filled[rule] += list_suspects(known[:size], start, suspects[rule, filled[rule] :])


@kernel
def know_cases(by_trace: NDArray[np.uint8], numbers: NDArray[np.uint32], known: NDArray[np.uint8]) -> int:
    """Write what is known of cases by their traces; return what is of any."""
    some = 0
    for place in range(len(numbers)):
        known[place] = by_trace[numbers[place]]
    for place in range(len(numbers)):
        some |= known[place]
    return some


@kernel
def list_suspects(known: NDArray[np.uint8], first: int, suspects: NDArray[np.int64]) -> int:
    """Write which cases are suspects; return how many."""
    filled = 0
    for place in range(len(known)):
        suspects[filled] = first + place  # without a branch, which would be guessed wrong
        filled += (known[place] & SUSPECT) != 0
    return filled


@kernel
def look_at_times(
    timestamps: NDArray[np.int64], case_offsets: NDArray[np.int64], first: int, numbers: NDArray[np.uint32],
    spots: Spots, rules: Grid, rule: int, deadlines: Grid, now: int, known: NDArray[np.uint8],
    timed: NDArray[np.int64],
) -> None:  # fmt: skip
    """See which cases apply, or are suspects, by their times; see `rules.judge_traces` for the events.

    `timed` has room for the places of these cases: they are listed first, as a branch would be guessed wrong.
    """
    template, column, most = rules[rule, TEMPLATE], rules[rule, COLUMN], rules[rule, MOST]
    own, found = spots[rule], 0
    for place in range(len(known)):
        timed[found] = place
        found += (known[place] & TIMED) != 0
    if template == RESPONSE:
        for number in range(found):
            place = timed[number]
            begin, trace = case_offsets[first + place], numbers[first + place]
            answer = own[trace, 1] ^ (own[trace, 1] >> 31)  # itself or its complement, which is negative
            gap = timestamps[begin + answer] - timestamps[begin + own[trace, 0]]
            known[place] |= SUSPECT * (gap > most)
        return
    limits, on_time = deadlines[column], template == ON_TIME
    for number in range(found):
        place = timed[number]
        case = first + place
        event, limit = own[numbers[case], 0], limits[case]
        there = event >= 0
        late = (timestamps[case_offsets[case] + max(event, 0)] if on_time else now) > limit
        over = late & (there == on_time)
        known[place] = (APPLIES * (there | over) | SUSPECT * over) * (limit != UNKNOWN)


@kernel
def note_plain(
    judged: Judged, rules: NDArray[np.int64], counts: NDArray[np.int64], applicable: Grid,
    bits: NDArray[np.uint64], whole: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Count the cases to which plain rules apply, and note which of these rules suspect each trace.

    `counts`, shape (traces,), says how many cases have each trace; bit k of `bits`, zeros at first, is of
    ``rules[k]``. Those that suspect every trace are `whole`, and have no bits.
    """
    for place in range(len(rules)):
        rule, found, every = rules[place], 0, SUSPECT
        for trace in range(len(bits)):
            known = judged[rule, trace]
            found += counts[trace] * (known & APPLIES)
            every &= known
        applicable[0, rule] += found
        whole[place] = every != 0
        if every == 0:
            for trace in range(len(bits)):
                bits[trace] |= np.uint64((judged[rule, trace] & SUSPECT) != 0) << np.uint64(place)


@kernel
def plain_suspects(
    rules: NDArray[np.int64], numbers: NDArray[np.uint32], bits: NDArray[np.uint64], first: int, last: int,
    suspects: Grid, filled: NDArray[np.int64],
) -> None:  # fmt: skip
    """Write the suspects of plain rules, which are `rules`, among some cases; see `find_suspects`."""
    for case in range(first, last):
        left = bits[numbers[case]]
        while left != 0:
            lowest = left & (~left + np.uint64(1))
            rule = rules[PLACES[lowest % np.uint64(67)]]
            suspects[rule, filled[rule]] = case
            filled[rule] += 1
            left ^= lowest
