"""Contacts with customers: calls, messages and meetings about a case, or with its lead or customer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ladder import Finder, Rule, first_that_yields
from dealtrace_engine.sources.dynamics.contact_parties import cases_of_customer, cases_of_lead
from dealtrace_engine.sources.dynamics.links import links_of
from dealtrace_engine.sources.dynamics.objects import KEYS

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables

COMPLETED = 1
"""State of an activity."""
KINDS = ("phonecall", "email", "appointment")
FIRST = "first_customer_contact"
PARTIES = {"D2": "lead", "D3": "contact", "D4": "account"}
"""Rules that go by who took part, to what took part."""


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
    others = ("end_timestamp", "resource_id", "source_row_id", "source_object")
    found = _by_case(contacts(tables).select("record_id", "timestamp"), tables, mapping)
    first = found.unique("case_id", keep="first", maintain_order=True)
    told = first.join(contacts(tables).select("record_id", *others), on="record_id", maintain_order="left")
    return _of_the_case(told, mapping)


def first_contact_with(rule: str) -> Finder:
    """Return the finder of the first contact of each case by who took part; see `PARTIES`."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        return _first_of_each(_with_party(tables, mapping, PARTIES[rule]), mapping)

    return find


def _with_party(tables: CrmTables, mapping: CrmMapping, party: str) -> pl.LazyFrame:
    """Return contacts whose case a party tells; where a customer has several cases then, it tells none."""
    import polars as pl

    of_lead = party == "lead"
    cases = cases_of_lead(tables, mapping) if of_lead else cases_of_customer(tables, mapping, party)
    found = contacts(tables).join(cases, on="record_id", maintain_order="left")
    day = pl.col("timestamp").dt.convert_time_zone(mapping.zone).dt.date()
    meant = (pl.col("timestamp") >= pl.col("begin")).fill_null(True) & (day <= pl.col("end")).fill_null(True)
    found = found.filter(meant).drop("begin", "end").unique(["record_id", "case_id"], maintain_order=True)
    if not of_lead:
        found = found.filter(pl.len().over("record_id") == 1)
    return found.sort("timestamp", "source_row_id", maintain_order=True)


def _first_of_each(of_cases: pl.LazyFrame, mapping: CrmMapping) -> pl.LazyFrame:
    return _of_the_case(of_cases.unique("case_id", keep="first", maintain_order=True), mapping)


def _of_the_case(contacts: pl.LazyFrame, mapping: CrmMapping) -> pl.LazyFrame:
    import polars as pl

    return contacts.with_columns(
        fact="case_id", record_id="case_id", object=pl.lit(mapping.leading)
    ).drop("case_id")  # fmt: skip


def _by_case(rows: pl.LazyFrame, tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the contacts of each case in the order of time."""
    cases = links_of(tables, mapping, "contact").select("record_id", "case_id")
    found = rows.join(cases, on="record_id", maintain_order="left")
    return found.sort("timestamp", "record_id", maintain_order=True)


def every_contact(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find the further contacts, if the mapping asks for that: those that are not the first."""
    import polars as pl

    if not mapping.every_contact:
        return contacts(tables).clear()
    of_cases = _by_case(contacts(tables), tables, mapping)
    later = of_cases.filter(~pl.col("case_id").is_first_distinct())
    linked = of_cases.select("record_id").unique()
    alone = contacts(tables).join(linked, on="record_id", how="anti")
    if set(PARTIES) & set(mapping.ladders.get(FIRST, ())):
        alone = alone.join(_told_as_first(tables, mapping), on="record_id", how="anti")
    further = contacts(tables).join(later.select("record_id").unique(), on="record_id", how="semi")
    return pl.concat([further, alone])


def _told_as_first(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the contacts that are the first of a case by the rules that are used."""
    import polars as pl

    ladder = mapping.ladders[FIRST]
    finders = [first_contact_with(rule) if rule in PARTIES else first_contact for rule in ladder]
    found = first_that_yields([find(tables, mapping) for find in finders])
    told = [rows.lazy().select(record_id="source_row_id") for rows in found]
    return pl.concat([contacts(tables).clear().select("record_id"), *told])


_NEEDS = ("phonecall.statecode", "email.statecode", "appointment.statecode")

_PARTY = tuple(f"activityparty.{name}" for name in ("activityid", "partyid", "participationtypemask"))
_LOOKUPS = {
    "D2": ("lead.leadid",),
    "D3": ("opportunity.parentcontactid",),
    "D4": ("opportunity.parentaccountid", "opportunity.parentcontactid"),
}

RULES = (
    Rule("D1", FIRST, "activity", "field", first_contact, _NEEDS),
    *(
        Rule(
            rule,
            FIRST,
            "activity",
            "field",
            first_contact_with(rule),
            (*_NEEDS, *_PARTY, *_LOOKUPS[rule]),
            default=False,
            verified=False,
        )
        for rule in PARTIES
    ),
    Rule("D1", "customer_contact", "activity", "field", every_contact, _NEEDS),
)
"""Those that go by who took part are used if the mapping says so: which numbers stand for taking part is not
documented by the vendor."""
