"""The case table: one row per leading record, with who, what, how much and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.case_deals import (
    closings,
    counts,
    migrated,
    reopenings,
    with_history,
)
from dealtrace_engine.sources.salesforce.case_organisation import accounts, owners, territories, titles
from dealtrace_engine.sources.salesforce.case_terms import (
    categories,
    competitors,
    contract_terms,
    discounts,
    payment_terms,
)
from dealtrace_engine.sources.salesforce.evidence import alive
from dealtrace_engine.sources.salesforce.links import OBJECTS, links_of, opportunity_links
from dealtrace_engine.sources.salesforce.outcomes import outcomes
from dealtrace_engine.sources.salesforce.rates import corporate

if TYPE_CHECKING:
    import polars as pl

LOSS_REASONS = (
    "Loss_Reason__c", "LossReason__c", "Lost_Reason__c", "Reason_Lost__c", "Closed_Lost_Reason__c",
)  # fmt: skip
COMPETITORS = ("Competitor__c", "Main_Competitor__c", "MainCompetitors__c", "Primary_Competitor__c")
COLUMNS = (
    "case_id", "owner", "owner_role", "team", "department", "account", "industry", "segment", "region",
    "country", "lead_source", "product_category", "type", "record_type", "amount", "currency",
    "amount_corporate", "discount_pct", "contract_terms", "payment_terms", "loss_reason", "competitor",
    "outcome", "is_won", "stage", "created", "closed", "close_date", "is_deleted", "is_migrated",
    "has_history", "quote_count", "order_count", "invoice_count", "reopen_count",
)  # fmt: skip
AMOUNTS = {
    "lead": None, "quote": ("GrandTotal", "SBQQ__NetAmount__c"), "order": ("TotalAmount",),
    "invoice": ("TotalAmount", "blng__TotalAmount__c"),
}  # fmt: skip
STATUSES = ("Status", "SBQQ__Status__c", "blng__InvoiceStatus__c")
OWN = ("amount", "currency", "created", "owner", "owner_role", "team", "department")
"""Columns that a record that is the case has of its own, the rest being those of its opportunity."""


def case_table(tables: CrmTables, mapping: CrmMapping) -> pl.DataFrame:
    """Return one row per leading record.

    Parameters
    ----------
    tables : CrmTables
    mapping : CrmMapping
        Names the leading object, and custom fields that are attributes of the case.

    Returns
    -------
    DataFrame
        Columns as `COLUMNS`, then the custom ones of the mapping. Other leading objects than the opportunity
        have their own owner, amount, status and creation, and what else is known of the one opportunity that
        they belong to.
    """
    cases = _opportunities(tables, mapping)
    if mapping.leading != "opportunity":
        cases = _of_other(cases, tables, mapping)
    return cases.sort("case_id").collect()


def around_deals(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return case_id and what the case table takes from the records around opportunities."""

    def make() -> pl.LazyFrame:
        parts = (
            counts(tables, mapping),
            categories(tables),
            discounts(tables, mapping),
            contract_terms(tables, mapping),
            payment_terms(tables, mapping),
            competitors(tables),
            _lead_sources(tables, mapping),
        )
        return _beside(tables, *parts)

    return tables.once(f"around deals {mapping!r}", make)


def _beside(tables: CrmTables, *parts: pl.LazyFrame) -> pl.LazyFrame:
    """Return the columns of several frames for each opportunity, by case_id."""
    found = alive(tables, "Opportunity").select(case_id="Id").unique(keep="first", maintain_order=True)
    for part in parts:
        found = found.join(part, on="case_id", how="left", maintain_order="left")
    return found


