"""Blocks of CSV text to columns of text."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.buffers import copied, pages
from dealtrace_engine.errors import first_line
from dealtrace_engine.sources.csv_blocks import Block, Problem
from dealtrace_engine.sources.csv_dialect import Dialect
from dealtrace_ext.csv_fields import split

EXAMPLE_BYTES = 200
Buffers = tuple[NDArray[np.int32], NDArray[np.uint8], NDArray[np.uint8]]

_this_thread = threading.local()


@dataclass(frozen=True)
class Parsed:
    """The rows of a block: the good ones as text, number and text of the others, or what stopped it."""

    batch: pa.RecordBatch | None = None
    skipped: list[tuple[int, str]] = field(default_factory=list)
    problem: Problem | None = None

    @property
    def rows(self) -> int:
        """How many rows the block has."""
        return (self.batch.num_rows if self.batch is not None else 0) + len(self.skipped)


def parse(block: Block, dialect: Dialect, names: Sequence[str]) -> Parsed:
    """Return columns of a block; a name may stand twice among `names`."""
    if block.problem is not None:
        return Parsed(problem=block.problem)
    found, left_out = fields(block, dialect, list(dict.fromkeys(names)))
    try:
        for array in found.values():
            array.validate(full=True)
    except pa.ArrowInvalid as error:
        return Parsed(problem=_problem(block, error))
    arrays = {name: _own(array) for name, array in found.items()}
    skipped = [
        (number, str(block.data[begin:end][:EXAMPLE_BYTES], "utf-8", "replace"))
        for number, begin, end in left_out
    ]
    return Parsed(pa.record_batch([arrays[name] for name in names], names=list(names)), skipped)


def fields(
    block: Block, dialect: Dialect, names: Sequence[str]
) -> tuple[dict[str, pa.Array], list[tuple[int, int, int]]]:
    """Return columns of a block, different ones, until this thread reads its next; not checked to be UTF-8.

    Returns
    -------
    columns : dict of str to Array
    left_out : list of (number, begin, end)
        Rows with another number of fields; see `dealtrace_ext.csv_fields.split`.
    """
    wanted = [dialect.names.index(name) for name in names]
    width = len(dialect.names)
    buffers = _room(len(names), len(block.data), width)
    rows, nulls, left_out = split(block.data, *dialect.codes, width, wanted, buffers)
    arrays = {}
    for name, (offsets, data, validity), null_count in zip(names, buffers, nulls, strict=True):
        parts = (validity[: rows // 8 + 1], offsets[: rows + 1], data[: offsets[rows]])
        arrays[name] = pa.Array.from_buffers(pa.string(), rows, list(map(pa.py_buffer, parts)), null_count)
    return arrays, left_out


def _own(array: pa.Array) -> pa.Array:
    """Return a column in memory of its own."""
    buffers = [buffer and copied(np.frombuffer(buffer, np.uint8)) for buffer in array.buffers()]
    return pa.Array.from_buffers(array.type, len(array), buffers, array.null_count)


def _room(columns: int, size: int, width: int) -> list[Buffers]:
    """Return room for so many columns of the rows of a block of bytes, the same for each block of a thread.

    No more of it is touched than the longest texts need, and it is no block's to keep.
    """
    room: list[Buffers] = getattr(_this_thread, "room", [])
    if len(room) < columns or len(room[0][0]) < size // width + 2 or len(room[0][1]) < size:
        _this_thread.room = room = [_buffers(size, width) for _ in range(columns)]
    return room[:columns]


def _buffers(size: int, width: int) -> Buffers:
    """Make room for the offsets, text and validity of a column of rows that have `width` fields."""
    most = size // width + 2
    return pages(most, np.int32), pages(size, np.uint8), pages(most // 8 + 1, np.uint8)


def _problem(block: Block, error: pa.ArrowInvalid) -> Problem:
    """Say which byte is not UTF-8, or else what pyarrow says."""
    try:
        bytes(block.data).decode()
    except UnicodeDecodeError as bad:
        byte = f"byte {block.start + bad.start + 1:,} (0x{block.data[bad.start]:02x})"
        return Problem(f"{byte} is not UTF-8", bad.start, "give encoding=, such as cp1252")
    return Problem(first_line(error), 0, "mend the file")
