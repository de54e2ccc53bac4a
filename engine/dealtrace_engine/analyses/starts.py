"""When activities started."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.buffers import view
from dealtrace_engine.log import EventLog
from dealtrace_engine.quality import Finding


@dataclass(frozen=True, eq=False)
class Starts:
    """When activities started.

    Attributes
    ----------
    microseconds : ndarray of int64, shape (events,)
        The time of the event itself where it is not known.
    known : ndarray of bool, shape (events,), or None
        None where the log has no start timestamps.
    findings : list of Finding
    """

    microseconds: NDArray[np.int64]
    known: NDArray[np.bool_] | None
    findings: list[Finding]


def starts_of(log: EventLog) -> Starts:
    """Return when activities started; a start after its end is not taken for known.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"], "activity": ["a"], "time": ["2024-01-01"]}))
    >>> starts_of(log).known is None
    True
    """
    if not log.has_start_timestamps:
        return Starts(log.timestamps, None, [])
    given = log.start_timestamps
    there, starts = np.asarray(given.is_valid()), view(given.fill_null(0))
    late = there & (starts > log.timestamps)
    findings = [_finding("no start timestamp", ~there), _finding("start timestamp after the end", late)]
    known = there & ~late
    return Starts(np.where(known, starts, log.timestamps), known, [each for each in findings if each.count])


def _finding(reason: str, marks: NDArray[np.bool_]) -> Finding:
    finding = Finding(reason)
    finding.add(int(marks.sum()), [])
    return finding
