"""The quote of an opportunity that counts where it has several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.dynamics.relations import parents

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables

ACTIVE, WON = 1, 2
"""States of a quote."""


def ranked_quotes(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the quotes of opportunities, the main one marked: that won, else active, else the latest.

    Returns
    -------
    LazyFrame
        record_id (of the quote), opportunityid, is_main.
    """
    import polars as pl

    state = tables.table("quote").select("createdon", "statecode", record_id="quoteid")
    rows = parents(tables, mapping, "quote", "opportunity").join(state, on="record_id")
    rank = (
        pl.when(pl.col("statecode") == WON).then(2).when(pl.col("statecode") == ACTIVE).then(1).otherwise(0)
    )
    ordered = rows.with_columns(rank=rank).sort(
        "rank", "createdon", "record_id", descending=True, nulls_last=True
    )
    return ordered.select(
        "record_id", opportunityid="parent_id", is_main=pl.int_range(pl.len()).over("parent_id") == 0
    )
