"""Since when a log can tell its activities: histories of a CRM are kept for a while only."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.milestones import NEVER
from dealtrace_engine.filters.values import moment, moment_us
from dealtrace_engine.log import EventLog
from dealtrace_engine.sources.meanings import activity_of_label


def known_since(log: EventLog, activities: Iterable[str]) -> int:
    """Return the instant since which a log can tell all of some activities; `NEVER` where it always can.

    What happened before it left no event, so that a case that is older and lacks the activity may have had
    it. See `Coverage.horizons`.

    Parameters
    ----------
    log : EventLog
    activities : iterable of str
        As the log names them, or canonical ids; also those that only the log it was filtered from has.

    Returns
    -------
    int
        Microseconds since 1970-01-01 UTC.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"], "activity": ["a"], "time": ["2024-01-01"]}))
    >>> known_since(log, ["a"]) == NEVER
    True
    """
    coverage = log.origin.coverage
    if coverage is None or not coverage.horizons:
        return NEVER
    meant = {_meaning(name) for name in activities}
    own = [instant for name, instant in coverage.horizons.items() if _meaning(name) in meant]
    return max((moment_us(moment(instant, "a horizon")) for instant in own), default=NEVER)


def older_cases(log: EventLog, activities: Iterable[str]) -> NDArray[np.bool_] | None:
    """Return which cases begin before a log can tell all of some activities; None where it always can.

    Parameters
    ----------
    log : EventLog
    activities : iterable of str
        See `known_since`.

    Returns
    -------
    ndarray of bool, shape (cases,), or None

    Examples
    --------
    >>> from dataclasses import replace
    >>> import pyarrow as pa
    >>> from dealtrace_engine.coverage import Coverage
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "2"], "activity": ["a", "a"],
    ...                            "time": ["2024-01-01", "2024-01-03"]}))
    >>> known = Coverage("salesforce", "csv", horizons={"a": "2024-01-02"})
    >>> older_cases(replace(log, origin=replace(log.origin, coverage=known)), ["a"]).tolist()
    [True, False]
    """
    since = known_since(log, activities)
    return None if since == NEVER else log.timestamps[log.case_offsets[:-1]] < since


def _meaning(name: str) -> str:
    return activity_of_label(name).activity or name
