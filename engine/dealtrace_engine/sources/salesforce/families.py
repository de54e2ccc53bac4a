"""The rules family by family: which tables each asks for, and what of them is asked for after it.

Links, case table and coverage report come last. They ask for what is kept here, and for what is worked out
once while the tables that it needs are there.
"""

from __future__ import annotations

from collections.abc import Sequence

from dealtrace_engine.sources.crm.ladder import Rule
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.system import Family
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce import (
    rules_approvals,
    rules_contacts,
    rules_contracts,
    rules_invoices,
    rules_leads,
    rules_opportunities,
    rules_orders,
    rules_payments,
    rules_quotes,
    rules_support,
)
from dealtrace_engine.sources.salesforce.case_deals import closings, reopenings, with_history
from dealtrace_engine.sources.salesforce.case_table import (
    COMPETITORS,
    LOSS_REASONS,
    around_deals,
    own_columns,
)
from dealtrace_engine.sources.salesforce.contact_roles import ROLES
from dealtrace_engine.sources.salesforce.links import links_of
from dealtrace_engine.sources.salesforce.outcomes import outcomes
from dealtrace_engine.sources.salesforce.paths import invoice_orders, order_quotes, payment_invoices
from dealtrace_engine.sources.salesforce.rules_opportunities import CREATED_FROM_LEAD
from dealtrace_engine.sources.salesforce.stage_changes import FIELDS, SNAPSHOTS, snapshots, stage_changes
from dealtrace_engine.sources.salesforce.stages import stage_table
from dealtrace_engine.sources.salesforce.statuses import STATUSES
from dealtrace_engine.sources.salesforce.transitions import changes

FIELDS_OF_DEALS = ("owner_changed", "amount_changed", "close_date_pushed")
"""What changes of opportunities besides their stage."""


def _activities(*ladders: Sequence[Rule]) -> tuple[str, ...]:
    """Return the activities of these rules, but `FIELDS_OF_DEALS`."""
    found = dict.fromkeys(rule.activity for rules in ladders for rule in rules)
    return tuple(activity for activity in found if activity not in FIELDS_OF_DEALS)


def _record(columns: str) -> tuple[str, ...]:
    """Return columns of an object after those that every object keeps."""
    return ("Id", "IsDeleted", "CreatedDate", *columns.split())


APPROVALS = (
    "ProcessInstance", "ProcessInstanceStep", "ProcessDefinition", "ApprovalSubmission",
    "ApprovalSubmissionDetail", "ApprovalWorkItem", "sbaa__Approval__c",
)  # fmt: skip
_CASE = "OwnerId CurrencyIsoCode"
"""What a case of its own needs of any object."""
KEPT = {
    "Opportunity": _record(
        f"{_CASE} CreatedById CreatedBy.Name AccountId ContractId SyncedQuoteId Territory2Id RecordTypeId "
        "LastStageChangeDate CloseDate Amount StageName Type LeadSource Account.Name Account.Industry "
        "Account.BillingCountry Owner.Name Owner.UserRole.Name RecordType.Name Territory2.Name Region__c "
        f"Payment_Terms__c Contract_Terms__c {' '.join((*LOSS_REASONS, *COMPETITORS))}"
    ),
    "Lead": _record("Status"),
    "Quote": _record(
        f"{_CASE} OpportunityId AccountId ContractId IsSyncing Status GrandTotal Discount Owner.Name"
    ),
    "SBQQ__Quote__c": _record(
        f"{_CASE} SBQQ__Opportunity2__c SBQQ__Account__c SBQQ__Primary__c SBQQ__Status__c SBQQ__NetAmount__c "
        "SBQQ__CustomerDiscount__c SBQQ__PaymentTerms__c Owner.Name"
    ),
    "Contract": _record(
        "AccountId SourceOpportunityId SBQQ__Opportunity__c SBQQ__Quote__c SBQQ__Order__c Status ContractTerm"
    ),
    "Order": _record(
        f"{_CASE} AccountId OpportunityId QuoteId ContractId OriginalOrderId SBQQ__Quote__c Status "
        "TotalAmount SBQQ__PaymentTerm__c Owner.Name"
    ),
    "Invoice": _record(
        f"{_CASE} ReferenceEntityId BillingAccountId PaymentTermId Status DueDate TotalAmount "
        "TotalAmountWithTax Type Owner.Name"
    ),
    "blng__Invoice__c": _record(
        f"{_CASE} blng__Account__c blng__Order__c blng__InvoiceStatus__c blng__DueDate__c "
        "blng__TotalAmount__c"
    ),
    "Case": _record("AccountId"),
    "EmailMessage": _record("CreatedById RelatedToId ActivityId ParentId MessageDate Incoming Status"),
    "OrderItem": _record("OrderId"),
}  # fmt: skip
"""Of objects that are not spent with their family: the columns that are asked for afterwards."""


def _orders(tables: CrmTables, mapping: CrmMapping) -> None:
    order_quotes(tables)


def _invoices(tables: CrmTables, mapping: CrmMapping) -> None:
    invoice_orders(tables)
    payment_invoices(tables)


def _linked(tables: CrmTables, mapping: CrmMapping) -> None:
    """Work out all that is asked of links between records, and of those that follow an opportunity."""
    links_of(tables, mapping)
    around_deals(tables, mapping)
    if mapping.leading != "opportunity":
        own_columns(tables, mapping)


def _snapshots(tables: CrmTables, mapping: CrmMapping) -> None:
    """Work out what is asked of the one history of opportunities in place of its own rows."""
    stage_table(tables, mapping)
    snapshots(tables)


