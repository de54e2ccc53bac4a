"""What each resource does: its activities, how special they are, how much of it, and with whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.attributes import sortable
from dealtrace_engine.buffers import arrow, table, view
from dealtrace_engine.errors import ArgumentError, SchemaError
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import EVENTS_PER_BLOCK, blocks, map_blocks

Period = Literal["day", "week", "month", "quarter", "year"]
PERIODS: dict[Period, tuple[str, int]] = {
    "day": ("D", 1), "week": ("D", 7), "month": ("M", 1), "quarter": ("M", 3), "year": ("Y", 1),
}  # fmt: skip
MOST_PERIODS = 100_000
MOST_CELLS = 1 << 26
"""Of a table that is counted as a whole: resources times activities, or times periods."""
MOST_TOGETHER = 2048
"""Of so many resources, those with the most events, pairs are counted."""


@dataclass(frozen=True, eq=False)
class Resources:
    """Who or what did each event.

    Attributes
    ----------
    codes : ndarray of int32, shape (events,)
        Places in `names`; -1 where it is not known.
    names : pyarrow.LargeStringArray
        In the order of their texts.
    unknown : int
        Events whose resource is not known.
    """

    codes: NDArray[np.int32]
    names: pa.LargeStringArray
    unknown: int

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def acting(self) -> int:
        """How many of them did an event; a filter may have left others without any."""
        return int(np.count_nonzero(np.bincount(self.codes[self.codes >= 0])))


def resources_of(log: EventLog, name: str | None = None, threads: int | None = None) -> Resources:
    """Return the resource of each event.

    Parameters
    ----------
    log : EventLog
    name : str, optional
        The attribute that tells it: a person, a team, a department; that in the role of the resource by
        default. One of the case says the same of all its events.
    threads : int, optional

    Raises
    ------
    SchemaError
        There is no such attribute, or no event has a value of it.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"] * 3, "activity": ["a"] * 3, "time": ["2024-01-01"] * 3,
    ...                            "team": ["Sales", None, "Legal"]}))
    >>> found = resources_of(log, "team")
    >>> found.codes.tolist(), found.names.to_pylist()
    ([1, -1, 0], ['Legal', 'Sales'])
    """
    import pyarrow.compute as pc  # late: 50 ms

    attribute = log.attribute(name or "resource")
    values = attribute.values
    coded = values if pa.types.is_dictionary(values.type) else sortable(values).dictionary_encode()
    if coded.null_count == len(coded):
        raise SchemaError(f"no event has a value of {attribute.name!r}", file=log.origin.source.label,
                          column=attribute.name, hint="name another column with resource=")  # fmt: skip
    texts = coded.dictionary.cast(pa.large_string())
    order = view(pc.sort_indices(texts)).astype(np.int64)
    ranks = np.full(len(texts) + 1, -1, dtype=np.int32)
    ranks[order] = np.arange(len(texts), dtype=np.int32)
    indices = coded.indices.fill_null(len(texts)) if coded.null_count else coded.indices
    places = view(indices)
    codes = np.empty(len(places), dtype=np.int32)
    cuts = [slice(at, at + EVENTS_PER_BLOCK) for at in range(0, len(places), EVENTS_PER_BLOCK)]
    map_blocks(lambda cut: np.take(ranks, places[cut], out=codes[cut], mode="clip"), cuts, threads=threads)
    unknown = coded.null_count
    if attribute.level == "case":
        codes = np.repeat(codes, np.diff(log.case_offsets))
        unknown = int((codes < 0).sum())
    return Resources(codes, texts.take(arrow(order)), unknown)


def activity_counts(log: EventLog, resources: Resources, threads: int | None = None) -> NDArray[np.int64]:
    """Return the events of each resource with each activity, shape (resources, activities).

    Raises
    ------
    ArgumentError
        There are more than `MOST_CELLS`.
    """
    from dealtrace_engine.kernels.handovers import count_activities

    width = len(log.activities)
    cells = _checked_cells(len(resources), width, "activities")

    def count(block: tuple[int, int]) -> NDArray[np.int64]:
        out = np.zeros(cells, dtype=np.int64)
        count_activities(resources.codes, log.activity_codes, log.case_offsets, *block, width, out)
        return out

    return _summed(log, count, cells, threads).reshape(len(resources), width)


def specialisation(log: EventLog, resources: Resources, threads: int | None = None) -> pa.Table:
    """Return how special the work of each resource is.

    Parameters
    ----------
    log : EventLog
    resources : Resources
    threads : int, optional

    Returns
    -------
    pyarrow.Table
        A row per resource with events, by their number, largest first, then by name. resource: text; events;
        activities: how many different ones; main_activity: the most frequent one, the first by name among
        equals; main_share: of its events; entropy_bits: of the shares of its activities, by Shannon: 0 for
        who does one thing only; specialisation: 1 less the entropy by that of who does all activities of the
        log alike, from 0 to 1; null where the log has one activity only.

    References
    ----------
    C. E. Shannon, "A mathematical theory of communication", Bell System Technical Journal 27, 1948.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"] * 3, "activity": ["a", "b", "a"], "by": ["x", "x", "y"],
    ...                            "time": ["2024-01-01", "2024-01-02", "2024-01-03"]}))
    >>> specialisation(log, resources_of(log, "by")).select(["resource", "specialisation"]).to_pydict()
    {'resource': ['x', 'y'], 'specialisation': [0.0, 1.0]}
    """
    counts = activity_counts(log, resources, threads)
    events = counts.sum(axis=1)
    rows = np.lexsort((np.arange(len(events)), -events))
    rows = rows[events[rows] > 0]
    counts, events = counts[rows], events[rows]
    shares = counts / events[:, None]
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    entropy = np.abs(-(shares * logs).sum(axis=1))
    most = np.log2(counts.shape[1])
    special = pa.nulls(len(rows), pa.float64()) if most == 0 else arrow(np.clip(1 - entropy / most, 0, 1))
    main = counts.argmax(axis=1)
    return table({
        "resource": resources.names.take(arrow(rows)),
        "events": events,
        "activities": (counts > 0).sum(axis=1),
        "main_activity": log.activities.take(arrow(main)),
        "main_share": counts[np.arange(len(rows)), main] / events,
        "entropy_bits": entropy,
        "specialisation": special,
    })  # fmt: skip


def working_together(
    log: EventLog, resources: Resources, threads: int | None = None
) -> tuple[pa.Table, NDArray[np.int64], int]:
    """Return who works in the same cases.

    Parameters
    ----------
    log : EventLog
    resources : Resources
    threads : int, optional

    Returns
    -------
    together : pyarrow.Table
        A row per pair, by cases, most first, then by names. resource, other: text, the first by name first;
        cases: with both; share_of_resource, share_of_other: of the cases of each.
    pairs : ndarray of int64, shape (rows, 2)
        The two, as places in `resources`.
    left_out : int
        Resources that are not compared, because there are more than `MOST_TOGETHER`.

    References
    ----------
    W. M. P. van der Aalst, H. A. Reijers, M. Song, "Discovering social networks from event logs", Computer
    Supported Cooperative Work 14(6), 2005: metrics based on joint cases.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "1", "2"], "activity": ["a"] * 3, "by": ["x", "y", "x"],
    ...                            "time": ["2024-01-01"] * 3}))
    >>> working_together(log, resources_of(log, "by"))[0].to_pylist()
    [{'resource': 'x', 'other': 'y', 'cases': 1, 'share_of_resource': 0.5, 'share_of_other': 1.0}]
    """
    from dealtrace_engine.kernels.handovers import count_together

    events = np.bincount(resources.codes[resources.codes >= 0], minlength=len(resources))
    chosen = np.sort(np.lexsort((np.arange(len(events)), -events))[:MOST_TOGETHER])
    width = len(chosen)
    places = np.full(len(resources), -1, dtype=np.int32)
    places[chosen] = np.arange(width, dtype=np.int32)

    def count(block: tuple[int, int]) -> NDArray[np.int64]:
        out, seen = np.zeros(width * width, dtype=np.int64), np.full(width, -1, dtype=np.int64)
        members = np.empty(width, dtype=np.int64)
        count_together(resources.codes, log.case_offsets, *block, width, places, seen, members, out)
        return out

    counts = _summed(log, count, width * width, threads).reshape(width, width)
    own = counts.diagonal()
    one, other = np.nonzero(np.triu(counts, 1))
    cases = counts[one, other]
    order = np.lexsort((other, one, -cases))
    one, other, cases = one[order], other[order], cases[order]
    pairs = np.column_stack((chosen[one], chosen[other]))
    found = table({
        "resource": resources.names.take(arrow(pairs[:, 0])),
        "other": resources.names.take(arrow(pairs[:, 1])),
        "cases": cases,
        "share_of_resource": cases / own[one],
        "share_of_other": cases / own[other],
    })  # fmt: skip
    return found, pairs, len(resources) - width


def workload(
    log: EventLog, resources: Resources, period: Period = "month", threads: int | None = None
) -> pa.Table:
    """Return how much each resource does in each period, and has in hand at its end.

    Parameters
    ----------
    log : EventLog
    resources : Resources
    period : {"day", "week", "month", "quarter", "year"}
        Of the calendar, in UTC; weeks begin on Monday.
    threads : int, optional

    Returns
    -------
    pyarrow.Table
        A row per resource and period with any of both, by name, then period. resource: text; period: its
        first day, date32; events; cases_in_hand: whose latest event before the end of the period is one of
        the resource, and which have another event later. What is after the last event of a case is nobody's.

    Raises
    ------
    ArgumentError
        There is no such period, or there are more than 100,000 of them, or `MOST_CELLS`.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "1"], "activity": ["a", "b"], "by": ["x", "y"],
    ...                            "time": ["2024-01-05", "2024-02-03"]}))
    >>> [tuple(row.values())[2:] for row in workload(log, resources_of(log, "by")).to_pylist()]
    [(1, 1), (1, 0)]
    """
    from dealtrace_engine.kernels.handovers import count_workload

    days, bounds = _periods(log, period)
    cells = _checked_cells(len(resources), len(days), "periods")

    def count(block: tuple[int, int]) -> NDArray[np.int64]:
        out = np.zeros((2, cells), dtype=np.int64)
        count_workload(resources.codes, log.timestamps, log.case_offsets, *block, bounds, out[0], out[1])
        return out.reshape(-1)

    counts = _summed(log, count, 2 * cells, threads).reshape(2, cells)
    found = np.flatnonzero(counts.any(axis=0))
    return table({
        "resource": resources.names.take(arrow(found // len(days))),
        "period": arrow(days[found % len(days)].astype(np.int32), pa.date32()),
        "events": counts[0, found],
        "cases_in_hand": counts[1, found],
    })  # fmt: skip


def _periods(log: EventLog, period: Period) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first days of the periods of a log, since 1970, and the microseconds that bound them."""
    if period not in PERIODS:
        raise ArgumentError(f"there is no period {period!r}", hint=f"periods: {', '.join(PERIODS)}")
    unit, step = PERIODS[period]
    shift = 3 if period == "week" else 0  # 1970-01-01 was a Thursday
    ends = np.array(log.span, dtype="datetime64[us]").astype(f"datetime64[{unit}]").astype(np.int64) + shift
    first, last = (ends // step).tolist()
    if last - first >= MOST_PERIODS:
        raise ArgumentError(
            f"the log has {last - first + 1:,} periods of a {period}", hint="take longer ones"
        )
    starts = (np.arange(first, last + 2) * step - shift).astype(f"datetime64[{unit}]")
    return starts[:-1].astype("datetime64[D]").astype(np.int64), starts.astype("datetime64[us]").astype(
        np.int64
    )


def _checked_cells(resources: int, others: int, what: str) -> int:
    if resources * others > MOST_CELLS:
        raise ArgumentError(f"{resources:,} resources and {others:,} {what} are too many to count together",
                            hint="filter the log, or name a coarser column with resource=")  # fmt: skip
    return resources * others


def _summed(
    log: EventLog, count: Callable[[tuple[int, int]], NDArray[np.int64]], cells: int, threads: int | None
) -> NDArray[np.int64]:
    """Add what is counted in each block; blocks are few where what is counted is large."""
    size = max(1 << 18, cells)
    total = np.zeros(cells, dtype=np.int64)
    for part in map_blocks(count, blocks(log.case_offsets, size), threads=threads):
        total += part
    return total
