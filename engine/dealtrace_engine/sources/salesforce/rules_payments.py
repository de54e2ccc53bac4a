"""Rules on payments: each allocation to an invoice, what was taken back, when an invoice was paid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ladder import Finder, Rule
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.names import one_of
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.evidence import alive, happened, midnight
from dealtrace_engine.sources.salesforce.rules_invoices import BILLING, STANDARD, InvoiceObject, terms

if TYPE_CHECKING:
    import polars as pl

LINE, ALLOCATION = "PaymentLineInvoice", "blng__PaymentAllocationInvoice__c"
SETTLED = 0.005
"""An invoice of which no more than this is open is paid: less than the smallest coin."""


def lines(tables: CrmTables) -> pl.LazyFrame:
    """Return allocations of payments to invoices: of the standard object, applied or taken back.

    Returns
    -------
    LazyFrame
        row, invoice, at, by, amount, currency, back (taken back), source_object.
    """
    import polars as pl

    back = one_of(pl.col("Type"), ["unapplied"])
    at = pl.when(back).then(pl.coalesce("UnappliedDate", "AppliedDate", "Date", "CreatedDate")).otherwise(
        pl.coalesce("AppliedDate", "Date", "CreatedDate")
    )  # fmt: skip
    known = back | one_of(pl.col("Type"), ["applied"])
    return alive(tables, LINE).filter(known).select(
        row="Id", invoice="InvoiceId", at=at, by="CreatedById", amount="Amount", currency="CurrencyIsoCode",
        back=back, source_object=pl.lit(LINE),
    )  # fmt: skip


def allocations(tables: CrmTables) -> pl.LazyFrame:
    """Return allocations of Billing as `lines`, and undone: whether a later row takes the allocation back."""
    import polars as pl

    back = one_of(pl.col("blng__Type__c"), ["unallocation"])
    known = back | one_of(pl.col("blng__Type__c"), ["allocation"])
    undone = pl.col("blng__Unallocated__c").str.to_lowercase().is_in(["true", "1"]).fill_null(False)
    payments = alive(tables, "blng__Payment__c").select(blng__Payment__c="Id", currency="CurrencyIsoCode")
    rows = alive(tables, ALLOCATION).filter(known).join(payments, on="blng__Payment__c", how="left")
    return rows.select(
        row="Id", invoice="blng__Invoice__c", at="CreatedDate", by="CreatedById", amount="blng__Amount__c",
        currency="currency", back=back, source_object=pl.lit(ALLOCATION), undone=undone & ~back,
    )  # fmt: skip


def _allocated(rows: pl.LazyFrame, tables: CrmTables, invoice: InvoiceObject, back: bool) -> pl.LazyFrame:
    """Return allocations as events; what rules tell of one invoice are alternatives, so that is the fact."""
    import polars as pl

    known = terms(tables, invoice).rename(
        {"record_id": "invoice", "amount": "total", "currency": "of_invoice"}
    )
    rows = rows.filter(pl.col("back") == back).join(known, on="invoice", how="left", maintain_order="left")
    return rows.select(
        "source_object", "amount", "due_date", "payment_terms", "invoice_type",
        fact="invoice", object=pl.lit("payment"), record_id="row", timestamp="at", resource_id="by",
        source_row_id="row", currency=pl.coalesce("currency", "of_invoice"),
        partial=pl.col("amount") < pl.col("total") - SETTLED,
    )  # fmt: skip


def received(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return payments applied to standard invoices."""
    return _allocated(lines(tables), tables, STANDARD, back=False)


