"""Stretches of a plainly written CSV file, read and parsed in any order.

The file is cut at fixed positions. A stretch begins behind the first line feed that stands just before its
position or later, and goes on to the end of the row that reaches the next one. This guess is wrong only where
the line feed stands in quotes; it is compared with where the stretch before ended, and a stretch that began
elsewhere is read again. So no thread waits for another to know where its rows begin.
"""

from __future__ import annotations

import codecs
import io
import os
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import NamedTuple, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.buffers import arrow
from dealtrace_engine.parallel import map_ahead
from dealtrace_engine.sources import csv_blocks
from dealtrace_engine.sources.csv_blocks import Block
from dealtrace_engine.sources.csv_dialect import Dialect, opened
from dealtrace_engine.sources.csv_parsed import Parsed, parse
from dealtrace_engine.sources.files import InputFile
from dealtrace_ext import csv_plain
from dealtrace_ext.csv_rows import row_end

STRETCH_BYTES = 2 << 20
MARGIN = 1 << 14
"""Bytes read beyond a stretch, for the end of its last row; four times as many where it is not there."""
MOST_MARGIN = 16 << 20
LINE_FEED = 10

Parts = tuple[NDArray[np.int32], NDArray[np.uint8], NDArray[np.int32]]


class Stretch(NamedTuple):
    """Whole rows, from `start` to `end` in the file; a block where they are not plain."""

    start: int
    end: int
    parsed: Parsed
    block: Block | None = None


