"""Kaplan-Meier and Aalen-Johansen by their definitions, in fractions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

Case = tuple[int, int]
"""How long, and what ended it; -1 where it is censored."""


def at_risk(cases: Sequence[Case], time: int) -> int:
    """Cases that are seen that long."""
    return sum(own >= time for own, _ in cases)


def ended(cases: Sequence[Case], time: int, cause: int | None = None) -> int:
    """Cases that ended then."""
    return sum(own == time and what >= 0 and cause in (None, what) for own, what in cases)


def times(cases: Sequence[Case]) -> list[int]:
    """When one ended."""
    return sorted({time for time, cause in cases if cause >= 0})


def survival(cases: Sequence[Case], until: int) -> Fraction:
    """Share that has not ended until then, that instant included."""
    share = Fraction(1)
    for time in times(cases):
        if time <= until:
            share *= 1 - Fraction(ended(cases, time), at_risk(cases, time))
    return share


def incidence(cases: Sequence[Case], until: int, cause: int) -> Fraction:
    """Share that has ended by a cause until then."""
    share, left = Fraction(0), Fraction(1)
    for time in times(cases):
        if time <= until:
            share += left * Fraction(ended(cases, time, cause), at_risk(cases, time))
            left *= 1 - Fraction(ended(cases, time), at_risk(cases, time))
    return share


def percentile(cases: Sequence[Case], share: Fraction) -> int | None:
    """First time until which so large a share has ended."""
    return next((time for time in times(cases) if survival(cases, time) <= 1 - share), None)
