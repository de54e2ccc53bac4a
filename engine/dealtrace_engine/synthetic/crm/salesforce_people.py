"""The Salesforce tables that others point to: organisation, users, customers, products and currencies."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic import organisation as synthetic
from dealtrace_engine.synthetic.crm import company
from dealtrace_engine.synthetic.crm.salesforce_fields import ACCOUNT, CAMPAIGN
from dealtrace_engine.synthetic.crm.salesforce_rows import audited, constant, laid_out

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.synthetic.crm.salesforce_org import SalesforceOrg

_ZONES = ("Europe/Berlin", "Europe/Paris", "Europe/Rome", "Europe/Madrid", "Europe/London",
          "Europe/Stockholm", "America/New_York", "Asia/Tokyo")  # fmt: skip
_LOCALES = ("de_DE", "fr_FR", "it_IT", "es_ES", "en_GB", "sv_SE", "en_US", "ja_JP")
RECORD_TYPES = ("New Business", "Renewal")
ORG_KEY = 1


def people_tables(org: SalesforceOrg) -> dict[str, pl.DataFrame]:
    """Return the tables by the name of their object."""
    return {
        "Organization": _organization(org),
        "User": _users(org),
        "UserRole": _roles(org),
        "Account": _accounts(org),
        "Contact": _persons(org),
        "Campaign": _campaigns(org),
        "CampaignMember": _members(org),
        "Product2": _products(org),
        "CurrencyType": _currencies(org),
        "DatedConversionRate": _dated_rates(org),
        "RecordType": _record_types(org),
    }


def _start(org: SalesforceOrg, count: int) -> tuple[pl.Series, pl.Series]:
    """Return when and by whom what is older than all deals was set up."""
    created = org.facts["accounts"]["created"].min()
    return constant(created, count), constant(company.SYSTEM_USER, count).cast(
        org.facts["users"]["user"].dtype
    )


def _organization(org: SalesforceOrg) -> pl.DataFrame:
    import polars as pl

    created, by = _start(org, 1)
    return laid_out(
        {
            "Id": org.ids.of("Organization", pl.Series([ORG_KEY])),
            "Name": ["Synthetic Sales"],
            "OrganizationType": ["Enterprise Edition"],
            "TimeZoneSidKey": ["GMT"],
            "LanguageLocaleKey": ["en_US"],
            "DefaultLocaleSidKey": ["en_US"],
            "FiscalYearStartMonth": [1],
            "IsSandbox": [False],
            **audited(org, pl.Series([ORG_KEY]), created, by, created),
        }
    ).drop("IsDeleted")


def _role_names(org: SalesforceOrg) -> list[str]:
    return sorted(set(_own_roles(org)))


def _own_roles(org: SalesforceOrg) -> list[str]:
    """Return the name of each user's role, which names the region of those who have one."""
    users = org.facts["users"].select("role", "region")
    return [f"{role} {region}" if region else role for role, region in users.iter_rows()]


def _users(org: SalesforceOrg) -> pl.DataFrame:
    import polars as pl

    users = org.facts["users"].with_columns(
        pl.col("name").str.extract(r"^(.*) ", 1).alias("given"),
        pl.col("name").str.extract(r"([^ ]+)$", 1).alias("last"),
    )
    regions = list(synthetic.REGIONS)
    place = users["region"].replace_strict(
        regions, list(range(len(regions))), default=0, return_dtype=pl.Int64
    )
    roles, own = _role_names(org), _own_roles(org)
    created, by = _start(org, len(users))
    return laid_out(
        {
            "Id": org.users(users["user"]),
            "Username": users["name"].str.to_lowercase().str.replace_all(" ", ".") + "@synthetic.example",
            "FirstName": users["given"],
            "LastName": users["last"],
            "Name": users["name"],
            "Email": users["name"].str.to_lowercase().str.replace_all(" ", ".") + "@synthetic.example",
            "Department": users["department"],
            "Division": users["team"],
            "IsActive": constant(True, len(users)),
            "UserType": constant("Standard", len(users)),
            "UserRoleId": org.ids.of("UserRole", pl.Series([roles.index(role) + 1 for role in own])),
            "ProfileId": org.ids.of("Profile", constant(1, len(users)).cast(pl.Int64)),
            "ManagerId": org.users(users["manager"]),
            "TimeZoneSidKey": pl.Series(_ZONES).gather(place),
            "LocaleSidKey": pl.Series(_LOCALES).gather(place),
            "LanguageLocaleKey": constant("en_US", len(users)),
            "DefaultCurrencyIsoCode": pl.Series(company.REGION_CURRENCY).gather(place),
            **audited(org, users["user"] + 1, created, by, created),
        }
    ).drop("IsDeleted")


def _roles(org: SalesforceOrg) -> pl.DataFrame:
    import polars as pl

    names = _role_names(org)
    key = pl.int_range(1, len(names) + 1, dtype=pl.Int64, eager=True)
    created, by = _start(org, len(names))
    return laid_out(
        {
            "Id": org.ids.of("UserRole", key),
            "Name": names,
            "DeveloperName": [name.replace(" & ", "_").replace(" ", "_") for name in names],
            "ParentRoleId": org.ids.of("UserRole", pl.Series([None] * len(names), dtype=pl.Int64)),
            **audited(org, key, created, by, created),
        }
    ).drop("IsDeleted", "CreatedDate", "CreatedById")


