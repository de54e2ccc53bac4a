"""Who hands over to whom; a case is its list of (resource, activity, start, end), None where not known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations, pairwise

Event = tuple[int | None, int, int, int]


def count_handovers(case: Sequence[Event]) -> int:
    """How often the resource changes from one event to the next."""
    return len(write_handovers(case))


def write_handovers(case: Sequence[Event]) -> list[tuple[int, int, int, int, bool]]:
    """Giver, taker, when it begins to wait, how long, and whether it is given back next, of each handover."""
    found = []
    steps = list(pairwise(case))
    for at, (one, other) in enumerate(steps):
        if None in (one[0], other[0]) or one[0] == other[0]:
            continue
        later = [b[0] for a, b in steps[at + 1 :]]
        following = next((name for name in later if name != other[0]), None)
        found.append((one[0], other[0], one[3], max(other[2] - one[3], 0), following == one[0]))
    return found


def count_cases(
    cases: Sequence[Sequence[tuple[int, bool]]], units: Sequence[int]
) -> dict[int, tuple[int, int, int, int]]:
    """By rank: its cases, what is returned, the cases with that, and the units of its cases."""
    found = {}
    for rank in {rank for case in cases for rank, _ in case}:
        own = [[back for other, back in case if other == rank] for case in cases]
        total = sum(unit for unit, backs in zip(units, own, strict=True) if backs)
        found[rank] = sum(map(bool, own)), sum(map(sum, own)), sum(map(any, own)), total
    return found


def group_waits(pairs: Sequence[tuple[int, int]], count: int) -> list[list[int]]:
    """The waits of each rank, in their order."""
    return [[wait for other, wait in pairs if other == rank] for rank in range(count)]


def count_together(cases: Sequence[Sequence[Event]]) -> Counter[tuple[int, int]]:
    """The cases of each pair of resources, the smaller first, and of each resource with itself."""
    found: Counter[tuple[int, int]] = Counter()
    for case in cases:
        names = sorted({event[0] for event in case} - {None})
        found.update(combinations(names, 2))
        found.update((name, name) for name in names)
    return found


def count_activities(cases: Sequence[Sequence[Event]]) -> Counter[tuple[int, int]]:
    """The events of each resource with each activity."""
    return Counter((event[0], event[1]) for case in cases for event in case if event[0] is not None)


def count_workload(
    cases: Sequence[Sequence[Event]], bounds: Sequence[int]
) -> tuple[Counter[tuple[int, int]], Counter[tuple[int, int]]]:
    """The events of each resource in each period, and the cases in its hand at its end."""
    events: Counter[tuple[int, int]] = Counter()
    in_hand: Counter[tuple[int, int]] = Counter()
    for period, (begin, end) in enumerate(pairwise(bounds)):
        for case in cases:
            events.update((e[0], period) for e in case if begin <= e[3] < end and e[0] is not None)
            before = [e for e in case if e[3] < end]
            if before and len(before) < len(case) and before[-1][0] is not None:
                in_hand[before[-1][0], period] += 1
    return events, in_hand
