"""From when on a log can tell its activities: histories of a CRM are kept for a while only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.milestones import NEVER, wanted_activities
from dealtrace_engine.filters.values import moment, moment_us
from dealtrace_engine.log import EventLog


def horizons(log: EventLog) -> NDArray[np.int64] | None:
    """Return before which instant a log cannot tell each activity, shape (activities,); None without any.

    What happened before it left no event, so that a case that is older and lacks the activity may have had
    it. See `Coverage.horizons`.

    Parameters
    ----------
    log : EventLog

    Returns
    -------
    ndarray of int64, shape (activities,), or None
        Microseconds since 1970-01-01 UTC; `NEVER`, which is before all instants, where it can always tell it.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> horizons(from_arrow(pa.table({"case": ["1"], "activity": ["a"], "time": ["2024-01-01"]})))
    """
    coverage = log.origin.coverage
    if coverage is None or not coverage.horizons:
        return None
    found = np.full(len(log.activities), NEVER, dtype=np.int64)
    for activity, instant in coverage.horizons.items():
        found[wanted_activities(log, activity, missing=True)] = moment_us(moment(instant, "a horizon"))
    return found


def known_since(log: EventLog, marks: NDArray[np.bool_]) -> int:
    """Return the instant since which a log can tell all of some activities; `NEVER` where it always can.

    Parameters
    ----------
    log : EventLog
    marks : ndarray of bool, shape (activities,)
        Which of its activities.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"], "activity": ["a"], "time": ["2024-01-01"]}))
    >>> known_since(log, np.array([True])) == NEVER
    True
    """
    found = horizons(log)
    return NEVER if found is None else int(found[marks].max(initial=NEVER))
