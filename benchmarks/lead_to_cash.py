"""What sales and finance ask, timed: ns an event, warm, and beside Polars where one query answers the same.

A generated log is read, each question answered once to be warm, then `--runs` times in turns; answers are
compared before times are. `python -m benchmarks.lead_to_cash --help`.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import polars as pl

import dealtrace as dt
from benchmarks import machine, table
from benchmarks.logs import SEED, generated
from benchmarks.measure import ROOT
from benchmarks.run import public
from dealtrace_engine.analyses.segment_ends import SegmentEnd
from dealtrace_engine.lead_to_cash.milestones import LEAD_TO_CASH_SEGMENTS
from dealtrace_engine.sources.labels import activity_label

MARKERS = "<!-- lead-to-cash table -->", "<!-- /lead-to-cash table -->"
SEGMENT = ("Quote/Proposal Issued", "Quote Accepted")
COLUMNS = ["case_id", "activity", "timestamp", "resource"]
Answer = dict[Any, int]
Milestone = tuple[tuple[str, ...], bool]
"""Names of activities in the log, and whether their last occurrence counts instead of the first."""


def _milestone(end: SegmentEnd) -> Milestone:
    return tuple(activity_label(name, "en") for name in end.activities), end.occurrence == "last"


READY = {
    segment.id: (_milestone(segment.source), _milestone(segment.target))
    for segment in LEAD_TO_CASH_SEGMENTS
    if segment.source.occurrence != "every"
}


def ours(log: dt.EventLog) -> dict[str, Callable[[], Any]]:
    """Return the questions, each as a call that has every figure made."""
    return {
        "one segment": lambda: dt.segments(log, [SEGMENT]).table,
        "segments, the ready set": lambda: dt.segments(log).table,
        "stages": lambda: dt.stages(log).table,
        "funnel": lambda: dt.funnel(log).table,
        "bottlenecks": lambda: dt.bottlenecks(log).table,
        "rework": lambda: dt.rework(log).table,
        "handovers": lambda: dt.handovers(log).table,
        "rules, the ready pack": lambda: dt.check_rules(log).table,
        "kpis": lambda: dt.kpis(log).table,
    }


def segment(events: pl.DataFrame) -> Answer:
    source, target = SEGMENT
    at = events.lazy().group_by("case").agg(
        pl.col("timestamp").filter(pl.col("activity") == source).min().alias("source"),
        pl.col("timestamp").filter(pl.col("activity") == target).min().alias("target"),
    )  # fmt: skip
    times = at.filter(pl.col("target") >= pl.col("source")).select(pl.col("target") - pl.col("source"))
    found = times.select(
        pl.len().alias("n"), pl.col("target").median().alias("p50"), pl.col("target").quantile(0.9, "linear")
        .alias("p90"),
    )  # fmt: skip
    return {"reached": int(found.collect()["n"][0])}


def ready_segments(events: pl.DataFrame) -> Answer:
    """Answer all pairs of the ready set but those that take every occurrence."""
    ends: dict[Milestone, pl.Expr] = {}
    for milestone in {end for pair in READY.values() for end in pair}:
        names, last = milestone
        at = pl.col("timestamp").filter(pl.any_horizontal(pl.col("activity") == name for name in names))
        ends[milestone] = (at.max() if last else at.min()).alias(str(milestone))
    times = events.lazy().group_by("case").agg(ends.values())
    figures = []
    for name, (source, target) in READY.items():
        taken = pl.col(str(target)) - pl.col(str(source))
        there = taken.filter(taken >= pl.duration())
        figures += [
            there.len().alias(name), there.mean().alias(f"{name} mean"), there.median().alias(f"{name} p50"),
            there.quantile(0.9, "linear").alias(f"{name} p90"),
            there.quantile(0.95, "linear").alias(f"{name} p95"),
        ]  # fmt: skip
    found = times.select(figures).collect()
    return {name: int(found[name][0]) for name in READY}


def waits(events: pl.DataFrame) -> Answer:
    following = {name: pl.col(name).shift(-1).over("case") for name in ("activity", "timestamp")}
    pairs = events.lazy().select(
        "case", "activity", next=following["activity"], wait=following["timestamp"] - pl.col("timestamp")
    ).filter(pl.col("next").is_not_null())  # fmt: skip
    found = pairs.group_by("activity", "next").agg(
        pl.len().alias("n"), pl.col("case").n_unique().alias("cases"), pl.col("wait").sum().alias("sum"),
        pl.col("wait").median().alias("p50"), pl.col("wait").quantile(0.9, "linear").alias("p90"),
    )  # fmt: skip
    return {(a, b): n for a, b, n in found.select("activity", "next", "n").collect().iter_rows()}


def handovers(events: pl.DataFrame) -> Answer:
    following = pl.col("resource").shift(-1).over("case")
    pairs = events.lazy().select(
        "resource", following.alias("next"),
        wait=(pl.col("timestamp").shift(-1) - pl.col("timestamp")).over("case"),
    ).filter(pl.col("resource") != pl.col("next"))  # fmt: skip
    found = pairs.group_by("resource", "next").agg(
        pl.len().alias("n"), pl.col("wait").sum().alias("sum"), pl.col("wait").median().alias("p50"),
        pl.col("wait").quantile(0.9, "linear").alias("p90"),
    )  # fmt: skip
    return {(a, b): n for a, b, n in found.select("resource", "next", "n").collect().iter_rows()}


def rework(events: pl.DataFrame) -> Answer:
    before = pl.int_range(pl.len()).over("case", "activity") > 0
    found = events.lazy().filter(before).group_by("activity").agg(
        pl.len().alias("n"), pl.col("case").n_unique().alias("cases")
    )  # fmt: skip
    return dict(found.select("activity", "n").collect().iter_rows())


RIVALS: dict[str, tuple[Callable[[pl.DataFrame], Answer], Callable[[Any], Answer]]] = {
    "one segment": (segment, lambda t: {"reached": t["reached"][0].as_py()}),
    "handovers": (
        handovers, lambda t: {(r["source"], r["target"]): r["handovers"] for r in t.to_pylist()},
    ),
    "segments, the ready set": (
        ready_segments,
        lambda t: {r["segment"]: r["reached"] for r in t.to_pylist() if r["segment"] in READY},
    ),
    "bottlenecks": (waits, lambda t: {(r["source"], r["target"]): r["count"] for r in t.to_pylist()}),
    "rework": (
        rework,
        lambda t: {r["activity"]: r["rework_events"] for r in t.to_pylist() if r["rework_events"]},
    ),
}  # fmt: skip


def sorted_events(path: Path) -> pl.DataFrame:
    """Return the events as an expert would keep them: sorted once, texts as categories."""
    raw = pl.read_parquet(path, columns=COLUMNS)
    kinds = [pl.col(name).cast(pl.Categorical) for name in ("case_id", "activity", "resource")]
    events = raw.with_columns(kinds).with_columns(case=pl.col("case_id").to_physical())
    return events.drop("case_id").sort("case", "timestamp", maintain_order=True)


def timed(call: Callable[[], Any]) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=float, default=1e7, help="events of the generated log")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cache", default=str(Path(tempfile.gettempdir()) / "dealtrace-benchmarks"))
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    options = parser.parse_args()
    path = generated(int(options.size), Path(options.cache))
    log = dt.read_parquet(path, case_id="case_id", activity="activity", timestamp="timestamp")
    log = log.with_attributes(["resource", "stage"])
    events = sorted_events(path)
    lines = ["| question | time | ns an event | Polars |", "|---|---|---|---|"]
    for name, call in ours(log).items():
        answer, note = call(), ""
        if name in RIVALS:
            query, plain = RIVALS[name]
            note = "" if query(events) == plain(answer) else ", answers differ"
        runs: list[float] = []
        theirs: list[float] = []
        for _ in range(options.runs):
            runs.append(timed(call))
            if name in RIVALS:
                theirs.append(timed(partial(RIVALS[name][0], events)))
        took = median(runs)
        beside = f"{table.duration(median(theirs))} ({median(theirs) / took:.1f}x){note}" if theirs else ""
        lines.append(f"| {name} | {table.duration(took)} | {1e9 * took / log.events:.1f} | {beside} |")
        print(lines[-1], file=sys.stderr, flush=True)
    start = perf_counter()
    dt.findings(log)
    spent = table.duration(perf_counter() - start)
    command = shlex.join(["python", "-m", "benchmarks.lead_to_cash", *public(sys.argv[1:])])
    versions = ", ".join(f"{k} {v}" for k, v in machine.versions((*machine.OURS, "polars")).items())
    how = f"in memory and warm, median of {options.runs}; the ten findings: {spent}"
    lines += ["", f"{log.events:,} events, seed {SEED}, {how}. {machine.machine()}; {versions}."]
    lines.append(f"Command: `{command}`.")
    print("\n".join(lines))
    if options.write:
        table.put(ROOT / "benchmarks" / "README.md", "\n".join(lines), MARKERS)


if __name__ == "__main__":
    main()
