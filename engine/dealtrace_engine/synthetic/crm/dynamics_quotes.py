"""The quote table with a row for every revision, and the activity that closing a quote writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.dynamics_directory import (
    UNSET,
    Directory,
    beginning,
    local_day,
    local_midnight,
    of_changes,
    where_set,
)
from dealtrace_engine.synthetic.crm.dynamics_guids import spread
from dealtrace_engine.synthetic.crm.dynamics_history import History, at_change, history

if TYPE_CHECKING:
    import polars as pl

DRAFT, ACTIVE, WON, CLOSED = range(4)
IN_PROGRESS, ACTIVE_IN_PROGRESS, WON_REASON, LOST, CANCELED, REVISED = 1, 2, 4, 5, 6, 7
_DISCOUNT_RANK = 9


def quote_rows(directory: Directory) -> pl.DataFrame:
    """Return the quotes with `key`, their customer and money, and how and when each was closed.

    `closing`, `closer` and `reason`: accepted, rejected or replaced by a revision; or canceled, because the
    opportunity was lost while the quote was open.
    """
    import polars as pl

    deals = directory.facts["opportunities"].select(
        "opportunity", "account", "currency", pl.col("owner").alias("seller"), pl.col("name").alias("deal"),
        pl.when(pl.col("outcome") == "Lost").then("closed").alias("lost"),
    )  # fmt: skip
    quotes = (
        directory.facts["quotes"]
        .rename({"quote": "key"})
        .join(deals, "opportunity", "left", maintain_order="left")
    )
    open_until_lost = pl.coalesce("accepted", "rejected", "revised").is_null()
    open_until_lost &= (pl.col("lost") > pl.max_horizontal("created", "issued")).fill_null(False)
    accepted, rejected = pl.col("accepted").is_not_null(), pl.col("rejected").is_not_null()
    revised = pl.col("revised").is_not_null()
    return quotes.with_columns(
        pl.coalesce("accepted", "rejected", "revised", pl.when(open_until_lost).then("lost")).alias(
            "closing"
        ),
        pl.when(accepted)
        .then(WON_REASON)
        .when(rejected)
        .then(LOST)
        .when(revised)
        .then(REVISED)
        .otherwise(CANCELED)
        .cast(pl.Int32)
        .alias("reason"),
        _numbers(directory, quotes.get_column("number")).alias("quotenumber"),
    )


def quote_history(directory: Directory) -> History:
    """Return the quotes. A revision begins with the discount of the one before."""
    import polars as pl

    quotes = quote_rows(directory)
    discount, total = (of_changes(directory.facts, "quote", field) for field in ("discount_pct", "total"))
    records = _records(directory, quotes, discount, total)
    events = [
        at_change(discount, "at", "by", _DISCOUNT_RANK, discountpercentage=pl.col("new").cast(pl.Float64)),
        at_change(total, "at", "by", _DISCOUNT_RANK, totalamount=pl.col("new").cast(pl.Float64)),
        at_change(
            quotes,
            "issued",
            "created_by",
            20,
            statecode=ACTIVE,
            statuscode=ACTIVE_IN_PROGRESS,
            _issued=pl.col("issued"),
        ),
        at_change(
            quotes,
            "closing",
            "created_by",
            30,
            statuscode=pl.col("reason"),
            _closing=pl.col("closing"),
            statecode=pl.when(pl.col("reason") == WON_REASON).then(WON).otherwise(CLOSED),
        ),
    ]
    return history("quote", "quoteid", records, events, directory, _derived())


def _records(
    directory: Directory, quotes: pl.DataFrame, discount: pl.DataFrame, total: pl.DataFrame
) -> pl.DataFrame:
    import polars as pl

    began = quotes.select(
        beginning(quotes, discount, "discount_pct").alias("discountpercentage"),
        beginning(quotes, total, "total").alias("totalamount"),
    )
    quotes = directory.pointing(
        directory.of_customers(directory.priced(quotes)), opportunityid=("opportunity", "opportunity")
    )
    return quotes.select(
        "key",
        pl.col("created").alias("createdon"),
        pl.col("created_by").alias("createdby"),
        directory.user(quotes.get_column("created_by")).alias("ownerid"),
        "quotenumber",
        pl.col("revision").cast(pl.Int32).alias("revisionnumber"),
        pl.col("deal").alias("name"),
        "opportunityid",
        "customerid",
        "customeridtype",
        pl.col("expires").alias("effectiveto"),
        pl.col("expires").alias("expireson"),
        pl.lit(None, pl.String).alias("processid"),
        pl.lit(None, pl.String).alias("stageid"),
        "transactioncurrencyid",
        "exchangerate",
        pl.lit(DRAFT, pl.Int32).alias("statecode"),
        pl.lit(IN_PROGRESS, pl.Int32).alias("statuscode"),
        began.get_column("discountpercentage"),
        began.get_column("totalamount"),
        pl.lit(UNSET, pl.Datetime("us", "UTC")).alias("_issued"),
        pl.lit(UNSET, pl.Datetime("us", "UTC")).alias("_closing"),
    )


def _derived() -> list[pl.Expr]:
    import polars as pl

    before = (pl.col("totalamount") / (1 - pl.col("discountpercentage") / 100)).round(2)
    return [
        before.alias("totallineitemamount"),
        (before - pl.col("totalamount")).round(2).alias("totaldiscountamount"),
        where_set("_issued", local_day(pl.col("_issued"))).alias("effectivefrom"),
        where_set("_closing", local_day(pl.col("_closing"))).alias("closedon"),
    ]


def _numbers(directory: Directory, number: pl.Series) -> pl.Series:
    """Return quote numbers; all revisions of a quote have the same."""
    import polars as pl

    tail = pl.Series(spread("quotenumber", number, directory.seed) % 1_000_000).cast(pl.String).str.zfill(6)
    head = (number + 1000).cast(pl.String).str.zfill(5)
    return pl.select(pl.concat_str(pl.lit("QUO-"), head, pl.lit("-"), tail)).to_series()


def quoteclose_history(directory: Directory) -> History:
    """Return an activity for every quote that was closed, whatever for."""
    import polars as pl

    quotes = quote_rows(directory).filter(pl.col("closing").is_not_null())
    subjects = {
        WON_REASON: "Quote Won",
        LOST: "Quote Lost",
        REVISED: "Quote Revised",
        CANCELED: "Quote Canceled",
    }
    quotes = directory.pointing(directory.priced(quotes), quoteid=("quote", "key"))
    records = quotes.select(
        "key",
        pl.col("closing").alias("createdon"),
        pl.col("created_by").alias("createdby"),
        directory.user(quotes.get_column("created_by")).alias("ownerid"),
        pl.col("reason").replace_strict(subjects, return_dtype=pl.String).alias("subject"),
        "quoteid",
        "quotenumber",
        pl.col("revision").cast(pl.Int32),
        pl.col("quoteid").alias("regardingobjectid"),
        pl.lit("quote").alias("regardingobjecttypecode"),
        pl.lit("quoteclose").alias("activitytypecode"),
        local_midnight(pl.col("closing")).alias("actualend"),
        "transactioncurrencyid",
        "exchangerate",
        pl.lit(1, pl.Int32).alias("statecode"),
        pl.lit(2, pl.Int32).alias("statuscode"),
    )
    return history("quoteclose", "activityid", records, [], directory)
