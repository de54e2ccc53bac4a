"""The case tables of leads, quotes, orders and invoices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.dynamics.case_facts import (
    corporate,
    with_accounts,
    with_counts,
    with_currency,
    with_history,
    with_owners,
)
from dealtrace_engine.sources.dynamics.codes import with_labels
from dealtrace_engine.sources.dynamics.merges import winners
from dealtrace_engine.sources.dynamics.objects import KEYS
from dealtrace_engine.sources.dynamics.relations import TABLES

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables

OUTCOMES = {
    "lead": {0: "Open", 1: "Qualified", 2: "Disqualified"},
    "quote": {0: "Draft", 1: "Issued", 2: "Accepted", 3: "Closed"},
    "salesorder": {0: "Active", 1: "Submitted", 2: "Canceled", 3: "Fulfilled", 4: "Invoiced"},
    "invoice": {0: "Active", 1: "Closed", 2: "Paid", 3: "Canceled"},
}
"""What came of a record by its state."""
DISQUALIFIED = 2


def case_records(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return a row for each lead, quote, order or invoice, whichever is the case."""
    import polars as pl

    table = TABLES[mapping.leading]
    rows = tables.table(table).filter(pl.col(KEYS[table]).is_not_null())
    rows = rows.with_columns(case_id=KEYS[table], created="createdon")
    rows = with_owners(with_currency(rows, tables), tables)
    rows = with_labels(rows, tables, table, "statuscode")
    rows = _leads(rows, tables) if table == "lead" else _priced(rows, tables, table)
    outcome = {float(code): name for code, name in OUTCOMES[table].items()}
    rows = rows.with_columns(
        outcome=pl.col("statecode").replace_strict(outcome, default=None, return_dtype=pl.String)
    )
    return with_counts(with_history(rows, tables, table, mapping.migrated_share), tables, mapping)


def _leads(rows: pl.LazyFrame, tables: CrmTables) -> pl.LazyFrame:
    """Add what is known of leads; those that were merged into others are no cases."""
    import polars as pl

    own = winners(tables, "lead").filter(pl.col("record_id") == pl.col("winner"))
    rows = rows.join(own.select(case_id="record_id"), on="case_id", how="semi")
    rows = with_labels(rows, tables, "lead", "leadsourcecode", "industrycode")
    rows = with_accounts(rows, tables, "parentaccountid", "customerid")
    return rows.with_columns(
        account=pl.coalesce("account", "companyname"),
        industry=pl.coalesce("industry", "industrycodename"),
        country=pl.coalesce("country", "address1_country"),
        lead_source="leadsourcecodename",
        amount=pl.coalesce("estimatedamount", "estimatedvalue"),
        amount_corporate=corporate("estimatedamount", "estimatedamount_base"),
        close_date="estimatedclosedate",
        loss_reason=pl.when(pl.col("statecode") == DISQUALIFIED).then("statuscodename"),
    )


def _priced(rows: pl.LazyFrame, tables: CrmTables, table: str) -> pl.LazyFrame:
    """Add what is known of quotes, orders and invoices."""
    rows = with_labels(rows, tables, table, "paymenttermscode")
    return with_accounts(rows, tables, "customerid").with_columns(
        amount="totalamount",
        amount_corporate=corporate("totalamount", "totalamount_base"),
        discount_pct="discountpercentage",
        payment_terms="paymenttermscodename",
    )
