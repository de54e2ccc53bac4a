"""Workbooks of "Export to Excel": display names, labels instead of codes, times in the zone of the user."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.names import normal_column
from dealtrace_engine.sources.crm.polars_memory import give_back
from dealtrace_engine.sources.crm.tables import Kind
from dealtrace_engine.sources.crm.workbooks import apart_from_sheet, from_serials, sheet
from dealtrace_engine.sources.dynamics.counting import counted
from dealtrace_engine.sources.dynamics.excel_links import linked_by_name
from dealtrace_engine.sources.dynamics.excel_names import (
    codes_of,
    columns_named,
    statuses_of,
    table_named,
    truths,
)
from dealtrace_engine.sources.dynamics.export import Reading
from dealtrace_engine.sources.dynamics.naming import kinds_of
from dealtrace_engine.sources.dynamics.objects import KEYS
from dealtrace_engine.sources.dynamics.settle import Part
from dealtrace_engine.sources.files import InputFile, input_files

if TYPE_CHECKING:
    import polars as pl

SUFFIXES = (".xlsx", ".xlsm")
MOST_ROWS = 100_000
"""Dynamics writes no more of them to a workbook."""
HIDDEN = 3
"""Columns for its own use before those of the view: id, checksum of the row, when it was changed."""
GUID = r"(?i)^\{?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\}?$"


def read(path: Path, mapping: CrmMapping) -> Reading:
    """Read the workbooks of a folder, or one.

    Parameters
    ----------
    path : Path
    mapping : CrmMapping
        Its zone is that of the times.

    Raises
    ------
    ParseError
        A file is no workbook, or the package that reads them is not there.
    """
    import polars as pl

    reading, books = Reading(zone=mapping.zone), dict[str, list[bytes]]()
    for file in input_files(path, SUFFIXES):
        rows = sheet(file)
        table = _table(file.path, rows.columns, mapping)
        if table is None:
            reading.notes.append(f"{file.path.name}: not read, its table is not known")
            continue
        known = _as_logical(rows, table, mapping, reading, file.path.name)
        books.setdefault(table, []).append(_packed(apart_from_sheet(known)))
        del rows, known
        give_back()
    tables = {
        table: pl.concat(map(pl.scan_ipc, packed), how="diagonal_relaxed") for table, packed in books.items()
    }
    del books
    reading.notes.append(f"times are taken to be in {mapping.zone}; links between tables are by name")
    reading.precision = _precision(tables.values())
    for table, frame in linked_by_name(tables, reading.findings):
        names = {name: name for name in frame.columns}
        reading.parts.append(Part(table, names, partial(_rows, _packed(frame)), dict(frame.schema)))
        del frame
        give_back()
    return reading


def is_export(file: Path) -> bool:
    """Return whether a workbook begins with the columns that Dynamics hides, or those of a table it names."""
    names = sheet(InputFile.at(file), rows=1).columns
    return _hidden(names) is not None or _table(file, names, CrmMapping()) is not None


def _hidden(names: Sequence[str]) -> str | None:
    """Return the table that the hidden columns name: ``(Do Not Modify) Table`` in any language, or None."""
    first = [name.partition(")") for name in names[:HIDDEN]]
    marks = {mark for mark, close, _ in first if close and mark.startswith(("(", "（"))}
    return (
        first[0][2].strip()
        if len(first) == HIDDEN and len(marks) == 1 and all(c for _, c, _ in first)
        else None
    )


def _table(file: Path, names: Sequence[str], mapping: CrmMapping) -> str | None:
    display = _hidden(names)
    named = None if display is None else table_named(display, mapping)
    return named or table_named(file.stem, mapping)


def _as_logical(
    rows: pl.DataFrame, table: str, mapping: CrmMapping, reading: Reading, name: str
) -> pl.DataFrame:
    """Return the columns that are known, under logical names."""
    import polars as pl

    if rows.height >= MOST_ROWS:
        reason = f"{name} has {MOST_ROWS:,} rows, the most that Dynamics writes: further ones are missing"
        counted(reading.findings, reason, 1)
    has_ids = _hidden(rows.columns) is not None
    shown = rows.columns[HIDDEN:] if has_ids else rows.columns
    columns = columns_named(table, shown, mapping)
    unknown = sorted(set(shown) - set(columns.values()))
    if unknown:
        reading.notes.append(f"{name}: columns that are not known: {', '.join(unknown)}")
    hidden = {KEYS[table]: rows.columns[0], "modifiedon": rows.columns[2]} if has_ids else {}
    chosen = [
        column
        for logical, display in {**columns, **hidden}.items()
        for column in _converted(rows[display], table, logical)
    ]
    if not has_ids:
        counted(
            reading.findings, f"{name} has no ids: its records are known by their names only", rows.height
        )
    return _with_status(pl.DataFrame(chosen), table)


def _with_status(rows: pl.DataFrame, table: str) -> pl.DataFrame:
    """Tell the codes of statuses with one label by the state that they belong to."""
    import polars as pl

    codes = statuses_of(table)
    if not codes or not {"statecode", "statuscode", "statuscodename"} <= set(rows.columns):
        return rows
    both = pl.col("statecode").cast(pl.Int64).cast(pl.String) + " " + normal_column(pl.col("statuscodename"))
    known = both.replace_strict(codes, default=None, return_dtype=pl.Float64)
    return rows.with_columns(pl.coalesce(known, "statuscode").alias("statuscode"))


def _converted(values: pl.Series, table: str, column: str) -> Iterator[pl.Series]:
    """Yield a column as it is, labels as codes too, names behind a lookup under the name's own column."""
    import polars as pl

    kind = kinds_of(table).get(column, Kind.TEXT)
    values = values.alias(column)
    if kind in (Kind.INSTANT, Kind.DATE) and values.dtype.is_numeric():
        yield from_serials(values)
    elif kind is Kind.NUMBER and values.dtype == pl.String() and _is_code(table, column):
        if codes_of(table, column):
            yield _coded(values, codes_of(table, column))
        yield values.alias(f"{column}name")
    elif kind is Kind.BOOLEAN and values.dtype == pl.String():
        plain = pl.DataFrame({column: values}).select(normal_column(pl.col(column))).to_series()
        yield plain.replace_strict(truths(), default=None, return_dtype=pl.Boolean)
    elif kind is Kind.ID and column != KEYS[table]:
        text = values.cast(pl.String)
        is_id = text.drop_nulls().str.contains(GUID).all() and text.null_count() < len(text)
        yield text.alias(column if is_id else f"{column}name")
    else:
        yield values


