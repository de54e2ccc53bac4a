"""Logs from tables in memory: anything that speaks Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Unpack

import pyarrow as pa

from dealtrace_engine.errors import SchemaError, first_line
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import map_blocks
from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.files import InputFile
from dealtrace_engine.sources.options import ROWS_PER_BATCH, ReadArguments, ReadOptions


@dataclass(frozen=True)
class TableSource:
    """A table in memory.

    Attributes
    ----------
    table : pyarrow.Table
    label : str
    file : InputFile or None
        Where the table was read from.
    files : sequence of InputFile
        Where it was read from, if from several.
    notes, findings, zones
        See `RowSource`.
    """

    table: pa.Table
    label: str = "memory"
    file: InputFile | None = None
    notes: Sequence[str] = ()
    findings: Sequence[Finding] = ()
    zones: Mapping[str, int] | None = None
    files: Sequence[InputFile] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of the table."""
        return tuple(self.table.column_names)

    def read(self, names: Sequence[str]) -> pa.Table:
        """Return columns of the table."""
        return self.table.select(list(names))

    def batches(self, names: Sequence[str], repeated: Sequence[str] = ()) -> Iterator[pa.RecordBatch]:
        """Yield columns in batches."""
        yield from self.read(names).to_batches(ROWS_PER_BATCH)

    def row_number(self, position: int) -> int:
        """Return the row, from 1."""
        return position + 1

    def describe(self) -> list[dict[str, object]]:
        """Return the files that the table was read from, or how many rows it has."""
        return described(self.files if self.file is None else (self.file,), self.label, self.table.num_rows)


def described(files: Sequence[InputFile], label: str, rows: int) -> list[dict[str, object]]:
    """Return the files that rows were read from, or how many there are, for a manifest.

    Examples
    --------
    >>> described([], "memory", 2)
    [{'memory': 'memory', 'rows': 2}]
    """
    return map_blocks(InputFile.describe, files) if files else [{"memory": label, "rows": rows}]


def from_arrow(data: object, **arguments: Unpack[ReadArguments]) -> EventLog:
    """Make an event log of a table in memory: pyarrow, Polars, pandas, DuckDB, or what else speaks Arrow.

    Parameters
    ----------
    data : object with ``__arrow_c_stream__``
        One row per event, in any order. It is not changed.
    **arguments
        See `ReadOptions`.

    Returns
    -------
    EventLog

    Raises
    ------
    SchemaError
        A column is missing, ambiguous or of a type that cannot serve.
    LogError
        No row can become an event.
    ParseError
        With `strict`, the first row that cannot become an event.

    Examples
    --------
    >>> import pyarrow as pa
    >>> log = from_arrow(pa.table({"case": ["1", "1"], "activity": ["a", "b"],
    ...                            "time": ["2024-01-01", "2024-01-03"]}))
    >>> log.events, log.cases
    (2, 1)
    """
    source = TableSource(_as_table(data))
    return ReadOptions(**arguments).log_of(source, rows=source.table.num_rows)


def _as_table(data: object) -> pa.Table:
    if isinstance(data, pa.Table):
        return data
    if not hasattr(data, "__arrow_c_stream__"):
        raise SchemaError(
            f"{type(data).__name__} does not speak Arrow (no __arrow_c_stream__)",
            hint="pass a pyarrow, Polars, pandas or DuckDB table",
        )
    try:
        return pa.RecordBatchReader.from_stream(data).read_all()
    except (pa.ArrowException, TypeError, ValueError) as error:  # pandas: a column of mixed types
        raise SchemaError(f"the table cannot be read as Arrow ({first_line(error)})",
                          hint="give each column one type") from error  # fmt: skip
