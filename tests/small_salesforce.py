"""Small Salesforce exports, written by hand: text under API names, as an export has it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import polars as pl

from dealtrace_engine.sources.crm.ladder import derived
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables, RawExport
from dealtrace_engine.sources.salesforce.objects import CATALOG
from dealtrace_engine.sources.salesforce.rules import RULES

Row = Mapping[str, object]


def record(prefix: str, number: int) -> str:
    """An id of 18 characters, of which the last three check the others."""
    plain = f"{prefix}A0{number:010d}"
    blocks = (plain[start : start + 5] for start in (0, 5, 10))
    codes = (sum(1 << place for place, char in enumerate(block) if char.isupper()) for block in blocks)
    return plain + "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[code] for code in codes)


def at(day: int, hour: int = 0, minute: int = 0, second: int = 0, month: int = 3) -> datetime:
    """An instant in 2024."""
    return datetime(2024, month, day, hour, minute, second, tzinfo=UTC)


def text(value: object) -> str | None:
    """A value as an export writes it."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bool):
        return str(int(value))
    return None if value is None else str(value)


def frame(rows: list[Row]) -> pl.LazyFrame:
    """Rows of any values as a frame of text; a column that one row has is empty in the others."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    return pl.LazyFrame(
        {column: [text(row.get(column)) for row in rows] for column in columns},
        schema=dict.fromkeys(columns, pl.String),
    )


def raw(objects: Mapping[str, list[Row]], **more: object) -> RawExport:
    """An export of these rows, by object."""
    frames = {name: frame(rows) for name, rows in objects.items()}
    return RawExport("salesforce", "data-export", "by hand", frames, **more)  # type: ignore[arg-type]


def tables(**objects: list[Row]) -> CrmTables:
    """The typed tables of these rows, by object."""
    return CrmTables(raw(objects), CATALOG)


def events(
    tables: CrmTables, mapping: CrmMapping | None = None, activities: tuple[str, ...] = ()
) -> pl.DataFrame:
    """What all rules find, or those of some activities, by time."""
    rules = [rule for rule in RULES if not activities or rule.activity in activities]
    return derived(rules, tables, mapping or CrmMapping()).sort("timestamp", "order_rank", "source_row_id")


def found(
    tables: CrmTables,
    *activities: str,
    mapping: CrmMapping | None = None,
    columns: tuple[str, ...] = ("timestamp",),
) -> list[tuple[object, ...]]:
    """Activity, rule and columns of the events of some activities, or of all."""
    rows = events(tables, mapping, activities)
    rule = pl.col("rule_id").str.split(".").list.last()
    return rows.select("activity", rule, *columns).rows()


def reasons(tables: CrmTables) -> dict[str, int]:
    """The findings of an export."""
    return {finding.reason: finding.count for finding in tables.raw.findings}
