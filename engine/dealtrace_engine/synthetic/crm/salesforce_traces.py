"""Where a Salesforce organisation records each activity, the best place first."""

from __future__ import annotations

from dealtrace_engine.synthetic.crm.traces import Trace


def _history(table: str, parent: str, *fields: str) -> Trace:
    return Trace(table, parent, "CreatedDate", column="Field", values=fields)


def _history_of(table: str, parent: str, field: str, packaged: str, packaged_field: str) -> tuple[Trace, ...]:
    """Return the history of a standard object, and of the one that a managed package has in its place."""
    return _history(table, parent, field), _history(packaged, "ParentId", packaged_field)


_SNAPSHOT = Trace("OpportunityHistory", "OpportunityId", "CreatedDate")
_STAGE = (
    _SNAPSHOT,
    _history("OpportunityFieldHistory", "OpportunityId", "StageName"),
    Trace("Opportunity", "Id", "LastStageChangeDate"),
)
_CLOSED = (*_STAGE, Trace("Opportunity", "Id", "CloseDate", "date"))
_QUOTE_OBJECTS = (Trace("Quote", "Id", "CreatedDate"), Trace("SBQQ__Quote__c", "Id", "CreatedDate"))
_QUOTE = _history_of("QuoteHistory", "QuoteId", "Status", "SBQQ__Quote__History", "SBQQ__Status__c")
_DISCOUNT = _history_of(
    "QuoteHistory", "QuoteId", "Discount", "SBQQ__Quote__History", "SBQQ__CustomerDiscount__c"
)
_INVOICE = _history_of(
    "InvoiceHistory", "InvoiceId", "Status", "blng__Invoice__History", "blng__InvoiceStatus__c"
)
_ALLOCATION = "blng__PaymentAllocationInvoice__c"
_ORDER = (_history("OrderHistory", "OrderId", "Status"),)
_DECIDED = (
    Trace("ProcessInstance", "TargetObjectId", "CompletedDate"),
    Trace(
        "ProcessInstanceStep", "ProcessInstanceId", "CreatedDate",
        via=("ProcessInstance", "Id", "TargetObjectId"),
    ),
    Trace("ApprovalWorkItem", "RelatedRecordId", "ReviewedDate"),
)  # fmt: skip
_REQUESTED = (
    Trace("ProcessInstance", "TargetObjectId", "CreatedDate"),
    Trace("ApprovalSubmission", "RelatedRecordId", "CreatedDate"),
)
_CONTACT = (
    Trace("Event", "Id", "StartDateTime"), Trace("EmailMessage", "Id", "MessageDate"),
    Trace("Task", "Id", "CompletedDateTime"), Trace("Task", "Id", "CreatedDate"),
    Trace("Task", "Id", "ActivityDate", "date"),
)  # fmt: skip
_APPLIED = ("AppliedDate", "Date", "CreatedDate")

