"""The objects of Salesforce and their columns that are read, by API name; nothing else of an export is."""

from __future__ import annotations

from collections.abc import Mapping

from dealtrace_engine.sources.crm.custom import with_custom
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import Catalog, Kind


def _columns(
    ids: str = "", instants: str = "", dates: str = "", numbers: str = "", booleans: str = "",
    texts: str = "", system: bool = True,
) -> dict[str, Kind]:  # fmt: skip
    """Put together the columns of an object, each kind's names in one text, after those of every record."""
    ids = f"Id {ids}"
    if system:
        ids += " CreatedById LastModifiedById"
        instants += " CreatedDate LastModifiedDate SystemModstamp"
        booleans += " IsDeleted"
    kinds = {
        Kind.ID: ids, Kind.INSTANT: instants, Kind.DATE: dates, Kind.NUMBER: numbers,
        Kind.BOOLEAN: booleans, Kind.TEXT: texts,
    }  # fmt: skip
    return {name: kind for kind, names in kinds.items() for name in names.split()}


def _history(parent: str) -> dict[str, Kind]:
    """Columns of a table of changes: it has no last change of its own."""
    return _columns(
        f"{parent} CreatedById", "CreatedDate", booleans="IsDeleted",
        texts="Field DataType OldValue NewValue CreatedBy.Name", system=False,
    )  # fmt: skip


def _kept(ids: str = "", instants: str = "", booleans: str = "", texts: str = "") -> dict[str, Kind]:
    """Columns of an object of which only the creation is kept."""
    return _columns(
        f"{ids} CreatedById", f"{instants} CreatedDate", booleans=booleans, texts=texts, system=False
    )


_PEOPLE = "Owner.Name CreatedBy.Name LastModifiedBy.Name"
"""Names that queries and reports give beside, or instead of, ids."""

_USUAL_CUSTOM = (
    "Loss_Reason__c LossReason__c Lost_Reason__c Reason_Lost__c Closed_Lost_Reason__c Competitor__c "
    "Main_Competitor__c MainCompetitors__c Primary_Competitor__c Region__c Payment_Terms__c Contract_Terms__c"
)
"""Fields that nearly every organisation adds to opportunities, under the names that most give them."""

LEADS: Catalog = {
    "Lead": _columns(
        "OwnerId ConvertedAccountId ConvertedContactId ConvertedOpportunityId MasterRecordId RecordTypeId",
        "FirstEmailDateTime FirstCallDateTime", "ConvertedDate LastActivityDate LastTransferDate",
        "AnnualRevenue NumberOfEmployees", "IsConverted IsUnreadByOwner",
        f"Status LeadSource Company Name Industry Rating Country State CurrencyIsoCode {_PEOPLE}",
    ),
    "LeadHistory": _history("LeadId"),
    "LeadStatus": _columns(
        numbers="SortOrder", booleans="IsConverted IsDefault", texts="ApiName MasterLabel", system=False
    ),
    "Campaign": _columns(
        "OwnerId ParentId", dates="StartDate EndDate", booleans="IsActive", texts="Name Type Status"
    ),
    "CampaignMember": _columns(
        "CampaignId LeadId ContactId LeadOrContactId", dates="FirstRespondedDate",
        booleans="HasResponded", texts="Status Type",
    ),
}  # fmt: skip

