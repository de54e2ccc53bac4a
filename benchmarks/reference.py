"""Our figures in the form of a reference file, and how far the two are apart.

A reference file is what `make_reference.py` writes. Integers and texts are equal or not; floats are compared
by their relative difference.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

import dealtrace as dt

TOLERANCE = {"edge_stdev": 1e-9}
"""By figure; the reference's own sums of squares carry rounding errors."""
DEFAULT_TOLERANCE = 1e-12
NOT_COMPARED = ("log", "tool", "made_by", "replay")
TOP = 20


@dataclass(frozen=True)
class Comparison:
    """One figure of a reference file beside ours.

    Attributes
    ----------
    figure : str
    values : int
        How many numbers and texts were compared.
    worst : float
        Largest relative difference; infinite where counts or texts differ or something is missing.
    where : str
        The first place that is not equal within the tolerance; empty where all are.
    """

    figure: str
    values: int
    worst: float
    where: str = ""

    @property
    def equal(self) -> bool:
        return not self.where

    def __str__(self) -> str:
        return "equal" if self.equal else f"DIFFERS by {self.worst:.2g} at {self.where}"


def comparisons(
    log: dt.EventLog, reference: dict[str, Any], replay: dt.TokenReplay | None = None
) -> list[Comparison]:
    """Compare every figure of a reference with that of the log.

    Parameters
    ----------
    log : EventLog
    reference : dict
        Content of a reference file.
    replay : TokenReplay, optional
        Of the log on the reference's net; without it those figures are left out.
    """
    ours = figures(log)
    names = [name for name in reference if name not in NOT_COMPARED]
    found = [compare(name, ours.get(name), reference[name]) for name in names]
    if replay is not None:
        own = replay_figures(replay)
        expected = {name: value for name, value in reference["replay"].items() if name in own}
        found += [compare("replay", own, expected)]
    return found


def differences(
    log: dt.EventLog, reference: dict[str, Any], replay: dt.TokenReplay | None = None
) -> list[Comparison]:
    """Return the figures that differ; see `comparisons`."""
    return [found for found in comparisons(log, reference, replay) if not found.equal]


def compare(figure: str, ours: Any, theirs: Any) -> Comparison:
    """Compare all numbers and texts within a figure."""
    own, expected = dict(leaves(ours)), dict(leaves(theirs))
    tolerance = TOLERANCE.get(figure, DEFAULT_TOLERANCE)
    worst, where = 0.0, ""
    for place in [*expected, *(p for p in own if p not in expected)]:
        found = relative(own.get(place, "missing"), expected.get(place, "missing"))
        if found > tolerance and not where:
            where = f"{place}: {own.get(place, 'missing')!r} and {expected.get(place, 'missing')!r}"
        worst = max(worst, found)
    return Comparison(figure, len(expected), worst, where)


def leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each number or text inside nested lists and dicts, with where it stands."""
    if isinstance(value, dict):
        for name in value:
            yield from leaves(value[name], f"{place}.{name}")
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from leaves(item, f"{place}[{position}]")
    else:
        yield place, value


def relative(ours: Any, theirs: Any) -> float:
    """Return the relative difference of two leaves."""
    if not (isinstance(ours, float) or isinstance(theirs, float)):
        return 0.0 if ours == theirs else math.inf
    if not (isinstance(ours, int | float) and isinstance(theirs, int | float)):
        return math.inf
    return 0.0 if ours == theirs else abs(ours - theirs) / max(abs(ours), abs(theirs))


def figures(log: dt.EventLog) -> dict[str, Any]:
    """Return our figures of a log in the form of a reference file."""
    graph = dt.directly_follows(log)
    return {
        "rows": log.quality.rows_read,
        "events": log.events,
        "cases": log.cases,
        "activities": len(log.activities),
        **activity_figures(graph.activities),
        **edge_figures(graph.edges),
        **variant_figures(dt.variants(log)),
        **duration_figures(dt.throughput_times(log)),
    }


def activity_figures(table: pa.Table) -> dict[str, Any]:
    rows = sorted(table.to_pylist(), key=lambda row: row["activity"])
    columns = {"activity_counts": "count", "start_activities": "start", "end_activities": "end"}
    return {
        name: {row["activity"]: row[column] for row in rows if row[column]}
        for name, column in columns.items()
    }


def edge_figures(table: pa.Table) -> dict[str, Any]:
    rows = sorted(table.to_pylist(), key=lambda row: (row["source"], row["target"]))

    def columns(*names: str) -> list[list[Any]]:
        return [[row["source"], row["target"], *(finite(row[name]) for name in names)] for row in rows]

    return {
        "dfg": columns("count"),
        "performance": columns("mean_s", "median_s", "min_s", "max_s", "sum_s"),
        "edge_cases": columns("cases"),
        "edge_percentiles_50_90_95_99": columns("p50_s", "p90_s", "p95_s", "p99_s"),
        "edge_stdev": columns("stdev_s"),
    }


def variant_figures(found: dt.Variants) -> dict[str, Any]:
    traces = list(zip(found.activities.to_pylist(), found.counts.tolist(), strict=True))
    lines = sorted("\t".join((*trace, str(cases))) for trace, cases in traces)
    return {
        "variants": len(found),
        "variants_sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
        "top_variants": [list(item) for item in traces[:TOP]],
    }


def duration_figures(found: dt.ThroughputTimes) -> dict[str, Any]:
    points = (0, 25, 50, 75, 90, 95, 99, 100)
    values = found.percentiles(points)
    total = sum(found.microseconds.tolist())
    return {
        "case_duration_percentiles": dict(zip(map(str, points), values, strict=True)),
        "case_duration_mean": total / (10**6 * len(found.microseconds)),
    }


def replay_figures(found: dt.TokenReplay) -> dict[str, Any]:
    return {
        "produced_tokens": found.produced,
        "consumed_tokens": found.consumed,
        "missing_tokens": found.missing,
        "remaining_tokens": found.remaining,
        "fit_cases": found.fit_cases,
        "average_trace_fitness": found.average_trace_fitness,
        "log_fitness": found.log_fitness,
        "percentage_of_fitting_traces": found.percentage_of_fitting_traces,
    }


def finite(value: Any) -> Any:
    """Return None for NaN, as a reference file does."""
    return None if isinstance(value, float) and math.isnan(value) else value
