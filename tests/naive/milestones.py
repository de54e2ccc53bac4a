"""When a case has activities; a case is its list of (activity, time)."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def first_and_last(
    case: Sequence[tuple[object, int]], wanted: Collection[object]
) -> tuple[int | None, int | None, int]:
    """First and last time of a wanted activity, and how often there is one."""
    times = [time for activity, time in case if activity in wanted]
    return (times[0], times[-1], len(times)) if times else (None, None, 0)
