"""Texts of a Parquet column chunk as Arrow arrays, without a text of its own for each row.

A column is stored as indices into a dictionary until that is full, then as plain texts; an empty text is not
understood.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.buffers import arrow
from dealtrace_engine.sources.parquet_pages import (
    Bytes,
    Page,
    Rooms,
    checked_count,
    indices,
    room_for,
    text_positions,
    whole,
)
from dealtrace_ext import pages
from dealtrace_ext.intern import Interner


def text_runs(found: Iterator[Page], rows: int, most_bytes: int, rooms: Rooms) -> list[pa.Array]:
    """Return texts as stored: a dictionary array for pages with indices, a text array for plain ones.

    Parameters
    ----------
    found : iterator of Page
    rows : int
    most_bytes : int
        Bytes that all pages have together, at most.
    rooms : Rooms
        For the bytes of the plain texts.

    Raises
    ------
    ValueError
        Something is not understood.
    """
    runs: list[pa.Array] = []
    entries = pa.nulls(0, pa.string())
    for (kind, plain), of_a_kind in groupby(found, lambda page: (page.kind, page.encoding == pages.PLAIN)):
        run = iter(of_a_kind)
        if kind == pages.DICTIONARY:
            entries = [_plain_run([page], page.values, np.empty(len(page.data), np.uint8)) for page in run][
                -1
            ]
            continue
        made = _plain_run(run, rows, rooms.take(most_bytes)) if plain else _indexed_run(run, rows, entries)
        runs.append(made)
        rows -= len(made)
    if rows:
        raise ValueError("the pages have fewer values than the row group")
    return runs


def _plain_run(run: Iterable[Page], rows: int, data: Bytes) -> pa.StringArray:
    ends = np.empty(rows + 1, dtype=np.int32)
    ends[0] = at = done = 0
    for page in run:
        checked_count(page, 4)
        at = pages.copy_texts(page.data, page.begin, at, data, room_for(ends[1:], done, page))
        done += page.values
    return pa.StringArray.from_buffers(done, pa.py_buffer(ends), pa.py_buffer(data))


def _indexed_run(run: Iterable[Page], rows: int, entries: pa.StringArray) -> pa.DictionaryArray:
    codes, done = np.empty(rows, dtype=np.uint32), 0
    for page in run:
        indices(page, room_for(codes, done, page))
        done += page.values
    codes = codes[:done]
    if done and codes.max() >= len(entries):
        raise ValueError("an index has no entry")
    return pa.DictionaryArray.from_arrays(arrow(codes.view(np.int32)), entries, safe=False)


def distinct_texts(found: Iterator[Page], rows: int, interner: Interner) -> pa.DictionaryArray:
    """Return texts as one dictionary array of distinct texts, however they are stored.

    Raises
    ------
    ValueError
        Something is not understood.
    """
    codes, done = np.empty(rows, dtype=np.int32), 0
    entries = Entries(np.empty(0, np.uint8), np.empty(0, np.int64))
    for page in found:
        if page.kind == pages.DICTIONARY:
            entries = Entries(page.data, text_positions(page))
            continue
        out = room_for(codes, done, page)
        if page.encoding == pages.PLAIN:
            interner.encode_at(page.data, text_positions(page), out)
        else:
            entries.encode(indices(page, np.empty(page.values, np.uint32)), interner, out)
        done += page.values
    offsets, data = interner.offsets_bytes(), interner.data_bytes()
    distinct = pa.LargeStringArray.from_buffers(len(interner), pa.py_buffer(offsets), pa.py_buffer(data))
    return pa.DictionaryArray.from_arrays(arrow(whole(codes, done)), distinct, safe=False)


class Entries:
    """The entries of a dictionary page; each gets its code when it first occurs."""

    def __init__(self, data: Bytes, positions: NDArray[np.int64]) -> None:
        self.data, self.positions = data, positions
        self.codes = np.full(len(positions), -1, dtype=np.int32)
        self.used = np.zeros(len(positions), dtype=np.uint8)

    def encode(self, indices: NDArray[np.uint32], interner: Interner, out: NDArray[np.int32]) -> None:
        """Write the code of each index to `out`."""
        new = np.empty(len(self.codes), dtype=np.uint32)
        new = new[: pages.first_uses(indices, self.codes, self.used, new)]
        codes = np.empty(len(new), dtype=np.int32)
        interner.encode_at(self.data, self.positions[new], codes)
        self.codes[new] = codes
        pages.take(self.codes, indices, out)
