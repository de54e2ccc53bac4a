"""The audit table: a row for every create, update and delete, with the changes as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from dealtrace_engine.synthetic.crm.dynamics_guids import NO_GUID, below, guids
from dealtrace_engine.synthetic.crm.dynamics_history import History

if TYPE_CHECKING:
    import polars as pl

CREATE, UPDATE, DELETE = 1, 2, 3
"""Operations; the same numbers are actions."""
SET_STATE, ASSIGN = 41, 13
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ROWS = 200_000
"""Versions whose changes are written at a time, which bounds the memory."""


class Audited(NamedTuple):
    """A column that auditing is on for.

    Attributes
    ----------
    name : str
    kind : {"number", "flag", "money", "time", "day", "text"} or str
        How its values are written; any other word is the table that a lookup points into.
    """

    name: str
    kind: str


def changed_rows(
    history: History,
    columns: Sequence[Audited],
    action: pl.Expr,
    seed: int,
    at_creation: Sequence[Audited] = (),
    gaps: Mapping[str | None, pl.Expr] | None = None,
) -> pl.DataFrame:
    """Return the audit rows of a table.

    Parameters
    ----------
    history : History
    columns : sequence of Audited
        Of the columns that change.
    action : Expr
        The action of an update, over the versions and their `_last` values.
    seed : int
    at_creation : sequence of Audited
        Of the columns that never change; in the rows of creations only.
    gaps : mapping of str or None to Expr, optional
        True for versions made while a column was not audited; None is the whole table.

    Returns
    -------
    DataFrame
        With `objectid` and `userid` still as keys of `_user`.
    """
    import polars as pl

    gaps = gaps or {}
    versions = _with_last(history, columns)
    changed = [_change(column, gaps.get(column.name)) for column in columns]
    if at_creation:
        made = history.records.select("key", _joined("_made", [_set(column) for column in at_creation]))
        versions = versions.join(made, "key", "left", maintain_order="left")
        changed.insert(0, pl.when(pl.col("_first") & (pl.col("_made") != "")).then("_made"))
    told = _told(gaps)
    parts = [
        _rows(part.with_columns(_joined("changes", changed)).filter(told), action)
        for part in versions.iter_slices(_ROWS)
    ]
    return _identified(pl.concat([*parts, _deletions(history, len(versions))]), history, seed)


def _rows(changes: pl.DataFrame, action: pl.Expr) -> pl.DataFrame:
    import polars as pl

    return changes.select(
        "_number",
        "key",
        pl.col("at").alias("createdon"),
        pl.col("by").alias("_user"),
        pl.when("_first").then(CREATE).otherwise(action).cast(pl.Int32).alias("action"),
        pl.when("_first").then(CREATE).otherwise(UPDATE).cast(pl.Int32).alias("operation"),
        pl.concat_str(pl.lit('{"changedAttributes":['), pl.col("changes"), pl.lit("]}")).alias("changedata"),
    )


def _with_last(history: History, columns: Sequence[Audited]) -> pl.DataFrame:
    """Return the versions, numbered, with `_first` and for each column its value in the version before."""
    import polars as pl

    first = pl.col("key").ne_missing(pl.col("key").shift(1))
    versions = history.versions.with_row_index("_number").with_columns(first.alias("_first"))
    return versions.with_columns(
        pl.when(~pl.col("_first")).then(pl.col(column.name).shift(1)).alias(f"{column.name}_last")
        for column in columns
    )


def _told(gaps: Mapping[str | None, pl.Expr]) -> pl.Expr:
    import polars as pl

    told = pl.col("_first") | (pl.col("changes") != "")
    return told & ~gaps[None] if None in gaps else told


def _joined(name: str, parts: Sequence[pl.Expr]) -> pl.Expr:
    """Return texts with commas between them, empty where all are null."""
    import polars as pl

    return pl.concat_str(parts, separator=",", ignore_nulls=True).alias(name)


def _deletions(history: History, number: int) -> pl.DataFrame:
    import polars as pl

    gone = history.records.filter(pl.col("deletedon").is_not_null())
    return gone.select(
        (pl.int_range(pl.len()) + number).cast(pl.UInt32).alias("_number"),
        "key",
        pl.col("deletedon").alias("createdon"),
        pl.col("deletedby").alias("_user"),
        pl.lit(DELETE, pl.Int32).alias("action"),
        pl.lit(DELETE, pl.Int32).alias("operation"),
        pl.lit('{"changedAttributes":[]}').alias("changedata"),
    )


def _identified(rows: pl.DataFrame, history: History, seed: int) -> pl.DataFrame:
    import polars as pl

    number = rows.get_column("_number").cast(pl.Int64) + history.part.numbers_before
    objects = history.records.select("key", pl.col(history.primary).alias("objectid"))
    return rows.join(objects, "key", "left", maintain_order="left").select(
        guids(f"audit/{history.table}", number, seed).alias("auditid"),
        "createdon",
        "action",
        "operation",
        pl.lit(history.table).alias("objecttypecode"),
        "objectid",
        "_user",
        pl.lit(NO_GUID).alias("transactionid"),
        "changedata",
    )


def _change(column: Audited, gap: pl.Expr | None) -> pl.Expr:
    """Return the JSON of a column's change, null where it did not change or nobody took notice.

    Values are turned into text only where they are told.
    """
    import polars as pl

    new, old = pl.col(column.name), pl.col(f"{column.name}_last")
    told = new.ne_missing(old) if gap is None else new.ne_missing(old) & ~gap
    before, after = (_quoted(pl.when(told).then(value), column.kind) for value in (old, new))
    return _attribute(told, column.name, before, after)


def _set(column: Audited) -> pl.Expr:
    """Return the JSON of a column's value at the creation of a record, null where it has none."""
    import polars as pl

    value = pl.col(column.name)
    return _attribute(value.is_not_null(), column.name, pl.lit("null"), _quoted(value, column.kind))


