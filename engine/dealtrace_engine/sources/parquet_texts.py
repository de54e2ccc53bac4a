"""Texts of a Parquet column chunk as Arrow arrays, without a text of its own for each row.

A column is stored as indices into a dictionary until that is full, then as plain texts; an empty text is not
understood.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

import numpy as np
import pyarrow as pa

from dealtrace_engine.buffers import arrow, empty
from dealtrace_engine.sources.parquet_pages import (
    Bytes,
    Page,
    checked_count,
    indices,
    room_for,
    text_positions,
)
from dealtrace_ext import pages
from dealtrace_ext.intern import Interner

PlainRun = Callable[[Iterable[Page], int], pa.Array]
"""Makes an array of plain pages that have at most so many values."""


def text_runs(found: Iterator[Page], rows: int, plain_run: PlainRun) -> list[pa.Array]:
    """Return texts as stored: a dictionary array for pages with indices, `plain_run` of plain ones.

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
            entries = [as_texts([page], page.values, np.empty(len(page.data), np.uint8)) for page in run][-1]
            continue
        made = plain_run(run, rows) if plain else _indexed_run(run, rows, entries)
        runs.append(made)
        rows -= len(made)
    if rows:
        raise ValueError("the pages have fewer values than the row group")
    return runs


def as_texts(run: Iterable[Page], rows: int, data: Bytes) -> pa.StringArray:
    """Return the texts of plain pages, copied to `data`."""
    ends = empty(rows + 1, np.int32)
    ends[0] = at = done = 0
    for page in run:
        checked_count(page, 4)
        at = pages.copy_texts(page.data, page.begin, at, data, room_for(ends[1:], done, page))
        done += page.values
    return pa.StringArray.from_buffers(done, pa.py_buffer(ends), pa.py_buffer(data))


def as_dictionary(run: Iterable[Page], rows: int) -> pa.DictionaryArray:
    """Return the texts of plain pages as a dictionary array."""
    codes, done, interner = empty(rows, np.int32), 0, Interner()
    for page in run:
        interner.encode_at(page.data, text_positions(page), room_for(codes, done, page))
        done += page.values
    count = len(interner)
    distinct = pa.LargeStringArray.from_buffers(count, *map(pa.py_buffer, interner.take_texts()))
    return pa.DictionaryArray.from_arrays(arrow(codes[:done]), distinct, safe=False)


def _indexed_run(run: Iterable[Page], rows: int, entries: pa.StringArray) -> pa.DictionaryArray:
    codes, done = empty(rows, np.uint8 if len(entries) <= 1 << 8 else np.uint32), 0
    for page in run:
        indices(page, room_for(codes, done, page))
        done += page.values
    codes = codes[:done]
    if done and codes.max() >= len(entries):
        raise ValueError("an index has no entry")
    if codes.dtype == np.uint32:
        codes = codes.view(np.int32)  # as Arrow's own dictionaries have them
    return pa.DictionaryArray.from_arrays(arrow(codes), entries, safe=False)
