"""Dataverse tables become the files of a shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dealtrace_engine.parallel import Progress
from dealtrace_engine.synthetic.clock import EXPORTED
from dealtrace_engine.synthetic.crm.dynamics_shapes.excel import write_excel
from dealtrace_engine.synthetic.crm.dynamics_shapes.replica import write_replica
from dealtrace_engine.synthetic.crm.dynamics_shapes.synapse import (
    write_synapse_append,
    write_synapse_incremental,
    write_synapse_link,
)
from dealtrace_engine.synthetic.crm.dynamics_shapes.web_api import write_web_api
from dealtrace_engine.synthetic.crm.export import Export, Writer, Written, run_writer, shape_named
from dealtrace_engine.synthetic.crm.spool import Spool, height_of

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Shape:
    """A shape of export.

    Attributes
    ----------
    writer : callable
    audit : bool
        Whether the audit rows are in it. Those that keep every version are of organisations without auditing.
    appends : bool
        Whether every version of a row is in it.
    """

    writer: Writer
    audit: bool = False
    appends: bool = False


SHAPES = {
    "web-api": Shape(write_web_api, audit=True),
    "synapse-link": Shape(write_synapse_link, audit=True),
    "synapse-append": Shape(write_synapse_append, appends=True),
    "synapse-incremental": Shape(write_synapse_incremental, appends=True),
    "excel": Shape(write_excel),
    "replica": Shape(write_replica),
}


def write_dynamics(
    tables: Mapping[str, pl.DataFrame],
    folder: Path,
    shape: str = "web-api",
    *,
    versions: Mapping[str, pl.DataFrame] | None = None,
    language: str = "en",
    exported: datetime | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> None:
    """Write tables as a Dynamics 365 export.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Logical name of a table to its rows: logical names, lower-case GUIDs, options as integers with their
        labels in `stringmap`, instants in UTC. A `Spool` holds what `kept_tables` returned.
    folder : Path
        Exists and is empty.
    shape : str
        One of `SHAPES`.
    versions : mapping of str to DataFrame, optional
        All versions of the rows of tables, a deletion with `IsDelete`, for the shapes that append.
    language : {"en", "de", "fr", "it", "ja", "zh"}
        Of the user who exports.
    exported : datetime, optional
        When, UTC; the end of the synthetic log by default.
    progress : callable, optional
        Called with (rows written, of); returning False cancels.
    **options
        What the writer of the shape can be asked for.

    Raises
    ------
    ArgumentError
        There is no such shape, or it has no such option.
    Cancelled
        The progress callback returned False.
    """
    kind: Shape = shape_named(SHAPES, shape, "Dynamics")
    shown = tables if isinstance(tables, Spool) else kept_tables(tables, shape)
    kept = (versions or {}) if kind.appends else {}
    rows = sum(height_of(shown, name) for name in shown)
    made = exported or datetime(EXPORTED.year, EXPORTED.month, EXPORTED.day)
    export = Export(shown, folder, language, made, Written(rows, progress), kept)
    run_writer(kind.writer, export, options)


def kept_tables(tables: Mapping[str, pl.DataFrame], shape: str) -> dict[str, pl.DataFrame]:
    """Return the tables that are in an export of a shape."""
    kind: Shape = shape_named(SHAPES, shape, "Dynamics")
    return {name: table for name, table in tables.items() if kind.audit or name != "audit"}
