"""What the tools that copy Salesforce to a warehouse add to its tables: deletions, and histories of rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

START, ACTIVE = "_fivetran_start", "_fivetran_active"
DELETED = "_fivetran_deleted"
DELETED_AT = ("_sdc_deleted_at", "_ab_cdc_deleted_at")
TECHNICAL = (START, ACTIVE, DELETED, *DELETED_AT)
"""Columns that a copying tool adds and that say something of a row."""
MARKS = ("_fivetran_", "_airbyte_", "_ab_", "_sdc_", "_dlt_", "_dbt_")
"""With what the names of such columns begin."""


def technical(header: Iterable[str]) -> dict[str, str]:
    """Return the columns of a header that a copying tool added and that are read, to their own names."""
    return {name: name.lower() for name in header if name.lower() in TECHNICAL}


def current_and_versions(frame: pl.LazyFrame) -> tuple[pl.LazyFrame, pl.LazyFrame | None]:
    """Split a copied table in its current rows and, where the tool keeps them, all versions.

    Parameters
    ----------
    frame : LazyFrame
        Under API names, with the columns of `technical`.

    Examples
    --------
    >>> import polars as pl
    >>> rows = {"Id": ["1", "1"], "_fivetran_start": ["2024-01-01", "2024-02-01"]}
    >>> frame = pl.LazyFrame(rows | {"_fivetran_active": ["false", "true"]})
    >>> now, versions = current_and_versions(frame)
    >>> now.collect().rows(), versions.collect().columns
    ([('1', 'false')], ['Id', 'version_at'])
    """
    import polars as pl

    columns = frame.collect_schema().names()
    flags = [_is_true(DELETED)] if DELETED in columns else []
    flags += [_text(name).str.len_chars().fill_null(0) > 0 for name in DELETED_AT if name in columns]
    gone = [~_is_true(ACTIVE).fill_null(True)] if ACTIVE in columns else []
    versions = None
    if START in columns:
        versions = _marked(frame, columns, flags).with_columns(version_at=pl.col(START))
        versions = versions.drop(TECHNICAL, strict=False)
        frame = _last_versions(frame, columns)
    return _marked(frame, columns, flags + gone).drop(TECHNICAL, strict=False), versions


def _last_versions(frame: pl.LazyFrame, columns: list[str]) -> pl.LazyFrame:
    """Return that version of each record that began last."""
    import polars as pl

    if "Id" not in columns:
        return frame
    begun = frame.with_columns(_text(START).alias("!begun"))
    last = begun.group_by("Id").agg(pl.col("!begun").max())
    return begun.join(last, on=["Id", "!begun"], how="semi", maintain_order="left").drop("!begun")


def _marked(frame: pl.LazyFrame, columns: list[str], marks: list[pl.Expr]) -> pl.LazyFrame:
    """Mark rows as deleted that the tool knows to be, besides those that Salesforce marks."""
    import polars as pl

    if not marks:
        return frame
    before = pl.col("IsDeleted").cast(pl.String) if "IsDeleted" in columns else pl.lit("false")
    deleted = pl.any_horizontal(marks).fill_null(False)
    return frame.with_columns(IsDeleted=pl.when(deleted).then(pl.lit("true")).otherwise(before))


def _is_true(name: str) -> pl.Expr:
    return _text(name).str.to_lowercase().is_in(["true", "t", "1"])


def _text(name: str) -> pl.Expr:
    import polars as pl

    return pl.col(name).cast(pl.String)
