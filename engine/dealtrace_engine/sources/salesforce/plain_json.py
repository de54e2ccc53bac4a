"""JSON whose records are all of one object and hold no others: read in bulk, as almost all files can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dealtrace_engine.parallel import closed_after, map_ahead
from dealtrace_engine.sources.crm.json_columns import JsonColumns, record_lines
from dealtrace_engine.sources.crm.tables import Kind
from dealtrace_engine.sources.csv_dialect import opened
from dealtrace_engine.sources.files import InputFile
from dealtrace_engine.sources.salesforce.json_stream import Record
from dealtrace_engine.sources.salesforce.workspace import Sink, Workspace

if TYPE_CHECKING:
    import polars as pl

PIECE = 2 << 20
MARK = b'"attributes"'
"""In every record, and in every record that is related to one."""
NESTING = b'"records"'
"""In records that hold others."""
TYPE, REFERENCE = "attributes.type", "attributes.referenceId"


def plain_frame(
    file: InputFile,
    depth: int,
    name: str,
    sample: Sequence[Record],
    kinds: Mapping[str, Kind],
    space: Workspace,
) -> tuple[pl.LazyFrame, int, int] | None:
    """Return the records of a file as text under API names, or None if it is not plain.

    Parameters
    ----------
    file : InputFile
        In UTF-8.
    depth : int
        Brackets that are open around a record.
    name : str
        The object of its first records.
    sample : sequence of dict
        Those records, their keys spelled as the API does.
    kinds : mapping of str to Kind
        The columns that are read.
    space : Workspace

    Returns
    -------
    frame : polars.LazyFrame
    count : int
        Records.
    references : int
        Those of them that have a reference for an id.
    """
    import polars as pl

    there, count, references = set(_present(sample, kinds)), 0, 0
    read, sinks = _Plain(name, kinds).read, list[Sink]()
    try:
        with closed_after(map_ahead(read, _lines(file, depth))) as pieces:
            for found in pieces:
                there |= {column for column in kinds if found[column].null_count() < found.height}
                if not sinks or len(there) > len(sinks[-1].schema):
                    names = [column for column in kinds if column in there]
                    sinks.append(space.sink(pa.schema([(column, pa.large_string()) for column in names])))
                schema = sinks[-1].schema
                table = found.select(schema.names).to_arrow(compat_level=pl.CompatLevel.oldest())
                for batch in table.cast(schema).to_batches():
                    sinks[-1].write(batch)
                count += found.height
                references += found.height - found[REFERENCE].null_count()
    except _NotPlainError:
        return None
    finally:
        for sink in sinks:
            sink.close()
    if not sinks:
        return None
    return pl.concat([sink.frame() for sink in sinks], how="diagonal"), count, references


class _NotPlainError(Exception):
    """The records lie at several depths, are of several objects, hold others or are no JSON."""


class _Plain:
    """Reads records of one object.

    Parameters
    ----------
    name : str
    kinds : mapping of str to Kind
    """

    def __init__(self, name: str, kinds: Mapping[str, Kind]) -> None:
        import polars as pl

        plain = [column for column in kinds if "." not in column]
        related = {column: _id_of(column) for column in plain if column.endswith("Id") and column != "Id"}
        self._columns = JsonColumns([*kinds, *related.values(), TYPE, REFERENCE], nested=True)
        self._values = [pl.coalesce(column, other).alias(column) for column, other in related.items()]
        if "Id" in kinds:  # as lookups write it; without the @ some look like ids
            self._values.append(pl.coalesce("Id", pl.format("@{}", REFERENCE)).alias("Id"))
        self._name = name

    def read(self, lines: bytes) -> pl.DataFrame:
        """Return all columns, whether something is in them or not."""
        import polars as pl

        if NESTING in lines:
            raise _NotPlainError
        frame, broken, recoded = self._columns.read(lines)
        if broken or recoded or frame.select((pl.col(TYPE) != self._name).fill_null(True).any()).item():
            raise _NotPlainError
        return frame.with_columns(self._values)


def _lines(file: InputFile, depth: int) -> Iterator[bytes]:
    """Yield the records, a line each; none of them is lost, or it is an error."""
    state, marks = np.zeros(4, np.int64), 0

    def pieces(stream: IO[bytes]) -> Iterator[bytes]:
        nonlocal marks
        before = b""
        while piece := stream.read(PIECE):
            marks += (before + piece).count(MARK)
            before = piece[1 - len(MARK) :]
            yield piece

    with opened(file) as stream:
        for lines in record_lines(pieces(stream), depth, state):
            marks -= lines.count(MARK)
            yield lines
    if state.any() or marks:
        raise _NotPlainError


def _present(sample: Sequence[Record], kinds: Mapping[str, Kind]) -> list[str]:
    """Return the columns that the first records have, be it with nothing in them."""
    there = {key for record in sample for key in record}
    related = {f"{key}Id" for record in sample for key, inner in record.items() if _has_id(inner)}
    return [column for column in kinds if column.split(".")[0] in there or column in related]


def _id_of(column: str) -> str:
    return f"{column.removesuffix('Id')}.Id"


def _has_id(value: object) -> bool:
    return isinstance(value, dict) and "Id" in value
