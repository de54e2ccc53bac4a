"""Values in groups."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def first_to_last(groups: Sequence[Sequence[int]]) -> list[int]:
    """Last minus first value of each group, 0 for an empty one."""
    return [group[-1] - group[0] if group else 0 for group in groups]


def sort_small_groups(groups: Sequence[Sequence[int]], largest: int) -> list[list[int]]:
    """Each group sorted, if it has at most `largest` members."""
    return [sorted(group) if len(group) <= largest else list(group) for group in groups]


def count_ties(cases: Sequence[Sequence[tuple[int, int]]]) -> tuple[int, int]:
    """Of cases of (activity, time): events at the time of the one before, and repeats of an earlier one."""
    ties = sum(later[1] == event[1] for events in cases for event, later in pairwise(events))
    return ties, sum(len(events) - len(set(events)) for events in cases)


def ranked(values: Sequence[int], ranks: Sequence[int]) -> list[int]:
    """The values at ranks, in ascending order."""
    ordered = sorted(values)
    return [ordered[rank] for rank in ranks]
