"""Which reader opens what is named on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dealtrace.commands.arguments import COLUMNS, CRM, INPUTS
from dealtrace_engine.errors import LogError, ParseError, SchemaError

if TYPE_CHECKING:
    from dealtrace_engine.calendar import Calendars, WorkingCalendar
    from dealtrace_engine.filters.expressions import Expression
    from dealtrace_engine.log import EventLog
    from dealtrace_engine.parallel import Progress

SUFFIXES = {
    "csv": (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz"),
    "parquet": (".parquet", ".pq"),
    "xes": (".xes", ".xes.gz"),
    "dealtrace": (".dealtrace",),
}
CRMS = ("salesforce", "dynamics")
EXPORTS = (".zip", ".xlsx", ".xls", ".json", ".jsonl")
"""Files that only an export of a CRM can be."""
CSV_ONLY = ("delimiter", "quote", "encoding")
CRM_TOO = ("timezone", "strict")
"""What is said about how to read that holds for exports of a CRM too."""


def read_hours(path: str | None) -> WorkingCalendar | Calendars | None:
    """Return the calendar of a file, if one is named."""
    from dealtrace_engine.models.calendar_file import read_calendar

    return None if path is None else read_calendar(path)


def open_input(arguments: argparse.Namespace, progress: Progress | None = None) -> EventLog:
    """Read the log that the arguments name.

    Raises
    ------
    ParseError, SchemaError, LogError
        What the reader says, or no reader fits.
    """
    kind = input_format(arguments.paths, arguments.crm)
    _check_fits(kind, arguments)
    if kind in CRMS:
        return _export(kind, arguments, progress)
    return _in_language(_plain_log(kind, arguments, progress), arguments)


def _plain_log(kind: str, arguments: argparse.Namespace, progress: Progress | None) -> EventLog:
    import dealtrace as dt

    if kind == "dealtrace":
        return dt.open(arguments.paths[0])
    paths = arguments.paths[0] if len(arguments.paths) == 1 else arguments.paths
    options: dict[str, Any] = {
        **_row_parameters(arguments), "threads": arguments.threads, "progress": progress,
    }  # fmt: skip
    reader = {"csv": dt.read_csv, "parquet": dt.read_parquet, "xes": dt.read_xes}[kind]
    log = reader(paths, **options)
    if Path(arguments.paths[0]).is_dir():
        log.origin.notes.insert(0, "the folder is a set of Parquet files, no export of a CRM")
    return log


def _export(kind: str, arguments: argparse.Namespace, progress: Progress | None) -> EventLog:
    import dealtrace as dt

    if len(arguments.paths) > 1:
        raise ParseError(
            "one export of a CRM at a time", file=arguments.paths[1], hint="put it in one folder"
        )
    reader = {"salesforce": dt.read_salesforce, "dynamics": dt.read_dynamics}[kind]
    return reader(
        arguments.paths[0], shape=arguments.shape, mapping=arguments.mapping, case=arguments.case_object,
        language=arguments.lang, timezone=arguments.timezone, strict=arguments.strict,
        threads=arguments.threads, progress=progress,
    )  # fmt: skip


def _in_language(log: EventLog, arguments: argparse.Namespace) -> EventLog:
    """Return the log with its canonical activities named in the language that was asked for, if one was."""
    if arguments.lang is None:
        return log
    import dealtrace as dt

    labels = dt.read_mapping(arguments.mapping).labels if arguments.mapping else None
    found = dt.canonical_activities(log, labels=labels, show=arguments.lang)
    if not found.mapped or found.log is None:
        raise LogError("none of the activities is a canonical one", file=arguments.paths[0],
                       hint="leave out --lang, or say what they mean in [labels] of --mapping")  # fmt: skip
    return found.log


def read_filter(given: str | None) -> Expression | None:
    """Return the filter that is given as JSON text or as the path of a file, or None.

    Raises
    ------
    ParseError, SchemaError
        There is no such file, or it is no filter.

    Examples
    --------
    >>> read_filter('{"version": 1, "filter": {"op": "contains", "activity": "Quote Revised"}}')
    w.contains('Quote Revised')
    """
    if given is None:
        return None
    from dealtrace_engine.filters.json_form import from_json

    if given.lstrip().startswith("{"):
        return from_json(given)
    try:
        return from_json(Path(given).read_bytes())
    except OSError as error:
        raise ParseError(f"the filter cannot be read ({error.strerror})", file=given,
                         hint="give JSON text or the path of a file") from error  # fmt: skip
    except (ParseError, SchemaError) as error:
        raise type(error)(error.what, file=given, value=error.value, hint=error.hint) from error


def reading_parameters(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what was said about how to read, for a manifest."""
    said = {name: getattr(arguments, name) for name in (*CRM, "lang")}
    return {
        **_row_parameters(arguments),
        **{name: value for name, value in said.items() if value is not None},
    }


