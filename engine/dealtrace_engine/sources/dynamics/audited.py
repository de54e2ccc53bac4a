"""The audited updates of those attributes that rules ask for, each apart from all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.tables import Kind
from dealtrace_engine.sources.crm.values import value
from dealtrace_engine.sources.dynamics.audit import UPDATE
from dealtrace_engine.sources.dynamics.objects import CATALOG

if TYPE_CHECKING:
    import polars as pl

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
    what = f"audited {table}.{attribute}"
    return tables.once(what, lambda: _updates(tables, table, attribute).lazy()).collect()


def audited_records(tables: CrmTables, table: str) -> pl.LazyFrame:
    """Return the records of a table that have an audited update, each once: record_id."""
    import polars as pl

    def make() -> pl.LazyFrame:
        of_table = (pl.col("objecttypecode") == table) & (pl.col("operation") == UPDATE)
        return tables.table("audit_changes").filter(of_table).select(record_id="objectid").unique()

    return tables.once(f"audited records of {table}", make)


def split_audit(tables: CrmTables, mapping: CrmMapping) -> None:
    """Work out all that rules and the case table ask of the audited changes, which can be let go then."""
    for table, attributes in ASKED.items():
        for attribute in attributes:
            audited_updates(tables, table, attribute)
    audited_records(tables, LEADING.get(mapping.leading, mapping.leading))


def _updates(tables: CrmTables, table: str, attribute: str) -> pl.DataFrame:
    """Find the rows of an attribute."""
    import polars as pl

    is_asked = (
        pl.col("objecttypecode").is_in(_audited_as(tables, table))
        & (pl.col("attribute") == attribute)
        & (pl.col("operation").is_null() | (pl.col("operation") == UPDATE))
    )
    kind = CATALOG[table][attribute]
    found = tables.table("audit_changes").filter(is_asked).select(
        record_id="objectid", old=audited_value("old", kind), new=audited_value("new", kind),
        at="createdon", by="userid", row_id="auditid",
    )  # fmt: skip
    updates = found.collect()
    return updates.with_columns(map(tables.ids.held, updates["old", "new"])) if kind is Kind.ID else updates


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
