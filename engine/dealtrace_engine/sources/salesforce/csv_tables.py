"""A CSV file of any of the tools that export Salesforce, as a lazy table of text."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pyarrow as pa

from dealtrace_engine.errors import ParseError
from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.csv import CsvSource
from dealtrace_engine.sources.csv_dialect import Dialect, opened, sniff
from dealtrace_engine.sources.files import InputFile
from dealtrace_engine.sources.salesforce.charsets import MIXED, PIECE, Bytes, CleanFile
from dealtrace_engine.sources.salesforce.workspace import Workspace
from dealtrace_ext.csv_check import RowCheck

if TYPE_CHECKING:
    import polars as pl

DELIMITERS = {
    ",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", "^": "caret", "`": "backquote"
}  # fmt: skip
"""Those that the Bulk API can write; a quoted header tells any other, too."""
DAMAGED_SHARE = 0.2
"""With more rows than that of another width, it is not the rows that are wrong but how they are read."""
_QUOTED = re.compile(r'"(?:[^"]|"")*"([^\r\n"])')
HEAD = 1 << 16


@dataclass(frozen=True)
class CsvTable:
    """A CSV file whose bytes and rows have been looked at.

    Attributes
    ----------
    file : InputFile
        That reads as UTF-8 without NUL bytes.
    dialect : Dialect
    direct : bool
        Whether it can be scanned as it is.
    rows : int
        Data rows, those of another width aside.
    notes : list of str
    findings : list of Finding
    latest : dict of str to str
        Columns of times to the latest of them, as far as that could be told on the way.
    """

    file: InputFile
    dialect: Dialect
    direct: bool
    rows: int
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    latest: dict[str, str] = field(default_factory=dict)

    def frame(self, names: Mapping[str, str], space: Workspace) -> pl.LazyFrame:
        """Return columns under other names, all as text.

        Parameters
        ----------
        names : mapping of str to str
            Columns of the file to their API names.
        space : Workspace
            For what has to be converted.
        """
        import polars as pl

        if not self.direct or not names:
            source = CsvSource([(self.file, self.dialect)])
            schema = pa.schema([(column, pa.string()) for column in names.values()])
            return space.kept(_renamed(source.batches(list(names)), schema) if self.rows else [], schema)
        scanned = pl.scan_csv(
            self.file.path, separator=self.dialect.delimiter, quote_char=self.dialect.quote or None,
            infer_schema=False,
        )  # fmt: skip
        return scanned.select(pl.col(name).alias(column) for name, column in names.items())


def _renamed(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)


@dataclass(frozen=True)
class Begun:
    """What the beginning of a CSV file tells.

    Attributes
    ----------
    file : InputFile
        That reads as UTF-8, as far as was looked.
    dialect : Dialect
    rows : list of list of str
        The first data rows, one that is cut off aside.
    has_mark, has_nul, packed : bool
        Whether it begins with a byte order mark, holds NUL bytes, or is packed with gzip.
    """

    file: InputFile
    dialect: Dialect
    rows: list[list[str]]
    has_mark: bool
    has_nul: bool
    packed: bool


def begun(file: InputFile, names: Sequence[str] | None = None) -> Begun:
    """Look at the beginning of a CSV file.

    Raises
    ------
    ParseError, SchemaError
        It is no CSV file.
    """
    bytes_ = Bytes()
    with opened(file) as stream:
        head = stream.read(HEAD)
    bytes_.feed(head)
    clean = file
    if not bytes_.clean:
        clean = CleanFile.of(file, bytes_.encoding)
        with opened(clean) as stream:
            head = stream.read(HEAD)
    dialect = sniff(clean, delimiter=delimiter_of(head), quote='"', encoding="utf-8", names=names)
    text = head.decode("utf-8", "replace").removeprefix("\ufeff")
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=dialect.delimiter) if row]
    return Begun(clean, dialect, rows[1 : -1 if len(head) == HEAD else None], bool(bytes_.mark),
                 bool(bytes_.nuls), _is_packed(file))  # fmt: skip


def csv_table(
    file: InputFile, names: Sequence[str] | None = None, first: Begun | None = None,
    times: Sequence[str] = (),
) -> CsvTable:  # fmt: skip
    """Look at all of a CSV file: what it is written in, and whether every row is as wide as the header.

    Parameters
    ----------
    file : InputFile
    names : sequence of str, optional
        The columns of a file without a header.
    first : Begun, optional
        What its beginning tells, if that is known.
    times : sequence of str
        Columns of which the latest time is of interest.

    Raises
    ------
    ParseError
        It is empty, cut off, packed wrongly, or most rows are of another width.
    SchemaError
        Two columns have one name.
    """
    first = first or begun(file, names)
    clean, dialect = first.file, first.dialect
    bytes_, check = _looked_at(file, dialect if clean is file else None, times)
    encoding = bytes_.encoding
    if not bytes_.clean:
        clean = CleanFile.of(file, encoding)
        dialect = _dialect(clean, names)
    if check is None or clean is not file:
        _, check = _looked_at(clean, dialect)
    check = _finished(cast(RowCheck, check), file)
    rows = check.rows - (names is None)
    _refuse_damaged(check, rows, file, dialect)
    direct = clean is file and names is None and _is_plain(file, dialect)
    direct = direct and not (check.odd or check.stray or check.lone or check.empty)
    latest = {name: check.latest(place) for place, name in enumerate(times)} if direct else {}
    return CsvTable(clean, dialect, direct, rows - check.odd, _notes(file, dialect.delimiter, encoding),
                    _findings(file, bytes_, check, encoding),
                    {name: text.decode() for name, text in latest.items() if text is not None})  # fmt: skip


def _dialect(file: InputFile, names: Sequence[str] | None) -> Dialect:
    with opened(file) as stream:
        delimiter = delimiter_of(stream.read(HEAD))
    return sniff(file, delimiter=delimiter, quote='"', encoding="utf-8", names=names)


def delimiter_of(head: bytes) -> str:
    """Return the delimiter of a header: what follows its first quoted name, else the likeliest sign.

    Examples
    --------
    >>> delimiter_of(b'"Id"^"Name"'), delimiter_of(b"Id;Account.Name;Amount")
    ('^', ';')
    """
    text = head.decode("utf-8", "replace").lstrip("\ufeff\r\n")
    line = text.split("\n", 1)[0].rstrip("\r")
    if line.lower().startswith("sep=") and len(line) == 5:
        return line[4]
    quoted = _QUOTED.match(text)
    if quoted and quoted[1].isascii():
        return quoted[1]
    return max(DELIMITERS, key=line.count)


def _looked_at(
    file: InputFile, dialect: Dialect | None, times: Sequence[str] = ()
) -> tuple[Bytes, RowCheck | None]:  # fmt: skip
    """Look at every byte once, and at the rows where it is known how they are written."""
    bytes_, check = Bytes(), None
    if dialect is not None:
        places = [dialect.names.index(name) for name in times]
        check = RowCheck(*dialect.codes, len(dialect.names), places)
    with opened(file) as stream:
        if check is not None and _has_separator_line(file):
            stream.readline()
        while data := stream.read(PIECE):
            first = check is not None and check.rows == 0
            bytes_.feed(data)
            if check is not None:
                check.feed(data.removeprefix(codecs.BOM_UTF8) if first else data)
    bytes_.finish()
    return bytes_, check


def _finished(check: RowCheck, file: InputFile) -> RowCheck:
    if check.open:
        raise ParseError(
            "a quote is opened and never closed", file=file.path, row=max(check.rows, 1),
            hint="is the file cut off? export or copy it again",
        )  # fmt: skip
    check.finish()
    return check


def _is_plain(file: InputFile, dialect: Dialect) -> bool:
    """Whether a file can be scanned where it is."""
    plain = type(file) is InputFile and dialect.line_end == "\n"
    return plain and not _is_packed(file) and not _has_separator_line(file)


def _is_packed(file: InputFile) -> bool:
    if type(file) is not InputFile:
        return False
    with file.open() as stream:
        return stream.read(2) == b"\x1f\x8b"


def _has_separator_line(file: InputFile) -> bool:
    with opened(file) as stream:
        return stream.read(7).removeprefix(codecs.BOM_UTF8).lower().startswith(b"sep=")


def _refuse_damaged(check: RowCheck, rows: int, file: InputFile, dialect: Dialect) -> None:
    if rows > 0 and check.odd > max(DAMAGED_SHARE * rows, 1):
        raise ParseError(
            f"{check.odd:,} of {rows:,} rows have another number of fields than the {len(dialect.names)} of "
            f"the header; the first of them has {check.first_width}", file=file.path, row=check.first_odd,
            hint=f"the header is cut at each {DELIMITERS.get(dialect.delimiter, dialect.delimiter)}: are the "
            "rows written with another delimiter, or without quotes?",
        )  # fmt: skip


def _findings(file: InputFile, bytes_: Bytes, check: RowCheck, encoding: str) -> list[Finding]:
    found = []
    name = file.path.name
    if check.odd:
        found.append(Finding(f"{name}: wrong number of fields; left out"))
        found[-1].add(check.odd, [check.first_odd], f"{check.first_width} fields")
    if bytes_.nuls and encoding not in ("utf-16", "utf-32"):
        found.append(Finding(f"{name}: NUL bytes; left out"))
        found[-1].add(bytes_.nuls, [])
    if encoding == MIXED:
        found.append(Finding(f"{name}: pieces of text that are not UTF-8; read as cp1252"))
        found[-1].add(bytes_.bad, [])
    return found


def _notes(file: InputFile, delimiter: str, encoding: str) -> list[str]:
    notes = []
    if delimiter != ",":
        notes.append(f"{file.path.name}: delimiter {DELIMITERS.get(delimiter, repr(delimiter))}")
    if encoding != "utf-8":
        notes.append(f"{file.path.name}: encoding {encoding} (told by its bytes)")
    return notes
