"""What was sold and on which terms: categories, discounts, terms of contract and payment, competitors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.evidence import alive
from dealtrace_engine.sources.salesforce.links import opportunity_links
from dealtrace_engine.sources.salesforce.rules_invoices import INVOICES, terms
from dealtrace_engine.sources.salesforce.rules_quotes import QUOTES

if TYPE_CHECKING:
    import polars as pl


def categories(tables: CrmTables) -> pl.LazyFrame:
    """Return case_id and product_category, that of its largest line."""
    import polars as pl

    products = tables.table("Product2").select(Product2Id="Id", product_category="Family")
    worth = pl.coalesce("TotalPrice", pl.col("UnitPrice") * pl.col("Quantity"))
    rows = alive(tables, "OpportunityLineItem").join(products, on="Product2Id").drop_nulls("product_category")
    rows = rows.sort(worth, "Id", descending=[True, False], nulls_last=True)
    largest = rows.group_by("OpportunityId", maintain_order=True).first()
    return largest.select("product_category", case_id="OpportunityId")


def discounts(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return case_id and discount_pct, of its synced or primary quote, else of its last one."""
    import polars as pl

    quotes = opportunity_links(tables, mapping)["quote"].select(Id="record_id", case_id="target")
    synced = (
        alive(tables, "Opportunity")
        .select(Id="SyncedQuoteId", synced=pl.lit(True))
        .drop_nulls("Id")
        .unique("Id")
    )
    parts = []
    for quote in QUOTES:
        main = "IsSyncing" if quote.name == "Quote" else "SBQQ__Primary__c"
        parts.append(alive(tables, quote.name).select(
            "Id", "CreatedDate", main=pl.col(main).fill_null(False), discount_pct=quote.discount
        ))  # fmt: skip
    rows = pl.concat(parts).join(quotes, on="Id").join(synced, on="Id", how="left")
    rows = rows.with_columns(main=pl.col("main") | pl.col("synced").fill_null(False))
    last = rows.sort("main", "CreatedDate", "Id").group_by("case_id", maintain_order=True).last()
    return last.select("case_id", "discount_pct")


def contract_terms(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return case_id and contract_terms, the months that its last contract runs."""
    import polars as pl

    contracts = opportunity_links(tables, mapping)["contract"].select(Id="record_id", case_id="target")
    rows = alive(tables, "Contract").drop_nulls("ContractTerm").join(contracts, on="Id")
    last = rows.sort("CreatedDate", "Id").group_by("case_id", maintain_order=True).last()
    months = pl.col("ContractTerm").round().cast(pl.Int64).cast(pl.String)
    return last.select("case_id", contract_terms=months + " months")


def payment_terms(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return case_id and payment_terms: of its invoices, else its orders, else its CPQ quotes."""
    import polars as pl

    links = opportunity_links(tables, mapping)
    invoices = pl.concat(terms(tables, invoice) for invoice in INVOICES)
    ways = (
        ("invoice", invoices.select("payment_terms", Id="record_id")),
        ("order", alive(tables, "Order").select("Id", payment_terms="SBQQ__PaymentTerm__c")),
        ("quote", alive(tables, "SBQQ__Quote__c").select("Id", payment_terms="SBQQ__PaymentTerms__c")),
    )
    parts = []
    for kind, rows in ways:
        of_case = links[kind].select(Id="record_id", case_id="target")
        known = rows.drop_nulls("payment_terms").sort("Id", descending=True)
        parts.append(known.join(of_case, on="Id", maintain_order="left").select("case_id", "payment_terms"))
    return pl.concat(parts).unique("case_id", keep="first", maintain_order=True)


def competitors(tables: CrmTables) -> pl.LazyFrame:
    """Return case_id and competitor, the first one that is noted with the opportunity."""
    rows = alive(tables, "OpportunityCompetitor").drop_nulls("CompetitorName").sort("CreatedDate", "Id")
    first = rows.group_by("OpportunityId", maintain_order=True).first()
    return first.select(case_id="OpportunityId", competitor="CompetitorName")
