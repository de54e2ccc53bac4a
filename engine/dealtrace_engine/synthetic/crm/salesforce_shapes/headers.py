"""The columns of a weekly Data Export in its own order, and what it writes where an id is missing."""

from __future__ import annotations

from collections.abc import Sequence

from dealtrace_engine.synthetic.crm import salesforce_fields as fields

HEADERS = {
    "Account": fields.ACCOUNT,
    "Campaign": fields.CAMPAIGN,
    "Contract": fields.CONTRACT,
    "Lead": fields.LEAD,
    "Opportunity": fields.OPPORTUNITY,
    "OpportunityHistory": fields.OPPORTUNITY_HISTORY,
    "Order": fields.ORDER,
}
"""Standard columns as real exports order them; custom columns follow."""

NULL_ID = "000000000000000AAA"
_EMPTY = {
    "Account": {"MasterRecordId", "JigsawCompanyId"},
    "Campaign": {"ParentId", "CampaignMemberRecordTypeId"},
    "Lead": {"MasterRecordId", "JigsawContactId", "DandbCompanyId"},
    "Opportunity": {"Pricebook2Id", "PrimaryPartnerAccountId", "ContractId"},
}
"""Id columns that real exports leave empty; `NULL_ID` stands in the others."""

FORMULAS = frozenset({"blng__PaymentStatus__c"})
"""Formulas and roll-ups, which the weekly export leaves out."""


def ordered_columns(name: str, columns: Sequence[str]) -> list[str]:
    """Return the columns of an object in the order of the export, those that only the export has too.

    Examples
    --------
    >>> ordered_columns("Quote", ["Name", "Region__c", "Status", "Id"])
    ['Id', 'Name', 'Status', 'Region__c']
    """
    kept = [column for column in columns if column not in FORMULAS]
    known = HEADERS.get(name, ("Id",))
    standard = [column for column in kept if not column.endswith("__c")]
    custom = [column for column in kept if column.endswith("__c")]
    return [*known, *(column for column in standard if column not in known), *custom]


def missing_id(name: str, column: str) -> str:
    """Return what the export writes in a column without a value.

    Examples
    --------
    >>> missing_id("Opportunity", "CampaignId"), missing_id("Opportunity", "ContractId")
    ('000000000000000AAA', '')
    """
    is_id = column.endswith("Id") and not column.endswith("OrId")
    return NULL_ID if is_id and column not in _EMPTY.get(name, ()) else ""
