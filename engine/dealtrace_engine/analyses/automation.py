"""Automation candidates: what people do often, and every time in the same way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.edges import activity_cases, dense_counts, exact_moments, sorted_edges
from dealtrace_engine.analyses.repeated import known_codes
from dealtrace_engine.analyses.starts import starts_of
from dealtrace_engine.analyses.throughput import grouped
from dealtrace_engine.analyses.waits import MOST_ACTIVITIES
from dealtrace_engine.analyses.working_time import Calendar, working_time
from dealtrace_engine.buffers import table, text
from dealtrace_engine.log import EventLog
from dealtrace_engine.percentiles import group_percentiles

if TYPE_CHECKING:
    from dealtrace_engine.filters.expressions import Expression

LEAST_EVENTS = 5
"""With fewer events by people nothing is said of an activity."""
MOST_PAIRS = 1 << 24
MACHINE = re.compile(
    r"\b(robot|bot|rpa|system|batch|workflow|scheduler|api|daemon|web ?form|integration|automat\w*|roboter|"
    r"sistema|système|robô|automát\w*)\b|システム|ロボット|自動",
    re.IGNORECASE,
)
"""Resources whose names have one of these words are taken for machines."""


def automation_candidates(
    log: EventLog,
    *,
    resource: str | None = "resource",
    where: Expression | None = None,
    calendar: Calendar | None = None,
    machines: Sequence[str] | None = None,
    threads: int | None = None,
) -> pa.Table:
    """Return the activities by how much there is to win from automating them.

    The score is a product of four shares from 0 to 1, all of which are told: **volume**, its events by people
    as a share of those of the activity with most; **manual**, the share of its events that people do;
    **timing**, 1 less the quartile coefficient of dispersion (q3 - q1) / (q3 + q1) of how long its events by
    people take, from start to end where the log knows the start, else since the event before; **path**, the
    share of its most frequent next activity, where the end of the case is one.

    Parameters
    ----------
    log : EventLog
    resource : str or None
        Attribute, or role, that says who did it.
    where : Expression, optional
        Made with `dealtrace.where`.
    calendar : WorkingCalendar or Calendars, optional
        Times are of work by it, instead of by the clock.
    machines : sequence of str, optional
        Resources that are no people; by default those with a name such as robot, system or integration.
    threads : int, optional

    Returns
    -------
    pyarrow.Table
        activity: text; events; cases; manual_events: by people; people: how many they are; total_s, p50_s: of
        their times as above, in seconds, null where there are none; volume, manual, timing, path: the parts
        of score, null where they are not known, and score with them; note: why. By score, largest first,
        nulls last, then by text.

    Raises
    ------
    SchemaError
        There is no such column.
    LogError
        Nothing passes the filter.
    ArgumentError
        A case has no calendar.

    References
    ----------
    D. G. Bonett, "Confidence interval for a coefficient of quartile variation", Computational Statistics &
    Data Analysis 50(11), 2006.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": [str(n // 2) for n in range(12)], "activity": ["get", "bill"] * 6,
    ...                            "time": ["2024-01-01 12:00", "2024-01-01 12:30"] * 6,
    ...                            "resource": ["Order Robot", "Ann"] * 6}))
    >>> [(row["activity"], row["score"]) for row in automation_candidates(log).to_pylist()]
    [('bill', 1.0), ('get', None)]
    """
    log = log if where is None else log.filter(where, threads=threads)
    who, by_people = _people(log, resource, machines)
    width, codes = len(log.activities), log.activity_codes
    events = np.bincount(codes, minlength=width)
    manual = np.bincount(codes[by_people], minlength=width)
    figures = _timing(log, by_people, calendar, threads)
    path = _path(log, events, threads)
    volume = manual / max(int(manual.max(initial=0)), 1)
    share = manual / np.maximum(events, 1)
    few = (manual < LEAST_EVENTS) | (figures["counts"] < LEAST_EVENTS)
    score = np.where(few, -1.0, volume * share * figures["timing"] * path)
    order = np.lexsort((np.arange(width), -score))
    none, unknown = figures["counts"] == 0, not (who >= 0).any()
    note = "the log does not say who" if unknown else f"fewer than {LEAST_EVENTS} times by people"
    columns: dict[str, Any] = {
        "events": events,
        "cases": activity_cases(log, [(0, log.cases)], threads),
        "manual_events": manual,
        "people": _counted_people(log, who, by_people),
        "total_s": pa.array(figures["total_s"], mask=none),
        "p50_s": pa.array(figures["p50_s"], mask=none),
        "volume": pa.array(volume, mask=np.full(width, unknown)),
        "manual": pa.array(share, mask=np.full(width, unknown)),
        "timing": pa.array(figures["timing"], mask=few),
        "path": path,
        "score": pa.array(score, mask=few),
        "note": text([note if each else None for each in few.tolist()]),
    }
    rows = table({"activity": log.activity_texts(np.arange(width)), **columns})
    return rows.take(pa.array(order))


def _people(
    log: EventLog, resource: str | None, machines: Sequence[str] | None
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Return who did each event, and whether that is known to be no machine."""
    there = resource is not None and (
        resource != "resource" or (log.origin.roles.get(resource) or resource) in log.attribute_names
    )
    who = known_codes(log, resource if there else None)
    if resource is None or not there:
        return who, np.zeros(log.events, dtype=np.bool_)
    attribute = log.attribute(resource)
    values = attribute.per_event(log.case_offsets)
    known = who >= 0
    firsts = np.full(int(who.max(initial=-1)) + 1, -1, dtype=np.int64)
    firsts[who[known][::-1]] = np.flatnonzero(known)[::-1]
    names = values.take(pa.array(firsts, mask=firsts < 0)).to_pylist()
    listed = None if machines is None else set(machines)
    human = np.array(
        [bool(not (MACHINE.search(str(name)) if listed is None else name in listed)) for name in names],
        np.bool_,
    )
    by_people = np.zeros(log.events, dtype=np.bool_)
    by_people[known] = human[who[known]]
    return who, by_people


