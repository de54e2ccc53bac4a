"""The id of the organisation, and the names behind the ids of its records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_NUMBER = 5_701_234_567_890


def organization_id(tables: Mapping[str, pl.DataFrame]) -> str:
    """Return the 18 characters of the organisation: of its own record, or invented ones.

    Examples
    --------
    >>> organization_id({})
    '00D5g001cN9TEWIEQ4'
    """
    import numpy as np

    from dealtrace_engine.synthetic.ids import record_ids

    if "Organization" in tables and tables["Organization"].height:
        return str(tables["Organization"]["Id"][0])
    return str(record_ids((b"00D5g0",), np.zeros(1, np.int64), np.array([_NUMBER]))[0])


def with_names(
    rows: pl.DataFrame, tables: Mapping[str, pl.DataFrame], column: str, of: str, into: str
) -> pl.DataFrame:
    """Return rows with one more column: the name of the record that an id column points to.

    Null where the other object is not exported or has no such record.
    """
    import polars as pl

    if column not in rows.columns:
        return rows
    if of not in tables:
        return rows.with_columns(pl.lit(None, pl.String).alias(into))
    names = tables[of].select(pl.col("Id").alias(column), pl.col("Name").alias(into)).unique(column)
    return rows.join(names, on=column, how="left", maintain_order="left")
