"""Exports of JSON: pages of the REST API and the command line's queries, and its trees of records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pyarrow as pa

from dealtrace_engine.errors import DealtraceError
from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.crm.tables import Catalog, Kind
from dealtrace_engine.sources.csv_dialect import opened
from dealtrace_engine.sources.files import InputFile
from dealtrace_engine.sources.salesforce.column_names import Spellings, folded
from dealtrace_engine.sources.salesforce.json_stream import JsonRecords, Record, as_utf8
from dealtrace_engine.sources.salesforce.object_names import is_of_object, object_of_columns, object_of_name
from dealtrace_engine.sources.salesforce.pieces import Piece, Pieces
from dealtrace_engine.sources.salesforce.plain_json import plain_frame
from dealtrace_engine.sources.salesforce.workspace import Sink

SUFFIXES = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz")
HEAD = 1 << 16
SAMPLE = 100
"""Records by which the columns of a file are told."""
ROWS = 2_000
"""Records of an object that are put in columns at a time; those of all objects of a tree wait together."""
_TYPED = re.compile(rb'"attributes"\s*:\s*\{[^{}]*"type"\s*:')
_REFERENCE = re.compile(rb'"attributes"\s*:\s*\{[^{}]*"referenceId"\s*:')
Row = dict[str, str | None]


class Columns(dict[str, str | None]):
    """Keys of records, with points for those of related ones, to the columns of an object."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        super().__init__()
        self._spellings = Spellings(kinds)

    def others(self, keys: Iterable[str]) -> list[str]:
        """Return the keys that are no columns, nor related records."""
        plain = [key for key in keys if "." not in key and key != "attributes"]
        return [key for key in plain if self[key] is None and self[f"{key}Id"] is None]

    def __missing__(self, key: str) -> str | None:
        self[key] = self._spellings.column(key)
        return self[key]


def shape_of(path: Path) -> str | None:
    """Return "rest-json" or "tree" for a file of records of Salesforce, else None; only its head is read."""
    if not path.name.lower().endswith(SUFFIXES):
        return None
    try:
        with opened(InputFile.at(path)) as stream:
            head = stream.read(HEAD).replace(b"\0", b"")
        if _REFERENCE.search(head):
            return "tree"
        if _TYPED.search(head):
            return "rest-json"
        if not head.lstrip(b"\xef\xbb\xbf \r\n").startswith((b"{", b"[")):
            return None
        first = next(iter(JsonRecords(InputFile.at(path))), {})
    except DealtraceError:
        return None
    return "rest-json" if is_of_object(path.name.split(".")[0], list(first)) else None


@dataclass
class _Table:
    """The records of one object: those that wait, and the files that are written."""

    columns: Columns
    waiting: list[Row] = field(default_factory=list)
    sinks: list[Sink] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)


