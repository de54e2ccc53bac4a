"""Leads: captured, qualified, disqualified, converted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ladder import Rule
from dealtrace_engine.sources.dynamics.codes import with_labels
from dealtrace_engine.sources.dynamics.evidence import told, told_change
from dealtrace_engine.sources.dynamics.merges import winners
from dealtrace_engine.sources.dynamics.transitions import audited_creations, became

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables

QUALIFIED, DISQUALIFIED = 1, 2
"""States of a lead."""


def captured(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when leads were entered; of leads that were merged, the first time that any of them was."""
    rows = tables.table("lead").with_columns(record_id="leadid", currency="transactioncurrencyid")
    return _earliest(rows.with_columns(at="createdon", by="createdby"), tables)


def captured_by_audit(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when leads were entered from the audit of their creation."""
    import polars as pl

    rows = audited_creations(tables, "lead").with_columns(currency=pl.lit(None, pl.String))
    return _earliest(rows, tables)


def _earliest(rows: pl.LazyFrame, tables: CrmTables) -> pl.LazyFrame:
    import polars as pl

    joined = rows.join(winners(tables, "lead"), on="record_id", how="left", maintain_order="left")
    joined = joined.with_columns(winner=pl.coalesce("winner", "record_id")).filter(pl.col("at").is_not_null())
    first = joined.sort("at", maintain_order=True).unique("winner", keep="first", maintain_order=True)
    return told(
        first, "lead", record="winner", row="record_id", at="at", by="by", currency=pl.col("currency")
    )


def qualified(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when leads became qualified."""
    return _status_events(tables, QUALIFIED)


def disqualified(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when leads became disqualified, for which reason."""
    return _status_events(tables, DISQUALIFIED)


def converted(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when leads became qualified that have an opportunity: both are one transaction."""
    import polars as pl

    return _status_events(tables, QUALIFIED).join(
        with_opportunity(tables).select(record_id=pl.col("lead")).unique(), on="record_id", how="semi"
    )


def _status_events(tables: CrmTables, state: int) -> pl.LazyFrame:
    """Return the changes to a state; that merging a lead into another closes it tells nothing about it."""
    import polars as pl

    found = became(tables, "lead", "statecode", [state], beside=["statuscode"])
    found = with_labels(found, tables, "lead", "statuscode")
    own = winners(tables, "lead").filter(pl.col("winner") == pl.col("record_id"))
    if "lead" in tables.raw.frames:
        found = found.join(own, on="record_id", how="semi")
    return told_change(found, "lead", status_to=pl.col("statuscodename"))


def with_opportunity(tables: CrmTables) -> pl.LazyFrame:
    """Return leads, after merges, with the opportunities they became: lead, opportunityid, at, by."""
    import polars as pl

    opportunities = tables.table("opportunity")
    forth = opportunities.select("opportunityid", lead="originatingleadid", at="createdon", by="createdby")
    back = tables.table("lead").select(lead="leadid", opportunityid="qualifyingopportunityid")
    back = back.join(
        opportunities.select("opportunityid", at="createdon", by="createdby"), on="opportunityid"
    )
    pairs = pl.concat([forth, back.select(forth.collect_schema().names())])
    pairs = pairs.filter(pl.col("lead").is_not_null() & pl.col("opportunityid").is_not_null())
    merged = winners(tables, "lead").rename({"record_id": "lead"})
    pairs = pairs.join(merged, on="lead", how="left", maintain_order="left")
    return (
        pairs.with_columns(lead=pl.coalesce("winner", "lead"))
        .drop("winner")
        .unique(["lead", "opportunityid"], keep="first", maintain_order=True)
    )


def by_opportunity(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when leads were converted from the first opportunity that each became.

    An opportunity that was there before its lead was not made of it, so its creation tells nothing.
    """
    import polars as pl

    leads = tables.table("lead").select(lead="leadid", captured="createdon")
    pairs = with_opportunity(tables).join(leads, on="lead", how="left", maintain_order="left")
    pairs = pairs.filter(pl.col("captured").is_null() | (pl.col("at") >= pl.col("captured")))
    first = pairs.sort("at", "opportunityid").unique("lead", keep="first", maintain_order=True)
    return told(first, "lead", record="lead", at="at", by="by", row="opportunityid")


def by_last_change(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Take the last change of a qualified lead, which can be edited no more, for its qualification."""
    import polars as pl

    rows = tables.table("lead").filter(pl.col("statecode") == QUALIFIED)
    return told(rows, "lead", at="modifiedon", by="modifiedby")


RULES = (
    Rule("D1", "lead_captured", "lead", "created", captured, ("lead.createdon",)),
    Rule("D2", "lead_captured", "audit", "audit", captured_by_audit, ("audit.operation",)),
    Rule("D1", "lead_qualified", "audit", "audit", qualified, ("audit_changes.attribute",)),
    Rule(
        "D2", "lead_qualified", "opportunity", "created", by_opportunity,
        ("opportunity.originatingleadid", "opportunity.createdon"), verified=False,
    ),
    Rule(
        "D3", "lead_qualified", "lead", "modified", by_last_change, ("lead.statecode", "lead.modifiedon"),
        verified=False,
    ),
    Rule("D1", "lead_disqualified", "audit", "audit", disqualified, ("audit_changes.attribute",)),
    Rule("D1", "lead_converted", "audit", "audit", converted, ("audit_changes.attribute",)),
    Rule(
        "D2", "lead_converted", "opportunity", "created", by_opportunity,
        ("opportunity.originatingleadid", "opportunity.createdon"), verified=False,
    ),
)  # fmt: skip
