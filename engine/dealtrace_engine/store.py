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
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from dealtrace_engine.attributes import Attribute
from dealtrace_engine.buffers import view
from dealtrace_engine.errors import DealtraceError, LogError, ParseError, first_line
from dealtrace_engine.log import EventLog, Origin
from dealtrace_engine.output import PathLike, written_whole
from dealtrace_engine.quality import Finding
from dealtrace_engine.schema import Roles
from dealtrace_engine.sources.files import InputFile

FORMAT = 1
KEY = b"dealtrace"
SUFFIX = ".dealtrace"
CORE = ("case_ids", "activities", "case_offsets", "activity_codes", "timestamps", "rows")


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


def save(log: EventLog, path: PathLike, columns: Sequence[str] | None = None) -> None:
    """Write a log to dealtrace's own file; it appears under its name only when it is complete.

    Parameters
    ----------
    log : EventLog
    path : path
    columns : sequence of str, optional
        The other columns to keep; all by default.

    Raises
    ------
    OutputError
        The file cannot be written.
    LogError
        A column is still to be read and the source has changed.
    """
    names = log.attribute_names if columns is None else columns
    attributes = [log.attribute(name) for name in dict.fromkeys(names)]
    arrays = {
        "case_ids": log.case_ids,
        "activities": log.activities,
        "case_offsets": pa.array(log.case_offsets),
        "activity_codes": pa.array(log.activity_codes),
        "timestamps": pa.array(log.timestamps),
        "rows": pa.array(log.rows),
    } | {f"{a.level}:{a.name}": _compact(a.values) for a in attributes}
    cells = {name: _as_cell(values) for name, values in arrays.items()}
    schema = pa.schema([(name, cell.type) for name, cell in cells.items()], {KEY: _header(log, arrays)})
    with (
        written_whole(path) as temporary,
        pa.OSFile(str(temporary), "wb") as sink,
        pa.ipc.new_file(sink, schema) as writer,
    ):
        writer.write_batch(pa.record_batch(list(cells.values()), schema=schema))


def _compact(values: pa.Array) -> pa.Array:
    kind = values.type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return values.dictionary_encode() if text else values


def _as_cell(values: pa.Array) -> pa.LargeListArray:
    return pa.LargeListArray.from_arrays(pa.array([0, len(values)], pa.int64()), values)


def _header(log: EventLog, arrays: Mapping[str, pa.Array]) -> bytes:
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
        "digests": {name: digest(values) for name, values in arrays.items()},
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
        batch = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
        header = _checked_header(batch.schema.metadata, file)
        columns = {name: cell.flatten() for name, cell in zip(batch.schema.names, batch.columns, strict=True)}
        return _log_of(columns, header, file)


def _log_of(columns: Mapping[str, pa.Array], header: Mapping[str, Any], file: InputFile) -> EventLog:
    _check_lengths(columns, header, file)
    roles = Roles(header["roles"]["columns"], header["roles"]["chosen"])
    kept = {}
    for key in columns:
        level, _, name = key.partition(":")
        if key not in CORE:
            kept[name] = Attribute(name, _level(level, file), columns[key])
    source = StoredLog(file, header["made_from"], header["fingerprint"], tuple(kept), header["digests"])
    findings = {name: [Finding(**finding) for finding in header[name]] for name in ("dropped", "noted")}
    origin = Origin(source, roles, header["rows_read"], **findings, time_zones=header["time_zones"],
                    notes=header["notes"], timezone=header["timezone"],
                    timestamp_format=header["timestamp_format"])  # fmt: skip
    offsets, codes, times, rows = (view(columns[name]) for name in CORE[2:])
    return EventLog(columns["case_ids"], columns["activities"], offsets, codes, times, rows, origin, kept)


def _level(text: str, file: InputFile) -> Literal["case", "event"]:
    if text not in ("case", "event"):
        raise ParseError(f"the file has a column of unknown level {text!r}", file=file.path)
    return "case" if text == "case" else "event"


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
    ends = columns["case_offsets"][0].as_py(), columns["case_offsets"][cases].as_py()
    if ends != (0, events):
        raise ParseError("is damaged: the cases do not cover the events", file=file.path)
    _check_bounds(columns, file)


def _check_bounds(columns: Mapping[str, pa.Array], file: InputFile) -> None:
    """Refuse what would make a kernel leave its arrays; contents are for `verify`."""
    columns["activities"].validate(full=True)
    _, spots, _ = columns["case_ids"].buffers()
    ids = np.frombuffer(spots, np.int64)[columns["case_ids"].offset :][: len(columns["case_ids"]) + 1]
    codes, distinct = view(columns["activity_codes"]), len(columns["activities"])
    if np.any(np.diff(view(columns["case_offsets"])) < 1) or np.any(np.diff(ids) < 0):
        raise ParseError("is damaged: the cases are out of order", file=file.path, hint="import it again")
    if codes.max() >= distinct:
        raise ParseError("is damaged: there is no such activity", file=file.path, hint="import it again")


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
            batch = pa.ipc.open_file(pa.memory_map(source.label)).get_batch(0)
            for name, cell in zip(batch.schema.names, batch.columns, strict=True):
                if digest(cell.flatten()) != source.digests.get(name):
                    problems.append(f"column {name!r} is not what was saved")
        if log.fingerprint != source.fingerprint:
            problems.append("the events are not those that were saved")
    return problems + _disorder(log)


def _disorder(log: EventLog) -> list[str]:
    offsets, times = log.case_offsets, log.timestamps
    if np.any(np.diff(offsets) < 1):
        return ["a case has no events"]
    later = times[1:] >= times[:-1]
    later[offsets[1:-1] - 1] = True
    problems = [] if later.all() else ["the events of a case are not in order of time"]
    if log.activity_codes.max() >= len(log.activities):
        problems.append("an event has an activity that does not exist")
    return problems
