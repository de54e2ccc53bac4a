"""The Salesforce tables of selling: leads, opportunities, their lines and contact roles, and metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm import company
from dealtrace_engine.synthetic.crm.salesforce_fields import LEAD, OPPORTUNITY
from dealtrace_engine.synthetic.crm.salesforce_org import LEAD_STATUSES
from dealtrace_engine.synthetic.crm.salesforce_rows import (
    audited,
    constant,
    laid_out,
    last_changes,
    latest,
    looked_up,
)

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.synthetic.crm.salesforce_org import SalesforceOrg

PERSONS_PER_ACCOUNT = 2
CONTRACT_KNOWS_DEAL_MODULUS = 5
"""Every fifth contract does not name its opportunity; the opportunity names it instead."""


def selling_tables(org: SalesforceOrg) -> dict[str, pl.DataFrame]:
    """Return the tables by the name of their object."""
    return {
        "Lead": _leads(org),
        "LeadStatus": _lead_statuses(org),
        "Opportunity": _opportunities(org),
        "OpportunityStage": _stages(org),
        "OpportunityLineItem": _lines(org),
        "OpportunityContactRole": _contact_roles(org),
    }


def person_at(accounts: pl.Series, number: pl.Series) -> pl.Series:
    """Return the key of one of the people at each customer."""
    return (accounts - 1) * PERSONS_PER_ACCOUNT + 1 + number % PERSONS_PER_ACCOUNT


def surviving(org: SalesforceOrg, accounts: pl.Series) -> pl.Series:
    """Return each customer, or the one that it was merged into."""
    import polars as pl

    into = looked_up(accounts, org.facts["accounts"], "account", "merged_into")
    return pl.select(pl.coalesce(into, accounts)).to_series()


def _leads(org: SalesforceOrg) -> pl.DataFrame:
    leads = org.facts["leads"]
    merged, converted = leads["merged_into"].is_not_null(), leads["converted"].is_not_null()
    changed = latest(last_changes(org, "lead", leads["lead"]), leads["merged"])
    persons = person_at(leads["account"], leads["lead"])
    return laid_out(
        {
            "Id": org.ids.of("Lead", leads["lead"]),
            "MasterRecordId": org.ids.of("Lead", leads["merged_into"]),
            "FirstName": leads["first_name"],
            "LastName": leads["last_name"],
            "Name": leads["name"],
            "Company": leads["company"],
            "Country": leads["country"],
            "Industry": leads["industry"],
            "LeadSource": leads["source"],
            "Status": leads["status"].replace_strict(LEAD_STATUSES),
            "OwnerId": org.users(leads["owner"]),
            "IsConverted": converted,
            "ConvertedDate": leads["converted"].dt.date(),
            "ConvertedAccountId": org.ids.of("Account", leads["account"]),
            "ConvertedContactId": org.ids.of("Contact", persons),
            "ConvertedOpportunityId": org.ids.of("Opportunity", leads["opportunity"]),
            "IsUnreadByOwner": constant(False, len(leads)),
            "LastTransferDate": leads["captured"].dt.date(),
            **audited(org, leads["lead"], leads["captured"], leads["captured_by"], changed, merged),
        },
        LEAD,
    )


def _lead_statuses(org: SalesforceOrg) -> pl.DataFrame:
    import polars as pl

    names = list(LEAD_STATUSES.values())
    key = pl.int_range(1, len(names) + 1, dtype=pl.Int64, eager=True)
    return laid_out(
        {
            "Id": org.ids.of("LeadStatus", key),
            "ApiName": names,
            "MasterLabel": names,
            "IsConverted": [name == LEAD_STATUSES["Converted"] for name in names],
            "IsDefault": [name == LEAD_STATUSES["New"] for name in names],
            "SortOrder": key,
        }
    )


def _opportunities(org: SalesforceOrg) -> pl.DataFrame:
    import polars as pl

    deals = org.facts["opportunities"]
    place = deals["stage"].replace_strict(list(company.STAGES), list(range(len(company.STAGES))))
    key, quotes, contracts = deals["opportunity"], org.facts["quotes"], org.facts["contracts"]
    named = contracts.filter(pl.col("contract") % CONTRACT_KNOWS_DEAL_MODULUS == 0)
    stages = org.facts["changes"].filter((pl.col("object") == "opportunity") & (pl.col("field") == "stage"))
    moved = stages.group_by("record").agg(pl.col("at").max())
    activity = (
        org.facts["contacts"]
        .filter(~pl.col("deleted"))
        .group_by("opportunity")
        .agg(pl.col("at").max().dt.date())
    )
    return laid_out(
        {
            "Id": org.ids.of("Opportunity", key),
            "AccountId": org.ids.of("Account", deals["account"]),
            "RecordTypeId": org.ids.of("RecordType", (deals["type"] == "Renewal").cast(pl.Int64) + 1),
            "IsPrivate": constant(False, len(deals)),
            "Name": deals["name"],
            "StageName": deals["stage"],
            "StageSortOrder": place + 1,
            "Amount": deals["amount"],
            "CurrencyIsoCode": deals["currency"],
            "Probability": deals["probability"],
            "ExpectedRevenue": (deals["amount"] * deals["probability"] / 100).round(2),
            "CloseDate": deals["close_date"],
            "Type": deals["type"],
            "LeadSource": deals["source"],
            "IsClosed": deals["outcome"] != "Open",
            "IsWon": deals["outcome"] == "Won",
            "ForecastCategory": pl.Series(company.FORECASTS).gather(place),
            "ForecastCategoryName": pl.Series(company.FORECASTS).gather(place),
            "HasOpportunityLineItem": constant(True, len(deals)),
            "Pricebook2Id": org.ids.of("Pricebook2", constant(1, len(deals)).cast(pl.Int64)),
            "OwnerId": org.users(deals["owner"]),
            "LastActivityDate": looked_up(key, activity, "opportunity", "at"),
            "LastStageChangeDate": looked_up(key, moved, "record", "at"),
            "FiscalYear": deals["close_date"].dt.year(),
            "FiscalQuarter": deals["close_date"].dt.quarter(),
            "ContractId": org.ids.of("Contract", looked_up(key, named, "opportunity", "contract")),
            "SyncedQuoteId": org.ids.of("Quote", looked_up(deals["synced_quote"], quotes, "quote", "root")),
            "ContactId": org.ids.of("Contact", person_at(surviving(org, deals["account"]), key)),
            "PushCount": _pushes(org, key),
            "Loss_Reason__c": deals["loss_reason"],
            "Main_Competitor__c": deals["competitor"],
            "Payment_Terms__c": pl.select(pl.format("Net {}", deals["terms_days"])).to_series(),
            "Legacy_Id__c": pl.select(
                pl.when(deals["migrated"]).then(pl.format("LEGACY-{}", key))
            ).to_series(),
            **audited(org, key, deals["created"], deals["created_by"], last_changes(org, "opportunity", key),
                      deals["deleted"]),
        },
        OPPORTUNITY,
    )  # fmt: skip


def _pushes(org: SalesforceOrg, keys: pl.Series) -> pl.Series:
    import polars as pl

    changes = org.facts["changes"].filter((pl.col("field") == "close_date") & (pl.col("new") > pl.col("old")))
    return looked_up(keys, changes.group_by("record").len(), "record", "len").fill_null(0).cast(pl.Int64)


def _stages(org: SalesforceOrg) -> pl.DataFrame:
    import polars as pl

    count = len(company.STAGES)
    key = pl.int_range(1, count + 1, dtype=pl.Int64, eager=True)
    closed = [place >= company.CLOSED_WON for place in range(count)]
    return laid_out(
        {
            "Id": org.ids.of("OpportunityStage", key + len(LEAD_STATUSES)),
            "ApiName": list(company.STAGES),
            "MasterLabel": list(company.STAGES),
            "IsActive": constant(True, count),
            "SortOrder": key,
            "IsClosed": closed,
            "IsWon": [place == company.CLOSED_WON for place in range(count)],
            "ForecastCategory": list(company.FORECASTS),
            "ForecastCategoryName": list(company.FORECASTS),
            "DefaultProbability": [float(percent) for percent in company.PROBABILITIES],
        }
    )


def _lines(org: SalesforceOrg) -> pl.DataFrame:
    lines = org.facts["opportunity_lines"].join(
        org.facts["opportunities"].select("opportunity", "currency", "created", "created_by", "deleted"),
        on="opportunity", maintain_order="left",
    )  # fmt: skip
    return laid_out(
        {
            "Id": org.ids.of("OpportunityLineItem", lines["line"]),
            "OpportunityId": org.ids.of("Opportunity", lines["opportunity"]),
            "Product2Id": org.ids.of("Product2", lines["product"]),
            "PricebookEntryId": org.ids.of("PricebookEntry", lines["product"]),
            "CurrencyIsoCode": lines["currency"],
            "Quantity": lines["quantity"],
            "UnitPrice": lines["price"],
            "Subtotal": lines["total"],
            "TotalPrice": lines["total"],
            **audited(
                org, lines["line"], lines["created"], lines["created_by"], lines["created"], lines["deleted"]
            ),
        }
    )


def _contact_roles(org: SalesforceOrg) -> pl.DataFrame:
    import polars as pl

    deals = org.facts["opportunities"].filter(pl.col("opportunity") % 3 != 0)
    person = person_at(surviving(org, deals["account"]), deals["opportunity"])
    return laid_out(
        {
            "Id": org.ids.of("OpportunityContactRole", deals["opportunity"]),
            "OpportunityId": org.ids.of("Opportunity", deals["opportunity"]),
            "ContactId": org.ids.of("Contact", person),
            "Role": constant("Decision Maker", len(deals)),
            "IsPrimary": constant(True, len(deals)),
            **audited(org, deals["opportunity"], deals["created"], deals["created_by"], deals["created"]),
        }
    )
