"""When a case reaches the steps of a funnel; a case is its list of (activity, time)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def funnel_steps(
    case: Sequence[tuple[int, int]], steps: Sequence[set[int]], latest: Sequence[bool],
    outcomes: Mapping[int, int], until: int, strict: bool,
) -> tuple[list[int | None], list[int], int | None]:  # fmt: skip
    """Time of each step and how often it happens, and when the case is lost."""
    happened: list[list[int]] = [[] for _ in steps]
    lost = None
    for activity, time in case:
        if time > until:
            continue
        reached = sum(1 for own in happened if own)
        hit = [k for k, own in enumerate(steps) if activity in own and (not strict or k <= reached)]
        for step in hit:
            happened[step].append(time)
        if outcomes.get(activity) == 1:
            lost = time
        elif hit or outcomes.get(activity) == -1:
            lost = None
    times = [own[-1 if last else 0] if own else None for own, last in zip(happened, latest, strict=True)]
    return times, [len(own) for own in happened], lost
