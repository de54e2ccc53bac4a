"""XES, the field's exchange format for event logs (IEEE 1849), as a table of events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from dealtrace_engine.errors import ParseError
from dealtrace_engine.parallel import Progress
from dealtrace_engine.sources.files import InputFile, PathLike
from dealtrace_engine.sources.xes_reader import XesReader, line_of
from dealtrace_engine.sources.xes_rows import TIMESTAMP, BadCell

CASE_PREFIX = "case:"
_SHOWN, _LONGEST = 20, 100


@dataclass(frozen=True)
class XesTable:
    """The events of an XES log.

    Attributes
    ----------
    table : pyarrow.Table
        One row per event, in the order of the file. Attributes of the trace are columns ``case:KEY``,
        those of the event ``KEY``; string and id are text, date is timestamp[us, UTC] (ns where a date
        has digits beyond microseconds), int is int64, float is float64, boolean is bool.
    notes : list of str
        How the file was read, and what of it is not in the table.
    zones : dict of str to int
        UTC offset in ``time:timestamp`` to number of events; ``"naive"`` where none is written.
    traces : int
        Traces in the file, also those without events.
    """

    table: pa.Table
    notes: list[str]
    zones: dict[str, int]
    traces: int


def xes_table(path: PathLike, *, progress: Progress | None = None) -> XesTable:
    """Read an XES file (.xes, or gzipped, whatever its name) as a table.

    The file is read as a stream. Defaults in ``<global>`` are not applied, attributes inside of other
    attributes, lists and containers are left out; both are counted in the notes. A key that occurs with
    several types becomes text, as written. Dates without an offset are UTC.

    Parameters
    ----------
    path : path-like
    progress : callable, optional
        Called with (bytes read, bytes of the file); returning False cancels.

    Returns
    -------
    XesTable

    Raises
    ------
    ParseError
        The file is missing, empty, cut off, not well-formed XML, has a DOCTYPE, is no XES, or holds a
        value that is not what its tag says; with the line.
    LogError
        The file changed while it was read.

    References
    ----------
    IEEE 1849-2023, Standard for eXtensible Event Stream (XES).

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "log.xes"
    >>> _ = path.write_text('''<log><trace><string key="concept:name" value="deal 1"/>
    ... <event><string key="concept:name" value="won"/>
    ... <date key="time:timestamp" value="2026-01-31T12:00:00+01:00"/></event></trace></log>''')
    >>> xes = xes_table(path)
    >>> xes.table.column_names, xes.zones
    (['case:concept:name', 'concept:name', 'time:timestamp'], {'+01:00': 1})
    """
    file = InputFile.at(path)
    reader = _read(file, XesReader(file), progress)
    mixed = reader.traces.mixed, reader.events.mixed
    if any(mixed):
        del reader  # and what it has read, before it is all read again
        reader = _read(file, XesReader(file, *mixed), progress)
    file.check()
    table, renamed = _table(file, reader)
    zones = dict(reader.events.zones.get(TIMESTAMP, {}))
    return XesTable(table, _notes(reader, *mixed) + renamed, zones, reader.trace_count)


def _read(file: InputFile, reader: XesReader, progress: Progress | None) -> XesReader:
    try:
        reader.read(progress)
    except BadCell as cell:
        prefix = CASE_PREFIX if cell.scope == "traces" else ""
        raise ParseError(
            cell.bad.what, file=file.path, line=line_of(file, cell), column=prefix + cell.key,
            value=cell.bad.value, hint=cell.bad.hint,
        ) from cell  # fmt: skip
    except ParseError:
        file.check()  # a file that changed is the better explanation
        raise
    return reader


def _table(file: InputFile, reader: XesReader) -> tuple[pa.Table, list[str]]:
    """Put the columns side by side; an event's key that looks like a trace's gets another name."""
    try:
        columns = {CASE_PREFIX + key: column for key, column in reader.traces.columns().items()}
        events = reader.events.columns()
    except OverflowError as error:
        what = "a column has dates with nanoseconds and others outside of the years 1678 to 2261"
        raise ParseError(what, file=file.path) from error
    renamed = {key: f"event:{key}" if key in columns else key for key in events}
    columns.update({renamed[key]: column for key, column in events.items()})
    notes = [f"the events' own {key!r} is called {name!r}" for key, name in renamed.items() if key != name]
    if columns:
        return pa.table(columns), notes
    return pa.table({"": pa.nulls(reader.events.count)}).select([]), notes


def _notes(reader: XesReader, mixed_cases: frozenset[str], mixed_events: frozenset[str]) -> list[str]:
    how = ", gzip" if reader.xml.gzipped else ""
    mixed = [CASE_PREFIX + key for key in sorted(mixed_cases)] + sorted(mixed_events)
    counted = (
        (reader.empty_traces, "traces without events"),
        (reader.loose_events, "events outside of any trace, which have no case"),
        (reader.nested, "attributes inside of others, not read"),
        (reader.collections, "lists and containers, not read"),
        (reader.missing_values, "attributes without a value, read as null"),
        (reader.traces.repeated_keys + reader.events.repeated_keys, "repeated keys, the last value is kept"),
        (reader.unknown.total(), f"unknown tags, not read: {_listed(reader.unknown)}"),
        (reader.defaults, "defaults in <global>, not applied"),
    )
    lists = (
        ("several types, read as text", mixed),
        ("extensions", reader.extensions),
        ("classifiers", reader.classifiers),
        ("attributes of the log, not read", reader.log_keys),
    )
    return [
        f"XES, {reader.xml.encoding}{how}: {reader.trace_count:,} traces, {reader.events.count:,} events",
        *(f"{count:,} {what}" for count, what in counted if count),
        *(f"{what}: {_listed(names)}" for what, names in lists if names),
    ]


def _listed(names: Iterable[str]) -> str:
    names = [name if len(name) <= _LONGEST else name[:_LONGEST] + "..." for name in names]
    more = f", ... ({len(names)} in all)" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
