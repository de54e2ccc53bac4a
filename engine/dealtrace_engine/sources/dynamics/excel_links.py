"""Links between the workbooks of an export: they name a record by its name, which may be that of several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.crm.names import normal_column
from dealtrace_engine.sources.dynamics.counting import counted
from dealtrace_engine.sources.dynamics.objects import KEYS

if TYPE_CHECKING:
    import polars as pl

NAMES = {
    "lead": "fullname", "opportunity": "name", "quote": "name", "salesorder": "name", "invoice": "name",
    "account": "name", "contact": "fullname", "systemuser": "fullname", "territory": "name",
}  # fmt: skip
"""Table to the column by which others name its records."""
SALES = ("opportunity", "lead", "quote", "salesorder", "invoice", "account", "contact")
TARGETS: Mapping[str, tuple[str, ...]] = {
    "opportunityid": ("opportunity",), "quoteid": ("quote",), "salesorderid": ("salesorder",),
    "originatingleadid": ("lead",), "qualifyingopportunityid": ("opportunity",),
    "customerid": ("account", "contact"), "parentaccountid": ("account",), "parentcontactid": ("contact",),
    "parentcustomerid": ("account", "contact"), "ownerid": ("systemuser",), "createdby": ("systemuser",),
    "modifiedby": ("systemuser",), "territoryid": ("territory",), "regardingobjectid": SALES,
}  # fmt: skip
"""Lookup to the tables that it may point at, those that are looked at first in front."""
REGARDING = {
    "opportunityclose": ("opportunity",), "quoteclose": ("quote",), "orderclose": ("salesorder",),
}  # fmt: skip
"""What an activity that closes a record is about."""
PAPERS = ("quote", "salesorder", "invoice")
"""What a message may be the sending of, and which often has the name of its opportunity."""
NUMBERS: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "quoteclose": ("quote", ("quotenumber", "revision"), ("quotenumber", "revisionnumber")),
    "orderclose": ("salesorder", ("ordernumber",), ("ordernumber",)),
}
"""Activity to the table that it closes, and the columns of both that say which record."""


def linked_by_name(
    tables: dict[str, pl.LazyFrame], findings: list[Finding]
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Fill lookups with the id of the one record that has the name, table by table.

    Parameters
    ----------
    tables : dict of str to LazyFrame
        Lookups as ``<lookup>name``; emptied on the way. Each is in memory by itself.
    findings : list of Finding
        Names of several records are added; those are not linked.
    """
    ids = {table: _ids(frame, table) for table, frame in tables.items() if table in NAMES}
    numbered = {table: _numbered(tables[table], table, tables) for table in NUMBERS if table in tables}
    for table in list(tables):
        yield table, _linked(numbered.pop(table, tables.pop(table)).collect(), table, ids, findings)


