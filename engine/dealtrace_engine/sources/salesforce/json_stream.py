"""Records of JSON as Salesforce's APIs give it, one after the other, of files of any size."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dealtrace_engine.errors import ParseError
from dealtrace_engine.sources.csv_dialect import opened
from dealtrace_engine.sources.files import InputFile
from dealtrace_engine.sources.salesforce.charsets import Bytes, CleanFile

PIECE = 1 << 20
ENVELOPE = ("records", "result", "totalSize", "done", "nextRecordsUrl", "status", "warnings", "message")
"""Names in what stands around records, not in records."""
_FIRST_KEY = re.compile(r'\{\s*"([^"\\]*)"')
_SPACE = re.compile(r"\s*")
Record = dict[str, Any]


@dataclass
class JsonRecords:
    """Iterates over the records of a file: pages, pages one behind the other, arrays, one record a line.

    Numbers come as the text that they are written as.

    Attributes
    ----------
    file : InputFile
    announced : int
        How many records the first page says that its query has; 0 where none does.
    depth : int
        Brackets that are open around the first record.
    """

    file: InputFile
    announced: int = 0
    depth: int = -1
    _level: int = 0
    _text: str = ""
    _at: int = 0
    _done: bool = False
    _lines: int = 0
    _decoder: json.JSONDecoder = field(
        default_factory=lambda: json.JSONDecoder(parse_float=str, parse_int=str)
    )

    def __iter__(self) -> Iterator[Record]:
        """Yield records, nested ones inside theirs.

        Raises
        ------
        ParseError
            It is no JSON, or cut off.
        """
        with opened(as_utf8(self.file)) as stream:
            self._stream = stream
            self._rest = b""
            while sign := self._peek():
                if sign == "[":
                    yield from self._elements()
                elif sign == "{":
                    yield from self._object()
                else:
                    raise self._error("is no JSON of records")

    def _object(self) -> Iterator[Record]:
        if self._first_key() not in ENVELOPE:
            self.depth = self._level if self.depth < 0 else self.depth
            yield self._value()
            return
        self._take("{")
        while self._peek() != "}":
            if self._peek() == ",":
                self._take(",")
            key = self._value()
            self._take(":")
            if key == "records" and self._peek() == "[":
                yield from self._elements()
            elif key == "result" and self._peek() in ("{", "["):
                yield from self._object() if self._peek() == "{" else self._elements()
            else:
                self._note(key, self._value())
        self._take("}")

    def _elements(self) -> Iterator[Record]:
        self._take("[")
        while (sign := self._peek()) != "]":
            if sign == ",":
                self._take(",")
            elif sign == "{":
                yield from self._object()
            else:
                raise self._error("an array holds something else than records")
        self._take("]")

    def _note(self, key: str, value: object) -> None:
        if key == "totalSize" and isinstance(value, str) and value.isdigit() and not self.announced:
            self.announced = int(value)

    def _peek(self) -> str:
        """Return the next sign that is no white space, or nothing at the end."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more(PIECE):
                return ""

    def _take(self, sign: str) -> None:
        if self._peek() != sign:
            raise self._error(
                f"has no {sign} where one should be" if self._text[self._at :] else "is cut off"
            )
        self._at += 1
        self._level += (sign in "{[") - (sign in "}]")

    def _first_key(self) -> str:
        while True:
            found = _FIRST_KEY.match(self._text, self._at)
            if found or not self._more(PIECE):
                return found[1] if found else ""

    def _value(self) -> Any:
        size = PIECE
        self._peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except (json.JSONDecodeError, RecursionError) as error:
                if isinstance(error, RecursionError) or not self._more(size):
                    raise self._error("is cut off, or no JSON") from error
            else:
                if end < len(self._text) or not self._more(size):
                    self._at = end
                    return value
            size *= 2

    def _more(self, size: int) -> bool:
        """Read on; return False at the end."""
        if self._done:
            return False
        data = self._rest + self._stream.read(size)
        self._done = len(data) == len(self._rest)
        cut = len(data) if self._done else _whole_characters(data)
        self._lines += self._text.count("\n", 0, self._at)
        self._text = self._text[self._at :] + data[:cut].decode("utf-8", "replace").removeprefix("\ufeff")
        self._rest, self._at = data[cut:], 0
        return True

    def _error(self, what: str) -> ParseError:
        line = self._lines + self._text.count("\n", 0, self._at) + 1
        return ParseError(what, file=self.file.path, line=line, hint="is the file whole? query it again")


def _whole_characters(data: bytes) -> int:
    """Return how many bytes at the beginning are whole characters of UTF-8."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte < 0x80:
            return len(data)
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(data) if back >= needed else len(data) - back
    return len(data)


def as_utf8(file: InputFile) -> InputFile:
    """Return the file, or a converted one: shells that redirect output may write UTF-16."""
    bytes_ = Bytes()
    with opened(file) as stream:
        bytes_.feed(stream.read(PIECE))
    return file if bytes_.clean or bytes_.mark in ("", "utf-8") else CleanFile.of(file, bytes_.encoding)
