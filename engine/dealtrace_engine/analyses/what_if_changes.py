"""Changes of a process, as data, and the times that its events would have had."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.case_rows import cases_by_id
from dealtrace_engine.analyses.grouping import groups_of
from dealtrace_engine.analyses.milestones import Names, wanted_activities
from dealtrace_engine.errors import ArgumentError, SchemaError
from dealtrace_engine.filters.values import duration, duration_us
from dealtrace_engine.log import EventLog
from dealtrace_engine.schema import names_of, nearest

BEST_QUARTER = "best quarter"


@dataclass(frozen=True)
class Cap:
    """No time from a `source` to the next `target` is longer than `most`.

    Attributes
    ----------
    source, target : str or sequence of str
        Activities, as the log names them or by canonical id; any of several.
    most : str or timedelta
        Such as ``"3 d"``. What happens in between comes at the latest with the target.
    """

    source: Names
    target: Names
    most: str | timedelta


@dataclass(frozen=True)
class Remove:
    """The events of an activity do not happen: the time that led to each of them is gone.

    Attributes
    ----------
    activity : str or sequence of str
        Where it is the first of its case, the time to the next event is gone.
    """

    activity: Names


@dataclass(frozen=True)
class MakeLike:
    """The times from a `source` to the next `target` in one group are distributed as those of another.

    The longest of the group becomes as long as the longest of the other, and so on down the ranks.

    Attributes
    ----------
    attribute, group : str, object
        An attribute of the case, and its value there.
    source, target : str or sequence of str
    like : object
        Another value of the attribute; by default the group's own best quarter, which is the calendar quarter
        (by the time of the source in the log, UTC) with the shortest median and at least so many times as are
        ``smallest``. The best of several quarters is better than the process can be expected to stay.
    """

    attribute: str
    group: object
    source: Names
    target: Names
    like: object = BEST_QUARTER


Change = Cap | Remove | MakeLike


class Redrawn(NamedTuple):
    """What a `MakeLike` did, so that its distribution can be drawn again.

    Attributes
    ----------
    cases, begins, ends : ndarray of int64, shape (pairs,)
        The case of each time in the group and the events that it lies between.
    order : ndarray of int64, shape (pairs,)
        Positions of the pairs, by their time, rising; equal ones by the id of their case.
    given : ndarray of int64, shape (pairs,)
        Microseconds that each got.
    pool : ndarray of int64, shape (n,)
        The distribution, rising.
    """

    cases: NDArray[np.int64]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    order: NDArray[np.int64]
    given: NDArray[np.int64]
    pool: NDArray[np.int64]


class Applied(NamedTuple):
    """The outcome of one change.

    Attributes
    ----------
    timestamps : ndarray of int64, shape (events,)
        What they would be.
    segments, changed, cases : int
        Times that the change is about, those that it changes, and the cases with any of these.
    saved : int
        Microseconds by which the changed ones become shorter, in all.
    note : str or None
        Why nothing was changed, or what to know.
    redrawn : Redrawn or None
    """

    timestamps: NDArray[np.int64]
    segments: int
    changed: int
    cases: int
    saved: int
    note: str | None = None
    redrawn: Redrawn | None = None


def told(change: Change) -> str:
    """Return a change in words.

    Examples
    --------
    >>> told(Cap("quote_issued", ("quote_accepted", "quote_rejected"), "3 d"))
    'no more than 3d from quote_issued to quote_accepted or quote_rejected'
    """
    if isinstance(change, Cap):
        most = duration(change.most, "most")
        return f"no more than {most} from {_named(change.source)} to {_named(change.target)}"
    if isinstance(change, Remove):
        return f"without {_named(change.activity)}"
    like = "its best quarter" if change.like == BEST_QUARTER else repr(change.like)
    segment = f"{_named(change.source)} to {_named(change.target)}"
    return f"{change.attribute} {change.group!r} like {like} from {segment}"


def applied(log: EventLog, change: Change, times: NDArray[np.int64], smallest: int) -> Applied:
    """Return the times of the events after a change.

    Parameters
    ----------
    log : EventLog
    change : Cap, Remove, or MakeLike
    times : ndarray of int64, shape (events,)
        The times before it, by the clock of the log or that of a calendar.
    smallest : int
        So many times make a distribution.

    Raises
    ------
    ArgumentError
        It is no change.
    SchemaError
        There is no such activity, attribute or group, or `most` is no duration.
    """
    if isinstance(change, Remove):
        return _removed(log, change, times)
    if not isinstance(change, Cap | MakeLike):
        raise ArgumentError(f"a change is Cap, Remove or MakeLike, got {change!r}")
    begins, ends = pairs_between(log, change.source, change.target)
    if isinstance(change, MakeLike):
        return _made_like(log, change, times, begins, ends, smallest)
    gaps = times[ends] - times[begins]
    saved = np.maximum(gaps - duration_us(duration(change.most, "most")), 0)
    return _outcome(log, times, begins, ends, saved)


def pairs_between(log: EventLog, source: Names, target: Names) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the events of each `source` and of the `target` that follows it before another `source`.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"] * 4, "activity": ["a", "a", "x", "b"],
    ...                            "time": ["2024-01-01"] * 4}))
    >>> pairs_between(log, "a", "b")
    (array([1]), array([3]))
    """
    opens, closes = marked(log, source, "source"), marked(log, target, "target")
    marks = np.flatnonzero((opens | closes)[log.activity_codes])
    codes = log.activity_codes[marks]
    cases = case_of_events(log, marks)
    follows = opens[codes[:-1]] & closes[codes[1:]] & (cases[1:] == cases[:-1])
    return marks[:-1][follows], marks[1:][follows]