def _is_code(table: str, column: str) -> bool:
    return bool(codes_of(table, column)) or f"{column}name" in kinds_of(table)


def _coded(labels: pl.Series, codes: dict[str, int]) -> pl.Series:
    import polars as pl

    frame = pl.DataFrame({"label": labels})
    plain = normal_column(pl.col("label"))
    number = plain.cast(pl.Float64, strict=False)
    known = plain.replace_strict(codes, default=None, return_dtype=pl.Float64)
    return frame.select(pl.coalesce(known, number).alias(labels.name)).to_series()


def _precision(tables: Iterable[pl.LazyFrame]) -> str:
    """Return how fine the times of creation are."""
    import polars as pl

    kinds = [(table, table.collect_schema().get("createdon")) for table in tables]
    times = [table.select("createdon") for table, kind in kinds if isinstance(kind, pl.Datetime)]
    parts = [when.collect().to_series().dt for when in times]
    if any((part.second() != 0).any() for part in parts):
        return "instant"
    return "minute" if any(((p.hour() != 0) | (p.minute() != 0)).any() for p in parts) else "date"


def _packed(rows: pl.DataFrame) -> bytes:
    """Return rows as they can wait till they are asked for: they repeat much, and most wait to the end."""
    packed = BytesIO()
    rows.write_ipc(packed, compression="lz4")
    return packed.getvalue()


def _rows(packed: bytes, columns: list[str]) -> Iterator[pl.DataFrame]:
    import polars as pl

    yield pl.read_ipc(BytesIO(packed), columns=columns).select(columns)
