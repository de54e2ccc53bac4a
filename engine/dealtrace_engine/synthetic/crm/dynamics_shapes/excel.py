"""Export to Excel: a workbook for each list, with hidden columns that lead back to the rows."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.dynamics_shapes.display_names import (
    CHECKSUM,
    DO_NOT_MODIFY,
    LISTED,
    column_name,
    table_names,
)
from dealtrace_engine.synthetic.crm.dynamics_shapes.schema import (
    Schema,
    key_of,
    lookups_of,
    without_kinds,
)
from dealtrace_engine.synthetic.crm.dynamics_tables import SHARED
from dealtrace_engine.synthetic.crm.export import Export
from dealtrace_engine.synthetic.crm.locales import ORGANISATION_ZONE
from dealtrace_engine.synthetic.crm.spool import Spool, columns_of, parts_of
from dealtrace_engine.synthetic.crm.workbook import Workbook

if TYPE_CHECKING:
    import polars as pl

MOST_ROWS = 100_000
HIDDEN = 3
_ROWS = 10_000
_DAY_FORMATS = {
    "en": "m/d/yyyy", "de": "dd.mm.yyyy", "fr": "dd/mm/yyyy", "it": "dd/mm/yyyy", "ja": "yyyy/mm/dd",
    "zh": "yyyy/m/d",
}  # fmt: skip


def write_excel(export: Export, *, zone: str = ORGANISATION_ZONE) -> None:
    """Write a workbook for each table that has a list.

    Parameters
    ----------
    export : Export
        Of each table the first 100,000 rows are exported, as Dynamics does.
    zone : str
        IANA name of the user's time zone.
    """
    made = export.exported.strftime("%-m-%-d-%Y %-I-%M-%S %p")
    whole = Schema(export.tables, export.language)
    with TemporaryDirectory(prefix="listed-", dir=export.folder) as kept:
        listed = Spool(Path(kept), SHARED)
        for tables, own in parts_of(export.tables):
            part = Schema(tables, export.language)
            for table in set(own) & set(LISTED):
                if (rows := MOST_ROWS - listed.height(table)) > 0:
                    listed.add(table, _listed(part, table, tables[table].head(rows), zone))
        for table in sorted(listed):
            path = export.folder / f"{table_names(table, export.language)[1]} {made}.xlsx"
            _book(export, whole, table, listed.columns(table)[HIDDEN:]).write(
                path, export.only(listed).slices(table, _ROWS)
            )


def _book(export: Export, schema: Schema, table: str, shown: Sequence[str]) -> Workbook:
    language = export.language
    one, many = table_names(table, language)
    modified, prefix = column_name(table, "modifiedon", language), DO_NOT_MODIFY[language]
    hidden = [f"{prefix} {one}", f"{prefix} {CHECKSUM[language]}", f"{prefix} {modified}"]
    options = {
        column: list(schema.labels(table, column).values())
        for column in sorted(columns_of(export.tables, table))
    }
    return Workbook(
        many[:31], [*hidden, *_distinct(table, shown, language)], HIDDEN, "hiddenSheet",
        [[column, *labels] for column, labels in options.items() if labels], _DAY_FORMATS[language],
        export.exported,
    )  # fmt: skip


def shown_columns(schema: Schema, table: str, rows: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Return what a user sees of rows: names for lookups, labels for options, the user's clock."""
    import polars as pl

    key = key_of(table, rows.columns)
    lookups = lookups_of(table, rows.columns)
    columns: list[pl.Series] = []
    for name, kind in without_kinds(rows).schema.items():
        labels = schema.labels(table, name) if kind.is_integer() else {}
        if name in lookups:
            columns.append(schema.resolved(rows, name)["label"].alias(name))
        elif labels:
            label = pl.col(name).cast(pl.Int64).replace_strict(labels, default=None, return_dtype=pl.String)
            columns += rows.select(label).get_columns()
        elif isinstance(kind, pl.Datetime):
            columns += rows.select(_local(name, zone)).get_columns()
        elif kind == pl.Date:
            columns += rows.select(pl.col(name).cast(pl.Datetime("us"))).get_columns()
        elif name != key and name != "versionnumber":
            columns.append(rows[name])
    return pl.DataFrame(columns)


def _local(name: str, zone: str) -> pl.Expr:
    import polars as pl

    return pl.col(name).dt.convert_time_zone(zone).dt.replace_time_zone(None)


def _listed(schema: Schema, table: str, rows: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Return rows as they are in the sheet, the hidden columns first."""
    import polars as pl

    shown = shown_columns(schema, table, rows, zone)
    key = key_of(table, rows.columns)
    checksums = [b64encode(sha256(repr(row).encode()).digest()).decode() for row in shown.iter_rows()]
    modified = _local("modifiedon", zone) if "modifiedon" in rows.columns else pl.lit(None, pl.Datetime("us"))
    hidden = rows.select(
        (pl.col(key) if key else pl.lit(None, pl.String)).alias("@key"),
        pl.Series("@checksum", checksums, dtype=pl.String),
        modified.alias("@modified"),
    )
    return hidden.hstack(shown)


def _distinct(table: str, shown: Sequence[str], language: str) -> list[str]:
    """Return the names of the columns; one that is taken gets the logical name in brackets."""
    taken: set[str] = set()
    names = []
    for column in shown:
        name = column_name(table, column, language)
        names.append(f"{name} ({column})" if name in taken else name)
        taken.add(name)
    return names
