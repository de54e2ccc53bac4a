"""Running an automaton over sequences, a step at a time."""

from __future__ import annotations

from collections.abc import Sequence

HERE, AT_LAST = 1, 2


def match_sequences(
    table: Sequence[Sequence[int]], flags: Sequence[int], start: int, sequences: Sequence[Sequence[int]]
) -> list[bool]:
    """Whether the state after the last class of each sequence has a flag."""
    found = []
    for sequence in sequences:
        state = start
        for number in sequence:
            state = table[state][number]
        found.append(flags[state] != 0)
    return found


def flagged_gaps(
    table: Sequence[Sequence[int]], flags: Sequence[int], state: int, sequence: Sequence[int]
) -> list[int]:
    """After how many classes there is a match."""
    found = []
    for gap in range(len(sequence) + 1):
        if flags[state] & HERE or (gap == len(sequence) and flags[state] & AT_LAST):
            found.append(gap)
        if gap < len(sequence):
            state = table[state][sequence[gap]]
    return found
