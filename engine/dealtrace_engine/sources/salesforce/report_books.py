"""Reports exported as workbooks: below which rows the labels stand, and cells with types of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dealtrace_engine.errors import DealtraceError, ParseError
from dealtrace_engine.sources.crm.tables import Kind
from dealtrace_engine.sources.crm.workbooks import begins_as_workbook, from_serials, is_web_page, sheet
from dealtrace_engine.sources.files import InputFile
from dealtrace_engine.sources.salesforce.report_header import (
    FOOTER,
    LEAST_LABELS,
    NAMED_AS_REPORT,
    has_ids,
    is_report,
    resolved,
)

if TYPE_CHECKING:
    import polars as pl

OLD_BOOK = ".xls"
BOOKS = (".xlsx", OLD_BOOK)
LOCK = "~$"
"""Begins the name of what Excel keeps beside a workbook that is open."""
MACROS = (".xlsm", ".xlsb")
ABOVE = 60
"""Rows at the top among which the labels stand: below a title and filters, if these were exported too."""
TOTALS = (
    "total", "subtotal", "count", "gesamt", "zwischensumme", "anzahl", "sous-total", "nombre", "totale",
    "subtotale", "conteggio", "合計", "小計", "件数", "总计", "小计", "计数",
)  # fmt: skip
"""First cells of rows that sum others up, in lower case."""
_MIDNIGHT = "00:00:00"


def is_book(file: InputFile) -> bool:
    """Whether a report is a workbook, or a web page that is called one; text of such a name is read as text.

    Raises
    ------
    ParseError
        It has macros, which no report has.
    """
    name = file.path.name.lower()
    if name.endswith(MACROS):
        raise ParseError("is a workbook with macros or a binary one, which no report is", file=file.path,
                         hint="export the report as .xlsx or CSV")  # fmt: skip
    if not name.endswith(BOOKS):
        return False
    return not name.endswith(OLD_BOOK) or begins_as_workbook(file) or is_web_page(file)


def is_report_book(path: Path) -> bool:
    """Whether a workbook is a report on what the labels know, with the ids of its records or a report's name.

    Workbooks of other systems have columns with the same names, too. What has a report's name and cannot be
    read is one, so that reading it says why.
    """
    if not path.name.lower().endswith(BOOKS):
        return False
    named = bool(NAMED_AS_REPORT.match(path.stem))
    try:
        file = InputFile.at(path)
        if not is_book(file):
            return named
        header = _Top.of(file, {}).header
    except DealtraceError:
        return named
    if any(label.startswith(("(", "（")) for label in header[:3]):
        return False
    return is_report(header) and (has_ids(header) or named)


def is_report_page(path: Path) -> bool:
    """Whether a file is called a workbook but is a web page, as reports used to be exported to .xls."""
    return path.name.lower().endswith(BOOKS) and is_web_page(InputFile.at(path))


@dataclass(frozen=True)
class _Top:
    """The labels of a report, in which row of the sheet they stand, and whether there is none below."""

    header: list[str]
    place: int
    is_last: bool

    @classmethod
    def of(cls, file: InputFile, labels: Mapping[str, str]) -> _Top:
        """Find the first row with enough known labels; where there is none, the first with several cells."""
        top = sheet(file, rows=ABOVE, header=False, skip=0, as_text=True)
        rows = [[(cell or "").strip() for cell in row] for row in top.iter_rows()]
        known = [len(row) - len(resolved(row, labels).unknown) for row in rows]
        place = next((i for i, count in enumerate(known) if count >= LEAST_LABELS), None)
        if place is None:
            place = next((i for i, row in enumerate(rows) if sum(map(bool, row)) > 1), None)
        if place is None:
            raise ParseError("is no report: it has no header of several columns", file=file.path)
        return cls(rows[place], place, place == len(rows) - 1)


@dataclass(frozen=True)
class Book:
    """A report as it is in a workbook.

    Attributes
    ----------
    header : list of str
    rows : DataFrame
        Those below the header, without the lines at the end that are no rows; columns are named by place.
    """

    header: list[str]
    rows: pl.DataFrame

    @classmethod
    def of(cls, file: InputFile, labels: Mapping[str, str]) -> Book:
        """Read a workbook.

        Parameters
        ----------
        file : InputFile
        labels : mapping of str to str
            The organisation's own ones.

        Raises
        ------
        ParseError
            It is no workbook, or holds no report.
        """
        top = _Top.of(file, labels)
        if top.is_last:
            return cls(top.header, _without_rows(top.header))
        rows = sheet(file, header=False, skip=top.place + 1)
        rows.columns = [str(place) for place in range(rows.width)]
        return cls(top.header, _without_footer(rows))

    def table(self, kinds: Mapping[str, Kind]) -> tuple[pl.LazyFrame, frozenset[str]]:
        """Return wanted columns as text, and which of them are in the form of the API: typed cells are.

        Parameters
        ----------
        kinds : mapping of str to Kind
            Places of the columns to what they are.
        """
        import polars as pl

        told, columns = set[str](), list[pl.Series]()
        for place, kind in kinds.items():
            values = self.rows[place] if place in self.rows.columns else pl.Series(place, [], pl.String)
            if kind in (Kind.DATE, Kind.INSTANT) and values.dtype.is_numeric():
                values = from_serials(values)
            if values.dtype.is_temporal():
                values = _dates(values, kind)
                told.add(place)
            elif values.dtype.is_numeric() and kind is Kind.NUMBER:
                told.add(place)
            columns.append(values.cast(pl.String).str.strip_suffix(".0") if values.dtype != pl.String()
                           else values)  # fmt: skip
        return pl.DataFrame(columns).lazy(), frozenset(told)


def _without_rows(header: Sequence[str]) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(schema={str(place): pl.String for place in range(len(header))})


def _without_footer(rows: pl.DataFrame) -> pl.DataFrame:
    """Leave out empty rows, sums, and those at the end: they have one cell, or begin as footers do."""
    import polars as pl

    text = [pl.col(name).cast(pl.String).str.strip_chars().replace("", None) for name in rows.columns]
    filled = pl.sum_horizontal(cell.is_not_null() for cell in text)
    first = pl.coalesce(text).fill_null("")
    is_footer = first.str.contains(f"(?i)^(?:{FOOTER})") | first.str.to_lowercase().is_in(TOTALS)
    return rows.filter((filled > 1) & ~is_footer)


def _dates(values: pl.Series, kind: Kind) -> pl.Series:
    """Return date cells in the form of the API: with the time where any of them has one."""
    import polars as pl

    days = values.cast(pl.Datetime("us")).dt.round("1s")
    if kind is Kind.DATE or not (days.dt.time().cast(pl.String).fill_null(_MIDNIGHT) != _MIDNIGHT).any():
        return days.dt.strftime("%Y-%m-%d")
    return days.dt.strftime("%Y-%m-%d %H:%M:%S")
