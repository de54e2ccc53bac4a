"""How long cases have been seen on their way, what ended it, and which are still open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.funnel_steps import LOST, REGAINED
from dealtrace_engine.analyses.horizons import known_since
from dealtrace_engine.analyses.milestones import NEVER, wanted_activities
from dealtrace_engine.analyses.segment_ends import Segment, SegmentEnd
from dealtrace_engine.analyses.segment_pairs import marks_of, pairs_of_segments
from dealtrace_engine.analyses.starts import starts_of
from dealtrace_engine.buffers import arrow
from dealtrace_engine.errors import ArgumentError, SchemaError
from dealtrace_engine.filters.values import Moment, moment, moment_us
from dealtrace_engine.log import EventLog
from dealtrace_engine.quality import Finding
from dealtrace_engine.schema import nearest

OPEN, STOPPED = -1, -2
STOPS = "stopped"
"""What cases that leave without a target are called."""
Cohort = Literal["created month", "created quarter", "closed month", "closed quarter"]
COHORTS = ("created month", "created quarter", "closed month", "closed quarter")


@dataclass(frozen=True, eq=False)
class Observed:
    """What was seen of each case between a source and its targets.

    Attributes
    ----------
    sources, ends : ndarray of int64, shape (cases,)
        Microseconds since 1970-01-01 UTC: when it began, and when it ended or was last seen. `NEVER` where it
        is not observed.
    causes : ndarray of int64, shape (cases,)
        Which target ended it; `OPEN` where none did, `STOPPED` where it left without one.
    counted, reversed, without_source, later, older : ndarray of bool, shape (cases,)
        Cases that are observed; whose targets all come before the source; that have a target but no source;
        whose source, and every target, comes after the last instant that is looked at; and whose source comes
        before the history that tells a target, or a stop that ended cases (`Coverage.horizons`).
    """

    sources: NDArray[np.int64]
    ends: NDArray[np.int64]
    causes: NDArray[np.int64]
    counted: NDArray[np.bool_]
    reversed: NDArray[np.bool_]
    without_source: NDArray[np.bool_]
    later: NDArray[np.bool_]
    older: NDArray[np.bool_]


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
        if not target or STOPS in target or not all(isinstance(name, str) for name in target):
            raise ArgumentError(f"competing targets are names to milestones, got {target!r}")
        return {name: SegmentEnd.of(one) for name, one in target.items()}
    end = SegmentEnd.of(target)
    return {str(end): end}


def observed(
    log: EventLog, source: SegmentEnd, targets: Mapping[str, SegmentEnd], until: int, *,
    reopened: Mapping[str, SegmentEnd] | None = None, missing: bool = False, threads: int | None = None,
) -> Observed:  # fmt: skip
    """Return how long each case was seen on its way from a source to the earliest of its targets.

    Parameters
    ----------
    log : EventLog
    source : SegmentEnd
    targets : mapping of str to SegmentEnd
        The one called `STOPS` is where cases leave without getting to another.
    until : int
        Events after it are not looked at; in microseconds since 1970-01-01 UTC.
    reopened : mapping of str to SegmentEnd, optional
        Targets to what undoes them; see `survival`.
    missing : bool
        Whether activities that the log does not have are no error.
    threads : int, optional

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
    marks = marks_of(log, chosen, missing=missing)
    pairs = pairs_of_segments(log, chosen, marks, until=until, threads=threads)
    sources = pairs[0].sources
    ends = {name: own.targets for name, own in zip(targets, pairs, strict=True)}
    if STOPS in targets and targets[STOPS].occurrence == "first":
        ends[STOPS] = _next_stop(log, source, targets[STOPS], sources, until, missing, threads)
    undone = _undone(log, targets, ends, reopened or {}, until, missing, threads)
    seen = np.stack([
        np.where(undone[name], NEVER, instants) if name in undone else instants
        for name, instants in ends.items()
    ])  # fmt: skip
    numbers = np.array([STOPPED if name == STOPS else place for place, name in enumerate(targets)])
    has_source = sources != NEVER
    valid = (seen != NEVER) & (seen >= sources) & has_source
    own = numbers >= 0
    there = (seen[own] != NEVER).any(axis=0)
    instants = np.where(valid, seen, np.iinfo(np.int64).max)
    causes = np.where(valid.any(axis=0), numbers[instants.argmin(axis=0)], OPEN)
    backwards = has_source & there & ~valid[own].any(axis=0)
    names = [name for target, end in targets.items() if target != STOPS for name in end.activities]
    if STOPS in targets:
        names += _stopping(log, targets[STOPS], np.where(causes == STOPPED, instants.min(axis=0), NEVER))
    older = has_source & (sources < known_since(log, names))
    counted = has_source & ~backwards & ~older
    whole = sources
    if until < log.span[1]:
        whole = pairs_of_segments(log, chosen[:1], marks, threads=threads)[0].sources
    return Observed(
        np.where(counted, sources, NEVER),
        np.where(counted, np.minimum(instants.min(axis=0), until), NEVER),
        np.where(counted, causes, OPEN).astype(np.int64),
        counted,
        backwards & ~older,
        ~has_source & there,
        (whole != NEVER) & ~has_source & ~there,
        older,
    )


