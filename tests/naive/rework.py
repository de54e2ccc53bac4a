"""What is done again; a case is its list of (activity, time, resource, stage), None where not known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

Case = Sequence[tuple[int, int, int | None, int | None]]
KINDS = 7


class Again(NamedTuple):
    """An event whose activity is there before: its place, kind, time since the one before and the first."""

    place: int
    kind: int
    gap: int
    span: int


def repetitions(case: Case) -> tuple[list[Again], list[tuple[int, int]], int]:
    """What is done again, the returns to a stage (place, time since it was left), and the time under way."""
    found, spans = [], []
    for place, (activity, time, resource, _) in enumerate(case):
        earlier = [at for at in range(place) if case[at][0] == activity]
        if not earlier:
            continue
        loop = earlier[-1] == place - 1
        other = case[earlier[-1] if loop else earlier[0]][2]
        who = doer(resource, other)
        gap, span = time - case[earlier[-1]][1], time - case[earlier[0]][1]
        found.append(Again(place, who if loop else 3 + who, gap, span))
        spans.append((earlier[0], place))
    return found, _returns(case), time_under_way([event[1] for event in case], spans)


def doer(one: object, other: object) -> int:
    """Whether it is the same resource: 0, another one: 1, or not known: 2."""
    return 2 if one is None or other is None else int(one != other)


def time_under_way(times: Sequence[int], spans: Sequence[tuple[int, int]]) -> int:
    """How long anything is between the two events of a span, given by their places."""
    steps = enumerate(pairwise(times))
    return sum(end - begin for at, (begin, end) in steps if any(one <= at < other for one, other in spans))


def _returns(case: Case) -> list[tuple[int, int]]:
    known = [(place, time, stage) for place, (_, time, _, stage) in enumerate(case) if stage is not None]
    visits = [known[n] for n in range(len(known)) if n == 0 or known[n][2] != known[n - 1][2]]
    found = []
    for number, (place, time, stage) in enumerate(visits):
        before = [n for n in range(number) if visits[n][2] == stage]
        if before:
            found.append((place, time - visits[before[-1] + 1][1]))
    return found


def tally(cases: Sequence[Case], activity: int) -> list[int]:
    """Events, cases, cases in which it is done again, the six kinds, and returns to a stage, of an
    activity."""
    events = sum(event[0] == activity for case in cases for event in case)
    having = sum(any(event[0] == activity for event in case) for case in cases)
    kinds, again, returns = Counter[int](), 0, 0
    for case in cases:
        found, stages, _ = repetitions(case)
        own = [each.kind for each in found if case[each.place][0] == activity]
        kinds.update(own)
        again += bool(own)
        returns += sum(case[place][0] == activity for place, _ in stages)
    return [events, having, again, *(kinds[kind] for kind in range(6)), returns]


def marked(
    cases: Sequence[Sequence[tuple[int, int]]], mask: int, cells: Sequence[int], width: int
) -> list[list[int]]:
    """The events (activity, marks) with any of some marks: their place in the log, case and row."""
    events = [(number, *event) for number, case in enumerate(cases) for event in case]
    return [
        [place, case, cells[case] * width + activity]
        for place, (case, activity, marks) in enumerate(events)
        if marks & mask
    ]
