"""The columns of a weekly Data Export in its own order, and what it writes where an id is missing."""

from __future__ import annotations

from collections.abc import Sequence

_ADDRESS = "{0}Street {0}City {0}State {0}PostalCode {0}Country {0}Latitude {0}Longitude {0}GeocodeAccuracy"
_BILLING, _SHIPPING = _ADDRESS.format("Billing"), _ADDRESS.format("Shipping")
_CHANGED = "CreatedDate CreatedById LastModifiedDate LastModifiedById"

HEADERS = {
    name: tuple(columns.split())
    for name, columns in {
        "Account": f"Id IsDeleted MasterRecordId Name Type ParentId {_BILLING} {_SHIPPING} Phone Fax "
        "AccountNumber Website Sic Industry AnnualRevenue NumberOfEmployees Ownership TickerSymbol "
        f"Description Rating Site OwnerId {_CHANGED} SystemModstamp LastActivityDate Jigsaw JigsawCompanyId "
        "CleanStatus AccountSource DunsNumber Tradestyle NaicsCode NaicsDesc YearStarted SicDesc "
        "DandbCompanyId",
        "Campaign": "Id IsDeleted Name ParentId Type Status StartDate EndDate ExpectedRevenue BudgetedCost "
        "ActualCost ExpectedResponse NumberSent IsActive Description NumberOfLeads NumberOfConvertedLeads "
        "NumberOfContacts NumberOfResponses NumberOfOpportunities NumberOfWonOpportunities "
        "AmountAllOpportunities AmountWonOpportunities HierarchyNumberOfLeads "
        "HierarchyNumberOfConvertedLeads HierarchyNumberOfContacts HierarchyNumberOfResponses "
        "HierarchyNumberOfOpportunities HierarchyNumberOfWonOpportunities HierarchyAmountAllOpportunities "
        "HierarchyAmountWonOpportunities HierarchyNumberSent HierarchyExpectedRevenue "
        f"HierarchyBudgetedCost HierarchyActualCost OwnerId {_CHANGED} SystemModstamp LastActivityDate "
        "CampaignMemberRecordTypeId",
        "Contract": f"Id AccountId Pricebook2Id OwnerExpirationNotice StartDate {_BILLING} {_SHIPPING} "
        "ContractTerm OwnerId Status CompanySignedId CompanySignedDate CustomerSignedId CustomerSignedTitle "
        "CustomerSignedDate SpecialTerms ActivatedById ActivatedDate StatusCode Description Name IsDeleted "
        f"ContractNumber LastApprovedDate {_CHANGED} SystemModstamp LastActivityDate",
        "Lead": "Id IsDeleted MasterRecordId Salutation FirstName LastName Title Company Street City State "
        "PostalCode Country Latitude Longitude GeocodeAccuracy Phone MobilePhone Fax Email Website "
        "Description LeadSource Status Industry Rating AnnualRevenue NumberOfEmployees OwnerId "
        "HasOptedOutOfEmail IsConverted ConvertedDate ConvertedAccountId ConvertedContactId "
        f"ConvertedOpportunityId IsUnreadByOwner {_CHANGED} SystemModstamp LastActivityDate DoNotCall "
        "HasOptedOutOfFax LastTransferDate Jigsaw JigsawContactId CleanStatus CompanyDunsNumber "
        "DandbCompanyId EmailBouncedReason EmailBouncedDate",
        "Opportunity": "Id IsDeleted AccountId IsPrivate Name Description StageName StageSortOrder Amount "
        "Probability ExpectedRevenue TotalOpportunityQuantity CloseDate Type NextStep LeadSource IsClosed "
        "IsWon ForecastCategory ForecastCategoryName CampaignId HasOpportunityLineItem Pricebook2Id OwnerId "
        f"{_CHANGED} SystemModstamp LastActivityDate LastStageChangeDate FiscalYear FiscalQuarter "
        "PrimaryPartnerAccountId ContractId",
        "OpportunityHistory": "Id OpportunityId CreatedById CreatedDate CreatedDateForInsert StageName "
        "Amount ExpectedRevenue CloseDate Probability FromForecastCategory ForecastCategory "
        "PrevForecastUpdate "
        "FromOpportunityStageName PrevOpportunityStageUpdate ValidThroughDate SystemModstamp IsDeleted",
        "Order": "Id OwnerId ContractId AccountId Pricebook2Id OriginalOrderId OpportunityId EffectiveDate "
        "EndDate IsReductionOrder Status Description CustomerAuthorizedById CustomerAuthorizedDate "
        f"CompanyAuthorizedById CompanyAuthorizedDate Type {_BILLING} {_SHIPPING} Name PoDate PoNumber "
        "OrderReferenceNumber BillToContactId ShipToContactId ActivatedDate ActivatedById StatusCode "
        f"OrderNumber TotalAmount {_CHANGED} IsDeleted SystemModstamp",
    }.items()
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
