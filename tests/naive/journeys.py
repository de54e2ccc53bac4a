"""Paths of cases; a case is its list of activities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

Paths = Sequence[tuple[int, Sequence[int]]]
"""Group and path of each case; a group below zero does not count."""


def mark_without_loops(case: Sequence[int], longest: int) -> list[bool]:
    """Which events are left when every repeated block is taken once."""
    left: list[int] = []
    for place in range(len(case)):
        left.append(place)
        names = [case[at] for at in left]
        for length in range(1, longest + 1):
            if 2 * length <= len(names) and names[-length:] == names[-2 * length : -length]:
                del left[-length:]
                break
    return [place in left for place in range(len(case))]


def decide(case: Sequence[int], meanings: Mapping[int, int]) -> tuple[int, int]:
    """Outcome by the last event that decides, and the place of that event."""
    for place, activity in reversed(list(enumerate(case))):
        if activity in meanings:
            return meanings[activity], place if meanings[activity] >= 0 else len(case)
    return -1, len(case)


def count_steps(paths: Paths) -> tuple[Counter[tuple[int, ...]], ...]:
    """Cases by (group, step), by (group, step) of those that repeat it, and by (group, earlier, later)."""
    with_step, with_repeat, in_order = Counter(), Counter(), Counter()
    for group, path in paths:
        if group < 0:
            continue
        for step in set(path):
            with_step[group, step] += 1
            with_repeat[group, step] += path.count(step) > 1
            for other in set(path) - {step}:
                in_order[group, step, other] += path.index(step) < path.index(other)
    return +with_step, +with_repeat, +in_order


def count_map(paths: Paths) -> tuple[Counter[tuple[int, ...]], Counter[tuple[int, ...]]]:
    """Occurrences and cases by (group, source, target); None is the start and the end."""
    counts, cases = Counter(), Counter()
    for group, path in paths:
        if group < 0 or not path:
            continue
        edges = list(pairwise([None, *path, None]))
        counts.update((group, *edge) for edge in edges)
        cases.update((group, *edge) for edge in set(edges))
    return counts, cases