OPPORTUNITIES: Catalog = {
    "Opportunity": _columns(
        "AccountId OwnerId CampaignId ContactId ContractId SyncedQuoteId Territory2Id RecordTypeId "
        "Pricebook2Id LastAmountChangedHistoryId LastCloseDateChangedHistoryId",
        "LastStageChangeDate", "CloseDate LastActivityDate",
        "Amount Probability ExpectedRevenue PushCount StageSortOrder FiscalYear FiscalQuarter",
        "IsClosed IsWon HasOpportunityLineItem IsExcludedFromTerritory2Filter",
        "Name StageName Type LeadSource ForecastCategory ForecastCategoryName CurrencyIsoCode "
        f"Account.Name Account.Industry Account.BillingCountry Account.Type Owner.UserRole.Name "
        f"RecordType.Name Territory2.Name Campaign.Name {_PEOPLE} {_USUAL_CUSTOM}",
    ),
    "OpportunityHistory": _columns(
        "OpportunityId CreatedById", "CreatedDate SystemModstamp ValidThroughDate",
        "CloseDate PrevCloseDate", "Amount PrevAmount Probability ExpectedRevenue", "IsDeleted",
        "StageName FromOpportunityStageName ForecastCategory FromForecastCategory CurrencyIsoCode "
        "CreatedBy.Name", system=False,
    ),
    "OpportunityFieldHistory": _history("OpportunityId"),
    "OpportunityStage": _columns(
        numbers="DefaultProbability SortOrder", booleans="IsClosed IsWon IsActive",
        texts="ApiName MasterLabel ForecastCategory ForecastCategoryName", system=False,
    ),
    "OpportunityLineItem": _columns(
        "OpportunityId Product2Id PricebookEntryId", dates="ServiceDate",
        numbers="Quantity UnitPrice ListPrice Discount Subtotal TotalPrice", texts="CurrencyIsoCode Name",
    ),
    "OpportunityContactRole": _columns(
        "OpportunityId ContactId", booleans="IsPrimary", texts="Role"
    ),
    "OpportunityCompetitor": _columns("OpportunityId", texts="CompetitorName"),
    "Product2": _columns(booleans="IsActive", texts="Name ProductCode Family"),
}  # fmt: skip

CONTACTS: Catalog = {
    "Task": _columns(
        "WhoId WhatId AccountId OwnerId RecurrenceActivityId", "CompletedDateTime", "ActivityDate",
        "CallDurationInSeconds", "IsClosed IsArchived IsRecurrence",
        "Subject Status Type TaskSubtype CallType Owner.Name",
    ),
    "Event": _columns(
        "WhoId WhatId AccountId OwnerId RecurrenceActivityId",
        "ActivityDateTime StartDateTime EndDateTime", "ActivityDate", "DurationInMinutes",
        "IsAllDayEvent IsChild IsGroupEvent IsArchived IsRecurrence", "Subject Type EventSubtype Owner.Name",
    ),
    "EmailMessage": _columns(
        "RelatedToId ActivityId ParentId", "MessageDate FirstOpenedDate", booleans="Incoming",
        texts="Status Subject",
    ),
    "TaskRelation": _columns("TaskId RelationId", booleans="IsWhat"),
    "EventRelation": _columns("EventId RelationId", booleans="IsWhat", texts="Status"),
    "Case": _columns(
        "AccountId ContactId OwnerId ParentId RecordTypeId", "ClosedDate", booleans="IsClosed IsEscalated",
        texts="CaseNumber Status Origin Type Reason Priority Owner.Name",
    ),
    "CaseHistory": _history("CaseId"),
}  # fmt: skip

