"""XML files, gzipped or not, read as a stream of tags by expat; hostile and damaged ones end in an error."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO
from xml.parsers import expat

from dealtrace_engine.errors import ParseError
from dealtrace_engine.parallel import Progress, tick
from dealtrace_engine.sources.files import InputFile

BLOCK_BYTES = 1 << 18
LONGEST_TAG = 1 << 24
"""Bytes that expat may have to keep for one tag or comment."""

GZIP_MAGIC = b"\x1f\x8b"
_BUILT_IN = ("utf-8", "utf-16", "iso-8859-1", "us-ascii")

StartTag = Callable[[str, dict[str, str]], None]
EndTag = Callable[[str], None]


class XmlStream:
    """The tags of one file, handed to `start` and `end`; text between tags is not looked at.

    Parameters
    ----------
    file : InputFile
    start : callable
        Called with the tag and its attributes.
    end : callable
        Called with the tag.

    Attributes
    ----------
    gzipped : bool
        Whether the bytes are gzip, by their first two.
    encoding : str
        As declared, else UTF-8.
    """

    def __init__(self, file: InputFile, start: StartTag, end: EndTag) -> None:
        self.file = file
        self.gzipped = False
        self.encoding = "UTF-8"
        self._parser = expat.ParserCreate()
        self._parser.XmlDeclHandler = self._declared
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = start
        self._parser.EndElementHandler = end

    @property
    def line(self) -> int:
        """The line that is being read, from 1."""
        return self._parser.CurrentLineNumber

    def error(self, what: str, hint: str | None = None) -> ParseError:
        """Return an error at the line that is being read."""
        return ParseError(what, file=self.file.path, line=self.line, hint=hint)

    def on_start(self, start: StartTag) -> None:
        """Hand the following start tags to another function."""
        self._parser.StartElementHandler = start

    def blocks(self, progress: Progress | None = None) -> Iterator[int]:
        """Read on, and yield the bytes of XML read so far after each block.

        Raises
        ------
        ParseError
            The gzip data is cut off or damaged, the XML is not well-formed, has a DOCTYPE, an unknown
            encoding or a tag of more than `LONGEST_TAG` bytes.
        """
        fed = 0
        with self.file.path.open("rb") as raw:
            for block in self._bytes(raw):
                self._parse(block)
                fed += len(block)
                if fed - self._parser.CurrentByteIndex > LONGEST_TAG:
                    raise self.error(f"a single tag or comment is longer than {LONGEST_TAG:,} bytes")
                yield fed
                tick(progress, raw.tell(), self.file.size)
        self._parse(b"", last=True)
        self._parser.StartElementHandler = self._parser.EndElementHandler = None  # frees their owner

    def _bytes(self, raw: BinaryIO) -> Iterator[bytes]:
        self.gzipped = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        raw.seek(0)
        stream = gzip.GzipFile(fileobj=raw) if self.gzipped else raw
        try:
            while block := stream.read(BLOCK_BYTES):
                yield block
        except EOFError as error:
            raise self.error("the gzip data is cut off here", "fetch the file again") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            what = f"the gzip data is damaged or followed by something else ({error})"
            raise self.error(what, "fetch the file again") from error
        except OSError as error:
            raise self.error(f"cannot be read: {error.strerror}") from error

    def _parse(self, block: bytes, last: bool = False) -> None:
        try:
            self._parser.Parse(block, last)
        except expat.ExpatError as error:
            what = f"this is not well-formed XML: {expat.ErrorString(error.code)}, column {error.offset + 1}"
            raise ParseError(what, file=self.file.path, line=error.lineno) from error

    def _declared(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is None:
            return
        self.encoding = encoding
        if encoding.lower() not in _BUILT_IN and not _single_byte(encoding):
            raise self.error(f"the encoding {encoding[:60]!r} cannot be read", "convert the file to UTF-8")

    def _doctype(self, *declaration: object) -> None:
        raise self.error("a DOCTYPE is refused, since entities can be hostile", "remove it")


def _single_byte(encoding: str) -> bool:
    """Whether Python knows it as an encoding of one byte a character, which expat can use."""
    try:
        return len(bytes(range(256)).decode(encoding, "replace")) == 256
    except (LookupError, ValueError):
        return False
