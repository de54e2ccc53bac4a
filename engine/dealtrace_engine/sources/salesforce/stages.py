"""What the stages of opportunities mean: their order, which are closed, and which of these are won."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.names import one_of
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.evidence import alive, noted
from dealtrace_engine.sources.salesforce.transitions import changes

if TYPE_CHECKING:
    import polars as pl

SURE_SHARE = 0.9
"""Share of a stage's rows that must say the same before it is learnt from them."""
BY_NAME = "name"
FORMER = "Opportunity.StageName was a stage that OpportunityStage lacks: renamed? See [stages.aliases]"


def renamed(column: str, mapping: CrmMapping) -> pl.Expr:
    """Return a column of stages under the names that they have now."""
    import polars as pl

    if not mapping.stage_aliases:
        return pl.col(column)
    return pl.col(column).replace(dict(mapping.stage_aliases))


def stage_key(mapping: CrmMapping) -> str:
    """Return what of a mapping the meaning of stages depends on."""
    names = [list(mapping.status(key)) for key in ("stage.won", "stage.lost")]
    return f"{dict(mapping.stage_aliases)} {list(mapping.stage_order)} {names}"


def stage_table(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return what every stage means that records or their history have.

    Returns
    -------
    LazyFrame
        stage, rows (that have it), place (in the order of stages, null if that is not known), is_current
        (false if OpportunityStage has it no longer), sort_order (there), is_closed, is_won, and known_by:
        ``"metadata"``, ``"records"`` (those that are in the stage now), ``"forecast"`` (category and
        probability), ``"name"``, or null for a stage of which nothing is known.
    """
    import polars as pl

    def make() -> pl.LazyFrame:
        table = _seen(tables, mapping).collect()
        for found in (_metadata, _records, _forecast):
            table = table.join(found(tables, mapping), on="stage", how="left")
        current = pl.col("active_metadata").fill_null(not table["active_metadata"].any())
        former = table.filter(~current).sort("rows", "stage", descending=[True, False]).lazy()
        noted(tables, FORMER, former, "stage")
        won = one_of(pl.col("stage"), mapping.status("stage.won"))
        lost = one_of(pl.col("stage"), mapping.status("stage.lost"))
        ways = {
            "metadata": ("closed_metadata", "won_metadata"),
            "records": ("closed_records", "won_records"),
            "forecast": ("closed_forecast", "won_forecast"),
        }
        by_name = pl.when(won | lost).then(pl.lit(BY_NAME))
        known = pl.coalesce([pl.when(pl.col(closed).is_not_null()).then(pl.lit(way))
                             for way, (closed, _) in ways.items()] + [by_name])  # fmt: skip
        closed = pl.coalesce([pl.col(closed) for closed, _ in ways.values()]
                             + [pl.when(won | lost).then(True)])  # fmt: skip
        is_won = pl.coalesce([pl.when(pl.col(closed).is_not_null()).then(pl.col(w).fill_null(False))
                              for closed, w in ways.values()] + [pl.when(won | lost).then(won)])  # fmt: skip
        return table.lazy().select(
            "stage", "rows", place=_places(table, current, mapping), is_current=current,
            sort_order="place_metadata", is_closed=closed, is_won=is_won & closed,
            known_by=known,
        )  # fmt: skip

    return tables.once(f"stages {stage_key(mapping)}", make)


def _seen(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return every stage that any record has or had, with how many rows have it."""
    import polars as pl

    history = changes(tables, "Opportunity", "StageName")
    columns = [
        (tables.table("Opportunity"), "StageName"), (tables.table("OpportunityHistory"), "StageName"),
        (history, "from"), (history, "to"),
    ]  # fmt: skip
    found = [rows.group_by(stage=column).agg(rows=pl.len()) for rows, column in columns]
    named = pl.concat(found).filter(pl.col("stage").is_not_null())
    return named.with_columns(renamed("stage", mapping)).group_by("stage").agg(pl.col("rows").sum())


def _metadata(tables: CrmTables, mapping: CrmMapping) -> pl.DataFrame:
    """Read OpportunityStage: by the name in the API, else by the label, active stages first."""
    import polars as pl

    stages = tables.table("OpportunityStage").sort("IsActive", descending=True, nulls_last=True)
    names = [stages.with_columns(stage=column) for column in ("ApiName", "MasterLabel")]
    return (
        pl.concat(names)
        .filter(pl.col("stage").is_not_null())
        .with_columns(renamed("stage", mapping))
        .unique("stage", keep="first", maintain_order=True)
        .select(
            "stage", place_metadata="SortOrder", chance_metadata="DefaultProbability",
            closed_metadata="IsClosed", won_metadata="IsWon",
            active_metadata=pl.col("IsActive").fill_null(True),
        )
        .collect()
    )  # fmt: skip


def _records(tables: CrmTables, mapping: CrmMapping) -> pl.DataFrame:
    """Learn from the opportunities that are in a stage now whether it is closed and won."""
    import polars as pl

    rows = alive(tables, "Opportunity").select(
        "IsClosed", "IsWon", "StageSortOrder", "Probability", stage=renamed("StageName", mapping)
    )
    return (
        rows.filter(pl.col("stage").is_not_null())
        .group_by("stage")
        .agg(
            closed_records=_mostly(pl.col("IsClosed")), won_records=_mostly(pl.col("IsWon")),
            place_records=pl.col("StageSortOrder").median(), chance_records=pl.col("Probability").median(),
        )
        .collect()
    )  # fmt: skip


def _mostly(flag: pl.Expr) -> pl.Expr:
    """Return what nearly all rows say, or null."""
    import polars as pl

    share = flag.mean()
    return pl.when(share >= SURE_SHARE).then(True).when(share <= 1 - SURE_SHARE).then(False)


def _forecast(tables: CrmTables, mapping: CrmMapping) -> pl.DataFrame:
    """Learn from forecast category and probability: closed at 100 is won, omitted at 0 is lost."""
    import polars as pl

    columns = ("StageName", "ForecastCategory", "Probability")
    rows = pl.concat(
        [alive(tables, "Opportunity").select(columns), tables.table("OpportunityHistory").select(columns)]
    ).filter(pl.col("ForecastCategory").is_not_null() & pl.col("Probability").is_not_null())
    category, chance = pl.col("ForecastCategory").str.to_lowercase(), pl.col("Probability")
    won, lost = (category == "closed") & (chance == 100), (category == "omitted") & (chance == 0)
    return (
        rows.group_by(stage=renamed("StageName", mapping))
        .agg(closed_forecast=_mostly(won | lost), won_forecast=_mostly(won), chance_forecast=chance.median())
        .filter(pl.col("stage").is_not_null())
        .collect()
    )


def _places(table: pl.DataFrame, current: pl.Expr, mapping: CrmMapping) -> pl.Expr:
    """Return the place of each stage, by the first source that knows as many current stages as any does."""
    import polars as pl

    if mapping.stage_order:
        order = {stage: float(place) for place, stage in enumerate(mapping.stage_order)}
        return pl.col("stage").replace_strict(order, default=None, return_dtype=pl.Float64)
    sources = ("place_metadata", "place_records", "chance_metadata", "chance_records", "chance_forecast")
    known = table.filter(current)
    best = max(sources, key=lambda source: known[source].is_not_null().sum())
    return pl.col(best).cast(pl.Float64)


def unknown_stages(tables: CrmTables, mapping: CrmMapping) -> dict[str, int]:
    """Return the stages of which is not known whether they are closed, with the rows that have them."""
    import polars as pl

    found = stage_table(tables, mapping).filter(pl.col("known_by").is_null()).select("stage", "rows")
    return dict(found.sort("rows", "stage", descending=[True, False]).collect().iter_rows())
