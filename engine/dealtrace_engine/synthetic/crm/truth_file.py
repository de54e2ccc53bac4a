"""The truth of an organisation as a Parquet file: what happened, and what of it the written shape shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.synthetic.crm.facts import Facts

COLUMNS = (
    "case_id", "case_object", "case_shown", "activity", "timestamp", "object", "record_id", "resource_id",
    "resource", "value_from", "value_to", "derivable", "precision", "note",
)  # fmt: skip
ROW_GROUP = 500_000
"""Rows of a group of the file."""


def write_truth(path: Path, parts: Iterable[pl.DataFrame]) -> dict[str, dict[str, int]]:
    """Write the truth part by part.

    case_id is as the export writes ids, null for orphans; case_object is "opportunity" or "lead";
    case_shown says whether the case's own record is in the export; activity is a canonical id; resource a
    name; derivable says whether the export has a row that tells the event, precision how exact ("instant",
    "minute" or "date"), note where, or why not.

    Parameters
    ----------
    path : Path
    parts : iterable of DataFrame
        With `COLUMNS`.

    Returns
    -------
    dict
        Activity to the counts "events" and "derivable".
    """
    import polars as pl
    import pyarrow.parquet as pq

    counts: dict[str, Counter[str]] = {}
    writer: pq.ParquetWriter | None = None
    try:
        for part in parts:
            table = part.select(COLUMNS).to_arrow()
            writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table, row_group_size=ROW_GROUP)
            told = part.group_by("activity").agg(pl.len(), pl.col("derivable").sum()).sort("activity")
            for name, *numbers in told.iter_rows():
                counts.setdefault(name, Counter()).update(
                    dict(zip(("events", "derivable"), numbers, strict=True))
                )
            del part, table  # before the next one is made
    finally:
        if writer is not None:
            writer.close()
    return {name: dict(numbers) for name, numbers in counts.items()}


def with_cases_shown(
    events: pl.DataFrame, tables: Mapping[str, pl.DataFrame], cases: Mapping[str, tuple[str, str]]
) -> pl.DataFrame:
    """Return events with `case_shown`: whether the record of the case is in the export.

    Parameters
    ----------
    events : DataFrame
    tables : mapping of str to DataFrame
        What the shape shows.
    cases : mapping of str to tuple of str
        Kind of case to its table and the column of its id.
    """
    import polars as pl

    kinds = {"case_object": pl.String, "case_id": pl.String}
    there = [
        tables[table].select(pl.lit(kind).alias("case_object"), pl.col(column).alias("case_id"))
        for kind, (table, column) in cases.items()
        if table in tables
    ]
    known = (
        pl.concat([pl.DataFrame(schema=kinds), *there])
        .unique()
        .with_columns(pl.lit(True).alias("case_shown"))
    )
    found = events.join(known, on=["case_object", "case_id"], how="left", maintain_order="left")
    return found.with_columns(pl.col("case_shown").fill_null(False))


def with_user_names(events: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """Return events with the name of the user in place of the position in `resource`."""
    import polars as pl

    names = facts["users"].select(pl.col("user").alias("resource"), "name")
    found = events.join(names, on="resource", how="left", maintain_order="left")
    return found.drop("resource").rename({"name": "resource"})


LISTED_EXACTLY = (
    "lead_captured", "opportunity_created", "quote_created", "quote_revised", "sales_order_created",
    "invoice_generated", "case_opened",
)  # fmt: skip
LISTED_BY_DAY = (
    "opportunity_won", "opportunity_lost", "quote_issued", "quote_accepted", "quote_rejected",
    "order_submitted", "order_fulfilled",
)  # fmt: skip
"""What the columns of a record itself tell; other rows name it only, which may be ambiguous."""


def seen_in_lists(events: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """Return events with what lists of records tell of them, where related rows appear by name only.

    Parameters
    ----------
    events : DataFrame
        With `derivable` and `precision` from tables that show ids, and the keys `case` and `record`.
    facts : Facts
    """
    import polars as pl

    named = ~_shares_its_name(events, facts, "opportunity", "case_object", "case")
    named = named & ~_shares_its_name(events, facts, "lead", "object", "record")
    alone = pl.col("object") == pl.col("case_object")
    winners = facts["leads"]["merged_into"].drop_nulls()  # captured when the lead merged into them was
    merged = (pl.col("object") == "lead") & pl.col("record").is_in(winners.implode())
    told = pl.col("derivable") & (alone | pl.lit(named)) & ~merged
    exactly = told & pl.col("activity").is_in(LISTED_EXACTLY)
    by_day = told & pl.col("activity").is_in(LISTED_BY_DAY)
    precision = pl.when(exactly).then("precision").when(by_day).then(pl.lit("date"))
    return events.with_columns((exactly | by_day).alias("derivable"), precision.alias("precision"))


def _shares_its_name(events: pl.DataFrame, facts: Facts, kind: str, of: str, key: str) -> pl.Series:
    """Return which events are of a record, of this kind, that has the name of another one."""
    import polars as pl

    plural = {"opportunity": "opportunities", "lead": "leads"}[kind]
    records = facts[plural].filter(pl.len().over("name") > 1)[kind]
    shared = (pl.col(of) == kind) & pl.col(key).is_in(records.implode())
    return events.select(shared.fill_null(False)).to_series()


def with_notes(events: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """Return events of which it is known how exact they are, with user names and with notes.

    Parameters
    ----------
    events : DataFrame
        With `derivable`, `precision` and the position of the user in `resource`.
    facts : Facts
    """
    import polars as pl

    told, day = pl.col("derivable"), pl.col("precision") == "date"
    nothing = pl.when(~told).then(pl.lit("no row of the export tells it beyond doubt"))
    note = nothing.when(day).then(pl.lit("the export has the day only"))
    return with_user_names(events, facts).with_columns(note.alias("note"))
