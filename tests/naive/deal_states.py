"""Plain twins: what is known of a deal at an instant, from a list of (activity, microseconds)."""

from __future__ import annotations

from itertools import pairwise


def state_at(case, cut, way, won, lost, reopened):
    """Outcome ("open", "won", "lost" or "later"), the furthest milestone and since when."""
    seen = [(activity, time) for activity, time in case if time <= cut]
    if not seen:
        return "later", None, None
    closed = None
    for activity, time in seen:
        if activity in reopened:
            closed = None
        elif activity in (*won, *lost) and closed is None:
            closed = ("won" if activity in won else "lost", time)
    before = [(a, t) for a, t in seen if closed is None or t < closed[1]]
    firsts = {}
    for activity, time in before:
        firsts.setdefault(activity, time)
    reached = [(way.index(activity), time) for activity, time in firsts.items() if activity in way]
    outcome = "open" if closed is None else closed[0]
    if not reached:
        return outcome, -1, case[0][1]
    return outcome, *max(reached)


def visits(case, cut, way, won, lost, reopened):
    """Stays as (state, microseconds, exit): -1 is the beginning; exits are states, "won", "lost" or None."""
    outcome, _, _ = state_at(case, cut, way, won, lost, reopened)
    if outcome == "later":
        return []
    seen = [(activity, time) for activity, time in case if time <= cut]
    closed_at = None
    for activity, time in seen:
        if activity in reopened:
            closed_at = None
        elif activity in (*won, *lost) and closed_at is None:
            closed_at = time
    end = cut if closed_at is None else closed_at
    rises = [(-1, case[0][1])]
    for activity, time in sorted(seen, key=lambda event: event[1]):
        if time < end and activity in way and way.index(activity) > rises[-1][0]:
            rises.append((way.index(activity), time))
    exits = [*rises, (None if closed_at is None else outcome, end)]
    return [(a, until - since, b) for (a, since), (b, until) in pairwise(exits) if until > since]
