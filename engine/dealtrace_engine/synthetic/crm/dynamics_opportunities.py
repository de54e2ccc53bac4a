"""The opportunity table, and the activity that every closing of an opportunity writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.clock import EXPORTED
from dealtrace_engine.synthetic.crm import company
from dealtrace_engine.synthetic.crm.dynamics_codes import option_of
from dealtrace_engine.synthetic.crm.dynamics_directory import (
    UNSET,
    Directory,
    beginning,
    coded,
    local_day,
    local_midnight,
    of_changes,
    where_set,
)
from dealtrace_engine.synthetic.crm.dynamics_guids import below
from dealtrace_engine.synthetic.crm.dynamics_history import History, at_change, history

if TYPE_CHECKING:
    import polars as pl

WON, LOST = company.STAGES[company.CLOSED_WON], company.STAGES[company.CLOSED_LOST]
SALES_STAGES = dict(zip(company.STAGES, (0, 1, 2, 2, 2, 3, 3, 3), strict=True)) | {
    company.RENAMED_STAGE[1]: 3
}
"""Stage to the option of `salesstage`."""
PROBABILITIES = dict(zip(company.STAGES, company.PROBABILITIES, strict=True)) | {
    company.RENAMED_STAGE[1]: company.PROBABILITIES[company.RENAMED_STAGE[0]]
}
OPEN_REASON, WON_REASON, CANCELED, OUT_SOLD = 1, 3, 4, 5
_LOADED_LATER_S = 1800
_GONE_AFTER_DAYS = 20


def opportunity_history(directory: Directory) -> History:
    """Return the opportunities; those that were deleted end some days after their last change."""
    facts = directory.facts
    deals = facts["opportunities"].rename({"opportunity": "key"})
    changes = {
        field: of_changes(facts, "opportunity", field) for field in ("stage", "amount", "owner", "close_date")
    }
    records = _records(directory, deals, changes)
    return history(
        "opportunity",
        "opportunityid",
        records,
        _events(directory, deals, changes),
        directory,
        _derived(),
    )


def _records(directory: Directory, deals: pl.DataFrame, changes: dict[str, pl.DataFrame]) -> pl.DataFrame:
    import polars as pl

    began = {
        field: deals.select(beginning(deals, changes[field], field)).to_series()
        for field in ("amount", "owner", "close_date")
    }
    deals = directory.of_customers(directory.priced(_with_deletion(directory, deals, changes)))
    deals = directory.pointing(
        deals, originatingleadid=("lead", "lead"), parentcontactid=("contact", "person")
    )
    products = directory.facts["products"].select("product", pl.col("name").alias("new_productcategory"))
    deals = deals.join(products, "product", "left", maintain_order="left")
    return deals.select(
        "key",
        pl.col("created").alias("createdon"),
        pl.col("created_by").alias("createdby"),
        pl.when("migrated")
        .then(pl.col("created") + pl.duration(seconds=_LOADED_LATER_S))
        .alias("overriddencreatedon"),
        pl.when("migrated").then(1).cast(pl.Int32).alias("importsequencenumber"),
        "name",
        "originatingleadid",
        "customerid",
        "customeridtype",
        pl.col("customerid").alias("parentaccountid"),
        "parentcontactid",
        "transactioncurrencyid",
        "exchangerate",
        "new_productcategory",
        coded("type", option_of("opportunity", "new_dealtype")).alias("new_dealtype"),
        pl.col("region").alias("new_region"),
        pl.lit("1-Qualify").alias("stepname"),
        pl.lit(None, pl.String).alias("processid"),
        pl.lit(None, pl.String).alias("stageid"),
        pl.lit(None, pl.String).alias("traversedpath"),
        pl.lit(False).alias("isrevenuesystemcalculated"),
        pl.lit(2, pl.Int32).alias("opportunityratingcode"),
        pl.lit(0, pl.Int32).alias("statecode"),
        pl.lit(OPEN_REASON, pl.Int32).alias("statuscode"),
        began["amount"].alias("estimatedvalue"),
        began["close_date"].alias("estimatedclosedate"),
        directory.user(began["owner"]).alias("ownerid"),
        pl.lit(PROBABILITIES[company.STAGES[0]], pl.Int32).alias("closeprobability"),
        pl.lit(0, pl.Int32).alias("salesstage"),
        pl.lit(False).alias("presentproposal"),
        pl.lit(UNSET, pl.Datetime("us", "UTC")).alias("_closing"),
        pl.lit(0, pl.Int32).alias("_reason"),
        "deletedon",
        "deletedby",
    )


def _with_deletion(
    directory: Directory, deals: pl.DataFrame, changes: dict[str, pl.DataFrame]
) -> pl.DataFrame:
    """Add when records were deleted and by whom, and a person at the customer."""
    import polars as pl

    last = pl.concat([frame.select("key", "at") for frame in changes.values()]).group_by("key").agg(
        pl.col("at").max().alias("last")
    )  # fmt: skip
    days = below("opportunity/deleted", deals.get_column("key"), directory.seed, _GONE_AFTER_DAYS) + 1
    exported = pl.lit(EXPORTED).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    latest = pl.max_horizontal("created", "last") + pl.duration(days=pl.lit(days))
    deals = deals.join(last, "key", "left", maintain_order="left")
    return deals.with_columns(
        pl.when("deleted")
        .then(pl.min_horizontal(latest, exported - pl.duration(hours=1)))
        .alias("deletedon"),
        pl.when("deleted").then("owner").alias("deletedby"),
        person_at_customer(directory).alias("person"),
    )


def person_at_customer(directory: Directory) -> pl.Expr:
    """Return the key of the person to talk to at an `account`; null where that was merged into another."""
    import polars as pl

    alive = pl.col("account") <= directory.facts["accounts"]["merged_into"].null_count()
    return pl.when(alive).then(pl.col("account") * 2 - 1)


def _events(
    directory: Directory, deals: pl.DataFrame, changes: dict[str, pl.DataFrame]
) -> list[pl.DataFrame]:
    import polars as pl

    reasons = deals.select(
        "key", coded("loss_reason", option_of("opportunity", "new_lossreason")).alias("why")
    )
    stage = changes["stage"].join(reasons, "key", "left", maintain_order="left")
    won, lost = pl.col("new") == WON, pl.col("new") == LOST
    out_sold = pl.col("why") == option_of("opportunity", "new_lossreason")["Competitor"]
    lost_reason = pl.when(out_sold.fill_null(False)).then(OUT_SOLD).otherwise(CANCELED)
    moved = at_change(
        stage, "at", "by", 0,
        statecode=pl.when(won).then(1).when(lost).then(2).otherwise(0),
        statuscode=pl.when(won).then(WON_REASON).when(lost).then(lost_reason).otherwise(OPEN_REASON),
        closeprobability=pl.col("new").replace_strict(PROBABILITIES, return_dtype=pl.Int32),
        salesstage=pl.col("new").replace_strict(SALES_STAGES, return_dtype=pl.Int32),
        presentproposal=pl.when(pl.col("new") == company.STAGES[company.PROPOSAL]).then(True),
        _closing=pl.when(won | lost).then("at"),
        _reason=pl.when(lost).then("why"),
    )  # fmt: skip
    ranks = {field: changes[field].get_column("rank") for field in changes}
    amount, owner, day = changes["amount"], changes["owner"], changes["close_date"]
    events = [
        moved,
        at_change(amount, "at", "by", 0, estimatedvalue=pl.col("new").cast(pl.Float64)),
        at_change(owner, "at", "by", 0, ownerid=directory.user(owner.get_column("new").cast(pl.Int64))),
        at_change(day, "at", "by", 0, estimatedclosedate=pl.col("new").str.to_date()),
    ]
    return [
        event.with_columns(ranks[field].alias("rank"))
        for event, field in zip(events, ("stage", "amount", "owner", "close_date"), strict=True)
    ]


def _derived() -> list[pl.Expr]:
    import polars as pl

    closed = pl.col("statecode") != 0
    return [
        pl.when(closed).then(where_set("_closing", local_day(pl.col("_closing")))).alias("actualclosedate"),
        pl.when(pl.col("statecode") == 1).then("estimatedvalue").alias("actualvalue"),
        pl.when(closed & (pl.col("_reason") > 0)).then("_reason").alias("new_lossreason"),
        pl.col("estimatedvalue").alias("totalamount"),
    ]


def opportunityclose_history(directory: Directory) -> History:
    """Return the closings; reopening an opportunity cancels that of its first closing."""
    import polars as pl

    deals = directory.priced(directory.facts["opportunities"]).select(
        pl.col("opportunity").alias("key"), "amount", "deleted", "competitor", "transactioncurrencyid",
        "exchangerate", "closed",
    )  # fmt: skip
    stage = of_changes(directory.facts, "opportunity", "stage").join(
        deals, "key", "left", maintain_order="left"
    )
    stage = stage.filter(~pl.col("deleted")).with_columns(
        pl.col("at").shift(-1).over("key").alias("reopened"),
        pl.col("by").shift(-1).over("key").alias("reopener"),
    )
    closings = stage.filter(pl.col("new").is_in([WON, LOST])).with_columns(
        (pl.col("key") * 8 + pl.int_range(pl.len()).over("key")).alias("closing")
    )
    closings = closings.rename({"key": "deal", "closing": "key"})
    return history(
        "opportunityclose", "activityid", _closings(directory, closings),
        [at_change(closings, "reopened", "reopener", 0, statecode=2, statuscode=3)], directory,
    )  # fmt: skip


def _closings(directory: Directory, closings: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    names = list(company.COMPETITORS)
    rivals = pl.DataFrame(
        {"competitor": names, "competitorid": directory.guids("competitor", pl.Series(range(len(names))))}
    )
    closings = closings.join(rivals, "competitor", "left", maintain_order="left")
    won = pl.col("new") == WON
    last = pl.col("at") == pl.col("closed")
    return directory.pointing(closings, opportunityid=("opportunity", "deal")).select(
        "key",
        pl.col("at").alias("createdon"),
        pl.col("by").alias("createdby"),
        directory.user(closings.get_column("by")).alias("ownerid"),
        pl.when(won).then(pl.lit("Opportunity Won")).otherwise(pl.lit("Opportunity Lost")).alias("subject"),
        "opportunityid",
        pl.col("opportunityid").alias("regardingobjectid"),
        pl.lit("opportunity").alias("regardingobjecttypecode"),
        pl.lit("opportunityclose").alias("activitytypecode"),
        pl.when(won).then("amount").otherwise(0.0).alias("actualrevenue"),
        pl.when(~won & last).then("competitorid").alias("competitorid"),
        pl.lit(None, pl.Datetime("us", "UTC")).alias("actualstart"),
        local_midnight(pl.col("at")).alias("actualend"),
        "transactioncurrencyid",
        "exchangerate",
        pl.lit(1, pl.Int32).alias("statecode"),
        pl.lit(2, pl.Int32).alias("statuscode"),
    )
