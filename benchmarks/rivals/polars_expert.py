"""Polars as an expert writes it: ids to integers once, sorted once, then group-bys of narrow columns.

A log that is already in the order of time, as exports are, is sorted by case alone; sorting by (case, time)
gives the same order and takes about three times as long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import polars as pl

from benchmarks.answers import Answer, Figure, key, number
from benchmarks.questions import PERCENTILES, Log

WIDTH = 1 << 16
"""Room for so many activities in the number of an edge."""


class Loaded(NamedTuple):
    events: pl.DataFrame
    """case, activity (codes) and time in microseconds, sorted by case and time; ties in file order."""
    names: list[str]


def load(log: Log) -> Loaded:
    return prepared(pl.read_parquet(log.path, columns=[log.case_id, log.activity, log.timestamp]), log)


def load_csv(log: Log) -> Loaded:
    """The zone is cut off and the format given, which is twice as fast as letting it be found."""
    text = dict.fromkeys((log.case_id, log.activity, log.timestamp), pl.String)
    raw = pl.scan_csv(log.csv, schema_overrides=text).select(
        log.case_id, log.activity, pl.col(log.timestamp).str.to_datetime("%Y-%m-%d %H:%M:%S%.fZ")
    )
    return prepared(raw.collect(), log)


def prepared(raw: pl.DataFrame, log: Log) -> Loaded:
    names = raw[log.activity].unique().sort()
    codes = pl.col(log.activity).cast(pl.Enum(names)).to_physical().cast(pl.UInt16)
    time = pl.col(log.timestamp).dt.timestamp("us")
    case = pl.col(log.case_id).cast(pl.Categorical).to_physical()
    events = raw.select(case=case, activity=codes, time=time)
    if not events["time"].is_sorted():
        events = events.sort("time", maintain_order=True)
    return Loaded(events.sort("case", maintain_order=True), names.to_list())


def pairs(loaded: Loaded) -> pl.LazyFrame:
    """One row per directly-follows pair: the number of its edge and the time between, in microseconds."""
    following = pl.col("activity").shift(-1).cast(pl.UInt32)
    return (
        loaded.events.lazy()
        .select(
            edge=pl.col("activity").cast(pl.UInt32) * WIDTH + following,
            time=pl.col("time").shift(-1) - pl.col("time"),
            inside=pl.col("case") == pl.col("case").shift(-1),
        )
        .filter("inside")
        .select("edge", "time")
    )


def by_edge(loaded: Loaded, *figures: pl.Expr) -> pl.DataFrame:
    return pairs(loaded).group_by("edge").agg(figures).collect()


TIME = pl.col("time")
COUNT = [pl.len().alias("count")]
MOMENTS = [
    TIME.mean().alias("mean"), TIME.median().alias("median"), TIME.min().alias("min"),
    TIME.max().alias("max"), TIME.sum().alias("sum"), TIME.std().alias("stdev"),
]  # fmt: skip
RANKS = [TIME.quantile(p / 100, "linear").alias(f"p{p}") for p in PERCENTILES]


def cases(loaded: Loaded, *figures: pl.Expr) -> pl.DataFrame:
    return loaded.events.group_by("case", maintain_order=True).agg(figures)


TRACE = pl.col("activity").alias("variant")
DURATION = (TIME.last() - TIME.first()).alias("duration")


def throughput_of(durations: pl.Series) -> list[Any]:
    return [durations.quantile(p / 100, "linear") for p in PERCENTILES]


def everything(loaded: Loaded) -> dict[str, Any]:
    traces = cases(loaded, TRACE, DURATION)
    return {
        "edges": (by_edge(loaded, *COUNT, *MOMENTS, *RANKS), loaded.names),
        "variants": (traces.group_by("variant").len("count"), loaded.names),
        "throughput": throughput_of(traces["duration"]),
    }


def plain_edges(section: str, columns: list[str]) -> Callable[[tuple[pl.DataFrame, list[str]]], Answer]:
    def plain(found: tuple[pl.DataFrame, list[str]]) -> Answer:
        frame, names = found
        rows = frame.select("edge", *columns).rows()
        return {
            section: {key(names[e // WIDTH], names[e % WIDTH]): [_figure(x) for x in r] for e, *r in rows}
        }

    return plain


def _figure(value: Any) -> Figure:
    """Counts stay as they are; microseconds become seconds."""
    return None if value is None else number(value / 1e6)


def plain_counts(found: tuple[pl.DataFrame, list[str]]) -> Answer:
    frame, names = found
    rows = frame.select("edge", "count").rows()
    return {"directly_follows": {key(names[e // WIDTH], names[e % WIDTH]): [n] for e, n in rows}}


def plain_variants(found: tuple[pl.DataFrame, list[str]]) -> Answer:
    frame, names = found
    rows = frame.select("variant", "count").rows()
    return {"variants": {key(*(names[a] for a in trace)): [n] for trace, n in rows}}


def plain_throughput(found: list[Any]) -> Answer:
    return {"throughput": {"all": [_figure(x) for x in found]}}


def plain_everything(found: dict[str, Any]) -> Answer:
    parts = [TELL[name](found["edges"]) for name in ("directly_follows", "performance", "percentiles")]
    parts += [plain_variants(found["variants"]), plain_throughput(found["throughput"])]
    return {name: section for part in parts for name, section in part.items()}


ASK: dict[str, Callable[[Loaded], Any]] = {
    "directly_follows": lambda loaded: (by_edge(loaded, *COUNT), loaded.names),
    "performance": lambda loaded: (by_edge(loaded, *MOMENTS), loaded.names),
    "percentiles": lambda loaded: (by_edge(loaded, *RANKS), loaded.names),
    "variants": lambda loaded: (cases(loaded, TRACE).group_by("variant").len("count"), loaded.names),
    "throughput": lambda loaded: throughput_of(cases(loaded, DURATION)["duration"]),
    "everything": everything,
    "everything_csv": everything,
}
TELL: dict[str, Callable[[Any], Answer]] = {
    "directly_follows": plain_counts,
    "performance": plain_edges("performance", ["mean", "median", "min", "max", "sum", "stdev"]),
    "percentiles": plain_edges("percentiles", [f"p{p}" for p in PERCENTILES]),
    "variants": plain_variants,
    "throughput": plain_throughput,
    "everything": plain_everything,
    "everything_csv": plain_everything,
}
