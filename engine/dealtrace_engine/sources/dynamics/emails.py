"""Messages that were sent about a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.dynamics.evidence import told
from dealtrace_engine.sources.dynamics.objects import KEYS

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.tables import CrmTables

SENT = 3
"""Status of a message."""


def sent_about(tables: CrmTables, table: str, **more: pl.Expr) -> pl.LazyFrame:
    """Return the first message out about each record of a table as its event.

    Parameters
    ----------
    tables : CrmTables
    table : str
    **more
        Further columns of the events, from the columns of the table.
    """
    first = messages_out(tables)
    rows = tables.table(table).with_columns(record_id=KEYS[table])
    joined = first.join(rows, on="record_id", maintain_order="left")
    return told(joined, table, record="record_id", at="at", by="by", row="activityid", **more)


def messages_out(tables: CrmTables) -> pl.LazyFrame:
    """Return the first message out about each record: activityid, record_id, at, by."""
    import polars as pl

    def make() -> pl.LazyFrame:
        out = tables.table("email").filter(
            (pl.col("statuscode") == SENT) & pl.col("directioncode").fill_null(True)
        )
        mails = out.select(
            "activityid",
            record_id="regardingobjectid",
            at=pl.coalesce("senton", "actualend"),
            by=pl.coalesce("createdby", "ownerid"),
        ).filter(pl.col("at").is_not_null())
        return mails.sort("at", "activityid").unique("record_id", keep="first", maintain_order=True)

    return tables.once("messages out", make)
