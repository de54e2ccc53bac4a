"""Sums and sums of squares, in Python's integers."""

from __future__ import annotations

from collections.abc import Sequence


def exact_moments(groups: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """The sum and the sum of squares of each group."""
    return [(sum(group), sum(value * value for value in group)) for group in groups]
