"""Reports that people export: labels in their language, values of their locale, short ids, footers."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from dealtrace_engine.errors import ParseError, SchemaError
from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import Catalog, Kind
from dealtrace_engine.sources.csv_dialect import opened
from dealtrace_engine.sources.files import InputFile
from dealtrace_engine.sources.salesforce.charsets import PIECE, USUAL, Bytes, CleanFile
from dealtrace_engine.sources.salesforce.csv_tables import HEAD, delimiter_of
from dealtrace_engine.sources.salesforce.pieces import Piece, Pieces
from dealtrace_engine.sources.salesforce.report_books import Book, is_book
from dealtrace_engine.sources.salesforce.report_header import FIELDS, FOOTER, HISTORY, Header, resolved
from dealtrace_engine.sources.salesforce.report_values import (
    currency,
    date_order,
    has_decimal_comma,
    iso,
    number,
    truth,
)

if TYPE_CHECKING:
    import polars as pl

ROWS = 50_000
Columns = Callable[[Mapping[str, Kind]], "tuple[pl.LazyFrame, frozenset[str]]"]
"""Makes columns of text, given their places and kinds, and says which are in the form of the API already."""
_FOOTER = re.compile(FOOTER, re.IGNORECASE)
PARENT = {HISTORY: "OpportunityId", FIELDS: "OpportunityId"}
NEEDED = {"Opportunity": "Opportunity ID", "Lead": "Lead ID", "Quote": "Quote ID", "Order": "Order ID",
          "Contract": "Contract ID"}  # fmt: skip
DAMAGED_SHARE = 0.2


@dataclass
class Report:
    """Reads reports into `pieces`.

    Attributes
    ----------
    pieces : Pieces
    catalog : mapping of str to mapping of str to Kind
    mapping : CrmMapping
        Whose `headers` are labels of the organisation's own, and whose `dates` say how dates are written.
    """

    pieces: Pieces
    catalog: Catalog
    mapping: CrmMapping
    _beside: list[Piece] = field(default_factory=list)
    """What reports of changes tell of the records: used where no report is about these."""

    def read(self, files: Sequence[InputFile]) -> Pieces:
        """Read reports, one after the other.

        Raises
        ------
        ParseError
            A file is no report, or the order of its dates cannot be told.
        SchemaError
            A report lacks the ids of its records.
        """
        for file in files:
            self._read(file)
        whole = {piece.name for piece in self.pieces.all}
        self.pieces.all += [piece for piece in self._beside if piece.name not in whole]
        return self.pieces

    def _read(self, file: InputFile) -> None:
        if is_book(file):
            book = Book.of(file, self.mapping.headers)
            self._add(file, book.header, book.table)
            return
        clean = self._clean(file)
        header, delimiter = _header(clean)

        def table(kinds: Mapping[str, Kind]) -> tuple[pl.LazyFrame, frozenset[str]]:
            schema = pa.schema([(place, pa.string()) for place in kinds])
            batches = self._batches(clean, delimiter, len(header), schema)
            return self.pieces.space.kept(batches, schema), frozenset()

        self._add(file, header, table)

    def _add(self, file: InputFile, header: list[str], columns_of: Columns) -> None:
        """Add the pieces of a report whose columns are made when it is known which are wanted."""
        found = resolved(header, self.mapping.headers)
        objects = self._checked(found, file)
        if not objects:
            self.pieces.unread.append(file.path.name)
            return
        table = self._in_api_form(objects, found, file, columns_of)
        of_changes = bool(set(objects) & set(PARENT))
        for name, columns in objects.items():
            pieces = self._beside if of_changes and name not in PARENT else self.pieces.all
            pieces += self._pieces(name, columns, table, file.path.name)
        unknown = [label for label in found.unknown if label]
        if unknown:
            self.pieces.notes.append(f"{file.path.name}: labels not known: {', '.join(unknown)}")

    def _clean(self, file: InputFile) -> InputFile:
        """Return the file in UTF-8; of charsets that are possible, the one in which most labels are known."""
        bytes_ = Bytes()
        with opened(file) as stream:
            while data := stream.read(PIECE):
                bytes_.feed(data)
        bytes_.finish()
        if bytes_.clean or bytes_.mark:
            return file if bytes_.clean else CleanFile.of(file, bytes_.encoding)
        with opened(file) as stream:
            head = stream.read(HEAD).split(b"\n", 1)[0]
        known = {encoding: len(_columns(head.decode(encoding, "replace"))) for encoding in (*USUAL, "cp1252")}
        best = max(known, key=known.__getitem__)
        encoding = best if known[best] > known["cp1252"] else bytes_.encoding
        self.pieces.notes.append(f"{file.path.name}: encoding {encoding} (told by its bytes and labels)")
        return CleanFile.of(file, encoding)

    def _batches(
        self, file: InputFile, delimiter: str, width: int, schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        """Yield the wanted columns, named by their places; the lines at the end that are no rows stay out."""
        odd = Finding(f"{file.path.name}: wrong number of fields; left out")
        count = 0
        for rows, left_out in _batches(file, delimiter, width):
            for number_, row in left_out:
                odd.add(1, [number_], f"{len(row)} fields")
            count += len(rows)
            columns = [pa.array([row[int(place)] for row in rows], pa.string()) for place in schema.names]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)
        if odd.count > max(DAMAGED_SHARE * count, 1):
            what = f"{odd.count:,} of {odd.count + count:,} rows are not as wide as the header"
            raise ParseError(what, file=file.path, row=odd.first_rows[0])
        self.pieces.findings += [odd] if odd.count else []

    def _checked(self, found: Header, file: InputFile) -> dict[str, dict[int, str]]:
        """Return the objects of a report with the columns that are read."""
        objects = {
            name: {place: column for place, column in columns.items() if column in self.catalog[name]}
            for name, columns in found.objects.items()
        }
        for name, columns in objects.items():
            needed = PARENT.get(name, "Id")
            if needed not in columns.values():
                raise SchemaError(
                    f"the report has no ids of its records ({NEEDED.get(name, 'Opportunity ID')})",
                    file=file.path, column=NEEDED.get(name, "Opportunity ID"),
                    hint="add that column to the report and export it again",
                )  # fmt: skip
        return objects

    def _in_api_form(
        self, objects: Mapping[str, Mapping[int, str]], found: Header, file: InputFile, columns_of: Columns
    ) -> pl.LazyFrame:
        """Write dates, numbers and truth values as the API does."""
        kinds = {
            str(place): self.catalog[name][column]
            for name, columns in objects.items()
            for place, column in sorted(columns.items())
        }
        table, told = columns_of(kinds)
        table = _without_dashes(table)
        is_date = [place for place, kind in kinds.items() if kind in (Kind.DATE, Kind.INSTANT)]
        dates = [place for place in is_date if place not in told]
        numbers = [place for place, kind in kinds.items() if kind is Kind.NUMBER and place not in told]
        columns = [_distinct(table, place) for place in dates]
        order, why = date_order(columns, found.languages, file.path, self.mapping.dates)
        comma = has_decimal_comma([_distinct(table, place) for place in numbers], file.path)
        written = f"dates {order} ({why})" if dates or not is_date else "dates in date cells"
        self.pieces.notes.append(
            f"{file.path.name}: labels in {' or '.join(found.languages)}, {written}, times in "
            f"{self.mapping.zone}, decimals after a {'comma' if comma else 'point'}"
        )
        amounts = [place for place, kind in kinds.items() if kind is Kind.NUMBER]
        money = [currency(place).alias(f"{place}!currency") for place in amounts]
        truths = [truth(place) for place, kind in kinds.items() if kind is Kind.BOOLEAN]
        return table.with_columns(money).with_columns(
            *(iso(place, order) for place in dates), *(number(place, comma) for place in numbers), *truths
        )

    def _pieces(
        self, name: str, columns: Mapping[int, str], table: pl.LazyFrame, label: str
    ) -> list[Piece]:  # fmt: skip
        """Return the rows of an object, those of records each once."""
        import polars as pl

        chosen = [pl.col(str(place)).alias(column) for place, column in columns.items()]
        amount = next((place for place, column in columns.items() if column == "Amount"), None)
        if amount is not None and "CurrencyIsoCode" not in columns.values():
            chosen.append(pl.col(f"{amount}!currency").alias("CurrencyIsoCode"))
        frame = table.select(chosen)
        if name == FIELDS and "Field" not in columns.values():
            return []
        if "Id" in columns.values():
            frame = frame.filter(pl.col("Id") != "").unique("Id", keep="last", maintain_order=True)
        return [Piece(name, frame, label)]


def _without_dashes(table: pl.LazyFrame) -> pl.LazyFrame:
    """Return nothing for a dash, which reports write for it."""
    import polars as pl

    return table.with_columns(pl.when(pl.all().str.strip_chars() != "-").then(pl.all()).otherwise(pl.lit("")))


def _distinct(table: pl.LazyFrame, place: str) -> pl.Series:
    import polars as pl

    return table.select(pl.col(place).unique(maintain_order=True)).collect(engine="streaming")[place]


def _header(file: InputFile) -> tuple[list[str], str]:
    with opened(file) as stream:
        head = stream.read(HEAD)
    delimiter = delimiter_of(head)
    rows = csv.reader(io.StringIO(head.decode("utf-8", "replace").removeprefix("\ufeff"), newline=""),
                      delimiter=delimiter)  # fmt: skip
    header = next((row for row in rows if len(row) > 1), None)
    if header is None:
        raise ParseError("is no report: it has no header of several columns", file=file.path)
    return [name.strip() for name in header], delimiter


def _columns(line: str) -> list[str]:
    header = next(csv.reader([line], delimiter=delimiter_of(line.encode())), [])
    found = resolved(header, {})
    return [name for name in header if name not in found.unknown]


def _batches(
    file: InputFile, delimiter: str, width: int
) -> Iterator[tuple[list[list[str]], list[tuple[int, list[str]]]]]:
    """Yield rows of the header's width, and numbered ones of another, up to the footer."""
    rows: list[list[str]] = []
    odd: list[tuple[int, list[str]]] = []
    begun, number_, after_gap = False, 0, False
    with opened(file) as stream, io.TextIOWrapper(stream, "utf-8-sig", "replace", newline="") as text:
        for row in csv.reader(text, delimiter=delimiter):
            if not any(row):
                after_gap = begun
                continue
            if not begun:
                begun = len(row) > 1
                continue
            if _FOOTER.match(row[0]) or (after_gap and len(row) < width):
                continue
            number_ += 1
            after_gap = False
            if len(row) == width:
                rows.append(row)
            else:
                odd.append((number_, row))
            if len(rows) == ROWS:
                yield rows, odd
                rows, odd = [], []
    yield rows, odd