def _histories(tables: CrmTables, mapping: CrmMapping) -> None:
    """Work out all that is asked of the two histories of opportunities."""
    with_history(tables)
    stage_changes(tables, mapping, SNAPSHOTS)
    tables.release_made("snapshots")
    stage_changes(tables, mapping, FIELDS)
    changes(tables, "Opportunity", "created", CREATED_FROM_LEAD)
    changes(tables, "Opportunity", CREATED_FROM_LEAD)


def _stages(tables: CrmTables, mapping: CrmMapping) -> None:
    """Work out what the case table says of how opportunities went."""
    outcomes(tables, mapping)
    closings(tables, mapping)
    reopenings(tables, mapping)


def _kept(*names: str) -> dict[str, tuple[str, ...]]:
    return {name: KEPT[name] for name in names}


SELLING = (
    Family(
        _activities(rules_quotes.RULES),
        reads=("Quote", "QuoteHistory", "QuoteDocument", "EmailMessage", "SBQQ__Quote__c",
               "SBQQ__Quote__History", "User"),
        spent=("QuoteHistory", "QuoteDocument", "SBQQ__Quote__History"),
        spent_made=("changes Quote ('GrandTotal'", "changes Quote ('Discount'", "changes SBQQ__Quote__c"),
        kept=_kept("Quote", "SBQQ__Quote__c", "EmailMessage"),
    ),
    Family(
        _activities(rules_contracts.RULES),
        reads=("Contract", "ContractHistory"),
        spent=("ContractHistory",),
        spent_made=("changes Contract",),
        kept=_kept("Contract"),
    ),
    Family(
        _activities(rules_orders.RULES),
        reads=("Order", "OrderHistory", "OrderItem", "OrderSummary", "FulfillmentOrder", "Shipment",
               "QuoteLineItem", "SBQQ__QuoteLine__c"),
        afterwards=_orders,
        spent=("OrderHistory", "Shipment", "QuoteLineItem", "SBQQ__QuoteLine__c"),
        spent_made=("changes Order",),
        kept=_kept("Order", "OrderItem"),
    ),
    Family(
        _activities(rules_invoices.RULES, rules_payments.RULES),
        reads=("Invoice", "InvoiceHistory", "InvoiceLine", "PaymentTerm", "Payment", rules_payments.LINE,
               "blng__Invoice__c", "blng__Invoice__History", "blng__InvoiceLine__c", "blng__Payment__c",
               rules_payments.ALLOCATION),
        afterwards=_invoices,
        spent=("InvoiceHistory", "InvoiceLine", "Payment", rules_payments.LINE, "blng__Invoice__History",
               "blng__InvoiceLine__c", "blng__Payment__c", rules_payments.ALLOCATION, "OrderItem",
               "OrderSummary", "FulfillmentOrder"),
        spent_made=("changes Invoice", "changes blng__Invoice__c"),
        kept=_kept("Invoice", "blng__Invoice__c"),
    ),
)  # fmt: skip
"""What comes of an opportunity."""
AROUND = (
    Family(_activities(rules_support.RULES), reads=("Case",), kept=_kept("Case")),
    Family(
        _activities(rules_approvals.RULES),
        reads=(*APPROVALS, "Opportunity", "Lead", "Account", "Contact"),
        spent=(*APPROVALS, "Contact"),
        spent_made=("approvals",),
    ),
    Family(
        _activities(rules_contacts.RULES),
        reads=("Task", "Event", "TaskRelation", "EventRelation", "OpportunityLineItem", "Product2",
               "OpportunityCompetitor"),
        afterwards=_linked,
        spent=("Task", "Event", "EmailMessage", "TaskRelation", "EventRelation", "OpportunityLineItem",
               "Product2", "OpportunityCompetitor", "PaymentTerm", "Case", ROLES),
        spent_made=("contacts", "first contacts", "opportunity links", "quotes of orders",
                    "orders of invoices", "invoices of payments"),
        kept={name: ("Id", "IsDeleted", column)
              for name, _, column in (place.partition(".") for place in STATUSES) if name != "Lead"},
    ),
)  # fmt: skip
"""What can be about any of them; links are worked out for it."""
OPPORTUNITIES = (
    Family(
        (),
        reads=("Opportunity", SNAPSHOTS, FIELDS, "OpportunityStage"),
        afterwards=_snapshots,
        spent=(SNAPSHOTS, "OpportunityStage"),
    ),
    Family(
        FIELDS_OF_DEALS,
        afterwards=_histories,
        spent=(FIELDS,),
        spent_made=("lookups Opportunity", "changes Opportunity ('Owner'",
                    "changes Opportunity ('Amount'", "changes Opportunity ('CloseDate'",
                    "changes Opportunity ('StageName'"),
    ),
    Family(
        _activities(rules_opportunities.RULES),
        afterwards=_stages,
        spent_made=("stage changes", "changes Quote", "changes Opportunity ('created'"),
        kept=_kept("Opportunity"),
    ),
    Family(
        _activities(rules_leads.RULES),
        reads=("Lead", "LeadHistory", "CampaignMember"),
        spent=("LeadHistory", "CampaignMember"),
        spent_made=("changes Lead", "changes Opportunity"),
        kept=_kept("Lead"),
    ),
)  # fmt: skip
"""Opportunities and leads: most of all rows, last, when there are links already and few other tables."""
FAMILIES = (*SELLING, *AROUND, *OPPORTUNITIES)
