"""Plain twins of what changes do to the times of a case; a case is a list of (activity, microseconds)."""

from __future__ import annotations


def pairs(case, sources, targets):
    """Positions of each source and of the target that follows it before another source or target."""
    found, opened = [], None
    for position, (activity, _) in enumerate(case):
        if activity in targets and opened is not None:
            found.append((opened, position))
        if activity in sources:
            opened = position
        elif activity in targets:
            opened = None
    return found


def shortened(case, begin, end, saved):
    """All events from `end` on come earlier; what lies in between comes at the latest with it."""
    times = [time for _, time in case]
    moved = [*times[:end], *(time - saved for time in times[end:])]
    moved[begin + 1 : end] = [min(time, moved[end]) for time in moved[begin + 1 : end]]
    return [(activity, time) for (activity, _), time in zip(case, moved, strict=True)]


def capped(case, sources, targets, most):
    """The case, no time from a source to its target longer than `most`."""
    for begin, end in pairs(case, sources, targets):
        case = shortened(case, begin, end, max(case[end][1] - case[begin][1] - most, 0))
    return case


def removed(case, activities):
    """The case without the time that led to each event of some activities."""
    gaps = {max(position, 1) for position, (activity, _) in enumerate(case) if activity in activities}
    for end in sorted(gap for gap in gaps if gap < len(case)):
        case = shortened(case, end - 1, end, case[end][1] - case[end - 1][1])
    return case
