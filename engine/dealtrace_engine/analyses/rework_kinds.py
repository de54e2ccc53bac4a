"""Rework by kind and by case."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.priced_groups import exact_sums, money
from dealtrace_engine.analyses.repeated import DOERS, KINDS, NAMES, Repeated
from dealtrace_engine.analyses.wait_figures import seconds
from dealtrace_engine.buffers import table, text


def kinds(found: Repeated) -> pa.Table:
    """Return a row per kind of rework, doer and group; see `Rework.kinds`."""
    groups = found.groups
    sizes = np.bincount(groups.codes, minlength=groups.count)
    rows: list[list[Any]] = []
    for kind in range(KINDS):
        has = found.counts[:, kind] > 0
        cases, (of, gaps) = groups.codes[has], found.times_of(kind)
        events = np.bincount(of, minlength=groups.count).tolist()
        times = exact_sums(gaps, of, groups.count)
        units = None if groups.amounts is None else groups.amounts.units[has]
        worth = [0] * groups.count if units is None else exact_sums(units, cases, groups.count)
        counts = np.bincount(cases, minlength=groups.count).tolist()
        rows += [
            [group, kind, events[group], counts[group], times[group], worth[group]]
            for group in range(groups.count) if counts[group]
        ]  # fmt: skip
    place = groups.currency_rank(np.arange(groups.count))
    rows.sort(key=lambda row: (place[row[0]], -row[4], row[1], row[0]))
    columns: dict[str, Any] = {
        **groups.columns(np.array([row[0] for row in rows], dtype=np.int64)),
        "kind": text([NAMES[row[1]] for row in rows]),
        "doer": text([DOERS[row[1]] for row in rows]),
        "events": np.array([row[2] for row in rows], dtype=np.int64),
        "cases": np.array([row[3] for row in rows], dtype=np.int64),
        "share": np.array([row[3] / sizes[row[0]] for row in rows], dtype=np.float64),
        "total_s": np.array([row[4] / 10**6 for row in rows], dtype=np.float64),
    }
    return table(columns if groups.amounts is None else columns | {"value": money([r[5] for r in rows])})


def by_case(found: Repeated) -> pa.Table:
    """Return a row per case; see `Rework.by_case`."""
    counts = found.counts.astype(np.int64)
    tallies = np.zeros((len(counts), 10), dtype=np.int64)
    tallies[:, 3:] = counts
    told = counted(tallies)
    names = (
        "rework_events",
        "self_loops",
        "repetitions",
        "by_same",
        "by_other",
        "by_unknown",
        "stage_returns",
    )
    columns = {name: told[name] for name in names}
    return table({
        "case_id": found.log.case_ids, **columns, "rework_s": seconds(found.times),
    })  # fmt: skip


def counted(tallies: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Return columns of counts from rows of tallies."""
    kinds = tallies[:, 3:9]
    return {
        "events": tallies[:, 0],
        "cases": tallies[:, 1],
        "rework_events": kinds.sum(axis=1),
        "rework_cases": tallies[:, 2],
        "rework_share": tallies[:, 2] / np.maximum(tallies[:, 1], 1),
        "self_loops": kinds[:, :3].sum(axis=1),
        "repetitions": kinds[:, 3:].sum(axis=1),
        "by_same": kinds[:, 0] + kinds[:, 3],
        "by_other": kinds[:, 1] + kinds[:, 4],
        "by_unknown": kinds[:, 2] + kinds[:, 5],
        "stage_returns": tallies[:, 9],
    }
