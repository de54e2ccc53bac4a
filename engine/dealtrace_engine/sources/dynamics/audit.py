"""What audited changes changed: a row per attribute, from the JSON in `changedata` or from audit details."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.crm.values import dense, shared
from dealtrace_engine.sources.dynamics.attributes import kept_attributes
from dealtrace_engine.sources.dynamics.counting import counted, noted
from dealtrace_engine.sources.dynamics.deferred import Seen, deferred
from dealtrace_engine.sources.dynamics.objects import CATALOG
from dealtrace_engine.sources.dynamics.settle import Part, Table, table_names

if TYPE_CHECKING:
    import polars as pl

CUT = "…"
"""How a value ends that was too long for the log."""
HELD_ROWS = 1 << 16
"""Changes that are brought together before their texts are copied out of the JSON."""


def change_rows(table: Table) -> pl.LazyFrame:
    """Return the table `audit_changes` of the parts of the table `audit`, read when it is asked for."""
    import polars as pl

    schema: dict[str, pl.DataType] = dict.fromkeys(CATALOG["audit_changes"], pl.String())
    return deferred(schema, lambda: _compacted(_changes(table)))


def changed_attributes(
    rows: pl.DataFrame, attributes: Sequence[str], findings: list[Finding]
) -> pl.DataFrame:
    """Make a row per changed attribute of rows with their changes as JSON.

    Parameters
    ----------
    rows : DataFrame
        Among its columns `changedata`.
    attributes : sequence of str
        Those that are kept.
    findings : list of Finding
        Changes that are in the old form or no JSON are added, and values that were cut.

    Returns
    -------
    DataFrame
        The other columns, and attribute, old and new.
    """
    import polars as pl

    is_json = rows["changedata"].str.contains(r"^\s*\{")
    counted(
        findings,
        "audit: changes in the old form, which does not name the columns",
        rows.filter(~is_json).height,
    )
    rows = rows.filter(is_json & rows["changedata"].str.contains_any(list(attributes)))
    name, old, new = (pl.col("change").struct.field(key) for key in ("logicalName", "oldValue", "newValue"))
    found = (
        rows.with_columns(_decoded(rows["changedata"], findings))
        .drop("changedata")
        .explode("change")
        .with_columns(name.str.to_lowercase().alias("attribute"), old.alias("old"), new.alias("new"))
        .drop("change")
        .filter(pl.col("attribute").is_in(list(attributes)))
    )
    cut = pl.col("old").str.ends_with(CUT) | pl.col("new").str.ends_with(CUT)
    counted(findings, "audit: values that were cut", found.filter(cut).height)
    return found


def _changes(table: Table) -> Iterator[pl.DataFrame]:
    attributes, seen = kept_attributes(table.mapping), Seen()
    found: list[Finding] = []
    for part in table.parts:
        if part.changes is not None:
            for frame in part.rows([*part.columns.values(), part.changes]):
                rows = _audited(frame, part)
                yield changed_attributes(rows.filter(seen.first(rows["auditid"])), attributes, found)
    noted(table.findings, found)


def _compacted(pieces: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield the same rows in larger pieces, which hold no memory but that of their own texts, each once."""
    import polars as pl

    held: list[pl.DataFrame] = []
    for piece in pieces:
        held.append(piece)
        if sum(frame.height for frame in held) >= HELD_ROWS:
            yield _own_texts(pl.concat(held))
            held = []
    if held:
        yield _own_texts(pl.concat(held))


def _own_texts(frame: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    def own(texts: pl.Series) -> pl.Series:
        once = shared(texts)
        return dense(texts) if once is texts else once

    return frame.select(own(column) if column.dtype == pl.String else column for column in frame)


def _audited(frame: pl.DataFrame, part: Part) -> pl.DataFrame:
    import polars as pl

    kept = [
        pl.col(part.columns[name]).cast(pl.String).alias(name)
        if name in part.columns
        else pl.lit(part.fixed.get(name), pl.String).alias(name)
        for name in CATALOG["audit"]
    ]
    frame = frame.select(*kept, pl.col(str(part.changes)).cast(pl.String).alias("changedata"))
    frame = frame.filter(pl.col("changedata").is_not_null() & (pl.col("changedata") != ""))
    return frame.with_columns(table_names(pl.col("objecttypecode")))


def _decoded(changes: pl.Series, findings: list[Finding]) -> pl.Series:
    """Return lists of changes; null for what is no JSON."""
    import polars as pl

    change = {"logicalName": pl.String(), "oldValue": pl.String(), "newValue": pl.String()}
    shape = pl.Struct({"changedAttributes": pl.List(pl.Struct(change))})
    try:
        read = changes.str.json_decode(shape)
    except pl.exceptions.PolarsError:
        good = changes.map_elements(_is_json, return_dtype=pl.Boolean)
        counted(findings, "audit: changes that are no JSON", changes.filter(~good).to_frame().height)
        read = pl.Series(changes.set(~good, None), dtype=pl.String).str.json_decode(shape)
    return read.struct.field("changedAttributes").alias("change")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return False
    return True
