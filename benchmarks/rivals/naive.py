"""Plain Python: lists, dicts and sorts, as a reader of the definitions would write them."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.answers import Answer, key, number
from benchmarks.questions import PERCENTILES, Log

Cases = list[tuple[tuple[str, ...], tuple[int, ...]]]
"""Activities and microseconds of each case, in order."""
Times = dict[tuple[str, str], list[int]]


def load(log: Log) -> Cases:
    table = pq.read_table(log.path, columns=[log.case_id, log.activity, log.timestamp])
    times = table[log.timestamp].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist()
    cases = defaultdict(list)
    for case, activity, time in zip(
        table[log.case_id].to_pylist(), table[log.activity].to_pylist(), times, strict=True
    ):
        cases[case].append((time, activity))
    for events in cases.values():
        events.sort(key=lambda event: event[0])
    return [(tuple(a for _, a in events), tuple(t for t, _ in events)) for events in cases.values()]


def directly_follows(cases: Cases) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for activities, _ in cases:
        counts.update(pairwise(activities))
    return counts


def edge_times(cases: Cases) -> Times:
    found = defaultdict(list)
    for activities, times in cases:
        for i in range(len(times) - 1):
            found[activities[i], activities[i + 1]].append(times[i + 1] - times[i])
    return found


def percentile(ordered: list[int], percent: float) -> float:
    """Interpolate linearly between the two nearest ranks; microseconds in, seconds out."""
    position = (len(ordered) - 1) * percent / 100
    low = math.floor(position)
    high = min(low + 1, len(ordered) - 1)
    return (ordered[low] + (ordered[high] - ordered[low]) * (position - low)) / 1e6


def performance(cases: Cases) -> dict[tuple[str, str], list[float]]:
    return {edge: moments(sorted(times)) for edge, times in edge_times(cases).items()}


def moments(ordered: list[int]) -> list[float]:
    n, total = len(ordered), sum(ordered)
    squares = n * sum(x * x for x in ordered) - total * total
    stdev = math.sqrt(squares / (n * (n - 1))) / 1e6 if n > 1 else math.nan
    middle = percentile(ordered, 50)
    return [total / (n * 10**6), middle, ordered[0] / 1e6, ordered[-1] / 1e6, total / 10**6, stdev]


def percentiles(cases: Cases) -> dict[tuple[str, str], list[float]]:
    ordered = {edge: sorted(times) for edge, times in edge_times(cases).items()}
    return {edge: [percentile(times, p) for p in PERCENTILES] for edge, times in ordered.items()}


def variants(cases: Cases) -> Counter[tuple[str, ...]]:
    return Counter(activities for activities, _ in cases)


def throughput(cases: Cases) -> list[float]:
    ordered = sorted(times[-1] - times[0] for _, times in cases)
    return [percentile(ordered, p) for p in PERCENTILES]


def everything(cases: Cases) -> dict[str, Any]:
    ordered = {edge: sorted(times) for edge, times in edge_times(cases).items()}
    return {
        "directly_follows": {edge: len(times) for edge, times in ordered.items()},
        "performance": {edge: moments(times) for edge, times in ordered.items()},
        "percentiles": {edge: [percentile(t, p) for p in PERCENTILES] for edge, t in ordered.items()},
        "variants": variants(cases),
        "throughput": throughput(cases),
    }


def plain_counts(section: str) -> Callable[[Any], Answer]:
    return lambda found: {section: {key(*names): [count] for names, count in found.items()}}


def plain_times(section: str) -> Callable[[Any], Answer]:
    return lambda found: {section: {key(*edge): [number(x) for x in row] for edge, row in found.items()}}


def plain_throughput(found: list[float]) -> Answer:
    return {"throughput": {"all": list(found)}}


def plain_everything(found: dict[str, Any]) -> Answer:
    return {name: TELL[name](part)[name] for name, part in found.items()}


ASK: dict[str, Callable[[Cases], Any]] = {
    "directly_follows": directly_follows,
    "performance": performance,
    "percentiles": percentiles,
    "variants": variants,
    "throughput": throughput,
    "everything": everything,
}
TELL: dict[str, Callable[[Any], Answer]] = {
    "directly_follows": plain_counts("directly_follows"),
    "performance": plain_times("performance"),
    "percentiles": plain_times("percentiles"),
    "variants": plain_counts("variants"),
    "throughput": plain_throughput,
    "everything": plain_everything,
}
