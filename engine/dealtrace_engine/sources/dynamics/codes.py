"""What option codes mean: as the export says, else as Dataverse has them by default."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.tables import CrmTables

ENGLISH = 1033
"""Number of the language whose labels are taken where there are several."""
STATE_OF = "state_of"


@lru_cache(maxsize=1)
def _defaults() -> dict[str, dict[str, dict[str, str | int]]]:
    text = files(__package__).joinpath("codes.toml").read_text("utf-8")
    return cast("dict[str, dict[str, dict[str, str | int]]]", tomllib.loads(text))


def default_labels(table: str, column: str) -> dict[int, str]:
    """Return the labels that the codes of a column have in a new organisation; empty where not known.

    Examples
    --------
    >>> default_labels("opportunity", "statecode")
    {0: 'Open', 1: 'Won', 2: 'Lost'}
    """
    labels = _defaults().get(table, {}).get(column, {})
    return {int(code): str(label) for code, label in labels.items()}


def state_of_status(table: str) -> Mapping[int, int]:
    """Return the state that each default status of a table belongs to.

    Examples
    --------
    >>> state_of_status("quote")[5]
    3
    """
    return {int(code): int(state) for code, state in _defaults().get(table, {}).get(STATE_OF, {}).items()}


def option_labels(tables: CrmTables) -> pl.DataFrame:
    """Return what every option code means in an export.

    Returns
    -------
    DataFrame
        table, column (String), code (Float64), label (String); one row per code. The export's own label
        comes before the default, English before other languages.
    """
    import polars as pl

    own = (
        tables.table("stringmap")
        .filter(pl.col("attributevalue").is_not_null() & pl.col("value").is_not_null())
        .sort((pl.col("langid") != ENGLISH).fill_null(True), maintain_order=True)
        .select(
            pl.col("objecttypecode").alias("table"),
            pl.col("attributename").alias("column"),
            pl.col("attributevalue").alias("code"),
            pl.col("value").alias("label"),
        )
        .collect()
    )
    found = pl.concat([own, _default_frame()])
    return found.unique(["table", "column", "code"], keep="first", maintain_order=True)


def with_labels(rows: pl.LazyFrame, tables: CrmTables, table: str, *columns: str) -> pl.LazyFrame:
    """Fill ``<column>name`` with the label of each code, where the row does not bring one.

    Parameters
    ----------
    rows : LazyFrame
        Rows of a table, with the columns.
    tables : CrmTables
    table : str
    columns : str
        Columns of option codes.
    """
    import polars as pl

    labels = option_labels(tables).filter(pl.col("table") == table)
    for column in columns:
        of_column = labels.filter(pl.col("column") == column)
        label = pl.col(column).replace_strict(
            of_column["code"], of_column["label"], default=None, return_dtype=pl.String
        )
        name = f"{column}name"
        known = rows.collect_schema().names()
        rows = rows.with_columns((pl.coalesce(name, label) if name in known else label).alias(name))
    return rows


def _default_frame() -> pl.DataFrame:
    import polars as pl

    rows = [
        (table, column, float(code), str(label))
        for table, columns in _defaults().items()
        for column, labels in columns.items()
        if column != STATE_OF
        for code, label in labels.items()
    ]
    types = {"table": pl.String, "column": pl.String, "code": pl.Float64, "label": pl.String}
    return pl.DataFrame(rows, schema=types, orient="row")
