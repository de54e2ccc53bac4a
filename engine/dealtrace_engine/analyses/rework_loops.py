"""What leads into loops and out of them, and steps that are soon done again by the same resource."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.repeated import Repeated
from dealtrace_engine.analyses.throughput import grouped
from dealtrace_engine.buffers import table, text
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.percentiles import group_percentiles

HOUR_S = 3_600
LEAST_REPEATS = 5
"""With fewer, a step is not called redundant."""
BY_SAME = (0, 3)


def loops(found: Repeated) -> pa.Table:
    """Return what comes directly before an activity that is done again, and directly after it.

    Parameters
    ----------
    found : Repeated

    Returns
    -------
    pyarrow.Table
        The attributes that were grouped by; currency, where there are amounts; activity: text; direction: in
        or out; neighbour: another activity, text; count; cases; share: of the counts of the activity and
        direction. By currency, then by activity with the most first, in before out, largest first, then by
        text.

    Examples
    --------
    >>> from dealtrace_engine.analyses.priced_groups import priced_groups
    >>> from dealtrace_engine.analyses.repeated import repeated
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"] * 4, "activity": ["quote", "reject", "quote", "win"],
    ...                            "time": ["2024-01-01", "2024-01-02", "2024-01-04", "2024-01-05"]}))
    >>> for row in loops(repeated(log, priced_groups(log), None, None)).to_pylist():
    ...     print(row["direction"], row["neighbour"], row["count"])
    in reject 1
    out win 1
    """
    log, width = found.log, len(found.log.activities)
    events, cases, rows = found.again
    codes = log.activity_codes
    last = log.case_offsets[cases + 1] - 1
    after = np.minimum(events + 1, last)
    sides = []
    for direction, beside in ((0, events - 1), (1, after)):
        other = codes[beside] != codes[events]  # also false at the end of the case
        key = (rows[other] * 2 + direction) * width + codes[beside[other]]
        sides.append(np.stack((key, cases[other])))
    keys, of = np.concatenate(sides, axis=1)
    distinct, at = np.unique(keys, return_inverse=True)
    counts = np.bincount(at, minlength=len(distinct))
    pairs = np.unique(at.astype(np.int64) * log.cases + of) // log.cases
    in_cases = np.bincount(pairs, minlength=len(distinct))
    row_side, neighbour = np.divmod(distinct, width)
    row, side = np.divmod(row_side, 2)
    group, activity = np.divmod(row, width)
    order = _loop_order(found, group, activity, side, neighbour, counts)
    sums = _whole(row_side, counts)
    columns: dict[str, Any] = {
        **found.groups.columns(group[order]),
        "activity": log.activity_texts(activity[order]),
        "direction": text([("in", "out")[each] for each in side[order].tolist()]),
        "neighbour": log.activity_texts(neighbour[order]),
        "count": counts[order],
        "cases": in_cases[order],
        "share": counts[order] / sums[order],
    }
    return table(columns)


def _whole(codes: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the sum of the counts with the same code, at each of them."""
    _, at = np.unique(codes, return_inverse=True)
    return np.bincount(at, weights=counts).astype(np.int64)[at] if len(codes) else counts


def _loop_order(
    found: Repeated, group: NDArray[np.int64], activity: NDArray[np.int64], side: NDArray[np.int64],
    neighbour: NDArray[np.int64], counts: NDArray[np.int64],
) -> NDArray[np.int64]:  # fmt: skip
    size = _whole(group * len(found.log.activities) + activity, counts)
    currency = found.groups.currency_rank(group)
    return np.lexsort((neighbour, -counts, side, group, activity, -size, currency))


def redundant_steps(found: Repeated, within_s: float = HOUR_S) -> pa.Table:
    """Return steps that the same resource does again: where that is soon, the first time was of no use.

    A step is called redundant where the median time until the same resource does it again is not above the
    limit, and that happens at least five times.

    Parameters
    ----------
    found : Repeated
    within_s : float
        The limit in seconds.

    Returns
    -------
    pyarrow.Table
        The attributes that were grouped by; currency, where there are amounts; activity: text; count: how
        often the same resource does it again; cases; share: of the events of the activity; p50_s: median
        seconds since the time before; quick_count, quick_share: those within the limit; redundant: true or
        false, null where there are too few; note: why. By currency, then redundant ones first, by
        quick_count, largest first, then by text.

    Raises
    ------
    ArgumentError
        The limit is below zero.

    Examples
    --------
    >>> from dealtrace_engine.analyses.priced_groups import priced_groups
    >>> from dealtrace_engine.analyses.repeated import repeated
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"] * 6, "activity": ["save"] * 6, "resource": ["Ann"] * 6,
    ...                            "time": [f"2024-01-01 12:0{n}" for n in range(6)]}))
    >>> redundant_steps(repeated(log, priced_groups(log), "resource", None)).to_pylist()[0]["p50_s"]
    60.0
    """
    if not isinstance(within_s, Real) or not within_s >= 0:
        raise ArgumentError(f"the limit is a number of seconds from 0, got {within_s!r}")
    same = np.isin(found.kinds, BY_SAME)
    cases, rows = (each[same] for each in found.again[1:])
    gaps_of = found.gaps[same]
    places, at = np.unique(rows, return_inverse=True)
    gaps, offsets = grouped(gaps_of, at.astype(np.int32), len(places))
    counts = np.diff(offsets)
    pairs = np.unique(at.astype(np.int64) * found.log.cases + cases) // found.log.cases
    quick = np.bincount(at, weights=gaps_of <= within_s * 10**6, minlength=len(places))
    middle = group_percentiles(gaps, offsets, [50])[:, 0]
    few, soon = counts < LEAST_REPEATS, middle <= within_s
    group, activity = np.divmod(places, len(found.log.activities))
    rank = found.groups.currency_rank(group)
    order = np.lexsort((group, activity, -counts, -quick, few | ~soon, rank))
    notes = [f"fewer than {LEAST_REPEATS} times" if each else None for each in few[order].tolist()]
    return table({
        **found.groups.columns(group[order]),
        "activity": found.log.activity_texts(activity[order]),
        "count": counts[order],
        "cases": np.bincount(pairs, minlength=len(places))[order],
        "share": counts[order] / found.tallies[places[order], 0],
        "p50_s": middle[order],
        "quick_count": quick[order].astype(np.int64),
        "quick_share": quick[order] / counts[order],
        "redundant": pa.array(soon[order], mask=few[order]),
        "note": text(notes),
    })  # fmt: skip
