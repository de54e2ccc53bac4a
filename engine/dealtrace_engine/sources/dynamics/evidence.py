"""Rows of a table as evidence of events: whose, when, by whom."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.crm.ids import held
from dealtrace_engine.sources.crm.ladder import Rule
from dealtrace_engine.sources.crm.present import latest_of_all
from dealtrace_engine.sources.dynamics.objects import KEYS

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables

CHANGED = "modifiedon"
OBJECTS = {
    "lead": "lead", "opportunity": "opportunity", "quote": "quote", "salesorder": "order",
    "invoice": "invoice", "incident": "case",
}  # fmt: skip
"""Logical name of a table to what its records are."""


def told(
    frame: pl.LazyFrame, table: str, *, at: str | pl.Expr, by: str | pl.Expr | None = None,
    record: str | pl.Expr | None = None, row: str | pl.Expr | None = None,
    fact: str | pl.Expr | None = None, **more: pl.Expr,
) -> pl.LazyFrame:  # fmt: skip
    """Return events of the records of a table.

    Parameters
    ----------
    frame : LazyFrame
        One row per event.
    table : str
        Logical name of the table that the records are of.
    at : str or Expr
        When: an instant, or a date, which is then known to the day only.
    by : str or Expr, optional
        The user who did it.
    record, row, fact : str or Expr, optional
        The record's id (the table's own key), the id of the row that is the evidence (the record), and what
        happened (the record).
    **more
        Further columns of `events.event_schema`.
    """
    import polars as pl

    key = _expression(record if record is not None else KEYS[table])
    when = _expression(at)
    if frame.select(when).collect_schema().dtypes()[0] == pl.Date():
        more["ts_precision"] = pl.lit("date")
        when = when.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    nobody = pl.lit(None, frame.select(key).collect_schema().dtypes()[0])
    return frame.select(
        fact=key if fact is None else _expression(fact),
        object=pl.lit(OBJECTS[table]),
        record_id=key,
        timestamp=when,
        resource_id=nobody if by is None else _expression(by),
        source_row_id=key if row is None else _expression(row),
        **more,
    ).filter(pl.col("timestamp").is_not_null() & pl.col("record_id").is_not_null())


def told_change(found: pl.LazyFrame, table: str, **more: pl.Expr) -> pl.LazyFrame:
    """Return events of changes as `transitions.transitions` returns them."""
    import polars as pl

    source = pl.when(pl.col("ts_quality") == "audit").then(pl.lit("audit")).otherwise(pl.lit(table))
    more = {"ts_quality": pl.col("ts_quality"), "source_object": source, **more}
    return told(found, table, record="record_id", at="at", by="by", row="row_id", **more)


def _expression(column: str | pl.Expr) -> pl.Expr:
    import polars as pl

    return pl.col(column) if isinstance(column, str) else column


def finished(rule: Rule) -> Rule:
    """Return a rule that finds events with what all of them need.

    Users and currencies get their names (a rule gives `transactioncurrencyid` as the currency); where an
    export writes its instants to the minute or to the day only, so are the events; and what a field says
    will be after the export is planned, which is no event.
    """

    def found(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        events = _to_the_precision(_with_names(rule.find(tables, mapping), tables), tables)
        return _happened(events, tables, mapping, rule) if rule.quality == "field" else events

    return replace(rule, find=found)


def exported(tables: CrmTables) -> datetime | None:
    """Return when the export was made: as it says, else the latest change in it; None where it has none."""
    import polars as pl

    if tables.raw.exported is not None:
        return tables.raw.exported

    def latest() -> pl.LazyFrame:
        there = [name for name in tables.objects if tables.has(name, CHANGED)]
        for name in there:
            if not tables.raw.by_column and not tables.knows(name, CHANGED):
                tables.table(name)
        at = latest_of_all(tables, there, (CHANGED,))
        return pl.LazyFrame({"at": [at]}, {"at": pl.Datetime("us", "UTC")})

    when: datetime | None = tables.once("exported", latest).collect().item()
    return when


def _happened(found: pl.LazyFrame, tables: CrmTables, mapping: CrmMapping, rule: Rule) -> pl.LazyFrame:
    """Leave out what lies after the export, and count it.

    Only where something lies after the changes that were read so far, all tables are asked when it was made.
    """
    events = found.collect()
    there = [name for name in tables.objects if tables.knows(name, CHANGED)]
    known = tables.raw.exported or latest_of_all(tables, there, (CHANGED,))
    if known is not None and not _planned(events, known, mapping).any():
        return events.lazy()
    when = exported(tables)
    if when is None:
        return events.lazy()
    planned = _planned(events, when, mapping)
    later = events["record_id"].filter(planned)
    reason = f"{rule.name}: lies after the export, so it is planned and no event"
    if len(later) and all(finding.reason != reason for finding in tables.raw.findings):
        tables.raw.findings.append(Finding(reason))
        tables.raw.findings[-1].add(len(later), [], tables.ids.texts(later.head(1))[0])
    return events.filter(~planned).lazy()


def _planned(events: pl.DataFrame, when: datetime, mapping: CrmMapping) -> pl.Series:
    """Return which events lie after the time, or after its day where they are known to the day only."""
    import polars as pl

    end = pl.lit(when, pl.Datetime("us", "UTC"))
    today = end.dt.convert_time_zone(mapping.zone).dt.date()
    of_day = pl.col("ts_precision") == "date"
    at = pl.col("timestamp")
    return events.select(pl.when(of_day).then(at.dt.date() > today).otherwise(at > end)).to_series()


def _with_names(events: pl.LazyFrame, tables: CrmTables) -> pl.LazyFrame:
    import polars as pl

    columns = events.collect_schema().names()
    users = (
        tables.table("systemuser").select(resource_id="systemuserid", _user="fullname").unique("resource_id")
    )
    events = events.join(users, on="resource_id", how="left", maintain_order="left")
    given = [pl.col("resource_name")] if "resource_name" in columns else []
    events = events.with_columns(resource_name=pl.coalesce(*given, "_user")).drop("_user")
    return _with_currency(events, tables) if "currency" in columns else events


def _with_currency(events: pl.LazyFrame, tables: CrmTables) -> pl.LazyFrame:
    """Put the ISO code of a currency in the place of its id."""
    import polars as pl

    codes = tables.table("transactioncurrency").select(
        currency="transactioncurrencyid", _code="isocurrencycode"
    )
    events = events.with_columns(held(tables.ids, pl.col("currency")))
    joined = events.join(codes.unique("currency"), on="currency", how="left", maintain_order="left")
    return joined.with_columns(currency=pl.col("_code")).drop("_code")


def _to_the_precision(events: pl.LazyFrame, tables: CrmTables) -> pl.LazyFrame:
    """Say of instants that they are known as well as the export writes them."""
    import polars as pl

    raw = tables.raw
    given = "ts_precision" in events.collect_schema().names()
    precision = pl.col("ts_precision") if given else pl.lit(None, pl.String)
    if raw.precision == "date":
        there = pl.col("timestamp").dt.convert_time_zone(raw.zone).dt.date()
        day = there.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        events = events.with_columns(timestamp=pl.when(precision == "date").then("timestamp").otherwise(day))
    return events.with_columns(ts_precision=precision.fill_null(raw.precision))