def received_billing(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return payments allocated to invoices of Billing, and not taken back since."""
    import polars as pl

    return _allocated(allocations(tables).filter(~pl.col("undone")), tables, BILLING, back=False)


def reversed_line(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return payments taken back from standard invoices."""
    return _allocated(lines(tables), tables, STANDARD, back=True)


def reversed_billing(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return payments taken back from invoices of Billing."""
    return _allocated(allocations(tables), tables, BILLING, back=True)


def processed(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return processed payments that no row allocates to an invoice."""
    import polars as pl

    rows = alive(tables, "Payment").filter(one_of(pl.col("Status"), ["processed"]))
    rows = rows.join(alive(tables, LINE), left_on="Id", right_on="PaymentId", how="anti")
    rows = happened(tables, rows, "EffectiveDate", mapping.zone, "Payment.EffectiveDate")
    return rows.select(
        fact="Id", object=pl.lit("payment"), record_id="Id", timestamp="EffectiveDate",
        resource_id="CreatedById", source_row_id="Id", amount="Amount", currency="CurrencyIsoCode",
    )  # fmt: skip


def settled(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the days on which invoices were settled; those settled by credits alone were not paid."""
    import polars as pl

    rows = alive(tables, "Invoice").filter(one_of(pl.col("SettlementStatus"), ["settled"]).fill_null(True))
    rows = rows.filter(pl.col("NetPaymentsApplied").fill_null(1) > 0)
    rows = happened(tables, rows, "FullSettlementDate", mapping.zone, "Invoice.FullSettlementDate")
    known = terms(tables, STANDARD).rename({"record_id": "Id"})
    return rows.join(known, on="Id", how="left", maintain_order="left").select(
        "amount", "currency", "due_date", "payment_terms", "invoice_type", fact="Id",
        object=pl.lit("invoice"), record_id="Id", timestamp=midnight("FullSettlementDate"),
        ts_precision=pl.lit("date"), source_row_id="Id",
    )  # fmt: skip


def completed(invoice: InvoiceObject) -> Finder:
    """Return the finder of the instants at which what was paid of an invoice came to its total.

    Taken back and paid again, an invoice is completed twice.
    """

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        rows = lines(tables) if invoice is STANDARD else allocations(tables)
        known = terms(tables, invoice).rename(
            {"record_id": "invoice", "amount": "total", "currency": "of_invoice"}
        )
        rows = rows.join(known.filter(pl.col("total") > 0), on="invoice").sort("invoice", "at", "row")
        signed = pl.when(pl.col("back")).then(-pl.col("amount").abs()).otherwise(pl.col("amount"))
        paid = signed.fill_null(0).cum_sum().over("invoice")
        rows = rows.with_columns(paid=paid, before=paid - signed.fill_null(0))
        enough = pl.col("total") - SETTLED
        return rows.filter((pl.col("paid") >= enough) & (pl.col("before") < enough)).select(
            "source_object", "due_date", "payment_terms", "invoice_type", fact="invoice",
            object=pl.lit("invoice"), record_id="invoice", timestamp="at", resource_id="by",
            source_row_id="row", amount="total", currency=pl.coalesce("currency", "of_invoice"),
        )  # fmt: skip

    return find


_LINE_NEEDS = (f"{LINE}.InvoiceId", f"{LINE}.Type")
_ALLOCATION_NEEDS = (f"{ALLOCATION}.blng__Invoice__c", f"{ALLOCATION}.blng__Type__c")
RULES = (
    Rule("SF1", "payment_received", LINE, "field", received, _LINE_NEEDS),
    Rule("SF2", "payment_received", ALLOCATION, "created", received_billing, _ALLOCATION_NEEDS),
    Rule("SF3", "payment_received", "Payment", "field", processed, ("Payment.EffectiveDate",)),
    Rule("SF4", "payment_received", "Invoice", "field", settled, ("Invoice.FullSettlementDate",)),
    Rule("SF1", "payment_reversed", LINE, "field", reversed_line, _LINE_NEEDS),
    Rule("SF2", "payment_reversed", ALLOCATION, "created", reversed_billing, _ALLOCATION_NEEDS),
    Rule("SF1", "payment_completed", LINE, "inferred", completed(STANDARD),
         (*_LINE_NEEDS, "Invoice.TotalAmount")),
    Rule("SF2", "payment_completed", ALLOCATION, "inferred", completed(BILLING),
         (*_ALLOCATION_NEEDS, "blng__Invoice__c.blng__TotalAmount__c")),
)  # fmt: skip
