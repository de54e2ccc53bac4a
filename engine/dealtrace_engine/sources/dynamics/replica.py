"""Copies of the tables in a warehouse: CSV, Parquet or Delta, under logical or snake-case names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from dealtrace_engine.errors import ParseError, first_line
from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.csv import CsvSource
from dealtrace_engine.sources.csv_blocks import blocks
from dealtrace_engine.sources.csv_dialect import Dialect, sniff
from dealtrace_engine.sources.dynamics.counting import counted, noted
from dealtrace_engine.sources.dynamics.export import Reading
from dealtrace_engine.sources.dynamics.naming import (
    CUSTOM_PROCESS,
    delete_mark,
    is_process,
    logical_columns,
    table_by_columns,
    table_of,
)
from dealtrace_engine.sources.dynamics.settle import Part
from dealtrace_engine.sources.files import InputFile

if TYPE_CHECKING:
    import polars as pl

CSV = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
PARQUET = (".parquet",)
DELTA_LOG = "_delta_log"
CHANGES, SINK = "changedata", "sinkmodifiedon"
BATCHES, ROWS_PER_BATCH = 32, 1 << 17
STRETCH_BYTES = 1 << 20
"""Of CSV that is read at once: tables have many columns, each thread has room of that size for every one."""

Rows = Callable[[list[str]], "Iterator[pl.DataFrame]"]


def read(path: Path, mapping: CrmMapping) -> Reading:
    """Find the tables in a file or folder.

    Parameters
    ----------
    path : Path
        A table is a file, or a folder of Parquet files or of Delta, that is named after it; else it is
        known by its columns.
    mapping : CrmMapping

    Raises
    ------
    ParseError
        A file cannot be read, or the package that reads Delta tables is not there.
    """
    reading, unknown = Reading(by_column=True), []
    for name, columns, rows in _sources(path, reading):
        part = part_of(name, columns, rows, mapping)
        if part is None:
            unknown.append(name)
        else:
            reading.parts.append(part)
    if unknown:
        names = list(dict.fromkeys(unknown))
        reading.notes.append(f"files of other tables, not read: {', '.join(names)}")
    return reading


def part_of(name: str, columns: Mapping[str, pl.DataType], rows: Rows, mapping: CrmMapping) -> Part | None:
    """Return what a table with these columns is, or None.

    Parameters
    ----------
    name : str
        Of the file, the folder or the frame.
    columns : mapping of str to DataType
    rows : callable (list of str) -> iterator of DataFrame
    mapping : CrmMapping
    """
    process = is_process(columns)
    table = table_of(name, mapping) or (CUSTOM_PROCESS if process else table_by_columns(columns))
    if table is None:
        return None
    found = logical_columns(table, columns, mapping)
    if not found:
        return None
    return Part(
        table,
        found,
        rows,
        types={logical: _kept(columns[there]) for logical, there in found.items()},
        deleted=delete_mark(columns),
        sink=next((there for there in columns if there.lower().replace("_", "") == SINK), None),
        fixed={"bpf_table": _stem(name)} if table == CUSTOM_PROCESS else {},
        changes=next((there for there in columns if there.lower().replace("_", "") == CHANGES), None),
        others=[there for there in columns if there not in found.values()],
    )


def is_delta(path: Path) -> bool:
    """Return whether a folder is, or has at its first level, a Delta table."""
    return path.is_dir() and any(
        next(path.glob(pattern), None) is not None for pattern in (DELTA_LOG, f"*/{DELTA_LOG}")
    )


def column_names(file: Path) -> list[str]:
    """Return the columns of a CSV or Parquet file.

    Raises
    ------
    ParseError, SchemaError
        It cannot be read as one.
    """
    there = InputFile.at(file)
    if file.name.lower().endswith(PARQUET):
        return list(_parquet(there)[0])
    return list(sniff(there).names)


def _stem(name: str) -> str:
    return name.lower().partition(".")[0]


def _kept(kind: pl.DataType) -> pl.DataType:
    """Return the type in which a column goes on: its own where `values` reads it, else text."""
    import polars as pl

    if kind.is_decimal():
        return pl.Float64()
    own = kind.is_integer() or kind.is_float() or kind == pl.Boolean() or kind == pl.Date()
    return kind if own or isinstance(kind, pl.Datetime) else pl.String()


def _sources(path: Path, reading: Reading) -> Iterator[tuple[str, dict[str, pl.DataType], Rows]]:
    """Yield name, columns and rows of every file or Delta table."""
    deltas = _deltas(path)
    for folder in deltas:
        yield folder.name, *_delta(folder)
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    for file in files:
        inside = any(folder in file.parents for folder in deltas)
        if inside or not file.is_file() or file.name.startswith((".", "_")):
            continue
        if file.name.lower().endswith(CSV):
            yield _named(file, path), *_csv(InputFile.at(file), reading)
        elif file.name.lower().endswith(PARQUET):
            yield _named(file, path), *_parquet(InputFile.at(file))


def _deltas(path: Path) -> list[Path]:
    if (path / DELTA_LOG).is_dir():
        return [path]
    return sorted(log.parent for log in path.rglob(DELTA_LOG)) if path.is_dir() else []


def _named(file: Path, root: Path) -> str:
    """Return the name of the file, or of the folder around it where only that is a table's."""
    if table_of(file.name) is None and file.parent != root and file != root:
        for folder in (file.parent, *file.parent.parents):
            if folder == root:
                break
            if table_of(folder.name):
                return folder.name
    return file.name


