"""Pages of the column chunks of a Parquet file: read, decompressed, and their values as numbers.

What is not understood, damage included, is a ValueError.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.buffers import empty
from dealtrace_ext import pages

CODECS = {"UNCOMPRESSED": None, "SNAPPY": "snappy", "ZSTD": "zstd", "GZIP": "gzip"}
INDEXED = (pages.PLAIN_DICTIONARY, pages.RLE_DICTIONARY)
Bytes = NDArray[np.uint8]


class Page(NamedTuple):
    """A decompressed page; its values start at `begin`."""

    kind: int
    values: int
    encoding: int
    data: Bytes
    begin: int


class Rooms:
    """Memory for bytes that comes back by itself: what is touched for the first time costs the most.

    Examples
    --------
    >>> rooms = Rooms()
    >>> room = rooms.take(10)
    >>> address = room.ctypes.data
    >>> del room
    >>> rooms.take(9).ctypes.data == address
    True
    """

    def __init__(self) -> None:
        self._spare: list[Bytes] = []

    def take(self, size: int) -> Bytes:
        """Return `size` bytes with anything in them; when nothing refers to them they are spare again."""
        try:
            block = self._spare.pop()  # one step, as threads share the list
        except IndexError:
            block = np.empty(0, dtype=np.uint8)
        if len(block) < size:
            block = empty(size, np.uint8)
        room = block[:size]
        weakref.finalize(room, self._spare.append, block).atexit = False
        return room


def chunk_bytes(descriptor: int, chunk: Any, rooms: Rooms) -> Bytes:
    """Read a column chunk."""
    starts = (chunk.dictionary_page_offset, chunk.data_page_offset)
    start = min(start for start in starts if start)
    data = rooms.take(chunk.total_compressed_size)
    if os.preadv(descriptor, [data.data], start) != len(data):
        raise ValueError("the file ends early")
    return data


def pages_of(data: Bytes, chunk: Any, nullable: bool) -> Iterator[Page]:
    """Yield the pages of a column chunk, decompressed."""
    if chunk.compression not in CODECS:
        raise ValueError(f"compression {chunk.compression}")
    name = CODECS[chunk.compression]
    codec = None if name is None else pa.Codec(name)
    for kind, begin, packed, size, values, encoding, nulls, levels, compressed in pages.page_headers(data):
        if size > chunk.total_uncompressed_size:
            raise ValueError("a page is larger than its column")
        body = data[begin : begin + packed]
        if kind == pages.DATA_V2:
            if nulls:
                raise ValueError("a value is null")
            plain = _unpacked(body[levels:], size - levels, codec if compressed else None)
            yield Page(pages.DATA, values, encoding, plain, 0)
        elif kind in (pages.DATA, pages.DICTIONARY):
            plain = _unpacked(body, size, codec)
            skip = pages.after_levels(plain, values) if nullable and kind == pages.DATA else 0
            yield Page(kind, values, encoding, plain, skip)


def _unpacked(body: Bytes, size: int, codec: pa.Codec | None) -> Bytes:
    if codec is None or size == 0:
        return body
    return np.frombuffer(codec.decompress(pa.py_buffer(body), decompressed_size=size), dtype=np.uint8)


def times(found: Iterator[Page], rows: int) -> NDArray[np.int64]:
    """Return the values of a column of 64-bit numbers, shape (rows,)."""
    values, done = empty(rows, np.int64), 0
    distinct = np.empty(0, dtype=np.int64)
    for page in found:
        if page.kind == pages.DICTIONARY:
            distinct = _plain_times(page)
            continue
        out = room_for(values, done, page)
        if page.encoding == pages.PLAIN:
            out[:] = _plain_times(page)
        else:
            pages.take(distinct, indices(page, np.empty(page.values, np.uint32)), out)
        done += page.values
    return whole(values, done)


def _plain_times(page: Page) -> NDArray[np.int64]:
    if len(page.data) - page.begin != page.values * 8:
        raise ValueError("the page has another size than its values")
    return np.frombuffer(page.data, dtype="<i8", count=page.values, offset=page.begin)


def text_positions(page: Page) -> NDArray[np.int64]:
    """Return where each text of a plain page starts, shape (values,)."""
    checked_count(page, 4)
    positions = np.empty(page.values, dtype=np.int64)
    pages.text_positions(page.data, page.begin, positions)
    return positions


def indices(page: Page, out: NDArray[Any]) -> NDArray[Any]:
    """Fill `out` with the page's indices into the dictionary."""
    if page.encoding not in INDEXED:
        raise ValueError(f"encoding {page.encoding}")
    pages.unpack(page.data, page.begin, out)
    return out


def checked_count(page: Page, least: int) -> None:
    """Refuse a number of values that cannot be in the page, before there is memory for them."""
    if page.encoding not in (pages.PLAIN, pages.PLAIN_DICTIONARY) or page.values * least > len(page.data):
        raise ValueError("the page is too small for its values")


def room_for(out: NDArray[Any], done: int, page: Page) -> NDArray[Any]:
    """Return the part of `out` for the values of a page after the first `done`."""
    if page.values > len(out) - done:
        raise ValueError("the pages have more values than the row group")
    return out[done : done + page.values]


def whole(out: NDArray[Any], done: int) -> NDArray[Any]:
    """Return `out`, of which `done` values must be all."""
    if done != len(out):
        raise ValueError("the pages have fewer values than the row group")
    return out
