"""Quotes, invoices and payments as the managed packages CPQ and Billing keep them.

Billing's payment status is a formula, not in the tables. Half of the invoices name no order; their lines do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.salesforce_rows import laid_out

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

_SYSTEM = (
    "IsDeleted",
    "CreatedDate",
    "CreatedById",
    "LastModifiedDate",
    "LastModifiedById",
    "SystemModstamp",
)
_STATUSES = {"Canceled": "Cancelled"}
_FIELDS = {"Status": "SBQQ__Status__c", "Discount": "SBQQ__CustomerDiscount__c",
           "GrandTotal": "SBQQ__NetAmount__c"}  # fmt: skip
_REPLACED = ("Quote", "QuoteHistory", "QuoteLineItem", "QuoteDocument", "Invoice", "InvoiceHistory",
             "InvoiceLine", "Payment", "PaymentLineInvoice")  # fmt: skip


def packaged_tables(tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return the tables with the packages' objects in place of the standard ones.

    Parameters
    ----------
    tables : mapping of str to polars.DataFrame
        Made with the packages' ids.
    """
    kept = {name: table for name, table in tables.items() if name not in _REPLACED}
    return kept | {
        "Opportunity": tables["Opportunity"].drop("SyncedQuoteId"),
        "Order": tables["Order"].rename({"QuoteId": "SBQQ__Quote__c"}),
        "OrderItem": tables["OrderItem"].rename({"QuoteLineItemId": "SBQQ__QuoteLine__c"}),
        "SBQQ__Quote__c": _quotes(tables["Quote"], tables["Order"]),
        "SBQQ__Quote__History": _history(tables["QuoteHistory"], "QuoteId", _FIELDS),
        "SBQQ__QuoteLine__c": _quote_lines(tables["QuoteLineItem"]),
        "blng__Invoice__c": _invoices(tables["Invoice"]),
        "blng__Invoice__History": _invoice_history(tables["InvoiceHistory"]),
        "blng__InvoiceLine__c": _invoice_lines(tables["InvoiceLine"]),
        "blng__Payment__c": _payments(tables["Payment"]),
        "blng__PaymentAllocationInvoice__c": _allocations(tables["PaymentLineInvoice"]),
    }


def _quotes(quotes: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    return laid_out(
        {
            "Id": quotes["Id"],
            "OwnerId": quotes["OwnerId"],
            "Name": quotes.select(pl.format("Q-{}", "QuoteNumber")).to_series(),
            "CurrencyIsoCode": quotes["CurrencyIsoCode"],
            **{name: quotes[name] for name in _SYSTEM},
            "SBQQ__Opportunity2__c": quotes["OpportunityId"],
            "SBQQ__Account__c": quotes["AccountId"],
            "SBQQ__PrimaryContact__c": quotes["ContactId"],
            "SBQQ__Status__c": quotes["Status"],
            "SBQQ__Primary__c": quotes["IsSyncing"],
            "SBQQ__Ordered__c": quotes["Id"].is_in(orders["QuoteId"].drop_nulls().implode()),
            "SBQQ__Type__c": pl.repeat("Quote", len(quotes), eager=True),
            "SBQQ__CustomerDiscount__c": quotes["Discount"],
            "SBQQ__NetAmount__c": quotes["GrandTotal"],
            "SBQQ__ExpirationDate__c": quotes["ExpirationDate"],
            "SBQQ__StartDate__c": quotes["CreatedDate"].dt.date(),
            "SBQQ__EndDate__c": quotes["CreatedDate"].dt.offset_by("1y").dt.date(),
        }
    )


def _history(history: pl.DataFrame, parent: str, fields: Mapping[str, str]) -> pl.DataFrame:
    """Return the history of an object of a package, whose parent is always called ParentId."""
    import polars as pl

    return history.rename({parent: "ParentId"}).with_columns(pl.col("Field").replace(fields))


def _quote_lines(lines: pl.DataFrame) -> pl.DataFrame:
    return laid_out(
        {
            "Id": lines["Id"],
            "CurrencyIsoCode": lines["CurrencyIsoCode"],
            **{name: lines[name] for name in _SYSTEM},
            "SBQQ__Quote__c": lines["QuoteId"],
            "SBQQ__Product__c": lines["Product2Id"],
            "SBQQ__Quantity__c": lines["Quantity"],
            "SBQQ__NetPrice__c": lines["UnitPrice"],
        }
    )


def _invoices(invoices: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    number = pl.int_range(len(invoices), eager=True)
    order = pl.select(pl.when(number % 2 == 0).then(invoices["ReferenceEntityId"])).to_series()
    return laid_out(
        {
            "Id": invoices["Id"],
            "Name": invoices["InvoiceNumber"],
            "CurrencyIsoCode": invoices["CurrencyIsoCode"],
            **{name: invoices[name] for name in _SYSTEM},
            "blng__Account__c": invoices["BillingAccountId"],
            "blng__Order__c": order,
            "blng__InvoiceStatus__c": invoices["Status"].replace(_STATUSES),
            "blng__InvoiceDate__c": invoices["InvoiceDate"],
            "blng__InvoicePostedDate__c": invoices["PostedDate"],
            "blng__DueDate__c": invoices["DueDate"],
            "blng__TotalAmount__c": invoices["TotalAmount"],
            "blng__Balance__c": invoices["Balance"],
            "Type__c": invoices["Type__c"],
            "Payment_Terms__c": invoices["Payment_Terms__c"],
        }
    )


def _invoice_history(history: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    renamed = _history(history, "InvoiceId", {"Status": "blng__InvoiceStatus__c"})
    return renamed.with_columns(pl.col("OldValue", "NewValue").replace(_STATUSES))


def _invoice_lines(lines: pl.DataFrame) -> pl.DataFrame:
    return laid_out(
        {
            "Id": lines["Id"],
            **{name: lines[name] for name in _SYSTEM},
            "blng__Invoice__c": lines["InvoiceId"],
            "blng__OrderProduct__c": lines["ReferenceEntityItemId"],
            "blng__Product__c": lines["Product2Id"],
            "blng__Quantity__c": lines["Quantity"],
            "blng__TotalAmount__c": lines["LineAmount"],
        }
    )


def _payments(payments: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    return laid_out(
        {
            "Id": payments["Id"],
            "Name": payments["PaymentNumber"],
            "CurrencyIsoCode": payments["CurrencyIsoCode"],
            **{name: payments[name] for name in _SYSTEM},
            "blng__Account__c": payments["AccountId"],
            "blng__Amount__c": payments["Amount"],
            "blng__Balance__c": payments["Balance"],
            "blng__PaymentDate__c": payments["Date"].dt.date(),
            "blng__Status__c": pl.repeat("Posted", len(payments), eager=True),
        }
    )


def _allocations(lines: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    kind = {"Applied": "Allocation", "Unapplied": "Unallocation"}
    return laid_out(
        {
            "Id": lines["Id"],
            "Name": lines.select(pl.format("PA-{}", pl.int_range(pl.len()))).to_series(),
            "CurrencyIsoCode": lines["CurrencyIsoCode"],
            **{name: lines[name] for name in _SYSTEM},
            "blng__Payment__c": lines["PaymentId"],
            "blng__Invoice__c": lines["InvoiceId"],
            "blng__Amount__c": lines["Amount"],
            "blng__Type__c": lines["Type"].replace_strict(kind),
            "blng__Unallocated__c": lines["HasBeenUnapplied"] == "Yes",
        }
    )
