"""Sums over the cases that show a pattern; a case is its list of (activity, resource), cut at its end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

Case = Sequence[tuple[int, int]]
Sums = list[int]


def first_marked(case: Case, marked: Collection[int]) -> int:
    """How many events come before the first whose activity is marked."""
    return next((place for place, (activity, _) in enumerate(case) if activity in marked), len(case))


def _sums(cases: Sequence[Case], scores: Sequence[int], holds: Callable[[Case], bool]) -> Sums:
    kept = [score for case, score in zip(cases, scores, strict=True) if score >= 0 and holds(case)]
    return [len(kept), sum(kept), sum(score * score for score in kept)]


def _names(case: Case) -> list[int]:
    return [activity for activity, _ in case]


def pattern_sums(
    cases: Sequence[Case], scores: Sequence[int], size: int
) -> tuple[list[Sums], list[Sums], list[list[Sums]]]:
    """Sums of those that did and repeated each activity, and did one before the other."""

    def before(one: int, other: int, case: Case) -> bool:
        names = _names(case)
        return one != other and one in names and other in names and names.index(one) < names.index(other)

    did = [_sums(cases, scores, lambda case, a=a: a in _names(case)) for a in range(size)]
    repeated = [_sums(cases, scores, lambda case, a=a: _names(case).count(a) > 1) for a in range(size)]
    return did, repeated, [
        [_sums(cases, scores, lambda case, a=a, b=b: before(a, b, case)) for b in range(size)]
        for a in range(size)
    ]  # fmt: skip


def handled_sums(cases: Sequence[Case], scores: Sequence[int], size: int, people: int) -> list[list[Sums]]:
    """Sums of those in which a resource did an activity."""
    return [
        [_sums(cases, scores, lambda case, a=a, r=r: (a, r) in case) for r in range(people)]
        for a in range(size)
    ]


def shows(case: Case, kind: int, one: int, other: int) -> int:
    """Whether the case shows the pattern: 1 yes, 0 no, -1 it could not."""
    names = _names(case)
    if kind == 0:
        return int(one in names)
    if one not in names or (kind == 2 and (other not in names or one == other)):
        return -1
    if kind == 1:
        return int(names.count(one) > 1)
    if kind == 2:
        return int(names.index(one) < names.index(other))
    return int((one, other) in case)
