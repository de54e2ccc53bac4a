"""Every shape of export, and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import RawExport
from dealtrace_engine.sources.dynamics.excel import read as read_excel
from dealtrace_engine.sources.dynamics.export import Reading, export
from dealtrace_engine.sources.dynamics.replica import read as read_replica
from dealtrace_engine.sources.dynamics.synapse import read_append, read_incremental, read_link
from dealtrace_engine.sources.dynamics.web_api import read as read_web_api

Reader = Callable[[Path, CrmMapping], Reading]

READERS: Mapping[str, Reader] = {
    "web-api": read_web_api,
    "synapse-link": read_link,
    "synapse-append": read_append,
    "synapse-incremental": read_incremental,
    "excel": read_excel,
    "replica": read_replica,
}
SHAPES = tuple(READERS)


def read_raw(path: Path, shape: str, mapping: CrmMapping) -> RawExport:
    """Read an export as text under logical names; rows only when they are asked for.

    Parameters
    ----------
    path : Path
        A file or a folder.
    shape : str
        One of `SHAPES`.
    mapping : CrmMapping
        Whose custom fields and tables are read too.

    Raises
    ------
    ParseError
        A file cannot be read as that shape, or holds no table of Dynamics.
    """
    return export(READERS[shape](path, mapping), mapping, shape=shape, label=str(path))
