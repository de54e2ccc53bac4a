"""Azure Synapse Link: in place, append-only, and in folders of a time each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.dynamics_shapes.lake_folder import PARTITION_ROWS, LakeFolder, LakeTable
from dealtrace_engine.synthetic.crm.dynamics_shapes.lake_rows import lake_rows
from dealtrace_engine.synthetic.crm.dynamics_shapes.option_labels import write_option_labels
from dealtrace_engine.synthetic.crm.dynamics_shapes.schema import Schema
from dealtrace_engine.synthetic.crm.dynamics_shapes.sorted_rows import SortedRows
from dealtrace_engine.synthetic.crm.export import ROWS, Export
from dealtrace_engine.synthetic.crm.spool import columns_of, height_of, parts_of, selected

if TYPE_CHECKING:
    import polars as pl

ABSENT = frozenset({"stringmap", "attachment", "calendar"})
"""Tables that are not linked; labels of options come in files of their own."""
KEYS = ("SinkModifiedOn", "versionnumber")
"""In whose order rows come."""
RUN_ROWS = 200_000
"""Rows that are sorted in memory."""
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
    lake = LakeFolder(export.folder, partition_rows)
    with _sorted_rows(export, appended=False) as tables:
        for table, rows in tables.items():
            _write_table(lake, table, rows)
            export.written.add(height_of(export.tables, table))
    lake.close(export.exported)
    write_option_labels(Schema(export.tables, export.language), export.folder)


def write_synapse_append(export: Export, *, partition_rows: int = PARTITION_ROWS) -> None:
    """Write every version of every row, some twice after a retry, deletions as rows.

    Parameters
    ----------
    export : Export
    partition_rows : int
        A partition of a year with more rows is split.
    """
    lake = LakeFolder(export.folder, partition_rows)
    with _sorted_rows(export, appended=True) as tables:
        for table, rows in tables.items():
            _add_retried(rows)
            _write_table(lake, table, rows)
            export.written.add(height_of(export.tables, table))
    lake.close(export.exported)
    write_option_labels(Schema(export.tables, export.language), export.folder)


def write_synapse_incremental(export: Export, *, folders: int = FOLDERS) -> None:
    """Write the versions that came in each span of time to a folder named by its end, with its own model.

    Parameters
    ----------
    export : Export
    folders : int
        Spans; the first holds half of the time and the initial load.
    """
    schema, lakes = Schema(export.tables, export.language), []
    for end in _ends(export, folders):
        folder = export.folder / end.strftime("%Y-%m-%dT%H.%M.%SZ")
        folder.mkdir()
        write_option_labels(schema, folder)
        lakes.append((LakeFolder(folder), end))
    with _sorted_rows(export, appended=True) as tables:
        for table, rows in tables.items():
            _add_retried(rows)
            _write_spans(lakes, table, rows)
            export.written.add(height_of(export.tables, table))
    for lake, end in lakes:
        lake.close(end)


def _write_table(lake: LakeFolder, table: str, rows: SortedRows) -> None:
    written = lake.table(table)
    for part in rows.slices(ROWS):
        written.add(part)
    lake.describe(written, rows.schema)


def _write_spans(lakes: list[tuple[LakeFolder, datetime]], table: str, rows: SortedRows) -> None:
    """Write to each lake what came until its end; a table of which nothing came is not there."""
    written: dict[int, LakeTable] = {}
    for part in rows.slices(ROWS):
        for number, span in enumerate(_spans(part, [end for _, end in lakes])):
            if span.height:
                if number not in written:
                    written[number] = lakes[number][0].table(table)
                written[number].add(span)
    for number, of_span in written.items():
        lakes[number][0].describe(of_span, rows.schema)


def _linked(tables: Mapping[str, object]) -> list[str]:
    return sorted(set(tables) - ABSENT)


@contextmanager
def _sorted_rows(export: Export, appended: bool) -> Iterator[dict[str, SortedRows]]:
    """Give the rows of each table, or all their versions, in the order in which they came."""
    import polars as pl

    deleted = pl.col("IsDelete").fill_null(False)
    versioned = list(export.versions) if appended else []  # in the order of their making
    order = [table for table in versioned if table in export.tables]
    order += [table for table in _linked(export.tables) if table not in order]
    with TemporaryDirectory(prefix="sorted-", dir=export.folder) as kept:
        tables = {table: SortedRows(Path(kept, table), KEYS) for table in order}
        versions = parts_of(export.versions) if versioned else repeat(({}, []))
        for (part, own), (changed, _) in zip(parts_of(export.tables), versions, strict=False):
            schema = Schema(part, export.language)
            for table in set(own) & set(tables):
                rows = (changed if table in changed else part)[table]
                for some in rows.iter_slices(RUN_ROWS) if rows.height else [rows]:
                    before = tables[table].height
                    typed = lake_rows(schema, table, some, export.exported, before)
                    tables[table].add(typed.with_columns(deleted) if appended else typed)
        yield tables


def _add_retried(rows: SortedRows) -> None:
    """Add some rows a second time, as they come when their first transfer was not confirmed."""
    import polars as pl

    late = pl.col("SinkModifiedOn") + pl.duration(seconds=RETRY_S)
    rows.add(rows.every(RETRIED_EVERY, RETRIED_EVERY // 2).with_columns(late))


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
