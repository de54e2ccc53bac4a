"""Contacts with customers: calls, messages and meetings about a case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ladder import Rule
from dealtrace_engine.sources.dynamics.links import links
from dealtrace_engine.sources.dynamics.objects import KEYS

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables

COMPLETED = 1
"""State of an activity."""
KINDS = ("phonecall", "email", "appointment")


def contacts(tables: CrmTables) -> pl.LazyFrame:
    """Return the contacts that took place: by their end, else their start, else when sent or entered."""
    import polars as pl

    found = []
    for kind in KINDS:
        sent = [pl.col("senton")] if kind == "email" else []
        rows = tables.table(kind).filter(pl.col("statecode") == COMPLETED)
        if kind == "email":
            rows = _about_customers(rows, tables)
        found.append(
            rows.select(
                fact="activityid",
                object=pl.lit("contact"),
                record_id="activityid",
                timestamp=pl.coalesce("actualend", "actualstart", *sent, "createdon"),
                end_timestamp="actualend",
                resource_id=pl.coalesce("ownerid", "createdby"),
                source_row_id="activityid",
                source_object=pl.lit(kind),
            )
        )
    return pl.concat(found).filter(pl.col("timestamp").is_not_null())


def _about_customers(mails: pl.LazyFrame, tables: CrmTables) -> pl.LazyFrame:
    """Leave out messages about a quote, an order or an invoice: they are how that was sent."""
    for table in ("quote", "salesorder", "invoice"):
        papers = tables.table(table).select(regardingobjectid=KEYS[table])
        mails = mails.join(papers, on="regardingobjectid", how="anti")
    return mails


def first_contact(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find the first contact of each case; it is an event of that case only."""
    import polars as pl

    first = _by_case(tables, mapping).unique("case_id", keep="first", maintain_order=True)
    return first.with_columns(fact="case_id", record_id="case_id", object=pl.lit(mapping.leading)).drop(
        "case_id"
    )


def _by_case(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the contacts of each case in the order of time."""
    import polars as pl

    cases = links(tables, mapping).lazy().filter(pl.col("object") == "contact")
    found = contacts(tables).join(cases.select("record_id", "case_id"), on="record_id", maintain_order="left")
    return found.sort("timestamp", "source_row_id", maintain_order=True)


def every_contact(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find the further contacts, if the mapping asks for that: those that are not the first."""
    import polars as pl

    if not mapping.every_contact:
        return contacts(tables).clear()
    of_cases = _by_case(tables, mapping)
    later = of_cases.filter(~pl.col("case_id").is_first_distinct())
    linked = of_cases.select("record_id").unique()
    alone = contacts(tables).join(linked, on="record_id", how="anti")
    further = contacts(tables).join(later.select("record_id").unique(), on="record_id", how="semi")
    return pl.concat([further, alone])


_NEEDS = ("phonecall.statecode", "email.statecode", "appointment.statecode")

RULES = (
    Rule("D1", "first_customer_contact", "activity", "field", first_contact, _NEEDS),
    Rule("D1", "customer_contact", "activity", "field", every_contact, _NEEDS),
)
