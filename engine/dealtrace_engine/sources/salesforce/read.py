"""An export of Salesforce as text under API names, whatever its shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from dealtrace_engine.errors import ParseError
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import Catalog, RawExport
from dealtrace_engine.sources.files import InputFile
from dealtrace_engine.sources.salesforce.delimited import SUFFIXES, Delimited
from dealtrace_engine.sources.salesforce.objects import catalog_with
from dealtrace_engine.sources.salesforce.parquet_tables import read_parquet_tables
from dealtrace_engine.sources.salesforce.pieces import Pieces, files_of
from dealtrace_engine.sources.salesforce.records_json import SUFFIXES as JSON_SUFFIXES
from dealtrace_engine.sources.salesforce.records_json import RecordsJson
from dealtrace_engine.sources.salesforce.report import Report
from dealtrace_engine.sources.salesforce.report_books import BOOKS, LOCK
from dealtrace_engine.sources.salesforce.workspace import Workspace
from dealtrace_engine.sources.salesforce.zip_parts import PART, members

Read = Callable[[Path, Pieces, Catalog, CrmMapping], None]


def read_raw(path: Path, shape: str, mapping: CrmMapping) -> RawExport:
    """Read an export.

    Every byte of the files of an object that is read is looked at once; tables stay on disk until they are
    asked for, and columns that the catalogue has not are never made.

    Parameters
    ----------
    path : Path
        A file, or a folder.
    shape : str
        One of `recognise.SHAPES`.
    mapping : CrmMapping
        Whose `fields` and `objects` are read, too; its zone is that of reports.

    Returns
    -------
    RawExport
        Converted text that it needs is removed when it goes.

    Raises
    ------
    ParseError
        A file cannot be read, or holds nothing of use.
    SchemaError
        An object lacks its ids, or which object a file holds is open.
    """
    catalog = catalog_with(mapping)
    with Workspace() as space:
        pieces = Pieces(space)
        READERS[shape](path, pieces, catalog, mapping)
        if shape == "report":
            return pieces.export(path, shape, mapping.zone, "minute")
        return pieces.export(path, shape)


def _tables(by_columns: bool) -> Read:
    def read(path: Path, pieces: Pieces, catalog: Catalog, mapping: CrmMapping) -> None:
        files = _inputs(path, SUFFIXES, pieces)
        Delimited(pieces, catalog, by_columns).read(files)

    return read


def _zip_parts(path: Path, pieces: Pieces, catalog: Catalog, mapping: CrmMapping) -> None:
    zips = files_of(path, (".zip",))
    organisations = {found[1][:15] for file in zips if (found := PART.fullmatch(file.name))}
    if len(organisations) > 1:
        named = ", ".join(sorted(organisations))
        raise ParseError(f"holds parts of {len(organisations)} organisations: {named}", file=path,
                         hint="give each export a folder")  # fmt: skip
    inside = [member for file in zips for member in members(file)]
    Delimited(pieces, catalog, by_columns=False).read(inside)
    pieces.notes.append(f"{len(zips)} ZIP files with {len(inside)} tables")


def _copies(path: Path, pieces: Pieces, catalog: Catalog, mapping: CrmMapping) -> None:
    tables = files_of(path, (".parquet",))
    read_parquet_tables([file for file in tables if file.suffix == ".parquet"], pieces, catalog)
    if path.suffix != ".parquet":
        Delimited(pieces, catalog, by_columns=True).read(_inputs(path, SUFFIXES, pieces, bool(tables)))


def _records(path: Path, pieces: Pieces, catalog: Catalog, mapping: CrmMapping) -> None:
    RecordsJson(pieces, catalog).read(_inputs(path, JSON_SUFFIXES, pieces))


def _reports(path: Path, pieces: Pieces, catalog: Catalog, mapping: CrmMapping) -> None:
    files = _inputs(path, (*SUFFIXES, *BOOKS), pieces)
    Report(pieces, catalog, mapping).read([file for file in files if not file.path.name.startswith(LOCK)])


def _inputs(
    path: Path, suffixes: tuple[str, ...], pieces: Pieces, may_be_none: bool = False
) -> list[InputFile]:  # fmt: skip
    """Look at the files of a path, empty ones aside.

    Raises
    ------
    ParseError
        There is none.
    """
    files = files_of(path, suffixes)
    if not files and not may_be_none:
        raise ParseError(f"holds no file that ends in {' or '.join(suffixes)}", file=path)
    empty = [file for file in files if path.is_dir() and file.stat().st_size == 0]
    pieces.unread += [f"{file.name} (empty)" for file in empty]
    return [InputFile.at(file) for file in files if file not in empty]


READERS: Mapping[str, Read] = {
    "data-export": _tables(by_columns=False),
    "data-export-zip": _zip_parts,
    "data-loader": _tables(by_columns=True),
    "bulk": _tables(by_columns=True),
    "rest-json": _records,
    "tree": _records,
    "replica": _copies,
    "report": _reports,
}