def _numbered(frame: pl.LazyFrame, table: str, tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Fill the lookup of an activity that closes a record by the record's number and revision."""
    target, columns, keys = NUMBERS[table]
    there, names = tables.get(target), frame.collect_schema().names()
    if there is None or not set(columns) <= set(names) or KEYS[target] in names:
        return frame
    if not {*keys, KEYS[target]} <= set(there.collect_schema().names()):
        return frame
    known = there.select(*keys, KEYS[target]).drop_nulls().unique(keys, keep="none")
    return frame.join(known, left_on=columns, right_on=keys, how="left", maintain_order="left")


def _ids(frame: pl.LazyFrame, table: str) -> pl.DataFrame:
    """Return normal names and ids of the records of a table, and since when they are there."""
    import polars as pl

    schema = frame.collect_schema()
    if not {NAMES[table], KEYS[table]} <= set(schema):
        return _no_ids()
    known = frame.select(
        normal_column(pl.col(NAMES[table]).cast(pl.String)).alias("name"),
        pl.col(KEYS[table]).cast(pl.String).alias("id"),
        pl.lit(table).alias("of"),
        _time(schema, "createdon").alias("since"),
    )
    return known.drop_nulls(["name", "id"]).collect()


def _no_ids() -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(
        schema={"name": pl.String, "id": pl.String, "of": pl.String, "since": pl.Datetime("us")}
    )


def _time(schema: Mapping[str, pl.DataType], column: str) -> pl.Expr:
    """Return the times of a column, null where its cells hold something else."""
    import polars as pl

    kind = pl.Datetime("us")
    told = schema.get(column, pl.Null()).is_temporal()
    return pl.col(column).cast(kind) if told else pl.lit(None, kind)


def _linked(
    frame: pl.DataFrame, table: str, ids: Mapping[str, pl.DataFrame], findings: list[Finding]
) -> pl.DataFrame:
    import polars as pl

    for lookup, targets in TARGETS.items():
        if lookup == "regardingobjectid":
            targets = REGARDING.get(table, targets)
        there = [target for target in targets if target in ids]
        if f"{lookup}name" not in frame.columns or lookup in frame.columns or not there:
            continue
        names = frame.select(normal_column(pl.col(f"{lookup}name").cast(pl.String)).alias("name"))
        found = _found(names, [ids[target] for target in there])
        where = f"{table}.{lookup}"
        several = found["id"].is_null() & (found["records"] > 1)
        counted(findings, f"{where}: not linked, several records have that name", int(several.sum()))
        if (table, lookup) == ("email", "regardingobjectid"):
            papers = _may_send_papers(frame, found, ids)
            reason = f"{where}: not linked, a quote, an order or an invoice has that name too"
            counted(findings, reason, int(papers.sum()))
            found = found.with_columns(pl.when(~papers).then(pl.col("id", "of")))
        tables = found["id"].is_not_null() & (found["tables"] > 1)
        among = ", ".join(there)
        reason = f"{where}: a name in several tables, taken to be of the first of {among}"
        counted(findings, reason, int(tables.sum()))
        frame = frame.with_columns(found["id"].alias(lookup))
        if len(targets) > 1:
            frame = frame.with_columns(found["of"].alias(f"{lookup}_entitytype"))
    return frame


def _may_send_papers(mails: pl.DataFrame, found: pl.DataFrame, ids: Mapping[str, pl.DataFrame]) -> pl.Series:
    """Return which messages that are linked may be about a paper of that name, which was there by then."""
    import polars as pl

    papers = pl.concat([ids[table] for table in PAPERS if table in ids] or [_no_ids()])
    first = pl.when(~pl.col("since").is_null().any()).then(pl.col("since").min())
    known = papers.group_by("name").agg(first.alias("since"), there=pl.lit(True))
    sent = pl.coalesce(_time(mails.schema, column) for column in ("senton", "actualend", "createdon"))
    rows = pl.concat([found, mails.select(sent.alias("sent"))], how="horizontal")
    rows = rows.join(known, on="name", how="left", maintain_order="left")
    linked = pl.col("there") & pl.col("id").is_not_null() & ~pl.col("of").is_in(PAPERS)
    day_only = pl.col("sent") == pl.col("sent").dt.truncate("1d")  # a cell of a day is its midnight
    since = pl.when(day_only).then(pl.col("since").dt.truncate("1d")).otherwise("since")
    in_time = (pl.col("sent") >= since).fill_null(True)
    return rows.select((linked & in_time).fill_null(False)).to_series()


def _found(names: pl.DataFrame, ids: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the one record of each name in the first table that has just one, and how many there are."""
    import polars as pl

    zero = pl.lit(0, pl.UInt32)
    found = names.with_columns(
        pl.lit(None, pl.String).alias("id"), pl.lit(None, pl.String).alias("of"),
        zero.alias("records"), zero.alias("tables"),
    )  # fmt: skip
    for records in ids:
        known = records.group_by("name").agg(
            pl.col("id").first().alias("_id"), pl.col("of").first().alias("_of"), pl.len().alias("_n")
        )
        found = found.join(known, on="name", how="left", maintain_order="left")
        one = pl.when((pl.col("_n") == 1) & pl.col("id").is_null())
        found = found.with_columns(
            one.then("_id").otherwise("id").alias("id"),
            one.then("_of").otherwise("of").alias("of"),
            pl.col("records") + pl.col("_n").fill_null(0),
            pl.col("tables") + pl.col("_n").is_not_null().cast(pl.UInt32),
        ).drop("_id", "_of", "_n")
    return found