def _timing(
    log: EventLog, by_people: NDArray[np.bool_], calendar: Calendar | None, threads: int | None
) -> dict[str, NDArray[Any]]:
    """Return how long events by people take, and how regular that is, by activity."""
    starts = starts_of(log)
    before = np.concatenate((log.timestamps[:1], log.timestamps[:-1]))
    told = by_people.copy()
    if starts.known is None:
        told[log.case_offsets[:-1]] = False
    else:
        told &= starts.known
        before = starts.microseconds
    codes = log.activity_codes[told].astype(np.int32)
    taken = log.timestamps[told] - before[told]
    if calendar is not None:
        begins, first = before[told], int(before[told].min(initial=log.span[0]))
        cases = np.repeat(np.arange(log.cases), np.diff(log.case_offsets))[told]
        taken = working_time(log, calendar, first, log.span[1])(begins, begins + taken, cases)
    times, offsets = grouped(taken, codes, len(log.activities))
    low, middle, high = group_percentiles(times, offsets, [25, 50, 75], threads=threads).T
    whole = low + high
    sums = [total / 10**6 for total, _ in exact_moments(times, offsets, threads)]
    dispersion = np.where(whole > 0, (high - low) / np.where(whole > 0, whole, 1), 0)
    return {
        "counts": np.diff(offsets), "total_s": np.array(sums, np.float64), "p50_s": middle,
        "timing": np.where(np.diff(offsets) > 0, 1 - dispersion, 0),
    }  # fmt: skip


def _path(log: EventLog, events: NDArray[np.int64], threads: int | None) -> NDArray[np.float64]:
    """Return the share of the most frequent next activity of each."""
    if len(log.activities) <= MOST_ACTIVITIES:
        counted = dense_counts(log, threads)
        source, counts = counted.source, counted.counts
    else:
        found, _ = sorted_edges(log, [50], threads)
        source, counts = found.source, found.counts
    most = np.bincount(log.activity_codes[log.case_offsets[1:] - 1], minlength=len(events))
    np.maximum.at(most, source, counts)
    return most / np.maximum(events, 1)


def _counted_people(log: EventLog, who: NDArray[np.int32], by_people: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how many people do each activity."""
    activities, people = len(log.activities), int(who.max(initial=-1)) + 1
    if people == 0:
        return np.zeros(activities, dtype=np.int64)
    keys = log.activity_codes[by_people].astype(np.int64) * people + who[by_people]
    if activities * people > MOST_PAIRS:
        return np.bincount(np.unique(keys) // people, minlength=activities)
    does = np.zeros(activities * people, dtype=np.bool_)
    does[keys] = True
    return np.asarray(does.reshape(activities, people).sum(axis=1), dtype=np.int64)
