"""Times from one milestone to another; a case is its list of (activity, time) in order."""

from __future__ import annotations

from collections.abc import Collection, Sequence

Case = Sequence[tuple[object, int]]
Pair = tuple[int | None, int | None]


def instants(case: Case, wanted: Collection[object], occurrence: str) -> int | None:
    """First or last time of a wanted activity."""
    times = [time for activity, time in case if activity in wanted]
    return None if not times else times[0] if occurrence == "first" else times[-1]


def next_targets(case: Case, sources: Collection[object], targets: Collection[object]) -> list[Pair]:
    """Each source with the next target after it."""
    return [
        (time, instants(case[place + 1 :], targets, "first"))
        for place, (activity, time) in enumerate(case)
        if activity in sources
    ]


def between(source: int | None, target: int | None) -> tuple[str, int | None]:
    """What became of a pair, and the time between where it arrived."""
    if source is None:
        return "absent", None
    if target is None:
        return "missed", None
    return ("reversed", None) if target < source else ("arrived", target - source)


def pairs(case: Case, source: tuple[Collection[object], str], target: tuple[Collection[object], str]):
    """The pairs of a case between two ends, each (activities, occurrence)."""
    if source[1] == "every":
        return next_targets(case, source[0], target[0])
    return [(instants(case, *source), instants(case, *target))]
