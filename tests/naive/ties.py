"""Equal timestamps within a case."""

from __future__ import annotations

from collections.abc import Sequence


def count_ties(cases: Sequence[Sequence[tuple[int, int]]]) -> tuple[int, int]:
    """Of cases of (activity, time): events at the time of the event before, and repeats of an earlier event."""
    ties = sum(
        later[1] == event[1] for events in cases for event, later in zip(events, events[1:], strict=False)
    )
    return ties, sum(len(events) - len(set(events)) for events in cases)
