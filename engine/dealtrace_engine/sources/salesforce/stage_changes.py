"""How opportunities went through their stages: from snapshots of them, or from the history of the field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.evidence import alive, deleted, noted
from dealtrace_engine.sources.salesforce.stages import BY_NAME, renamed, stage_key, stage_table
from dealtrace_engine.sources.salesforce.transitions import changes, gaps

if TYPE_CHECKING:
    import polars as pl

SNAPSHOTS, FIELDS = "OpportunityHistory", "OpportunityFieldHistory"
CHANGE, INITIAL, UNKNOWN = "change", "initial", "unknown"
"""A change of the stage; the stage at creation; a first snapshot later than it, what was before not known."""
AT_ONCE_SECONDS = 2
"""A snapshot that is no later than this is the one that is written at creation."""


def snapshots(tables: CrmTables) -> pl.LazyFrame:
    """Return the snapshots of opportunities, each with the values of the one before it.

    Returns
    -------
    LazyFrame
        Columns of OpportunityHistory; stage_before, amount_before, close_before; first (of its opportunity).
        Sorted by opportunity and instant. Those of deleted opportunities are left out.
    """
    import polars as pl

    def make() -> pl.LazyFrame:
        rows = alive(tables, SNAPSHOTS).filter(pl.col("OpportunityId").is_not_null())
        rows = rows.join(deleted(tables, "Opportunity"), left_on="OpportunityId", right_on="Id", how="anti")
        rows = rows.select(
            "Id", "OpportunityId", "CreatedDate", "CreatedById", "CreatedBy.Name", "StageName", "Amount",
            "CloseDate", "Probability", "CurrencyIsoCode", "FromOpportunityStageName", "PrevAmount",
            "PrevCloseDate",
        ).sort("OpportunityId", "CreatedDate", "Id", maintain_order=True)  # fmt: skip
        first = (pl.col("OpportunityId") != pl.col("OpportunityId").shift(1)).fill_null(True)
        columns = {"stage_before": "StageName", "amount_before": "Amount", "close_before": "CloseDate"}
        told = {
            "stage_before": "FromOpportunityStageName", "amount_before": "PrevAmount",
            "close_before": "PrevCloseDate",
        }  # fmt: skip
        before = {
            name: pl.when(first).then(told[name]).otherwise(pl.col(column).shift(1))
            for name, column in columns.items()
        }
        # Rows of a report have no ids, and so no order within a minute: what each says of itself counts.
        by_report = pl.when(pl.col("Id").is_null()).then("FromOpportunityStageName")
        before["stage_before"] = pl.coalesce(by_report, before["stage_before"])
        return rows.with_columns(**before, first=first).drop(*told.values())

    return tables.once("snapshots", make)


def facts(tables: CrmTables, zone: str) -> pl.LazyFrame:
    """Return record_id, created, last_change, and backdated: whether it was closed before it was made.

    An opportunity with an earlier close date than its creation was recorded afterwards: it was closed then.
    """
    import polars as pl

    created = pl.col("CreatedDate").dt.convert_time_zone(zone).dt.date()
    return alive(tables, "Opportunity").select(
        record_id="Id", created="CreatedDate", last_change="LastStageChangeDate",
        backdated=(pl.col("CloseDate") < created).fill_null(False),
    )  # fmt: skip


def stage_changes(tables: CrmTables, mapping: CrmMapping, source: str) -> pl.LazyFrame:
    """Return how opportunities came to their stages, by one of the two histories.

    Parameters
    ----------
    tables : CrmTables
    mapping : CrmMapping
    source : {"OpportunityHistory", "OpportunityFieldHistory"}

    Returns
    -------
    LazyFrame
        record_id, at, by, by_name, source_object, source_row, from, to, probability, amount, currency,
        close_date; how (`CHANGE`, `INITIAL`, `UNKNOWN`); last_change, backdated; of both stages closed and
        won; direction; named: whether either's meaning is known by its name alone, null if not at all.
    """

    def make() -> pl.LazyFrame:
        rows = _of_snapshots(tables, mapping) if source == SNAPSHOTS else _of_fields(tables, mapping)
        return _with_meaning(rows, stage_table(tables, mapping))

    return tables.once(f"stage changes {source} {mapping.zone} {stage_key(mapping)}", make)


def _of_snapshots(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    import polars as pl

    rows = snapshots(tables).rename({"StageName": "to", "stage_before": "from", "CreatedDate": "at"})
    rows = rows.with_columns(renamed("from", mapping), renamed("to", mapping))
    moved = pl.col("from").is_not_null() & (pl.col("from") != pl.col("to"))
    rows = rows.filter((pl.col("first") | moved) & pl.col("to").is_not_null())
    rows = rows.join(facts(tables, mapping.zone), left_on="OpportunityId", right_on="record_id", how="left")
    at_once = pl.col("at") <= pl.col("created") + pl.duration(seconds=AT_ONCE_SECONDS)
    only_change = pl.col("at") == pl.col("last_change")
    how = (
        pl.when(moved).then(pl.lit(CHANGE))
        .when(at_once.fill_null(True)).then(pl.lit(INITIAL))
        .when(only_change).then(pl.lit(CHANGE))
        .when(pl.col("from").is_not_null()).then(pl.lit(INITIAL))
        .otherwise(pl.lit(UNKNOWN))
    )  # fmt: skip
    _note_snapshot_gaps(tables, mapping)
    return rows.select(
        "from", "to", "at", "last_change", "backdated", record_id="OpportunityId",
        by="CreatedById", by_name="CreatedBy.Name", source_object=pl.lit(SNAPSHOTS), source_row="Id",
        amount="Amount", probability="Probability", currency="CurrencyIsoCode", close_date="CloseDate",
        how=how,
    )  # fmt: skip


def _note_snapshot_gaps(tables: CrmTables, mapping: CrmMapping) -> None:
    import polars as pl

    last = snapshots(tables).filter(pl.col("first").shift(-1, fill_value=True))
    now = alive(tables, "Opportunity").select("Id", now=renamed("StageName", mapping))
    odd = last.join(now, left_on="OpportunityId", right_on="Id").filter(
        pl.col("now") != renamed("StageName", mapping)
    )
    noted(tables, f"Opportunity.StageName is not what {SNAPSHOTS} says last: changes are missing", odd, "now")


def _of_fields(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    import polars as pl

    gaps(tables, "Opportunity", "StageName")
    rows = changes(tables, "Opportunity", "StageName").with_columns(
        renamed("from", mapping), renamed("to", mapping)
    )
    rows = rows.filter(pl.col("to").is_not_null() & (pl.col("from") != pl.col("to")).fill_null(True))
    rows = rows.join(facts(tables, mapping.zone), on="record_id", how="left")
    none = {name: pl.lit(None, pl.Float64) for name in ("amount", "probability")}
    return rows.select(
        "from", "to", "at", "last_change", "backdated", "record_id", "by", "by_name", "source_object",
        "source_row", **none, currency=pl.lit(None, pl.String),
        close_date=pl.lit(None, pl.Date), how=pl.lit(CHANGE),
    )  # fmt: skip


def _with_meaning(rows: pl.LazyFrame, stages: pl.LazyFrame) -> pl.LazyFrame:
    import polars as pl

    for side in ("from", "to"):
        meaning = stages.select(
            pl.col("stage").alias(side),
            pl.col("place").alias(f"{side}_place"),
            pl.col("is_closed").alias(f"{side}_closed"),
            pl.col("is_won").alias(f"{side}_won"),
            pl.col("known_by").alias(f"{side}_known"),
        )
        rows = rows.join(meaning, on=side, how="left", maintain_order="left")
    from_name, to_name = (pl.col(f"{side}_known") == BY_NAME for side in ("from", "to"))
    return rows.with_columns(
        direction=(pl.col("to_place") - pl.col("from_place")).sign().fill_null(0).cast(pl.Int8),
        named=pl.when(from_name | to_name).then(pl.lit(True)).otherwise(to_name),
    ).drop("from_place", "to_place", "from_known", "to_known")
