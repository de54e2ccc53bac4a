"""JSON whose records are all of one object and hold no others: read in bulk, as almost all files can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from dealtrace_engine.sources.crm.tables import Kind
from dealtrace_engine.sources.csv_dialect import opened
from dealtrace_engine.sources.files import InputFile
from dealtrace_engine.sources.salesforce.json_stream import Record
from dealtrace_engine.sources.salesforce.workspace import Workspace
from dealtrace_ext.json_records import records

if TYPE_CHECKING:
    import polars as pl

PIECE = 4 << 20
MARK = b'"attributes"'
"""In every record, and in every record that is related to one."""
NESTING = (b'"records"', b'"referenceId"')
"""In records that hold others."""


def plain_frame(
    file: InputFile,
    depth: int,
    name: str,
    sample: Sequence[Record],
    kinds: Mapping[str, Kind],
    space: Workspace,
) -> tuple[pl.LazyFrame, int] | None:
    """Return the records of a file as text under API names and their number, or None if it is not plain.

    Parameters
    ----------
    file : InputFile
        In UTF-8.
    depth : int
        Brackets that are open around a record.
    name : str
        The object of its first records.
    sample : sequence of dict
        Those records.
    kinds : mapping of str to Kind
        The columns that are read.
    space : Workspace
    """
    columns = _present(sample, kinds)
    schema = pa.schema([(column, pa.large_string()) for column in columns])
    sink, count = space.sink(schema), 0
    try:
        for lines in _lines(file, depth):
            table = _table(lines, name, columns, kinds)
            if table is None:
                return None
            count += table.num_rows
            for batch in table.cast(schema).to_batches():
                sink.write(batch)
    except _NotPlainError:
        return None
    finally:
        sink.close()
    return sink.frame(), count


class _NotPlainError(Exception):
    """The records lie at several depths, or are no JSON that Polars reads."""


def _lines(file: InputFile, depth: int) -> Iterator[bytes]:
    """Yield the records, a line each; none of them is lost, or it is an error."""
    state, out, rest = np.zeros(4, np.int64), np.empty(0, np.uint8), 0
    before, marks = b"", 0
    with opened(file) as stream:
        while piece := stream.read(PIECE):
            marks += (before + piece).count(MARK)
            before = piece[1 - len(MARK) :]
            if len(out) < rest + 2 * len(piece):
                out = np.concatenate((out[:rest], np.empty(3 * len(piece), np.uint8)))
            written, whole = records(piece, depth, state, out[rest:])
            end, whole = rest + written, rest + whole if whole else 0
            if whole:
                lines = out[:whole].tobytes()
                marks -= lines.count(MARK)
                yield lines
            rest = end - whole
            out[:rest] = out[whole:end].copy()
    if state.any() or marks:
        raise _NotPlainError


def _table(lines: bytes, name: str, columns: Sequence[str], kinds: Mapping[str, Kind]) -> pa.Table | None:
    """Parse lines; None if one is of another object, holds records, or has a column that is new."""
    import polars as pl

    if any(nested in lines for nested in NESTING):
        return None
    schema = {**_schema(kinds), "attributes": pl.Struct({"type": pl.String()})}
    try:
        frame = pl.read_ndjson(lines, schema=schema)
    except pl.exceptions.PolarsError as error:
        raise _NotPlainError from error
    found = frame.select(_value(column, kinds).alias(column) for column in kinds)
    alien = frame.select((pl.col("attributes").struct.field("type") != name).fill_null(True).any()).item()
    late = [column for column in kinds if column not in columns and found[column].null_count() < found.height]
    return None if alien or late else found.select(columns).to_arrow(compat_level=pl.CompatLevel.oldest())


def _schema(kinds: Mapping[str, Kind]) -> dict[str, Any]:
    """Return plain columns as text, and those of related records, with their ids, nested."""
    import polars as pl

    tree: dict[str, Any] = {}
    for column in kinds:
        *parents, last = column.split(".")
        level = tree
        for parent in parents:
            level = level.setdefault(parent, {})
        level[last] = None
        if last.endswith("Id") and not parents and last != "Id":
            tree.setdefault(last.removesuffix("Id"), {}).setdefault("Id", None)

    def typed(level: dict[str, Any]) -> dict[str, Any]:
        return {key: pl.Struct(typed(inner)) if inner else pl.String() for key, inner in level.items()}

    return typed(tree)


def _value(column: str, kinds: Mapping[str, Kind]) -> pl.Expr:
    import polars as pl

    top, *inner = column.split(".")
    value = pl.col(top)
    for part in inner:
        value = value.struct.field(part)
    if not inner and column.endswith("Id") and column != "Id":
        return pl.coalesce(value, pl.col(column.removesuffix("Id")).struct.field("Id"))
    return value


def _present(sample: Sequence[Record], kinds: Mapping[str, Kind]) -> list[str]:
    """Return the columns that the first records have, be it with nothing in them."""
    there = {key for record in sample for key in record}
    related = {f"{key}Id" for record in sample for key, inner in record.items() if _has_id(inner)}
    return [column for column in kinds if column.split(".")[0] in there or column in related]


def _has_id(value: object) -> bool:
    return isinstance(value, dict) and "Id" in value