TRACES: dict[str, tuple[Trace, ...]] = {
    "campaign_response": (Trace("CampaignMember", "LeadId", "CreatedDate"),),
    "lead_captured": (
        Trace("Lead", "Id", "CreatedDate"), Trace("Lead", "MasterRecordId", "CreatedDate"),
        _history("LeadHistory", "LeadId", "created"),
    ),
    "lead_qualified": (_history("LeadHistory", "LeadId", "Status"),),
    "lead_disqualified": (_history("LeadHistory", "LeadId", "Status"),),
    "lead_converted": (
        _history("LeadHistory", "LeadId", "leadConverted"),
        Trace(
            "OpportunityFieldHistory", "OpportunityId", "CreatedDate", column="Field",
            values=("opportunityCreatedFromLead",), via=("Lead", "ConvertedOpportunityId", "Id"),
        ),
        Trace("Opportunity", "Id", "CreatedDate", via=("Lead", "ConvertedOpportunityId", "Id")),
        Trace("Lead", "Id", "ConvertedDate", "date"),
    ),
    "opportunity_created": (Trace("Opportunity", "Id", "CreatedDate"),),
    "opportunity_stage_changed": _STAGE,
    "solution_proposed": _STAGE,
    "opportunity_reopened": _STAGE,
    "opportunity_won": _CLOSED,
    "opportunity_lost": _CLOSED,
    "owner_changed": (_history("OpportunityFieldHistory", "OpportunityId", "Owner", "ownerAssignment"),),
    "amount_changed": (_SNAPSHOT, _history("OpportunityFieldHistory", "OpportunityId", "Amount")),
    "close_date_pushed": (_SNAPSHOT, _history("OpportunityFieldHistory", "OpportunityId", "CloseDate")),
    "quote_created": _QUOTE_OBJECTS,
    "quote_revised": (*_QUOTE_OBJECTS, *_QUOTE),
    "quote_issued": (
        *_QUOTE, Trace("EmailMessage", "RelatedToId", "MessageDate"),
        Trace("QuoteDocument", "QuoteId", "CreatedDate"),
    ),
    "quote_accepted": _QUOTE,
    "quote_rejected": _QUOTE,
    "discount_changed": _DISCOUNT,
    "discount_approval_requested": _REQUESTED,
    "discount_approval_approved": _DECIDED,
    "discount_approval_rejected": _DECIDED,
    "discount_approval_recalled": _DECIDED,
    "approval_requested": _REQUESTED,
    "approval_approved": _DECIDED,
    "approval_rejected": _DECIDED,
    "approval_recalled": _DECIDED,
    "contract_created": (Trace("Contract", "Id", "CreatedDate"),),
    "contract_sent_for_approval": (_history("ContractHistory", "ContractId", "Status"),),
    "contract_signed": (
        Trace("Contract", "Id", "ActivatedDate"),
        _history("ContractHistory", "ContractId", "Status", "contractActivation"),
    ),
    "sales_order_created": (Trace("Order", "Id", "CreatedDate"),),
    "order_activated": (Trace("Order", "Id", "ActivatedDate"), *_ORDER),
    "order_fulfilled": _ORDER,
    "order_partially_fulfilled": _ORDER,
    "order_canceled": _ORDER,
    "order_closed": _ORDER,
    "invoice_generated": (
        Trace("Invoice", "Id", "CreatedDate"), Trace("blng__Invoice__c", "Id", "CreatedDate"),
    ),
    "invoice_sent": (
        *_INVOICE, Trace("Invoice", "Id", "PostedDate", "date"),
        Trace("blng__Invoice__c", "Id", "blng__InvoicePostedDate__c", "date"),
    ),
    "invoice_canceled": _INVOICE,
    "payment_received": (
        *(Trace("PaymentLineInvoice", "PaymentId", at) for at in _APPLIED),
        Trace(_ALLOCATION, "blng__Payment__c", "CreatedDate"),
    ),
    "payment_reversed": (
        *(Trace("PaymentLineInvoice", "PaymentId", at) for at in ("UnappliedDate", *_APPLIED)),
        Trace(_ALLOCATION, "blng__Payment__c", "CreatedDate"),
    ),
    "payment_completed": (
        *(Trace("PaymentLineInvoice", "InvoiceId", at) for at in _APPLIED),
        Trace(_ALLOCATION, "blng__Invoice__c", "CreatedDate"),
        Trace("Invoice", "Id", "FullSettlementDate", "date"),
    ),
    "payment_reminder_sent": (
        Trace("EmailMessage", "RelatedToId", "MessageDate"), Trace("Task", "WhatId", "CompletedDateTime"),
    ),
    "first_customer_contact": _CONTACT,
    "customer_contact": _CONTACT,
    "case_opened": (Trace("Case", "Id", "CreatedDate"),),
    "case_closed": (Trace("Case", "Id", "ClosedDate"), _history("CaseHistory", "CaseId", "Status")),
}  # fmt: skip
