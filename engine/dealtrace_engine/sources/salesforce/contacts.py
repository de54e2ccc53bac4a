"""Contacts with customers, of tasks, events and mails, each with the best instant that is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.names import one_of
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.evidence import alive, happened, midnight

if TYPE_CHECKING:
    import polars as pl

SUBTYPES = ("call", "email", "listemail", "cadence", "linkedin", "meeting")
"""Subtypes of tasks that are contacts with a customer."""
LOGGED = ("call", "email", "listemail", "cadence")
"""Those that are written down when they are over: their creation is when they happened."""
DRAFTS = ("5", "draft")
COLUMNS = ("contact", "way", "at", "end", "precision", "by", "what", "who", "source_object")


def contacts(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return every contact with a customer.

    Returns
    -------
    LazyFrame
        contact (its id), way (SF1 by an instant of its own, SF2 by its creation, SF3 by a day), at, end,
        precision, by, what and who (the records that it is about), source_object. A mail and the task that
        was made of it are one.
    """
    import polars as pl

    def make() -> pl.LazyFrame:
        parts = [_mails(tables, mapping), _meetings(tables, mapping), _tasks(tables, mapping)]
        return pl.concat([part.select(COLUMNS) for part in parts]).filter(pl.col("at").is_not_null())

    return tables.once(f"contacts {mapping.zone} {list(mapping.status('contact.type'))}", make)


def _mails(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    import polars as pl

    rows = alive(tables, "EmailMessage").filter(~one_of(pl.col("Status"), DRAFTS).fill_null(False))
    rows = happened(tables, rows, "MessageDate", mapping.zone, "EmailMessage.MessageDate")
    tasks = tables.table("Task").select(ActivityId="Id", task_what="WhatId", who="WhoId")
    return rows.join(tasks, on="ActivityId", how="left").select(
        "who", contact="Id", way=pl.lit("SF1"), at="MessageDate",
        end=pl.lit(None, pl.Datetime("us", "UTC")), precision=pl.lit(tables.raw.precision), by="CreatedById",
        what=pl.coalesce("RelatedToId", "task_what", "ParentId"), source_object=pl.lit("EmailMessage"),
    )  # fmt: skip


def _meetings(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    import polars as pl

    rows = alive(tables, "Event").filter(
        ~pl.col("IsChild").fill_null(False) & ~pl.col("IsRecurrence").fill_null(False)
    )
    start = pl.coalesce("StartDateTime", "ActivityDateTime")
    day = pl.col("IsAllDayEvent").fill_null(False) | start.is_null()
    at = pl.when(day).then(pl.coalesce(midnight("ActivityDate"), start.dt.truncate("1d"))).otherwise(start)
    rows = happened(tables, rows.with_columns(at=at), "at", mapping.zone, "Event.StartDateTime")
    return rows.select(
        "at", contact="Id", way=pl.when(day).then(pl.lit("SF3")).otherwise(pl.lit("SF1")),
        end=pl.when(~day).then("EndDateTime"),
        precision=pl.when(day).then(pl.lit("date")).otherwise(pl.lit(tables.raw.precision)),
        by=pl.coalesce("OwnerId", "CreatedById"), what="WhatId", who="WhoId", source_object=pl.lit("Event"),
    )  # fmt: skip


def _tasks(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    import polars as pl

    mails = tables.table("EmailMessage").select("ActivityId").drop_nulls()
    kind = one_of(pl.col("Type"), mapping.status("contact.type")).fill_null(False)
    subtype = one_of(pl.col("TaskSubtype"), SUBTYPES).fill_null(False)
    logged = one_of(pl.col("TaskSubtype"), LOGGED).fill_null(False) | pl.col("CallType").is_not_null()
    closed = pl.col("IsClosed").fill_null(one_of(pl.col("Status"), ["completed"])).fill_null(False)
    rows = alive(tables, "Task").filter(
        closed & (kind | subtype | logged) & ~pl.col("IsRecurrence").fill_null(False)
    )
    rows = rows.join(mails, left_on="Id", right_on="ActivityId", how="anti").with_columns(
        way=pl.when(pl.col("CompletedDateTime").is_not_null()).then(pl.lit("SF1"))
        .when(logged).then(pl.lit("SF2")).otherwise(pl.lit("SF3"))
    )  # fmt: skip
    by_day = pl.col("way") == "SF3"
    known = pl.coalesce(pl.when(~by_day).then("CompletedDateTime"), pl.when(~by_day).then("CreatedDate"))
    rows = rows.with_columns(at=pl.when(by_day).then(midnight("ActivityDate")).otherwise(known))
    rows = happened(tables, rows, "at", mapping.zone, "Task.ActivityDate or CompletedDateTime")
    return rows.select(
        "at", "way", contact="Id", end=pl.lit(None, pl.Datetime("us", "UTC")),
        precision=pl.when(by_day).then(pl.lit("date")).otherwise(pl.lit(tables.raw.precision)),
        by=pl.coalesce("OwnerId", "CreatedById"), what="WhatId", who="WhoId", source_object=pl.lit("Task"),
    )  # fmt: skip
