"""Salesforce tables become the files of a shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dealtrace_engine.parallel import Progress
from dealtrace_engine.synthetic.clock import EXPORTED
from dealtrace_engine.synthetic.crm.export import Export, Writer, Written, run_writer, shape_named
from dealtrace_engine.synthetic.crm.salesforce_shapes.bulk import NOT_QUERIED, write_bulk
from dealtrace_engine.synthetic.crm.salesforce_shapes.data_export import (
    BIG_OBJECTS,
    write_data_export,
    write_data_export_zip,
)
from dealtrace_engine.synthetic.crm.salesforce_shapes.data_loader import write_data_loader
from dealtrace_engine.synthetic.crm.salesforce_shapes.replica import write_replica
from dealtrace_engine.synthetic.crm.salesforce_shapes.report import write_report
from dealtrace_engine.synthetic.crm.salesforce_shapes.rest_json import write_rest_json
from dealtrace_engine.synthetic.crm.salesforce_shapes.tree import write_tree
from dealtrace_engine.synthetic.crm.spool import Spool, height_of

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Shape:
    """A shape of export.

    Attributes
    ----------
    writer : callable
    deleted : bool
        Whether deleted and merged records, and archived activities, are in it.
    absent : frozenset of str
        Objects that it leaves out.
    retention_months : int
        So much field history is in it; through the API more than elsewhere.
    only : mapping of str to tuple of str, optional
        Objects that it shows, with the columns that tell times; None for all.
    precision : {"instant", "minute"}
        To which instants are shown.
    zoned : bool
        Whether instants are on the clock of the user, without saying which.
    """

    writer: Writer
    deleted: bool
    absent: frozenset[str] = frozenset()
    retention_months: int = 18
    only: Mapping[str, tuple[str, ...]] | None = None
    precision: str = "instant"
    zoned: bool = False


_THROUGH_API = 24
_REPORTED = {
    "Opportunity": ("Id", "CreatedDate", "CloseDate"),
    "OpportunityHistory": ("OpportunityId", "CreatedDate"),
}


SHAPES = {
    "data-export": Shape(write_data_export, deleted=False, absent=BIG_OBJECTS),
    "data-export-zip": Shape(write_data_export_zip, deleted=False, absent=BIG_OBJECTS),
    "data-loader": Shape(write_data_loader, deleted=True, retention_months=_THROUGH_API),
    "bulk": Shape(write_bulk, deleted=True, absent=NOT_QUERIED, retention_months=_THROUGH_API),
    "rest-json": Shape(write_rest_json, deleted=True, retention_months=_THROUGH_API),
    "tree": Shape(write_tree, deleted=False),
    "replica": Shape(write_replica, deleted=True, retention_months=_THROUGH_API),
    "report": Shape(write_report, deleted=False, only=_REPORTED, precision="minute", zoned=True),
}
"""Those that are queried include deleted rows (queryAll, Export All)."""


def write_salesforce(
    tables: Mapping[str, pl.DataFrame],
    folder: Path,
    shape: str = "data-export",
    *,
    language: str = "en",
    exported: datetime | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> None:
    """Write tables as a Salesforce export.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Object to its rows: API names, ids of 18 characters, instants in UTC. A `Spool` holds what
        `kept_tables` returned.
    folder : Path
        Exists and is empty.
    shape : str
        One of `SHAPES`.
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
    kind: Shape = shape_named(SHAPES, shape, "Salesforce")
    shown = tables if isinstance(tables, Spool) else _kept(tables, kind)
    written = Written(sum(height_of(shown, name) for name in shown), progress)
    made = exported or datetime(EXPORTED.year, EXPORTED.month, EXPORTED.day)
    run_writer(kind.writer, Export(shown, folder, language, made, written), options)


def shown_tables(tables: Mapping[str, pl.DataFrame], shape: str) -> dict[str, pl.DataFrame]:
    """Return the rows and columns of tables that a shape shows under their ids."""
    kind: Shape = shape_named(SHAPES, shape, "Salesforce")
    shown = _kept(tables, kind)
    if kind.only is None:
        return shown
    return {name: shown[name].select(columns) for name, columns in kind.only.items() if name in shown}


def kept_tables(tables: Mapping[str, pl.DataFrame], shape: str) -> dict[str, pl.DataFrame]:
    """Return the tables and rows that are in an export of a shape."""
    return _kept(tables, shape_named(SHAPES, shape, "Salesforce"))


def _kept(tables: Mapping[str, pl.DataFrame], kind: Shape) -> dict[str, pl.DataFrame]:
    return {
        name: table if kind.deleted else without_deleted(table)
        for name, table in tables.items()
        if name not in kind.absent
    }


def without_deleted(table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that are neither in the recycle bin nor archived."""
    import polars as pl

    flags = [column for column in ("IsDeleted", "IsArchived") if column in table.columns]
    if not flags:
        return table
    hidden = table.select(pl.any_horizontal(pl.col(flags).fill_null(False))).to_series()
    return table.filter(~hidden) if hidden.any() else table
