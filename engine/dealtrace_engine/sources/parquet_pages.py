"""Row groups of a Parquet file straight to codes: the case and activity as dictionaries, the time as it is.

Only what most files have is understood: flat columns of UTF-8 text and of timestamps, plain or by dictionary,
with no null and no empty text. For anything else, damage included, the answer is None, and pyarrow reads it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.buffers import arrow
from dealtrace_engine.sources.files import InputFile
from dealtrace_ext import pages
from dealtrace_ext.intern import Interner

CODECS = {"UNCOMPRESSED": None, "SNAPPY": "snappy", "ZSTD": "zstd", "GZIP": "gzip"}
UNITS = {"ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
INDEXED = (pages.PLAIN_DICTIONARY, pages.RLE_DICTIONARY)
Bytes = NDArray[np.uint8]


class Page(NamedTuple):
    """A decompressed page; its values start at `begin`."""

    kind: int
    values: int
    encoding: int
    data: Bytes
    begin: int


class RowGroups:
    """The row groups of one file, as record batches.

    Parameters
    ----------
    file : InputFile
    reader : pyarrow.parquet.ParquetFile
    names : sequence of str
        The columns that are wanted.
    """

    def __init__(self, file: InputFile, reader: Any, names: list[str]) -> None:
        self.file, self.metadata = file, reader.metadata
        schema = reader.schema_arrow
        self.schema = pa.schema([schema.field(schema.names.index(name)) for name in names])
        self.columns = [schema.names.index(name) for name in names]
        flat = len(schema.names) == self.metadata.num_columns == len(set(schema.names))
        self._spare: dict[int, list[Interner]] = {index: [] for index in self.columns}  # for their memory
        self.understood = flat and all(map(self._understood, self.columns, self.schema))

    def _understood(self, index: int, field: pa.Field) -> bool:
        column = self.metadata.schema.column(index)
        if column.max_repetition_level or column.max_definition_level > 1:
            return False
        if pa.types.is_timestamp(field.type):  # in the file's own unit, or it would have to be converted
            unit = UNITS.get(field.type.unit, "none")
            return bool(column.physical_type == "INT64" and unit in str(column.logical_type))
        text = pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
        return bool(text and column.physical_type == "BYTE_ARRAY")

    def read(self, group: int) -> pa.RecordBatch | None:
        """Return the columns of a row group, or None where something is not understood."""
        if not self.understood:
            return None
        rows = self.metadata.row_group(group).num_rows
        try:
            with self.file.path.open("rb") as stream:
                arrays = [
                    self._column(stream.fileno(), group, index, field, rows)
                    for index, field in zip(self.columns, self.schema, strict=True)
                ]
        except (ValueError, OverflowError, OSError, pa.ArrowException):
            return None
        return pa.RecordBatch.from_arrays(arrays, names=self.schema.names)

    def _column(self, descriptor: int, group: int, index: int, field: pa.Field, rows: int) -> pa.Array:
        chunk = self.metadata.row_group(group).column(index)
        nullable = self.metadata.schema.column(index).max_definition_level == 1
        if chunk.total_compressed_size > self.file.size:
            raise ValueError("a column is larger than the file")
        found = _pages(_bytes(descriptor, chunk), chunk, nullable)
        if pa.types.is_timestamp(field.type):
            return arrow(_times(found, rows), field.type)
        spare = self._spare[index]
        interner = spare.pop() if spare else Interner()
        texts = _texts(found, rows, interner)
        interner.clear()
        spare.append(interner)
        return texts


def _bytes(descriptor: int, chunk: Any) -> Bytes:
    """Read a column chunk."""
    starts = (chunk.dictionary_page_offset, chunk.data_page_offset)
    start = min(start for start in starts if start)
    data = bytearray(chunk.total_compressed_size)
    if os.preadv(descriptor, [data], start) != len(data):
        raise ValueError("the file ends early")
    return np.frombuffer(data, dtype=np.uint8)


def _pages(data: Bytes, chunk: Any, nullable: bool) -> Iterator[Page]:
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


def _times(found: Iterator[Page], rows: int) -> NDArray[np.int64]:
    times, done = np.empty(rows, dtype=np.int64), 0
    distinct = np.empty(0, dtype=np.int64)
    for page in found:
        if page.kind == pages.DICTIONARY:
            distinct = _plain_times(page)
            continue
        out = _room(times, done, page)
        if page.encoding == pages.PLAIN:
            out[:] = _plain_times(page)
        else:
            pages.take(distinct, _indices(page), out)
        done += page.values
    return _whole(times, done)


def _plain_times(page: Page) -> NDArray[np.int64]:
    if len(page.data) - page.begin != page.values * 8:
        raise ValueError("the page has another size than its values")
    return np.frombuffer(page.data, dtype="<i8", count=page.values, offset=page.begin)


def _texts(found: Iterator[Page], rows: int, interner: Interner) -> pa.DictionaryArray:
    codes, done = np.empty(rows, dtype=np.int32), 0
    entries = Entries(np.empty(0, np.uint8), np.empty(0, np.int64))
    for page in found:
        if page.kind == pages.DICTIONARY:
            entries = Entries(page.data, _positions(page))
            continue
        out = _room(codes, done, page)
        if page.encoding == pages.PLAIN:
            interner.encode_at(page.data, _positions(page), out)
        else:
            entries.encode(_indices(page), interner, out)
        done += page.values
    offsets, data = interner.offsets_bytes(), interner.data_bytes()
    distinct = pa.LargeStringArray.from_buffers(len(interner), pa.py_buffer(offsets), pa.py_buffer(data))
    return pa.DictionaryArray.from_arrays(arrow(_whole(codes, done)), distinct, safe=False)


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


def _positions(page: Page) -> NDArray[np.int64]:
    _checked_count(page, 4)
    positions = np.empty(page.values, dtype=np.int64)
    pages.text_positions(page.data, page.begin, positions)
    return positions


def _indices(page: Page) -> NDArray[np.uint32]:
    if page.encoding not in INDEXED:
        raise ValueError(f"encoding {page.encoding}")
    indices = np.empty(page.values, dtype=np.uint32)
    pages.unpack(page.data, page.begin, indices)
    return indices


def _checked_count(page: Page, least: int) -> None:
    """Refuse a number of values that cannot be in the page, before there is memory for them."""
    if page.encoding not in (pages.PLAIN, pages.PLAIN_DICTIONARY) or page.values * least > len(page.data):
        raise ValueError("the page is too small for its values")


def _room(out: NDArray[Any], done: int, page: Page) -> NDArray[Any]:
    if page.values > len(out) - done:
        raise ValueError("the pages have more values than the row group")
    return out[done : done + page.values]


def _whole(out: NDArray[Any], done: int) -> NDArray[Any]:
    if done != len(out):
        raise ValueError("the pages have fewer values than the row group")
    return out
