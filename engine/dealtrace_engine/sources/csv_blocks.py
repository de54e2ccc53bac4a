"""CSV files as blocks of whole rows in UTF-8, which can be parsed in any order."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

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


Piece = tuple[bytes, Problem | None]


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
    """

    data: memoryview
    start: int
    problem: Problem | None = None

    def row_of(self, at: int, dialect: Dialect) -> int:
        """Return which row of the block byte `at` belongs to; the first is 1."""
        return count_rows(self.data[:at], *dialect.codes)[0] + 1


def blocks(
    file: InputFile, dialect: Dialect, block_bytes: int = BLOCK_BYTES, start: int | None = None
) -> Iterator[Block]:
    """Cut the data rows of a file into blocks; if the file stops making sense, the last one says why.

    They begin at `start` (see `Block`), behind the header where it is not given.
    """
    start, rest, looked_at = dialect.header_bytes if start is None else start, b"", 0
    with opened(file) as stream:
        for piece, problem in _behind(_utf8(stream, dialect.encoding, block_bytes), start):
            rest += piece
            if problem is not None:
                yield Block(memoryview(rest), start, Problem(problem.what, len(rest), problem.hint))
                return
            if len(rest) < 2 * looked_at:  # no row ends in the first half: read on before looking again
                continue
            end, _ = whole_rows(rest, *dialect.codes, ord(dialect.line_end))
            looked_at = len(rest) - end
            if looked_at > LONGEST_ROW:
                yield Block(memoryview(rest), start, _too_long(end))
                return
            if end:
                yield Block(memoryview(rest)[:end], start)
                start, rest = start + end, rest[end:]
    if rest:
        yield _last(rest, start, dialect)


def _last(rest: bytes, start: int, dialect: Dialect) -> Block:
    _, open_quote = whole_rows(rest, *dialect.codes, ord(dialect.line_end))
    if open_quote < 0:
        return Block(memoryview(rest + b"\n"), start)
    hint = "close it in the file, or give quote='' if quotes mean nothing in it"
    return Block(memoryview(rest), start, Problem("a quote is opened and never closed", open_quote, hint))


def _too_long(at: int) -> Problem:
    what = f"the row is longer than {LONGEST_ROW >> 20} MiB"
    return Problem(what, at, "is a quote left open, or the delimiter or line end another one?")


def _behind(pieces: Iterator[Piece], start: int) -> Iterator[Piece]:
    for data, problem in pieces:
        cut = min(start, len(data))
        start -= cut
        yield data[cut:], problem


def _utf8(stream: IO[bytes], encoding: str, size: int) -> Iterator[Piece]:
    """Yield the text as UTF-8, without a byte order mark, up to the first byte that cannot be text."""
    pieces = (
        _passed_on(stream, size)
        if codecs.lookup(encoding).name == "utf-8"
        else _decoded(stream, encoding, size)
    )
    for data, problem in pieces:
        nul = data.find(b"\0")
        if nul >= 0:
            yield data[:nul], Problem("there is a NUL byte", 0, "mend the file; CSV text has none")
            return
        yield data, problem


def _passed_on(stream: IO[bytes], size: int) -> Iterator[Piece]:
    mark = stream.read(len(codecs.BOM_UTF8))
    if mark != codecs.BOM_UTF8:
        yield mark, None
    while data := stream.read(size):
        yield data, None


def _decoded(stream: IO[bytes], encoding: str, size: int) -> Iterator[Piece]:
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
            yield (
                text.removeprefix(MARK if first else "").encode(),
                Problem(what, 0, "give another encoding="),
            )
            return
        if text:
            yield text.removeprefix(MARK if first else "").encode("utf-8", "surrogatepass"), None
            first = False
        if not data:
            return
        before += len(data)
