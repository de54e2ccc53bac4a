"""The text of a file as UTF-8, whatever it was written in: machine charsets, mixed ones, NUL bytes."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, cast

from dealtrace_engine.sources.csv_dialect import opened
from dealtrace_engine.sources.files import InputFile

PIECE = 1 << 22
"""Bytes that are read at a time."""
FIRST = 1 << 16
"""Bytes that are read at first: often only the beginning is wanted."""
MARKS = {
    codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
USUAL = {"cp932": (0x88, 0x98, 0x40), "gb18030": (0xB0, 0xD7, 0xA1), "big5": (0xA4, 0xC6, 0x40)}
"""Of East Asian charsets: first and last leading byte of the usual ideographs, and the least second byte."""
SAMPLE = 1 << 18
"""Bytes of lines that are not ASCII by which a charset is told."""
MIXED = "utf-8 and cp1252"
_REPAIR = "dealtrace-cp1252"


@dataclass(frozen=True)
class CleanFile(InputFile):
    """A file that reads as UTF-8 without NUL bytes, unpacked; it is converted while it is read.

    Attributes
    ----------
    encoding : str
        What it is written in, or `MIXED`.
    source : InputFile
        The file itself.
    """

    encoding: str = "utf-8"
    source: InputFile | None = None

    @classmethod
    def of(cls, file: InputFile, encoding: str) -> CleanFile:
        """Read a file through a converter."""
        return cls(file.path, file.size, file.modified_ns, file.inode, encoding, file)

    def open(self) -> IO[bytes]:
        """Open it for reading, converted."""
        source = self.source or InputFile.at(self.path)
        return cast(IO[bytes], io.BufferedReader(ByteStream(_utf8(source, self.encoding)), FIRST))

    def check(self) -> None:
        """Raise `LogError` if the file is no longer the one that was looked at."""
        if self.source is not None:
            self.source.check()


class ByteStream(io.RawIOBase):
    """A stream of pieces of bytes."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, memoryview(b"")

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]
        """Read what fits into a buffer, and return how much."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        length = min(len(into), len(self._rest))
        into[:length] = self._rest[:length]
        self._rest = self._rest[length:]
        return length


def _repaired(error: UnicodeError) -> tuple[str, int]:
    bad = cast(UnicodeDecodeError, error)
    return bad.object[bad.start : bad.end].decode("cp1252", "replace"), bad.end


codecs.register_error(_REPAIR, _repaired)


def _utf8(file: InputFile, encoding: str) -> Iterator[bytes]:
    name, errors = ("utf-8", _REPAIR) if encoding == MIXED else (encoding, "replace")
    decoder = codecs.getincrementaldecoder(name)(errors)
    first, done = True, False
    with opened(file) as stream:
        while not done:
            data = stream.read(FIRST if first else PIECE)
            done = not data
            text = decoder.decode(data, done).replace("\0", "")
            if text:
                yield text.removeprefix("\ufeff" if first else "").encode("utf-8", "surrogatepass")
                first = False


@dataclass
class Bytes:
    """What the bytes of a file show; feed all of them, then ask.

    Attributes
    ----------
    mark : str
        The encoding that a byte order mark names, or nothing.
    nuls : int
        NUL bytes.
    bad : int
        Pieces that are not UTF-8.
    """

    mark: str = ""
    nuls: int = 0
    bad: int = 0
    _first: bool = True
    _rest: bytes = b""
    _sample: bytes = b""

    def feed(self, data: bytes) -> None:
        """Look at the next piece."""
        if self._first:
            self.mark = next((name for mark, name in MARKS.items() if data.startswith(mark)), "")
            self._first = False
        if b"\0" in data:
            self.nuls += data.count(b"\0")
        if not self._rest and data.isascii():
            return
        data = self._rest + data
        cut = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        self._rest, whole = data[cut:], data[:cut]
        self._look(whole)

    def finish(self) -> None:
        """Look at what is left of the last line."""
        self._look(self._rest)
        self._rest = b""

    def _look(self, lines: bytes) -> None:
        if not _is_utf8(lines):
            self.bad += 1
        if len(self._sample) < SAMPLE and not lines.isascii():
            odd = [line for line in lines.splitlines() if not line.isascii()]
            self._sample += b"\n".join(odd)[:SAMPLE] + b"\n"

    @property
    def clean(self) -> bool:
        """Whether it is UTF-8 without NUL bytes."""
        return not self.nuls and not self.bad and self.mark in ("", "utf-8")

    @property
    def encoding(self) -> str:
        """What the text is most likely written in; UTF-8 where it can be."""
        if self.mark:
            return self.mark if self.mark != "utf-8" or not self.bad else MIXED
        return likely_encoding(self._sample) if self.bad else "utf-8"


def likely_encoding(sample: bytes) -> str:
    """Return what bytes that are not ASCII are most likely written in.

    Text in Japanese or Chinese charsets has its high bytes in pairs and runs, where European text has
    single ones between letters. A sample with lines of UTF-8 and lines of something else is `MIXED`.

    Examples
    --------
    >>> likely_encoding("Müller, Zürich".encode("cp1252")), likely_encoding("商談の取引先名".encode("cp932"))
    ('cp1252', 'cp932')
    >>> likely_encoding("Datum der letzten Änderung".encode("latin-1"))
    'cp1252'
    """
    lines = [line for line in sample.splitlines() if not line.isascii()]
    good = [line for line in lines if _is_utf8(line)]
    if lines and len(good) == len(lines):
        return "utf-8"
    scores = {name: _east_asian_share(b"\n".join(lines), name) for name in USUAL}
    best = max(USUAL, key=scores.__getitem__)
    if scores[best] > 0.5:
        return best
    if good:
        return MIXED
    try:
        sample.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


def _east_asian_share(text: bytes, encoding: str) -> float:
    """Return which share of the characters beyond ASCII are everyday ones of the charset, beside another.

    A letter with an accent and the letter behind it may look like one ideograph, but stand alone.
    """
    try:
        decoded = text.decode(encoding)
    except UnicodeDecodeError:
        return 0.0
    beyond = [not character.isascii() for character in f" {decoded} "]
    fitting = [
        (beyond[place] or beyond[place + 2]) and _is_everyday(character, encoding)
        for place, character in enumerate(decoded)
        if beyond[place + 1]
    ]
    return sum(fitting) / len(fitting) if fitting else 0.0


def _is_everyday(character: str, encoding: str) -> bool:
    """Whether a character is kana, a sign, or in the part of the charset that has the usual ideographs."""
    code, written = ord(character), character.encode(encoding)
    if 0x3000 <= code <= 0x30FF or 0xFF01 <= code <= 0xFF5E:
        return True
    lowest, highest, trail = USUAL[encoding]
    return len(written) == 2 and lowest <= written[0] <= highest and written[1] >= trail


def _is_utf8(text: bytes) -> bool:
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
