"""What the case table says of owners, customers, money and history, for any kind of case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dealtrace_engine.sources.dynamics.audited import audited_records
from dealtrace_engine.sources.dynamics.codes import with_labels
from dealtrace_engine.sources.dynamics.links import links_of
from dealtrace_engine.sources.dynamics.merges import winners
from dealtrace_engine.sources.dynamics.objects import KEYS
from dealtrace_engine.sources.dynamics.own_values import labelled

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables

FEWEST_LOADED = 20
"""Fewer records than this in one minute by one user can be the work of a person."""
SEGMENTS = ("accountcategorycode", "customersizecode", "customertypecode")
"""Codes of an account that say which segment it is in; the first that an account has counts."""


def with_owners(rows: pl.LazyFrame, tables: CrmTables) -> pl.LazyFrame:
    """Add owner, owner_role, team and department of the owner, a user or a team."""
    import polars as pl

    rows = rows.join(_users(tables), on="ownerid", how="left", maintain_order="left")
    teams = tables.table("team").select(owningteam="teamid", _team="name").unique("owningteam")
    owning = tables.table("team").select(ownerid="teamid", _owner_team="name").unique("ownerid")
    units = _units(tables).rename({"unit": "owningbusinessunit", "name": "_unit"})
    rows = rows.join(teams, on="owningteam", how="left", maintain_order="left")
    rows = rows.join(owning, on="ownerid", how="left", maintain_order="left")
    rows = rows.join(units, on="owningbusinessunit", how="left", maintain_order="left")
    return rows.with_columns(
        owner=pl.coalesce("_user", "_owner_team", "owneridname"),
        owner_role="_role",
        team=pl.coalesce("_team", "_owner_team"),
        department=pl.coalesce("_unit", "_user_unit"),
    )


def _units(tables: CrmTables) -> pl.LazyFrame:
    return tables.table("businessunit").select(unit="businessunitid", name="name").unique("unit")


def _users(tables: CrmTables) -> pl.LazyFrame:
    import polars as pl

    positions = (
        tables.table("position").select(positionid="positionid", _position="name").unique("positionid")
    )
    units = _units(tables).rename({"unit": "businessunitid", "name": "_of_unit"})
    users = tables.table("systemuser").join(positions, on="positionid", how="left")
    users = users.join(units, on="businessunitid", how="left")
    return users.select(
        ownerid="systemuserid",
        _user="fullname",
        _role=pl.coalesce("_position", "positionidname", "title", "jobtitle"),
        _user_unit=pl.coalesce("_of_unit", "businessunitidname"),
    ).unique("ownerid")


def with_accounts(rows: pl.LazyFrame, tables: CrmTables, *lookups: str) -> pl.LazyFrame:
    """Add account, industry, segment, region, country, and `account_id`.

    Parameters
    ----------
    rows : LazyFrame
    tables : CrmTables
    *lookups : str
        Columns that name an account or a contact, the first that has one counts; a contact stands for its
        account, and for itself where it has none.
    """
    import polars as pl

    people = tables.table("contact").select(
        customer="contactid", _of=pl.coalesce("accountid", "parentcustomerid"), _person="fullname"
    )
    rows = rows.with_columns(customer=pl.coalesce(lookups))
    rows = rows.join(people.unique("customer"), on="customer", how="left", maintain_order="left")
    rows = rows.with_columns(account_id=pl.coalesce("_of", "customer"))
    merged = winners(tables, "account").rename({"record_id": "account_id"})
    rows = rows.join(merged, on="account_id", how="left", maintain_order="left")
    rows = rows.with_columns(account_id=pl.coalesce("winner", "account_id")).drop("winner")
    rows = rows.join(_accounts(tables), on="account_id", how="left", maintain_order="left")
    given = [f"{name}name" for name in lookups if f"{name}name" in rows.collect_schema().names()]
    return rows.with_columns(account=pl.coalesce("account", "_person", *given))


def _accounts(tables: CrmTables) -> pl.LazyFrame:
    import polars as pl

    territories = tables.table("territory").select(territoryid="territoryid", _territory="name")
    named = with_labels(tables.table("account"), tables, "account", "industrycode", *SEGMENTS)
    joined = named.join(territories.unique("territoryid"), on="territoryid", how="left")
    return joined.select(
        account_id="accountid",
        account="name",
        industry="industrycodename",
        segment=pl.coalesce([f"{name}name" for name in SEGMENTS]),
        region=pl.coalesce("_territory", "territoryidname"),
        country="address1_country",
    ).unique("account_id")


def with_currency(rows: pl.LazyFrame, tables: CrmTables) -> pl.LazyFrame:
    """Add the ISO code of the currency."""
    import polars as pl

    codes = tables.table("transactioncurrency").select("transactioncurrencyid", _code="isocurrencycode")
    joined = rows.join(
        codes.unique("transactioncurrencyid"), on="transactioncurrencyid", how="left", maintain_order="left"
    )
    return joined.with_columns(currency=pl.col("_code"))


def corporate(amount: str, base: str) -> pl.Expr:
    """Return an amount in the organisation's currency: as it stands in the row, else by the row's rate."""
    import polars as pl

    rate = pl.when(pl.col("exchangerate") > 0).then("exchangerate")
    return pl.coalesce(base, pl.col(amount) / rate)


def with_history(rows: pl.LazyFrame, tables: CrmTables, table: str, share: float) -> pl.LazyFrame:
    """Add has_history, is_migrated and is_deleted.

    A record is migrated if it has the time of its migration, or was created in one minute by one user
    together with at least this share of all.
    """
    import polars as pl

    changed = _changed(tables, table).with_columns(has_history=True)
    rows = rows.join(changed, on="case_id", how="left", maintain_order="left")
    together = pl.len().over(pl.col("createdon").dt.truncate("1m"), "createdby")
    loaded = (together >= FEWEST_LOADED) & (together >= share * pl.len()) & pl.col("createdon").is_not_null()
    return rows.with_columns(
        has_history=pl.col("has_history").fill_null(False),
        is_migrated=pl.col("overriddencreatedon").is_not_null() | loaded,
        is_deleted=pl.lit(False),
    )


def _changed(tables: CrmTables, table: str) -> pl.LazyFrame:
    """Return the records of which a change is known."""
    import polars as pl

    audited = audited_records(tables, table)
    key = KEYS[table]
    versions = tables.all_versions(table).group_by(key).agg(n=pl.col("modifiedon").n_unique())
    kept = versions.filter(pl.col("n") > 1).select(case_id=key)
    return pl.concat([audited.select(case_id="record_id"), kept]).unique()


def with_counts(rows: pl.LazyFrame, tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Add quote_count, order_count and invoice_count; revisions of a quote are one."""
    import polars as pl

    numbers = tables.table("quote").select(record_id="quoteid", number="quotenumber")
    found = links_of(tables, mapping, "quote", "order", "invoice")
    found = found.join(numbers, on="record_id", how="left")
    found = found.with_columns(one=pl.coalesce("number", "record_id"))
    for what in ("quote", "order", "invoice"):
        counted = found.filter(pl.col("object") == what).group_by("case_id")
        counts = counted.agg(pl.col("one").n_unique().cast(pl.Int64).alias(f"{what}_count"))
        rows = rows.join(counts, on="case_id", how="left", maintain_order="left")
        rows = rows.with_columns(pl.col(f"{what}_count").fill_null(0))
    return rows


def with_custom_fields(
    rows: pl.LazyFrame, tables: CrmTables, mapping: CrmMapping, keys: Mapping[str, str]
) -> pl.LazyFrame:
    """Add the fields that the mapping names, with the labels of codes.

    Parameters
    ----------
    rows : LazyFrame
    tables : CrmTables
    mapping : CrmMapping
    keys : mapping of str to str
        Tables whose fields a case can have, to the column of `rows` that holds the record's id.
    """
    import polars as pl

    for field, name in mapping.fields.items():
        table, _, column = field.partition(".")
        if table in keys and column in tables.catalog[table]:
            values = tables.table(table).select(
                pl.col(KEYS[table]).alias(keys[table]), labelled(tables, table, column).alias("_value")
            )
            joined = rows.join(values.unique(keys[table]), on=keys[table], how="left", maintain_order="left")
            rows = joined.with_columns(pl.col("_value").alias(name)).drop("_value")
    return rows