def _csv(file: InputFile, reading: Reading) -> tuple[dict[str, pl.DataType], Rows]:
    import polars as pl

    dialect = sniff(file)
    reading.notes += [note for note in dialect.notes if note not in reading.notes]
    return dict.fromkeys(dialect.names, pl.String()), partial(_csv_rows, file, dialect, reading.findings)


def _csv_rows(
    file: InputFile, dialect: Dialect, findings: list[Finding], columns: Sequence[str]
) -> Iterator[pl.DataFrame]:
    import polars as pl

    if next(blocks(file, dialect), None) is None:
        return
    source = CsvSource([(file, dialect)], block_bytes=STRETCH_BYTES)
    batches = source.batches(columns)
    while some := list(islice(batches, BATCHES)):
        yield pl.DataFrame(pl.from_arrow(pa.Table.from_batches(some)))
    found: list[Finding] = []
    for finding in source.findings:
        what = f"{file.path.name}: rows left out, {finding.reason}"
        counted(found, what, finding.count, finding.first_rows)
    noted(findings, found)


def _parquet(file: InputFile) -> tuple[dict[str, pl.DataType], Rows]:
    import polars as pl

    try:
        columns = dict(pl.read_parquet_schema(file.path))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ParseError(f"is no Parquet file ({first_line(error)})", file=file.path) from error
    return columns, partial(_parquet_rows, file)


def _parquet_rows(file: InputFile, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    import polars as pl
    import pyarrow.parquet as pq

    file.check()
    try:
        with pq.ParquetFile(file.path) as stored:
            for batch in stored.iter_batches(ROWS_PER_BATCH, columns=list(columns)):
                yield pl.DataFrame(pl.from_arrow(batch))
    except (pa.ArrowException, OSError) as error:
        raise ParseError(f"the Parquet file is damaged ({first_line(error)})", file=file.path) from error


def _delta(folder: Path) -> tuple[dict[str, pl.DataType], Rows]:
    import polars as pl

    try:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError
    except ImportError as error:
        hint = "pip install 'dealtrace[delta]'"
        raise ParseError("is a Delta table, which needs a package", file=folder, hint=hint) from error
    try:
        data = DeltaTable(str(folder)).to_pyarrow_dataset()
    except (DeltaError, OSError, ValueError) as error:
        raise ParseError(f"the Delta table cannot be read ({first_line(error)})", file=folder) from error
    columns = dict(pl.DataFrame(pl.from_arrow(data.schema.empty_table())).schema)

    def rows(names: list[str]) -> Iterator[pl.DataFrame]:
        for batch in data.to_batches(columns=names, batch_size=ROWS_PER_BATCH):
            yield pl.DataFrame(pl.from_arrow(batch))

    return columns, rows