@dataclass
class RecordsJson:
    """Reads JSON files of records into `pieces`.

    Attributes
    ----------
    pieces : Pieces
    catalog : mapping of str to mapping of str to Kind
    """

    pieces: Pieces
    catalog: Catalog
    _tables: dict[str, _Table] = field(default_factory=dict)
    _other: dict[str, int] = field(default_factory=dict)
    _announced: dict[str, int] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _references: int = 0

    def read(self, files: Sequence[InputFile]) -> Pieces:
        """Read files.

        Raises
        ------
        ParseError
            One is no JSON, or cut off.
        SchemaError
            What object records without a type are is open.
        """
        for file in files:
            if file.path.name.lower().endswith("-plan.json"):
                continue
            records = JsonRecords(file)
            if not self._read_plain(file, records):
                for record in JsonRecords(file):
                    self._take(record, file.path.name)
                self._flush(file.path.name)
        self._report()
        return self.pieces

    def _read_plain(self, file: InputFile, records: JsonRecords) -> bool:
        """Read a file in bulk, if its records are all of one object."""
        sample = list(islice(records, SAMPLE))
        named = object_of_name(file.path.name.split(".")[0], self.catalog)
        if not sample and named is not None:
            nothing = self.pieces.space.kept([], pa.schema([("Id", pa.string())]))
            self.pieces.all.append(Piece(named, nothing, file.path.name))
        names = {_type_of(record) for record in sample}
        name = next(iter(names)) if len(names) == 1 else None
        if name is None:
            return False
        if name not in self.catalog:
            return False
        self._announced[name] = max(self._announced.get(name, 0), records.announced)
        kinds = self.catalog[name]
        columns = Columns(kinds)
        if any(columns[key] not in (None, key) for record in sample for key in record):
            return False
        found = plain_frame(as_utf8(file), records.depth, name, sample, kinds, self.pieces.space)
        if found is None:
            return False
        frame, count, references = found
        self._counts[name] = self._counts.get(name, 0) + count
        self._references += references
        others = columns.others(key for key, value in sample[0].items() if not isinstance(value, dict))
        self.pieces.all.append(Piece(name, frame, file.path.name, others=others))
        return True

    def _take(self, record: Record, label: str) -> None:
        name = _type_of(record) or self._untyped(record, label)
        if name is None or name not in self.catalog:
            self._other[name or label] = self._other.get(name or label, 0) + 1
            return
        self._counts[name] = self._counts.get(name, 0) + 1
        for kind, row in self._rows(name, record):
            table = self._table(kind)
            table.waiting.append(row)
            if len(table.waiting) == ROWS:
                self._write(table)

    def _untyped(self, record: Record, label: str) -> str | None:
        keys = list(record)
        named = object_of_name(label.split(".")[0], self.catalog)
        if named is not None and len(set(map(folded, keys)) & set(map(folded, self.catalog[named]))) > 1:
            return named
        ids = [value for key, value in record.items() if folded(key) == "id" and isinstance(value, str)]
        return object_of_columns(keys, ids, self.catalog, label)

    def _rows(
        self, name: str, record: Record, parent: tuple[str, str] | None = None
    ) -> Iterator[tuple[str, Row]]:
        """Yield the row of a record, and those of the records nested in it."""
        row: Row = {}
        children: list[Record] = []
        columns = self._table(name).columns
        _spread(record, "", columns, row, children)
        reference = record.get("attributes", {}).get("referenceId")
        if reference is not None:
            self._references += 1
            row.setdefault("Id", f"@{reference}")  # as lookups write it; without the @ some look like ids
        if parent is not None and (lookup := columns[f"{parent[0]}Id"]) is not None:
            row.setdefault(lookup, parent[1])
        yield name, row
        for child in children:
            kind = _type_of(child)
            if kind is not None and kind in self.catalog:
                yield from self._rows(kind, child, (name, row.get("Id") or ""))

    def _table(self, name: str) -> _Table:
        if name not in self._tables:
            self._tables[name] = _Table(Columns(self.catalog[name]))
        return self._tables[name]

    def _write(self, table: _Table) -> None:
        """Write the waiting rows; a column that was not there before begins a new file."""
        names = list(dict.fromkeys(name for row in table.waiting for name in row))
        if not table.sinks or not set(names) <= set(table.sinks[-1].schema.names):
            schema = pa.schema([(name, pa.string()) for name in names])
            table.sinks.append(self.pieces.space.sink(schema))
        schema = table.sinks[-1].schema
        columns = [pa.array([row.get(name) for row in table.waiting], pa.string()) for name in schema.names]
        table.sinks[-1].write(pa.RecordBatch.from_arrays(columns, schema=schema))
        table.waiting.clear()

    def _flush(self, label: str) -> None:
        """End the tables of a file: each is a piece of its object."""
        import polars as pl

        for name, table in self._tables.items():
            if table.waiting:
                self._write(table)
            for sink in table.sinks:
                sink.close()
            if table.sinks:
                frame = pl.concat([sink.frame() for sink in table.sinks], how="diagonal")
                others = table.columns.others(list(table.columns))
                self.pieces.all.append(Piece(name, frame, label, others=others))
        self._tables.clear()

    def _report(self) -> None:
        for name, announced in self._announced.items():
            if self._counts.get(name, 0) < announced:
                count = self._counts.get(name, 0)
                self.pieces.notes.append(
                    f"{count:,} of the {announced:,} records of {name} that a query found: pages are missing"
                )
        for name, count in self._other.items():
            self.pieces.notes.append(f"{count:,} records of {name} not read, no object of use")
        if self._references:
            self.pieces.findings.append(Finding("a tree export: references stand for ids"))
            self.pieces.findings[-1].add(self._references, [])
            self.pieces.notes.append(
                "a tree export is made to copy few records elsewhere; query the objects for an analysis"
            )


def _type_of(record: Record) -> str | None:
    attributes = record.get("attributes")
    found = attributes.get("type") if isinstance(attributes, dict) else None
    return found if isinstance(found, str) else None


def _spread(
    record: Record, prefix: str, columns: Columns, row: Row, children: list[Record]
) -> None:  # fmt: skip
    """Put the values of a record under their columns, those of related records too; collect its children."""
    for key, value in record.items():
        if key == "attributes":
            continue
        if isinstance(value, dict):
            if isinstance(value.get("records"), list):
                children += [child for child in value["records"] if isinstance(child, dict)]
            else:
                _spread(value, f"{prefix}{key}.", columns, row, children)
        elif (column := columns[f"{prefix}{key}"]) is not None:
            row.setdefault(column, _text(value))


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, list):
        return None
    return str(value)
