"""Blocks of CSV text to frames: texts as the views that Polars works with, GUIDs as numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.buffers import room
from dealtrace_engine.sources.crm.packed import number_series
from dealtrace_engine.sources.csv_blocks import Block
from dealtrace_engine.sources.csv_dialect import Dialect
from dealtrace_ext.csv_cells import ODD, PACKED, SPARE, TEXT, read_cells

if TYPE_CHECKING:
    import polars as pl

_rooms: list[list[NDArray[np.uint8]]] = []
"""For long texts, column by column, of as many threads as have read at once."""


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
    cells = [room(2 * most, np.uint64).reshape(-1, 2) for _ in names]
    kinds = np.array([PACKED if name in guids else TEXT for name in names], np.uint8)
    ends, rows = np.zeros(len(names), np.int64), 0
    with _long_texts(len(names), sum(len(block.data) for block in blocks) + SPARE) as long_texts:
        for block in blocks:
            rows = read_cells(
                block.data, *dialect.codes, width, wanted, kinds, rows, cells, long_texts, ends
            )  # fmt: skip
            if rows < 0 or not (block.ascii or _is_utf8(block.data)):
                return None
        columns = {}
        for name, kind, column, long, end in zip(names, kinds, cells, long_texts, ends, strict=True):
            if kind != ODD:
                read = column[:rows]
                packed = kind == PACKED
                columns[name] = number_series(name, read) if packed else _texts(name, read, long[:end])
    odd = [name for name in names if name not in columns]
    texts = framed(blocks, dialect, odd) if odd else None
    return pl.DataFrame(columns) if texts is None else pl.DataFrame(columns).hstack(texts).select(names)


def _most_rows(block: Block, width: int) -> int:
    return len(block.data) // width + 1 if block.most_rows is None else block.most_rows


def _texts(name: str, views: NDArray[np.uint64], long_texts: NDArray[np.uint8]) -> pl.Series:
    import polars as pl

    own = room(len(long_texts), np.uint8)
    own[:] = long_texts
    buffers = [None, pa.py_buffer(views), pa.py_buffer(own)]
    return pl.Series(name, pl.from_arrow(pa.Array.from_buffers(pa.string_view(), len(views), buffers)))


def _is_utf8(text: memoryview) -> bool:
    ends = pa.py_buffer(np.array([0, len(text)], np.int32))
    try:
        pa.Array.from_buffers(pa.string(), 1, [None, ends, pa.py_buffer(text)]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


@contextmanager
def _long_texts(columns: int, size: int) -> Iterator[list[NDArray[np.uint8]]]:
    """Lend room for long texts, which is used again: no more of it is touched than they need."""
    held = _rooms.pop() if _rooms else []
    if len(held) < columns or len(held[0]) < size:
        held = [room(size, np.uint8) for _ in range(columns)]
    yield held[:columns]
    _rooms.append(held)
