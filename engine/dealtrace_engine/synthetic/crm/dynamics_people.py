"""Users and how they are organised, customers, products, currencies, and the support cases of customers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.clock import EPOCH
from dealtrace_engine.synthetic.crm import company
from dealtrace_engine.synthetic.crm.dynamics_codes import option_of
from dealtrace_engine.synthetic.crm.dynamics_directory import Directory, coded
from dealtrace_engine.synthetic.crm.dynamics_guids import guid
from dealtrace_engine.synthetic.crm.dynamics_history import History, at_change, history

if TYPE_CHECKING:
    import polars as pl

_FOUNDED = datetime(EPOCH.year - 3, 6, 1, 8, tzinfo=UTC)
_MERGED_AFTER_DAYS = 120
"""From the creation of an account that was found to be there already to its merging."""


def _founded() -> pl.Expr:
    import polars as pl

    return pl.lit(_FOUNDED, pl.Datetime("us", "UTC"))


def lasting_tables(directory: Directory) -> dict[str, pl.DataFrame]:
    """Return the small tables without a history: users, teams, units, territories, currencies, products."""
    return {
        "systemuser": _users(directory),
        "team": _teams(directory),
        "businessunit": _business_units(directory),
        "territory": _territories(directory),
        "transactioncurrency": _currencies(directory),
        "product": _products(directory),
        "competitor": _competitors(directory),
    }


def _users(directory: Directory) -> pl.DataFrame:
    import polars as pl

    users = directory.facts["users"]
    units = users.join(directory.business_units, "department", "left", maintain_order="left")
    mail = pl.col("name").str.to_lowercase().str.replace_all(" ", ".", literal=True)
    return units.select(
        directory.users.alias("systemuserid"),
        pl.col("name").alias("fullname"),
        pl.concat_str(mail, pl.lit("@contoso.com")).alias("domainname"),
        pl.concat_str(mail, pl.lit("@contoso.com")).alias("internalemailaddress"),
        pl.col("role").alias("title"),
        pl.col("owningbusinessunit").alias("businessunitid"),
        _territory(directory, users.get_column("region")).alias("territoryid"),
        directory.user(users.get_column("manager")).alias("parentsystemuserid"),
        pl.when("machine").then(4).otherwise(0).cast(pl.Int32).alias("accessmode"),
        pl.lit(False).alias("isdisabled"),
        _founded().alias("createdon"),
        _founded().alias("modifiedon"),
    )


def _teams(directory: Directory) -> pl.DataFrame:
    import polars as pl

    teams = directory.facts["users"].group_by("team").agg(pl.col("department").first()).sort("team")
    units = teams.join(directory.business_units, "department", "left", maintain_order="left")
    return units.select(
        directory.guids("team", pl.Series(range(1, len(teams) + 1))).alias("teamid"),
        pl.col("team").alias("name"),
        pl.col("owningbusinessunit").alias("businessunitid"),
        pl.lit(0, pl.Int32).alias("teamtype"),
        _founded().alias("createdon"),
    )


def _business_units(directory: Directory) -> pl.DataFrame:
    """Return the root unit, number 0, and a unit for each department."""
    import polars as pl

    root = guid("businessunit", 0, directory.seed)
    units = directory.business_units.select(
        pl.col("owningbusinessunit").alias("businessunitid"),
        pl.col("department").alias("name"),
        pl.lit(root).alias("parentbusinessunitid"),
    )
    top = pl.DataFrame(
        {"businessunitid": [root], "name": ["Contoso"], "parentbusinessunitid": [None]}, schema=units.schema
    )
    return pl.concat([top, units]).with_columns(_founded().alias("createdon"))


def _regions(directory: Directory) -> pl.Series:
    return directory.facts["accounts"].get_column("region").unique().sort()


def _territory(directory: Directory, region: pl.Series) -> pl.Series:
    import polars as pl

    names = _regions(directory)
    ids = dict(zip(names, directory.guids("territory", pl.Series(range(1, len(names) + 1))), strict=True))
    return region.replace_strict(ids, default=None, return_dtype=pl.String)


def _territories(directory: Directory) -> pl.DataFrame:
    import polars as pl

    names, users = _regions(directory), directory.facts["users"]
    managers = users.filter(pl.col("role") == "Sales Manager").select("region", manager="user")
    regions = pl.DataFrame({"region": names}).join(managers, "region", "left", maintain_order="left")
    return regions.select(
        _territory(directory, names).alias("territoryid"),
        pl.col("region").alias("name"),
        directory.user(regions.get_column("manager")).alias("managerid"),
        _founded().alias("createdon"),
    )


def _currencies(directory: Directory) -> pl.DataFrame:
    import polars as pl

    symbols = {"EUR": "€", "GBP": "£", "SEK": "kr", "USD": "$", "JPY": "¥"}
    return directory.currencies.select(
        "transactioncurrencyid",
        pl.col("currency").alias("isocurrencycode"),
        pl.col("currency").alias("currencyname"),
        pl.col("currency")
        .replace_strict(symbols, default=None, return_dtype=pl.String)
        .alias("currencysymbol"),
        "exchangerate",
        _founded().alias("createdon"),
    )


def _products(directory: Directory) -> pl.DataFrame:
    import polars as pl

    products = directory.facts["products"]
    return products.select(
        directory.guids("product", products.get_column("product")).alias("productid"),
        "name",
        pl.concat_str(pl.lit("P-"), pl.col("product").cast(pl.String).str.zfill(4)).alias("productnumber"),
        pl.col("family").alias("new_family"),
        pl.col("price"),
        _founded().alias("createdon"),
    )


def _competitors(directory: Directory) -> pl.DataFrame:
    import polars as pl

    names = list(company.COMPETITORS)
    return pl.DataFrame(
        {"competitorid": directory.guids("competitor", pl.Series(range(len(names)))), "name": names}
    ).with_columns(_founded().alias("createdon"))


def account_history(directory: Directory) -> History:
    """Return the customers; those that were found to be there already are merged and made inactive."""
    import polars as pl

    accounts = directory.facts["accounts"].rename({"account": "key"})
    merged = pl.when(pl.col("merged_into").is_not_null())
    accounts = accounts.with_columns(
        merged.then(pl.col("created") + pl.duration(days=_MERGED_AFTER_DAYS)).alias("merged"),
        directory.guids("account", accounts.get_column("merged_into")).alias("master"),
    )
    records = accounts.select(
        "key",
        pl.col("created").alias("createdon"),
        pl.col("owner").alias("createdby"),
        directory.user(accounts.get_column("owner")).alias("ownerid"),
        "name",
        coded("industry", option_of("account", "industrycode")).alias("industrycode"),
        coded("segment", option_of("account", "new_segment")).alias("new_segment"),
        _territory(directory, accounts.get_column("region")).alias("territoryid"),
        pl.col("country").alias("address1_country"),
        pl.lit(0, pl.Int32).alias("statecode"),
        pl.lit(1, pl.Int32).alias("statuscode"),
        pl.lit("").alias("_master"),
    )
    event = at_change(accounts, "merged", "owner", 0, statecode=1, statuscode=2, _master=pl.col("master"))
    derived = [
        pl.when(pl.col("_master") != "").then("_master").alias("masterid"),
        (pl.col("_master") != "").alias("merged"),
    ]
    return history("account", "accountid", records, [event], directory, derived)


def contact_history(directory: Directory) -> History:
    """Return the people at the customers."""
    import polars as pl

    accounts = directory.facts["accounts"].select("account", "created", "owner", "country")
    people = directory.facts["persons"].join(accounts, "account", "left", maintain_order="left")
    records = directory.pointing(people, parentcustomerid=("account", "account")).select(
        pl.col("person").alias("key"),
        pl.col("created").alias("createdon"),
        pl.col("owner").alias("createdby"),
        directory.user(people.get_column("owner")).alias("ownerid"),
        pl.concat_str("first_name", "last_name", separator=" ").alias("fullname"),
        pl.col("first_name").alias("firstname"),
        pl.col("last_name").alias("lastname"),
        "parentcustomerid",
        pl.lit("account").alias("parentcustomeridtype"),
        pl.col("country").alias("address1_country"),
        pl.lit(0, pl.Int32).alias("statecode"),
        pl.lit(1, pl.Int32).alias("statuscode"),
    )
    return history("contact", "contactid", records, [], directory)


def incident_history(directory: Directory) -> History:
    """Return the support cases; a column of the organisation's own says which sale they are about."""
    import polars as pl

    cases = directory.facts["support_cases"].rename({"case": "key"})
    found = directory.pointing(
        directory.of_customers(cases), new_opportunityid=("opportunity", "opportunity")
    )
    records = found.select(
        "key",
        pl.col("opened").alias("createdon"),
        pl.col("by").alias("createdby"),
        directory.user(found.get_column("by")).alias("ownerid"),
        pl.concat_str(pl.lit("CAS-"), (pl.col("key") + 1000).cast(pl.String).str.zfill(5)).alias(
            "ticketnumber"
        ),
        pl.lit("Question after the delivery").alias("title"),
        "customerid",
        "customeridtype",
        "new_opportunityid",
        pl.lit(0, pl.Int32).alias("statecode"),
        pl.lit(1, pl.Int32).alias("statuscode"),
    )
    closed = at_change(cases, "closed", "by", 0, statecode=1, statuscode=5)
    return history("incident", "incidentid", records, [closed], directory)
