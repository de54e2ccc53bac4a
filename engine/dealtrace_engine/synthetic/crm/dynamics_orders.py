"""The salesorder table, and the activity that canceling or closing an order writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm import company
from dealtrace_engine.synthetic.crm.dynamics_directory import (
    UNSET,
    Directory,
    local_day,
    local_midnight,
    where_set,
)
from dealtrace_engine.synthetic.crm.dynamics_history import History, at_change, history

if TYPE_CHECKING:
    import polars as pl

ACTIVE, SUBMITTED, CANCELED, FULFILLED, INVOICED = range(5)
NEW, IN_PROGRESS, NO_MONEY, COMPLETE, PARTIAL, INVOICED_REASON = 1, 3, 4, 100001, 100002, 100003
_DELIVERY_DAYS = 30


def order_rows(directory: Directory) -> pl.DataFrame:
    """Return the orders with `key`, `number`, and `system`, who closes them."""
    import polars as pl

    deals = directory.facts["opportunities"].select("opportunity", pl.col("name").alias("deal"))
    orders = (
        directory.facts["orders"]
        .rename({"order": "key"})
        .join(deals, "opportunity", "left", maintain_order="left")
    )
    return orders.with_columns(
        pl.concat_str(pl.lit("ORD-"), (pl.col("key") + 1000).cast(pl.String).str.zfill(6)).alias(
            "ordernumber"
        ),
        pl.lit(company.SYSTEM_USER, pl.Int64).alias("system"),
    )


def order_history(directory: Directory) -> History:
    """Return the orders."""
    import polars as pl

    orders = order_rows(directory)
    done = pl.col("fulfilled")
    events = [
        at_change(
            orders,
            "activated",
            "owner",
            1,
            statecode=SUBMITTED,
            statuscode=IN_PROGRESS,
            _submitted=pl.col("activated"),
        ),
        at_change(orders, "canceled", "owner", 2, statecode=CANCELED, statuscode=NO_MONEY),
        at_change(orders, "partially_fulfilled", "owner", 3, statecode=FULFILLED, statuscode=PARTIAL),
        at_change(orders, "fulfilled", "owner", 4, statecode=FULFILLED, statuscode=COMPLETE, _fulfilled=done),
        at_change(orders, "closed", "system", 5, statecode=INVOICED, statuscode=INVOICED_REASON),
    ]
    return history("salesorder", "salesorderid", _records(directory, orders), events, directory, _derived())


def _records(directory: Directory, orders: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    orders = directory.pointing(
        directory.of_customers(directory.priced(orders)),
        opportunityid=("opportunity", "opportunity"),
        quoteid=("quote", "quote"),
    )
    return orders.select(
        "key",
        pl.col("created").alias("createdon"),
        pl.col("created_by").alias("createdby"),
        directory.user(orders.get_column("owner")).alias("ownerid"),
        "ordernumber",
        pl.coalesce("deal", pl.lit("Renewal")).alias("name"),
        "opportunityid",
        "quoteid",
        "customerid",
        "customeridtype",
        (local_day(pl.col("created")) + pl.duration(days=_DELIVERY_DAYS)).alias("requestdeliveryby"),
        pl.lit(None, pl.Datetime("us", "UTC")).alias("lastbackofficesubmit"),
        pl.lit(True).alias("ispricelocked"),
        pl.col("total").alias("totalamount"),
        pl.col("total").alias("totallineitemamount"),
        "transactioncurrencyid",
        "exchangerate",
        pl.lit(ACTIVE, pl.Int32).alias("statecode"),
        pl.lit(NEW, pl.Int32).alias("statuscode"),
        pl.lit(UNSET, pl.Datetime("us", "UTC")).alias("_submitted"),
        pl.lit(UNSET, pl.Datetime("us", "UTC")).alias("_fulfilled"),
    )


def _derived() -> list[pl.Expr]:
    import polars as pl

    submitted, fulfilled = pl.col("_submitted"), pl.col("_fulfilled")
    return [
        where_set("_submitted", local_midnight(submitted)).alias("submitdate"),
        where_set("_submitted", pl.lit(1, pl.Int32)).alias("submitstatus"),
        where_set("_fulfilled", local_midnight(fulfilled)).alias("datefulfilled"),
    ]


def orderclose_history(directory: Directory) -> History:
    """Return an activity for every order that was canceled or closed."""
    import polars as pl

    orders = directory.pointing(directory.priced(order_rows(directory)), salesorderid=("salesorder", "key"))
    parts = [
        orders.filter(pl.col(at).is_not_null()).select(
            (pl.col("key") * 2 + place).alias("key"), "salesorderid", "ordernumber", "transactioncurrencyid",
            "exchangerate", pl.col(at).alias("createdon"), pl.col(by).alias("createdby"),
            pl.lit(subject).alias("subject"),
        )
        for place, (at, by, subject) in enumerate(
            (("canceled", "owner", "Order Canceled"), ("closed", "system", "Order Closed"))
        )
    ]  # fmt: skip
    closings = pl.concat(parts).sort("key")
    records = closings.with_columns(
        directory.user(closings.get_column("createdby")).alias("ownerid"),
        pl.col("salesorderid").alias("regardingobjectid"),
        pl.lit("salesorder").alias("regardingobjecttypecode"),
        pl.lit("orderclose").alias("activitytypecode"),
        pl.lit(0, pl.Int32).alias("revision"),
        local_midnight(pl.col("createdon")).alias("actualend"),
        pl.lit(1, pl.Int32).alias("statecode"),
        pl.lit(2, pl.Int32).alias("statuscode"),
    )
    return history("orderclose", "activityid", records, [], directory)
