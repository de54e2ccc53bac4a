"""Changes of a field, from the history of its object: what the rules on statuses, owners and amounts read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.crm.values import read_ids
from dealtrace_engine.sources.salesforce.evidence import alive, deleted, having, noted
from dealtrace_engine.sources.salesforce.merges import standing_for
from dealtrace_engine.sources.salesforce.objects import PREFIXES

if TYPE_CHECKING:
    import polars as pl

HISTORIES = {
    "Lead": ("LeadHistory", "LeadId"),
    "Opportunity": ("OpportunityFieldHistory", "OpportunityId"),
    "Quote": ("QuoteHistory", "QuoteId"),
    "SBQQ__Quote__c": ("SBQQ__Quote__History", "ParentId"),
    "Contract": ("ContractHistory", "ContractId"),
    "Order": ("OrderHistory", "OrderId"),
    "Invoice": ("InvoiceHistory", "InvoiceId"),
    "blng__Invoice__c": ("blng__Invoice__History", "ParentId"),
    "Case": ("CaseHistory", "CaseId"),
}
"""Object to the table of its changes, and the column of that which names the record."""
ARCHIVE = "FieldHistoryArchive"
ENTITY_ID = "EntityId"
GOOD, COMPLETED = 1, 2
"""States of `dealtrace_ext.record_ids`: checked by its last characters, and too short to be."""


def changes(tables: CrmTables, name: str, *fields: str) -> pl.LazyFrame:
    """Return the changes of fields of an object, archived ones too.

    Parameters
    ----------
    tables : CrmTables
    name : str
        Object, a key of `HISTORIES`.
    *fields : str
        Fields, or the special words that histories have in place of one (``"created"``).

    Returns
    -------
    LazyFrame
        record_id, field, data_type, from, to, at, by, by_name, source_object, source_row. Of a text too long
        to be kept, from and to are null: changed, to what is not known. Changes to the value that was, and
        those of deleted records, are left out; those of a merged record are the winner's.
    """
    import polars as pl

    history, parent = HISTORIES[name]

    def make() -> pl.LazyFrame:
        found = _rows(tables.table(history), history, parent).filter(pl.col("field").is_in(list(fields)))
        if ARCHIVE in tables.raw.frames:
            kinds = {name, history, f"{name}History", f"{name}FieldHistory"}
            old = tables.table(ARCHIVE).filter(pl.col("FieldHistoryType").is_in(list(kinds)))
            old = _rows(old, ARCHIVE, "ParentId").filter(pl.col("field").is_in(list(fields)))
            same = ["record_id", "field", "at", "from", "to"]
            found = pl.concat([found, old]).unique(same, keep="first", maintain_order=True)
        found = found.filter(~(pl.col("from") == pl.col("to")).fill_null(False))
        found = found.join(deleted(tables, name), left_on="record_id", right_on="Id", how="anti")
        return standing_for(tables, name, found, "record_id") if name == "Lead" else found

    return tables.once(f"changes {name} {fields}", make)


def _rows(table: pl.LazyFrame, source: str, parent: str) -> pl.LazyFrame:
    import polars as pl

    known = table.collect_schema().names()
    if "IsDeleted" in known:
        table = table.filter(~pl.col("IsDeleted").fill_null(False))
    spare = {name: pl.lit(None, pl.String) for name in ("DataType", "CreatedBy.Name") if name not in known}
    return table.with_columns(**spare).select(
        record_id=parent, field="Field", data_type="DataType", at="CreatedDate", by="CreatedById",
        by_name="CreatedBy.Name", source_object=pl.lit(source), source_row="Id",
        **{"from": pl.col("OldValue"), "to": pl.col("NewValue")},
    )  # fmt: skip


def lookup_changes(tables: CrmTables, name: str, *fields: str) -> pl.LazyFrame:
    """Return the changes of lookups: the two rows that are written of one, of names and of ids, made one.

    Returns
    -------
    LazyFrame
        As `changes`, from and to being names, and from_id and to_id. An export may have only the one or only
        the other row.
    """
    import polars as pl

    def make() -> pl.LazyFrame:
        rows = changes(tables, name, *fields).collect()
        is_id = pl.Series(_is_id(rows["from"], rows["to"]))
        is_id |= (rows["data_type"] == ENTITY_ID).fill_null(False)
        key = ["record_id", "field", "at", "by", "_n"]
        number = pl.int_range(pl.len()).over("record_id", "field", "at", "by").alias("_n")
        names = rows.filter(~is_id).with_columns(number)
        ids = rows.filter(is_id).with_columns(number).rename({"from": "from_id", "to": "to_id"})
        joined = names.join(ids, on=key, how="full", coalesce=True, nulls_equal=True)
        both = ("data_type", "by_name", "source_object", "source_row")
        merged = [pl.coalesce(column, f"{column}_right").alias(column) for column in both]
        return joined.lazy().with_columns(merged).select(*rows.columns, "from_id", "to_id")

    return tables.once(f"lookups {name} {fields}", make)


def _is_id(before: pl.Series, after: pl.Series) -> NDArray[np.bool_]:
    """Return where what is there, of the old and the new value, are ids of known objects."""
    there: NDArray[np.bool_] = before.is_not_null().to_numpy() | after.is_not_null().to_numpy()
    for values in (before, after):
        _, states = read_ids(values, "salesforce")
        known = values.str.slice(0, 3).is_in(list(PREFIXES)).fill_null(False).to_numpy()
        there &= values.is_null().to_numpy() | (states == GOOD) | ((states == COMPLETED) & known)
    return there


def gaps(tables: CrmTables, name: str, field: str) -> None:
    """Count records whose last change in the history is not to the value that they have now."""
    import polars as pl

    if field not in tables.columns(name):
        return
    found = changes(tables, name, field)
    last = found.filter(pl.col("at") == pl.col("at").max().over("record_id"))
    ends = last.group_by("record_id").agg(pl.col("to"), lost=pl.col("to").is_null().any())
    now = alive(tables, name).select("Id", now=pl.col(field).cast(pl.String))
    odd = ends.join(now, left_on="record_id", right_on="Id").filter(
        ~pl.col("lost") & ~pl.col("to").list.contains(pl.col("now")).fill_null(False)
    )
    history = HISTORIES[name][0]
    noted(tables, f"{name}.{field} is not what {history} says last: changes are missing", odd, "now")


def status_changes(
    tables: CrmTables, mapping: CrmMapping, name: str, kind: str, key: str, field: str = "Status",
    tokens: Sequence[str] = (),
) -> pl.LazyFrame:  # fmt: skip
    """Return an event for each change of a record into a status.

    Parameters
    ----------
    tables : CrmTables
    mapping : CrmMapping
        Says which names the status has.
    name : str
        Object.
    kind : str
        What the business calls it.
    key : str
        The status: ``"quote.accepted"``.
    field : str
        Column of the status.
    tokens : sequence of str
        Special words in place of a field that mean the same.
    """
    import polars as pl

    gaps(tables, name, field)
    found = changes(tables, name, field, *tokens)
    meant = having(found, "to", mapping.status(key))
    before = having(found, "from", mapping.status(key))
    into = pl.col("to").is_in(meant) & ~pl.col("from").is_in(before).fill_null(False)
    return as_events(
        found.filter((into & (pl.col("field") == field)) | pl.col("field").is_in(list(tokens))), kind
    )


def last_touched(
    tables: CrmTables, mapping: CrmMapping, name: str, kind: str, keys: Sequence[str], field: str = "Status",
) -> pl.LazyFrame:  # fmt: skip
    """Return the last change of records that are in a status now: often later than the fact.

    Parameters
    ----------
    tables : CrmTables
    mapping : CrmMapping
        Says which names the statuses have.
    name : str
        Object.
    kind : str
        What the business calls it.
    keys : sequence of str
        The statuses: ``"quote.accepted"``.
    field : str
        Column of the status.
    """
    import polars as pl

    rows = alive(tables, name)
    meant = having(rows, field, [value for key in keys for value in mapping.status(key)])
    return rows.filter(pl.col(field).is_in(meant)).select(
        fact="Id", object=pl.lit(kind), record_id="Id", timestamp="LastModifiedDate",
        resource_id="LastModifiedById", source_row_id="Id", status_to=field,
    )  # fmt: skip


def as_events(found: pl.LazyFrame, kind: str, **more: pl.Expr) -> pl.LazyFrame:
    """Return changes as events of a kind of record; the fact is the record."""
    import polars as pl

    plain = {"status_from": pl.col("from"), "status_to": pl.col("to"), "fact": pl.col("record_id")}
    return found.select(
        "source_object", object=pl.lit(kind), record_id="record_id", timestamp="at",
        resource_id="by", resource_name="by_name", source_row_id="source_row", **{**plain, **more},
    )  # fmt: skip
