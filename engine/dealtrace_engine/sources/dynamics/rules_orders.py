"""Orders: created, submitted, fulfilled in part or whole, canceled, closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ladder import Finder, Rule
from dealtrace_engine.sources.dynamics.codes import with_labels
from dealtrace_engine.sources.dynamics.evidence import told, told_change
from dealtrace_engine.sources.dynamics.transitions import became, transitions

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables

SUBMITTED, CANCELED, FULFILLED, INVOICED = 1, 2, 3, 4
"""States of an order after it was active."""
COMPLETE, PARTIAL = 100001, 100002
"""Statuses of an order that is fulfilled."""


def created(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when orders were created."""
    return told(tables.table("salesorder"), "salesorder", at="createdon", by="createdby", **_priced())


def _priced() -> dict[str, pl.Expr]:
    import polars as pl

    return {
        "amount": pl.col("totalamount"),
        "discount_pct": pl.col("discountpercentage"),
        "currency": pl.col("transactioncurrencyid"),
    }


def by_state(state: int) -> Finder:
    """Return how to find when orders came to a state."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        return _told_status(became(tables, "salesorder", "statecode", [state], beside=["statuscode"]), tables)

    return find


def _told_status(found: pl.LazyFrame, tables: CrmTables, **more: pl.Expr) -> pl.LazyFrame:
    import polars as pl

    rows = tables.table("salesorder").select(
        "totalamount", "discountpercentage", "transactioncurrencyid", record_id="salesorderid"
    )
    joined = with_labels(found, tables, "salesorder", "statuscode")
    joined = joined.join(rows, on="record_id", how="left", maintain_order="left")
    return told_change(joined, "salesorder", status_to=pl.col("statuscodename"), **_priced(), **more)


def fulfillments(tables: CrmTables) -> pl.LazyFrame:
    """Return the changes of orders to a fulfilled state, and from fulfilled in part to whole."""
    import polars as pl

    into = became(tables, "salesorder", "statecode", [FULFILLED], beside=["statuscode"])
    rest = transitions(tables, "salesorder", "statuscode").filter(
        (pl.col("old") == PARTIAL) & (pl.col("new") == COMPLETE)
    )
    both = pl.concat([into, rest.with_columns(statuscode="new")])
    return both.unique(["record_id", "at"], keep="first", maintain_order=True)


def fulfilled(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when orders were fulfilled whole."""
    import polars as pl

    found = fulfillments(tables).filter(pl.col("statuscode").ne_missing(PARTIAL))
    return _told_status(found, tables)


def partially_fulfilled(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when orders were fulfilled in part."""
    import polars as pl

    found = fulfillments(tables).filter(pl.col("statuscode") == PARTIAL)
    return _told_status(found, tables, partial=pl.lit(True))


def fulfilled_on_day(partly: bool) -> Finder:
    """Return how to take the day that an order has as that on which it was fulfilled."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        done = pl.col("statecode").is_null() | pl.col("statecode").is_in([3.0, 4.0])
        which = pl.col("statuscode") == PARTIAL if partly else pl.col("statuscode").ne_missing(PARTIAL)
        rows = tables.table("salesorder").filter(done & which)
        more = {"partial": pl.lit(True)} if partly else {}
        return told(rows, "salesorder", at="datefulfilled", **_priced(), **more)

    return find


def delivered(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Take the last day on which a line of an invoice of a fulfilled order was delivered."""
    import polars as pl

    lines = tables.table("invoicedetail").select("invoiceid", "actualdeliveryon")
    bills = tables.table("invoice").select("invoiceid", "salesorderid")
    last = lines.join(bills, on="invoiceid").group_by("salesorderid").agg(pl.col("actualdeliveryon").max())
    done = tables.table("salesorder").filter(
        pl.col("statecode").is_in([3.0, 4.0]) & pl.col("statuscode").ne_missing(PARTIAL)
    )
    rows = done.join(last, on="salesorderid", maintain_order="left")
    return told(rows, "salesorder", at="actualdeliveryon", **_priced())


def submitted_on_day(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Take the day that an order has as that on which it was submitted."""
    return told(tables.table("salesorder"), "salesorder", at="submitdate", **_priced())


def closed_by_activity(canceled: bool) -> Finder:
    """Return how to find when orders were canceled, or closed otherwise, by their closing activities."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        state = pl.col("statecode")
        rows = with_labels(tables.table("salesorder"), tables, "salesorder", "statuscode")
        rows = rows.filter(state == CANCELED if canceled else state.is_in([3.0, 4.0])).select(
            "salesorderid", "statuscodename", "totalamount", "discountpercentage", "transactioncurrencyid"
        )
        closes = tables.table("orderclose").select(
            "activityid", "createdon", "createdby",
            salesorderid=pl.coalesce("salesorderid", "regardingobjectid"),
        )  # fmt: skip
        joined = closes.join(rows, on="salesorderid").sort("createdon", "activityid")
        last = joined.unique("salesorderid", keep="last", maintain_order=True)
        return told(
            last, "salesorder", at="createdon", by="createdby", row="activityid",
            status_to=pl.col("statuscodename"), **_priced(),
        )  # fmt: skip

    return find


_STATE = ("audit_changes.attribute",)
_CLOSE = ("orderclose.createdon", "salesorder.statecode")
_DAY = ("salesorder.datefulfilled", "salesorder.statuscode")

RULES = (
    Rule("D1", "sales_order_created", "salesorder", "created", created, ("salesorder.createdon",)),
    Rule("D1", "order_submitted", "audit", "audit", by_state(SUBMITTED), _STATE),
    Rule("D2", "order_submitted", "salesorder", "field", submitted_on_day, ("salesorder.submitdate",)),
    Rule("D1", "order_fulfilled", "audit", "audit", fulfilled, _STATE),
    Rule("D2", "order_fulfilled", "salesorder", "field", fulfilled_on_day(False), _DAY),
    Rule(
        "D3", "order_fulfilled", "invoicedetail", "field", delivered,
        ("invoicedetail.actualdeliveryon", "invoice.salesorderid"), verified=False,
    ),
    Rule("D1", "order_partially_fulfilled", "audit", "audit", partially_fulfilled, _STATE),
    Rule("D2", "order_partially_fulfilled", "salesorder", "field", fulfilled_on_day(True), _DAY),
    Rule("D1", "order_canceled", "audit", "audit", by_state(CANCELED), _STATE),
    Rule("D2", "order_canceled", "orderclose", "history", closed_by_activity(True), _CLOSE),
    Rule("D1", "order_closed", "audit", "audit", by_state(INVOICED), _STATE),
    Rule("D2", "order_closed", "orderclose", "history", closed_by_activity(False), _CLOSE),
)  # fmt: skip
