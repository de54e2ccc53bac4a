"""How opportunities stand now: open, won or lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.evidence import alive
from dealtrace_engine.sources.salesforce.stages import renamed, stage_key, stage_table

if TYPE_CHECKING:
    import polars as pl


def outcomes(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return record_id, stage, place, is_closed and is_won of every opportunity.

    The opportunity's own IsClosed and IsWon count before what is known of its stage.
    """
    import polars as pl

    def make() -> pl.LazyFrame:
        rows = alive(tables, "Opportunity").select(
            "IsClosed", "IsWon", record_id="Id", stage=renamed("StageName", mapping)
        )
        rows = rows.join(stage_table(tables, mapping), on="stage", how="left", maintain_order="left")
        return rows.select(
            "record_id", "stage", "place", is_closed=pl.coalesce("IsClosed", "is_closed"),
            is_won=pl.coalesce("IsWon", "is_won"),
        )  # fmt: skip

    return tables.once(f"outcomes {stage_key(mapping)}", make)
