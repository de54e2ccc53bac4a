"""The opportunities of contacts that are about none, by the roles that people have in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.account_links import SURE
from dealtrace_engine.sources.salesforce.contacts import contacts
from dealtrace_engine.sources.salesforce.evidence import alive
from dealtrace_engine.sources.salesforce.outcomes import outcomes

if TYPE_CHECKING:
    import polars as pl

ROLES = "OpportunityContactRole"
RULE = "SF4"
"""The rule of first contacts that goes by roles; a mapping that names it asks for these links."""
VIA = f"{ROLES}.ContactId and time"
RELATIONS = (("TaskRelation", "TaskId"), ("EventRelation", "EventId"))


def asked_for_roles(mapping: CrmMapping) -> bool:
    """Return whether a mapping asks for links by contact roles."""
    return RULE in mapping.ladders.get("first_customer_contact", ())


def by_contact_role(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return contacts with the one opportunity, open then, in which somebody who took part has a role.

    Where people have roles in several opportunities that are open then, none is told.

    Returns
    -------
    LazyFrame
        object, record_id, case_id, via, confidence: that of links by account, where one comes into question.
    """
    import polars as pl

    roles = alive(tables, ROLES).select(person="ContactId", case_id="OpportunityId").drop_nulls()
    found = _people(tables, mapping).join(roles, on="person").join(_open(tables, mapping), on="case_id")
    by_day = pl.col("precision") == "date"
    day = pl.when(by_day).then(pl.col("at").dt.date()).otherwise(_day("at", mapping))
    later = pl.when(by_day).then(day >= _day("begun", mapping)).otherwise(pl.col("at") >= pl.col("begun"))
    found = found.filter(later & (day <= pl.col("ended")).fill_null(True))
    found = found.unique(["record_id", "case_id"], maintain_order=True)
    return found.filter(pl.len().over("record_id") == 1).select(
        pl.lit("contact").alias("object"), "record_id", "case_id", via=pl.lit(VIA), confidence=pl.lit(SURE)
    )


def _people(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return contacts that are about nothing but the customer, with the people who took part."""
    import polars as pl

    customers = tables.table("Account").select(what="Id", is_customer=pl.lit(True)).unique("what")
    rows = contacts(tables, mapping).select("what", "who", "at", "precision", record_id="contact")
    rows = rows.join(customers, on="what", how="left", maintain_order="left")
    free = rows.filter(pl.col("what").is_null() | pl.col("is_customer")).drop("what", "is_customer")
    more = [
        alive(tables, name).select(record_id=of, person="RelationId").drop_nulls() for name, of in RELATIONS
    ]
    named = free.select("record_id", person="who").drop_nulls()
    return pl.concat([named, *more]).join(free.drop("who"), on="record_id")


def _open(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return from when and to which day opportunities were open; ended is null where they still are."""
    import polars as pl

    closed = outcomes(tables, mapping).select("is_closed", case_id="record_id")
    deals = alive(tables, "Opportunity").select(
        case_id="Id", begun="CreatedDate", last=pl.coalesce(_day("LastStageChangeDate", mapping), "CloseDate")
    )
    return deals.join(closed, on="case_id", how="left").select(
        "case_id", "begun", ended=pl.when(pl.col("is_closed")).then("last")
    )


def _day(column: str, mapping: CrmMapping) -> pl.Expr:
    import polars as pl

    return pl.col(column).dt.convert_time_zone(mapping.zone).dt.date()
