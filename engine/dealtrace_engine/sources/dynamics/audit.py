"""What audited changes changed: a row per attribute, from the JSON in `changedata` or from audit details."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.buffers import copied, pages
from dealtrace_engine.parallel import closed_after, map_ahead
from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.crm.packed import alike, packed, unpacked, unpacked_frame
from dealtrace_engine.sources.crm.tables import Kind, data_types
from dealtrace_engine.sources.crm.values import canonical_ids, dense, is_unread, reading, shared, value
from dealtrace_engine.sources.dynamics.attributes import kept_attributes
from dealtrace_engine.sources.dynamics.counting import counted, noted
from dealtrace_engine.sources.dynamics.deferred import deferred
from dealtrace_engine.sources.dynamics.objects import CATALOG
from dealtrace_engine.sources.dynamics.pieces import as_texts, joined
from dealtrace_engine.sources.dynamics.settle import CHANGES, Table
from dealtrace_ext.audit_changes import copy_values, find_changes
from dealtrace_ext.columns import Views

if TYPE_CHECKING:
    import polars as pl

    Changes = tuple[pl.DataFrame, list[Finding]]
    """Of a piece, and what was odd in it."""

CUT = "…"
"""How a value ends that was too long for the log."""
TYPED = (Kind.INSTANT, Kind.NUMBER)
CREATE, UPDATE, DELETE = 1, 2, 3
"""Operations of audit rows."""
REJECTED, APPROVED, REVISED = 27, 28, 43
"""Actions of audit rows that rules ask for."""
CHANGED = "audit_changes"
"""What the table of changes is called."""
OWN_IDS = ("auditid", "objectid")
"""Columns of ids of which there are many."""
WHICH = ("objecttypecode", "attribute")
"""Columns of texts that say of what a change is."""
VALUES = ("old", "new")
REPEATED = ("objecttypecode", "userid")
"""Columns of texts of which there are few."""
CREATED = ("lead", "opportunity")
"""Tables of which rules ask for the audit of the creation."""


class Audit:
    """The rows of the table `audit` and what changed in them, from one reading of it.

    Whichever is asked for first reads; the other is held until it is asked for, once. Of the rows those are
    left out that no rule asks for, which are nearly all.

    Parameters
    ----------
    table : Table
        With the column of changes.
    counted : dict of str to int
        Gets how many rows there are.
    """

    def __init__(self, table: Table, counted: dict[str, int]) -> None:
        self._table, self._counted = table, counted
        self._held: dict[str, list[pl.DataFrame]] = {}
        self._odd: list[Finding] = []
        self._reading = threading.Lock()

    def rows(self) -> pl.LazyFrame:
        """Return the table `audit`."""
        types, typed = self._table.schema, _typed_kinds()
        types = {name: typed.get(name, types[name]) for name in types}
        return deferred(types, lambda _: map(as_texts, self._of("rows")))

    def packed(self, columns: Collection[str]) -> pl.DataFrame:
        """Return these columns of `rows`, with ids packed where they can be."""
        rows = joined(list(self._of("rows")))
        return rows.select(name for name in rows.columns if name in columns)

    def changes(self) -> pl.LazyFrame:
        """Return the table `audit_changes`: a row per attribute that an update changed."""
        import polars as pl

        types = {**dict.fromkeys(CATALOG[CHANGED], pl.String()), **_typed_kinds()}
        return deferred(types, lambda _: map(_texts, self._of("changes")))

    def typed_changes(self) -> tuple[pl.DataFrame, list[Finding]]:
        """Return `changes` with values read, ids packed where they can be, `WHICH` as codes; and findings."""
        import polars as pl

        pieces = alike(list(self._of("changes")), OWN_IDS)
        return pl.concat(pieces, rechunk=False), self._odd

    def _of(self, which: str) -> Iterator[pl.DataFrame]:
        with self._reading:
            if which not in self._held:
                rows, changes = self._read()
                self._held = {"rows": rows, "changes": changes}
            pieces = self._held.pop(which)
        while pieces:
            yield pieces.pop(0)

    def _read(self) -> tuple[list[pl.DataFrame], list[pl.DataFrame]]:
        """Return pieces of the rows and of what changed in them; found on threads, a few pieces ahead."""
        attributes = kept_attributes(self._table.mapping)
        findings: list[Finding] = []
        rows: list[pl.DataFrame] = []
        changes: list[pl.DataFrame] = []
        copies: list[pl.DataFrame] = []
        odd: list[Finding] = []
        count = told = 0

        def read(piece: pl.DataFrame) -> tuple[int, pl.DataFrame, Changes, list[Finding]]:
            own: list[Finding] = []
            piece = _typed(self._table.finished(piece), own)
            changes = _settled(changed_attributes(_updates(piece), attributes, own), piece.height)
            return piece.height, _own_texts(_asked_for(piece).drop(CHANGES), piece.height), changes, own

        def again(piece: pl.DataFrame) -> None:
            copies.append(_updates(_typed(piece, findings)))

        with closed_after(map_ahead(read, self._table.copies(again))) as pieces:
            for height, row, (change, strange), own in pieces:
                count += height
                rows.append(row)
                changes.append(change)
                for finding in own:
                    counted(findings, finding.reason, finding.count)
                _add(odd, strange, told)
                told += change.height
        for piece in copies:
            if piece.height:
                change, strange = self._of_copies(piece, changes, attributes, findings)
                changes.append(change)
                _add(odd, strange, told)
                told += change.height
        noted(self._table.findings, findings)
        self._odd = odd
        self._counted["audit"] = count
        return rows, changes

    def _of_copies(
        self, copies: pl.DataFrame, changes: Sequence[pl.DataFrame], attributes: Sequence[str],
        findings: list[Finding],
    ) -> Changes:  # fmt: skip
        """Return what changed in copies of rows, where the row that was read does not say."""
        copies = copies.with_columns(canonical_ids(unpacked(copies["auditid"]), "dynamics"))
        for piece in changes:
            known = unpacked(piece["auditid"]).to_frame()
            copies = copies.join(known, on="auditid", how="anti", maintain_order="left")
        first = copies.unique("auditid", keep="first", maintain_order=True)
        return _settled(changed_attributes(first, attributes, findings), first.height)


def _settled(changes: pl.DataFrame, of: int) -> Changes:
    """Read the values of changes of a piece of so many rows, and return with them what was odd."""
    import polars as pl

    others = {name: kind for name, kind in CATALOG[CHANGED].items() if name not in (*WHICH, *VALUES)}
    rows, findings = reading(changes.lazy(), others, CHANGED, "dynamics", "UTC")
    rows = rows.with_columns(packed(rows[name]) for name in OWN_IDS)
    values = changes.select(value(name, Kind.TEXT, pl.String(), "UTC") for name in VALUES)
    rows = _own_texts(rows.hstack(values), of)
    return rows.hstack(changes.select(pl.col(WHICH).cast(pl.Categorical))).rechunk(), findings


def _texts(changes: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    return unpacked_frame(changes).with_columns(pl.col(WHICH).cast(pl.String)).collect()


def _add(findings: list[Finding], more: Sequence[Finding], before: int) -> None:
    """Add the findings of rows that come after so many."""
    for finding in more:
        known = next((one for one in findings if one.reason == finding.reason), None)
        if known is None:
            known = Finding(finding.reason)
            findings.append(known)
        known.add(finding.count, [before + row for row in finding.first_rows], finding.example)


def changed_attributes(
    rows: pl.DataFrame, attributes: Sequence[str], findings: list[Finding]
) -> pl.DataFrame:
    """Make a row per changed attribute of rows with their changes as JSON.

    Parameters
    ----------
    rows : DataFrame
        Among its columns `CHANGES`.
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

    spots, plain, other = _plain_changes(rows[CHANGES], attributes)
    found = rows.drop(CHANGES)[spots].hstack(plain)
    if other.any():
        rest = rows.with_row_index("!row").filter(other)
        parts = (
            found.with_columns(pl.Series("!row", spots, pl.UInt32)),
            _decoded_changes(rest, attributes, findings).with_columns(
                pl.col("attribute").cast(pl.Categorical)
            ),
        )
        found = pl.concat(parts, how="diagonal").sort("!row", maintain_order=True).drop("!row")
    cut = pl.col("old").str.ends_with(CUT) | pl.col("new").str.ends_with(CUT)
    counted(findings, "audit: values that were cut", found.filter(cut).height)
    return found


