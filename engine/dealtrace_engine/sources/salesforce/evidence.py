"""What the rules share: rows that are still there, what was planned only, who did it, status names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.crm.ladder import Rule
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.names import one_of
from dealtrace_engine.sources.crm.present import latest_of_all
from dealtrace_engine.sources.crm.tables import CrmTables

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

STAMPS = ("SystemModstamp", "LastModifiedDate", "CreatedDate", "LastStageChangeDate")
"""Columns of which the latest value tells when the export was made."""
STAMPED = (
    "Opportunity", "Lead", "Quote", "SBQQ__Quote__c", "Contract", "Order", "Invoice", "blng__Invoice__c",
    "Task", "EmailMessage", "OpportunityHistory", "OpportunityFieldHistory",
)  # fmt: skip
"""Objects of which they are looked at: they change often enough to come close to the export."""
MASTER = "MasterRecordId"


def noted(tables: CrmTables, reason: str, rows: pl.LazyFrame, column: str) -> None:
    """Count rows that are left out, or are odd, in the findings of the export, once."""
    import polars as pl

    def make() -> pl.LazyFrame:
        counted = rows.select(count=pl.len(), first=pl.col(column).first()).collect()
        count, first = counted.row(0)
        if count and all(finding.reason != reason for finding in tables.raw.findings):
            tables.raw.findings.append(Finding(reason))
            tables.raw.findings[-1].add(count, [], first)
        return counted.lazy()

    tables.once(f"noted {reason}", make)


def deleted(tables: CrmTables, name: str) -> pl.LazyFrame:
    """Return the ids of deleted records of an object; not those of losers of a merge."""
    import polars as pl

    def make() -> pl.LazyFrame:
        gone = tables.table(name).filter(pl.col("IsDeleted"))
        if MASTER in tables.catalog[name]:
            gone = gone.filter(pl.col(MASTER).is_null())
        gone = gone.select("Id")
        noted(tables, f"{name} is deleted; left out", gone, "Id")
        return gone

    return tables.once(f"deleted {name}", make)


def alive(tables: CrmTables, name: str) -> pl.LazyFrame:
    """Return the rows of an object that are neither deleted nor merged into others."""
    import polars as pl

    if "IsDeleted" not in tables.columns(name):
        return tables.table(name)
    deleted(tables, name)
    return tables.table(name).filter(~pl.col("IsDeleted").fill_null(False))


def midnight(column: str) -> pl.Expr:
    """Return a date as the timestamp of an event that is known to the day."""
    import polars as pl

    return pl.col(column).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def exported(tables: CrmTables) -> datetime | None:
    """Return when the export was made: as it says, else the latest change in it."""
    import polars as pl

    if tables.raw.exported is not None:
        return tables.raw.exported

    def make() -> pl.LazyFrame:
        there = [name for name in STAMPED if name in tables.objects]
        latest = latest_of_all(tables, there, STAMPS)
        return pl.LazyFrame({"at": [latest]}, {"at": pl.Datetime("us", "UTC")})

    when: datetime | None = tables.once("exported", make).collect().item()
    return when


def happened(tables: CrmTables, rows: pl.LazyFrame, column: str, zone: str, what: str) -> pl.LazyFrame:
    """Leave out rows whose instant or date lies after the export: what is planned is no event.

    Parameters
    ----------
    tables : CrmTables
    rows : LazyFrame
    column : str
        Of instants or dates.
    zone : str
        IANA name of the zone in which the day of the export is taken.
    what : str
        Object and column, for the finding.
    """
    import polars as pl

    end = exported(tables)
    if end is None:
        return rows
    last = pl.lit(end, pl.Datetime("us", "UTC"))
    if rows.collect_schema()[column] == pl.Date():
        last = last.dt.convert_time_zone(zone).dt.date()
    noted(
        tables, f"{what} lies after the export: planned, no event", rows.filter(pl.col(column) > last), column
    )
    return rows.filter((pl.col(column) <= last) | pl.col(column).is_null())


def having(rows: pl.LazyFrame, column: str, names: Iterable[str]) -> list[str]:
    """Return which values of a column are one of these names; each value is looked at once."""
    import polars as pl

    values = rows.select(pl.col(column).drop_nulls().unique())
    return values.filter(one_of(pl.col(column), names)).collect()[column].to_list()


def creations(
    tables: CrmTables, name: str, kind: str, at: str = "CreatedDate", by: str = "CreatedById", **more: pl.Expr
) -> pl.LazyFrame:
    """Return an event for each record of an object, at an instant that the record itself holds.

    Parameters
    ----------
    tables : CrmTables
    name : str
        The object.
    kind : str
        What the business calls it: ``"quote"``.
    at, by : str
        Columns of the instant and the user.
    **more : Expr
        Other columns of the event.
    """
    import polars as pl

    names = {"resource_name": pl.col("CreatedBy.Name")} if "CreatedBy.Name" in tables.columns(name) else {}
    return alive(tables, name).select(
        fact=pl.col("Id"), object=pl.lit(kind), record_id=pl.col("Id"), timestamp=pl.col(at),
        resource_id=pl.col(by), source_row_id=pl.col("Id"),
        **(names if by == "CreatedById" else {}), **more,
    )  # fmt: skip


def users(tables: CrmTables) -> pl.LazyFrame:
    """Return resource_id and user_name, one row a user."""
    import polars as pl

    full = pl.concat_str("FirstName", "LastName", separator=" ", ignore_nulls=True).replace("", None)
    return (
        tables.table("User")
        .select(resource_id="Id", user_name=pl.coalesce("Name", full, "Username"))
        .unique("resource_id", keep="first", maintain_order=True)
    )


def with_resources(rule: Rule) -> Rule:
    """Return the rule with names of users, and the precision that the datetimes of the export have."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        events = rule.find(tables, mapping)
        columns = events.collect_schema().names()
        given = pl.col("resource_name") if "resource_name" in columns else pl.lit(None, pl.String)
        precision = pl.col("ts_precision") if "ts_precision" in columns else pl.lit(None, pl.String)
        events = events.with_columns(ts_precision=precision.fill_null(pl.lit(tables.raw.precision)))
        if "resource_id" not in columns:
            return events
        events = events.join(users(tables), on="resource_id", how="left", maintain_order="left")
        return events.with_columns(resource_name=pl.coalesce(given, "user_name", "resource_id"))

    return replace(rule, find=find)
