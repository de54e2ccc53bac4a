"""Equal timestamps within a case."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def count_ties(cases: Sequence[Sequence[tuple[int, int]]]) -> tuple[int, int]:
    """Of cases of (activity, time): events at the time of the one before, and repeats of an earlier one."""
    ties = sum(later[1] == event[1] for events in cases for event, later in pairwise(events))
    return ties, sum(len(events) - len(set(events)) for events in cases)
