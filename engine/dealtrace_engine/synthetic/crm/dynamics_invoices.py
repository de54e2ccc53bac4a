"""The invoice table: billed, paid in whole or in part, now and then paid back, or canceled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.dynamics_codes import option_of
from dealtrace_engine.synthetic.crm.dynamics_directory import Directory, coded, local_midnight
from dealtrace_engine.synthetic.crm.dynamics_history import History, at_change, history

if TYPE_CHECKING:
    import polars as pl

ACTIVE, PAID, CANCELED = 0, 2, 3
NEW, BILLED, COMPLETE, PARTIAL, CANCELED_REASON = 1, 4, 100001, 100002, 100003
_TERMS = {14: "Net 14", 30: "Net 30", 45: "Net 45", 60: "Net 60", 90: "Net 90"}
_HALF_A_CENT = 0.005


def invoice_history(directory: Directory) -> History:
    """Return the invoices. There is no table of payments: what is left to pay shows in the status."""
    import polars as pl

    invoices = directory.facts["invoices"].rename({"invoice": "key"})
    paid = balances(directory.facts["payments"], directory.facts["invoices"]).rename({"invoice": "key"})
    whole, some = pl.col("left") < _HALF_A_CENT, pl.col("received") > _HALF_A_CENT
    events = [
        at_change(invoices, "canceled", "created_by", 0, statecode=CANCELED, statuscode=CANCELED_REASON),
        at_change(invoices, "sent", "sent_by", 1, statuscode=BILLED),
        at_change(
            paid, "at", "by", 2,
            statecode=pl.when(some).then(PAID).otherwise(ACTIVE),
            statuscode=pl.when(whole).then(COMPLETE).when(some).then(PARTIAL).otherwise(BILLED),
        ),
    ]  # fmt: skip
    return history("invoice", "invoiceid", _records(directory, invoices), events, directory)


def balances(payments: pl.DataFrame, invoices: pl.DataFrame) -> pl.DataFrame:
    """Return the payments in the order of time, with what was `received` and what is `left` after each."""
    import polars as pl

    signed = pl.when(pl.col("kind") == "applied").then("amount").otherwise(-pl.col("amount"))
    ordered = payments.sort("invoice", "at", "payment").with_columns(
        signed.cum_sum().over("invoice").alias("received")
    )
    totals = invoices.select("invoice", "total")
    return ordered.join(totals, "invoice", "left", maintain_order="left").with_columns(
        (pl.col("total") - pl.col("received")).alias("left")
    )


def _records(directory: Directory, invoices: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    terms = option_of("invoice", "paymenttermscode")
    orders = directory.facts["orders"].select("order", "fulfilled", pl.col("owner").alias("operator"))
    invoices = directory.pointing(
        directory.of_customers(
            directory.priced(invoices.join(orders, "order", "left", maintain_order="left"))
        ),
        opportunityid=("opportunity", "opportunity"),
        salesorderid=("salesorder", "order"),
    )
    number = pl.col("number").cast(pl.String)
    delivered = pl.when(pl.col("fulfilled") <= pl.col("created")).then(local_midnight(pl.col("fulfilled")))
    return invoices.select(
        "key",
        pl.col("created").alias("createdon"),
        pl.col("created_by").alias("createdby"),
        directory.user(invoices.get_column("created_by")).alias("ownerid"),
        pl.concat_str(pl.lit("INV-"), number).alias("invoicenumber"),
        pl.concat_str(pl.lit("Invoice "), number).alias("name"),
        "opportunityid",
        "salesorderid",
        "customerid",
        "customeridtype",
        pl.col("due_date").alias("duedate"),
        delivered.alias("datedelivered"),
        pl.lit(None, pl.Datetime("us", "UTC")).alias("lastbackofficesubmit"),
        pl.col("terms").replace_strict({days: terms[name] for days, name in _TERMS.items()},
                                       return_dtype=pl.Int32).alias("paymenttermscode"),
        coded("type", option_of("invoice", "new_invoicetype")).alias("new_invoicetype"),
        pl.col("total").alias("totalamount"),
        pl.col("total").alias("totallineitemamount"),
        "transactioncurrencyid",
        "exchangerate",
        pl.lit(ACTIVE, pl.Int32).alias("statecode"),
        pl.lit(NEW, pl.Int32).alias("statuscode"),
    )  # fmt: skip
