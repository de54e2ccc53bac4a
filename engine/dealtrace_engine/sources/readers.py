"""Logs from files, one function a format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from dealtrace_engine.log import EventLog
from dealtrace_engine.sources.files import InputFile, PathLike
from dealtrace_engine.sources.options import ReadArguments, ReadOptions


def read_csv(
    paths: PathLike | Sequence[PathLike],
    *,
    delimiter: str | None = None,
    quote: str | None = None,
    encoding: str | None = None,
    **arguments: Unpack[ReadArguments],
) -> EventLog:
    r"""Read an event log from CSV: a file, a list of files, or a folder of them; also gzipped.

    Parameters
    ----------
    paths : path or sequence of paths
        A folder means its .csv, .tsv, .csv.gz and .tsv.gz files, sorted by name.
    delimiter, quote, encoding : str, optional
        How the files are written; found out where not given, and reported in ``log.quality.notes``.
    **arguments
        See `ReadOptions`.

    Returns
    -------
    EventLog

    Raises
    ------
    ParseError
        A file is missing, empty, not text in the encoding, or has a quote that is never closed; no date
        format reads the timestamps; with `strict`, a row cannot become an event.
    SchemaError
        A column is missing or ambiguous.
    LogError
        No row can become an event, or a file changed while it was read.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "deals.csv"
    >>> _ = path.write_text("case;activity;time\n1;Quote Issued;2024-01-01\n1;Quote Accepted;2024-01-03\n")
    >>> log = read_csv(path)
    >>> log.events, log.quality.notes[0]
    (2, 'delimiter semicolon')
    """
    from dealtrace_engine.sources.csv import CsvSource

    options = ReadOptions(**arguments)
    source = CsvSource.of(paths, delimiter=delimiter, quote=quote, encoding=encoding, threads=options.threads)
    return options.log_of(source)


def read_parquet(paths: PathLike | Sequence[PathLike], **arguments: Unpack[ReadArguments]) -> EventLog:
    """Read an event log from Parquet: a file, a list of files, or a folder of them.

    Parameters
    ----------
    paths : path or sequence of paths
        A folder means its .parquet and .pq files, sorted by name.
    **arguments
        See `ReadOptions`.

    Returns
    -------
    EventLog

    Raises
    ------
    ParseError
        A file is missing, empty, damaged or cut short; with `strict`, a row cannot become an event.
    SchemaError
        A column is missing or ambiguous.
    LogError
        No row can become an event, or a file changed while it was read.

    Examples
    --------
    >>> import pathlib, tempfile, pyarrow as pa, pyarrow.parquet as pq
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "deals.parquet"
    >>> pq.write_table(pa.table({"case": ["1"], "activity": ["Lead Captured"], "time": ["2024-01-01"]}), path)
    >>> read_parquet(path).events
    1
    """
    from dealtrace_engine.sources.parquet import ParquetSource

    options = ReadOptions(**arguments)
    source = ParquetSource.of(paths, options.threads)
    return options.log_of(source, rows=source.rows)


def read_xes(path: PathLike, **arguments: Unpack[ReadArguments]) -> EventLog:
    """Read an event log from XES, also gzipped.

    Parameters
    ----------
    path : path
    **arguments
        See `ReadOptions`.

    Returns
    -------
    EventLog

    Raises
    ------
    ParseError
        The file is missing, empty, cut short, not well-formed, has a DOCTYPE, or holds a value that is not
        what its tag says; with the line.
    SchemaError
        The events have no case, activity or timestamp.
    LogError
        No event is left, or the file changed while it was read.

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
    >>> read_xes(path).quality.time_zones
    {'+01:00': 1}
    """
    from dealtrace_engine.sources.memory import TableSource
    from dealtrace_engine.sources.xes import xes_table

    options = ReadOptions(**arguments)
    file = InputFile.at(path)
    xes = xes_table(path, progress=options.progress)
    source = TableSource(xes.table, str(path), file, xes.notes, zones=xes.zones)
    return options.log_of(source, rows=xes.table.num_rows)
