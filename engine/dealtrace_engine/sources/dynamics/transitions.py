"""How an attribute of the records of a table changed: from audit rows, else from the versions of the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.crm.values import encoded
from dealtrace_engine.sources.dynamics.audit import CREATE, DELETE
from dealtrace_engine.sources.dynamics.audited import audited_updates
from dealtrace_engine.sources.dynamics.objects import CATALOG, KEYS
from dealtrace_engine.sources.dynamics.places import Places
from dealtrace_ext.intern import Interner

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from dealtrace_engine.sources.crm.tables import CrmTables


def transitions(tables: CrmTables, table: str, attribute: str) -> pl.LazyFrame:
    """Return every change of an attribute, of each record in the order of time.

    A record that has audit rows of the attribute is told by these alone, any other by the versions of its
    row, where the export keeps them. The value at its creation is no change: it is the first `old`.

    Parameters
    ----------
    tables : CrmTables
    table, attribute : str
        Logical names.

    Returns
    -------
    LazyFrame
        record_id, old, new (of the attribute's kind), at, by, row_id, ts_quality ("audit" or "history").
    """

    def make() -> pl.LazyFrame:
        found = _transitions(tables, table, attribute)
        tables.release_made(f"audited {table}.{attribute}", whole=True)  # nobody else asks for them
        return found.lazy()

    return tables.once(f"changes of {table}.{attribute}", make)


def _transitions(tables: CrmTables, table: str, attribute: str) -> pl.DataFrame:
    import polars as pl

    places = Places(tables, table)
    found = audited_updates(tables, table, attribute)
    found = found.with_columns(
        ts_quality=pl.lit("audit"), place=pl.lit(0, pl.UInt32), number=places.numbers(found["record_id"])
    )
    found = _living(found, tables, table, places)
    if table in tables.raw.versions:
        versions = _versions(tables, table, attribute)
        versions = versions.join(found.select("record_id").unique(), on="record_id", how="anti")
        versions = versions.with_columns(number=places.numbers(versions["record_id"]))
        found = pl.concat([found, versions])
    found = found.sort("number", "at", "place", maintain_order=True)
    same = pl.col("number") == pl.col("number").shift(1)
    previous = pl.when(same).then(pl.col("new").shift(1))
    found = found.with_columns(old=pl.coalesce("old", previous)).filter(
        pl.col("old").ne_missing(pl.col("new"))
    )
    _count_gaps(tables, table, attribute, found, places)
    return found.drop("place", "number")


def _living(rows: pl.DataFrame, tables: CrmTables, table: str, places: Places) -> pl.DataFrame:
    """Do the same as `living`."""
    if table not in tables.raw.frames:
        return living(rows.lazy(), tables, table).collect()
    there = places.there(rows["number"].to_numpy())
    return rows if there.all() else rows.filter(there)


def _versions(tables: CrmTables, table: str, attribute: str) -> pl.DataFrame:
    """Compare each version of a row with the one before."""
    import polars as pl

    key = KEYS[table]
    rows = tables.all_versions(table).filter(pl.col(key).is_not_null())
    by = "modifiedby" if "modifiedby" in CATALOG[table] else "createdby"
    rows = rows.select(
        record_id=key,
        new=attribute,
        at=pl.coalesce("modifiedon", "version_at"),
        by=by,
        versionnumber="versionnumber",
    ).sort("record_id", "at", "versionnumber", nulls_last=True, maintain_order=True)
    before = pl.col("record_id").shift(1) == pl.col("record_id")
    compared = rows.with_columns(old=pl.col("new").shift(1), before=before)
    changed = compared.filter(pl.col("before") & pl.col("old").ne_missing(pl.col("new")))
    return living(
        changed.select(
            "record_id", "old", "new", "at", "by",
            row_id=pl.col("record_id"),
            ts_quality=pl.lit("history"),
            place=pl.int_range(pl.len(), dtype=pl.UInt32),
        ),
        tables,
        table,
    ).collect()  # fmt: skip


def living(frame: pl.LazyFrame, tables: CrmTables, table: str) -> pl.LazyFrame:
    """Leave out what happened to records that were deleted since: those that the table has no more.

    Where the export lacks the table itself, those that an audit row says were deleted.
    """
    import polars as pl

    if table in tables.raw.frames:
        kept = tables.table(table).select(record_id=KEYS[table])
        return frame.join(kept, on="record_id", how="semi")
    deleted = tables.table("audit").filter(
        (pl.col("objecttypecode") == table) & (pl.col("operation") == DELETE)
    )
    return frame.join(deleted.select(record_id="objectid"), on="record_id", how="anti")


def audited_creations(tables: CrmTables, table: str) -> pl.LazyFrame:
    """Return the audit of the creation of records, of `CREATED` tables: record_id, at, by, row_id."""
    return _audited_rows(tables, table, "operation", CREATE)


def audited_actions(tables: CrmTables, table: str, action: int) -> pl.LazyFrame:
    """Return the audit of an action on records: record_id, at, by, row_id."""
    return _audited_rows(tables, table, "action", action)


def _audited_rows(tables: CrmTables, table: str, column: str, code: int) -> pl.LazyFrame:
    import polars as pl

    found = tables.table("audit").filter((pl.col("objecttypecode") == table) & (pl.col(column) == code))
    rows = found.select(record_id="objectid", at="createdon", by="userid", row_id="auditid")
    return living(rows, tables, table)


def _count_gaps(tables: CrmTables, table: str, attribute: str, found: pl.DataFrame, places: Places) -> None:
    """Count the records whose changes do not lead from one to the next and to their value now."""
    import polars as pl

    number = pl.col("number")
    broken = pl.col("old").ne_missing(pl.col("new").shift(1)) & (number == number.shift(1))
    gaps = found.filter(broken.fill_null(False))["record_id"]
    if tables.has(table, attribute):
        last = found.filter((number != number.shift(-1)).fill_null(True)).select("record_id", "new", "number")
        now = places.value_now(attribute, last["number"].to_numpy())
        gaps = gaps.append(last.filter(last["new"].ne_missing(now))["record_id"])
    records = tables.ids.texts(gaps.unique(maintain_order=True))
    if len(records):
        finding = Finding(f"{table}.{attribute}: changes are missing in the history of a record")
        finding.add(len(records), [], records[0])
        if finding not in tables.raw.findings:  # they may be worked out again
            tables.raw.findings.append(finding)


def as_of(frame: pl.LazyFrame, tables: CrmTables, table: str, attribute: str) -> pl.LazyFrame:
    """Add what an attribute was at the time of each row, changes of that instant included.

    Parameters
    ----------
    frame : LazyFrame
        record_id and at.
    tables : CrmTables
    table, attribute : str
        Logical names; the column is called like the attribute.
    """
    import polars as pl

    rows = frame.collect()
    changes = transitions(tables, table, attribute).select("record_id", "at", "old", "new").collect()
    known = Interner()
    of, count = encoded(known, changes["record_id"]), len(known)
    whose = encoded(known, rows["record_id"])
    first = np.flatnonzero(np.diff(np.maximum.accumulate(of), prepend=-1))
    changed = pl.Series((whose >= 0) & (whose < count))
    told = changes.select("at", then="new").with_columns(of=of).sort("at", maintain_order=True)
    asked = rows.select("at").with_columns(of=whose).with_row_index("row").sort("at", maintain_order=True)
    asked = asked.join_asof(told, on="at", by="of", strategy="backward", check_sortedness=False)
    # Where nothing changed up to then, what it was before the first change; else what it is.
    before = pl.Series(np.append(first, -1))[np.where(changed, whose, count)].replace(-1, None)
    held = pl.DataFrame({
        "then": asked.sort("row")["then"], "before": changes["old"].gather(before), "changed": changed,
    }).select(pl.when("changed").then(pl.coalesce("then", "before"))).to_series()  # fmt: skip
    if not changed.all():
        places = Places(tables, table)
        now = places.value_now(attribute, places.numbers(rows["record_id"]))
        held = held.zip_with(changed, now)
    return rows.with_columns(held.alias(attribute)).lazy()


def became(
    tables: CrmTables, table: str, attribute: str, values: Sequence[float], *, beside: Sequence[str] = ()
) -> pl.LazyFrame:
    """Return the changes of a code to one of these values, with what other attributes then were."""
    import polars as pl

    def make() -> pl.LazyFrame:
        found = transitions(tables, table, attribute)
        for other in beside:
            found = as_of(found, tables, table, other)
        return found

    found = make() if not beside else tables.once(f"changes of {table}.{attribute} beside {beside}", make)
    return found.filter(pl.col("new").is_in([float(code) for code in values]))
