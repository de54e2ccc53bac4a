"""Export to Excel: a workbook for each list, with hidden columns that lead back to the rows."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from dealtrace_engine.errors import OutputError
from dealtrace_engine.synthetic.crm.dynamics_shapes.display_names import (
    CHECKSUM,
    DO_NOT_MODIFY,
    LISTED,
    column_name,
    table_names,
)
from dealtrace_engine.synthetic.crm.dynamics_shapes.schema import Schema, key_of, lookups_of
from dealtrace_engine.synthetic.crm.export import Export
from dealtrace_engine.synthetic.crm.locales import ORGANISATION_ZONE

if TYPE_CHECKING:
    import polars as pl

MOST_ROWS = 100_000
HIDDEN = 3
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

    Raises
    ------
    OutputError
        The package `xlsxwriter` is not installed.
    """
    try:
        import xlsxwriter
    except ImportError as error:
        raise OutputError(
            "Excel files need the package xlsxwriter", hint="pip install 'dealtrace[excel]'"
        ) from error
    schema = Schema(export.tables, export.language)
    made = export.exported.strftime("%-m-%-d-%Y %-I-%M-%S %p")
    for table in sorted(set(export.tables) & set(LISTED)):
        rows = export.tables[table].head(MOST_ROWS)
        path = export.folder / f"{table_names(table, export.language)[1]} {made}.xlsx"
        # strings are written in place: a table of shared strings is held in memory until the end
        options = {"constant_memory": True, "default_date_format": _DAY_FORMATS[export.language]}
        with xlsxwriter.Workbook(str(path), options) as book:
            book.set_properties({"created": export.exported})
            _write_sheet(book, schema, table, rows, zone)
            _write_options(book, schema, table, rows.columns)
        export.written.add(export.tables[table].height)


def _write_sheet(book: Any, schema: Schema, table: str, rows: pl.DataFrame, zone: str) -> None:
    language = schema.language
    one, many = table_names(table, language)
    sheet = book.add_worksheet(many[:31])
    sheet.set_column(0, HIDDEN - 1, None, None, {"hidden": True})
    sheet.set_column(HIDDEN, HIDDEN + rows.width, 20)
    shown = shown_columns(schema, table, rows, zone)
    modified = column_name(table, "modifiedon", language)
    prefix = DO_NOT_MODIFY[language]
    hidden = [f"{prefix} {one}", f"{prefix} {CHECKSUM[language]}", f"{prefix} {modified}"]
    sheet.write_row(0, 0, [*hidden, *_distinct(table, shown, language)])
    for number, row in enumerate(_rows(table, rows, shown, zone), 1):
        for column, value in enumerate(row):
            if value is None:
                continue
            if isinstance(value, datetime):
                sheet.write_datetime(number, column, value)
            elif isinstance(value, str):
                sheet.write_string(number, column, value)
            else:
                sheet.write(number, column, value)


def shown_columns(schema: Schema, table: str, rows: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Return what a user sees of rows: names for lookups, labels for options, the user's clock."""
    import polars as pl

    key = key_of(table, rows.columns)
    lookups = lookups_of(table, rows.columns)
    columns: list[pl.Series] = []
    for name, kind in rows.schema.items():
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


def _rows(table: str, rows: pl.DataFrame, shown: pl.DataFrame, zone: str) -> Any:
    """Yield the values of each row, the hidden ones first."""
    key = key_of(table, rows.columns)
    identifiers = rows[key].to_list() if key else [None] * rows.height
    has_modified = "modifiedon" in rows.columns
    modified = rows.select(_local("modifiedon", zone)).to_series().to_list() if has_modified else None
    for number, row in enumerate(shown.iter_rows()):
        checksum = b64encode(sha256(repr(row).encode()).digest()).decode()
        yield (identifiers[number], checksum, modified[number] if modified else None, *row)


def _distinct(table: str, shown: pl.DataFrame, language: str) -> list[str]:
    """Return the names of the columns; one that is taken gets the logical name in brackets."""
    taken: set[str] = set()
    names = []
    for column in shown.columns:
        name = column_name(table, column, language)
        names.append(f"{name} ({column})" if name in taken else name)
        taken.add(name)
    return names


def _write_options(book: Any, schema: Schema, table: str, columns: list[str]) -> None:
    """Write the labels of options to the hidden sheet from which the drop-downs are filled."""
    lists = {column: list(schema.labels(table, column).values()) for column in sorted(columns)}
    sheet = book.add_worksheet("hiddenSheet")
    sheet.very_hidden()
    for number, (column, labels) in enumerate((c, labels) for c, labels in lists.items() if labels):
        sheet.write_row(number, 0, [column, *labels])