QUOTES: Catalog = {
    "Quote": _columns(
        "OpportunityId AccountId ContactId ContractId OwnerId RecordTypeId", "", "ExpirationDate",
        "Discount Subtotal TotalPrice Tax ShippingHandling GrandTotal LineItemCount", "IsSyncing",
        f"QuoteNumber Name Status CurrencyIsoCode {_PEOPLE}",
    ),
    "QuoteHistory": _history("QuoteId"),
    "QuoteLineItem": _columns(
        "QuoteId OpportunityLineItemId Product2Id",
        numbers="Quantity UnitPrice ListPrice Discount Subtotal TotalPrice",
    ),
    "QuoteLineItemHistory": _history("QuoteLineItemId"),
    "QuoteDocument": _columns("QuoteId", numbers="Discount GrandTotal", texts="Name"),
    "SBQQ__Quote__c": _columns(
        "OwnerId SBQQ__Opportunity2__c SBQQ__Account__c SBQQ__MasterContract__c SBQQ__SalesRep__c",
        "SBQQ__LastCalculatedOn__c", "SBQQ__StartDate__c SBQQ__EndDate__c SBQQ__ExpirationDate__c",
        "SBQQ__NetAmount__c SBQQ__CustomerAmount__c SBQQ__ListAmount__c SBQQ__CustomerDiscount__c "
        "SBQQ__AverageCustomerDiscount__c SBQQ__AverageDiscount__c SBQQ__SubscriptionTerm__c",
        "SBQQ__Primary__c SBQQ__Ordered__c SBQQ__Contracted__c",
        f"Name SBQQ__Status__c SBQQ__Type__c SBQQ__PaymentTerms__c CurrencyIsoCode {_PEOPLE}",
    ),
    "SBQQ__Quote__History": _history("ParentId"),
    "SBQQ__QuoteLine__c": _columns(
        "SBQQ__Quote__c SBQQ__Product__c",
        numbers="SBQQ__Quantity__c SBQQ__NetTotal__c SBQQ__ListPrice__c SBQQ__Discount__c",
    ),
}  # fmt: skip

CONTRACTS: Catalog = {
    "Contract": _columns(
        "AccountId SourceOpportunityId ActivatedById CompanySignedId CustomerSignedId OwnerId RecordTypeId "
        "SBQQ__Opportunity__c SBQQ__Quote__c SBQQ__Order__c",
        "ActivatedDate LastApprovedDate", "StartDate EndDate CompanySignedDate CustomerSignedDate",
        "ContractTerm", "", f"Status StatusCode ContractNumber Name CurrencyIsoCode {_PEOPLE}",
    ),
    "ContractHistory": _history("ContractId"),
    "ContractStatus": _columns(
        numbers="SortOrder", texts="ApiName MasterLabel StatusCode", system=False
    ),
    "Approval": _columns("ParentId OwnerId", texts="Status"),
}  # fmt: skip

ORDERS: Catalog = {
    "Order": _columns(
        "AccountId OpportunityId QuoteId ContractId OriginalOrderId ActivatedById OwnerId RecordTypeId "
        "SBQQ__Quote__c",
        "ActivatedDate OrderedDate", "EffectiveDate EndDate PoDate CustomerAuthorizedDate "
        "CompanyAuthorizedDate", "TotalAmount", "IsReductionOrder",
        f"OrderNumber Name Status StatusCode Type CurrencyIsoCode SBQQ__PaymentTerm__c {_PEOPLE}",
    ),
    "OrderHistory": _history("OrderId"),
    "OrderStatus": _columns(numbers="SortOrder", texts="ApiName MasterLabel StatusCode", system=False),
    "OrderItem": _columns(
        "OrderId QuoteLineItemId OriginalOrderItemId Product2Id SBQQ__QuoteLine__c",
        dates="ServiceDate EndDate", numbers="Quantity UnitPrice TotalPrice",
    ),
    "OrderItemHistory": _history("OrderItemId"),
    "OrderSummary": _columns(
        "OriginalOrderId AccountId OwnerId", "OrderedDate", numbers="TotalAmount",
        texts="OrderNumber Status",
    ),
    "FulfillmentOrder": _columns(
        "OrderId OrderSummaryId InvoiceId", "ActivatedDate StartFulfillmentDate ClosedDate DeliveryDate",
        texts="Status StatusCategory",
    ),
    "Shipment": _columns(
        "FulfillmentOrderId OrderSummaryId", "ActualDeliveryDate ExpectedDeliveryDate", texts="Status"
    ),
}  # fmt: skip