def _attribute(told: pl.Expr, name: str, old: pl.Expr, new: pl.Expr) -> pl.Expr:
    import polars as pl

    begin = pl.when(told).then(pl.lit(f'{{"logicalName":"{name}","oldValue":'))
    return pl.concat_str(begin, old, pl.lit(',"newValue":'), new, pl.lit("}"))


def _quoted(value: pl.Expr, kind: str) -> pl.Expr:
    import polars as pl

    return pl.concat_str(pl.lit('"'), _text(value, kind), pl.lit('"')).fill_null("null")


def _text(value: pl.Expr, kind: str) -> pl.Expr:
    import polars as pl

    if kind == "number":
        return value.cast(pl.String)
    if kind == "flag":
        return pl.when(value.is_not_null()).then(
            pl.when(value).then(pl.lit("True")).otherwise(pl.lit("False"))
        )
    if kind == "money":
        return four_places(value)
    if kind == "day":
        return value.dt.strftime("%m/%d/%Y 00:00:00")
    if kind == "time":
        return value.dt.strftime("%m/%d/%Y %H:%M:%S")
    if kind == "text":
        return value.str.replace_many(list(_ESCAPES), list(_ESCAPES.values()))
    return pl.concat_str(pl.lit(f"{kind},"), value)


def four_places(value: pl.Expr) -> pl.Expr:
    """Return not negative numbers as text with four decimal places."""
    import polars as pl

    units = (value * 10_000).round().cast(pl.Int64)
    return pl.concat_str(
        (units // 10_000).cast(pl.String), pl.lit("."), (units % 10_000).cast(pl.String).str.zfill(4)
    )


def state_action(own: pl.Expr, seed: int, table: str, owned: bool) -> pl.Expr:
    """Return the actions of updates.

    Parameters
    ----------
    own : Expr
        The own action of a change of state, null where it has none: a quarter of the rows have it.
    seed : int
    table : str
    owned : bool
        Whether owners are audited: giving a record to another one is an action too.
    """
    import polars as pl

    draw = pl.col("_number").map_batches(
        lambda numbers: below(f"action/{table}", numbers, seed, 100), pl.Int64
    )
    states = ("statecode", "statuscode")
    moved = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_last")) for name in states)
    common = pl.when(draw < 70).then(SET_STATE).otherwise(UPDATE)
    given = pl.col("ownerid").ne_missing(pl.col("ownerid_last")) if owned else pl.lit(False)
    moving = pl.coalesce(pl.when(draw < 25).then(own), common)
    return pl.when(moved).then(moving).when(given).then(ASSIGN).otherwise(UPDATE)