def _stopping(log: EventLog, stops: SegmentEnd, ends: NDArray[np.int64]) -> list[str]:
    """Return which stops ended cases, at these instants: others would have been too late to end more."""
    if known_since(log, stops.activities) == NEVER:
        return []
    instants = log.timestamps if stops.timestamp == "end" else starts_of(log).microseconds
    there = wanted_activities(log, stops.activities, missing=True)[log.activity_codes]
    there &= instants == np.repeat(ends, np.diff(log.case_offsets))
    ending = np.unique(log.activity_codes[there])
    return [log.activities[code].as_py() for code in ending.tolist()]


def reopenings_of(reopened: Any, targets: Mapping[str, SegmentEnd]) -> dict[str, SegmentEnd]:
    """Return what undoes each target: the last of some activities, for all targets or by their names.

    Raises
    ------
    ArgumentError
        There is no such target.
    """
    if reopened is None:
        return {}
    named = reopened if isinstance(reopened, Mapping) else dict.fromkeys(targets, reopened)
    for name in named:
        if name not in targets:
            raise ArgumentError(
                f"there is no target {name!r}", hint=nearest([*targets], str(name), "targets")
            )
    return {name: replace(SegmentEnd.of(what), occurrence="last") for name, what in named.items()}


def _next_stop(
    log: EventLog, source: SegmentEnd, stops: SegmentEnd, sources: NDArray[np.int64], until: int,
    missing: bool, threads: int | None,
) -> NDArray[np.int64]:  # fmt: skip
    """When each case leaves after its source: a stop before that did not end it."""
    chosen = [Segment(STOPS, replace(source, occurrence="every"), stops)]
    marks = marks_of(log, chosen, missing=missing)
    (pairs,) = pairs_of_segments(log, chosen, marks, until=until, threads=threads)
    every = np.arange(len(pairs.sources))
    owners = pairs.cases(every)
    own = every[(pairs.sources != NEVER) & (pairs.sources == sources[owners])]
    cases, firsts = np.unique(owners[own], return_index=True)
    found = np.full(log.cases, NEVER, dtype=np.int64)
    found[cases] = pairs.targets[own[firsts]]
    return found


def _undone(
    log: EventLog, targets: Mapping[str, SegmentEnd], instants: Mapping[str, NDArray[np.int64]],
    reopened: Mapping[str, SegmentEnd], until: int, missing: bool, threads: int | None,
) -> dict[str, NDArray[np.bool_]]:  # fmt: skip
    """Whether what undoes a target comes after it, by its name."""
    if not reopened:
        return {}
    chosen = [Segment(name, end, targets[name]) for name, end in reopened.items()]
    marks = marks_of(log, chosen, missing=missing)

    def last(end: SegmentEnd) -> NDArray[np.int64]:
        events = np.flatnonzero(marks[end.activities][log.activity_codes] & (log.timestamps <= until))
        places = np.full(log.cases, -1, dtype=np.int64)
        places[np.searchsorted(log.case_offsets, events, side="right") - 1] = events  # the last one stays
        return places

    found = {}
    pairs = pairs_of_segments(log, chosen, marks, until=until, threads=threads)
    for name, own in zip(reopened, pairs, strict=True):
        found[name] = own.sources > instants[name]
        at_once = (own.sources == instants[name]) & (own.sources != NEVER)
        if at_once.any():  # the order of the events tells
            found[name] |= at_once & (last(reopened[name]) > last(targets[name]))
    return found