def _accounts(org: SalesforceOrg) -> pl.DataFrame:
    accounts = org.facts["accounts"]
    merged = accounts["merged_into"].is_not_null()
    return laid_out(
        {
            "Id": org.ids.of("Account", accounts["account"]),
            "MasterRecordId": org.ids.of("Account", accounts["merged_into"]),
            "Name": accounts["name"],
            "Type": constant("Customer - Direct", len(accounts)),
            "BillingCountry": accounts["country"],
            "Industry": accounts["industry"],
            "OwnerId": org.users(accounts["owner"]),
            "Segment__c": accounts["segment"],
            "Region__c": accounts["region"],
            **audited(
                org, accounts["account"], accounts["created"], accounts["owner"], accounts["created"], merged
            ),
        },
        ACCOUNT,
    )


def _persons(org: SalesforceOrg) -> pl.DataFrame:
    persons = org.facts["persons"].join(
        org.facts["accounts"].select("account", "owner", "created"), on="account", maintain_order="left"
    )
    return laid_out(
        {
            "Id": org.ids.of("Contact", persons["person"]),
            "AccountId": org.ids.of("Account", persons["account"]),
            "FirstName": persons["first_name"],
            "LastName": persons["last_name"],
            "Name": persons["first_name"] + " " + persons["last_name"],
            "OwnerId": org.users(persons["owner"]),
            **audited(org, persons["person"], persons["created"], persons["owner"], persons["created"]),
        }
    )


def _campaigns(org: SalesforceOrg) -> pl.DataFrame:
    campaigns = org.facts["campaigns"]
    created, by = _start(org, len(campaigns))
    return laid_out(
        {
            "Id": org.ids.of("Campaign", campaigns["campaign"]),
            "Name": campaigns["name"],
            "Type": constant("Conference", len(campaigns)),
            "Status": constant("Completed", len(campaigns)),
            "StartDate": constant(date(2024, 1, 8), len(campaigns)),
            "IsActive": constant(True, len(campaigns)),
            "OwnerId": org.users(by),
            **audited(org, campaigns["campaign"], created, by, created),
        },
        CAMPAIGN,
    )


def _members(org: SalesforceOrg) -> pl.DataFrame:
    responses = org.facts["responses"]
    return laid_out(
        {
            "Id": org.ids.of("CampaignMember", responses["response"]),
            "CampaignId": org.ids.of("Campaign", responses["campaign"]),
            "LeadId": org.ids.of("Lead", responses["lead"]),
            "Status": constant("Responded", len(responses)),
            "HasResponded": constant(True, len(responses)),
            "FirstRespondedDate": responses["at"].dt.date(),
            **audited(org, responses["response"], responses["at"], responses["by"], responses["at"]),
        }
    )


def _products(org: SalesforceOrg) -> pl.DataFrame:
    products = org.facts["products"]
    created, by = _start(org, len(products))
    return laid_out(
        {
            "Id": org.ids.of("Product2", products["product"]),
            "Name": products["name"],
            "ProductCode": products["name"].str.to_uppercase().str.replace_all(" ", "-"),
            "Family": products["family"],
            "IsActive": constant(True, len(products)),
            **audited(org, products["product"], created, by, created),
        }
    )


def _currencies(org: SalesforceOrg) -> pl.DataFrame:
    import polars as pl

    currencies = org.facts["currencies"].with_row_index("key", 1).with_columns(pl.col("key").cast(pl.Int64))
    created, by = _start(org, len(currencies))
    return laid_out(
        {
            "Id": org.ids.of("CurrencyType", currencies["key"]),
            "IsoCode": currencies["code"],
            "ConversionRate": currencies["rate"],
            "DecimalPlaces": (currencies["code"] != "JPY").cast(pl.Int64) * 2,
            "IsActive": constant(True, len(currencies)),
            "IsCorporate": currencies["corporate"],
            **audited(org, currencies["key"], created, by, created),
        }
    ).drop("IsDeleted")


def _dated_rates(org: SalesforceOrg) -> pl.DataFrame:
    """Return two rates of each foreign currency: of the first year, a little off, and of all time after."""
    import polars as pl

    foreign = org.facts["currencies"].filter(~pl.col("corporate"))
    turn, end = date(2025, 1, 1), date(9999, 12, 31)
    early = foreign.select("code", rate=(pl.col("rate") * 0.98).round(4), start=date(2000, 1, 1), next=turn)
    rates = pl.concat([early, foreign.select("code", "rate", start=turn, next=end)])
    key = pl.int_range(1, len(rates) + 1, dtype=pl.Int64, eager=True)
    created, by = _start(org, len(rates))
    return laid_out(
        {
            "Id": org.ids.of("DatedConversionRate", key),
            "IsoCode": rates["code"],
            "StartDate": rates["start"],
            "NextStartDate": rates["next"],
            "ConversionRate": rates["rate"],
            **audited(org, key, created, by, created),
        }
    ).drop("IsDeleted")


def _record_types(org: SalesforceOrg) -> pl.DataFrame:
    import polars as pl

    count = len(RECORD_TYPES)
    key = pl.int_range(1, count + 1, dtype=pl.Int64, eager=True)
    created, by = _start(org, count)
    return laid_out(
        {
            "Id": org.ids.of("RecordType", key),
            "Name": list(RECORD_TYPES),
            "DeveloperName": [name.replace(" ", "_") for name in RECORD_TYPES],
            "SobjectType": constant("Opportunity", count),
            "IsActive": constant(True, count),
            **audited(org, key, created, by, created),
        }
    ).drop("IsDeleted")