def _plain_changes(
    changes: pl.Series, attributes: Sequence[str]
) -> tuple[NDArray[np.int64], pl.DataFrame, pl.Series]:
    """Return the row, and attribute, old and new, of each change, and which rows were not understood."""
    import polars as pl

    column = Views(changes.to_arrow(compat_level=pl.CompatLevel.newest()))
    names = sorted({name.lower().encode() for name in attributes}, key=len)
    found, other = np.empty((4 * len(changes) + 16, 6), np.int64), np.empty(len(changes), np.uint8)
    while (count := find_changes(column, names, found, other)) > len(found):
        found = np.empty((count, 6), np.int64)
    found = found[:count]
    named = pl.Series([name.decode() for name in names], dtype=pl.Categorical)
    old, new = _values(column, found, 2), _values(column, found, 4)
    plain = pl.DataFrame({"attribute": named.gather(found[:, 1]), "old": old, "new": new})
    return found[:, 0], plain, pl.Series(other.astype(np.bool_))


def _values(column: Views, found: NDArray[np.int64], at: int) -> pl.Series:
    """Return the old values (at 2) or the new ones (at 4) of changes."""
    import polars as pl

    offsets, nothing = np.empty(len(found) + 1, np.int64), np.empty(0, np.uint8)
    data = pages(copy_values(column, found, at, offsets, nothing), np.uint8)
    copy_values(column, found, at, offsets, data)
    there = np.packbits(found[:, at] >= 0, bitorder="little")
    buffers = [copied(there), copied(offsets), pa.py_buffer(data)]
    return pl.Series(pl.from_arrow(pa.Array.from_buffers(pa.large_string(), len(found), buffers)))


