"""How the synthetic company has set up its Salesforce: what is tracked, since when, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.clock import EXPORTED
from dealtrace_engine.synthetic.crm.salesforce_ids import RecordIds

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.synthetic.crm.facts import Facts

LEAD_STATUSES = {
    "New": "Open - Not Contacted",
    "Working": "Working - Contacted",
    "Qualified": "Qualified",
    "Converted": "Closed - Converted",
    "Disqualified": "Closed - Not Converted",
}
TRACKED = {
    "Lead": ("Status", "Owner", "Description"),
    "Opportunity": (
        "StageName", "Amount", "CloseDate", "Owner", "Probability", "NextStep", "Description", "Type",
        "LeadSource", "Account", "Campaign", "ForecastCategoryName", "Name", "Pricebook2", "Loss_Reason__c",
        "Main_Competitor__c", "Payment_Terms__c", "Legacy_Id__c", "IsPrivate", "TotalOpportunityQuantity",
    ),
    "Quote": ("Status", "Discount", "GrandTotal"),
    "Contract": ("Status",),
    "Order": ("Status",),
    "Invoice": ("Status",),
}  # fmt: skip
"""Fields whose changes are recorded, at most 20 of an object."""


@dataclass(frozen=True)
class SalesforceSetup:
    """What decides how much of the past the tables tell.

    Attributes
    ----------
    retention_months : int
        Rows of field history are kept so long; 18, or 24 in extracts by the API.
    history_on : mapping of str to date
        Since when the fields of an object are tracked, where that is later than the first day.
    flow_approvals_since : date
        From then on contracts are approved in flows (ApprovalSubmission), before them in classic processes.
    packaged : bool
        Whether quotes, invoices and payments are records of the managed packages CPQ and Billing.
    """

    retention_months: int = 18
    history_on: Mapping[str, date] = field(
        default_factory=lambda: {"Order": date(2024, 11, 4), "Invoice": date(2025, 2, 3)}
    )
    flow_approvals_since: date = date(2025, 9, 1)
    packaged: bool = False

    def horizon(self, object_name: str) -> datetime:
        """Return the instant before which an object has no field history."""
        months = EXPORTED.year * 12 + EXPORTED.month - 1 - self.retention_months
        kept = date(months // 12, months % 12 + 1, EXPORTED.day)
        first = max(kept, self.history_on.get(object_name, kept))
        return datetime(first.year, first.month, first.day, tzinfo=UTC)


@dataclass(frozen=True)
class SalesforceOrg:
    """An organisation about to be put in tables.

    Attributes
    ----------
    facts : Facts
    setup : SalesforceSetup
    ids : RecordIds
    """

    facts: Facts
    setup: SalesforceSetup
    ids: RecordIds

    def users(self, users: pl.Series) -> pl.Series:
        """Return the ids of users, whose positions begin with 0."""
        return self.ids.of("User", users + 1)
