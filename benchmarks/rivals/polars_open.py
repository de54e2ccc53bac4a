"""Polars on its own table: sorted, encoded, the attributes of the cases beside each event.

A filter on an attribute is then one pass over a column of codes. Rework is a case
having fewer activities than events. For sequences the activities of a case are held as a text with one
character each, and its regular expressions do the rest. All of that is made before the time is taken.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from benchmarks.answers import Answer
from benchmarks.questions import ATTRIBUTES, HALF, SEQUENCE, TWENTIETH, Log
from benchmarks.rivals import polars_expert as expert

FIRST_LETTER = 0x100
"""Letters of activities begin here: none of them means anything in a regular expression."""


class Loaded(NamedTuple):
    events: pl.DataFrame
    """case, activity, time as in `polars_expert`; the attributes as enums."""
    names: list[str]
    traces: pl.Series
    """A text per case, a letter per event."""
    file: Path


class Kept(NamedTuple):
    edges: pl.DataFrame
    variants: pl.DataFrame
    names: list[str]
    cases: int
    of: int


def load(log: Log) -> Loaded:
    raw = pl.read_parquet(log.path, columns=[log.case_id, log.activity, log.timestamp, *ATTRIBUTES])
    names = raw[log.activity].unique().sort()
    attributes = {name: _encoded(raw[name]) for name in ATTRIBUTES}
    case = pl.col(log.case_id).cast(pl.Categorical).to_physical()
    codes = pl.col(log.activity).cast(pl.Enum(names)).to_physical().cast(pl.UInt16)
    events = raw.select(case=case, activity=codes, time=pl.col(log.timestamp).dt.timestamp("us"))
    events = events.with_columns(**attributes).sort("case", "time", maintain_order=True)
    events = events.with_columns(case=(pl.col("case") != pl.col("case").shift(1)).fill_null(False).cum_sum())
    events = events.rechunk()
    folder = tempfile.mkdtemp(prefix="polars-open-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = Path(folder, "events.arrow")
    events.write_ipc(file)
    return Loaded(events, names.to_list(), _traces(events, len(names)), file)


def _encoded(column: pl.Series) -> pl.Series:
    return column.cast(pl.Enum(column.drop_nulls().unique().sort()))


def _letter(code: int) -> str:
    return chr(FIRST_LETTER + code)


def _traces(events: pl.DataFrame, activities: int) -> pl.Series:
    letters = pl.Series([_letter(code) for code in range(activities)])
    written = events.select("case", letter=letters.gather(events["activity"]))
    return written.group_by("case", maintain_order=True).agg(pl.col("letter").str.join(""))["letter"]


def answered(events: pl.DataFrame, loaded: Loaded) -> Kept:
    """Answer again on the events of the cases that are kept."""
    kept = expert.Loaded(events, loaded.names)
    edges = expert.by_edge(kept, *expert.COUNT, *expert.RANKS)
    traces = expert.cases(kept, expert.TRACE)
    variants = traces.group_by("variant").len("count")
    return Kept(edges, variants, loaded.names, traces.height, len(loaded.traces))


def by_regions(loaded: Loaded) -> Kept:
    chosen = loaded.events.lazy().filter(pl.col("region").is_in(HALF))
    return answered(chosen.select("case", "activity", "time").collect(), loaded)


def by_region_and_product(loaded: Loaded) -> Kept:
    region, product = TWENTIETH
    chosen = loaded.events.lazy().filter(pl.col("region") == region, pl.col("product") == product)
    return answered(chosen.select("case", "activity", "time").collect(), loaded)


def by_rework(loaded: Loaded) -> Kept:
    repeats = (pl.col("activity").n_unique() < pl.len()).alias("repeats")
    found = loaded.events.group_by("case", maintain_order=True).agg(repeats)["repeats"]
    chosen = loaded.events.filter(found.gather(loaded.events["case"]))
    return answered(chosen.select("case", "activity", "time"), loaded)


def sequence(loaded: Loaded) -> tuple[int, int]:
    first, repeated, last = (_letter(loaded.names.index(name)) for name in SEQUENCE)
    found = loaded.traces.str.contains(f"{first}.*{repeated}+{last}").sum()
    return int(found), len(loaded.traces)


def reopened(loaded: Loaded) -> int:
    return int(pl.scan_ipc(loaded.file).select(pl.len()).collect().item())


def plain_kept(found: Kept) -> Answer:
    edges = (found.edges, found.names)
    parts = [expert.TELL[name](edges) for name in ("directly_follows", "percentiles")]
    parts += [expert.plain_variants((found.variants, found.names)), plain_share((found.cases, found.of))]
    return {name: section for part in parts for name, section in part.items()}


def plain_share(found: tuple[int, int]) -> Answer:
    return {"kept": {"cases": list(found)}}


def plain_open(events: int) -> Answer:
    return {"open": {"events": [events]}}


ASK: dict[str, Callable[[Loaded], Any]] = {
    "filter_half": by_regions,
    "filter_twentieth": by_region_and_product,
    "filter_rework": by_rework,
    "sequence": sequence,
    "open": reopened,
}
TELL: dict[str, Callable[[Any], Answer]] = {
    "filter_half": plain_kept,
    "filter_twentieth": plain_kept,
    "filter_rework": plain_kept,
    "sequence": plain_share,
    "open": plain_open,
}
