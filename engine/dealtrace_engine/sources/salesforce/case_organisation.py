"""Who and where: owners, accounts, territories and record types of cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.evidence import users
from dealtrace_engine.sources.salesforce.merges import standing_for

if TYPE_CHECKING:
    import polars as pl


def owners(tables: CrmTables) -> pl.LazyFrame:
    """Return OwnerId, owner, owner_role, team and department of users, and the names of queues."""
    import polars as pl

    roles = tables.table("UserRole").select(UserRoleId="Id", role=pl.coalesce("Name", "DeveloperName"))
    names = users(tables).rename({"resource_id": "Id"})
    people = tables.table("User").join(names, on="Id", how="left").join(roles, on="UserRoleId", how="left")
    people = people.select(
        OwnerId="Id", owner="user_name", owner_role=pl.coalesce("role", "UserRole.Name"), team="Division",
        department="Department",
    )  # fmt: skip
    none = pl.lit(None, pl.String)
    queues = tables.table("Group").select(
        OwnerId="Id", owner=pl.coalesce("Name", "DeveloperName"), owner_role=none, team=none, department=none
    )
    return pl.concat([people, queues]).unique("OwnerId", keep="first", maintain_order=True)


def accounts(rows: pl.LazyFrame, tables: CrmTables) -> pl.LazyFrame:
    """Return the rows with what is known of their accounts; a merged account's is its winner's."""
    import polars as pl

    found = tables.table("Account").select(
        AccountId="Id", account="Name", industry="Industry",
        segment=pl.coalesce("Segment__c", "Customer_Segment__c", "Type"),
        country=pl.coalesce("BillingCountry", "ShippingCountry", "BillingCountryCode"),
        account_region="Region__c", account_terms="Payment_Terms__c",
    ).unique("AccountId", keep="first", maintain_order=True)  # fmt: skip
    rows = standing_for(tables, "Account", rows, "AccountId")
    return rows.join(found, on="AccountId", how="left", maintain_order="left")


def titles(rows: pl.LazyFrame, tables: CrmTables) -> pl.LazyFrame:
    """Return the rows with the name of their record type."""
    import polars as pl

    found = tables.table("RecordType").select(RecordTypeId="Id", kind=pl.coalesce("Name", "DeveloperName"))
    joined = rows.join(found, on="RecordTypeId", how="left", maintain_order="left")
    return joined.with_columns(record_type=pl.coalesce("kind", "RecordType.Name"))


def territories(rows: pl.LazyFrame, tables: CrmTables) -> pl.LazyFrame:
    """Return the rows with the name of their territory."""
    import polars as pl

    found = tables.table("Territory2").select(
        Territory2Id="Id", territory=pl.coalesce("Name", "DeveloperName")
    )
    return rows.join(found, on="Territory2Id", how="left", maintain_order="left")
