"""Durations as people say them."""

from __future__ import annotations

import math

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
YEAR = 365.25 * DAY


def readable(seconds: float | None) -> str:
    """Return a duration in the unit that suits it, with two or three significant digits.

    Parameters
    ----------
    seconds : float or None
        None and NaN become a dash.

    Examples
    --------
    >>> [readable(s) for s in (0, 0.25, 59, 90, 7200, 200_000, 9e7, None)]
    ['0 s', '250 ms', '59 s', '1.5 min', '2 h', '2.3 d', '2.9 y', '-']
    """
    if seconds is None or not math.isfinite(seconds):
        return "-"
    if seconds < 0:
        return f"-{readable(-seconds)}"
    if 0 < seconds < 1:
        return f"{_digits(seconds * 1000)} ms"
    for unit, length, below in (
        ("s", 1, MINUTE),
        ("min", MINUTE, HOUR),
        ("h", HOUR, 2 * DAY),
        ("d", DAY, 2 * YEAR),
    ):
        if seconds < below:
            return f"{_digits(seconds / length)} {unit}"
    return f"{_digits(seconds / YEAR)} y"


def _digits(number: float) -> str:
    return f"{number:,.0f}" if number >= 20 else f"{number:.1f}".removesuffix(".0")
