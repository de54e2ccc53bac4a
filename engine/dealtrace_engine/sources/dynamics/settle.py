"""From the rows of a shape's files to an export: logical names, one row per record, days in their zone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dealtrace_engine.quality import FIRST_ROWS, Finding
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import Kind
from dealtrace_engine.sources.crm.values import value
from dealtrace_engine.sources.dynamics.counting import counted, noted
from dealtrace_engine.sources.dynamics.naming import kinds_of, wanted_columns
from dealtrace_engine.sources.dynamics.objects import KEYS, OBJECT_TYPES

if TYPE_CHECKING:
    import polars as pl

SINK, DELETED, PLACE = "!sink", "!deleted", "!place"
"""Columns that only say which of several rows of a record counts."""
DELETED_WORDS = ("true", "1", "t", "yes", "deleted", "changed")
ONCE = ("audit", "audit_changes")
"""Tables whose rows never change: one that is there twice is a copy, not a newer one."""


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
        The rows, piece by piece, with at least the columns asked for, by the names they have here.
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
    """

    table: str
    columns: Mapping[str, str]
    rows: Callable[[list[str]], Iterator[pl.DataFrame]]
    types: Mapping[str, pl.DataType] = field(default_factory=dict)
    deleted: str | None = None
    sink: str | None = None
    fixed: Mapping[str, str] = field(default_factory=dict)
    changes: str | None = None


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
    """

    name: str
    parts: list[Part]
    mapping: CrmMapping
    findings: list[Finding]

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Columns and their types: text, where the parts do not agree."""
        import polars as pl

        found = {column for part in self.parts for column in (*part.columns, *part.fixed)}
        types = {}
        for column in (column for column in wanted_columns(self.name, self.mapping) if column in found):
            kinds = {part.types.get(column, pl.String()) for part in self.parts if column in part.columns}
            types[column] = kinds.pop() if len(kinds) == 1 else pl.String()
        return types

    def current(self) -> pl.LazyFrame:
        """Return one row per record, the newest."""
        return deferred(self.schema, lambda: self._settled(self._all()))

    def versions(self) -> pl.LazyFrame:
        """Return every version of every record, with `version_at`."""
        import polars as pl

        return deferred({**self.schema, "version_at": pl.String()}, lambda: self._versioned(self._all()))

    def pieces(self) -> Iterator[pl.DataFrame]:
        """Yield the rows as they come, under logical names."""
        for place, part in enumerate(self.parts):
            yield from self._pieces(part, place)

    def _pieces(self, part: Part, place: int) -> Iterator[pl.DataFrame]:
        import polars as pl

        marks = {DELETED: part.deleted, SINK: part.sink}
        asked = list(dict.fromkeys([*part.columns.values(), *(name for name in marks.values() if name)]))
        chosen = [_column(part, column, kind) for column, kind in self.schema.items()]
        chosen += [
            (pl.lit(None, pl.String) if name is None else pl.col(name).cast(pl.String)).alias(mark)
            for mark, name in marks.items()
        ]
        for frame in part.rows(asked):
            yield frame.select(*chosen, pl.lit(place, pl.UInt32).alias(PLACE))

    def _all(self) -> pl.DataFrame:
        import polars as pl

        marks = {SINK: pl.String(), DELETED: pl.String(), PLACE: pl.UInt32()}
        return pl.concat([pl.DataFrame(schema={**self.schema, **marks}), *self.pieces()], how="diagonal")

    def _settled(self, rows: pl.DataFrame) -> pl.DataFrame:
        rows = self._latest(self._with_ids(rows))
        rows = self._dropped(rows, _is_deleted(), "rows left out, marked as deleted")
        return self._finished(rows)

    def _versioned(self, rows: pl.DataFrame) -> pl.DataFrame:
        import polars as pl

        rows = self._with_ids(rows)
        rows = rows.filter(~_is_deleted())
        there = [pl.col(name) for name in ("modifiedon", SINK) if name in rows.columns]
        rows = rows.with_columns(pl.coalesce(column.cast(pl.String) for column in there).alias("version_at"))
        key = KEYS.get(self.name)
        if key in rows.columns:
            stamp = "versionnumber" if "versionnumber" in rows.columns else "version_at"
            same = [_same_id(key), pl.coalesce(pl.col(stamp).cast(pl.String), "version_at")]
            again = ~pl.struct(*(expr.alias(f"{i}") for i, expr in enumerate(same))).is_first_distinct()
            rows = self._dropped(rows, again, "versions left out, written twice")
        return self._finished(rows)

    def _with_ids(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Leave out rows without an id, where the table has ids at all."""
        import polars as pl

        key = KEYS.get(self.name)
        if key not in rows.columns or not rows.height:
            return rows
        return self._dropped(
            rows, pl.col(key).is_null() | (pl.col(key).cast(pl.String) == ""), "rows left out, without an id"
        )

    def _latest(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Keep the newest row of each record."""
        key = KEYS.get(self.name)
        if key not in rows.columns or rows.select(_same_id(key).hash().n_unique()).item() == rows.height:
            return rows
        if self.name in ONCE:
            return self._dropped(rows, ~_same_id(key).is_first_distinct(), "rows left out, there twice")
        stamps = [name for name in (SINK, "versionnumber", "modifiedon") if name in rows.columns]
        newest = [_order(rows, name) for name in stamps]
        ranked = rows.with_row_index("!row").sort(*newest, PLACE, "!row", nulls_last=True)
        older = ~_same_id(key).is_last_distinct()
        return (
            self._dropped(ranked, older, "rows left out, older than another of the record")
            .sort("!row")
            .drop("!row")
        )

    def _dropped(self, rows: pl.DataFrame, which: pl.Expr, why: str) -> pl.DataFrame:
        marks = rows.select(which.fill_null(False).alias("mark"))["mark"]
        count = int(marks.sum() or 0)
        if not count:
            return rows
        places = rows["!row"].filter(marks).sort() if "!row" in rows.columns else marks.arg_true()
        found: list[Finding] = []
        counted(found, f"{self.name}: {why}", count, [row + 1 for row in places.head(FIRST_ROWS).to_list()])
        noted(self.findings, found)
        return rows.filter(~marks)

    def _finished(self, rows: pl.DataFrame) -> pl.DataFrame:
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


def deferred(schema: Mapping[str, pl.DataType], load: Callable[[], pl.DataFrame]) -> pl.LazyFrame:
    """Return a table that is loaded when its rows are asked for.

    Parameters
    ----------
    schema : mapping of str to DataType
    load : callable () -> DataFrame
        With these columns.
    """
    from polars.io.plugins import register_io_source

    def rows(
        columns: list[str] | None, predicate: pl.Expr | None, most: int | None, size: int | None
    ) -> Iterator[pl.DataFrame]:
        frame = load().select(
            list(schema) if columns is None else columns if predicate is None else list(schema)
        )
        frame = frame if predicate is None else frame.filter(predicate)
        frame = frame if columns is None else frame.select(columns)
        yield frame if most is None else frame.head(most)

    return register_io_source(rows, schema=dict(schema))


def table_names(code: pl.Expr) -> pl.Expr:
    """Return the logical name of a table that may be told by its number."""
    import polars as pl

    plain = code.str.to_lowercase()
    return plain.replace_strict(
        pl.Series(list(OBJECT_TYPES)), pl.Series(list(OBJECT_TYPES.values())), default=plain
    )


def tables_of(parts: Sequence[Part], mapping: CrmMapping, findings: list[Finding]) -> dict[str, Table]:
    """Put together the parts of each table."""
    found: dict[str, Table] = {}
    for part in parts:
        found.setdefault(part.table, Table(part.table, [], mapping, findings)).parts.append(part)
    return found


def _column(part: Part, column: str, kind: pl.DataType) -> pl.Expr:
    import polars as pl

    if column in part.fixed:
        return pl.lit(part.fixed[column], pl.String).alias(column)
    if column not in part.columns:
        return pl.lit(None, kind).alias(column)
    return pl.col(part.columns[column]).cast(kind).alias(column)


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
