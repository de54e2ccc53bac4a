"""Fields that a mapping names: their values, codes as labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.dynamics.codes import option_labels

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables


def labelled(tables: CrmTables, table: str, column: str) -> pl.Expr:
    """Return a column with the labels of its codes, where it has codes."""
    import polars as pl

    labels = option_labels(tables).filter((pl.col("table") == table) & (pl.col("column") == column))
    if labels.height == 0:
        return pl.col(column)
    code = pl.col(column).cast(pl.Float64, strict=False)
    label = code.replace_strict(labels["code"], labels["label"], default=None, return_dtype=pl.String)
    return pl.coalesce(label, pl.col(column).cast(pl.String))


def named_value(tables: CrmTables, mapping: CrmMapping, table: str, name: str) -> pl.Expr | None:
    """Return the column of a table that the mapping calls so, or None."""
    for field, given in mapping.fields.items():
        owner, _, column = field.partition(".")
        if given == name and owner == table and column in tables.catalog[table]:
            return labelled(tables, table, column)
    return None
