"""r4pm (process mining in Rust), by its bindings; it keeps the file order of rows, so sort first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import r4pm
from r4pm import bindings

from benchmarks.answers import Answer, key
from benchmarks.questions import Log

NAMES = ("case:concept:name", "concept:name", "time:timestamp")


def load(log: Log) -> str:
    """Return the name under which r4pm keeps the log."""
    columns = [log.case_id, log.activity, log.timestamp]
    frame = pl.read_parquet(log.path, columns=columns).select(columns)
    if not frame[log.timestamp].is_sorted():
        frame = frame.sort(log.timestamp, maintain_order=True)
    return str(r4pm.import_item_from_df("EventLog", frame.rename(dict(zip(columns, NAMES, strict=True)))))


def variants(log: str) -> list[Any]:
    return list(bindings.get_variants(bindings.log_to_activity_projection(log)))


def plain_counts(found: dict[str, Any]) -> Answer:
    return {"directly_follows": {key(*edge): [n] for edge, n in found["directly_follows_relations"]}}


def plain_variants(found: list[Any]) -> Answer:
    return {"variants": {key(*variant["activities"]): [variant["count"]] for variant in found}}


ASK: dict[str, Callable[[str], Any]] = {"directly_follows": bindings.discover_dfg, "variants": variants}
TELL: dict[str, Callable[[Any], Answer]] = {"directly_follows": plain_counts, "variants": plain_variants}
