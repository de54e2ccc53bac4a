"""Events that are marked, and the columns of those that are kept; a case is its list of (activity, time)."""

from __future__ import annotations

from collections.abc import Sequence

Case = Sequence[tuple[object, int]]


def mark_cases(cases: Sequence[Case], keep: Sequence[bool]) -> list[bool]:
    """All events of the cases to keep."""
    return [kept for case, kept in zip(cases, keep, strict=True) for _ in case]


def mark_between(case: Case, source: object, target: object, to_next: bool) -> list[bool]:
    """The events from the first source to the last target after it, or the next."""
    names = [activity for activity, _ in case]
    if source not in names:
        return [False] * len(case)
    begin = names.index(source)
    ends = [place for place, name in enumerate(names) if name == target and place > begin]
    end = (ends[0] if to_next else ends[-1]) if ends else -1
    return [begin <= place <= end for place in range(len(case))]


def count_marked(marks: Sequence[Sequence[bool]]) -> list[int]:
    """How many events of each case are marked."""
    return [sum(own) for own in marks]


def renumber(codes: Sequence[int], numbers: Sequence[int]) -> list[int]:
    """The new number of each code."""
    return [numbers[code] for code in codes]


def gather_marked(
    cases: Sequence[Case], marks: Sequence[Sequence[bool]], chosen: Sequence[int]
) -> list[tuple[object, int]]:
    """The marked events of the chosen cases, one after the other."""
    return [event for case in chosen for event, kept in zip(cases[case], marks[case], strict=True) if kept]
