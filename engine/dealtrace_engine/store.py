"""dealtrace's own file: an Arrow IPC file, memory-mapped, with one row whose cells are the log's columns.

Columns of different lengths (cases, events, activities) are one list each, so that opening reads the schema
and the footer and touches no event. Format 1::

    case_ids, activities : large_list<large_string>
    case_offsets, timestamps : large_list<int64>
    activity_codes : large_list<uint8 | uint16 | uint32>
    rows : large_list<uint32>
    case:NAME, event:NAME : large_list<...>        a value per case or per event
    schema metadata "dealtrace" : JSON             format, counts, fingerprint, origin, digest of each column
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from dealtrace_engine.attributes import Attribute
from dealtrace_engine.buffers import arrow, view
from dealtrace_engine.coverage import Coverage
from dealtrace_engine.errors import DealtraceError, LogError, ParseError, first_line
from dealtrace_engine.log import EventLog
from dealtrace_engine.origin import Origin
from dealtrace_engine.output import PathLike, written_whole
from dealtrace_engine.parallel import Progress, tick
from dealtrace_engine.quality import Finding
from dealtrace_engine.schema import Roles
from dealtrace_engine.sources.files import InputFile

FORMAT = 1
KEY = b"dealtrace"
SUFFIX = ".dealtrace"
KINDS = {
    "case_ids": ("large_string",),
    "activities": ("large_string",),
    "case_offsets": ("int64",),
    "activity_codes": ("uint8", "uint16", "uint32"),
    "timestamps": ("int64",),
    "rows": ("uint32",),
}
CORE = tuple(KINDS)


@dataclass(frozen=True)
class StoredLog:
    """A file of dealtrace's own, as the source of a log.

    Attributes
    ----------
    file : InputFile
    made_from : str
        What the log was first read from.
    fingerprint : str
        Of the log, as it was saved.
    names : tuple of str
    digests : mapping of str to str
        SHA-256 of each column, as it was saved.
    """

    file: InputFile
    made_from: str
    fingerprint: str
    names: tuple[str, ...]
    digests: Mapping[str, str]

    @property
    def label(self) -> str:
        """The path."""
        return str(self.file.path)

    def read(self, names: Sequence[str]) -> pa.Table:
        """Raise: every column of the file is mapped when it is opened."""
        raise LogError(f"the file keeps no column {', '.join(map(repr, names))}", file=self.label)

    def describe(self) -> list[dict[str, object]]:
        """Return path, size and fingerprint."""
        path = {"path": self.label, "bytes": self.file.size}
        return [{**path, "log_fingerprint": self.fingerprint, "made_from": self.made_from}]


def save(
    log: EventLog,
    path: PathLike,
    columns: Sequence[str] | None = None,
    *,
    progress: Progress | None = None,
) -> None:
    """Write a log to dealtrace's own file; it appears under its name only when it is complete.

    Parameters
    ----------
    log : EventLog
    path : path
    columns : sequence of str, optional
        The other columns to keep; all by default.
    progress : callable (done, of) -> object, optional
        Called as columns are read and digested; returning False cancels.

    Raises
    ------
    OutputError
        The file cannot be written.
    LogError
        A column is still to be read and the source has changed.
    """
    names = list(dict.fromkeys(log.attribute_names if columns is None else columns))
    steps, attributes = len(CORE) + 2 * len(names), []
    for name in names:
        attributes.append(log.attribute(name))
        tick(progress, len(attributes), steps)
    arrays = {
        "case_ids": log.case_ids,
        "activities": log.activities,
        "case_offsets": arrow(log.case_offsets),
        "activity_codes": arrow(log.activity_codes),
        "timestamps": arrow(log.timestamps),
        "rows": arrow(log.rows),
    } | {f"{a.level}:{a.name}": a.values for a in attributes}
    cells = {name: _as_cell(values) for name, values in arrays.items()}
    digests = {}
    for name, values in arrays.items():
        digests[name] = digest(values)
        tick(progress, len(attributes) + len(digests), steps)
    schema = pa.schema([(name, cell.type) for name, cell in cells.items()], {KEY: _header(log, digests)})
    with (
        written_whole(path) as temporary,
        pa.OSFile(str(temporary), "wb") as sink,
        pa.ipc.new_file(sink, schema) as writer,
    ):
        writer.write_batch(pa.record_batch(list(cells.values()), schema=schema))


def _as_cell(values: pa.Array) -> pa.LargeListArray:
    return pa.LargeListArray.from_arrays(pa.array([0, len(values)], pa.int64()), values)


def _header(log: EventLog, digests: Mapping[str, str]) -> bytes:
    origin = log.origin
    made_from = origin.source.made_from if isinstance(origin.source, StoredLog) else origin.source.label
    header = {
        "format": FORMAT,
        "cases": log.cases,
        "events": log.events,
        "fingerprint": log.fingerprint,
        "made_from": made_from,
        "roles": {"columns": dict(origin.roles.columns), "chosen": dict(origin.roles.chosen)},
        "rows_read": origin.rows_read,
        "dropped": [asdict(finding) for finding in origin.dropped],
        "noted": [asdict(finding) for finding in origin.noted],
        "time_zones": origin.time_zones,
        "notes": origin.notes,
        "timezone": origin.timezone,
        "timestamp_format": origin.timestamp_format,
        "coverage": None if origin.coverage is None else origin.coverage.to_dict(),
        "digests": digests,
    }
    return json.dumps(header).encode()


def digest(values: pa.Array) -> str:
    """Return a SHA-256 of a column's type and content."""
    if pa.types.is_dictionary(values.type):
        parts = digest(values.indices) + digest(values.dictionary)
        return hashlib.sha256(parts.encode()).hexdigest()
    content = pa.record_batch([values], names=["values"]).serialize()
    return hashlib.sha256(str(values.type).encode() + content.to_pybytes()).hexdigest()


