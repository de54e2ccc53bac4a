"""What Azure Synapse Link writes to a lake: CSV without headers, in place, append-only or incremental."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dealtrace_engine.errors import ParseError, first_line
from dealtrace_engine.parallel import closed_after, map_ahead
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import Kind
from dealtrace_engine.sources.csv_blocks import Block, blocks
from dealtrace_engine.sources.csv_dialect import sniff
from dealtrace_engine.sources.csv_frames import framed
from dealtrace_engine.sources.dynamics.export import Reading
from dealtrace_engine.sources.dynamics.naming import (
    CUSTOM_PROCESS,
    delete_mark,
    is_process,
    kinds_of,
    logical_columns,
    table_of,
)
from dealtrace_engine.sources.dynamics.settle import Part
from dealtrace_engine.sources.dynamics.synapse_labels import labels_of
from dealtrace_engine.sources.dynamics.synapse_model import (
    Entity,
    check_fit,
    entities,
    files_of,
    misfit,
    models,
)
from dealtrace_engine.sources.files import InputFile

if TYPE_CHECKING:
    import polars as pl

STAMPED = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}\.\d{2}\.\d{2}Z?")
"""Name of a folder of an incremental export; it says when, with dots in the time."""
SINK, CHANGES = "sinkmodifiedon", "changedata"
PIECE_BYTES, FIRST_BYTES = 6 << 20, 1 << 20
"""So much is read at a time: of all rows, and where only the first ones are looked at."""


def read_link(path: Path, mapping: CrmMapping) -> Reading:
    """Find the tables of an export that is kept as the tables are now.

    Parameters
    ----------
    path : Path
        Folder of the `model.json`.
    mapping : CrmMapping

    Raises
    ------
    ParseError
        There is no model, or the files do not fit it.
    """
    return _read([path], mapping)


def read_append(path: Path, mapping: CrmMapping) -> Reading:
    """Find the tables of an export to which every change was appended; see `read_link`."""
    reading = _read([path], mapping)
    reading.versioned = True
    return reading


def read_incremental(path: Path, mapping: CrmMapping) -> Reading:
    """Find the tables of an export in folders that are named by time; see `read_link`.

    A folder without a model is still being written, and left out.
    """
    folders = stamped_folders(path)
    whole = [folder for folder in folders if models(folder)]
    if not whole:
        raise ParseError("holds no folder that is named by time and has a model.json", file=path)
    reading = _read(whole, mapping)
    reading.versioned = True
    reading.exported = when(whole[-1])
    reading.notes.append(
        f"{len(whole)} folders, from {whole[0].name} to {whole[-1].name}; the newest row counts"
    )
    if len(whole) < len(folders):
        reading.notes.append(f"{len(folders) - len(whole)} folders without a model.json, left out")
    return reading


def stamped_folders(path: Path) -> list[Path]:
    """Return the folders that are named by time, the oldest first."""
    if not path.is_dir():
        return []
    return sorted(f for f in path.iterdir() if f.is_dir() and STAMPED.fullmatch(f.name))


def when(folder: Path) -> datetime:
    """Return the time that a folder is named by."""
    return datetime.strptime(folder.name.rstrip("Z"), "%Y-%m-%dT%H.%M.%S").replace(tzinfo=UTC)


def _read(folders: Sequence[Path], mapping: CrmMapping) -> Reading:
    import polars as pl

    reading, absent = Reading(by_column=True), []
    for folder in folders:
        for entity in entities(folder):
            parts = list(_parts(entity, folder, mapping))
            reading.parts += parts
            if not parts and table_of(entity.name, mapping):
                absent.append(entity.name)
    if absent:
        names = ", ".join(dict.fromkeys(absent))
        reading.notes.append(f"tables in model.json that have no rows: {names}")
    reading.labels = pl.concat([labels_of(folder) for folder in reversed(folders)])
    return reading


def _parts(entity: Entity, folder: Path, mapping: CrmMapping) -> Iterator[Part]:
    table = table_of(entity.name, mapping) or (CUSTOM_PROCESS if is_process(entity.attributes) else None)
    if table is None:
        return
    places = {name: f"{place}" for place, name in reversed(list(enumerate(entity.attributes)))}
    columns = logical_columns(table, entity.attributes, mapping)
    mark = delete_mark(entity.attributes)
    guids = {places[name] for logical, name in columns.items() if kinds_of(table).get(logical) is Kind.ID}
    for file in files_of(entity, folder):
        check_fit(entity, file)
        yield Part(
            table,
            {logical: places[name] for logical, name in columns.items()},
            partial(_rows, entity, file, guids=guids),
            deleted=None if mark is None else places[mark],
            sink=_place(places, SINK),
            fixed={"bpf_table": entity.name.lower()} if table == CUSTOM_PROCESS else {},
            changes=_place(places, CHANGES),
            others=[name for name in entity.attributes if name not in columns.values()],
        )


def _place(places: Mapping[str, str], wanted: str) -> str | None:
    return next((place for name, place in places.items() if name.lower() == wanted), None)


def repeats_id(entity: Entity, file: Path, most: int) -> bool:
    """Return whether one of the first rows of a file repeats an id, or is marked as deleted."""
    import polars as pl

    places = {name.lower(): f"{place}" for place, name in enumerate(entity.attributes)}
    columns = [places[name] for name in ("id", "isdelete") if name in places]
    if "id" not in places:
        return False
    found, count = list[pl.DataFrame](), 0
    with closed_after(_rows(entity, file, columns, piece_bytes=FIRST_BYTES)) as pieces:
        for piece in pieces:
            found.append(piece.head(most - count))
            count += found[-1].height
            if count == most:
                break
    if not found:
        return False
    rows = pl.concat(found)
    deleted = rows[columns[-1]].str.to_lowercase().is_in(["true", "1"]) if len(columns) > 1 else None
    return bool(rows[columns[0]].is_duplicated().any() or (deleted is not None and deleted.any()))


def _rows(
    entity: Entity, file: Path, columns: Sequence[str], guids: Collection[str] = (),
    piece_bytes: int = PIECE_BYTES,
) -> Iterator[pl.DataFrame]:  # fmt: skip
    """Yield columns by their place; a row that ends early has none of the columns that were added since.

    Columns of `guids` are packed in pieces where they can be.

    """
    source, width = InputFile.at(file), len(entity.attributes)
    columns = list(dict.fromkeys(columns))
    guids = [column for column in columns if column in guids]
    places = [f"{place}" for place in range(width + 1)]
    dialect = sniff(source, delimiter=",", quote='"', names=places[:width])

    def parsed(piece: list[Block]) -> pl.DataFrame:
        for block in piece:
            if block.problem is not None:
                raise ParseError(block.problem.what, file=file, hint=block.problem.hint)
        found = framed(piece, dialect, columns, guids)
        return _uneven(piece, places, columns, entity, file) if found is None else found

    with closed_after(map_ahead(parsed, _gathered(blocks(source, dialect), piece_bytes))) as frames:
        yield from frames


def _gathered(found: Iterator[Block], size: int) -> Iterator[list[Block]]:
    """Yield blocks, as many together as have so many bytes."""
    piece, held = list[Block](), 0
    for block in found:
        piece.append(block)
        held += len(block.data)
        if held >= size:
            yield piece
            piece, held = [], 0
    if piece:
        yield piece


def _uneven(
    piece: Sequence[Block], places: list[str], columns: list[str], entity: Entity, file: Path
) -> pl.DataFrame:
    """Read whole rows behind a header of all places, and one more that nothing should be at."""
    import polars as pl

    text = b"".join((",".join(places).encode(), b"\n", *(block.data for block in piece)))
    asked = [*columns, places[-1]]
    try:
        found = pl.read_csv(text, columns=asked, infer_schema=False, encoding="utf8-lossy")
    except pl.exceptions.PolarsError as error:
        raise misfit(entity, file, first_line(error)) from error
    if found[places[-1]].null_count() < found.height:
        raise misfit(entity, file, f"a row has more than {len(places) - 1} fields")
    return found.drop(places[-1])