def last_instant(log: EventLog, until: Moment | None) -> int:
    """Return until when a log can tell: as given, else when it was exported, else its last event.

    Raises
    ------
    ArgumentError
        It is no instant, or before all events.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"], "activity": ["a"], "time": ["1970-01-02"]}))
    >>> last_instant(log, None), last_instant(log, "1970-01-02T00:00:01Z")
    (86400000000, 86401000000)
    """
    first, last = log.span
    if until is not None:
        end = instant_of(until)
        if end < first:
            raise ArgumentError("until is before the first event of the log", value=until,
                                hint=f"it is from {np.datetime64(first, 'us')} on")  # fmt: skip
        return end
    exported = log.origin.coverage and log.origin.coverage.exported
    return instant_of(exported) if exported else last


def instant_of(when: Moment) -> int:
    """Return an instant in microseconds since 1970-01-01 UTC; without a zone it is taken for UTC.

    Raises
    ------
    ArgumentError
        This is no instant.
    """
    try:
        return moment_us(moment(when, "until"))
    except SchemaError as error:
        raise ArgumentError(
            "this is no instant", value=when, hint="write it as 2024-12-31 or 2024-12-31T18:00:00Z"
        ) from error


def left_out(seen: Observed) -> list[Finding]:
    """Return how many cases are in no figure, by reason."""
    found = {
        "cases whose targets all come before the source": seen.reversed,
        "cases with a target but no source": seen.without_source,
        "cases that begin after the last instant that is looked at": seen.later,
        "cases that begin before the history that tells a target or a stop": seen.older,
    }
    return [Finding(reason, int(marks.sum())) for reason, marks in found.items() if marks.any()]


def unnamed_losses(
    log: EventLog, ends: Iterable[SegmentEnd], seen: Observed, until: int, threads: int | None = None
) -> list[Finding]:
    """Return how many open cases are lost, by activities that no target and no stop names.

    Parameters
    ----------
    log : EventLog
    ends : iterable of SegmentEnd
        Targets and stops.
    seen : Observed
    until : int
        Events after it are not looked at; in microseconds since 1970-01-01 UTC.
    threads : int, optional
    """
    named = wanted_activities(log, [name for end in ends for name in end.activities], missing=True)
    losing = np.flatnonzero(wanted_activities(log, LOST, missing=True) & ~named)
    if not len(losing):
        return []
    names = tuple(log.activities.take(arrow(losing)).to_pylist())
    chosen = [Segment("lost", SegmentEnd(REGAINED, "last"), SegmentEnd(names, "last"))]
    (own,) = pairs_of_segments(log, chosen, marks_of(log, chosen, missing=True), until=until, threads=threads)
    is_open = seen.counted & (seen.causes == OPEN)
    lost = int((is_open & (own.targets >= seen.sources) & (own.targets > own.sources)).sum())
    reason = f"open cases that are lost: {' or '.join(names)} is neither a target nor a stop"
    return [Finding(reason, lost)] if lost else []


def truncated_cases(log: EventLog, seen: Observed, horizon: Moment | None) -> NDArray[np.bool_]:
    """Return which cases have the source before the history of the log begins, or before an instant."""
    coverage = log.origin.coverage
    known = coverage.horizon if horizon is None and coverage is not None else horizon
    return (
        np.zeros(log.cases, np.bool_) if known is None else seen.counted & (seen.sources < instant_of(known))
    )


def periods(seen: Observed, cohort: Cohort) -> tuple[NDArray[np.int64], list[str | None]]:
    """Return in which period each case began or ended, and what the periods are called, in order.

    Cases that did not get there have no period of closing: the last one, None.

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
    known = seen.counted & ((seen.causes >= 0) | (not closed))
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
