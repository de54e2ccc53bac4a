"""How long cases have been seen on their way, what ended it, and which are still open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.milestones import NEVER
from dealtrace_engine.analyses.segment_ends import Segment, SegmentEnd
from dealtrace_engine.analyses.segment_pairs import pairs_of_segments
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress

OPEN = -1
Cohort = Literal["created month", "created quarter", "closed month", "closed quarter"]
COHORTS = ("created month", "created quarter", "closed month", "closed quarter")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class Observed:
    """What was seen of each case between a source and its targets.

    Attributes
    ----------
    sources, ends : ndarray of int64, shape (cases,)
        Microseconds since 1970-01-01 UTC: when it began, and when it ended or was last seen. `NEVER` where it
        is not observed.
    causes : ndarray of int64, shape (cases,)
        Which target ended it; `OPEN` where none did.
    counted, reversed, without_source, later : ndarray of bool, shape (cases,)
        Cases that are observed; whose targets all come before the source; that have a target but no source;
        and that begin after the last instant that is looked at.
    """

    sources: NDArray[np.int64]
    ends: NDArray[np.int64]
    causes: NDArray[np.int64]
    counted: NDArray[np.bool_]
    reversed: NDArray[np.bool_]
    without_source: NDArray[np.bool_]
    later: NDArray[np.bool_]


def targets_of(target: Any) -> dict[str, SegmentEnd]:
    """Return one target, or several by name, as a mapping.

    Raises
    ------
    ArgumentError
        There is none, or it is something else.

    Examples
    --------
    >>> list(targets_of({"won": "opportunity_won", "lost": "opportunity_lost"})), list(targets_of("paid"))
    (['won', 'lost'], ['paid'])
    """
    if isinstance(target, Mapping):
        if not target or not all(isinstance(name, str) for name in target):
            raise ArgumentError(f"competing targets are names to milestones, got {target!r}")
        return {name: SegmentEnd.of(one) for name, one in target.items()}
    end = SegmentEnd.of(target)
    return {str(end): end}


def observed(
    log: EventLog, source: SegmentEnd, targets: Mapping[str, SegmentEnd], until: int, *,
    threads: int | None = None, progress: Progress | None = None,
) -> Observed:  # fmt: skip
    """Return how long each case was seen on its way from a source to the earliest of its targets.

    Parameters
    ----------
    log : EventLog
    source : SegmentEnd
    targets : mapping of str to SegmentEnd
    until : int
        The last instant that is looked at, in microseconds since 1970-01-01 UTC.
    threads : int, optional
    progress : callable (done, of) -> object, optional

    Raises
    ------
    ArgumentError
        Every source or target is asked for: a case has one of each.
    SchemaError
        The log has no such activity.
    """
    for end in (source, *targets.values()):
        if end.occurrence == "every":
            raise ArgumentError(f"a case is seen from one source to one target, not {end}",
                                hint="name the first or the last")  # fmt: skip
    chosen = [Segment(name, source, end) for name, end in targets.items()]
    pairs = pairs_of_segments(log, chosen, threads=threads, progress=progress)
    sources = pairs[0].sources
    seen = np.stack([own.targets for own in pairs])
    there, has_source = seen != NEVER, sources != NEVER
    valid = there & (seen >= sources) & has_source
    instants = np.where(valid, seen, np.iinfo(np.int64).max)
    causes = instants.argmin(axis=0)
    ends = instants.min(axis=0)
    begun = has_source & (sources <= until)
    backwards = has_source & there.any(axis=0) & ~valid.any(axis=0)
    counted = begun & ~backwards
    still = ends > until
    return Observed(
        np.where(counted, sources, NEVER),
        np.where(counted, np.where(still, until, ends), NEVER),
        np.where(counted & ~still, causes, OPEN).astype(np.int64),
        counted,
        backwards & begun,
        ~has_source & there.any(axis=0),
        has_source & ~begun,
    )


def last_instant(log: EventLog, until: datetime | str | None) -> int:
    """Return until when a log can tell: as given, else when it was exported, else its last event.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"], "activity": ["a"], "time": ["1970-01-02"]}))
    >>> last_instant(log, None), last_instant(log, "1970-01-01T00:00:01Z")
    (86400000000, 1000000)
    """
    coverage = log.origin.coverage
    if until is None and coverage is not None and coverage.exported:
        until = coverage.exported
    return int(log.timestamps.max()) if until is None else instant_of(until)


def instant_of(when: datetime | str) -> int:
    """Return an instant in microseconds since 1970-01-01 UTC; without a zone it is taken for UTC.

    Raises
    ------
    ArgumentError
        This is no instant.
    """
    try:
        found = datetime.fromisoformat(when) if isinstance(when, str) else when
        known = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
        return (known - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, TypeError, AttributeError) as error:
        raise ArgumentError(
            "this is no instant", value=when, hint="write it as 2024-12-31T18:00:00Z"
        ) from error


def periods(seen: Observed, cohort: Cohort) -> tuple[NDArray[np.int64], list[str | None]]:
    """Return in which period each case began or ended, and what the periods are called, in order.

    Open cases have no period of closing: the last one, None.

    Raises
    ------
    ArgumentError
        There is no such cohort.
    """
    if cohort not in COHORTS:
        raise ArgumentError(
            f"there is no cohort {cohort!r}", hint=f"cohorts are {', '.join(map(repr, COHORTS))}"
        )
    closed, quarters = cohort.startswith("closed"), cohort.endswith("quarter")
    known = seen.counted & ((seen.causes != OPEN) | (not closed))
    instants = np.where(known, seen.ends if closed else seen.sources, 0)
    months = instants.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    numbers = months // 3 if quarters else months
    distinct = np.unique(numbers[known])
    codes = np.where(known, np.searchsorted(distinct, numbers), len(distinct))
    return codes.astype(np.int64), [*(_period(int(number), quarters) for number in distinct), None]


def _period(number: int, quarters: bool) -> str:
    if quarters:
        return f"{1970 + number // 4}-Q{number % 4 + 1}"
    return str(np.datetime64(number, "M"))
