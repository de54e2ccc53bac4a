"""How the deals of cases went: when they closed, how often they reopened, what they came to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.evidence import alive
from dealtrace_engine.sources.salesforce.links import opportunity_links
from dealtrace_engine.sources.salesforce.stage_changes import (
    CHANGE,
    FIELDS,
    SNAPSHOTS,
    snapshots,
    stage_changes,
)
from dealtrace_engine.sources.salesforce.stages import stage_key
from dealtrace_engine.sources.salesforce.transitions import changes

if TYPE_CHECKING:
    import polars as pl

FEWEST_MIGRATED = 20
"""Fewer records than this in one minute by one user are no migration, whatever their share."""


def _by_best_history(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return stage changes: of each opportunity by snapshots, else by the history of the field."""
    import polars as pl

    first, second = (
        stage_changes(tables, mapping, source).filter(pl.col("how") == CHANGE)
        for source in (SNAPSHOTS, FIELDS)
    )
    return pl.concat([first, second.join(first, on="record_id", how="anti")])


def closings(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return case_id and closed, when the stage last came to a closed one."""
    import polars as pl

    def make() -> pl.LazyFrame:
        into = pl.col("to_closed") & ~pl.col("from_closed").fill_null(False)
        rows = _by_best_history(tables, mapping).filter(into)
        return rows.group_by(case_id="record_id").agg(closed=pl.col("at").max())

    return tables.once(f"closings {mapping.zone} {stage_key(mapping)}", make)


def reopenings(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return case_id and reopen_count."""
    import polars as pl

    def make() -> pl.LazyFrame:
        out = pl.col("from_closed") & ~pl.col("to_closed").fill_null(False)
        rows = _by_best_history(tables, mapping).filter(out)
        return rows.group_by(case_id="record_id").agg(reopen_count=pl.len())

    return tables.once(f"reopenings {mapping.zone} {stage_key(mapping)}", make)


def counts(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return case_id and how many quotes, orders and invoices there are of it."""
    import polars as pl

    to_opportunity = opportunity_links(tables, mapping)
    found = alive(tables, "Opportunity").select(case_id="Id")
    for kind in ("quote", "order", "invoice"):
        number = to_opportunity[kind].group_by(case_id="target").agg(
            pl.col("record_id").n_unique().alias(f"{kind}_count")
        )  # fmt: skip
        found = found.join(number, on="case_id", how="left")
    return found


def with_history(tables: CrmTables) -> pl.LazyFrame:
    """Return case_id of opportunities whose stages are in a history, and has_history."""
    import polars as pl

    def make() -> pl.LazyFrame:
        by_snapshot = snapshots(tables).filter("first").select(case_id="OpportunityId")
        by_field = changes(tables, "Opportunity", "StageName").select(case_id="record_id")
        return pl.concat([by_snapshot, by_field.unique()]).unique().with_columns(has_history=pl.lit(True))

    return tables.once("with history", make)


def migrated(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return case_id and is_migrated: made in one minute by one user together with many others."""
    import polars as pl

    rows = alive(tables, "Opportunity").filter(pl.col("CreatedDate").is_not_null())
    minute = pl.col("CreatedDate").dt.truncate("1m")
    together = pl.len().over(minute, "CreatedById")
    many = (together >= pl.max_horizontal(pl.len() * mapping.migrated_share, FEWEST_MIGRATED)).fill_null(
        False
    )
    return rows.select(case_id="Id", is_migrated=many)
