"""Times from the first to the last event, and order within groups of durations."""

from __future__ import annotations

from collections.abc import Sequence


def throughput_times(cases: Sequence[Sequence[int]]) -> list[int]:
    """Last minus first timestamp of each case."""
    return [max(times) - min(times) for times in cases]


def sort_small_groups(groups: Sequence[Sequence[int]], largest: int) -> list[list[int]]:
    """Each group sorted, if it has at most `largest` members."""
    return [sorted(group) if len(group) <= largest else list(group) for group in groups]
