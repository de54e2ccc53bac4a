"""Links between the workbooks of an export: they name a record by its name, which may be that of several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.crm.names import normal_column
from dealtrace_engine.sources.dynamics.counting import counted
from dealtrace_engine.sources.dynamics.objects import KEYS

if TYPE_CHECKING:
    import polars as pl

NAMES = {
    "lead": "fullname", "opportunity": "name", "quote": "name", "salesorder": "name", "invoice": "name",
    "account": "name", "contact": "fullname", "systemuser": "fullname", "territory": "name",
}  # fmt: skip
"""Table to the column by which others name its records."""
SALES = ("opportunity", "lead", "quote", "salesorder", "invoice", "account", "contact")
TARGETS: Mapping[str, tuple[str, ...]] = {
    "opportunityid": ("opportunity",), "quoteid": ("quote",), "salesorderid": ("salesorder",),
    "originatingleadid": ("lead",), "qualifyingopportunityid": ("opportunity",),
    "customerid": ("account", "contact"), "parentaccountid": ("account",), "parentcontactid": ("contact",),
    "parentcustomerid": ("account", "contact"), "ownerid": ("systemuser",), "createdby": ("systemuser",),
    "modifiedby": ("systemuser",), "territoryid": ("territory",), "regardingobjectid": SALES,
}  # fmt: skip
"""Lookup to the tables that it may point at."""


def linked_by_name(tables: Mapping[str, pl.DataFrame], findings: list[Finding]) -> dict[str, pl.DataFrame]:
    """Fill lookups with the id of the one record that has the name.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Lookups as ``<lookup>name``.
    findings : list of Finding
        Names of several records are added; those are not linked.
    """
    ids = {table: _ids(frame, table) for table, frame in tables.items() if table in NAMES}
    return {table: _linked(frame, table, ids, findings) for table, frame in tables.items()}


def _ids(frame: pl.DataFrame, table: str) -> pl.DataFrame:
    """Return normal names and ids of the records of a table."""
    import polars as pl

    schema = {"name": pl.String, "id": pl.String, "of": pl.String}
    if not {NAMES[table], KEYS[table]} <= set(frame.columns):
        return pl.DataFrame(schema=schema)
    return frame.select(
        normal_column(pl.col(NAMES[table]).cast(pl.String)).alias("name"),
        pl.col(KEYS[table]).cast(pl.String).alias("id"),
        pl.lit(table).alias("of"),
    ).drop_nulls()


def _linked(
    frame: pl.DataFrame, table: str, ids: Mapping[str, pl.DataFrame], findings: list[Finding]
) -> pl.DataFrame:
    import polars as pl

    for lookup, targets in TARGETS.items():
        there = [ids[target] for target in targets if target in ids]
        if f"{lookup}name" not in frame.columns or lookup in frame.columns or not there:
            continue
        known = (
            pl.concat(there)
            .group_by("name")
            .agg(pl.col("id").first(), pl.len().alias("n"), pl.col("of").first())
        )
        name = normal_column(pl.col(f"{lookup}name").cast(pl.String))
        found = frame.select(name.alias("name")).join(known, on="name", how="left", maintain_order="left")
        several = found["n"].fill_null(0) > 1
        reason = f"{table}.{lookup}: not linked, several records have that name"
        counted(findings, reason, int(several.sum()))
        one = pl.when(~several).then(found["id"])
        frame = frame.with_columns(one.alias(lookup))
        if len(targets) > 1:
            frame = frame.with_columns(pl.when(~several).then(found["of"]).alias(f"{lookup}_entitytype"))
    return frame
