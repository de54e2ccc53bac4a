"""What a shape writes: tables, into a folder, some rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dealtrace_engine.errors import ArgumentError, first_line
from dealtrace_engine.parallel import Progress, tick
from dealtrace_engine.synthetic.crm.spool import Spool

if TYPE_CHECKING:
    import polars as pl

ROWS = 50_000
"""Rows that are turned into text at a time."""


@dataclass
class Written:
    """Counts the rows that are written and tells how far that is.

    Attributes
    ----------
    of : int
        Rows of all tables.
    progress : callable, optional
    done : int
    """

    of: int
    progress: Progress | None = None
    done: int = 0

    def add(self, rows: int) -> None:
        """Count `rows` more; raises `Cancelled` if the callback returns False."""
        self.done = min(self.of, self.done + rows)
        tick(self.progress, self.done, self.of)


@dataclass(frozen=True)
class Export:
    """Tables to be written as files of a shape.

    Attributes
    ----------
    tables : mapping of str to DataFrame
        Under API or logical names, with Polars types; instants in UTC.
    folder : Path
        Exists and is empty.
    language : {"en", "de", "fr", "it", "ja", "zh"}
        Of whoever exports, for shapes that show labels.
    exported : datetime
        When the export is made, UTC.
    written : Written
    versions : mapping of str to DataFrame
        All versions of the rows of tables, for shapes that append.
    """

    tables: Mapping[str, pl.DataFrame]
    folder: Path
    language: str
    exported: datetime
    written: Written
    versions: Mapping[str, pl.DataFrame] = field(default_factory=dict)

    def only(self, tables: Mapping[str, pl.DataFrame]) -> Export:
        """Return the same export of other tables."""
        return replace(self, tables=tables)

    def slices(self, name: str, rows: int = ROWS) -> Iterator[pl.DataFrame]:
        """Yield a table in order, counting it as written; one slice without rows if it is empty."""
        if not isinstance(self.tables, Spool) or not self.tables.height(name):
            yield from self.counted(self.tables[name], rows)
            return
        for part in self.tables.slices(name, rows):
            yield part
            self.written.add(part.height)

    def counted(self, frame: pl.DataFrame, rows: int = ROWS) -> Iterator[pl.DataFrame]:
        """Yield a frame in slices, counting them as written; one slice without rows if it is empty."""
        for first in range(0, max(frame.height, 1), rows):
            part = frame.slice(first, rows)
            yield part
            self.written.add(part.height)


Writer = Callable[..., None]
"""Writes an `Export`; what it can be asked for besides are its keyword arguments."""


def run_writer(writer: Writer, export: Export, options: Mapping[str, Any]) -> None:
    """Call a shape's writer with its own options.

    Raises
    ------
    ArgumentError
        The shape has no such option.
    """
    from inspect import signature

    known = [name for name in signature(writer).parameters if name != "export"]
    for name in options:
        if name not in known:
            raise ArgumentError(
                f"this shape has no option {name!r}", hint=f"it has: {', '.join(known) or 'none'}"
            )
    writer(export, **options)


def shape_named(shapes: Mapping[str, Any], shape: str, system: str) -> Any:
    """Return what is under the name of a shape.

    Raises
    ------
    ArgumentError
        There is no such shape; the likely ones are named.
    """
    if shape not in shapes:
        raise ArgumentError(
            f"there is no shape {first_line(ValueError(shape))!r} of a {system} export",
            hint=f"choose from {', '.join(shapes)}",
        )
    return shapes[shape]
