"""The columns that rules, links, case tables and the coverage report ask for; no other is read.

A mapping that names a field of another column has that one read too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dealtrace_engine.sources.salesforce.account_links import COLUMNS as BY_ACCOUNT
from dealtrace_engine.sources.salesforce.case_table import COMPETITORS, LOSS_REASONS
from dealtrace_engine.sources.salesforce.links import OBJECTS

if TYPE_CHECKING:
    from dealtrace_engine.sources.crm.mapping import CrmMapping

_STATE = "Id IsDeleted CreatedDate LastModifiedDate SystemModstamp"
_MADE = f"{_STATE} CreatedById"
_RECORD = f"{_MADE} CreatedBy.Name CurrencyIsoCode"
_ACTIVITY = f"{_MADE} WhoId WhatId OwnerId ActivityDate IsRecurrence"
_LABELS = "Id Name DeveloperName"
_COLUMNS = {
    "Opportunity": f"{_RECORD} AccountId OwnerId ContractId SyncedQuoteId Territory2Id RecordTypeId "
    "LastStageChangeDate CloseDate Amount Probability StageSortOrder IsClosed IsWon StageName Type "
    "LeadSource ForecastCategory Account.Name Account.Industry Account.BillingCountry Owner.Name "
    "Owner.UserRole.Name RecordType.Name Territory2.Name Region__c Payment_Terms__c Contract_Terms__c "
    f"{' '.join((*LOSS_REASONS, *COMPETITORS))}",
    "OpportunityHistory": "Id IsDeleted CreatedDate SystemModstamp CreatedById CreatedBy.Name OpportunityId "
    "CloseDate PrevCloseDate Amount PrevAmount Probability StageName FromOpportunityStageName "
    "ForecastCategory CurrencyIsoCode",
    "OpportunityStage": "DefaultProbability SortOrder IsClosed IsWon IsActive ApiName MasterLabel",
    "OpportunityLineItem": f"{_STATE} OpportunityId Product2Id Quantity UnitPrice TotalPrice",
    "OpportunityCompetitor": f"{_STATE} OpportunityId CompetitorName",
    "Product2": f"{_STATE} Family",
    "Lead": f"{_RECORD} LastModifiedById ConvertedOpportunityId MasterRecordId ConvertedDate IsConverted "
    "Status LeadSource",
    "CampaignMember": f"{_MADE} LeadId LeadOrContactId Status",
    "Quote": f"{_RECORD} OpportunityId ContractId LastModifiedById ExpirationDate Discount GrandTotal "
    "IsSyncing Status",
    "QuoteLineItem": f"{_STATE} QuoteId",
    "QuoteDocument": f"{_MADE} QuoteId Discount GrandTotal",
    "SBQQ__Quote__c": f"{_RECORD} LastModifiedById SBQQ__Opportunity2__c SBQQ__ExpirationDate__c "
    "SBQQ__NetAmount__c SBQQ__CustomerDiscount__c SBQQ__Primary__c SBQQ__Status__c SBQQ__PaymentTerms__c",
    "SBQQ__QuoteLine__c": f"{_STATE} SBQQ__Quote__c",
    "Contract": f"{_MADE} CreatedBy.Name SourceOpportunityId ActivatedById CompanySignedId "
    "SBQQ__Opportunity__c SBQQ__Quote__c SBQQ__Order__c ActivatedDate CompanySignedDate CustomerSignedDate "
    "ContractTerm Status",
    "Order": f"{_RECORD} OpportunityId QuoteId ContractId OriginalOrderId ActivatedById SBQQ__Quote__c "
    "ActivatedDate TotalAmount IsReductionOrder Status SBQQ__PaymentTerm__c",
    "OrderItem": f"{_STATE} OrderId QuoteLineItemId SBQQ__QuoteLine__c",
    "OrderSummary": f"{_STATE} OriginalOrderId",
    "FulfillmentOrder": f"{_STATE} OrderId OrderSummaryId InvoiceId LastModifiedById ClosedDate Status "
    "StatusCategory",
    "Shipment": f"{_STATE} FulfillmentOrderId OrderSummaryId ActualDeliveryDate Status",
    "Invoice": f"{_RECORD} ReferenceEntityId PaymentTermId DueDate PostedDate FullSettlementDate "
    "TotalAmount TotalAmountWithTax NetPaymentsApplied Status SettlementStatus Type",
    "InvoiceLine": f"{_STATE} InvoiceId ReferenceEntityItemId",
    "Payment": f"{_MADE} EffectiveDate Amount Status CurrencyIsoCode",
    "PaymentLineInvoice": f"{_MADE} PaymentId InvoiceId AppliedDate Date UnappliedDate Amount Type "
    "CurrencyIsoCode",
    "PaymentTerm": f"{_STATE} Name",
    "blng__Invoice__c": f"{_MADE} blng__Order__c blng__InvoicePostedDate__c blng__DueDate__c "
    "blng__TotalAmount__c blng__InvoiceStatus__c CurrencyIsoCode",
    "blng__InvoiceLine__c": f"{_STATE} blng__Invoice__c blng__OrderProduct__c",
    "blng__Payment__c": f"{_STATE} CurrencyIsoCode",
    "blng__PaymentAllocationInvoice__c": f"{_MADE} blng__Payment__c blng__Invoice__c blng__Amount__c "
    "blng__Type__c blng__Unallocated__c",
    "Task": f"{_ACTIVITY} CompletedDateTime IsClosed Status Type TaskSubtype CallType",
    "Event": f"{_ACTIVITY} ActivityDateTime StartDateTime EndDateTime IsAllDayEvent IsChild",
    "EmailMessage": f"{_MADE} RelatedToId ActivityId ParentId MessageDate Incoming Status",
    "TaskRelation": f"{_STATE} TaskId RelationId",
    "EventRelation": f"{_STATE} EventId RelationId",
    "Case": f"{_MADE} OwnerId ClosedDate Status Owner.Name",
    "ProcessInstance": f"{_MADE} TargetObjectId SubmittedById LastActorId ProcessDefinitionId CompletedDate "
    "Status",
    "ProcessInstanceStep": "Id CreatedDate ProcessInstanceId ActorId StepStatus",
    "ProcessDefinition": _LABELS,
    "ApprovalSubmission": f"{_MADE} RelatedRecordId SubmittedById Status Name Comments",
    "ApprovalSubmissionDetail": f"{_STATE} ApprovalSubmissionId ActionName",
    "ApprovalWorkItem": f"{_STATE} ApprovalSubmissionId AssignedToId ReviewedById ReviewedDate Status",
    "sbaa__Approval__c": f"{_MADE} sbaa__TargetId__c sbaa__ApprovedBy__c sbaa__RejectedBy__c Quote__c "
    "SBQQ__Quote__c Opportunity__c sbaa__ApprovedDate__c sbaa__RejectedDate__c sbaa__RecalledDate__c "
    "sbaa__Status__c",
    "Account": f"{_STATE} MasterRecordId Name Type Industry BillingCountry BillingCountryCode "
    "ShippingCountry Segment__c Customer_Segment__c Region__c Payment_Terms__c",
    "Contact": _STATE,
    "User": f"{_STATE} UserRoleId Name FirstName LastName Username Department Division UserRole.Name",
    "UserRole": _LABELS,
    "Group": _LABELS,
    "RecordType": _LABELS,
    "Territory2": _LABELS,
    "CurrencyType": "ConversionRate IsoCode",
}
_OWNER = "OwnerId Owner.Name"
_CASES = {
    "Lead": f"{_OWNER} Company Industry Country", "Quote": _OWNER, "SBQQ__Quote__c": _OWNER, "Order": _OWNER,
    "Invoice": _OWNER, "blng__Invoice__c": "OwnerId",
}  # fmt: skip
"""What only the case table asks of the records that are the cases."""


def asked(mapping: CrmMapping) -> Mapping[str, Sequence[str]]:
    """Return which columns of each table are asked for; of a table that is not named, all are."""
    found = {table: dict.fromkeys(columns.split()) for table, columns in _COLUMNS.items()}
    for table in OBJECTS[mapping.leading]:
        found[table].update(dict.fromkeys(_CASES.get(table, "").split()))
    if mapping.link_by_account:
        for _, table, column in BY_ACCOUNT:
            found[table][column] = None
    return {table: tuple(columns) for table, columns in found.items()}
