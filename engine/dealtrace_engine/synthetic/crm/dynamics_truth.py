"""What happened in an organisation that works with Dynamics, and what of it leaves a trace in an export."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.synthetic.crm.dynamics_activities import (
    email_key,
    finished_contacts,
    mailed_invoices,
    mailed_quotes,
)
from dealtrace_engine.synthetic.crm.dynamics_auditing import audited
from dealtrace_engine.synthetic.crm.dynamics_bpf import OPPORTUNITY_FLOW, stage_moves
from dealtrace_engine.synthetic.crm.dynamics_directory import Directory
from dealtrace_engine.synthetic.crm.dynamics_invoices import balances

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.synthetic.crm.facts import Facts

AUDIT, VERSIONS, IN_PLACE = "audit", "versions", "in-place"
EVIDENCE = {
    "web-api": AUDIT,
    "synapse-link": AUDIT,
    "synapse-append": VERSIONS,
    "synapse-incremental": VERSIONS,
    "excel": IN_PLACE,
    "replica": IN_PLACE,
}
"""What an export of each shape holds beside the rows as they are."""
_OTHERWISE = ("lead_qualified", "opportunity_stage_changed", "first_customer_contact", "customer_contact")
_RENAMED = {"order_activated": "order_submitted"}
_TABLES = {
    "lead": "lead",
    "opportunity": "opportunity",
    "quote": "quote",
    "order": "salesorder",
    "invoice": "invoice",
    "case": "incident",
    "call": "phonecall",
    "meeting": "appointment",
}
_CONTACTS = ("first_customer_contact", "customer_contact")


def dynamics_truth(facts: Facts) -> pl.DataFrame:
    """Return the events as they happen in Dynamics.

    They are those of the facts, but: qualifying a lead is what makes its opportunity, so that both happen at
    once; an opportunity that closes does not change its stage; orders are submitted; a contact is dated by
    its end; payments happen to invoices.

    Returns
    -------
    DataFrame
        The columns of ``facts["truth"]``.
    """
    import polars as pl

    truth = facts["truth"]
    kept = truth.filter(~pl.col("activity").is_in(_OTHERWISE))
    parts = [
        kept.with_columns(pl.col("activity").replace(_RENAMED)),
        _qualified(truth),
        _moved(facts),
        _met(facts),
    ]
    return _of_invoices(facts, pl.concat([part.select(truth.columns) for part in parts])).sort(
        "timestamp", "case", "object", "record", "activity"
    )


def _qualified(truth: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    converted = truth.filter(pl.col("activity") == "lead_converted")
    return converted.with_columns(pl.lit("lead_qualified").alias("activity"))


def _moved(facts: Facts) -> pl.DataFrame:
    import polars as pl

    moves = stage_moves(Directory(facts)).filter(
        pl.col("stage").is_not_null() & (pl.col("stage") != pl.col("stage_before"))
    )
    return moves.select(
        pl.lit("opportunity").alias("case_object"),
        pl.col("key").alias("case"),
        pl.lit("opportunity_stage_changed").alias("activity"),
        pl.col("at").alias("timestamp"),
        pl.lit("opportunity").alias("object"),
        pl.col("key").alias("record"),
        pl.col("by").alias("resource"),
        pl.col("stage_before").alias("value_from"),
        pl.col("stage").alias("value_to"),
    )


def _met(facts: Facts) -> pl.DataFrame:
    """Return the contacts that ended; the first of a case is the one that ended first."""
    import polars as pl

    owner = facts["leads"].select("lead", of_lead="opportunity")
    met = (
        finished_contacts(facts).filter(~pl.col("deleted")).join(owner, "lead", "left", maintain_order="left")
    )
    deal = pl.coalesce("opportunity", "of_lead")
    met = (
        met.select(
            pl.when(deal.is_not_null())
            .then(pl.lit("opportunity"))
            .otherwise(pl.lit("lead"))
            .alias("case_object"),
            pl.coalesce(deal, "lead").alias("case"),
            pl.when(pl.col("kind") == "email").then("at").otherwise("ended").alias("timestamp"),
            pl.lit("contact").alias("object"),
            pl.col("contact").alias("record"),
            pl.col("by").alias("resource"),
            pl.lit(None, pl.String).alias("value_from"),
            pl.lit(None, pl.String).alias("value_to"),
        )
        .drop_nulls("timestamp")
        .sort("timestamp", "record")
    )
    first = pl.col("record") == pl.col("record").first().over("case_object", "case")
    name = pl.when(first).then(pl.lit(_CONTACTS[0])).otherwise(pl.lit(_CONTACTS[1]))
    return met.with_columns(name.alias("activity"))


def _of_invoices(facts: Facts, events: pl.DataFrame) -> pl.DataFrame:
    """Return events with the invoice in place of its payments."""
    import polars as pl

    paid = facts["payments"].select(pl.lit("payment").alias("object"), "invoice", record="payment")
    events = events.join(paid, ["object", "record"], "left", maintain_order="left")
    payment = pl.col("object") == "payment"
    return events.with_columns(
        pl.when(payment).then("invoice").otherwise("record").alias("record"),
        pl.when(payment).then(pl.lit("invoice")).otherwise("object").alias("object"),
    ).drop("invoice")


def derivable(facts: Facts, shape: str) -> pl.DataFrame:
    """Say which events of the truth an export of a shape can tell.

    Parameters
    ----------
    facts : Facts
    shape : str
        A key of `EVIDENCE`.

    Returns
    -------
    DataFrame
        `dynamics_truth` with `case_id`, `record_id` and `resource_id`, the GUIDs; `derivable`; and
        `precision`, "instant", or "date" where only the day (in `dynamics_directory.ORG_ZONE`) is left, null
        where nothing is.

    Raises
    ------
    ArgumentError
        There is no such shape.
    """
    import polars as pl

    if shape not in EVIDENCE:
        raise ArgumentError(
            f"there is no shape {shape!r} of a Dynamics export", hint=f"choose from {', '.join(EVIDENCE)}"
        )
    directory = Directory(facts)
    truth = _with_marks(directory, dynamics_truth(facts))
    precision = pl.lit(None, pl.String)
    for activities, told in _rules(EVIDENCE[shape]):
        precision = pl.when(pl.col("activity").is_in(activities)).then(told).otherwise(precision)
    precision = pl.when(~pl.col("_gone")).then(precision)
    truth = truth.with_columns(precision.alias("precision"))
    truth = truth.with_columns(pl.col("precision").is_not_null().alias("derivable"))
    return _identified(directory, truth).select(pl.exclude("^_.*$"))


def _with_marks(directory: Directory, truth: pl.DataFrame) -> pl.DataFrame:
    """Add what the rules ask: was the case deleted, a document mailed, a closing or payment the last one."""
    import polars as pl

    facts = directory.facts
    deals, orders = facts["opportunities"], pl.col("case_object") == "opportunity"
    gone = deals.filter("deleted").get_column("opportunity").implode()
    last = deals.filter(pl.col("closed").is_not_null()).select(
        pl.lit("opportunity").alias("object"), record="opportunity", timestamp="closed", _last=True
    )
    mailed = pl.concat([
        mailed_quotes(directory).select(pl.lit("quote").alias("object"), record="quote", _mailed=True),
        mailed_invoices(directory).select(pl.lit("invoice").alias("object"), record="invoice", _mailed=True),
    ])  # fmt: skip
    truth = truth.with_columns((orders & pl.col("case").is_in(gone)).fill_null(False).alias("_gone"))
    for marks in (pl.concat([last, _last_payments(facts)]), mailed):
        keys = [name for name in marks.columns if not name.startswith("_")]
        truth = truth.join(marks, keys, "left", maintain_order="left")
    truth = truth.with_columns(pl.col("_last", "_mailed").fill_null(False))
    paid = pl.col("activity") == "payment_received"
    known = (paid & audited("invoice", pl.col("timestamp"))).any().over("object", "record")
    return truth.with_columns(known.alias("_paid_in_audit"))


def _last_payments(facts: Facts) -> pl.DataFrame:
    """Return the payments that were the last change of their invoice, which is paid, at least in part."""
    import polars as pl

    paid = balances(facts["payments"], facts["invoices"])
    last = pl.col("invoice").ne_missing(pl.col("invoice").shift(-1)) & (pl.col("kind") == "applied")
    return paid.filter(last).select(
        pl.lit("invoice").alias("object"), record="invoice", timestamp="at", _last=True
    )


def _rules(evidence: str) -> Iterator[tuple[tuple[str, ...], pl.Expr]]:
    """Yield activities with the precision that is left of them."""
    import polars as pl

    def when(told: pl.Expr, otherwise: str | None = None) -> pl.Expr:
        return pl.when(told).then(pl.lit("instant")).otherwise(pl.lit(otherwise, pl.String))

    def changed(table: str, column: str | None = None) -> pl.Expr:
        if evidence == AUDIT:
            return audited(table, pl.col("timestamp"), column)
        return pl.lit(evidence == VERSIONS)

    always, mailed, last = pl.lit(True), pl.col("_mailed"), pl.col("_last")
    yield _ALWAYS, when(always)
    yield ("lead_disqualified",), when(changed("lead"))
    yield ("opportunity_stage_changed", "solution_proposed"), when(changed(OPPORTUNITY_FLOW))
    yield ("amount_changed", "owner_changed", "opportunity_reopened"), when(changed("opportunity"))
    yield ("close_date_pushed",), when(changed("opportunity", "estimatedclosedate"))
    yield ("opportunity_won", "opportunity_lost"), when(last | changed("opportunity"))
    yield ("quote_issued",), when(mailed | changed("quote"), "date")
    yield ("discount_changed",), when(changed("quote"))
    yield ("order_submitted", "order_fulfilled"), when(changed("salesorder"), "date")
    yield ("order_partially_fulfilled",), when(changed("salesorder"))
    yield ("invoice_sent",), when(mailed | changed("invoice"))
    yield ("invoice_canceled",), when(changed("invoice"))
    alone = last & ~pl.col("_paid_in_audit") if evidence == AUDIT else last
    yield ("payment_received",), when(alone | changed("invoice"))


_ALWAYS = (
    "lead_captured", "lead_qualified", "lead_converted", *_CONTACTS, "opportunity_created", "quote_created",
    "quote_revised", "quote_accepted", "quote_rejected", "discount_approval_requested",
    "discount_approval_approved", "discount_approval_rejected", "discount_approval_recalled",
    "sales_order_created", "order_canceled",
    "order_closed", "invoice_generated",
)  # fmt: skip
"""Rows of their own tell when these happened."""


def _identified(directory: Directory, truth: pl.DataFrame) -> pl.DataFrame:
    """Add the GUIDs of case, record and resource."""
    import polars as pl

    kinds = directory.facts["contacts"].select(pl.lit("contact").alias("object"), "kind", record="contact")
    truth = truth.join(kinds, ["object", "record"], "left", maintain_order="left").with_row_index("_row")
    mail = pl.col("kind") == "email"
    truth = truth.with_columns(
        pl.coalesce("kind", "object").replace_strict(
            {**_TABLES, "email": "email"}, default=None, return_dtype=pl.String).alias("_table"),
        pl.when(mail).then(email_key(pl.col("record"), "contact")).otherwise("record").alias("_key"),
    )  # fmt: skip
    for name, table, key in (("record_id", "_table", "_key"), ("case_id", "case_object", "case")):
        truth = _pointing(directory, truth, name, table, key)
    return truth.sort("_row").with_columns(
        directory.user(truth.sort("_row").get_column("resource")).alias("resource_id")
    ).drop("kind")  # fmt: skip


def _pointing(directory: Directory, truth: pl.DataFrame, name: str, table: str, key: str) -> pl.DataFrame:
    """Add the GUIDs of records whose tables differ from row to row."""
    import polars as pl

    ids = [
        part.select("_row", directory.guids(str(of), part.get_column(key)).alias(name))
        for (of,), part in truth.group_by(table)
        if of is not None
    ]
    none = pl.DataFrame(schema={"_row": pl.UInt32, name: pl.String})
    return truth.join(pl.concat([none, *ids]), "_row", "left", maintain_order="left")
