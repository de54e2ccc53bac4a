"""Which shape an export of Dynamics has, told from names and first lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

from dealtrace_engine.errors import DealtraceError
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.dynamics import excel, json_rows, replica
from dealtrace_engine.sources.dynamics.naming import is_process, logical_columns, table_by_columns, table_of
from dealtrace_engine.sources.dynamics.objects import ENTITY_SETS, KEYS
from dealtrace_engine.sources.dynamics.synapse import repeats_id, stamped_folders
from dealtrace_engine.sources.dynamics.synapse_model import entities, files_of, models
from dealtrace_engine.sources.files import InputFile

FILES_LOOKED_AT = 200
REPEATED = ("opportunity", "quote", "salesorder", "invoice", "lead")
"""Tables whose rows change: if an id is there twice, every change was appended."""
ROWS_LOOKED_AT = 20_000
FEWEST_COLUMNS = 5
"""Known ones, of a file that is not named after a table."""


def recognise(path: Path) -> str | None:
    """Return the shape of an export at a path, or None where it is none of Dynamics.

    Parameters
    ----------
    path : Path
        A file or a folder; it need not exist.
    """
    try:
        if stamped_folders(path) and any(models(folder) for folder in stamped_folders(path)):
            return "synapse-incremental"
        if path.is_dir() and models(path):
            return "synapse-append" if _quietly(_is_appended, path) else "synapse-link"
        return _of_files(path)
    except (DealtraceError, OSError):
        return None


def _of_files(path: Path) -> str | None:
    if replica.is_delta(path):
        return "replica"
    for file in islice(_files(path), FILES_LOOKED_AT):
        name = file.name.lower()
        if name.endswith(json_rows.SUFFIXES) and _quietly(_is_web_api, file):
            return "web-api"
        if name.endswith(excel.SUFFIXES) and _quietly(excel.is_export, file):
            return "excel"
        if name.endswith(replica.CSV + replica.PARQUET) and _quietly(_is_replica, file):
            return "replica"
    return None


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from (file for file in sorted(path.rglob("*")) if file.is_file())


def _quietly(test: Callable[[Path], bool], file: Path) -> bool:
    """Ask of a file; one that cannot be read is none."""
    try:
        return test(file)
    except (DealtraceError, OSError):
        return False


def _is_web_api(file: Path) -> bool:
    source = json_rows.json_file(InputFile.at(file))
    if source.entity_set in ENTITY_SETS or source.entity_set == "Microsoft":
        return True
    keys = {key for record in json_rows.sample(source) for key in record}
    return is_process(keys) or _is_table(file.name, keys)


def _is_replica(file: Path) -> bool:
    columns = replica.column_names(file)
    return is_process(columns) or _is_table(file.name, columns) or _is_table(file.parent.name, columns)


def _is_table(name: str, columns: Iterable[str]) -> bool:
    """Return whether columns are those of a table of Dynamics: its own id by its logical name is there."""
    names = [column.lower() for column in columns]
    table = table_of(name)
    if table == "stringmap":
        return {"attributename", "attributevalue"} <= set(names)
    if table is None:
        table = table_by_columns(names)
        if table is None or len(logical_columns(table, names, CrmMapping())) < FEWEST_COLUMNS:
            return False
    return logical_columns(table, names, CrmMapping()).get(KEYS[table], "id") != "id"


def _is_appended(path: Path) -> bool:
    """Return whether a record is there twice among the first rows of a table."""
    for entity in entities(path):
        if table_of(entity.name) in REPEATED:
            for file in files_of(entity, path)[:3]:
                if repeats_id(entity, file, ROWS_LOOKED_AT):
                    return True
    return False
