"""Blocks of CSV text to frames: texts as the views that Polars works with, GUIDs as numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.buffers import pages
from dealtrace_engine.sources.crm.packed import numbers
from dealtrace_engine.sources.csv_blocks import Block
from dealtrace_engine.sources.csv_dialect import Dialect
from dealtrace_engine.sources.csv_parsed import fields
from dealtrace_ext.record_ids import guid_numbers
from dealtrace_ext.text_views import text_views

if TYPE_CHECKING:
    import polars as pl

HIGHEST_ASCII = 127
Parts = tuple[list[NDArray[Any]], list[NDArray[Any]]]
"""Of a column, block by block: long texts and views, or high and low halves of GUIDs."""


def framed(
    blocks: Sequence[Block], dialect: Dialect, names: Sequence[str], guids: Collection[str] = ()
) -> pl.DataFrame | None:
    """Return columns of blocks as texts; None where rows have other numbers of fields, or are not UTF-8.

    Blocks are looked at one by one, each while it is in a core's cache. What costs the same for many rows as
    for few is done once.

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

    parts: dict[str, Parts] = {name: ([], []) for name in names}
    ends = dict.fromkeys(names, 0)
    for block in blocks:
        found, left_out = fields(block, dialect, names)
        if left_out:
            return None
        for name, array in found.items():
            if name in guids:
                high, low = np.empty(len(array), np.uint64), np.empty(len(array), np.uint64)
                if not guid_numbers(array, high, low):
                    return framed(blocks, dialect, names, [other for other in guids if other != name])
                _add(parts[name], high, low)
            else:
                if not (block.ascii or _is_utf8(array)):
                    return None
                long, views = np.empty(array.buffers()[2].size, np.uint8), np.empty(4 * len(array), np.int32)
                written = text_views(array, ends[name], long, views)
                ends[name] += written
                _add(parts[name], long[:written], views)
    columns = []
    for name, (first, then) in parts.items():
        column = (
            numbers(name, list(zip(first, then, strict=True))) if name in guids else _texts(name, first, then)
        )
        if column is None:
            return framed(blocks, dialect, names, [other for other in guids if other != name])
        columns.append(column)
    return pl.DataFrame(columns)


def _add(parts: Parts, first: NDArray[Any], then: NDArray[Any]) -> None:
    parts[0].append(first)
    parts[1].append(then)


def _is_utf8(array: pa.StringArray) -> bool:
    data = np.frombuffer(array.buffers()[2], np.uint8)
    if not len(data) or data.max() <= HIGHEST_ASCII:
        return True
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _texts(name: str, long: list[NDArray[np.uint8]], views: list[NDArray[np.int32]]) -> pl.Series:
    import polars as pl

    count = sum(map(len, views)) // 4
    buffers = [None, pa.py_buffer(_joined(views)), pa.py_buffer(_joined(long))]
    return pl.Series(name, pl.from_arrow(pa.Array.from_buffers(pa.string_view(), count, buffers)))


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    """Return arrays as one, in memory of its own."""
    room = pages(sum(map(len, parts)), parts[0].dtype.type)
    np.concatenate(parts, out=room)
    return room
