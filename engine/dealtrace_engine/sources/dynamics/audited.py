"""The audited updates of those attributes that rules ask for, each apart from all others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.tables import Kind
from dealtrace_engine.sources.crm.values import value
from dealtrace_engine.sources.dynamics.audit import CHANGED, UPDATE
from dealtrace_engine.sources.dynamics.objects import CATALOG

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.ids import Ids
    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables

_STATE = ("statecode", "statuscode")
_DISCOUNT = ("discountpercentage", "discountamount")
ASKED: Mapping[str, Sequence[str]] = {
    "lead": _STATE,
    "opportunity": (
        *_STATE, *_DISCOUNT, "ownerid", "estimatedvalue", "estimatedclosedate", "closeprobability",
        "salesstage", "stepname", "stageid", "salesstagecode", "presentproposal", "presentfinalproposal",
    ),
    "opportunityproduct": ("manualdiscountamount",),
    "quote": (*_STATE, *_DISCOUNT),
    "quotedetail": ("manualdiscountamount",),
    "salesorder": _STATE,
    "invoice": _STATE,
    "incident": _STATE,
    "opportunitysalesprocess": ("activestageid",),
    "leadtoopportunitysalesprocess": ("activestageid",),
    "customsalesprocess": ("activestageid",),
}  # fmt: skip
"""Tables to the attributes whose changes rules ask for."""
ROWS_AT_A_TIME = 1 << 17
"""Audited changes that are split at once, and let go then: it takes as long for few as for many."""
LEADING = {"order": "salesorder"}
"""Tables of the records that can be the case, where these are called otherwise."""


def audited_updates(tables: CrmTables, table: str, attribute: str) -> pl.DataFrame:
    """Return the audited updates of an attribute, in no order.

    Parameters
    ----------
    tables : CrmTables
    table, attribute : str
        Logical names.

    Returns
    -------
    DataFrame
        record_id, old, new (of the attribute's kind), at, by, row_id.
    """

    def make() -> pl.LazyFrame:
        updates = tables.table(CHANGED).filter(_is_update(_audited_as(tables, table)))
        return _of_attribute(updates, tables.ids, table, attribute).lazy()

    return tables.once(_called(table, attribute), make).collect()


def audited_records(tables: CrmTables, table: str) -> pl.LazyFrame:
    """Return the records of a table that have an audited update, each once: record_id."""
    return tables.once(_records_of(table), lambda: _records(tables.table(CHANGED), table))


def _records(changes: pl.LazyFrame, table: str) -> pl.LazyFrame:
    import polars as pl

    of_table = (pl.col("objecttypecode") == table) & (pl.col("operation") == UPDATE)
    return changes.filter(of_table).select(record_id="objectid").unique()


def _called(table: str, attribute: str) -> str:
    return f"audited {table}.{attribute}"


def _records_of(table: str) -> str:
    return f"audited records of {table}"


def split_audit(tables: CrmTables, mapping: CrmMapping) -> None:
    """Work out all that rules and the case table ask of the audited changes, which go piece by piece."""
    import polars as pl

    leading = LEADING.get(mapping.leading, mapping.leading)
    asked = [(table, attribute) for table, attributes in ASKED.items() for attribute in attributes]
    names = {table: _audited_as(tables, table) for table in ASKED}
    updates: dict[tuple[str, str], list[pl.DataFrame]] = {key: [] for key in asked}
    records = []
    for piece in _pieces(tables, CHANGED in mapping.named_objects):
        of_table = {table: piece.filter(_is_update(names[table])) for table in ASKED}
        for table, attribute in asked:
            found = _of_attribute(of_table[table].lazy(), tables.ids, table, attribute)
            if found.height or not updates[table, attribute]:
                updates[table, attribute].append(found)
        records.append(_records(piece.lazy(), leading).collect())
    for key, parts in updates.items():
        tables.once(_called(*key), pl.concat(parts, rechunk=False).lazy)
    tables.once(_records_of(leading), pl.concat(records).unique().lazy)


def _pieces(tables: CrmTables, kept: bool) -> Iterator[pl.DataFrame]:
    """Yield the audited changes, at least one piece; unless they are kept, each is let go with the next."""
    changes = tables.table(CHANGED).collect()
    if not kept:
        tables.release(CHANGED)
    cuts = [0]
    for end in accumulate(len(chunk) for chunk in changes.to_series().get_chunks()):
        if end - cuts[-1] >= ROWS_AT_A_TIME or end == changes.height:
            cuts.append(end)
    pieces = [changes.slice(begin, end - begin) for begin, end in pairwise(cuts)] or [changes]
    del changes
    while pieces:
        yield pieces.pop(0)


def _is_update(names: Sequence[str]) -> pl.Expr:
    """Tell updates of tables that audit rows have these names for."""
    import polars as pl

    operation = pl.col("operation")
    return pl.col("objecttypecode").is_in(names) & (operation.is_null() | (operation == UPDATE))


def _of_attribute(updates: pl.LazyFrame, ids: Ids, table: str, attribute: str) -> pl.DataFrame:
    """Return the updates of an attribute of a table."""
    import polars as pl

    kind = CATALOG[table][attribute]
    found = updates.filter(pl.col("attribute") == attribute).select(
        record_id="objectid", old=audited_value("old", kind), new=audited_value("new", kind),
        at="createdon", by="userid", row_id="auditid",
    ).collect()  # fmt: skip
    return found.with_columns(map(ids.held, found["old", "new"])) if kind is Kind.ID else found


def _audited_as(tables: CrmTables, table: str) -> list[str]:
    """Return the names that audit rows have for a table; the flows of an organisation's own have theirs."""
    if "bpf_table" not in CATALOG[table]:
        return [table]
    own = tables.table(table).select("bpf_table").unique().drop_nulls().collect()
    return [table, *own["bpf_table"].sort()]


def audited_value(column: str, kind: Kind) -> pl.Expr:
    """Return a value as audit rows write it: a lookup is the name of a table, a comma and an id."""
    import polars as pl

    if kind is Kind.ID:
        plain = pl.col(column).str.split(",").list.last().str.strip_chars("{} ").str.to_lowercase()
        return pl.when(plain != "").then(plain)
    return value(column, kind, pl.String(), "UTC").alias(column)
