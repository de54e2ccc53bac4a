"""Blocks of CSV text to frames: texts as the views that Polars works with, GUIDs as numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.buffers import kept, reserved
from dealtrace_engine.sources.crm.packed import number_series
from dealtrace_engine.sources.csv_blocks import Block
from dealtrace_engine.sources.csv_dialect import Dialect
from dealtrace_ext.csv_cells import ODD, PACKED, SPARE, TEXT, read_cells

if TYPE_CHECKING:
    import polars as pl


def framed(
    blocks: Sequence[Block], dialect: Dialect, names: Sequence[str], guids: Collection[str] = ()
) -> pl.DataFrame | None:
    """Return columns of blocks as texts; None where rows have other numbers of fields, or are not UTF-8.

    What costs the same for many rows as for few is done once.

    Parameters
    ----------
    blocks : sequence of Block
        Without problems; at least one.
    dialect : Dialect
    names : sequence of str
        The columns that are wanted, different ones. Empty fields are empty texts.
    guids : collection of str
        Columns that are packed, if all that they hold here are GUIDs in lower case; see `crm.packed`. Empty
        fields and the GUID of zeros are null.
    """
    import polars as pl

    width, wanted = len(dialect.names), [dialect.names.index(name) for name in names]
    most = sum(_most_rows(block, width) for block in blocks)
    cells = [np.frombuffer(reserved(16 * (most + 1)), np.uint64).reshape(-1, 2) for _ in names]
    kinds = np.array([PACKED if name in guids else TEXT for name in names], np.uint8)
    ends, rows = np.zeros(len(names), np.int64), 0
    size = sum(len(block.data) for block in blocks) + SPARE
    long_texts = [reserved(size) for _ in names]
    rooms = [np.frombuffer(room, np.uint8) for room in long_texts]
    for block in blocks:
        rows = read_cells(block.data, *dialect.codes, width, wanted, kinds, rows, cells, rooms, ends)
        if rows < 0 or not (block.ascii or _is_utf8(block.data)):
            return None
    del rooms
    columns = {}
    for name, kind, column, long, end in zip(names, kinds, cells, long_texts, ends, strict=True):
        if kind != ODD:
            read = column[:rows]
            packed = kind == PACKED
            columns[name] = number_series(name, read) if packed else _texts(name, read, kept(long, int(end)))
    odd = [name for name in names if name not in columns]
    texts = framed(blocks, dialect, odd) if odd else None
    return pl.DataFrame(columns) if texts is None else pl.DataFrame(columns).hstack(texts).select(names)


def _most_rows(block: Block, width: int) -> int:
    return len(block.data) // width + 1 if block.most_rows is None else block.most_rows


def _texts(name: str, views: NDArray[np.uint64], long_texts: pa.Buffer) -> pl.Series:
    import polars as pl

    buffers = [None, pa.py_buffer(views), long_texts]
    return pl.Series(name, pl.from_arrow(pa.Array.from_buffers(pa.string_view(), len(views), buffers)))


def _is_utf8(text: memoryview) -> bool:
    ends = pa.py_buffer(np.array([0, len(text)], np.int32))
    try:
        pa.Array.from_buffers(pa.string(), 1, [None, ends, pa.py_buffer(text)]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