def _opportunities(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    parts = _beside(
        tables,
        outcomes(tables, mapping).select("is_closed", "is_won", "stage", case_id="record_id"),
        closings(tables, mapping),
        reopenings(tables, mapping),
        with_history(tables),
        migrated(tables, mapping),
        around_deals(tables, mapping),
        *_custom(tables, mapping),
    )
    rows = alive(tables, "Opportunity").rename({"Id": "case_id"})
    rows = rows.join(parts, on="case_id", how="left", maintain_order="left")
    rows = rows.join(owners(tables), on="OwnerId", how="left", maintain_order="left")
    rows = accounts(rows, tables)
    rows = territories(titles(rows, tables), tables)
    rows = _with_custom(_selected(rows, tables))
    return corporate(rows, tables).select(*COLUMNS, *_custom_names(mapping))


def _selected(rows: pl.LazyFrame, tables: CrmTables) -> pl.LazyFrame:
    """Bring the columns of the parts to those of the case table."""
    import polars as pl

    columns = rows.collect_schema().names()
    won = pl.col("is_won").fill_null(False)
    outcome = (
        pl.when(pl.col("is_closed") & won).then(pl.lit("Won")).when("is_closed").then(pl.lit("Lost"))
        .when(~pl.col("is_closed")).then(pl.lit("Open"))
    )  # fmt: skip
    whole = pl.col("closed").is_null() & pl.col("is_closed")
    day = pl.col("CloseDate").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    known = {
        "owner": pl.coalesce("owner", "Owner.Name", "OwnerId"),
        "owner_role": pl.coalesce("owner_role", "Owner.UserRole.Name"),
        "account": pl.coalesce("account", "Account.Name", "AccountId"),
        "industry": pl.coalesce("industry", "Account.Industry"),
        "country": pl.coalesce("country", "Account.BillingCountry"),
        "region": pl.coalesce("territory", "Territory2.Name", "Region__c", "account_region", "country"),
        "lead_source": pl.coalesce("LeadSource", "lead_source"),
        "type": pl.col("Type"), "amount": pl.col("Amount"), "currency": pl.col("CurrencyIsoCode"),
        "payment_terms": pl.coalesce("payment_terms", "Payment_Terms__c", "account_terms"),
        "contract_terms": pl.coalesce("contract_terms", "Contract_Terms__c"),
        "loss_reason": pl.coalesce(LOSS_REASONS), "competitor": pl.coalesce(*COMPETITORS, "competitor"),
        "outcome": outcome, "is_won": pl.when(pl.col("is_closed").is_not_null()).then(won),
        "created": pl.col("CreatedDate"), "close_date": pl.col("CloseDate"),
        "closed": pl.when(whole).then(pl.coalesce("LastStageChangeDate", day))
        .when("is_closed").then("closed"),
        "is_deleted": pl.lit(False if "IsDeleted" in tables.columns("Opportunity") else None, pl.Boolean),
        "has_history": pl.col("has_history").fill_null(False),
        **{name: pl.col(name).fill_null(0) for name in COLUMNS if name.endswith("_count")},
    }  # fmt: skip
    return rows.with_columns(
        **{name: known.get(name, pl.col(name)) for name in COLUMNS if name in known or name in columns}
    )


def _custom_names(mapping: CrmMapping) -> list[str]:
    """Return the custom attributes that are not columns of their own anyway, each once."""
    names = dict.fromkeys(
        name for field, name in mapping.fields.items() if field.partition(".")[0] in _HOLDERS
    )
    return [name for name in names if name not in (*COLUMNS, "opportunity_id")]


_CUSTOM = " (custom)"
_HOLDERS = {"Opportunity": "Id", "Account": "AccountId", "User": "OwnerId"}
"""Objects that custom attributes can be of, with the column of the opportunity that leads there."""


def _custom(tables: CrmTables, mapping: CrmMapping) -> list[pl.LazyFrame]:
    """Return case_id and a column with the mark of custom ones, for each attribute that the mapping takes."""
    import polars as pl

    found: dict[str, list[pl.LazyFrame]] = {}
    for field, attribute in mapping.fields.items():
        name, _, column = field.partition(".")
        if name not in _HOLDERS or attribute == "opportunity_id":
            continue
        values = tables.table(name).select(key="Id", value=pl.col(column).cast(pl.String))
        cases = alive(tables, "Opportunity").select(case_id="Id", key=_HOLDERS[name])
        found.setdefault(attribute, []).append(cases.join(values, on="key", how="left"))
    parts = []
    for attribute, frames in found.items():
        first = pl.concat(frames).filter(pl.col("value").is_not_null())
        first = first.unique("case_id", keep="first", maintain_order=True)
        parts.append(first.select("case_id", pl.col("value").alias(f"{attribute}{_CUSTOM}")))
    return parts


def _with_custom(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Put custom attributes in the place of those that every case has, where they have a value."""
    import polars as pl

    columns = rows.collect_schema()
    found = []
    for custom in (name for name in columns if name.endswith(_CUSTOM)):
        name, value = custom.removesuffix(_CUSTOM), pl.col(custom)
        if name in COLUMNS:
            value = pl.coalesce(value.cast(columns.get(name, pl.Float64()), strict=False), name)
        found.append(value.alias(name))
    return rows.with_columns(found)


def _lead_sources(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the source of the first lead of each case."""
    leads = opportunity_links(tables, mapping)["lead"].select(Id="record_id", case_id="target")
    known = (
        tables.table("Lead").select("Id", "CreatedDate", lead_source="LeadSource").drop_nulls("lead_source")
    )
    rows = leads.join(known, on="Id").sort("CreatedDate", "Id")
    return rows.group_by("case_id", maintain_order=True).first().select("case_id", "lead_source")


def own_columns(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return what leads, quotes, orders or invoices that are the cases have of their own."""
    import polars as pl

    def make() -> pl.LazyFrame:
        parts = []
        for name in OBJECTS[mapping.leading]:
            rows = alive(tables, name)
            columns = rows.collect_schema().names()
            none = pl.lit(None, pl.String)
            status = next((column for column in STATUSES if column in columns), None)
            amount = next((column for column in AMOUNTS[mapping.leading] or () if column in columns), None)
            parts.append(rows.select(
                case_id="Id", OwnerId="OwnerId", created="CreatedDate", status=status or none,
                amount=pl.col(amount) if amount else pl.lit(None, pl.Float64), currency="CurrencyIsoCode",
                owner_name="Owner.Name" if "Owner.Name" in columns else none,
                own_source="LeadSource" if "LeadSource" in columns else none,
                own_industry="Industry" if "Industry" in columns else none,
                own_country="Country" if "Country" in columns else none,
                own_account="Company" if "Company" in columns else none,
            ))  # fmt: skip
        return pl.concat(parts)

    return tables.once(f"own columns {mapping.leading}", make)


def _of_other(deals: pl.LazyFrame, tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return one row per lead, quote, order or invoice."""
    import polars as pl

    rows = own_columns(tables, mapping).join(owners(tables), on="OwnerId", how="left", maintain_order="left")
    rows = rows.with_columns(owner=pl.coalesce("owner", "owner_name", "OwnerId"))
    of_deal = links_of(tables, mapping).filter(pl.col("object") == "opportunity")
    of_deal = of_deal.filter(pl.len().over("case_id") == 1).select("case_id", deal="record_id")
    shared = [name for name in deals.collect_schema().names() if name not in (*OWN, "case_id")]
    deals = deals.select(pl.col("case_id").alias("deal"), *shared)
    rows = rows.join(of_deal, on="case_id", how="left").join(deals, on="deal", how="left")
    rows = rows.with_columns(
        lead_source=pl.coalesce("own_source", "lead_source"),
        industry=pl.coalesce("own_industry", "industry"),
        country=pl.coalesce("own_country", "country"), account=pl.coalesce("own_account", "account"),
    )  # fmt: skip
    rows = corporate(rows.drop("amount_corporate"), tables)
    return rows.select(*COLUMNS, "status", *_custom_names(mapping))
