"""Percentiles by their definition: linear interpolation between the two nearest ranks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction


def exact_percentile(values: Sequence[int], percentile: float) -> Fraction:
    """Hyndman and Fan's definition 7, without rounding."""
    ranked = sorted(values)
    rank = (len(ranked) - 1) * Fraction(percentile) / 100
    low = math.floor(rank)
    high = min(low + 1, len(ranked) - 1)
    return ranked[low] + (ranked[high] - ranked[low]) * (rank - low)


def percentile(microseconds: Sequence[int], percentile: float) -> float:
    """In seconds, with the roundings of numpy's linear percentiles."""
    seconds = [value / 1e6 for value in sorted(microseconds)]
    rank = (len(seconds) - 1) * (percentile / 100)
    low = math.floor(rank)
    below, above = seconds[low], seconds[min(low + 1, len(seconds) - 1)]
    share = rank - low
    return above - (above - below) * (1 - share) if share >= 0.5 else below + (above - below) * share
