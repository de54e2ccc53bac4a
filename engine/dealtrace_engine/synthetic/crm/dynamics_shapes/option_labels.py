"""The labels of options in a lake: five files without headers in `OptionsetMetadata/`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.delimited import Dialect
from dealtrace_engine.synthetic.crm.dynamics_shapes.schema import TARGETS, USER, Schema, key_of, lookups_of
from dealtrace_engine.synthetic.crm.spool import columns_of, selected

if TYPE_CHECKING:
    import polars as pl

FOLDER = "OptionsetMetadata"
_DIALECT = Dialect()


def write_option_labels(schema: Schema, folder: Path) -> None:
    """Write the labels of states, statuses and options, and what lookups point to.

    Parameters
    ----------
    schema : Schema
    folder : Path
        Gets a folder `OptionsetMetadata`.
    """
    import polars as pl

    (folder / FOLDER).mkdir()
    options = schema.options
    state, status = pl.col("column") == "statecode", pl.col("column") == "statuscode"
    labels = (pl.lit("False").alias("user"), pl.col("language"), pl.col("label"))
    states = options.filter(state).select("table", "value", *labels)
    statuses = options.filter(status).join(_states_of_statuses(schema), on=["table", "value"], how="left")
    own = options.filter(~state & ~status).select("table", "column", "value", *labels)
    _write(folder, "StateMetadata", states)
    _write(folder, "StatusMetadata", statuses.select("table", "state", "value", *labels))
    _write(folder, "OptionsetMetadata", own)
    _write(folder, "GlobalOptionsetMetadata", own.head(0))
    _write(folder, "TargetMetadata", _targets(schema))


def _write(folder: Path, name: str, frame: pl.DataFrame) -> None:
    import polars as pl

    text = frame.select(pl.all().cast(pl.String)).fill_null("")
    _DIALECT.write_file(folder / FOLDER / f"{name}.csv", [text], header=False)


def _states_of_statuses(schema: Schema) -> pl.DataFrame:
    """Return the state that goes with each status of each table, as the rows have them."""
    import polars as pl

    kinds = {"table": pl.String, "value": pl.Int64, "state": pl.Int64}
    found = [
        selected(schema.tables, table, ["statuscode", "statecode"])
        .select(
            pl.lit(table).alias("table"),
            pl.col("statuscode").cast(pl.Int64).alias("value"),
            pl.col("statecode").cast(pl.Int64).alias("state"),
        )
        .drop_nulls()
        .unique(["table", "value"], keep="first", maintain_order=True)
        for table in sorted(schema.tables)
        if {"statecode", "statuscode"} <= set(columns_of(schema.tables, table))
    ]
    return pl.concat([pl.DataFrame(schema=kinds), *found])


def _targets(schema: Schema) -> pl.DataFrame:
    import polars as pl

    rows = []
    for table in sorted(schema.tables):
        for column in lookups_of(table, columns_of(schema.tables, table)):
            target = USER if column == "ownerid" else TARGETS[column]
            if target is not None and target in schema.tables:
                rows.append((table, column, target, key_of(target, columns_of(schema.tables, target))))
    return pl.DataFrame(rows, ["entity", "attribute", "referenced", "key"], orient="row")
