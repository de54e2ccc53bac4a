"""Rules on orders: created, activated, fulfilled, canceled, closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ladder import Finder, Rule
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.names import one_of
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.evidence import alive, creations, happened
from dealtrace_engine.sources.salesforce.transitions import status_changes

if TYPE_CHECKING:
    import polars as pl


def _reduces() -> pl.Expr:
    import polars as pl

    return pl.col("IsReductionOrder").fill_null(False)


def created(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the creation of orders; one that takes back part of another is no new order."""
    import polars as pl

    rows = alive(tables, "Order").filter(~_reduces()).select(record_id="Id")
    events = creations(tables, "Order", "order", amount=pl.col("TotalAmount"),
                       currency=pl.col("CurrencyIsoCode"))  # fmt: skip
    return events.join(rows, on="record_id", how="semi", maintain_order="left")


def activated(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the activation of orders."""
    import polars as pl

    rows = alive(tables, "Order").filter(~_reduces()).select(record_id="Id")
    events = creations(tables, "Order", "order", at="ActivatedDate", by="ActivatedById",
                       amount=pl.col("TotalAmount"), currency=pl.col("CurrencyIsoCode"))  # fmt: skip
    return events.join(rows, on="record_id", how="semi", maintain_order="left")


def into_status(key: str) -> Finder:
    """Return the finder of changes of orders into a status."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        return status_changes(tables, mapping, "Order", "order", key)

    return find


def fulfilment_orders(tables: CrmTables) -> pl.LazyFrame:
    """Return the fulfilment orders, each with the order that it fulfils."""
    import polars as pl

    summaries = alive(tables, "OrderSummary").select(OrderSummaryId="Id", of_summary="OriginalOrderId")
    rows = alive(tables, "FulfillmentOrder").join(summaries, on="OrderSummaryId", how="left")
    return rows.with_columns(order=pl.coalesce("OrderId", "of_summary"))


def fulfilled(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return when the last fulfilment order of each order was closed, once none is open."""
    import polars as pl

    rows = fulfilment_orders(tables)
    dropped = one_of(pl.coalesce("StatusCategory", "Status"), mapping.status("order.canceled"))
    rows = rows.filter(~dropped.fill_null(False) & pl.col("order").is_not_null())
    done = rows.sort("ClosedDate", "Id", nulls_last=True).group_by("order", maintain_order=True).last()
    return done.select(
        fact="order", object=pl.lit("order"), record_id="order", timestamp="ClosedDate",
        resource_id="LastModifiedById", source_row_id="Id", status_to="Status",
    )  # fmt: skip


def delivered(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return when the last shipment of each order arrived, once none is under way."""
    import polars as pl

    parents = fulfilment_orders(tables).select(FulfillmentOrderId="Id", order="order")
    summaries = alive(tables, "OrderSummary").select(OrderSummaryId="Id", of_summary="OriginalOrderId")
    rows = alive(tables, "Shipment").join(parents, on="FulfillmentOrderId", how="left")
    rows = rows.join(summaries, on="OrderSummaryId", how="left")
    rows = rows.with_columns(order=pl.coalesce("order", "of_summary")).filter(pl.col("order").is_not_null())
    done = (
        rows.sort("ActualDeliveryDate", "Id", nulls_last=True).group_by("order", maintain_order=True).last()
    )
    done = happened(tables, done, "ActualDeliveryDate", mapping.zone, "Shipment.ActualDeliveryDate")
    return done.select(
        fact="order", object=pl.lit("order"), record_id="order", timestamp="ActualDeliveryDate",
        source_row_id="Id", status_to="Status",
    )  # fmt: skip


def reduced(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the creation of orders that take back part of another, told of that one."""
    import polars as pl

    rows = alive(tables, "Order").filter(_reduces() & pl.col("OriginalOrderId").is_not_null())
    return rows.select(
        fact="OriginalOrderId", object=pl.lit("order"), record_id="OriginalOrderId", timestamp="CreatedDate",
        resource_id="CreatedById", resource_name="CreatedBy.Name", source_row_id="Id",
        amount="TotalAmount", currency="CurrencyIsoCode",
    )  # fmt: skip


_CHANGED = ("OrderHistory.NewValue",)
RULES = (
    Rule("SF1", "sales_order_created", "Order", "created", created, ("Order.CreatedDate",)),
    Rule("SF1", "order_activated", "Order", "field", activated, ("Order.ActivatedDate",)),
    Rule("SF2", "order_activated", "OrderHistory", "history", into_status("order.activated"), _CHANGED),
    Rule("SF1", "order_fulfilled", "FulfillmentOrder", "field", fulfilled, ("FulfillmentOrder.ClosedDate",)),
    Rule("SF2", "order_fulfilled", "Shipment", "field", delivered, ("Shipment.ActualDeliveryDate",)),
    Rule("SF3", "order_fulfilled", "OrderHistory", "history", into_status("order.fulfilled"), _CHANGED,
         verified=False),
    Rule("SF1", "order_partially_fulfilled", "OrderHistory", "history",
         into_status("order.partially_fulfilled"), _CHANGED, verified=False),
    Rule("SF1", "order_canceled", "OrderHistory", "history", into_status("order.canceled"), _CHANGED,
         verified=False),
    Rule("SF2", "order_canceled", "Order", "created", reduced, ("Order.IsReductionOrder",), verified=False),
    Rule("SF1", "order_closed", "OrderHistory", "history", into_status("order.closed"), _CHANGED,
         verified=False),
)  # fmt: skip
