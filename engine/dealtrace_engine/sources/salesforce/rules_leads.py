"""Rules on leads: captured, qualified or not, converted; responses to campaigns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ladder import Rule
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.evidence import alive, deleted, happened, midnight
from dealtrace_engine.sources.salesforce.merges import standing_for
from dealtrace_engine.sources.salesforce.transitions import (
    as_events,
    changes,
    last_touched,
    status_changes,
)

if TYPE_CHECKING:
    import polars as pl

CONVERTED = "leadConverted"


def captured(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return when each lead came: of merged leads, when the first of them did."""
    import polars as pl

    rows = tables.table("Lead").join(deleted(tables, "Lead"), on="Id", how="anti")
    rows = standing_for(tables, "Lead", rows.with_columns(root="Id"), "root")
    return rows.sort("CreatedDate", "Id").group_by("root", maintain_order=True).first().select(
        fact="root", object=pl.lit("lead"), record_id="root", timestamp="CreatedDate",
        resource_id="CreatedById", resource_name="CreatedBy.Name", source_row_id="Id",
        currency="CurrencyIsoCode",
    )  # fmt: skip


def captured_by_history(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return when the history of each lead begins, if it says that the lead was created then."""
    import polars as pl

    rows = changes(tables, "Lead", "created").sort("at", "source_row")
    first = rows.group_by("record_id", maintain_order=True).first()
    return as_events(first, "lead", status_to=pl.lit(None))


def qualified(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return changes into a status that means qualified."""
    return status_changes(tables, mapping, "Lead", "lead", "lead.qualified")


def disqualified(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return changes into a status that means that nothing will come of the lead."""
    return status_changes(tables, mapping, "Lead", "lead", "lead.disqualified")


def disqualified_now(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the last change of leads whose status says now that nothing will come of them."""
    return last_touched(tables, mapping, "Lead", "lead", ("lead.disqualified",))


def _converted(tables: CrmTables) -> pl.LazyFrame:
    import polars as pl

    return (
        alive(tables, "Lead")
        .filter(pl.col("IsConverted"))
        .select("Id", "ConvertedDate", "ConvertedOpportunityId")
    )


def converted_by_history(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the conversions that the history of leads has; several rows of one are one."""
    import polars as pl

    rows = changes(tables, "Lead", CONVERTED).sort("at", "source_row")
    rows = rows.group_by("record_id", maintain_order=True).first()
    known = _converted(tables).select(record_id="Id")
    return as_events(rows.join(known, on="record_id", how="semi"), "lead", status_from=pl.lit(None),
                     status_to=pl.lit(None))  # fmt: skip


def converted_by_opportunity(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return conversions by the mark that they leave in the history of the opportunity."""
    import polars as pl

    rows = changes(tables, "Opportunity", "opportunityCreatedFromLead").sort("at", "source_row")
    rows = rows.group_by("record_id", maintain_order=True).first().rename({"record_id": "opportunity"})
    leads = _converted(tables).select(record_id="Id", opportunity="ConvertedOpportunityId")
    return as_events(leads.join(rows, on="opportunity"), "lead", status_from=pl.lit(None),
                     status_to=pl.lit(None))  # fmt: skip


def converted_at_creation(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the creation of the opportunity, where it was on the day of the conversion.

    An opportunity that is older was there before: the lead was converted into it.
    """
    import polars as pl

    made = alive(tables, "Opportunity").select(
        ConvertedOpportunityId="Id", at="CreatedDate", by="CreatedById", by_name="CreatedBy.Name"
    )
    rows = _converted(tables).join(made, on="ConvertedOpportunityId")
    same_day = pl.col("at").dt.convert_time_zone(mapping.zone).dt.date() == pl.col("ConvertedDate")
    return rows.filter(same_day).select(
        fact="Id", object=pl.lit("lead"), record_id="Id", timestamp="at", resource_id="by",
        resource_name="by_name", source_row_id="ConvertedOpportunityId",
    )  # fmt: skip


def converted_on(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the days of conversions."""
    import polars as pl

    rows = happened(tables, _converted(tables), "ConvertedDate", mapping.zone, "Lead.ConvertedDate")
    return rows.select(
        fact="Id", object=pl.lit("lead"), record_id="Id", timestamp=midnight("ConvertedDate"),
        ts_precision=pl.lit("date"), source_row_id="Id",
    )  # fmt: skip


def campaign_response(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return when leads became members of campaigns."""
    import polars as pl

    rows = alive(tables, "CampaignMember").with_columns(lead=pl.coalesce("LeadId", "LeadOrContactId"))
    is_lead = pl.col("LeadId").is_not_null() | pl.col("lead").str.starts_with("00Q")
    rows = standing_for(tables, "Lead", rows.filter(is_lead), "lead")
    return rows.select(
        fact="Id", object=pl.lit("lead"), record_id="lead", timestamp="CreatedDate",
        resource_id="CreatedById", source_row_id="Id", status_to="Status",
    )  # fmt: skip


RULES = (
    Rule("SF3", "campaign_response", "CampaignMember", "created", campaign_response,
         ("CampaignMember.LeadId",)),
    Rule("SF1", "lead_captured", "Lead", "created", captured, ("Lead.CreatedDate",)),
    Rule("SF2", "lead_captured", "LeadHistory", "history", captured_by_history, ("LeadHistory.Field",)),
    Rule("SF1", "lead_qualified", "LeadHistory", "history", qualified, ("LeadHistory.NewValue",),
         verified=False),
    Rule("SF1", "lead_disqualified", "LeadHistory", "history", disqualified, ("LeadHistory.NewValue",),
         verified=False),
    Rule("SF2", "lead_disqualified", "Lead", "modified", disqualified_now,
         ("Lead.Status", "Lead.LastModifiedDate"), verified=False),
    Rule("SF1", "lead_converted", "LeadHistory", "history", converted_by_history, ("LeadHistory.Field",)),
    Rule("SF2", "lead_converted", "OpportunityFieldHistory", "history", converted_by_opportunity,
         ("OpportunityFieldHistory.Field", "Lead.ConvertedOpportunityId")),
    Rule("SF3", "lead_converted", "Opportunity", "created", converted_at_creation,
         ("Lead.ConvertedDate", "Lead.ConvertedOpportunityId", "Opportunity.CreatedDate")),
    Rule("SF4", "lead_converted", "Lead", "field", converted_on, ("Lead.ConvertedDate",)),
)  # fmt: skip