def _row_parameters(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what was said about how to read rows, as the readers' arguments."""
    parameters = {name: getattr(arguments, option) for option, (name, _) in COLUMNS.items()}
    parameters |= {name: getattr(arguments, name) for name in ("timezone", "timestamp_format", *CSV_ONLY)}
    given = {name: value for name, value in parameters.items() if value is not None}
    return {**given, "strict": True} if arguments.strict else given


def input_format(paths: list[str], crm: str | None = None) -> str:
    """Return the one format of all paths: csv, parquet, xes, dealtrace, salesforce or dynamics.

    Parameters
    ----------
    paths : list of str
    crm : str, optional
        The CRM that it is said to come from.

    Raises
    ------
    ParseError
        A suffix is unknown, a folder holds nothing that is known, or the paths are of several formats.

    Examples
    --------
    >>> input_format(["a.parquet", "b.pq"])
    'parquet'
    """
    if crm is not None:
        return crm
    kinds = {path: _format_of(Path(path)) for path in paths}
    first = kinds[paths[0]]
    for path, kind in kinds.items():
        if kind != first:
            raise ParseError(
                f"is {kind}, but {paths[0]} is {first}", file=path, hint="name files of one format"
            )
    if first == "dealtrace" and len(paths) > 1:
        raise ParseError("only one .dealtrace file can be opened at a time", file=paths[1])
    return first


def _format_of(path: Path) -> str:
    for kind, suffixes in SUFFIXES.items():
        if path.name.lower().endswith(suffixes) and not path.is_dir():
            return kind
    if not path.exists():
        raise ParseError("there is no such file", file=path)
    if path.is_dir() or path.suffix.lower() in EXPORTS:
        return _format_inside(path)
    raise ParseError("cannot tell the format from the name", file=path, hint=f"supported: {INPUTS}")


def _format_inside(path: Path) -> str:
    """Tell the format by the tables in a folder or a packed file."""
    from dealtrace_engine.sources.crm.read import recognised

    found = recognised(path)
    if found is not None:
        return found[0]
    if path.is_dir() and any(file.name.lower().endswith(SUFFIXES["parquet"]) for file in path.rglob("*")):
        return "parquet"
    raise ParseError(
        "is neither an export of Salesforce or Dynamics that is known by its tables, nor a folder of Parquet "
        "files" if path.is_dir() else "is no export of Salesforce or Dynamics that is known by its tables",
        file=path, hint="say --crm and --shape, or name the files of a log",
    )  # fmt: skip


def _check_fits(kind: str, arguments: argparse.Namespace) -> None:
    given, path = _row_parameters(arguments), arguments.paths[0]
    of_crm = [name for name in CRM if getattr(arguments, name) is not None]
    if kind in CRMS:
        unfit = [name for name in given if name not in CRM_TOO]
        if unfit:
            what = f"{_listed(unfit)} is not for an export of a CRM"
            raise SchemaError(what, file=path, hint="say such things in a mapping file")
        return
    of_others = arguments.lang is not None or getattr(arguments, "moves_ends", False)
    if of_others and "mapping" in of_crm:
        of_crm.remove("mapping")  # its labels, or its ends of KPIs
    if of_crm:
        what = f"{_listed(of_crm)} is for exports of a CRM only"
        raise SchemaError(what, file=path, hint="leave it out, or say --crm")
    if kind == "dealtrace" and given:
        what = f"{_listed(given)} cannot be changed in a .dealtrace file"
        raise SchemaError(what, file=path, hint="import the source again")
    misplaced = [name for name in given if name in CSV_ONLY]
    if kind != "csv" and misplaced:
        raise SchemaError(f"{_listed(misplaced)} is for CSV only", file=path, hint="leave it out")


def _listed(given: Iterable[str]) -> str:
    options = {name: option for option, (name, _) in COLUMNS.items()}
    return ", ".join(f"--{options.get(name, name).replace('_', '-')}" for name in given)
