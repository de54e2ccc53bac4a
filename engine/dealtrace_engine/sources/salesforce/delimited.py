"""Exports that are CSV files of whole objects: Data Export, Data Loader, Bulk API, copies in a warehouse."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dealtrace_engine.errors import DealtraceError, SchemaError
from dealtrace_engine.sources.crm.tables import Catalog
from dealtrace_engine.sources.files import InputFile
from dealtrace_engine.sources.salesforce.column_names import api_names, folded
from dealtrace_engine.sources.salesforce.csv_tables import Begun, CsvTable, begun, csv_table
from dealtrace_engine.sources.salesforce.evidence import STAMPS
from dealtrace_engine.sources.salesforce.object_names import object_of_columns, object_of_name, parent_of
from dealtrace_engine.sources.salesforce.pieces import Piece, Pieces
from dealtrace_engine.sources.salesforce.replica import START, current_and_versions, technical
from dealtrace_engine.sources.salesforce.zip_parts import ZipMember

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz")
_ID = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")


def stem(path: Path | str) -> str:
    """Return the name of a file without its suffixes."""
    name = Path(path).name
    lowered = name.lower()
    ending = next((suffix for suffix in SUFFIXES if lowered.endswith(suffix)), Path(name).suffix)
    return name[: len(name) - len(ending)] if ending else name


@dataclass
class Delimited:
    """Reads CSV files one after the other into `pieces`.

    Attributes
    ----------
    pieces : Pieces
        What was read.
    catalog : mapping of str to mapping of str to Kind
    by_columns : bool
        Whether a file that is not named after an object is told by its columns.
    """

    pieces: Pieces
    catalog: Catalog
    by_columns: bool
    _headers: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    def read(self, files: Iterable[InputFile]) -> Pieces:
        """Read files, those that hold no object of the catalogue aside.

        Raises
        ------
        ParseError, SchemaError
            A file of an object cannot be read, or which object a file holds is open.
        """
        for file in files:
            self._read(file)
        return self.pieces

    def _read(self, file: InputFile) -> None:
        name_of_file = file.member if isinstance(file, ZipMember) else file.path.name
        named = object_of_name(stem(name_of_file), self.catalog)
        try:
            first = begun(file)
        except DealtraceError:
            if named is None:
                self.pieces.unread.append(name_of_file)
                return
            raise
        header = first.dialect.names
        if self._is_headerless(header):
            name, header, table = self._continued(file, header)
        else:
            found = self._object(first, name_of_file, named)
            if found is None:
                self.pieces.unread.append(name_of_file)
                return
            name, table = found, csv_table(file, first=first, times=self._stamps(found, header))
        self._headers.append((name, header))
        self._add(name, table, name_of_file)

    def _object(self, first: Begun, name_of_file: str, named: str | None) -> str | None:
        """Return the object of a file: by its name where its columns fit, else by its columns."""
        header = first.dialect.names
        lowered = {name.lower() for name in header}
        if START in lowered and not _is_table_of_changes(named, header):
            bare = re.sub(r"_?history", "", stem(name_of_file), flags=re.IGNORECASE)
            named = object_of_name(bare, self.catalog) or named
        if named is not None and len(api_names(header, self.catalog[named])) >= min(2, len(header)):
            return named
        if not self.by_columns:
            return None
        return object_of_columns(header, _first_ids(first), self.catalog, name_of_file)

    def _stamps(self, name: str, header: Sequence[str]) -> list[str]:
        """Return the columns that tell when the export was made."""
        return [at for at, column in api_names(header, self.catalog[name]).items() if column in STAMPS]

    def _is_headerless(self, header: Sequence[str]) -> bool:
        """Whether a first row is one of data, as that of a later chunk can be."""
        known = {folded(name) for _, names in self._headers for name in names}
        return (
            bool(self._headers) and any(map(_ID.fullmatch, header)) and not known & set(map(folded, header))
        )

    def _continued(self, file: InputFile, row: Sequence[str]) -> tuple[str, tuple[str, ...], CsvTable]:
        """Read a chunk without a header under that of an earlier one of the same width."""
        fitting = {(name, names) for name, names in self._headers if len(names) == len(row)}
        if len(fitting) != 1:
            raise SchemaError(
                f"has no header, and {len(fitting) or 'no'} earlier files are as wide", file=file.path,
                line=1, hint="put the header in its first line",
            )  # fmt: skip
        name, names = fitting.pop()
        self.pieces.notes.append(f"{file.path.name}: no header; read as a further chunk of {name}")
        return name, names, csv_table(file, names)

    def _add(self, name: str, table: CsvTable, label: str) -> None:
        header = table.dialect.names
        added = technical(header)
        known = {k: v for k, v in api_names(header, self.catalog[name]).items() if k not in added}
        frame = table.frame({**known, **added}, self.pieces.space)
        now, versions = current_and_versions(frame) if added else (frame, None)
        others = [column for column in header if column not in known and column not in added]
        latest = {} if added else {known[at]: text for at, text in table.latest.items()}
        self.pieces.all.append(Piece(name, now, label, versions, others, latest))
        self.pieces.notes += table.notes
        self.pieces.findings += table.findings


def _is_table_of_changes(named: str | None, header: Sequence[str]) -> bool:
    if named is None or not named.endswith("History"):
        return False
    return folded(parent_of(named)) in map(folded, header)


def _first_ids(first: Begun) -> list[str]:
    """Return the first values of the column Id."""
    place = next((at for at, name in enumerate(first.dialect.names) if folded(name) == "id"), None)
    return [] if place is None else [row[place] for row in first.rows if len(row) > place]
