"""Waits by pair of activities, and what is open; a case is its list of (activity, time, start)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np

Case = Sequence[tuple[str, int, int]]
DAY = 86_400 * 10**6


def waits(cases: Mapping[str, Case]) -> dict[tuple[str, str], list[tuple[str, int]]]:
    """The case and microseconds of every wait of each pair of activities."""
    found: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for name, case in cases.items():
        for (source, before, _), (target, _, start) in pairwise(case):
            found.setdefault((source, target), []).append((name, max(start - before, 0)))
    return found


def row(own: Sequence[tuple[str, int]], amounts: Mapping[str, Fraction]) -> dict[str, object]:
    """The figures of a pair."""
    times = [time for _, time in own]
    return {
        "count": len(own),
        "cases": len({case for case, _ in own}),
        "total_s": sum(times) / 10**6,
        "mean_s": sum(times) / (len(times) * 10**6),
        "p50_s": float(np.percentile(np.array(times) / 1e6, 50)),
        "p90_s": float(np.percentile(np.array(times) / 1e6, 90)),
        "cash_days": float(sum(amounts[case] * time for case, time in own) / DAY),
    }


def open_at(spans: Sequence[tuple[int, int | None]], instant: int) -> int:
    """How many spans have begun before an instant and not ended before it."""
    return sum(begin < instant and (end is None or end >= instant) for begin, end in spans)
