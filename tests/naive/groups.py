"""Values in groups."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def copy_groups(groups: Sequence[Sequence[int]], chosen: Sequence[int]) -> list[int]:
    """The values of the chosen groups, one after the other."""
    return [value for group in chosen for value in groups[group]]


def mark_codes(codes: Sequence[int], width: int) -> list[int]:
    """Whether each of the codes below `width` occurs."""
    return [int(code in codes) for code in range(width)]


def first_to_last(groups: Sequence[Sequence[int]]) -> list[int]:
    """Last minus first value of each group, 0 for an empty one."""
    return [group[-1] - group[0] if group else 0 for group in groups]


def count_ties(cases: Sequence[Sequence[tuple[int, int]]]) -> tuple[int, int]:
    """Of cases of (activity, time): events at the time of the one before, and repeats of an earlier one."""
    ties = sum(later[1] == event[1] for events in cases for event, later in pairwise(events))
    return ties, sum(len(events) - len(set(events)) for events in cases)


def ranked(groups: Sequence[Sequence[int]], ranks: Sequence[Sequence[int]]) -> list[list[int]]:
    """The values at the ranks of each group in ascending order, zeros for an empty one."""
    return [
        [ordered[rank] for rank in own] if ordered else [0] * len(own)
        for ordered, own in zip(map(sorted, groups), ranks, strict=True)
    ]
