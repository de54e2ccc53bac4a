"""Queues and work in progress: how many cases are open, and how many wait for what, at the end of periods."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.buffers import arrow
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.parallel import blocks, map_blocks

Period = Literal["day", "week"]
"""UTC; weeks begin on Monday."""
DAY_US = 86_400 * 10**6
MOST_COUNTS = 1 << 25


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
