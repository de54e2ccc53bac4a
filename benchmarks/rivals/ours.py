"""dealtrace itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import dealtrace as dt
from benchmarks.answers import Answer, Figure, key, number
from benchmarks.questions import PERCENTILES, Log


@dataclass(frozen=True)
class Loaded:
    log: dt.EventLog
    net_file: str = ""

    @cached_property
    def net(self) -> Any:
        """Read when first asked for: not all questions need it."""
        return dt.read_pnml(self.net_file)


def load(log: Log) -> Loaded:
    events = dt.read_parquet(log.path, case_id=log.case_id, activity=log.activity, timestamp=log.timestamp)
    return Loaded(events, log.net)


def load_csv(log: Log) -> Loaded:
    events = dt.read_csv(log.csv, case_id=log.case_id, activity=log.activity, timestamp=log.timestamp)
    return Loaded(events)


def directly_follows(loaded: Loaded) -> dt.DirectlyFollows:
    return dt.directly_follows(loaded.log)


def performance(loaded: Loaded) -> dt.DirectlyFollows:
    graph = directly_follows(loaded)
    _ = graph.edges
    return graph


def variants(loaded: Loaded) -> dt.Variants:
    found = dt.variants(loaded.log)
    _ = found.as_found
    return found


def throughput(loaded: Loaded) -> list[float]:
    return list(dt.throughput_times(loaded.log).percentiles(PERCENTILES))


def replay(loaded: Loaded) -> dt.TokenReplay:
    return dt.token_replay(loaded.log, loaded.net)


def everything(loaded: Loaded) -> tuple[dt.DirectlyFollows, dt.Variants, list[float]]:
    return performance(loaded), variants(loaded), throughput(loaded)


def everything_replay(loaded: Loaded) -> tuple[Any, ...]:
    graph, paths, times = everything(loaded)
    return graph, paths, times, dt.token_replay(loaded.log, loaded.net, known=paths)


def edges(section: str, *columns: str) -> Callable[[dt.DirectlyFollows], Answer]:
    """Return a function that writes columns of the edges plainly."""

    def plain(graph: dt.DirectlyFollows) -> Answer:
        table = graph.counts if columns == ("count",) else graph.edges
        rows = table.select(["source", "target", *columns]).to_pylist()
        return {section: {key(r["source"], r["target"]): [_figure(r[c]) for c in columns] for r in rows}}

    return plain


def _figure(value: float | int) -> Figure:
    return value if isinstance(value, int) else number(value)


def plain_variants(found: dt.Variants) -> Answer:
    counts = found.counts.tolist()
    return {"variants": {key(*v): [n] for v, n in zip(found.activities.to_pylist(), counts, strict=True)}}


def plain_throughput(found: list[float]) -> Answer:
    return {"throughput": {"all": list(found)}}


def plain_replay(found: dt.TokenReplay) -> Answer:
    counts: list[Figure] = [found.produced, found.consumed, found.missing, found.remaining, found.fit_cases]
    figures: list[Figure] = [
        found.average_trace_fitness,
        found.log_fitness,
        found.percentage_of_fitting_traces,
    ]
    return {"replay": {"tokens": counts, "fitness": figures}}


def plain_everything(found: tuple[Any, ...]) -> Answer:
    graph, paths, times = found[:3]
    parts = [TELL[name](graph) for name in ("directly_follows", "performance", "percentiles")]
    parts += [
        plain_variants(paths),
        plain_throughput(times),
        *(plain_replay(replayed) for replayed in found[3:]),
    ]
    return {name: section for part in parts for name, section in part.items()}


ASK: dict[str, Callable[[Loaded], Any]] = {
    "directly_follows": directly_follows,
    "performance": performance,
    "percentiles": performance,
    "variants": variants,
    "throughput": throughput,
    "replay": replay,
    "everything": everything,
    "everything_csv": everything,
    "everything_replay": everything_replay,
}
TELL: dict[str, Callable[[Any], Answer]] = {
    "directly_follows": edges("directly_follows", "count"),
    "performance": edges("performance", "mean_s", "median_s", "min_s", "max_s", "sum_s", "stdev_s"),
    "percentiles": edges("percentiles", "p50_s", "p90_s", "p95_s", "p99_s"),
    "variants": plain_variants,
    "throughput": plain_throughput,
    "replay": plain_replay,
    "everything": plain_everything,
    "everything_csv": plain_everything,
    "everything_replay": plain_everything,
}
