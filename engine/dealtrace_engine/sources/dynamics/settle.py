"""From the rows of a shape's files to an export: logical names, one row per record, days in their zone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dealtrace_engine.quality import FIRST_ROWS, Finding
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import Kind
from dealtrace_engine.sources.crm.values import value
from dealtrace_engine.sources.dynamics.attributes import kept_attributes
from dealtrace_engine.sources.dynamics.counting import counted, noted
from dealtrace_engine.sources.dynamics.deferred import Seen, SeenIds, deferred
from dealtrace_engine.sources.dynamics.naming import kinds_of, wanted_columns
from dealtrace_engine.sources.dynamics.objects import KEYS, OBJECT_TYPES
from dealtrace_engine.sources.dynamics.pieces import as_ids, as_texts, joined, with_packed

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

SINK, DELETED, PLACE = "!sink", "!deleted", "!place"
"""Columns that only say which of several rows of a record counts."""
CHANGES = "!changes"
"""What an audited change changed, as text."""
DELETED_WORDS = ("true", "1", "t", "yes", "deleted", "changed")
ONCE = ("audit",)
"""Tables whose rows never change: one that is there twice is a copy, not a newer one."""
HELD_ROWS = 1 << 18
"""Rows that are held before older ones of a record go."""
STAMPS = ("createdon", "createdby", "modifiedon", "modifiedby", "versionnumber")


@dataclass(frozen=True)
class Part:
    """Some of a table's rows as a shape has them.

    Attributes
    ----------
    table : str
        Logical name.
    columns : mapping of str to str
        Logical column to what it is called here.
    rows : callable (list of str) -> iterator of DataFrame
        The rows, piece by piece, with at least the columns asked for, by the names they have here; ids may be
        packed in some pieces, see `crm.packed`.
    types : mapping of str to DataType
        Logical column to its type where that is not text.
    deleted : str or None
        The column here that marks rows which are no longer there.
    sink : str or None
        The column here that says when a row was copied.
    fixed : mapping of str to str
        Logical columns that are the same in all rows.
    changes : str or None
        The column here with what an audited change changed.
    others : sequence of str
        The columns here that nobody asked for.
    """

    table: str
    columns: Mapping[str, str]
    rows: Callable[[list[str]], Iterator[pl.DataFrame]]
    types: Mapping[str, pl.DataType] = field(default_factory=dict)
    deleted: str | None = None
    sink: str | None = None
    fixed: Mapping[str, str] = field(default_factory=dict)
    changes: str | None = None
    others: Sequence[str] = ()


@dataclass
class Table:
    """All parts of one table, read when its rows are asked for.

    Attributes
    ----------
    name : str
    parts : list of Part
    mapping : CrmMapping
    findings : list of Finding
        The export's: rows left out are added when they have been read.
    versioned : bool
        Whether older rows of a record are nothing to be told of.
    only : collection of str, optional
        The columns that are read, and those that say which rows of a record count.
    """

    name: str
    parts: list[Part]
    mapping: CrmMapping
    findings: list[Finding]
    versioned: bool = False
    only: Collection[str] | None = None

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Columns and their types: text, where the parts do not agree."""
        import polars as pl

        found = {column for part in self.parts for column in (*part.columns, *part.fixed)}
        types = {}
        for column in (column for column in wanted_columns(self.name, self.mapping) if column in found):
            if self.only is not None and column not in self.only and column not in self._telling:
                continue
            kinds = {part.types.get(column, pl.String()) for part in self.parts if column in part.columns}
            types[column] = kinds.pop() if len(kinds) == 1 else pl.String()
        return types

    @property
    def _telling(self) -> tuple[str | None, ...]:
        """The columns that say which rows of a record count."""
        return (KEYS.get(self.name), "versionnumber", "modifiedon")

    @property
    def version_schema(self) -> dict[str, pl.DataType]:
        """Columns of versions: those whose changes say something, and who changed them when."""
        import polars as pl

        kept = {KEYS.get(self.name), *STAMPS, *kept_attributes(self.mapping)}
        columns = {name: kind for name, kind in self.schema.items() if name in kept}
        return {**columns, "version_at": pl.String()}

    def current(self) -> pl.LazyFrame:
        """Return one row per record, the newest."""
        return deferred(self.schema, lambda columns: map(as_texts, self._of(columns)._rows()))

    def packed(self, columns: Collection[str]) -> pl.DataFrame:
        """Return these columns of what `current` does, with ids packed that the parts have so."""
        return joined(list(self._of(columns)._rows()))

    def last(self, column: str, zone: str) -> datetime | None:
        """Return the last instant in a column of rows not marked as deleted; faster than `current`.

        A row that has a newer one counts as well: what was written to a record goes up to there.
        """
        import polars as pl

        found: list[datetime | None] = []
        for part in self.parts:
            name, mark = part.columns.get(column), part.deleted
            if name is None:
                continue
            deleted = pl.lit(None, pl.String) if mark is None else pl.col(mark).cast(pl.String)
            for frame in part.rows([name] if mark is None else [name, mark]):
                at = value(name, Kind.INSTANT, frame.schema[name], zone)
                rows = frame.with_columns(deleted.alias(DELETED)).filter(~_is_deleted())
                found.append(rows.select(at.max()).item())
        return max((at for at in found if at is not None), default=None)

    def versions(self) -> pl.LazyFrame:
        """Return every version of every record, with `version_at`."""
        return deferred(self.version_schema, lambda columns: self._of(columns)._versions())

    def _of(self, columns: Collection[str]) -> Table:
        """Return the table with only these columns."""
        return replace(self, only=frozenset(columns))

    def _rows(self) -> Iterator[pl.DataFrame]:
        return self._once() if self.name in ONCE else self._newest()

    def _newest(self) -> Iterator[pl.DataFrame]:
        import polars as pl

        found: list[Finding] = []
        held, rows, kept = list[pl.DataFrame](), 0, 0
        for piece in self._identified(found):
            held.append(piece)
            rows += piece.height
            if rows > max(HELD_ROWS, 2 * kept):
                held = [self._latest(joined(held), found)]
                rows = kept = held[0].height
        newest = self._latest(joined(held) if held else self._empty(), found)
        yield self.finished(self._without(newest, _is_deleted(), "marked as deleted", found))
        noted(self.findings, found)

    def copies(self, again: Callable[[pl.DataFrame], None] | None = None) -> Iterator[pl.DataFrame]:
        """Yield rows that never change, each once, with `CHANGES` where a part has them; to be `finished`.

        Parameters
        ----------
        again : callable (DataFrame), optional
            Told of further copies of rows.
        """
        found: list[Finding] = []
        seen, key = SeenIds(), KEYS[self.name]
        for piece in self._identified(found):
            rows = self._without(piece, _is_deleted(), "marked as deleted", found)
            if key in rows.columns:
                copy = ~seen.first(as_ids(rows[key]))
                if again is not None and copy.any():
                    again(self.finished(rows.filter(copy)))
                rows = self._without(rows, copy, "there twice", found)
            yield rows
        noted(self.findings, found)

    def _once(self) -> Iterator[pl.DataFrame]:
        return map(self.finished, self.copies())

    def _versions(self) -> Iterator[pl.DataFrame]:
        import polars as pl

        found: list[Finding] = []
        seen, key = Seen(), KEYS.get(self.name)
        for piece in self._identified(found):
            rows = as_texts(piece).filter(~_is_deleted())
            there = [pl.col(name).cast(pl.String) for name in ("modifiedon", SINK) if name in rows.columns]
            rows = rows.with_columns(
                pl.coalesce(pl.when(at != "").then(at) for at in there).alias("version_at")
            )
            if key is not None and key in rows.columns:
                version = pl.col("versionnumber" if "versionnumber" in rows.columns else "version_at")
                texts = pl.concat_str(_same_id(key), pl.lit(" "), version.cast(pl.String), ignore_nulls=True)
                again = ~seen.first(rows.select(texts).to_series())
                rows = self._without(rows, again, "the same version once more", found)
            yield self.finished(rows)
        noted(self.findings, found)

    def pieces(self) -> Iterator[pl.DataFrame]:
        """Yield the rows as they come, under logical names."""
        for place, part in enumerate(self.parts):
            yield from self._pieces(part, place)

    def _pieces(self, part: Part, place: int) -> Iterator[pl.DataFrame]:
        import polars as pl

        marks = {DELETED: part.deleted, SINK: part.sink}
        if any(one.changes for one in self.parts):
            marks[CHANGES] = part.changes
        asked = list(dict.fromkeys([*part.columns.values(), *(name for name in marks.values() if name)]))
        schema, kinds = self.schema, kinds_of(self.name)
        ids = [column for column in schema if kinds.get(column) is Kind.ID]
        more = [
            (pl.lit(None, pl.String) if name is None else pl.col(name).cast(pl.String)).alias(mark)
            for mark, name in marks.items()
        ]
        more.append(pl.lit(place, pl.UInt32).alias(PLACE))
        for frame in part.rows(asked):
            chosen = [_column(part, column, kind, frame.schema) for column, kind in schema.items()]
            yield with_packed(frame.select(*chosen, *more), ids)

    def _empty(self) -> pl.DataFrame:
        import polars as pl

        marks = {DELETED: pl.String(), SINK: pl.String(), PLACE: pl.UInt32()}
        return pl.DataFrame(schema={**self.schema, **marks})

    def _identified(self, found: list[Finding]) -> Iterator[pl.DataFrame]:
        """Yield the rows that have an id, or all where the table has no ids at all."""
        import polars as pl

        key, before = KEYS.get(self.name), 0
        for piece in self.pieces():
            rows = piece
            if key in piece.columns:
                none = pl.col(key).is_null()
                if piece.schema[key] != pl.UInt128():
                    none |= pl.col(key).cast(pl.String) == ""
                rows = self._without(piece, none, "without an id", found, before)
            before += piece.height
            yield rows

    def _latest(self, rows: pl.DataFrame, found: list[Finding]) -> pl.DataFrame:
        """Keep the newest row of each record."""
        import polars as pl

        key = KEYS.get(self.name)
        if key not in rows.columns:
            return rows
        same = pl.col(key) if rows.schema[key] == pl.UInt128() else _same_id(key)
        if rows.select(same.hash().n_unique()).item() == rows.height:
            return rows
        # The version first: a row that is written again after a retry arrives later than newer ones.
        stamps = [name for name in ("versionnumber", SINK, "modifiedon") if name in rows.columns]
        newest = [_order(rows, name) for name in stamps]
        ranked = rows.with_row_index("!row").sort(*newest, PLACE, "!row", nulls_last=True)
        older = ~same.is_last_distinct()
        if self.versioned:
            ranked = ranked.filter(~older)
        else:
            ranked = self._without(ranked, older, "older than another of the record", found)
        return ranked.sort("!row").drop("!row")

    def _without(
        self, rows: pl.DataFrame, which: pl.Expr | pl.Series, why: str, found: list[Finding],
        before: int | None = None,
    ) -> pl.DataFrame:  # fmt: skip
        """Leave out rows and count them; `before` says how many rows came before, where that is known."""
        marks = rows.select(which.fill_null(False).alias("!mark")).to_series()
        count = int(marks.sum() or 0)
        if not count:
            return rows
        places = [] if before is None else marks.arg_true().head(FIRST_ROWS).to_list()
        reason = f"{self.name}: rows left out, {why}"
        counted(found, reason, count, [(before or 0) + place + 1 for place in places])
        return rows.filter(~marks)

    def finished(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows as they are handed on: days in their zone, tables by their names."""
        import polars as pl

        days = [
            _local_day(name, rows.schema[name], self.mapping.zone)
            for name, kind in kinds_of(self.name).items()
            if kind is Kind.DATE and name in rows.columns and self.mapping.zone != "UTC"
        ]
        rows = rows.with_columns(days)
        if "objecttypecode" in rows.columns:
            rows = rows.with_columns(table_names(pl.col("objecttypecode").cast(pl.String)))
        return rows.drop(SINK, DELETED, PLACE)


def table_names(code: pl.Expr) -> pl.Expr:
    """Return the logical name of a table that may be told by its number."""
    import polars as pl

    plain = code.str.to_lowercase()
    return plain.replace_strict(
        pl.Series(list(OBJECT_TYPES)), pl.Series(list(OBJECT_TYPES.values())), default=plain
    )


def tables_of(
    parts: Sequence[Part], mapping: CrmMapping, findings: list[Finding], versioned: bool
) -> dict[str, Table]:
    """Put together the parts of each table."""
    found: dict[str, Table] = {}
    for part in parts:
        found.setdefault(part.table, Table(part.table, [], mapping, findings, versioned)).parts.append(part)
    return found


def _column(part: Part, column: str, kind: pl.DataType, found: Mapping[str, pl.DataType]) -> pl.Expr:
    import polars as pl

    if column in part.fixed:
        return pl.lit(part.fixed[column], pl.String).alias(column)
    if column not in part.columns:
        return pl.lit(None, kind).alias(column)
    name = part.columns[column]
    return (pl.col(name) if found[name] == pl.UInt128() else pl.col(name).cast(kind)).alias(column)


def _is_deleted() -> pl.Expr:
    import polars as pl

    return pl.col(DELETED).str.to_lowercase().is_in(list(DELETED_WORDS)).fill_null(False)


def _same_id(key: str) -> pl.Expr:
    """Return an id as it is compared, however it is written."""
    import polars as pl

    return pl.col(key).cast(pl.String).str.to_lowercase().str.strip_chars("{} ")


def _order(rows: pl.DataFrame, column: str) -> pl.Expr:
    kind = Kind.NUMBER if column == "versionnumber" else Kind.INSTANT
    return value(column, kind, rows.schema[column], "UTC")


def _local_day(column: str, found: pl.DataType, zone: str) -> pl.Expr:
    """Return the day in a zone where a day comes as an instant that is not a midnight of UTC."""
    import polars as pl

    text = pl.col(column)
    if isinstance(found, pl.Datetime):
        at = value(column, Kind.INSTANT, found, "UTC")
        there = at.dt.convert_time_zone(zone).dt.date()
        day = pl.when(at.dt.time() != pl.time(0)).then(there).otherwise(at.dt.date())
        return day.cast(pl.Datetime("us")).dt.replace_time_zone("UTC").cast(found).alias(column)
    if found != pl.String():
        return text
    there = value(column, Kind.INSTANT, pl.String(), "UTC").dt.convert_time_zone(zone)
    has_time = text.str.contains(r"[T ]\d") & ~text.str.contains(r"[T ]00:00(:00)?|12:00:00 AM")
    return pl.when(has_time).then(there.dt.strftime("%Y-%m-%d")).otherwise(text).alias(column)
