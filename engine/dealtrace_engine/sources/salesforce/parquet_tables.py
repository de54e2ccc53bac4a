"""Tables of a warehouse as Parquet files: one file for each object, or a folder of parts named after it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dealtrace_engine.errors import ParseError, first_line
from dealtrace_engine.sources.crm.tables import Catalog
from dealtrace_engine.sources.salesforce.column_names import api_names
from dealtrace_engine.sources.salesforce.object_names import object_of_columns, object_of_name
from dealtrace_engine.sources.salesforce.pieces import Piece, Pieces
from dealtrace_engine.sources.salesforce.replica import current_and_versions, technical

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl


def read_parquet_tables(files: Iterable[Path], pieces: Pieces, catalog: Catalog) -> None:
    """Read Parquet files of objects into `pieces`.

    Raises
    ------
    ParseError
        A file is damaged.
    """
    import polars as pl

    for file in files:
        try:
            header = list(pl.read_parquet_schema(file))
        except (pl.exceptions.PolarsError, OSError) as error:
            raise ParseError(f"is no Parquet file ({first_line(error)})", file=file) from error
        name = parquet_object(file, header, catalog)
        if name is None:
            pieces.unread.append(file.name)
        else:
            pieces.all.append(renamed(name, pl.scan_parquet(file), file.name, catalog))


def parquet_object(file: Path, header: list[str], catalog: Catalog) -> str | None:
    """Return the object of a file: after its name, its folder's, or its columns."""
    for name in (file.stem, file.parent.name):
        found = object_of_name(name, catalog)
        if found is not None and len(api_names(header, catalog[found])) >= min(2, len(header)):
            return found
    return object_of_columns(header, (), catalog, file.name)


def renamed(name: str, frame: pl.LazyFrame, label: str, catalog: Catalog) -> Piece:
    """Return a table with API names and only the columns that are read.

    Parameters
    ----------
    name : str
        The object.
    frame : LazyFrame
    label : str
        Where it comes from.
    catalog : mapping of str to mapping of str to Kind
    """
    import polars as pl

    header = frame.collect_schema().names()
    added = technical(header)
    known = {old: new for old, new in api_names(header, catalog[name]).items() if old not in added}
    frame = frame.select(pl.col(old).alias(new) for old, new in {**known, **added}.items())
    now, versions = current_and_versions(frame) if added else (frame, None)
    others = [column for column in header if column not in known and column not in added]
    return Piece(name, now, label, versions, others)
