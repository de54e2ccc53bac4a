"""Which events of the truth leave a trace in the Salesforce tables, and how exact it is.

Where the rules leave room, an event is not called derivable: what is, a reader must find; what is not, it
may. Of deleted deals nothing is; customers' cases name their deal in a custom field only; that an order was
fulfilled in part is a status of this company's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.salesforce_org import SalesforceSetup
from dealtrace_engine.synthetic.crm.salesforce_quoting import documented

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.synthetic.crm.facts import Facts

_ALWAYS = (
    "campaign_response", "lead_captured", "lead_converted", "opportunity_created",
    "opportunity_stage_changed", "solution_proposed", "opportunity_won", "opportunity_lost",
    "opportunity_reopened", "amount_changed", "close_date_pushed", "first_customer_contact",
    "customer_contact", "quote_created", "contract_created", "contract_signed", "sales_order_created",
    "order_activated", "invoice_generated", "invoice_sent", "payment_received", "payment_reversed",
    "payment_completed", "approval_requested", "approval_approved", "approval_rejected",
    "approval_recalled", "discount_approval_requested", "discount_approval_approved",
    "discount_approval_rejected", "discount_approval_recalled",
)  # fmt: skip
"""What records say by themselves, or the snapshots of opportunities, which are not purged."""
_IN_HISTORY_OF = {
    "lead_qualified": "Lead", "lead_disqualified": "Lead",
    "owner_changed": "Opportunity", "quote_revised": "Quote",
    "quote_issued": "Quote", "quote_rejected": "Quote",
    "quote_accepted": "Quote", "contract_sent_for_approval": "Contract",
    "order_fulfilled": "Order", "order_canceled": "Order",
    "order_closed": "Order", "invoice_canceled": "Invoice",
}  # fmt: skip


def derivable(
    facts: Facts, setup: SalesforceSetup | None = None, *, deleted_rows: bool = True
) -> pl.DataFrame:
    """Return what can be told of each event of ``facts["truth"]``, row by row.

    Parameters
    ----------
    facts : Facts
    setup : SalesforceSetup, optional
        As for `salesforce_tables`.
    deleted_rows : bool
        Whether the extract has the records that were deleted or merged away; without them the first capture
        of a merged lead is not known.

    Returns
    -------
    polars.DataFrame
        derivable (Boolean) and precision ("instant", or "date" where only the day is known).

    Examples
    --------
    >>> from dealtrace_engine.synthetic.crm.facts import facts
    >>> derivable(facts(20, seed=1)).columns
    ['derivable', 'precision']
    """
    import polars as pl

    setup, truth = setup or SalesforceSetup(), facts["truth"]
    activity, at = pl.col("activity"), pl.col("timestamp")
    told = activity.is_in(_ALWAYS)
    for name, object_name in _IN_HISTORY_OF.items():
        told = told | ((activity == name) & (at >= setup.horizon(object_name)))
    if setup.packaged:
        told = told & ~_taken_back(facts)
    else:
        told = told | ((activity == "quote_issued") & _known_by_document(facts, setup))
    told = told & ~_of_deleted_deals(facts)
    if not deleted_rows:
        told = told & ~_captured_by_a_loser(facts)
    by_day = (activity == "invoice_sent") & (at < setup.horizon("Invoice"))
    precision = pl.when(by_day).then(pl.lit("date")).otherwise(pl.lit("instant"))
    return truth.select(derivable=told, precision=precision)


def _of_deleted_deals(facts: Facts) -> pl.Expr:
    import polars as pl

    gone = facts["opportunities"].filter("deleted")["opportunity"]
    return (pl.col("case_object") == "opportunity").fill_null(False) & pl.col("case").is_in(gone.implode())


def _captured_by_a_loser(facts: Facts) -> pl.Expr:
    import polars as pl

    winners = facts["leads"]["merged_into"].drop_nulls()
    return (pl.col("activity") == "lead_captured") & pl.col("record").is_in(winners.implode())


def _taken_back(facts: Facts) -> pl.Expr:
    """Select payments that were reversed, with what they completed: Billing then calls them no allocation."""
    import polars as pl

    payments = facts["payments"]
    gone = payments.filter(pl.col("payment").is_in(payments["reverses"].drop_nulls().implode()))
    received = (pl.col("activity") == "payment_received") & pl.col("record").is_in(gone["payment"].implode())
    completed = (pl.col("activity") == "payment_completed") & pl.col("record").is_in(
        gone["invoice"].implode()
    )
    return received | (completed & pl.col("timestamp").is_in(gone["at"].implode()))


def _known_by_document(facts: Facts, setup: SalesforceSetup) -> pl.Expr:
    """Select the first issues whose only trace is the document: no issue of the quote is in the history."""
    import polars as pl

    quotes = facts["quotes"]
    recent = quotes.filter(pl.col("issued") >= setup.horizon("Quote"))["root"].unique()
    first = documented(quotes).filter(pl.col("revision") == 0)
    first = first.filter(~pl.col("root").is_in(recent.implode()))
    return pl.col("record").is_in(first["quote"].implode())
