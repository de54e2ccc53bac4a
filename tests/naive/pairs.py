"""Pairs of neighbouring codes in groups of (code, time)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

Group = Sequence[tuple[int, int]]
Pair = tuple[int, int]


def count_neighbours(groups: Sequence[Group]) -> tuple[dict[Pair, int], dict[int, tuple[int, int]]]:
    """How often each pair occurs; groups that start and that end with each code."""
    codes = [[code for code, _ in group] for group in groups if group]
    pairs = Counter(pair for own in codes for pair in pairwise(own))
    starts, ends = Counter(own[0] for own in codes), Counter(own[-1] for own in codes)
    return dict(pairs), {code: (starts[code], ends[code]) for code in starts | ends}


def count_groups(groups: Sequence[Group]) -> dict[int, int]:
    """Groups with each code."""
    return dict(Counter(code for group in groups for code in {code for code, _ in group}))


def times_between(groups: Sequence[Group]) -> dict[Pair, tuple[list[int], int]]:
    """Times between neighbours, group after group, and the groups with each pair."""
    times: dict[Pair, list[int]] = {}
    inside: dict[Pair, set[int]] = {}
    for number, group in enumerate(groups):
        for (source, begin), (target, end) in pairwise(group):
            times.setdefault((source, target), []).append(end - begin)
            inside.setdefault((source, target), set()).add(number)
    return {pair: (own, len(inside[pair])) for pair, own in times.items()}
