"""Service times: how long activities themselves take, where it is known when they started."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.edges import exact_moments
from dealtrace_engine.analyses.throughput import grouped
from dealtrace_engine.analyses.wait_figures import distinct_counts, measured
from dealtrace_engine.analyses.waits import Waits, in_rows
from dealtrace_engine.buffers import table
from dealtrace_engine.percentiles import group_percentiles


def service_of_targets(waits: Waits, threads: int | None = None) -> dict[str, Any]:
    """Return how long what is waited for itself took, in each row of waits; see `Bottlenecks.table`."""
    rows, known = len(waits.source), waits.starts.known
    if known is None:
        nothing = pa.nulls(rows, pa.float64())
        return {
            "service_count": np.zeros(rows, np.int64), "service_total_s": nothing, "service_p50_s": nothing,
        }  # fmt: skip
    told = known[waits.events]
    taken = _taken(waits, waits.events[told], waits.cases[told].astype(np.int64))
    times, offsets = grouped(taken, waits.rows[told].astype(np.int32), rows)
    counts = np.diff(offsets)
    totals = np.array([total / 10**6 for total, _ in exact_moments(times, offsets, threads)], np.float64)
    middle = group_percentiles(times, offsets, [50], threads=threads)[:, 0]
    return {
        "service_count": counts,
        "service_total_s": pa.array(totals, mask=counts == 0),
        "service_p50_s": pa.array(middle, mask=counts == 0),
    }


def service_times(waits: Waits, threads: int | None = None) -> pa.Table:
    """Return how long each activity takes, the first of a case too; see `Bottlenecks.service`."""
    log, groups, known = waits.log, waits.groups, waits.starts.known
    events = np.flatnonzero(known) if known is not None else np.zeros(0, dtype=np.int64)
    cases = np.searchsorted(log.case_offsets, events, side="right") - 1
    keys = groups.codes[cases].astype(np.int64) * len(log.activities) + log.activity_codes[events]
    distinct, numbers = np.unique(keys, return_inverse=True)
    taken = _taken(waits, events, cases)
    _, offsets, times, places = in_rows(numbers.astype(np.int32), max(len(distinct), 1), taken, threads)
    own = cases[places].astype(np.int32)
    figures = measured(times, offsets, distinct_counts(own, offsets, threads), threads)
    group, activity = np.divmod(distinct, len(log.activities))
    rows = table({**groups.columns(group), "activity": log.activity_texts(activity), **figures})
    order = np.lexsort((group, activity, -figures["total_s"]))
    return rows.take(pa.array(order))


def _taken(waits: Waits, events: NDArray[np.int64], cases: NDArray[np.int64]) -> NDArray[np.int64]:
    begun, ended, measure = waits.starts.microseconds[events], waits.log.timestamps[events], waits.measure
    return ended - begun if measure is None else measure(begun, ended, cases)
