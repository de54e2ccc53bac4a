"""When cases begin, and when people work. Times are seconds since `EPOCH_S`."""

from __future__ import annotations

from datetime import date

import numpy as np

from dealtrace_engine.synthetic.dice import Ints
from dealtrace_engine.synthetic.steps import DAY, HOUR

EPOCH = date(2024, 1, 1)
"""A Monday."""
EPOCH_DAY = (EPOCH - date(1970, 1, 1)).days
EPOCH_S = EPOCH_DAY * DAY
EXPORTED = date(2026, 1, 1)
EXPORT_S = (EXPORTED - EPOCH).days * DAY
"""The log ends here; what would have come later is not in it."""
BILLING_AUTOMATED = date(2025, 2, 3)
BILLING_AUTOMATED_S = (BILLING_AUTOMATED - EPOCH).days * DAY

OPENS, CLOSES = 8 * HOUR, 18 * HOUR

_MONTH_WEIGHTS = (
    80, 84, 92, 86, 88, 94, 78, 62, 98, 102, 100, 74,
    96, 100, 110, 104, 104, 112, 92, 74, 116, 120, 118, 88,
)  # fmt: skip
"""Growth over two years, with quiet summers and Decembers."""
_MONTH_STARTS = np.array(
    [(date(2024 + month // 12, month % 12 + 1, 1) - EPOCH).days * DAY for month in range(24)] + [EXPORT_S],
    np.int64,
)
_CUMULATED = np.concatenate(([0], np.cumsum(np.array(_MONTH_WEIGHTS, np.int64))))
_FINE = 20


def start_times(index: Ints, fraction: Ints, of: int) -> Ints:
    """Return when the cases numbered `index` of `of` begin; a later case never begins a slice earlier.

    `fraction`, below 2**20, says where in its slice of the calendar a case begins.
    """
    place = ((index << _FINE) + fraction) * int(_CUMULATED[-1]) // of
    month = np.searchsorted(_CUMULATED << _FINE, place, side="right") - 1
    length = _MONTH_STARTS[month + 1] - _MONTH_STARTS[month]
    into = place - (_CUMULATED[month] << _FINE)
    per_weight = _CUMULATED[month + 1] - _CUMULATED[month]
    return np.asarray(_MONTH_STARTS[month] + into * length // (per_weight << _FINE), np.int64)


def working_time(times: Ints, utc_offset: Ints) -> Ints:
    """Move times outside of Monday to Friday, 8 to 18 local time, forward into the next working hours."""
    local = times + utc_offset
    day, second = local // DAY, local % DAY
    day += second >= CLOSES
    weekday = day % 7
    day += np.where(weekday > 4, 7 - weekday, 0)
    outside = (second < OPENS) | (second >= CLOSES)
    second = np.where(outside, OPENS + second % (CLOSES - OPENS), second)
    return np.asarray(day * DAY + second - utc_offset, np.int64)
