"""Directly-follows pairs of activities, case by case; a case is its list of (activity, time)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

from naive.percentiles import percentile

Cases = Mapping[str, Sequence[tuple[str, int]]]


def count_activities(cases: Cases) -> dict[str, list[int]]:
    """Events, cases, starts and ends of each activity."""
    counts: dict[str, list[int]] = {}
    for events in cases.values():
        for activity, _ in events:
            counts.setdefault(activity, [0, 0, 0, 0])[0] += 1
        for activity in {activity for activity, _ in events}:
            counts[activity][1] += 1
        counts[events[0][0]][2] += 1
        counts[events[-1][0]][3] += 1
    return counts


def gather_durations(cases: Cases) -> dict[tuple[str, str], list[int]]:
    """Times from one activity to the next, by pair, case after case."""
    found: dict[tuple[str, str], list[int]] = {}
    for events in cases.values():
        for (source, begin), (target, end) in pairwise(events):
            found.setdefault((source, target), []).append(end - begin)
    return found


def count_pairs(cases: Cases) -> dict[tuple[str, str], tuple[int, int]]:
    """How often each pair occurs, and in how many cases."""
    each = [gather_durations({"": events}) for events in cases.values()]
    pairs = {pair for found in each for pair in found}
    return {
        pair: (sum(len(found.get(pair, ())) for found in each), sum(pair in found for found in each))
        for pair in pairs
    }


def edges(cases: Cases) -> list[dict[str, object]]:
    """The rows of the edge table, in its order."""
    counts = count_pairs(cases)
    rows = []
    for (source, target), times in gather_durations(cases).items():
        count, in_cases = counts[source, target]
        rows.append(
            {"source": source, "target": target, "count": count, "cases": in_cases}
            | {"mean_s": float(Fraction(sum(times), count * 10**6)), "median_s": percentile(times, 50)}
            | {"min_s": min(times) / 1e6, "max_s": max(times) / 1e6}
            | {"sum_s": float(Fraction(sum(times), 10**6)), "stdev_s": stdev(times)}
            | {f"p{q}_s": percentile(times, q) for q in (50, 90, 95, 99)}
        )
    return sorted(rows, key=lambda row: (-row["count"], row["source"].encode(), row["target"].encode()))


def stdev(times: Sequence[int]) -> float | None:
    """Sample standard deviation in seconds, from the exact variance; None for one occurrence."""
    if len(times) < 2:
        return None
    mean = Fraction(sum(times), len(times))
    return math.sqrt(sum((time - mean) ** 2 for time in times) / (len(times) - 1)) / 1e6
