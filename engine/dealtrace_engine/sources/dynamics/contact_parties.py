"""The cases of contacts that are about nothing, or about a lead without one, by who took part in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.dynamics.links import CONTACTS, links_of
from dealtrace_engine.sources.dynamics.merges import winners

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables

PASSIVE = (8.0, 9.0, 10.0)
"""Parties that do not take part: what an activity is about, its owner, and resources."""
LOOKUPS = {"contact": "parentcontactid", "account": "parentaccountid"}
"""Customers that can take part, to the lookup of opportunities to them; `customerid` may be either."""


def cases_of_lead(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return contacts in which a lead took part with the cases of that lead.

    Returns
    -------
    LazyFrame
        record_id, case_id, and begin and end, null: a lead is that of its case at any time.
    """
    import polars as pl

    leads = links_of(tables, mapping, "lead")
    found = _parties(tables, mapping).join(leads.select("case_id", partyid="record_id"), on="partyid")
    at, day = pl.lit(None, pl.Datetime("us", "UTC")), pl.lit(None, pl.Date)
    return found.select("record_id", "case_id", begin=at, end=day).unique(maintain_order=True)


def cases_of_customer(tables: CrmTables, mapping: CrmMapping, customer: str) -> pl.LazyFrame:
    """Return contacts in which the customer of opportunities took part with the cases of these.

    Parameters
    ----------
    tables : CrmTables
    mapping : CrmMapping
    customer : {"contact", "account"}

    Returns
    -------
    LazyFrame
        record_id, case_id, begin (when the opportunity was created) and end (the day on which it was closed,
        null if it was not): contacts at other times are about something else.
    """
    import polars as pl

    asked = _asked(tables, customer)
    cases = links_of(tables, mapping, "opportunity")
    cases = cases.select("case_id", opportunityid="record_id")
    parties = _parties(tables, mapping)
    if customer == "account":
        parties = _with_merges(pl.concat([parties, _accounts_of_contacts(parties, tables)]), tables)
        asked = _with_merges(asked, tables)
    found = parties.join(asked, on="partyid").join(cases, on="opportunityid")
    return found.select("record_id", "case_id", "begin", "end").unique(maintain_order=True)


def _asked(tables: CrmTables, customer: str) -> pl.LazyFrame:
    """Return opportunities with each of their customers of a kind, and from when to when they are open."""
    import polars as pl

    closed = pl.when(pl.col("statecode") != 0).then(pl.col("actualclosedate"))
    people = tables.table("contact").select(customerid="contactid", is_person=pl.lit(True)).unique()
    deals = tables.table("opportunity").with_columns(end=closed).join(people, on="customerid", how="left")
    is_person = pl.col("is_person").fill_null(False)
    is_meant = is_person if customer == "contact" else ~is_person
    rows = pl.concat(
        part.select("opportunityid", "end", begin="createdon", partyid=column)
        for part, column in ((deals, LOOKUPS[customer]), (deals.filter(is_meant), "customerid"))
    )
    return rows.drop_nulls(["opportunityid", "partyid"]).unique(maintain_order=True)


def _parties(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return contacts that are about nothing, or about a lead without a case, with who took part."""
    import polars as pl

    rows = pl.concat(
        tables.table(kind).select(record_id="activityid", about="regardingobjectid") for kind in CONTACTS
    )
    leads = tables.table("lead").select(about="leadid", is_lead=pl.lit(True)).unique("about")
    rows = rows.join(leads, on="about", how="left", maintain_order="left")
    linked = links_of(tables, mapping, "contact")
    free = rows.filter(pl.col("about").is_null() | pl.col("is_lead")).join(linked, on="record_id", how="anti")
    took_part = ~pl.col("participationtypemask").is_in(PASSIVE).fill_null(False)
    parties = tables.table("activityparty").filter(took_part).select("partyid", record_id="activityid")
    return parties.drop_nulls().join(free.select("record_id"), on="record_id", how="semi").unique(
        maintain_order=True
    )  # fmt: skip


def _accounts_of_contacts(parties: pl.LazyFrame, tables: CrmTables) -> pl.LazyFrame:
    """Return the accounts of the people who took part, but of those whom an opportunity names itself."""
    people = tables.table("contact").select(partyid="contactid", account="parentcustomerid").drop_nulls()
    colleagues = people.join(_asked(tables, "contact"), on="partyid", how="anti")
    return (
        parties.join(colleagues, on="partyid").select("account", "record_id").rename({"account": "partyid"})
    )


def _with_merges(rows: pl.LazyFrame, tables: CrmTables) -> pl.LazyFrame:
    """Return rows with the account that their party was merged into, if it was."""
    import polars as pl

    merged = winners(tables, "account").rename({"record_id": "partyid"})
    joined = rows.join(merged, on="partyid", how="left", maintain_order="left")
    return joined.with_columns(partyid=pl.coalesce("winner", "partyid")).drop("winner")
