"""Discounts of opportunities, quotes and their lines that changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ladder import Rule
from dealtrace_engine.sources.dynamics.evidence import told
from dealtrace_engine.sources.dynamics.objects import KEYS
from dealtrace_engine.sources.dynamics.transitions import transitions

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables

COLUMNS = ("discountpercentage", "discountamount")
"""Columns of an opportunity or a quote that hold a discount."""
LINES = {"opportunity": "opportunityproduct", "quote": "quotedetail"}
"""The table of the lines of each, which have discounts of their own in `manualdiscountamount`."""


def changed(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when discounts changed; several that change at once are one event."""
    import polars as pl

    return pl.concat([_changed(tables, table) for table in LINES])


def _changed(tables: CrmTables, table: str) -> pl.LazyFrame:
    import polars as pl

    found = [
        transitions(tables, table, column).with_columns(
            percent=pl.col("new") if column == "discountpercentage" else pl.lit(None, pl.Float64),
            evidence=pl.lit(table),
        )
        for column in COLUMNS
    ]
    found.append(_changed_lines(tables, table))
    rows = pl.concat([frame.drop("old", "new") for frame in found], how="diagonal")
    audited = pl.col("ts_quality") == "audit"
    once = rows.group_by("record_id", "at", maintain_order=True).agg(
        pl.col("percent").drop_nulls().first(),
        pl.col("by", "row_id", "ts_quality").first(),
        evidence=pl.when(audited).then(pl.lit("audit")).otherwise("evidence").first(),
    )
    money = tables.table(table).select(record_id=KEYS[table], currency="transactioncurrencyid")
    priced = once.join(money, on="record_id", how="left", maintain_order="left")
    return told(
        priced, table, record="record_id", at="at",
        by="by", row="row_id", ts_quality=pl.col("ts_quality"), source_object=pl.col("evidence"),
        discount_pct=pl.col("percent"), currency=pl.col("currency"),
    )  # fmt: skip


def _changed_lines(tables: CrmTables, table: str) -> pl.LazyFrame:
    """Return the changes of discounts of lines, as changes of what they are lines of."""
    import polars as pl

    lines = LINES[table]
    whose = tables.table(lines).select(line=KEYS[lines], record_id=KEYS[table])
    found = transitions(tables, lines, "manualdiscountamount").rename({"record_id": "line"})
    joined = found.join(whose, on="line", maintain_order="left").drop("line")
    return joined.filter(pl.col("record_id").is_not_null()).with_columns(
        percent=pl.lit(None, pl.Float64), evidence=pl.lit(lines)
    )


RULES = (
    Rule(
        "D5", "discount_changed", "audit", "audit", changed,
        ("quote.discountpercentage", "audit_changes.attribute"),
    ),
)  # fmt: skip
