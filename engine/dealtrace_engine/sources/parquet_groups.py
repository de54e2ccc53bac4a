"""Row groups of a Parquet file from their pages: texts as they are stored, the time as it is.

Only what most files have is understood: flat columns of UTF-8 text and of timestamps, plain or by dictionary,
with no null and no empty text. For anything else, damage included, the answer is None, and pyarrow reads it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any, Protocol

import pyarrow as pa

from dealtrace_engine.buffers import arrow
from dealtrace_engine.sources.files import InputFile
from dealtrace_engine.sources.parquet_footer import Column
from dealtrace_engine.sources.parquet_pages import Rooms, chunk_bytes, pages_of, times
from dealtrace_engine.sources.parquet_texts import as_dictionary, as_texts, text_runs

UNITS = {"ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
MOST_TEXT = 2**31 - 1
"""Bytes of text that a 32-bit offset reaches."""


class Layout(Protocol):
    """Where the columns of a file are: a `Footer`, or what pyarrow's reader says."""

    @property
    def num_row_groups(self) -> int:
        """How many row groups there are."""

    def column(self, name: str) -> Column:
        """Return a column."""

    def chunks(self, group: int, names: list[str]) -> tuple[int, list[Any]]:
        """Return how many rows a row group has, and columns of it."""


class ReaderLayout:
    """The layout of a file by pyarrow, which understands more than `Footer` and takes longer.

    Parameters
    ----------
    file : InputFile
    reader : pyarrow.parquet.ParquetFile
    """

    def __init__(self, file: InputFile, reader: Any) -> None:
        self.file, self.metadata, self.schema = file, reader.metadata, reader.schema_arrow
        names = self.schema.names
        self.flat = len(names) == self.metadata.num_columns == len(set(names))

    @property
    def num_row_groups(self) -> int:
        """How many row groups there are."""
        return int(self.metadata.num_row_groups)

    def column(self, name: str) -> Column:
        """Return a column; of a file that is not flat, without a type."""
        index = self.schema.names.index(name)
        kind = self.schema.field(index).type
        getattr(kind, "tz", None)  # where it is no text, the error belongs here, not into the middle of a log
        if not self.flat:
            return Column(name, "", 0, None)
        column = self.metadata.schema.column(index)
        if column.max_repetition_level or column.max_definition_level > 1 or not _understood(column, kind):
            kind = None
        return Column(name, column.physical_type, column.max_definition_level, kind)

    def chunks(self, group: int, names: list[str]) -> tuple[int, list[Any]]:
        """Return how many rows a row group has, and columns of it, if they open; see `opened`."""
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.file.path, metadata=self.metadata) as reader:  # of this thread's own
            opened(reader, group, names)
        found = self.metadata.row_group(group)
        return found.num_rows, [found.column(self.schema.names.index(name)) for name in names]


def _understood(column: Any, kind: pa.DataType) -> bool:
    if pa.types.is_timestamp(kind):  # in the file's own unit, or it would have to be converted
        unit = UNITS.get(kind.unit, "none")
        return bool(column.physical_type == "INT64" and unit in str(column.logical_type))
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return bool(text and column.physical_type == "BYTE_ARRAY")


class RowGroups:
    """The row groups of one file, as record batches.

    Parameters
    ----------
    file : InputFile
    layout : Footer or ReaderLayout
    names : list of str
        The columns that are wanted.
    repeated : collection of str
        Those of few texts, which always come as dictionaries.
    """

    def __init__(
        self, file: InputFile, layout: Layout, names: list[str], repeated: Collection[str] = ()
    ) -> None:
        self.file, self.layout, self.names, self.repeated = file, layout, names, repeated
        self.columns = [layout.column(name) for name in names]
        self.understood = all(column.type is not None for column in self.columns)
        self._rooms = Rooms(), Rooms()  # for what is read, and for texts

    def read(self, group: int) -> list[pa.RecordBatch] | None:
        """Return a row group in as few batches as its texts are stored in, or None."""
        if not self.understood:
            return None
        try:
            rows, chunks = self.layout.chunks(group, self.names)
            with self.file.path.open("rb") as stream:
                columns = [
                    self._column(stream.fileno(), column, chunk, rows)
                    for column, chunk in zip(self.columns, chunks, strict=True)
                ]
        except (ValueError, KeyError, OverflowError, OSError, MemoryError, pa.ArrowException):
            return None
        return aligned(columns, self.names)

    def _column(self, descriptor: int, column: Column, chunk: Any, rows: int) -> list[pa.Array]:
        nullable = column.max_definition_level == 1
        if chunk.total_compressed_size > self.file.size:
            raise ValueError("a column is larger than the file")
        found = pages_of(chunk_bytes(descriptor, chunk, self._rooms[0]), chunk, nullable)
        if pa.types.is_timestamp(column.type):
            return [arrow(times(found, rows), column.type)]
        if column.name in self.repeated:
            return text_runs(found, rows, as_dictionary)
        size = min(chunk.total_uncompressed_size, MOST_TEXT)
        return text_runs(found, rows, lambda run, left: as_texts(run, left, self._rooms[1].take(size)))


def opened(reader: Any, group: int, names: Sequence[str]) -> None:
    """Read a row of a row group; of a column that does not open, pyarrow's metadata ends the process.

    Raises
    ------
    ArrowException, OSError, ValueError
        A column does not open.
    """
    next(reader.iter_batches(1, row_groups=[group], columns=list(names), use_threads=False), None)


def aligned(columns: list[list[pa.Array]], names: list[str]) -> list[pa.RecordBatch]:
    """Return columns of equal length, each in parts of any length, as batches within which no part ends.

    Examples
    --------
    >>> parts = [[pa.array([1, 2, 3])], [pa.array(["a"]), pa.array(["b", "c"])]]
    >>> [batch.num_rows for batch in aligned(parts, ["x", "y"])]
    [1, 2]
    """
    starts = [_starts(parts) for parts in columns]
    cuts = sorted({cut for column in starts for cut in column})
    batches = []
    for begin, end in pairwise(cuts):
        arrays = [_slice(parts, at, begin, end) for parts, at in zip(columns, starts, strict=True)]
        batches.append(pa.RecordBatch.from_arrays(arrays, names=names))
    return batches


def _starts(parts: list[pa.Array]) -> list[int]:
    """Return where each part begins, and the end of the last."""
    starts = [0]
    for part in parts:
        starts.append(starts[-1] + len(part))
    return starts


def _slice(parts: list[pa.Array], starts: list[int], begin: int, end: int) -> pa.Array:
    which = max(i for i in range(len(parts)) if starts[i] <= begin)
    return parts[which].slice(begin - starts[which], end - begin)
