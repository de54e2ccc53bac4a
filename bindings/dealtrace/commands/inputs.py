"""Which reader opens what is named on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dealtrace.commands.arguments import COLUMNS, INPUTS
from dealtrace_engine.errors import ParseError, SchemaError

if TYPE_CHECKING:
    from dealtrace_engine.filters.expressions import Expression
    from dealtrace_engine.log import EventLog
    from dealtrace_engine.parallel import Progress

SUFFIXES = {
    "csv": (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz"),
    "parquet": (".parquet", ".pq"),
    "xes": (".xes", ".xes.gz"),
    "dealtrace": (".dealtrace",),
}
CSV_ONLY = ("delimiter", "quote", "encoding")


def open_input(arguments: argparse.Namespace, progress: Progress | None = None) -> EventLog:
    """Read the log that the arguments name.

    Raises
    ------
    ParseError, SchemaError, LogError
        What the reader says, or no reader fits.
    """
    import dealtrace as dt

    kind = input_format(arguments.paths)
    _check_fits(kind, arguments)
    if kind == "dealtrace":
        return dt.open(arguments.paths[0])
    paths = arguments.paths[0] if len(arguments.paths) == 1 else arguments.paths
    options: dict[str, Any] = {
        **reading_parameters(arguments), "threads": arguments.threads, "progress": progress,
    }  # fmt: skip
    reader = {"csv": dt.read_csv, "parquet": dt.read_parquet, "xes": dt.read_xes}[kind]
    return reader(paths, **options)


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
    """Return what was said about how to read, as the readers' arguments."""
    parameters = {name: getattr(arguments, option) for option, (name, _) in COLUMNS.items()}
    parameters |= {name: getattr(arguments, name) for name in ("timezone", "timestamp_format", *CSV_ONLY)}
    given = {name: value for name, value in parameters.items() if value is not None}
    return {**given, "strict": True} if arguments.strict else given


def input_format(paths: list[str]) -> str:
    """Return the one format of all paths.

    Raises
    ------
    ParseError
        A suffix is unknown, or the paths are of several formats.

    Examples
    --------
    >>> input_format(["a.parquet", "b.pq"])
    'parquet'
    """
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
    if path.is_dir():
        return "parquet"
    for kind, suffixes in SUFFIXES.items():
        if path.name.lower().endswith(suffixes):
            return kind
    if not path.exists():
        raise ParseError("there is no such file", file=path)
    raise ParseError("cannot tell the format from the name", file=path, hint=f"supported: {INPUTS}")


def _check_fits(kind: str, arguments: argparse.Namespace) -> None:
    given = reading_parameters(arguments)
    if kind == "dealtrace" and given:
        raise SchemaError(
            f"{_listed(given)} cannot be changed in a .dealtrace file", file=arguments.paths[0],
            hint="import the source again",
        )  # fmt: skip
    misplaced = {name: value for name, value in given.items() if name in CSV_ONLY}
    if kind != "csv" and misplaced:
        raise SchemaError(
            f"{_listed(misplaced)} is for CSV only", file=arguments.paths[0], hint="leave it out"
        )


def _listed(given: dict[str, Any]) -> str:
    options = {name: option for option, (name, _) in COLUMNS.items()}
    return ", ".join(f"--{options.get(name, name).replace('_', '-')}" for name in given)
