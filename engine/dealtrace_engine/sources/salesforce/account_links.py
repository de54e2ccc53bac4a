"""Links by account and time, for what has no other: only where they are asked for, and never certain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.evidence import alive
from dealtrace_engine.sources.salesforce.merges import standing_for
from dealtrace_engine.sources.salesforce.outcomes import outcomes

if TYPE_CHECKING:
    import polars as pl

DAYS = 365
"""How long after the close date of an opportunity something of its account may still belong to it."""
SURE = 0.8
"""Confidence where only one opportunity of the account comes into question."""
COLUMNS = (
    ("quote", "Quote", "AccountId"), ("quote", "SBQQ__Quote__c", "SBQQ__Account__c"),
    ("contract", "Contract", "AccountId"), ("order", "Order", "AccountId"),
    ("invoice", "Invoice", "BillingAccountId"), ("invoice", "blng__Invoice__c", "blng__Account__c"),
    ("case", "Case", "AccountId"), ("contact", "Task", "AccountId"), ("contact", "Event", "AccountId"),
)  # fmt: skip
AFTER_THE_SALE = ("contract", "order", "invoice", "case")
"""Kinds of records that a lost opportunity has none of."""


def by_account(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return, of each record with an account, the latest opportunity of that account that it can belong to.

    Returns
    -------
    LazyFrame
        object, record_id, case_id, via, confidence: `SURE`, divided by how many come into question.
    """
    import polars as pl

    status = outcomes(tables, mapping).select("is_closed", "is_won", Id="record_id")
    deals = alive(tables, "Opportunity").join(status, on="Id", how="left")
    deals = standing_for(tables, "Account", deals.filter(pl.col("AccountId").is_not_null()), "AccountId")
    end = pl.col("CloseDate").cast(pl.Datetime("us")).dt.replace_time_zone("UTC") + pl.duration(days=DAYS)
    deals = deals.select(
        account="AccountId", case_id="Id", begun="CreatedDate",
        ended=pl.when(pl.col("is_closed")).then(end),
        lost=(pl.col("is_closed") & ~pl.col("is_won")).fill_null(False),
    )  # fmt: skip
    parts = []
    for kind, name, column in COLUMNS:
        rows = alive(tables, name).filter(pl.col(column).is_not_null())
        rows = standing_for(tables, "Account", rows, column)
        rows = rows.select(record_id="Id", account=column, at="CreatedDate").join(deals, on="account")
        in_time = (pl.col("at") >= pl.col("begun")) & (pl.col("at") <= pl.col("ended")).fill_null(True)
        if kind in AFTER_THE_SALE:
            in_time &= ~pl.col("lost")
        rows = rows.filter(in_time).sort("begun", "case_id")
        rows = rows.group_by("record_id", maintain_order=True).agg(
            pl.col("case_id").last(), confidence=SURE / pl.len()
        )
        parts.append(rows.select(object=pl.lit(kind), record_id="record_id", case_id="case_id",
                                 via=pl.lit(f"{name}.{column} and time"),
                                 confidence="confidence"))  # fmt: skip
    return pl.concat(parts)