def _decoded_changes(rows: pl.DataFrame, attributes: Sequence[str], findings: list[Finding]) -> pl.DataFrame:
    """Do the same with any JSON, and count what is none."""
    import polars as pl

    is_json = rows[CHANGES].str.contains(r"^\s*\{")
    counted(
        findings,
        "audit: changes in the old form, which does not name the columns",
        rows.filter(~is_json).height,
    )
    rows = rows.filter(
        is_json & rows[CHANGES].str.contains_any(list(attributes), ascii_case_insensitive=True)
    )
    name, old, new = (pl.col("change").struct.field(key) for key in ("logicalName", "oldValue", "newValue"))
    return (
        rows.with_columns(_decoded(rows[CHANGES], findings))
        .drop(CHANGES)
        .explode("change")
        .with_columns(name.str.to_lowercase().alias("attribute"), old.alias("old"), new.alias("new"))
        .drop("change")
        .filter(pl.col("attribute").is_in(list(attributes)))
    )


def _typed_kinds() -> dict[str, pl.DataType]:
    """Return the columns of audit rows that are instants and numbers, and their types."""
    types = data_types()
    return {name: types[kind] for name, kind in CATALOG["audit"].items() if kind in TYPED}


def _typed(rows: pl.DataFrame, findings: list[Finding]) -> pl.DataFrame:
    """Read instants and numbers, piece by piece: as texts they would take most of the memory."""
    import polars as pl

    names = [name for name in _typed_kinds() if name in rows.columns]
    kinds = CATALOG["audit"]
    read = rows.select(value(name, kinds[name], rows.schema[name], "UTC") for name in names)
    for name in names:
        both = pl.DataFrame({"text": rows[name], "read": read[name]})
        unread = both.select(is_unread("text", pl.col("read"), rows.schema[name])).to_series()
        counted(findings, f"audit.{name} is no {kinds[name]}", int(unread.sum() or 0))
    return rows.with_columns(read)


def _asked_for(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that tell something by themselves: deletions, some creations and some actions."""
    import polars as pl

    if not {"operation", "action", "objecttypecode"} <= set(rows.columns):
        return rows
    operation, action = pl.col("operation"), pl.col("action")
    created = (operation == CREATE) & pl.col("objecttypecode").is_in(CREATED)
    actions = [float(code) for code in (REJECTED, APPROVED, REVISED)]
    told = created | (operation == DELETE) | action.is_in(actions)
    return rows.filter(told | operation.is_null() | action.is_null())


def _updates(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that may be updates and say what changed: nobody asks what records began with."""
    import polars as pl

    types = {**dict.fromkeys(CATALOG["audit"], pl.String()), **_typed_kinds()}
    kept = [
        pl.col(name) if rows.schema.get(name) == pl.UInt128()
        else (pl.col(name) if name in rows.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in types.items()
    ]  # fmt: skip
    rows = rows.select(*kept, CHANGES).with_columns(pl.col("objecttypecode").cast(pl.Categorical))
    return rows.filter((pl.col("operation") == UPDATE).fill_null(True) & (pl.col(CHANGES) != ""))


def _own_texts(frame: pl.DataFrame, of: int) -> pl.DataFrame:
    """Return rows that share no memory with all of a piece, unless they are most of its rows."""
    import polars as pl

    def own(texts: pl.Series) -> pl.Series:
        if texts.name in REPEATED:
            once = shared(texts)
            return dense(texts) if once is texts else once
        return texts if 2 * len(texts) > of else dense(texts)

    return frame.select(own(column) if column.dtype == pl.String else column for column in frame)


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
