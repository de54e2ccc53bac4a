"""Rows of Dataverse tables as Synapse Link writes them: columns without a header, three forms of times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.dynamics_shapes.schema import (
    POLYMORPHIC,
    Schema,
    key_of,
    lookups_of,
    without_kinds,
)

if TYPE_CHECKING:
    import polars as pl

SINK_INSTANT = "%-m/%-d/%Y %-I:%M:%S %p"
CREATED_INSTANT = "%Y-%m-%dT%H:%M:%S%.6f0+00:00"
OTHER_INSTANT, DAY = "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT00:00:00Z"
SINK_DELAY_S = 190
"""From a change to its row in the lake."""
_NOTE_EVERY = 53
_NOTE = 'Agreed on the phone:\n- delivery "as is"\n- terms, prices and dates follow'


def lake_rows(
    schema: Schema, table: str, rows: pl.DataFrame, exported: datetime, before: int = 0
) -> pl.DataFrame:
    """Return typed rows, `before` of whose table came before, with the columns of the lake, in its order.

    `Id`, `SinkCreatedOn` and `SinkModifiedOn` come first, then the columns of the table with the type of
    polymorphic lookups beside them, `versionnumber`, `IsDelete`, and last the custom columns, which were
    added to the table later.
    """
    import polars as pl

    rows = _with_description(table, rows, before)
    key = key_of(table, rows.columns)
    identifier = pl.col(key) if key else pl.lit(None, pl.String)
    deleted = pl.col("IsDelete") if "IsDelete" in rows.columns else pl.lit(None, pl.Boolean)
    version = "versionnumber" if "versionnumber" in rows.columns else None
    first = before + 1
    number = pl.col(version).cast(pl.Int64) if version else pl.int_range(first, pl.len() + first)
    typed = rows.with_columns(_entity_types(schema, table, rows))
    own = [name for name in without_kinds(typed).columns if name not in ("IsDelete", "versionnumber")]
    late = late_columns(own)
    return typed.select(
        identifier.alias("Id"),
        _sunk(rows, ("createdon", "modifiedon"), exported).alias("SinkCreatedOn"),
        _sunk(rows, ("modifiedon", "createdon"), exported).alias("SinkModifiedOn"),
        *(name for name in own if name not in late),
        number.alias("versionnumber"),
        deleted.alias("IsDelete"),
        *late,
    )


def late_columns(columns: list[str]) -> list[str]:
    """Return the custom columns: those with a publisher's prefix.

    Examples
    --------
    >>> late_columns(["name", "new_region", "ownerid_entitytype", "totalamount_base", "msdyn_score"])
    ['new_region']
    """
    return [name for name in columns if name.partition("_")[0] in ("new", "cr1a2", "contoso")]


def lake_text(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows as text; null stays null."""
    return rows.select(_text(name, kind) for name, kind in rows.schema.items())


def _text(name: str, kind: pl.DataType) -> pl.Expr:
    import polars as pl

    column = pl.col(name)
    if isinstance(kind, pl.Datetime):
        form = {"SinkCreatedOn": SINK_INSTANT, "SinkModifiedOn": SINK_INSTANT, "createdon": CREATED_INSTANT}
        return column.dt.to_string(form.get(name, OTHER_INSTANT))
    if kind == pl.Date:
        return column.dt.to_string(DAY)
    if kind == pl.Boolean:
        return pl.when(column).then(pl.lit("True")).when(~column).then(pl.lit("False")).alias(name)
    return column.cast(pl.String)


def _sunk(rows: pl.DataFrame, names: tuple[str, str], exported: datetime) -> pl.Expr:
    import polars as pl

    known = [pl.col(name) for name in names if name in rows.columns]
    instants = pl.coalesce(*known, pl.lit(exported.replace(tzinfo=UTC)).cast(pl.Datetime("us", "UTC")))
    return instants + pl.duration(seconds=SINK_DELAY_S)


def _entity_types(schema: Schema, table: str, rows: pl.DataFrame) -> list[pl.Series]:
    return [
        schema.targets(rows, column).alias(f"{column}_entitytype")
        for column in lookups_of(table, rows.columns)
        if column in POLYMORPHIC and f"{column}_entitytype" not in rows.columns
    ]


def _with_description(table: str, rows: pl.DataFrame, before: int) -> pl.DataFrame:
    """Return rows with a text of several lines in some of them, as users write them."""
    import polars as pl

    if "description" in rows.columns or table not in ("lead", "opportunity", "quote", "phonecall", "task"):
        return rows
    some = pl.int_range(before, pl.len() + before) % _NOTE_EVERY == 7
    return rows.with_columns(pl.when(some).then(pl.lit(_NOTE)).alias("description"))