def open_log(path: PathLike) -> EventLog:
    """Open dealtrace's own file. Nothing is read but the header; the events are mapped into memory.

    Parameters
    ----------
    path : path

    Returns
    -------
    EventLog

    Raises
    ------
    ParseError
        The file is not one of dealtrace's, is damaged, or is of a newer format.

    Examples
    --------
    >>> import tempfile, pathlib, pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "1"], "activity": ["a", "b"],
    ...                            "time": ["2024-01-01", "2024-01-03"]}))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log.save(pathlib.Path(folder, "log.dealtrace"))
    ...     open_log(pathlib.Path(folder, "log.dealtrace")).events
    2
    """
    file = InputFile.at(path)
    with _damage_named(file):
        columns, header = _read(file)
        return _log_of(columns, header, file)


def _read(file: InputFile) -> tuple[dict[str, pa.Array], dict[str, Any]]:
    """Map the columns of a file, so that none leads out of it, and return its header."""
    reader = pa.ipc.open_file(pa.memory_map(str(file.path)))
    header = _checked_header(reader.schema.metadata, file)
    if reader.num_record_batches != 1:
        raise ValueError(f"{reader.num_record_batches} record batches")
    batch = reader.get_batch(0)
    batch.validate()
    columns = {name: _cell(batch.column(i)) for i, name in enumerate(batch.schema.names)}
    return columns, header


def _cell(column: pa.Array) -> pa.Array:
    if not pa.types.is_large_list(column.type) or len(column) != 1 or column.null_count:
        raise ValueError("a column is not one list")
    begin, end = column.offsets[0].as_py(), column.offsets[1].as_py()
    if begin != 0 or end != len(column.values):
        raise ValueError("a list does not cover its values")
    return column.values


def _log_of(columns: Mapping[str, pa.Array], header: Mapping[str, Any], file: InputFile) -> EventLog:
    _check_lengths(columns, header, file)
    _check_indexes(columns, file)
    roles = Roles(header["roles"]["columns"], header["roles"]["chosen"])
    kept = StoredAttributes({key: values for key, values in columns.items() if key not in CORE}, file)
    source = StoredLog(file, header["made_from"], header["fingerprint"], tuple(kept), header["digests"])
    dropped, noted = ([Finding(**finding) for finding in header[name]] for name in ("dropped", "noted"))
    covered = header.get("coverage")
    origin = Origin(source, roles, header["rows_read"], dropped, noted, header["time_zones"], header["notes"],
                    header["timezone"], header["timestamp_format"],
                    None if covered is None else Coverage.from_dict(covered))  # fmt: skip
    offsets, codes, times, rows = (view(columns[name]) for name in CORE[2:])
    return EventLog(columns["case_ids"], columns["activities"], offsets, codes, times, rows, origin, kept)