INVOICES: Catalog = {
    "Invoice": _columns(
        "ReferenceEntityId BillingAccountId PaymentTermId OwnerId", "InvoiceLockedDateTime",
        "InvoiceDate DueDate PostedDate FullSettlementDate",
        "Balance TotalAmount TotalAmountWithTax NetPaymentsApplied NetCreditsApplied", "IsInvoiceLocked",
        f"InvoiceNumber DocumentNumber Status SettlementStatus Type CurrencyIsoCode {_PEOPLE}",
    ),
    "InvoiceHistory": _history("InvoiceId"),
    "InvoiceLine": _columns(
        "InvoiceId ReferenceEntityItemId Product2Id", numbers="LineAmount Quantity", texts="Type"
    ),
    "CreditMemo": _columns(
        "ReferenceEntityId BillingAccountId", "", "CreditDate", "TotalAmount Balance", "",
        "Status CreditMemoNumber CurrencyIsoCode",
    ),
    "Payment": _columns(
        "AccountId PaymentGroupId", "Date EffectiveDate GatewayDate", "",
        "Amount Balance TotalApplied NetApplied", "", "PaymentNumber Status Type CurrencyIsoCode",
    ),
    "PaymentLineInvoice": _columns(
        "PaymentId InvoiceId AssociatedPaymentLineId",
        "AppliedDate Date EffectiveDate UnappliedDate EffectiveUnappliedDate", "", "Amount",
        "HasBeenUnapplied", "Type CurrencyIsoCode",
    ),
    "PaymentTerm": _columns(texts="Name"),
    "blng__Invoice__c": _columns(
        "OwnerId blng__Account__c blng__Order__c", "",
        "blng__InvoiceDate__c blng__InvoicePostedDate__c blng__DueDate__c",
        "blng__Balance__c blng__TotalAmount__c", "",
        "Name blng__InvoiceStatus__c blng__PaymentStatus__c CurrencyIsoCode",
    ),
    "blng__Invoice__History": _history("ParentId"),
    "blng__InvoiceLine__c": _columns(
        "blng__Invoice__c blng__OrderProduct__c blng__Product__c", numbers="blng__TotalAmount__c"
    ),
    "blng__Payment__c": _columns(
        "blng__Account__c", "", "blng__PaymentDate__c", "blng__Amount__c", "",
        "Name blng__Status__c CurrencyIsoCode",
    ),
    "blng__PaymentAllocationInvoice__c": _columns(
        "blng__Payment__c blng__Invoice__c", "", "", "blng__Amount__c", "",
        "blng__Type__c blng__Unallocated__c",
    ),
}  # fmt: skip

APPROVALS: Catalog = {
    "ProcessInstance": _columns(
        "TargetObjectId SubmittedById LastActorId ProcessDefinitionId", "CompletedDate", texts="Status"
    ),
    "ProcessInstanceStep": _kept(
        "ProcessInstanceId ActorId OriginalActorId StepNodeId", texts="StepStatus"
    ),
    "ProcessInstanceWorkitem": _kept("ProcessInstanceId ActorId OriginalActorId"),
    "ProcessInstanceNode": _kept(
        "ProcessInstanceId ProcessNodeId LastActorId", "CompletedDate", texts="ProcessNodeName NodeStatus"
    ),
    "ProcessDefinition": _columns(texts="Name DeveloperName Type TableEnumOrId", system=False),
    "ProcessNode": _columns("ProcessDefinitionId", texts="Name DeveloperName", system=False),
    "ApprovalSubmission": _columns(
        "RelatedRecordId SubmittedById", texts="RelatedRecordObjectName Status Name Comments"
    ),
    "ApprovalSubmissionDetail": _columns(
        "ApprovalSubmissionId ActionPerformedById", texts="ActionName Status"
    ),
    "ApprovalWorkItem": _columns(
        "ApprovalSubmissionId RelatedRecordId AssignedToId ReviewedById", "ReviewedDate", texts="Status"
    ),
    "sbaa__Approval__c": _columns(
        "sbaa__TargetId__c sbaa__Approver__c sbaa__AssignedTo__c sbaa__ApprovedBy__c sbaa__RejectedBy__c "
        "Quote__c SBQQ__Quote__c Opportunity__c",
        "sbaa__AssignedDate__c sbaa__ApprovedDate__c sbaa__RejectedDate__c sbaa__RecalledDate__c",
        booleans="sbaa__Archived__c", texts="Name sbaa__Status__c sbaa__RecordField__c",
    ),
}  # fmt: skip

