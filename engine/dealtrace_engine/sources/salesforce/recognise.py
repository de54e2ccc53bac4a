"""Whether a path holds an export of Salesforce, and of which shape: told by names and first lines alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dealtrace_engine.errors import DealtraceError
from dealtrace_engine.sources.files import InputFile
from dealtrace_engine.sources.salesforce.column_names import folded
from dealtrace_engine.sources.salesforce.csv_tables import Begun, begun
from dealtrace_engine.sources.salesforce.delimited import SUFFIXES, stem
from dealtrace_engine.sources.salesforce.memory_tables import from_frames
from dealtrace_engine.sources.salesforce.object_names import OWN, is_of_object, object_of_name
from dealtrace_engine.sources.salesforce.pieces import files_of
from dealtrace_engine.sources.salesforce.read import read_raw
from dealtrace_engine.sources.salesforce.records_json import SUFFIXES as JSON_SUFFIXES
from dealtrace_engine.sources.salesforce.records_json import shape_of
from dealtrace_engine.sources.salesforce.replica import MARKS
from dealtrace_engine.sources.salesforce.report_books import (
    BOOKS,
    LOCK,
    OLD_BOOK,
    is_book,
    is_report_book,
    is_report_page,
)
from dealtrace_engine.sources.salesforce.report_header import is_report
from dealtrace_engine.sources.salesforce.zip_parts import PART, members

__all__ = ["SHAPES", "from_frames", "read_raw", "recognise"]

SHAPES = (
    "data-export", "data-export-zip", "data-loader", "bulk", "rest-json", "tree", "replica", "report",
)  # fmt: skip
LOOKED_AT = 60
"""Files of a folder whose first lines are read."""
BOOKS_LOOKED_AT = 3
_SNAKE = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)+")
_API = re.compile(r"[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*(?:__[crx])?")
_ZONED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


@dataclass(frozen=True)
class _Seen:
    """A CSV file that looks like a table of Salesforce."""

    stem: str
    begun: Begun
    is_report: bool


def recognise(path: Path) -> str | None:
    """Return the shape of the export at a path, one of `SHAPES`, or None where it is none of Salesforce.

    Parameters
    ----------
    path : Path
        A file, or a folder.
    """
    if not path.exists():
        return None
    if _zips(path):
        return "data-export-zip"
    files = files_of(path, (*SUFFIXES, OLD_BOOK))[:LOOKED_AT]
    tables = [seen for file in files if (seen := _seen(file)) is not None]
    if any(seen.is_report for seen in tables) or (not tables and _has_report_book(path)):
        return "report"
    if tables:
        return _shape_of_tables(tables)
    for file in files_of(path, JSON_SUFFIXES)[:LOOKED_AT]:
        if (shape := shape_of(file)) is not None:
            return shape
    if any(map(_is_copied_table, files_of(path, (".parquet",))[:LOOKED_AT])):
        return "replica"
    return "report" if _has_only_pages(path) else None


def _zips(path: Path) -> list[Path]:
    """Return the ZIP files of a path that are parts of a Data Export, by their names or their members'."""
    found = []
    for file in files_of(path, (".zip",)):
        if file.suffix.lower() != ".zip":
            continue
        if PART.fullmatch(file.name):
            found.append(file)
            continue
        try:
            names = [member.member for member in members(file)]
        except DealtraceError:
            continue
        if any(object_of_name(stem(name)) in ("Opportunity", "OpportunityHistory", "Lead") for name in names):
            found.append(file)
    return found


def _has_report_book(path: Path) -> bool:
    """Whether a workbook is a report; of many the smallest are looked at, as each is read whole."""
    books = [file for file in files_of(path, BOOKS) if not file.name.startswith(LOCK)]
    return any(map(is_report_book, sorted(books, key=lambda file: file.stat().st_size)[:BOOKS_LOOKED_AT]))


def _has_only_pages(path: Path) -> bool:
    """Whether there are only web pages under the names of workbooks: reading them says what they are."""
    files = [path] if path.is_file() else [file for file in path.iterdir() if file.is_file()]
    return bool(files) and all(map(is_report_page, files))


def _seen(file: Path) -> _Seen | None:
    name = file.name.lower()
    try:
        if not name.endswith(SUFFIXES) and (not name.endswith(OLD_BOOK) or is_book(InputFile.at(file))):
            return None
        first = begun(InputFile.at(file))
    except DealtraceError:
        return None
    header = first.dialect.names
    if is_report(header) and not _is_without_ids(stem(file), header):
        return _Seen(stem(file), first, True)
    return _Seen(stem(file), first, False) if is_of_object(stem(file), header) else None


def _is_without_ids(name: str, header: Sequence[str]) -> bool:
    """Whether a file is a table that lacks its ids, which otherwise tell it from a report."""
    return object_of_name(name) is not None and len(OWN.intersection(map(folded, header))) > 1


def _shape_of_tables(tables: Sequence[_Seen]) -> str:
    headers = [seen.begun.dialect.names for seen in tables]
    names = [name for header in headers for name in header]
    if any(name.lower().startswith(MARKS) for name in names):
        return "replica"
    if any(map(_SNAKE.fullmatch, names)) and not any(map(_API.fullmatch, names)):
        return "replica"
    if all(name.isupper() for header in headers for name in header if name.isascii()):
        return "data-loader"
    if any("." in name for name in names) or any(seen.begun.has_mark for seen in tables):
        return "data-loader"
    if any(seen.begun.dialect.delimiter != "," or seen.begun.has_nul or seen.begun.packed for seen in tables):
        return "bulk"
    if any(_ZONED.fullmatch(value[:19]) for seen in tables for row in seen.begun.rows for value in row):
        objects = Counter(object_of_name(seen.stem) for seen in tables)
        return "bulk" if max(objects.values()) > 1 or _is_job(tables) else "data-loader"
    return "data-export" if all(object_of_name(seen.stem) for seen in tables) else "data-loader"


def _is_job(tables: Sequence[_Seen]) -> bool:
    """Whether a file is named after a bulk job or its chunks."""
    return any(re.search(r"bulk|job|chunk|750[0-9A-Za-z]{12}", seen.stem, re.IGNORECASE) for seen in tables)


def _is_copied_table(file: Path) -> bool:
    """Whether a Parquet file is a table of a warehouse copy: nothing less than its columns says so."""
    import polars as pl

    if file.suffix.lower() != ".parquet":
        return False
    try:
        header = list(pl.read_parquet_schema(file))
    except (pl.exceptions.PolarsError, OSError):
        return False
    return is_of_object(file.stem, header) or is_of_object(file.parent.name, header)
