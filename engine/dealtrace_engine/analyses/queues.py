"""Queues and work in progress: how many cases are open, and how many wait for what, at the end of periods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.deal_states import REOPENED, WON
from dealtrace_engine.analyses.funnel_steps import REGAINED
from dealtrace_engine.analyses.milestones import NEVER, reached, wanted_activities
from dealtrace_engine.analyses.throughput import grouped
from dealtrace_engine.buffers import arrow
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import blocks, map_blocks

Period = Literal["day", "week"]
"""UTC; weeks begin on Monday."""
DAY_US = 86_400 * 10**6
MOST_COUNTS = 1 << 25
ENDS = (
    "opportunity_lost", "lead_disqualified", "order_canceled", "order_closed", "payment_received",
    "payment_completed", "case_closed",
)  # fmt: skip
"""Activities after which a case waits for nothing."""
DELIVERY = (
    "contract_signed", "sales_order_created", "order_fulfilled", "invoice_generated", "invoice_sent",
    "payment_received",
)  # fmt: skip
"""What follows on a win: in logs that have none of it, a win is such an activity too."""


def closings(
    log: EventLog, ends: str | Sequence[str], reopened: str | Sequence[str] = (), *, missing: bool = False,
    threads: int | None = None,
) -> NDArray[np.int64]:  # fmt: skip
    """Return when each case is closed by the last of some activities, shape (cases,).

    `NEVER` where it is not, or opened again later. See `reached` for the names.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "1", "2"], "activity": ["lost", "again", "lost"],
    ...                            "time": ["1970-01-02", "1970-01-03", "1970-01-02"]}))
    >>> (closings(log, "lost", "again") == NEVER).tolist()
    [True, False]
    """
    closed = reached(log, ends, missing=missing, threads=threads).lasts
    undone = reached(log, reopened, missing=missing, threads=threads).lasts
    return np.where(closed < undone, NEVER, closed)


def are_over(log: EventLog, others: EventLog, threads: int | None = None) -> NDArray[np.bool_]:
    """Return which cases wait for nothing, shape (cases,); see `Bottlenecks.queues`.

    Parameters
    ----------
    log : EventLog
    others : EventLog
        Whose cases tell after which activities none goes on.
    threads : int, optional
    """
    delivers = wanted_activities(log, DELIVERY, missing=True).any()
    ending = wanted_activities(log, ENDS if delivers else (*ENDS, *WON), missing=True)
    every, last = (
        np.bincount(codes, minlength=len(others.activities))
        for codes in (others.activity_codes, _last_activities(others))
    )
    final = (every == last) & ~wanted_activities(others, REOPENED, missing=True)
    texts = set(others.activities.take(arrow(np.flatnonzero(final))).to_pylist())
    ending |= np.array([text in texts for text in log.activities.to_pylist()], dtype=np.bool_)
    lost = closings(log, ENDS[0], REGAINED, missing=True, threads=threads) != NEVER
    over: NDArray[np.bool_] = ending[_last_activities(log)] | lost
    return over


def _last_activities(log: EventLog) -> NDArray[Any]:
    codes: NDArray[Any] = log.activity_codes[log.case_offsets[1:] - 1]
    return codes


def open_waits(
    log: EventLog, cases: NDArray[np.int64], groups: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return since when cases wait at their last activity, in rows of group and activity, largest first.

    Parameters
    ----------
    log : EventLog
    cases : ndarray of int64, shape (n,)
        Those that wait.
    groups : ndarray of int32, shape (cases,)
        Of all cases of the log.

    Returns
    -------
    source, group : ndarray of int64, shape (rows,)
    begins : ndarray of int64, shape (n,)
        Microseconds since 1970-01-01 UTC, row after row.
    sizes : ndarray of int64, shape (rows,)
    """
    width = len(log.activities)
    keys = groups[cases].astype(np.int64) * width + _last_activities(log)[cases]
    distinct, place, counts = np.unique(keys, return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order))
    begins, offsets = grouped(log.case_ends[cases], rank[place], len(order))
    group, source = np.divmod(distinct[order], width)
    return source, group, begins, np.diff(offsets)


def counted_by_period(
    begins: NDArray[np.int64], ends: NDArray[np.int64], offsets: NDArray[np.int64],
    span: tuple[int, int], period: Period, threads: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Count what begins, ends and is under way in each period, by a sweep over all of it; exact.

    Parameters
    ----------
    begins, ends : ndarray of int64, shape (n,)
        Microseconds since 1970-01-01 UTC, row after row; what ends outside of all periods never does.
    offsets : ndarray of int64, shape (rows + 1,)
    span : (int, int)
        The first and the last instant.
    period : {"day", "week"}
    threads : int, optional

    Returns
    -------
    dict of str to array, shape (n,)
        row; period: its first instant; arrivals, departures: in it; open: at its end. By row, then period;
        without those in which nothing is under way and nothing changes.

    Raises
    ------
    ArgumentError
        There is no such period, or there are too many.

    Examples
    --------
    >>> day = 86_400_000_000
    >>> begins, ends = np.array([0, day]), np.array([2 * day, day])
    >>> found = counted_by_period(begins, ends, np.array([0, 2]), (0, 2 * day), "day")
    >>> found["arrivals"].tolist(), found["departures"].tolist(), found["open"].tolist()
    ([1, 1, 0], [0, 1, 1], [1, 1, 0])
    """
    from dealtrace_engine.kernels.waiting import changes_by_period

    if period not in get_args(Period):
        raise ArgumentError(f"a period is 'day' or 'week', got {period!r}")
    length = DAY_US * (7 if period == "week" else 1)
    shift = -3 * DAY_US if period == "week" else 0  # 1970-01-01 was a Thursday
    origin = (span[0] - shift) // length * length + shift
    periods, rows = (span[1] - origin) // length + 1, len(offsets) - 1
    if periods * rows > MOST_COUNTS:
        raise ArgumentError(f"there would be {periods:,} periods of {rows:,} rows",
                            hint="ask for weeks, or for fewer groups")  # fmt: skip
    arrivals, departures = (np.zeros(rows * periods, dtype=np.int64) for _ in range(2))
    map_blocks(
        lambda block: changes_by_period(
            begins, ends, offsets, *block, origin, length, periods, arrivals, departures
        ),
        blocks(offsets), threads=threads,
    )  # fmt: skip
    under_way = np.cumsum((arrivals - departures).reshape(rows, periods), axis=1).ravel()
    kept = np.flatnonzero((arrivals > 0) | (departures > 0) | (under_way > 0))
    row, number = np.divmod(kept, periods)
    return {
        "row": row,
        "period": arrow(origin + number * length, _instants()),
        "arrivals": arrivals[kept],
        "departures": departures[kept],
        "open": under_way[kept],
    }


def _instants() -> Any:
    from dealtrace_engine.log import UTC_MICROSECONDS

    return UTC_MICROSECONDS
