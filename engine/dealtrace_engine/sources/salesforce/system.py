"""Salesforce, as the shared way from an export to a log takes it."""

from __future__ import annotations

from dealtrace_engine.sources.crm.system import CrmSystem
from dealtrace_engine.sources.salesforce.asked import asked
from dealtrace_engine.sources.salesforce.case_table import case_table
from dealtrace_engine.sources.salesforce.evidence import STAMPS
from dealtrace_engine.sources.salesforce.families import FAMILIES
from dealtrace_engine.sources.salesforce.links import links
from dealtrace_engine.sources.salesforce.memory_tables import from_frames
from dealtrace_engine.sources.salesforce.objects import CATALOG
from dealtrace_engine.sources.salesforce.read import read_raw
from dealtrace_engine.sources.salesforce.recognise import SHAPES, recognise
from dealtrace_engine.sources.salesforce.rules import RULES
from dealtrace_engine.sources.salesforce.stage_names import stage_names
from dealtrace_engine.sources.salesforce.statuses import STATUSES, unmapped
from dealtrace_engine.sources.salesforce.transitions import HISTORIES

SYSTEM = CrmSystem(
    name="salesforce",
    catalog=CATALOG,
    rules=RULES,
    links=links,
    case_table=case_table,
    recognise=recognise,
    read_raw=read_raw,
    from_frames=from_frames,
    shapes=SHAPES,
    history={"OpportunityHistory": "CreatedDate", **{name: "CreatedDate" for name, _ in HISTORIES.values()}},
    stamps=STAMPS,
    leads=("Lead", "Id"),
    rates=("CurrencyType", "DatedConversionRate"),
    unmapped=unmapped,
    statuses={**STATUSES, "Opportunity.StageName": "stage"},
    stages=stage_names,
    described_by=tuple(f"Opportunity.{column}" for column in (
        "StageName", "IsClosed", "IsWon", "Amount", "CloseDate", "CreatedDate", "OwnerId", "AccountId",
    )),
    families=FAMILIES,
    asked=asked,
    leading_history={
        "opportunity": ("OpportunityHistory", "OpportunityFieldHistory"), "lead": ("LeadHistory",),
        "quote": ("QuoteHistory", "SBQQ__Quote__History"), "order": ("OrderHistory",),
        "invoice": ("InvoiceHistory", "blng__Invoice__History"),
    },
)  # fmt: skip
