"""Rules on invoices, standard ones and those of Billing: made, sent, taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ladder import Finder, Rule
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.evidence import alive, creations, happened, midnight
from dealtrace_engine.sources.salesforce.transitions import status_changes

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class InvoiceObject:
    """One of the two objects that invoices are in, and what its columns are called.

    Attributes
    ----------
    name, history : str
        The object, and that of its changes.
    suffix : str
        Of the ids of its rules.
    status, posted, due : str
        Columns.
    totals : tuple of str
        Columns of the total, the first that there is counts.
    """

    name: str
    history: str
    suffix: str
    status: str
    posted: str
    due: str
    totals: tuple[str, ...]


STANDARD = InvoiceObject(
    "Invoice", "InvoiceHistory", "", "Status", "PostedDate", "DueDate", ("TotalAmountWithTax", "TotalAmount")
)
BILLING = InvoiceObject(
    "blng__Invoice__c", "blng__Invoice__History", "B", "blng__InvoiceStatus__c",
    "blng__InvoicePostedDate__c", "blng__DueDate__c", ("blng__TotalAmount__c",),
)  # fmt: skip
INVOICES = (STANDARD, BILLING)


def terms(tables: CrmTables, invoice: InvoiceObject) -> pl.LazyFrame:
    """Return record_id, amount, currency, due_date, payment_terms and invoice_type of every invoice."""
    import polars as pl

    none = pl.lit(None, pl.String)
    plain = {"amount": pl.coalesce(invoice.totals), "currency": pl.col("CurrencyIsoCode"),
             "due_date": pl.col(invoice.due)}  # fmt: skip
    if invoice is BILLING:
        orders = tables.table("Order").select(blng__Order__c="Id", terms="SBQQ__PaymentTerm__c")
        rows = alive(tables, invoice.name).join(orders, on="blng__Order__c", how="left")
        return rows.select(record_id="Id", **plain, payment_terms="terms", invoice_type=none)
    names = tables.table("PaymentTerm").select(PaymentTermId="Id", terms="Name")
    rows = alive(tables, invoice.name).join(names, on="PaymentTermId", how="left")
    return rows.select(
        record_id="Id", **plain, payment_terms=pl.coalesce("terms", "PaymentTermId"), invoice_type="Type"
    )


def with_terms(events: pl.LazyFrame, tables: CrmTables, invoice: InvoiceObject) -> pl.LazyFrame:
    """Return events of invoices with what `terms` says of them."""
    return events.join(terms(tables, invoice), on="record_id", how="left", maintain_order="left")


def generated(invoice: InvoiceObject) -> Finder:
    """Return the finder of invoices' creations."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        return with_terms(creations(tables, invoice.name, "invoice"), tables, invoice)

    return find


def into_status(invoice: InvoiceObject, key: str) -> Finder:
    """Return the finder of changes into a status."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        events = status_changes(tables, mapping, invoice.name, "invoice", key, invoice.status)
        return with_terms(events, tables, invoice)

    return find


def posted(invoice: InvoiceObject) -> Finder:
    """Return the finder of the days on which invoices were posted."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        rows = happened(tables, alive(tables, invoice.name), invoice.posted, mapping.zone,
                        f"{invoice.name}.{invoice.posted}")  # fmt: skip
        events = rows.select(
            fact="Id", object=pl.lit("invoice"), record_id="Id", timestamp=midnight(invoice.posted),
            ts_precision=pl.lit("date"), source_row_id="Id",
        )  # fmt: skip
        return with_terms(events, tables, invoice)

    return find


def mailed(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the first mail to the customer about each invoice."""
    import polars as pl

    known = pl.concat([terms(tables, invoice) for invoice in INVOICES])
    mails = alive(tables, "EmailMessage").filter(~pl.col("Incoming").fill_null(True))
    mails = mails.rename({"RelatedToId": "record_id"}).join(known, on="record_id").sort("MessageDate", "Id")
    return mails.group_by("record_id", maintain_order=True).first().select(
        *known.collect_schema().names(), fact="record_id", object=pl.lit("invoice"), timestamp="MessageDate",
        resource_id="CreatedById", source_row_id="Id",
    )  # fmt: skip


def _rules(invoice: InvoiceObject) -> list[Rule]:
    """Return the ladders of one of the two objects; rules on Billing end in B."""
    name, history, end = invoice.name, invoice.history, invoice.suffix
    changed = (f"{history}.NewValue",)
    return [
        Rule(f"SF1{end}", "invoice_generated", name, "created", generated(invoice), (f"{name}.CreatedDate",)),
        Rule(f"SF1{end}", "invoice_sent", history, "history", into_status(invoice, "invoice.sent"), changed),
        Rule(f"SF2{end}", "invoice_sent", name, "field", posted(invoice), (f"{name}.{invoice.posted}",)),
        Rule(f"SF1{end}", "invoice_canceled", history, "history", into_status(invoice, "invoice.canceled"),
             changed),
        Rule(f"SF1{end}", "invoice_rebilled", history, "history", into_status(invoice, "invoice.rebilled"),
             changed),
    ]  # fmt: skip


RULES = (
    *_rules(STANDARD),
    *_rules(BILLING),
    Rule("SF3", "invoice_sent", "EmailMessage", "field", mailed,
         ("EmailMessage.RelatedToId", "EmailMessage.MessageDate", "EmailMessage.Incoming")),
)  # fmt: skip
