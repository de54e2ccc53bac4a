"""How a CSV file is written: encoding, delimiter, quotes, header."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, cast

from dealtrace_engine.errors import ParseError, SchemaError
from dealtrace_engine.sources.files import InputFile
from dealtrace_ext.csv_rows import count_rows

SAMPLE = 1 << 20
"""Bytes that are looked at."""
_SINGLE_QUOTED = re.compile(r"(?:^|[,;\t|])'[^']*'(?:[,;\t|]|$)")
ROWS_LOOKED_AT = 200
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte order marks; UTF-32's begins with UTF-16's."""


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written.

    Attributes
    ----------
    delimiter, quote : str
        One character; `quote` is empty where nothing is quoted.
    encoding : str
        Python's name of the encoding.
    line_end : str
        How the first row ends: line feed (also after a carriage return) or carriage return.
    names : tuple of str
        The columns.
    header_bytes : int
        What precedes the first data row, in UTF-8, without a byte order mark.
    notes : list of str
        What to report.
    """

    delimiter: str
    quote: str
    encoding: str
    line_end: str
    names: tuple[str, ...]
    header_bytes: int
    notes: list[str] = field(default_factory=list)

    @property
    def codes(self) -> tuple[int, int]:
        """Delimiter and quote as character codes; the quote is -1 where there is none."""
        return ord(self.delimiter), ord(self.quote) if self.quote else -1


@contextmanager
def opened(file: InputFile) -> Iterator[IO[bytes]]:
    """Open a file for reading, unpacking gzip, and turn what goes wrong into one clear line."""
    try:
        with file.open() as stream:
            packed = cast(io.BufferedReader, stream).peek(2)[:2] == b"\x1f\x8b"
            yield cast(IO[bytes], gzip.GzipFile(fileobj=stream)) if packed else stream
    except EOFError as error:
        raise ParseError("the gzip file is cut short", file=file.path, hint="export it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ParseError(
            f"the gzip file is damaged ({error})", file=file.path, hint="export it again"
        ) from error
    except OSError as error:
        raise ParseError(f"cannot be read: {error.strerror or error}", file=file.path) from error


def sniff(
    file: InputFile,
    *,
    delimiter: str | None = None,
    quote: str | None = None,
    encoding: str | None = None,
    names: Sequence[str] | None = None,
) -> Dialect:
    """Find out how a CSV file is written, from its first bytes; what is given is taken.

    Parameters
    ----------
    file : InputFile
        May be packed with gzip.
    delimiter, quote : str, optional
        One ASCII character each; an empty `quote` means that nothing is quoted.
    encoding : str, optional
        Any of Python's that keeps no state between characters.
    names : sequence of str, optional
        The columns of a file without a header.

    Raises
    ------
    ParseError
        The file is empty, is not text, or its header cannot be read.
    SchemaError
        Two columns have one name, or an argument makes no sense.
    """
    _check_arguments(delimiter, quote, encoding)
    with opened(file) as stream:
        sample = stream.read(SAMPLE)
    mark = next((mark for mark in _MARKS if sample.startswith(mark)), b"")
    encoding = encoding or _MARKS.get(mark) or _encoding(sample)
    text = _decoded(sample, encoding, file)
    if not text.strip("\r\n"):
        raise ParseError("the file is empty", file=file.path)
    quote = _quote(text) if quote is None else quote
    given, text, skipped = _without_separator_line(text)
    delimiter = delimiter or given or _delimiter(text, quote)
    utf8 = text.encode()
    rows, header_bytes = count_rows(utf8, ord(delimiter), ord(quote) if quote else -1, 1)
    if rows == 0 and len(sample) == SAMPLE:
        raise ParseError("the first row does not end", file=file.path, line=1, hint="is a quote left open?")
    header_bytes = header_bytes if rows else len(utf8)
    found = _names(utf8[:header_bytes].decode(), delimiter, quote) if names is None else list(names)
    notes = _notes(delimiter, quote, encoding)
    notes += [f"column {i} has no name: called 'column_{i}'" for i, name in enumerate(found, 1) if not name]
    columns = tuple(name or f"column_{i}" for i, name in enumerate(found, 1))
    _check_names(columns, file)
    line_end = "\r" if utf8[:header_bytes].endswith(b"\r") else "\n"
    return Dialect(
        delimiter, quote, encoding, line_end, columns, skipped + (0 if names else header_bytes), notes
    )


def _check_arguments(delimiter: str | None, quote: str | None, encoding: str | None) -> None:
    for name, value in (("delimiter", delimiter), ("quote", quote)):
        if value is None or (name == "quote" and value == ""):
            continue
        if len(value) != 1 or not value.isascii() or value in "\r\n\0":
            raise SchemaError(f"{name} must be one ASCII character, not {value!r}")
    if quote is not None and quote == delimiter:
        raise SchemaError(f"delimiter and quote are both {quote!r}")
    try:
        codecs.lookup(encoding or "utf-8")
    except LookupError as error:
        raise SchemaError(f"there is no encoding {encoding!r}", hint="give a name such as cp1252") from error


def _encoding(sample: bytes) -> str:
    for encoding in ("utf-8", "cp1252"):
        try:
            codecs.getincrementaldecoder(encoding)().decode(sample)
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"


def _decoded(sample: bytes, encoding: str, file: InputFile) -> str:
    if "16" not in encoding and "32" not in encoding and (at := sample.find(b"\0")) >= 0:
        raise ParseError(
            f"byte {at + 1:,} is NUL, so this is no CSV text", file=file.path,
            line=sample[:at].count(b"\n") + 1,
            hint="for UTF-16 without a byte order mark give encoding='utf-16-le'",
        )  # fmt: skip
    try:
        return codecs.getincrementaldecoder(encoding)().decode(sample).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = sample[: error.start].count(b"\n") + 1
        what = f"byte {error.start + 1:,} (0x{sample[error.start]:02x}) is not {encoding}"
        raise ParseError(what, file=file.path, line=line, hint="give another encoding=") from error


def _without_separator_line(text: str) -> tuple[str | None, str, int]:
    """Cut off the line ``sep=;`` that spreadsheets write; return its delimiter, the rest, its length."""
    first, end, _ = text.partition("\n")
    line = first.removesuffix("\r")
    if len(line) == 5 and line.lower().startswith("sep=") and line[4].isascii():
        return line[4], text[len(first + end) :], len(first + end)
    return None, text, 0


def _quote(text: str) -> str:
    """Single quotes only where they stand around a field of every line, or around all of the first one."""
    lines = [line for line in text.splitlines()[: ROWS_LOOKED_AT + 1] if line.strip()] or [""]
    whole = any(
        all(len(part) > 1 and part[0] == part[-1] == "'" for part in lines[0].split(delimiter))
        for delimiter in DELIMITERS
    )
    somewhere = (
        '"' not in text and len(lines) > 1 and all(map(_SINGLE_QUOTED.search, lines[1:-1] or lines[1:]))
    )
    return "'" if lines and (whole or somewhere) else '"'


def _delimiter(text: str, quote: str) -> str:
    """Return the delimiter that cuts most rows into as many fields as the first one."""

    def score(delimiter: str) -> tuple[float, int]:
        widths = [len(row) for row in _rows(text, delimiter, quote) if row]
        if not widths or widths[0] == 1:
            return (0.0, 0)
        return sum(width == widths[0] for width in widths) / len(widths), widths[0]

    return max(DELIMITERS, key=score)


def _rows(text: str, delimiter: str, quote: str) -> list[list[str]]:
    lines = io.StringIO(text, newline="")
    try:
        if quote:
            return list(islice(csv.reader(lines, delimiter=delimiter, quotechar=quote), ROWS_LOOKED_AT))
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
        return list(islice(reader, ROWS_LOOKED_AT))
    except csv.Error:  # a field longer than the reader's limit
        return []


def _names(header: str, delimiter: str, quote: str) -> list[str]:
    return next((row for row in _rows(header, delimiter, quote) if row), [])


def _check_names(names: tuple[str, ...], file: InputFile) -> None:
    for name in names:
        if names.count(name) > 1:
            what = f"{names.count(name)} columns are called {name!r}"
            raise SchemaError(what, file=file.path, line=1, hint="rename them in the file")


def _notes(delimiter: str, quote: str, encoding: str) -> list[str]:
    notes = [f"delimiter {DELIMITERS.get(delimiter, repr(delimiter))}", f"encoding {encoding}"]
    notes.append(f"quote {quote}" if quote else "no quotes")
    if encoding in ("cp1252", "latin-1"):
        notes[1] += " (assumed: the text is not UTF-8)"
    return notes
