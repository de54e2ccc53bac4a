"""Which stages opportunities go through, in their order, and which of them have another name now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.stage_names import FormerStage, StageNames
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.stage_changes import FIELDS, SNAPSHOTS, stage_changes
from dealtrace_engine.sources.salesforce.stages import stage_table

if TYPE_CHECKING:
    import polars as pl

SAME_PLACE = 1
"""How far apart the places in the course of deals may be of two names of one stage."""


def stage_names(tables: CrmTables, mapping: CrmMapping) -> StageNames:
    """Return the stages of opportunities.

    Their order is that of OpportunityStage, else by place, else where they stand in the course of deals. A
    former name is taken for that of a stage that began after it ended and stands at the same place, the first
    that did: picklist values that are renamed do not change in the history.

    Parameters
    ----------
    tables : CrmTables
    mapping : CrmMapping
    """
    import polars as pl

    stages = stage_table(tables, mapping).collect()
    stages = stages.join(_used(tables, mapping), on="stage", how="left")
    now = stages.filter(pl.col("is_current")).sort(
        "sort_order", "place", "position", "stage", nulls_last=True
    )
    former = [
        FormerStage(old["stage"], old["last"].date(), _successor(old, now))
        for old in stages.filter(~pl.col("is_current")).sort("last", "stage").iter_rows(named=True)
        if old["last"] is not None
    ]
    return StageNames(now["stage"].to_list(), former)


def _used(tables: CrmTables, mapping: CrmMapping) -> pl.DataFrame:
    """Return when opportunities first and last came to each stage, and at which place of their course."""
    import polars as pl

    found = [stage_changes(tables, mapping, source).select("record_id", "at", stage="to")
             for source in (SNAPSHOTS, FIELDS)]  # fmt: skip
    rows = found[0].collect()
    rows = rows if rows.height else found[1].collect()
    rows = rows.sort("record_id", "at", maintain_order=True)
    rows = rows.with_columns(position=pl.int_range(pl.len()).over("record_id"))
    return rows.group_by("stage").agg(
        first=pl.col("at").min(), last=pl.col("at").max(), position=pl.col("position").median()
    )


def _successor(old: dict[str, object], now: pl.DataFrame) -> str | None:
    import polars as pl

    near = (pl.col("position") - pl.lit(old["position"])).abs() <= SAME_PLACE
    later = now.filter((pl.col("first") > pl.lit(old["last"])) & near).sort("first", "stage")
    return later["stage"].first() if later.height else None  # type: ignore[return-value]
