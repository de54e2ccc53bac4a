"""Conditions on the events of a case, which is its list of (activity, time) in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations, pairwise

Case = Sequence[tuple[object, int]]


def names(case: Case) -> list[object]:
    return [activity for activity, _ in case]


def occurs(case: Case, activity: object, least: int, most: int) -> bool:
    """Whether the activity occurs from `least` to `most` times; a negative `most` is no bound."""
    count = names(case).count(activity)
    return count >= least and (most < 0 or count <= most)


def repeats(case: Case, least: int) -> bool:
    """Whether any activity occurs at least so many times."""
    return max(Counter(names(case)).values()) >= least


def loops(case: Case, activity: object, least: int) -> bool:
    """Whether the activity, or any where it is None, directly follows itself at least so many times."""
    pairs = pairwise(names(case))
    return sum(a == b and activity in (None, a) for a, b in pairs) >= least


def follows_directly(case: Case, source: object, target: object, least: int, most: int) -> bool:
    """Whether the target is the event after a source, from `least` to `most` later."""
    return any(_pair(a, b, source, target, least, most) for a, b in pairwise(case))


def follows_eventually(case: Case, source: object, target: object, least: int, most: int) -> bool:
    """Whether a target comes after a source, from `least` to `most` later."""
    return any(_pair(a, b, source, target, least, most) for a, b in combinations(case, 2))


def _pair(a: tuple[object, int], b: tuple[object, int], source, target, least: int, most: int) -> bool:
    return a[0] == source and b[0] == target and least <= b[1] - a[1] <= most


def begins_with(case: Case, prefix: Sequence[object]) -> bool:
    """Whether the first events are these activities."""
    return names(case)[: len(prefix)] == list(prefix)


def any_marked(marks: Sequence[bool]) -> bool:
    """Whether an event of the case is marked."""
    return any(marks)
