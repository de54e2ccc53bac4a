"""Option codes and stages of an export of which nothing is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.dynamics.codes import option_labels
from dealtrace_engine.sources.dynamics.stages import PROCESSES, stage_names

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables

CODES = {
    "lead": ("statecode", "statuscode", "leadsourcecode", "industrycode"),
    "opportunity": ("statecode", "statuscode", "salesstage", "salesstagecode"),
    "quote": ("statecode", "statuscode", "paymenttermscode"),
    "salesorder": ("statecode", "statuscode", "paymenttermscode"),
    "invoice": ("statecode", "statuscode", "paymenttermscode"),
    "account": ("industrycode", "accountcategorycode", "customersizecode", "customertypecode"),
    "incident": ("statecode", "statuscode"),
}  # fmt: skip
"""Columns of option codes that events or cases tell of."""


def unmapped(tables: CrmTables, mapping: CrmMapping) -> dict[str, dict[str, int]]:
    """Return the codes that have no label, and the stages that have no name, with counts.

    Returns
    -------
    dict
        ``"opportunity.statuscode"`` to ``{"880": 12}``, the most frequent first.
    """
    found = {}
    for table, columns in CODES.items():
        for column in columns:
            if tables.has(table, column):
                found[f"{table}.{column}"] = _codes(tables, table, column)
    for table in PROCESSES:
        if tables.has(table, "activestageid"):
            found[f"{table}.activestageid"] = _stages(tables, table)
    return {place: counts for place, counts in found.items() if counts}


def _codes(tables: CrmTables, table: str, column: str) -> dict[str, int]:
    import polars as pl

    labels = option_labels(tables).filter((pl.col("table") == table) & (pl.col("column") == column))
    rows = tables.table(table).filter(pl.col(column).is_not_null())
    if f"{column}name" in tables.catalog[table]:
        rows = rows.filter(pl.col(f"{column}name").is_null())
    codes = rows.filter(~pl.col(column).is_in(labels["code"].implode())).select(
        pl.col(column).cast(pl.Int64).cast(pl.String).alias("value")
    )
    return _counted(codes)


def _stages(tables: CrmTables, table: str) -> dict[str, int]:
    import polars as pl

    rows = tables.table(table).filter(pl.col("activestageid").is_not_null()).select(stage="activestageid")
    return _counted(rows.join(stage_names(tables), on="stage", how="anti").select(value="stage"))


def _counted(values: pl.LazyFrame) -> dict[str, int]:
    import polars as pl

    counts = values.group_by("value").agg(n=pl.len()).sort(["n", "value"], descending=[True, False])
    return dict(counts.collect().iter_rows())