ORGANISATION: Catalog = {
    "Account": _columns(
        "OwnerId ParentId MasterRecordId RecordTypeId", "", "", "AnnualRevenue NumberOfEmployees", "",
        "Name Type Industry AccountSource Rating BillingCountry BillingState BillingCountryCode "
        "ShippingCountry Segment__c Customer_Segment__c Region__c Payment_Terms__c CurrencyIsoCode "
        "Owner.Name",
    ),
    "Contact": _columns("AccountId OwnerId MasterRecordId", texts="Name LeadSource"),
    "User": _columns(
        "UserRoleId ManagerId ProfileId", booleans="IsActive",
        texts="Name FirstName LastName Username Department Division Title CompanyName UserType "
        "TimeZoneSidKey LanguageLocaleKey LocaleSidKey DefaultCurrencyIsoCode UserRole.Name",
    ),
    "UserRole": _columns("ParentRoleId", texts="Name DeveloperName", system=False),
    "Group": _columns(texts="Name DeveloperName Type", system=False),
    "RecordType": _columns(texts="Name DeveloperName SobjectType", system=False),
    "Territory2": _columns("ParentTerritory2Id", texts="Name DeveloperName", system=False),
    "CurrencyType": _columns(
        numbers="ConversionRate", booleans="IsCorporate IsActive", texts="IsoCode", system=False
    ),
    "DatedConversionRate": _columns(
        dates="StartDate NextStartDate", numbers="ConversionRate", texts="IsoCode", system=False
    ),
    "Organization": _columns(
        texts="Name TimeZoneSidKey LanguageLocaleKey DefaultLocaleSidKey", system=False
    ),
    "FieldHistoryArchive": _columns(
        "ParentId CreatedById", "CreatedDate ArchiveTimestamp",
        texts="FieldHistoryType Field OldValue NewValue", system=False,
    ),
}  # fmt: skip

CATALOG: Catalog = {
    **OPPORTUNITIES, **LEADS, **QUOTES, **CONTRACTS, **ORDERS, **INVOICES, **CONTACTS, **APPROVALS,
    **ORGANISATION,
}  # fmt: skip

PREFIXES: Mapping[str, str] = {
    "00Q": "Lead", "006": "Opportunity", "008": "OpportunityHistory", "017": "OpportunityFieldHistory",
    "00k": "OpportunityLineItem", "00K": "OpportunityContactRole", "01t": "Product2", "00T": "Task",
    "00U": "Event", "02s": "EmailMessage", "0Q0": "Quote", "0QL": "QuoteLineItem", "800": "Contract",
    "801": "Order", "802": "OrderItem", "3tt": "Invoice", "04g": "ProcessInstance",
    "04h": "ProcessInstanceStep", "04i": "ProcessInstanceWorkitem", "001": "Account", "003": "Contact",
    "005": "User", "00E": "UserRole", "00G": "Group", "500": "Case", "701": "Campaign",
    "00v": "CampaignMember", "012": "RecordType", "00D": "Organization", "01J": "OpportunityStage",
    "01Y": "LeadStatus",
}  # fmt: skip
"""First three characters of ids; custom and packaged objects have others in every organisation."""


def catalog_with(mapping: CrmMapping) -> dict[str, dict[str, Kind]]:
    """Return the catalogue with the fields and tables that a mapping names, all of them with an id.

    Examples
    --------
    >>> catalog_with(CrmMapping(fields={"Opportunity.Loss_Reason__c": "loss_reason"}))["Opportunity"][
    ...     "Loss_Reason__c"
    ... ]
    <Kind.TEXT: 'text'>
    """
    return {name: {"Id": Kind.ID, **columns} for name, columns in with_custom(CATALOG, mapping).items()}
