"""pm4py, by its documented calls on a formatted data frame."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.answers import Answer, key, number
from benchmarks.questions import PERCENTILES, Log

warnings.simplefilter("ignore")
import pm4py  # noqa: E402  (it warns on import)

Edge = tuple[str, str]
MOMENTS = ("mean", "median", "min", "max", "sum", "stdev")


class Loaded(NamedTuple):
    frame: pd.DataFrame
    net: Any


def load(log: Log) -> Loaded:
    frame = pd.read_parquet(log.path, columns=[log.case_id, log.activity, log.timestamp])
    frame = pm4py.format_dataframe(
        frame, case_id=log.case_id, activity_key=log.activity, timestamp_key=log.timestamp
    )
    return Loaded(frame, pm4py.read_pnml(log.net) if log.net else None)


def directly_follows(loaded: Loaded) -> dict[Edge, int]:
    return dict(pm4py.discover_dfg(loaded.frame)[0])


def performance(loaded: Loaded) -> dict[Edge, dict[str, float]]:
    return dict(pm4py.discover_performance_dfg(loaded.frame)[0])


def edge_times(loaded: Loaded) -> dict[Edge, list[float]]:
    return dict(pm4py.discover_performance_dfg(loaded.frame, perf_aggregation_key="raw_values")[0])


def percentiles(loaded: Loaded) -> dict[Edge, Any]:
    return {edge: np.percentile(times, PERCENTILES) for edge, times in edge_times(loaded).items()}


def variants(loaded: Loaded) -> dict[tuple[str, ...], int]:
    return dict(pm4py.get_variants(loaded.frame))


def throughput(loaded: Loaded) -> Any:
    return np.percentile(pm4py.get_all_case_durations(loaded.frame), PERCENTILES)


def replay(loaded: Loaded) -> list[dict[str, Any]]:
    return list(pm4py.conformance_diagnostics_token_based_replay(loaded.frame, *loaded.net))


def everything(loaded: Loaded) -> dict[str, Any]:
    """One call for all figures of the edges, then numpy: faster than three calls."""
    arrays = {edge: np.asarray(times) for edge, times in edge_times(loaded).items()}
    return {
        "directly_follows": {edge: len(times) for edge, times in arrays.items()},
        "performance": {edge: moments(times) for edge, times in arrays.items()},
        "percentiles": {edge: np.percentile(times, PERCENTILES) for edge, times in arrays.items()},
        "variants": variants(loaded),
        "throughput": throughput(loaded),
    }


def moments(times: Any) -> dict[str, float]:
    stdev = times.std(ddof=1) if len(times) > 1 else np.nan
    figures = (times.mean(), np.median(times), times.min(), times.max(), times.sum(), stdev)
    return dict(zip(MOMENTS, figures, strict=True))


def everything_replay(loaded: Loaded) -> dict[str, Any]:
    return everything(loaded) | {"replay": replay(loaded)}


def plain_counts(section: str) -> Callable[[Any], Answer]:
    return lambda found: {section: {key(*names): [int(n)] for names, n in found.items()}}


def plain_performance(found: dict[Edge, dict[str, float]]) -> Answer:
    return {"performance": {key(*edge): [number(row[m]) for m in MOMENTS] for edge, row in found.items()}}


def plain_percentiles(found: dict[Edge, Any]) -> Answer:
    return {"percentiles": {key(*edge): [number(x) for x in row] for edge, row in found.items()}}


def plain_throughput(found: Any) -> Answer:
    return {"throughput": {"all": [number(x) for x in found]}}


def plain_replay(found: list[dict[str, Any]]) -> Answer:
    names = ("produced_tokens", "consumed_tokens", "missing_tokens", "remaining_tokens")
    produced, consumed, missing, remaining = (sum(int(case[name]) for case in found) for name in names)
    fit = sum(bool(case["trace_is_fit"]) for case in found)
    average = sum(case["trace_fitness"] for case in found) / len(found)
    whole = 0.5 * (1 - missing / consumed) + 0.5 * (1 - remaining / produced)
    return {
        "replay": {
            "tokens": [produced, consumed, missing, remaining, fit],
            "fitness": [float(average), whole, 100 * fit / len(found)],
        }
    }


def plain_everything(found: dict[str, Any]) -> Answer:
    return {name: TELL[name](part)[name] for name, part in found.items()}


ASK: dict[str, Callable[[Loaded], Any]] = {
    "directly_follows": directly_follows,
    "performance": performance,
    "percentiles": percentiles,
    "variants": variants,
    "throughput": throughput,
    "replay": replay,
    "everything": everything,
    "everything_replay": everything_replay,
}
TELL: dict[str, Callable[[Any], Answer]] = {
    "directly_follows": plain_counts("directly_follows"),
    "performance": plain_performance,
    "percentiles": plain_percentiles,
    "variants": plain_counts("variants"),
    "throughput": plain_throughput,
    "replay": plain_replay,
    "everything": plain_everything,
    "everything_replay": plain_everything,
}
