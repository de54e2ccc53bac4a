"""Rules on the people and the values of events: their violations, and to which cases they apply."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel

A, B, COLUMN, FIRST_KIND = range(4)
"""Columns of `asked`, a row per rule: symbols, the values; whether it is four eyes."""
NONE = -1
"""No event, or no delay."""
Flags = np.ndarray[tuple[int, int], np.dtype[np.bool_]]
Grid = np.ndarray[tuple[int, int], np.dtype[np.int64]]
Codes = np.ndarray[tuple[int, int], np.dtype[np.int32]]
Numbers = np.ndarray[tuple[int, int], np.dtype[np.float64]]


@kernel
def people_of(
    activities: NDArray[Any], case_offsets: NDArray[np.int64], member: Flags,
    condition_of: NDArray[np.int64], marks: Flags, asked: Grid, people: Codes, groups: NDArray[np.int32],
    seen: Grid, rule: int, suspects: NDArray[np.int64], applicable: Grid, rows: Grid,
    reached: NDArray[np.int64],
) -> None:  # fmt: skip
    """Write the events of B by who did an A, or those of both by somebody else than the first.

    People are codes, negative where not known. A case without anybody known for A, or for B, tells nothing,
    unless it has both and two people are known to have done them. `seen`, shape (2, people), holds for each
    the last suspect, as a number that no other has, in which they did an A, and where that was.
    """
    filled, a, b, who = 0, asked[rule, A], asked[rule, B], asked[rule, COLUMN]
    four_eyes = asked[rule, FIRST_KIND] > 0
    for suspect in range(len(suspects)):
        case = suspects[suspect]
        stamp = case * len(asked) + rule
        some_a, some_b, first, start = False, b < 0, NONE, filled
        known_a, known_b = some_a, some_b
        for turn in range(2):  # who did an A is known after the first
            for event in range(case_offsets[case], case_offsets[case + 1]):
                person, activity, other = people[who, event], activities[event], NONE
                is_a = member[a, activity] and (condition_of[a] < 0 or marks[condition_of[a], event])
                is_b = b >= 0 and member[b, activity]
                is_b = is_b and (condition_of[b] < 0 or marks[condition_of[b], event])
                some_a, some_b = some_a or is_a, some_b or is_b
                if person < 0:
                    continue
                known_a, known_b = known_a or is_a, known_b or is_b
                if turn == 0:
                    if is_a:
                        seen[0, person], seen[1, person] = stamp, event
                    if (is_a or is_b) and first < 0:
                        first = event
                elif four_eyes and is_b and seen[0, person] == stamp:
                    other = seen[1, person]
                elif not four_eyes and (is_a or is_b) and people[who, first] != person:
                    other = first
                if other >= 0:
                    rows[0, filled], rows[1, filled], rows[2, filled] = rule, case, event
                    rows[3, filled], rows[4, filled] = other, NONE
                    filled += 1
        if (known_a and known_b) or (some_a and some_b and filled > start):
            applicable[groups[case], rule] += 1
        else:
            filled = start
    reached[0] = filled


@kernel
def values_of(
    activities: NDArray[Any], case_offsets: NDArray[np.int64], member: Flags,
    condition_of: NDArray[np.int64], marks: Flags, asked: Grid, values: Numbers, groups: NDArray[np.int32],
    rule: int, suspects: NDArray[np.int64], applicable: Grid, rows: Grid, reached: NDArray[np.int64],
) -> None:  # fmt: skip
    """Write the events of A whose value is below the one before.

    Values that are not known are NaN, and passed by.
    """
    filled, a, column = 0, asked[rule, A], asked[rule, COLUMN]
    for suspect in range(len(suspects)):
        case, before, held = suspects[suspect], NONE, np.nan
        for event in range(case_offsets[case], case_offsets[case + 1]):
            value = values[column, event]
            if a >= 0 and not (
                member[a, activities[event]] and (condition_of[a] < 0 or marks[condition_of[a], event])
            ):
                continue
            if value < held:
                rows[0, filled], rows[1, filled], rows[2, filled] = rule, case, event
                rows[3, filled], rows[4, filled] = before, NONE
                filled += 1
            # no branches, which would be guessed wrong at every step
            known = not np.isnan(value)
            held = value if known else held
            before = event if known else before
        if before >= 0:
            applicable[groups[case], rule] += 1
    reached[0] = filled


@kernel
def skips_of(
    activities: NDArray[Any], case_offsets: NDArray[np.int64], member: Flags,
    condition_of: NDArray[np.int64], marks: Flags, asked: Grid, codes: NDArray[np.uint32],
    validity: NDArray[np.uint8], offset: int, ranks: NDArray[np.int16], groups: NDArray[np.int32],
    rule: int, suspects: NDArray[np.int64], applicable: Grid, rows: Grid, reached: NDArray[np.int64],
) -> None:  # fmt: skip
    """Write the events of A whose rank is more than one above the highest so far.

    `ranks` says the rank of each code, negative for none, and at its end that of an event that has no code;
    the bits of `validity`, if it has any, say from an offset on which have one.
    """
    filled, a, null, some = 0, asked[rule, A], np.uint32(len(ranks) - 1), len(validity) > 0
    for suspect in range(len(suspects)):
        case, before, held = suspects[suspect], NONE, np.int64(NONE)
        begin = case_offsets[case]
        own = codes[begin : case_offsets[case + 1]]
        for place in range(np.uint64(len(own))):  # unsigned, as any other index might count from the end
            code, event = own[place], begin + np.int64(place)
            if some:  # no branch on the bit, which would be guessed wrong
                bit = np.uint64(offset + event)
                code = code if validity[bit >> np.uint64(3)] >> (bit & np.uint64(7)) & np.uint64(1) else null
            rank = np.int64(ranks[code])
            if a >= 0 and not (
                member[a, activities[event]] and (condition_of[a] < 0 or marks[condition_of[a], event])
            ):
                continue
            if (rank > held + 1) & (before >= 0):
                rows[0, filled], rows[1, filled], rows[2, filled] = rule, case, event
                rows[3, filled], rows[4, filled] = before, NONE
                filled += 1
            # no branches, which would be guessed wrong at every step
            before = event if rank > held else before
            held = rank if rank > held else held
        if before >= 0:
            applicable[groups[case], rule] += 1
    reached[0] = filled
