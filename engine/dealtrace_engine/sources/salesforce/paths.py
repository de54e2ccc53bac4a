"""The ways from one record to another: which opportunity a quote is of, which quote an order came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.crm.values import canonical_ids
from dealtrace_engine.sources.salesforce.evidence import alive, deleted
from dealtrace_engine.sources.salesforce.merges import standing_for

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping


def path(
    tables: CrmTables, name: str, target: str, record: str = "Id", rows: pl.LazyFrame | None = None
) -> pl.LazyFrame:
    """Return the links that a column of an object makes.

    Parameters
    ----------
    tables : CrmTables
    name : str
        Object.
    target, record : str
        Columns of what is linked to, and of what is linked.
    rows : LazyFrame, optional
        Instead of all rows of the object that are not deleted.

    Returns
    -------
    LazyFrame
        record_id, target, via.
    """
    import polars as pl

    rows = alive(tables, name) if rows is None else rows
    made = rows.select(
        record_id=record, target=target, via=pl.lit(f"{name}.{target if record == 'Id' else record}")
    )
    return made.filter(pl.col("record_id").is_not_null() & pl.col("target").is_not_null())


def first_hit(*paths: pl.LazyFrame) -> pl.LazyFrame:
    """Return the links of the first path that has any, record by record."""
    import polars as pl

    placed = [path.with_columns(place=pl.lit(n, pl.UInt8)) for n, path in enumerate(paths)]
    rows = pl.concat(placed).filter(pl.col("place") == pl.col("place").min().over("record_id")).drop("place")
    found = rows.unique(["record_id", "target"], keep="first", maintain_order=True)
    return found.collect().lazy()


def then(first: pl.LazyFrame, second: pl.LazyFrame) -> pl.LazyFrame:
    """Return the links that two paths make, one after the other."""
    import polars as pl

    further = second.select(target="record_id", last="target", more="via")
    return first.join(further, on="target").select(
        "record_id", target="last", via=pl.concat_str("via", "more", separator=" > ")
    )


def back(links: pl.LazyFrame) -> pl.LazyFrame:
    """Return the links the other way round."""
    return links.select(record_id="target", target="record_id", via="via")


def lead_opportunities(tables: CrmTables) -> pl.LazyFrame:
    """Return the opportunity that each lead, or one merged into it, was converted into."""
    rows = tables.table("Lead").join(deleted(tables, "Lead"), on="Id", how="anti")
    rows = standing_for(tables, "Lead", rows, "Id")
    return first_hit(path(tables, "Lead", "ConvertedOpportunityId", rows=rows))


def quote_opportunities(tables: CrmTables) -> pl.LazyFrame:
    """Return the opportunity of each quote."""
    return first_hit(
        path(tables, "Quote", "OpportunityId"),
        path(tables, "SBQQ__Quote__c", "SBQQ__Opportunity2__c"),
        path(tables, "Opportunity", "Id", "SyncedQuoteId"),
    )


def order_quotes(tables: CrmTables) -> pl.LazyFrame:
    """Return the quote that each order was made of, by the order, else by its lines."""

    def make() -> pl.LazyFrame:
        lines = path(tables, "QuoteLineItem", "QuoteId")
        packaged = path(tables, "SBQQ__QuoteLine__c", "SBQQ__Quote__c")
        items = alive(tables, "OrderItem")
        of_items = items.select("OrderId", "QuoteLineItemId", "SBQQ__QuoteLine__c")
        by_line = path(tables, "OrderItem", "QuoteLineItemId", "OrderId", of_items)
        by_packaged = path(tables, "OrderItem", "SBQQ__QuoteLine__c", "OrderId", of_items)
        return first_hit(
            path(tables, "Order", "QuoteId"),
            path(tables, "Order", "SBQQ__Quote__c"),
            then(by_line, lines),
            then(by_packaged, packaged),
        )

    return tables.once("quotes of orders", make)


def invoice_orders(tables: CrmTables) -> pl.LazyFrame:
    """Return the order that each invoice bills, by the invoice, else by its lines."""

    def make() -> pl.LazyFrame:
        orders = path(tables, "Order", "Id")
        summaries = path(tables, "OrderSummary", "OriginalOrderId")
        items = path(tables, "OrderItem", "OrderId")
        reference = path(tables, "Invoice", "ReferenceEntityId")
        lines = path(tables, "InvoiceLine", "ReferenceEntityItemId", "InvoiceId")
        packaged = path(tables, "blng__InvoiceLine__c", "blng__OrderProduct__c", "blng__Invoice__c")
        return first_hit(
            then(reference, orders),
            then(reference, summaries),
            path(tables, "blng__Invoice__c", "blng__Order__c"),
            then(lines, items),
            then(packaged, items),
            path(tables, "FulfillmentOrder", "OrderId", "InvoiceId"),
        )

    return tables.once("orders of invoices", make)


def payment_invoices(tables: CrmTables) -> pl.LazyFrame:
    """Return the invoice of each allocation of a payment, and all invoices of each payment."""

    def make() -> pl.LazyFrame:
        return first_hit(
            path(tables, "PaymentLineInvoice", "InvoiceId"),
            path(tables, "blng__PaymentAllocationInvoice__c", "blng__Invoice__c"),
            path(tables, "PaymentLineInvoice", "InvoiceId", "PaymentId"),
            path(tables, "blng__PaymentAllocationInvoice__c", "blng__Invoice__c", "blng__Payment__c"),
        )

    return tables.once("invoices of payments", make)


def custom_paths(
    tables: CrmTables, mapping: CrmMapping, names: tuple[str, ...], what: str
) -> list[pl.LazyFrame]:
    """Return the links that custom lookups make which the mapping names.

    Parameters
    ----------
    tables : CrmTables
    mapping : CrmMapping
        Its `fields` say that a column of an object is `what`.
    names : tuple of str
        Objects.
    what : str
        Such as ``"opportunity_id"``.
    """
    wanted = [field.partition(".") for field, meaning in mapping.fields.items() if meaning == what]
    found = [(name, column) for name, _, column in wanted if name in names and tables.has(name, column)]
    return [path(tables, name, column, rows=custom_column(tables, name, column)) for name, column in found]


def custom_column(tables: CrmTables, name: str, column: str) -> pl.LazyFrame:
    """Return Id and a custom lookup of records that are not deleted; its ids are in their one form."""
    rows = alive(tables, name).select("Id", column).collect()
    return rows.with_columns(canonical_ids(rows[column], "salesforce")).lazy()