class Stretches:
    """The stretches of one file.

    Parameters
    ----------
    file : InputFile
    dialect : Dialect
    names : sequence of str
        The columns.
    coded : sequence of str
        Those that may come as dictionaries.
    size : int
        Bytes of a stretch.

    Attributes
    ----------
    rest : int or None
        Where the rows begin that are left to the general reader, as `Block.start`; None if all were read.
    """

    def __init__(
        self, file: InputFile, dialect: Dialect, names: Sequence[str], coded: Sequence[str], size: int
    ) -> None:
        self.file, self.dialect, self.names, self.size = file, dialect, list(names), size
        self.columns = list(dict.fromkeys(names))
        self.coded = set(coded)
        self.rest: int | None = dialect.header_bytes
        self._mark = 0  # bytes of the byte order mark
        self._own = threading.local()

    def read(self, threads: int | None) -> Iterator[tuple[Block | None, Parsed]]:
        """Yield the stretches in order, as far as they are understood."""
        if codecs.lookup(self.dialect.encoding).name != "utf-8" or self.dialect.line_end != "\n":
            return
        with opened(self.file) as stream:
            on_disk = isinstance(getattr(stream, "raw", None), io.FileIO)  # not unpacked or translated
            if not on_disk or len(self.dialect.names) < 2:
                return
            self._mark = 3 if stream.read(3) == codecs.BOM_UTF8 else 0
            at = self._mark + self.dialect.header_bytes
            for found in self._in_order(stream.fileno(), at, threads):
                yield found.block, found.parsed
                at = found.end
            self.rest = at - self._mark if at < self.file.size else None

    def _in_order(self, descriptor: int, at: int, threads: int | None) -> Iterator[Stretch]:
        first, cuts = at, range(at, self.file.size, self.size)

        def read(cut: int) -> Stretch | None:
            return self._read(descriptor, cut, min(cut + self.size, self.file.size), cut == first)

        read_ahead = cast(Generator[Stretch | None, None, None], map_ahead(read, cuts, threads=threads))
        with closing(read_ahead) as stretches:
            for cut, found in zip(cuts, stretches, strict=True):
                stop = min(cut + self.size, self.file.size)
                if at >= stop:  # a row that is longer than a stretch
                    continue
                if found is None or found.start != at:
                    found = self._read(descriptor, at, stop, exact=True)
                if found is None:
                    return
                yield found
                at = found.end

    def _read(self, descriptor: int, start: int, stop: int, exact: bool) -> Stretch | None:
        """Read rows up to the one that reaches `stop`, from `start` or the first that begins behind it."""
        begin, margin = start if exact else start - 1, MARGIN
        while margin <= min(MOST_MARGIN, csv_blocks.LONGEST_ROW):
            text, length = self._text(descriptor, begin, min(stop + margin, self.file.size))
            if begin + length < stop:
                return None
            row = 0 if exact else text.find(b"\n", 0, length) + 1
            if begin + row >= stop:
                return Stretch(begin + row, begin + row, Parsed())
            if exact or row:
                found = self._parsed(text, length, begin, row, stop - begin)
                if found is not None:
                    return found
            if begin + length >= self.file.size:
                return None
            margin *= 4
        return None

    def _text(self, descriptor: int, begin: int, end: int) -> tuple[bytearray, int]:
        """Read bytes into memory of this thread; the last row of the file gets its line feed."""
        room = end - begin + 1 + csv_plain.PAD
        text: bytearray = getattr(self._own, "text", bytearray())
        if len(text) < room:
            text = self._own.text = bytearray(room)
        length = os.preadv(descriptor, [memoryview(text)[: end - begin]], begin)
        if begin + length == self.file.size and text[length - 1] != LINE_FEED:
            text[length] = LINE_FEED
            length += 1
        return text, length

    def _parsed(self, text: bytearray, length: int, begin: int, row: int, stop: int) -> Stretch | None:
        """Parse rows from `row` in a text that stands at `begin` in the file; None if the last has no end."""
        end, batch = self._plain(text, length, row, stop)
        if end == csv_plain.UNFINISHED:
            return None
        if batch is not None:
            return Stretch(begin + row, begin + end, Parsed(batch))
        view = memoryview(text)
        size = row_end(view[row:length], stop - row, *self.dialect.codes)
        if size < 0 or text.find(b"\0", row, row + size) >= 0:
            return None
        block = Block(memoryview(bytes(view[row : row + size])), begin + row - self._mark)
        return Stretch(begin + row, begin + row + size, parse(block, self.dialect, self.names), block)

    def _plain(self, text: bytearray, length: int, row: int, stop: int) -> tuple[int, pa.RecordBatch | None]:
        """Return where the rows end, and the rows if they are plain."""
        width = len(self.dialect.names)
        size = length - row
        wanted = [(self.dialect.names.index(name), name in self.coded) for name in self.columns]
        buffers = self._buffers(size // width + 2, size + csv_plain.PAD)
        end, rows, high, distinct = csv_plain.split(
            text, row, stop, length, *self.dialect.codes, width, wanted, buffers
        )
        if end == csv_plain.MANY_TEXTS:
            self.coded = set()
            return self._plain(text, length, row, stop)
        if end < 0:
            return end, None
        arrays = {}
        try:
            for name, (_, coded), parts, texts in zip(self.columns, wanted, buffers, distinct, strict=True):
                arrays[name] = _array(parts, rows, texts if coded else None, high)
        except pa.ArrowInvalid:  # no UTF-8
            return end, None
        return end, pa.record_batch([arrays[name] for name in self.names], names=self.names)

    def _buffers(self, rows: int, size: int) -> list[Parts]:
        """Return memory of this thread for each column: touched once, it costs little from then on."""
        found: list[Parts] = getattr(self._own, "buffers", [])
        if not found or len(found[0][0]) < rows or len(found[0][1]) < size:
            texts = csv_plain.DISTINCT + 1
            found = self._own.buffers = [
                (np.empty(rows, np.int32), np.empty(size, np.uint8), np.empty(texts, np.int32))
                for _ in self.columns
            ]
        return found


def _array(parts: Parts, rows: int, distinct: int | None, check: bool) -> pa.Array:
    """Copy a column of text, or of codes where it has so many `distinct` texts."""
    out, data, offsets = parts
    ends, count = (out, rows) if distinct is None else (offsets, distinct)
    buffers = [None, pa.py_buffer(ends[: count + 1].tobytes()), pa.py_buffer(data[: ends[count]].tobytes())]
    texts = pa.Array.from_buffers(pa.string(), count, buffers)
    if check:
        texts.validate(full=True)
    if distinct is None:
        return texts
    return pa.DictionaryArray.from_arrays(arrow(out[:rows].copy()), texts, safe=False)