class StoredAttributes(Mapping[str, Attribute]):
    """The attributes in a file, each checked when it is first asked for."""

    def __init__(self, columns: Mapping[str, pa.Array], file: InputFile) -> None:
        self._columns = {key.partition(":")[2]: (key.partition(":")[0], columns[key]) for key in columns}
        self._file = file
        self._checked: dict[str, Attribute] = {}

    def __getitem__(self, name: str) -> Attribute:
        if name not in self._checked:
            level, values = self._columns[name]
            with _damage_named(self._file):
                values.validate(full=True)
            self._checked[name] = Attribute(name, "case" if level == "case" else "event", values)
        return self._checked[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


def _checked_header(metadata: Mapping[bytes, bytes] | None, file: InputFile) -> dict[str, Any]:
    if not metadata or KEY not in metadata:
        raise ParseError("is an Arrow file, but not an event log of dealtrace", file=file.path,
                         hint="read it as a table and use from_arrow")  # fmt: skip
    header: dict[str, Any] = json.loads(metadata[KEY])
    if header["format"] != FORMAT:
        raise ParseError(f"is of format {header['format']}, this version reads {FORMAT}", file=file.path,
                         hint="update dealtrace or import the source again")  # fmt: skip
    return header


def _check_lengths(columns: Mapping[str, pa.Array], header: Mapping[str, Any], file: InputFile) -> None:
    cases, events = header["cases"], header["events"]
    wanted = dict.fromkeys(("activity_codes", "timestamps", "rows"), events)
    wanted |= {"case_ids": cases, "case_offsets": cases + 1}
    for name, values in columns.items():
        length = wanted.get(name, {"case": cases, "event": events}.get(name.partition(":")[0], len(values)))
        if len(values) != length:
            raise ParseError(
                f"is damaged: {len(values):,} values instead of {length:,}", file=file.path, column=name
            )
        if name not in CORE and name.partition(":")[0] not in ("case", "event"):
            raise ParseError("is damaged: of neither cases nor events", file=file.path, column=name)


def _check_indexes(columns: Mapping[str, pa.Array], file: InputFile) -> None:
    """Make sure that no index leads out of the column it points into; times may still be wrong."""
    for name, kind in KINDS.items():
        if columns[name].null_count or str(columns[name].type) not in kind:
            raise ParseError("is damaged: another type than was saved", file=file.path, column=name)
    for texts in ("case_ids", "activities"):
        columns[texts].validate(full=True)
    offsets, codes = view(columns["case_offsets"]), view(columns["activity_codes"])
    if offsets[0] != 0 or offsets[-1] != len(codes) or np.any(offsets[1:] <= offsets[:-1]):
        raise ParseError("is damaged: the cases are out of order", file=file.path)
    if len(codes) and codes.max() >= len(columns["activities"]):
        raise ParseError("is damaged: there is no such activity", file=file.path)


@contextmanager
def _damage_named(file: InputFile) -> Iterator[None]:
    try:
        yield
    except DealtraceError:
        raise
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise ParseError(f"is not a whole file of dealtrace ({first_line(error)})", file=file.path,
                         hint="import the source again") from error  # fmt: skip


def verify(log: EventLog) -> list[str]:
    """Return what is wrong with the content of an opened file; an empty list where nothing is.

    Every column is compared with its digest from when it was saved, and the order of events is checked.
    """
    source = log.origin.source
    problems = []
    if isinstance(source, StoredLog):
        with _damage_named(source.file):
            for name, values in _read(source.file)[0].items():
                values.validate(full=True)
                if digest(values) != source.digests.get(name):
                    problems.append(f"column {name!r} is not what was saved")
        if log.fingerprint != source.fingerprint:
            problems.append("the events are not those that were saved")
    return problems + _disorder(log)


def _disorder(log: EventLog) -> list[str]:
    later = log.timestamps[1:] >= log.timestamps[:-1]
    later[log.case_offsets[1:-1] - 1] = True
    return [] if later.all() else ["the events of a case are not in order of time"]
