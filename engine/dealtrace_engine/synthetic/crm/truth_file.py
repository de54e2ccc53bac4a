"""The truth of an organisation as a Parquet file: what happened, and what of it the written shape shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.traces import Tables, Trace, traced

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.synthetic.crm.facts import Facts

COLUMNS = (
    "case_id", "case_object", "case_shown", "activity", "timestamp", "object", "record_id", "resource_id",
    "resource", "value_from", "value_to", "derivable", "precision", "evidence", "note",
)  # fmt: skip
"""What `write_truth` documents."""
_ROW_GROUP = 500_000

RecordIds = Callable[[str, "pl.Series"], "pl.Series"]
"""Kind of record and keys to the ids by which the export names them; null stays null."""


@dataclass(frozen=True)
class Shown:
    """What a shape shows of an organisation.

    Attributes
    ----------
    system : {"salesforce", "dynamics"}
    shape : str
    tables : mapping of str to DataFrame
        All of which rows are in the export; with `VERSIONS` after the name all versions.
    cases : mapping of str to tuple of str
        Kind of case, "opportunity" or "lead", to its table and the column of its id.
    precision : {"instant", "minute"}
        To which all instants of the shape are cut.
    record_ids : callable
    users : Series
        Ids of the users by position.
    renamed : callable, optional
        What the shape calls a record whose id it does not show.
    """

    system: str
    shape: str
    tables: Tables
    cases: Mapping[str, tuple[str, str]]
    precision: str
    record_ids: RecordIds
    users: pl.Series
    renamed: Callable[[pl.Series], pl.Series] | None = None


def write_truth(
    path: Path, facts: Facts, truth: pl.DataFrame, shown: Shown, traces: Mapping[str, Sequence[Trace]]
) -> dict[str, dict[str, int]]:
    """Write the truth, activity by activity, each in the order of time.

    Columns: case_id (as the export writes ids; null for orphans), case_object ("opportunity" or "lead"),
    case_shown (whether the case's own record is in the export), activity (canonical id), timestamp, object,
    record_id, resource_id, resource (name), value_from, value_to, derivable (whether the export has a row that
    tells it), precision ("instant", "minute" or "date": how exact), evidence (table and column of that row),
    note (why there is none).

    Parameters
    ----------
    path : Path
    facts : Facts
    truth : DataFrame
        Events as `truth_frame` returns them.
    shown : Shown
    traces : mapping of str to sequence of Trace
        Activity to where the system records it.

    Returns
    -------
    dict
        Activity to the counts "events" and "derivable".
    """
    import pyarrow.parquet as pq

    counts: dict[str, dict[str, int]] = {}
    writer: pq.ParquetWriter | None = None
    try:
        for activity, events in _by_activity(truth):
            known = traced(_identified(facts, shown, events), shown.tables, traces.get(activity, ()))
            told = _told(shown, known)
            counts[activity] = {"events": told.height, "derivable": int(told["derivable"].sum())}
            table = told.to_arrow()
            writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table, row_group_size=_ROW_GROUP)
    finally:
        if writer is not None:
            writer.close()
    return counts


def _by_activity(truth: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    import polars as pl

    for activity in truth["activity"].unique().sort():
        yield activity, truth.filter(pl.col("activity") == activity)


def _identified(facts: Facts, shown: Shown, events: pl.DataFrame) -> pl.DataFrame:
    """Return events with the ids of their case, record and user."""
    import polars as pl

    users = facts["users"].sort("user")
    records = _ids(shown, events, "object", "record")
    cases = _ids(shown, events, "case_object", "case")
    who = events["resource"]
    return events.with_columns(
        records.alias("record_id"),
        cases.alias("case_id"),
        _at(shown.users, who).alias("resource_id"),
        _at(users["name"], who).alias("resource"),
        _is_shown(shown, events["case_object"], cases).alias("case_shown"),
        pl.col("timestamp").cast(pl.Datetime("us", "UTC")),
    )


def _ids(shown: Shown, events: pl.DataFrame, kind: str, key: str) -> pl.Series:
    import polars as pl

    found = pl.Series([None] * events.height, dtype=pl.String)
    for name in events[kind].drop_nulls().unique().sort():
        own = events[kind] == name
        keys = events.select(pl.when(own.fill_null(False)).then(pl.col(key))).to_series()
        found = pl.select(pl.coalesce(found, shown.record_ids(name, keys))).to_series()
    return found


def _at(values: pl.Series, positions: pl.Series) -> pl.Series:
    return values.gather(positions.cast(int)) if positions.count() else values.clear(len(positions))


def _is_shown(shown: Shown, kinds: pl.Series, cases: pl.Series) -> pl.Series:
    import polars as pl

    found = pl.Series([False] * len(cases))
    for kind, (table, column) in shown.cases.items():
        if table in shown.tables:
            there = cases.is_in(shown.tables[table][column].implode())
            found = found | (there & (kinds == kind)).fill_null(False)
    return found


def _told(shown: Shown, events: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    cut = pl.when(pl.col("precision") == "instant").then(pl.lit(shown.precision)).otherwise("precision")
    told = events.with_columns(cut.alias("precision"))
    if shown.renamed is not None:
        told = told.with_columns(shown.renamed(told[name]).alias(name) for name in ("case_id", "record_id"))
    return told.select(COLUMNS).sort("timestamp", "record_id", maintain_order=True)