def marked(log: EventLog, names: Names, what: str) -> NDArray[np.bool_]:
    """Return which activities of a log are named, shape (activities,).

    Raises
    ------
    ArgumentError
        None is named.
    SchemaError
        The log has no such activity.
    """
    found = names_of(names, what)
    if not found:
        raise ArgumentError(f"{what} names no activity", hint="name one or several")
    return wanted_activities(log, found)


def case_of_events(log: EventLog, events: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the case of each event."""
    return np.searchsorted(log.case_offsets, events, side="right").astype(np.int64) - 1


def exact_sum(values: NDArray[np.int64]) -> int:
    """Return a sum that may not fit into 64 bits.

    Examples
    --------
    >>> exact_sum(np.full(4, 2**62)) == 2**64
    True
    """
    return (int((values >> 24).sum()) << 24) + int((values & 0xFFFFFF).sum())


def _named(names: Names) -> str:
    return " or ".join(names_of(names, "a change"))


def _removed(log: EventLog, change: Remove, times: NDArray[np.int64]) -> Applied:
    gone = np.flatnonzero(marked(log, change.activity, "activity")[log.activity_codes])
    is_first = np.zeros(log.events + 1, dtype=np.bool_)
    is_first[log.case_offsets] = True
    after = np.where(is_first[gone], gone + 1, gone)  # the end of the time that is gone
    after = np.unique(after[(after < log.events) & ~is_first[np.minimum(after, log.events)]])
    saved = times[after] - times[after - 1]
    outcome = _outcome(log, times, after - 1, after, saved)
    return outcome._replace(segments=len(gone), note=outcome.note or (None if len(gone) else "no such event"))


def _made_like(
    log: EventLog, change: MakeLike, times: NDArray[np.int64], begins: NDArray[np.int64],
    ends: NDArray[np.int64], smallest: int,
) -> Applied:  # fmt: skip
    groups = groups_of(log, change.attribute)
    values = groups.keys.column(change.attribute).to_pylist()
    group_of_pair = groups.codes[case_of_events(log, begins)]
    own = group_of_pair == _place(values, change.group, change.attribute)
    gaps = times[ends] - times[begins]
    if change.like == BEST_QUARTER:
        chosen, note = _best_quarter(log.timestamps[begins], gaps, own, smallest)
    else:
        chosen, note = group_of_pair == _place(values, change.like, change.attribute), None
        if chosen.sum() < smallest:
            note = f"not enough data: {chosen.sum()} times of {change.like!r}, fewer than {smallest}"
    if own.sum() < smallest:
        note = f"not enough data: {own.sum()} times of {change.group!r}, fewer than {smallest}"
    if own.sum() < smallest or chosen.sum() < smallest:
        return Applied(times, int(own.sum()), 0, 0, 0, note)
    pool, begins, ends, gaps = np.sort(gaps[chosen]), begins[own], ends[own], gaps[own]
    cases = case_of_events(log, begins)
    order = np.lexsort((np.argsort(cases_by_id(log))[cases], gaps))
    given = np.empty(len(gaps), dtype=np.int64)
    given[order] = pool[ranks(len(gaps), len(pool))]
    redrawn = Redrawn(cases, begins, ends, order, given, pool)
    return _outcome(log, times, begins, ends, gaps - given)._replace(note=note, redrawn=redrawn)


def ranks(count: int, size: int) -> NDArray[np.int64]:
    """Return the place among `size` values for each of `count` ranks, from the smallest to the largest.

    Examples
    --------
    >>> ranks(2, 10).tolist(), ranks(4, 2).tolist()
    ([2, 7], [0, 0, 1, 1])
    """
    return (2 * np.arange(count, dtype=np.int64) + 1) * size // (2 * count)


def _place(values: list[object], wanted: object, attribute: str) -> int:
    if wanted not in values:
        raise SchemaError(f"there is no {attribute} {wanted!r}", column=attribute,
                          hint=nearest([str(value) for value in values], str(wanted), "values"))  # fmt: skip
    return values.index(wanted)


def _best_quarter(
    starts: NDArray[np.int64], gaps: NDArray[np.int64], own: NDArray[np.bool_], smallest: int
) -> tuple[NDArray[np.bool_], str]:
    """Return which times are those of the group's best quarter, and what it is called."""
    months = starts.view("M8[us]").astype("M8[M]").astype(np.int64)
    quarters = months // 3
    medians = {
        int(quarter): float(np.median(gaps[own & (quarters == quarter)]))
        for quarter, count in zip(*np.unique(quarters[own], return_counts=True), strict=True)
        if count >= smallest
    }
    if not medians:
        return np.zeros(len(gaps), dtype=np.bool_), f"not enough data: no quarter has {smallest} times"
    best = min(medians, key=lambda quarter: (medians[quarter], quarter))
    of = f"best of {len(medians)}" if len(medians) > 1 else "only one with enough times"
    return own & (quarters == best), f"like {1970 + best // 4} Q{best % 4 + 1}, the {of}"


def _outcome(
    log: EventLog, times: NDArray[np.int64], begins: NDArray[np.int64], ends: NDArray[np.int64],
    saved: NDArray[np.int64],
) -> Applied:  # fmt: skip
    """Shorten the time between pairs of events of one case that do not overlap; negative is longer."""
    changed = saved != 0
    note = None if len(begins) else "no case has such a time"
    cases = len(np.unique(case_of_events(log, begins[changed])))
    counted = (len(begins), int(changed.sum()), cases, exact_sum(saved), note)
    if not changed.any():
        return Applied(times, *counted)
    begins, ends, saved = begins[changed], ends[changed], saved[changed]
    shift = np.zeros(log.events, dtype=np.int64)
    shift[ends] = saved
    np.cumsum(shift, out=shift)
    before = np.repeat(shift[log.case_offsets[:-1]], np.diff(log.case_offsets))
    moved = times - (shift - before)
    inside = np.zeros(log.events + 1, dtype=np.int64)
    inside[begins + 1] += 1
    inside[ends] -= 1
    within = np.flatnonzero(np.cumsum(inside[:-1]) > 0)  # between the events of a pair
    pair = np.searchsorted(begins, within, side="right") - 1
    moved[within] = np.minimum(moved[within], moved[ends[pair]])
    return Applied(moved, *counted)
