"""The order of events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """A row of a source; None where it has no case, no activity, no time or no order."""

    case: str | None
    activity: str | None
    nanoseconds: int | None
    order: int | None = None


def sorted_events(rows: Sequence[Row]) -> dict[str, list[tuple[str, int, int]]]:
    """(activity, microseconds, row) of each case by time, order and row; cases by first appearance."""
    cases: dict[str, list[tuple[tuple[int, bool, int, int], tuple[str, int, int]]]] = {}
    for number, (case, activity, time, order) in enumerate(rows):
        if case and activity and time is not None:
            key = (time, order is None, order or 0, number)
            cases.setdefault(case, []).append((key, (activity, time // 1000, number)))
    return {case: [event for _, event in sorted(events)] for case, events in cases.items()}


def scatter(keys: Sequence[int], groups: int) -> list[list[int]]:
    """The positions of each key from 0, in order; negative keys are left out."""
    found: list[list[int]] = [[] for _ in range(groups)]
    for position, key in enumerate(keys):
        if key >= 0:
            found[key].append(position)
    return found
