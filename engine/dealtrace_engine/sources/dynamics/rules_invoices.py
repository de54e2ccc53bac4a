"""Invoices: generated, sent, canceled, paid in part or whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ladder import Rule
from dealtrace_engine.sources.dynamics.codes import with_labels
from dealtrace_engine.sources.dynamics.emails import sent_about
from dealtrace_engine.sources.dynamics.evidence import told, told_change
from dealtrace_engine.sources.dynamics.own_values import named_value
from dealtrace_engine.sources.dynamics.transitions import as_of, became, transitions

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables

ACTIVE, CLOSED_BEFORE, PAID, CANCELED = 0, 1, 2, 3
"""States of an invoice; the second is no longer used."""
BILLED, CANCELED_BEFORE, PAID_BEFORE, COMPLETE, PARTIAL = 4, 3, 7, 100001, 100002
"""Statuses of an invoice; `CANCELED_BEFORE` and `PAID_BEFORE` are no longer used."""
PAYMENTS = (float(COMPLETE), float(PARTIAL), float(PAID_BEFORE))
"""Statuses of an invoice that is paid, in part or whole."""


def _bills(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return invoices with labels, and with what the mapping calls their type."""
    import polars as pl

    kind = named_value(tables, mapping, "invoice", "invoice_type")
    rows = with_labels(tables.table("invoice"), tables, "invoice", "paymenttermscode", "statuscode")
    return rows.with_columns(invoice_type=pl.lit(None, pl.String) if kind is None else kind.cast(pl.String))


def _billed() -> dict[str, pl.Expr]:
    import polars as pl

    return {
        "amount": pl.col("totalamount"),
        "currency": pl.col("transactioncurrencyid"),
        "due_date": pl.col("duedate"),
        "payment_terms": pl.col("paymenttermscodename"),
        "discount_pct": pl.col("discountpercentage"),
        "invoice_type": pl.col("invoice_type"),
    }


def generated(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when invoices were created."""
    return told(_bills(tables, mapping), "invoice", at="createdon", by="createdby", **_billed())


def sent_by_mail(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when invoices were sent: the first message out that is about each."""
    found = sent_about(tables, "invoice")
    bills = _bills(tables, mapping).rename({"invoiceid": "record_id"})
    return found.join(bills, on="record_id", how="left", maintain_order="left").with_columns(**_billed())


def billed(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when invoices got the status of one that was billed, if not by undoing a payment."""
    import polars as pl

    found = became(tables, "invoice", "statuscode", [BILLED])
    found = found.filter(~pl.col("old").is_in(PAYMENTS).fill_null(False))
    return _told_status(found.with_columns(statuscode="new"), tables, mapping)


def _told_status(
    found: pl.LazyFrame, tables: CrmTables, mapping: CrmMapping, **more: pl.Expr
) -> pl.LazyFrame:
    import polars as pl

    bills = _bills(tables, mapping).select(
        "totalamount", "transactioncurrencyid", "duedate", "paymenttermscodename", "discountpercentage",
        "invoice_type", record_id="invoiceid",
    )  # fmt: skip
    joined = with_labels(found, tables, "invoice", "statuscode")
    joined = joined.join(bills, on="record_id", how="left", maintain_order="left")
    return told_change(joined, "invoice", status_to=pl.col("statuscodename"), **{**_billed(), **more})


def handed_over(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Take the time at which an invoice was last handed to the back office."""
    return told(_bills(tables, mapping), "invoice", at="lastbackofficesubmit", **_billed())


def canceled(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when invoices were canceled, in the present way and in that of before."""
    import polars as pl

    found = became(tables, "invoice", "statecode", [CANCELED, CLOSED_BEFORE], beside=["statuscode"])
    kept = (pl.col("new") == CANCELED) | (pl.col("statuscode") == CANCELED_BEFORE)
    return _told_status(found.filter(kept), tables, mapping)


def payments(tables: CrmTables) -> pl.LazyFrame:
    """Return the changes of invoices to paid, in part or whole, and from one to the other."""
    import polars as pl

    into = became(tables, "invoice", "statecode", [PAID, CLOSED_BEFORE], beside=["statuscode"])
    into = into.filter((pl.col("new") == PAID) | (pl.col("statuscode") == PAID_BEFORE))
    codes = transitions(tables, "invoice", "statuscode")
    within = codes.filter((pl.col("old") == PARTIAL) & (pl.col("new") == COMPLETE))
    within = as_of(within.with_columns(statuscode="new"), tables, "invoice", "statecode")
    within = within.filter(pl.col("statecode") == PAID).drop("statecode")
    both = pl.concat([into, within])
    return both.unique(["record_id", "at"], keep="first", maintain_order=True)


def paid(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when invoices were paid; how much was paid is only known of those that were paid whole."""
    import polars as pl

    partial = pl.col("statuscode").eq_missing(PARTIAL)
    amount = pl.when(~partial).then("totalamount")
    return _told_status(payments(tables), tables, mapping, partial=partial, amount=amount)


def completed(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when invoices were paid whole, for good if a payment was undone in between."""
    import polars as pl

    whole = payments(tables).filter(pl.col("statuscode") == COMPLETE).sort("at", maintain_order=True)
    return _told_status(whole.unique("record_id", keep="last", maintain_order=True), tables, mapping)


def reversed_payment(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when invoices that were paid became active again."""
    import polars as pl

    found = became(tables, "invoice", "statecode", [ACTIVE], beside=["statuscode"])
    return _told_status(found.filter(pl.col("old") == PAID), tables, mapping)


def paid_by_last_change(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Take the last change of a paid invoice, which can be edited no more, for its payment."""
    import polars as pl

    partial = pl.col("statuscode").eq_missing(PARTIAL)
    more = {**_billed(), "partial": partial, "amount": pl.when(~partial).then("totalamount")}
    rows = _bills(tables, mapping).filter(pl.col("statecode") == PAID)
    return told(rows, "invoice", at="modifiedon", by="modifiedby", status_to=pl.col("statuscodename"), **more)


_STATE = ("audit_changes.attribute",)

RULES = (
    Rule("D1", "invoice_generated", "invoice", "created", generated, ("invoice.createdon",)),
    Rule(
        "D1", "invoice_sent", "email", "field", sent_by_mail, ("email.senton", "email.regardingobjectid"),
        verified=False,
    ),
    Rule("D2", "invoice_sent", "audit", "audit", billed, _STATE),
    Rule("D3", "invoice_sent", "invoice", "field", handed_over, ("invoice.lastbackofficesubmit",)),
    Rule("D1", "invoice_canceled", "audit", "audit", canceled, _STATE),
    Rule("D1", "payment_received", "audit", "audit", paid, _STATE),
    Rule(
        "D2", "payment_received", "invoice", "modified", paid_by_last_change,
        ("invoice.statecode", "invoice.modifiedon"), verified=False,
    ),
    Rule("D1", "payment_reversed", "audit", "audit", reversed_payment, _STATE, verified=False),
    Rule("D1", "payment_completed", "audit", "audit", completed, _STATE, verified=False),
)  # fmt: skip
