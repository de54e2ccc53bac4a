"""The standard fields of Salesforce objects in the order in which exports list them."""

from __future__ import annotations

ACCOUNT = (
    "Id", "IsDeleted", "MasterRecordId", "Name", "Type", "ParentId", "BillingStreet", "BillingCity",
    "BillingState", "BillingPostalCode", "BillingCountry", "BillingLatitude", "BillingLongitude",
    "BillingGeocodeAccuracy", "ShippingStreet", "ShippingCity", "ShippingState", "ShippingPostalCode",
    "ShippingCountry", "ShippingLatitude", "ShippingLongitude", "ShippingGeocodeAccuracy", "Phone",
    "Fax", "AccountNumber", "Website", "Sic", "Industry", "AnnualRevenue", "NumberOfEmployees",
    "Ownership", "TickerSymbol", "Description", "Rating", "Site", "OwnerId", "CreatedDate",
    "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp", "LastActivityDate",
    "Jigsaw", "JigsawCompanyId", "CleanStatus", "AccountSource", "DunsNumber", "Tradestyle",
    "NaicsCode", "NaicsDesc", "YearStarted", "SicDesc", "DandbCompanyId",
)  # fmt: skip

CAMPAIGN = (
    "Id", "IsDeleted", "Name", "ParentId", "Type", "Status", "StartDate", "EndDate", "ExpectedRevenue",
    "BudgetedCost", "ActualCost", "ExpectedResponse", "NumberSent", "IsActive", "Description",
    "NumberOfLeads", "NumberOfConvertedLeads", "NumberOfContacts", "NumberOfResponses",
    "NumberOfOpportunities", "NumberOfWonOpportunities", "AmountAllOpportunities",
    "AmountWonOpportunities", "HierarchyNumberOfLeads", "HierarchyNumberOfConvertedLeads",
    "HierarchyNumberOfContacts", "HierarchyNumberOfResponses", "HierarchyNumberOfOpportunities",
    "HierarchyNumberOfWonOpportunities", "HierarchyAmountAllOpportunities",
    "HierarchyAmountWonOpportunities", "HierarchyNumberSent", "HierarchyExpectedRevenue",
    "HierarchyBudgetedCost", "HierarchyActualCost", "OwnerId", "CreatedDate", "CreatedById",
    "LastModifiedDate", "LastModifiedById", "SystemModstamp", "LastActivityDate",
    "CampaignMemberRecordTypeId",
)  # fmt: skip

CONTRACT = (
    "Id", "AccountId", "Pricebook2Id", "OwnerExpirationNotice", "StartDate", "BillingStreet",
    "BillingCity", "BillingState", "BillingPostalCode", "BillingCountry", "BillingLatitude",
    "BillingLongitude", "BillingGeocodeAccuracy", "ShippingStreet", "ShippingCity", "ShippingState",
    "ShippingPostalCode", "ShippingCountry", "ShippingLatitude", "ShippingLongitude",
    "ShippingGeocodeAccuracy", "ContractTerm", "OwnerId", "Status", "CompanySignedId",
    "CompanySignedDate", "CustomerSignedId", "CustomerSignedTitle", "CustomerSignedDate",
    "SpecialTerms", "ActivatedById", "ActivatedDate", "StatusCode", "Description", "Name", "IsDeleted",
    "ContractNumber", "LastApprovedDate", "CreatedDate", "CreatedById", "LastModifiedDate",
    "LastModifiedById", "SystemModstamp", "LastActivityDate",
)  # fmt: skip

LEAD = (
    "Id", "IsDeleted", "MasterRecordId", "Salutation", "FirstName", "LastName", "Title", "Company",
    "Street", "City", "State", "PostalCode", "Country", "Latitude", "Longitude", "GeocodeAccuracy",
    "Phone", "MobilePhone", "Fax", "Email", "Website", "Description", "LeadSource", "Status",
    "Industry", "Rating", "AnnualRevenue", "NumberOfEmployees", "OwnerId", "HasOptedOutOfEmail",
    "IsConverted", "ConvertedDate", "ConvertedAccountId", "ConvertedContactId",
    "ConvertedOpportunityId", "IsUnreadByOwner", "CreatedDate", "CreatedById", "LastModifiedDate",
    "LastModifiedById", "SystemModstamp", "LastActivityDate", "DoNotCall", "HasOptedOutOfFax",
    "LastTransferDate", "Jigsaw", "JigsawContactId", "CleanStatus", "CompanyDunsNumber",
    "DandbCompanyId", "EmailBouncedReason", "EmailBouncedDate",
)  # fmt: skip

OPPORTUNITY = (
    "Id", "IsDeleted", "AccountId", "IsPrivate", "Name", "Description", "StageName", "StageSortOrder",
    "Amount", "Probability", "ExpectedRevenue", "TotalOpportunityQuantity", "CloseDate", "Type",
    "NextStep", "LeadSource", "IsClosed", "IsWon", "ForecastCategory", "ForecastCategoryName",
    "CampaignId", "HasOpportunityLineItem", "Pricebook2Id", "OwnerId", "CreatedDate", "CreatedById",
    "LastModifiedDate", "LastModifiedById", "SystemModstamp", "LastActivityDate", "LastStageChangeDate",
    "FiscalYear", "FiscalQuarter", "PrimaryPartnerAccountId", "ContractId",
)  # fmt: skip

OPPORTUNITY_HISTORY = (
    "Id", "OpportunityId", "CreatedById", "CreatedDate", "CreatedDateForInsert", "StageName", "Amount",
    "ExpectedRevenue", "CloseDate", "Probability", "FromForecastCategory", "ForecastCategory",
    "PrevForecastUpdate", "FromOpportunityStageName", "PrevOpportunityStageUpdate", "ValidThroughDate",
    "SystemModstamp", "IsDeleted",
)  # fmt: skip

ORDER = (
    "Id", "OwnerId", "ContractId", "AccountId", "Pricebook2Id", "OriginalOrderId", "OpportunityId",
    "EffectiveDate", "EndDate", "IsReductionOrder", "Status", "Description", "CustomerAuthorizedById",
    "CustomerAuthorizedDate", "CompanyAuthorizedById", "CompanyAuthorizedDate", "Type", "BillingStreet",
    "BillingCity", "BillingState", "BillingPostalCode", "BillingCountry", "BillingLatitude",
    "BillingLongitude", "BillingGeocodeAccuracy", "ShippingStreet", "ShippingCity", "ShippingState",
    "ShippingPostalCode", "ShippingCountry", "ShippingLatitude", "ShippingLongitude",
    "ShippingGeocodeAccuracy", "Name", "PoDate", "PoNumber", "OrderReferenceNumber", "BillToContactId",
    "ShipToContactId", "ActivatedDate", "ActivatedById", "StatusCode", "OrderNumber", "TotalAmount",
    "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "IsDeleted", "SystemModstamp",
)  # fmt: skip
