"""Azure Synapse Link: in place, append-only, and in folders of a time each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.dynamics_shapes.lake_folder import PARTITION_ROWS, LakeFolder
from dealtrace_engine.synthetic.crm.dynamics_shapes.lake_rows import lake_rows
from dealtrace_engine.synthetic.crm.dynamics_shapes.option_labels import write_option_labels
from dealtrace_engine.synthetic.crm.dynamics_shapes.schema import Schema
from dealtrace_engine.synthetic.crm.export import Export
from dealtrace_engine.synthetic.crm.spool import columns_of, height_of, selected

if TYPE_CHECKING:
    import polars as pl

ABSENT = frozenset({"stringmap", "attachment", "calendar"})
"""Tables that are not linked; labels of options come in files of their own."""
RETRIED_EVERY = 211
RETRY_S = 420
FOLDERS = 12


def write_synapse_link(export: Export, *, partition_rows: int = PARTITION_ROWS) -> None:
    """Write the current rows, in place.

    Parameters
    ----------
    export : Export
    partition_rows : int
        A partition of a year with more rows is split.
    """
    schema, lake = Schema(export.tables, export.language), LakeFolder(export.folder, partition_rows)
    for table in _linked(export.tables):
        lake.write_table(table, lake_rows(schema, table, export.tables[table], export.exported))
        export.written.add(height_of(export.tables, table))
    lake.close(export.exported)
    write_option_labels(schema, export.folder)


def write_synapse_append(export: Export, *, partition_rows: int = PARTITION_ROWS) -> None:
    """Write every version of every row, some twice after a retry, deletions as rows.

    Parameters
    ----------
    export : Export
    partition_rows : int
        A partition of a year with more rows is split.
    """
    schema, lake = Schema(export.tables, export.language), LakeFolder(export.folder, partition_rows)
    for table, rows in _appended(export, schema):
        lake.write_table(table, rows)
    lake.close(export.exported)
    write_option_labels(schema, export.folder)


def write_synapse_incremental(export: Export, *, folders: int = FOLDERS) -> None:
    """Write the versions that came in each span of time to a folder named by its end, with its own model.

    Parameters
    ----------
    export : Export
    folders : int
        Spans; the first holds half of the time and the initial load.
    """
    schema = Schema(export.tables, export.language)
    ends = _ends(export, folders)
    lakes = []
    for end in ends:
        folder = export.folder / end.strftime("%Y-%m-%dT%H.%M.%SZ")
        folder.mkdir()
        write_option_labels(schema, folder)
        lakes.append(LakeFolder(folder))
    for table, rows in _appended(export, schema):
        for lake, part in zip(lakes, _spans(rows, ends), strict=True):
            if part.height:
                lake.write_table(table, part)
    for lake, end in zip(lakes, ends, strict=True):
        lake.close(end)


def _linked(tables: Mapping[str, object]) -> list[str]:
    return sorted(set(tables) - ABSENT)


def _appended(export: Export, schema: Schema) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield each table with all versions of its rows, in the order in which they came."""
    import polars as pl

    versioned = [table for table in export.versions if table in export.tables]  # in the order of their making
    for table in (*versioned, *(table for table in _linked(export.tables) if table not in versioned)):
        versions = export.versions[table] if table in versioned else export.tables[table]
        rows = lake_rows(schema, table, versions, export.exported)
        rows = rows.with_columns(pl.col("IsDelete").fill_null(False))
        rows = rows.sort("SinkModifiedOn", "versionnumber", maintain_order=True)
        retried = rows.gather_every(RETRIED_EVERY, RETRIED_EVERY // 2)
        late = pl.col("SinkModifiedOn") + pl.duration(seconds=RETRY_S)
        yield table, pl.concat([rows, retried.with_columns(late)])
        export.written.add(height_of(export.tables, table))


def _ends(export: Export, folders: int) -> list[datetime]:
    """Return when each span ends: the first in the middle of the log, the last at the export."""
    exported = export.exported.replace(tzinfo=UTC)
    first = min((_earliest(export.tables, table) or exported for table in export.tables), default=exported)
    half = (exported - first) / 2
    step = half / max(folders - 1, 1)
    return [(exported - step * (folders - 1 - number)).replace(microsecond=0) for number in range(folders)]


def _earliest(tables: Mapping[str, pl.DataFrame], table: str) -> datetime | None:
    if "createdon" not in columns_of(tables, table):
        return None
    earliest = selected(tables, table, ["createdon"])["createdon"].min()
    return earliest if isinstance(earliest, datetime) else None


def _spans(rows: pl.DataFrame, ends: list[datetime]) -> Iterator[pl.DataFrame]:
    import polars as pl

    came = pl.col("SinkModifiedOn")
    for number, end in enumerate(ends):
        before = came <= end if number + 1 < len(ends) else pl.lit(True)
        after = came > ends[number - 1] if number else pl.lit(True)
        yield rows.filter(before & after)
