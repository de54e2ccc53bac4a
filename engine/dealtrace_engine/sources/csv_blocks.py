"""CSV files as blocks of whole rows in UTF-8, which can be parsed in any order."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from typing import IO, cast

import numpy as np

from dealtrace_engine.sources.csv_dialect import Dialect, opened
from dealtrace_engine.sources.files import InputFile
from dealtrace_ext.csv_rows import count_rows, whole_rows

BLOCK_BYTES = 1 << 20
"""Stays in a core's cache from reading to parsing; twice as fast as 8 MiB."""
LONGEST_ROW = 256 << 20
MARK = "\ufeff"


@dataclass(frozen=True)
class Problem:
    """What is wrong in a block, at which of its bytes, and what to do."""

    what: str
    at: int
    hint: str


@dataclass(frozen=True)
class Block:
    """Whole rows of CSV text.

    Attributes
    ----------
    data : memoryview
        UTF-8, not checked where the file is UTF-8.
    start : int
        Bytes of text before it, in the file's encoding where that is UTF-8.
    problem : Problem or None
        Why the file ends to make sense here.
    ascii : bool
        Whether it is known that all bytes are ASCII.
    most_rows : int, optional
        It has no more rows, where that is known.
    """

    data: memoryview
    start: int
    problem: Problem | None = None
    ascii: bool = False
    most_rows: int | None = None

    def row_of(self, at: int, dialect: Dialect) -> int:
        """Return which row of the block byte `at` belongs to; the first is 1."""
        return count_rows(self.data[:at], *dialect.codes)[0] + 1


def blocks(
    file: InputFile, dialect: Dialect, block_bytes: int = BLOCK_BYTES, start: int | None = None
) -> Iterator[Block]:
    """Cut the data rows of a file into blocks; if the file stops making sense, the last one says why.

    They begin at `start` (see `Block`), behind the header where it is not given.
    """
    start, looked_at = dialect.header_bytes if start is None else start, 0
    with opened(file) as stream:
        text = _Text(start)
        for problem in _filled(text, stream, dialect.encoding, block_bytes):
            rest = text.rest
            if problem is not None:
                yield Block(rest, start, Problem(problem, len(rest), "give another encoding="))
                return
            if len(rest) < 2 * looked_at:  # no row ends in the first half: read on before looking again
                continue
            end, _, nul, is_ascii, lines = whole_rows(rest, *dialect.codes, ord(dialect.line_end))
            looked_at = len(rest) - end
            if nul >= 0:
                yield Block(rest[:nul], start, _nul(nul))
                return
            if looked_at > LONGEST_ROW:
                yield Block(rest, start, _too_long(end))
                return
            if end:
                yield Block(text.taken(end), start, ascii=is_ascii, most_rows=lines)
                start += end
    if len(text.rest):
        yield _last(bytes(text.rest), start, dialect)


def _last(rest: bytes, start: int, dialect: Dialect) -> Block:
    _, open_quote, nul, is_ascii, lines = whole_rows(rest, *dialect.codes, ord(dialect.line_end))
    if nul >= 0:
        return Block(memoryview(rest)[:nul], start, _nul(nul))
    if open_quote < 0:
        return Block(memoryview(rest + b"\n"), start, ascii=is_ascii, most_rows=lines + 1)
    hint = "close it in the file, or give quote='' if quotes mean nothing in it"
    return Block(memoryview(rest), start, Problem("a quote is opened and never closed", open_quote, hint))


def _nul(at: int) -> Problem:
    return Problem("there is a NUL byte", at, "mend the file; CSV text has none")


def _too_long(at: int) -> Problem:
    what = f"the row is longer than {LONGEST_ROW >> 20} MiB"
    return Problem(what, at, "is a quote left open, or the delimiter or line end another one?")


class _Text:
    """Text that is read into memory, one piece behind the other, and taken from its beginning.

    The first bytes are left out, as many as `ahead` says.
    """

    def __init__(self, ahead: int) -> None:
        self._room = memoryview(bytearray())
        self._begin = self._end = 0
        self._ahead = ahead

    @property
    def rest(self) -> memoryview:
        """What is left."""
        return self._room[self._begin : self._end]

    def taken(self, count: int) -> memoryview:
        """Take the first so many bytes."""
        self._begin += count
        return self._room[self._begin - count : self._begin]

    def add(self, data: bytes) -> None:
        """Add a copy of some bytes."""
        self._free(len(data))[:] = data
        self._grow(len(data))

    def read(self, stream: IO[bytes], size: int) -> int:
        """Read at most so many bytes; return how many, 0 where the stream ends."""
        count = cast(BufferedIOBase, stream).readinto(self._free(size))
        self._grow(count)
        return count

    def _free(self, size: int) -> memoryview:
        rest = self.rest
        if len(self._room) - self._end < size:
            self._room = np.empty(2 * len(rest) + size, np.uint8).data
            self._room[: len(rest)] = rest
            self._begin, self._end = 0, len(rest)
        return self._room[self._end : self._end + size]

    def _grow(self, count: int) -> None:
        self._end += count
        self._ahead -= len(self.taken(min(self._ahead, len(self.rest))))


def _filled(text: _Text, stream: IO[bytes], encoding: str, size: int) -> Iterator[str | None]:
    """Fill `text` with UTF-8, without a byte order mark, up to what cannot be read; say then what that is."""
    if codecs.lookup(encoding).name != "utf-8":
        for data, problem in _decoded(stream, encoding, size):
            text.add(data)
            yield problem
        return
    mark = stream.read(len(codecs.BOM_UTF8))
    text.add(b"" if mark == codecs.BOM_UTF8 else mark)
    while text.read(stream, size):
        yield None


def _decoded(stream: IO[bytes], encoding: str, size: int) -> Iterator[tuple[bytes, str | None]]:
    decoder = codecs.getincrementaldecoder(encoding)()
    before, first = 0, True
    while True:
        data, state = stream.read(size), decoder.getstate()
        try:
            text = decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            at = error.start - len(state[0])
            decoder.setstate(state)
            text = decoder.decode(data[: max(at, 0)])
            what = f"byte {before + at + 1:,} is not {encoding}"
            yield text.removeprefix(MARK if first else "").encode(), what
            return
        if text:
            yield text.removeprefix(MARK if first else "").encode("utf-8", "surrogatepass"), None
            first = False
        if not data:
            return
        before += len(data)
