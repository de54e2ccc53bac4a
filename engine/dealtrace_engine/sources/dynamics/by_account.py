"""Links by the account and the time only: what may belong to an opportunity where nothing says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.dynamics.merges import winners
from dealtrace_engine.sources.dynamics.objects import CATALOG, KEYS

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.tables import CrmTables

SUREST = 0.8
"""Confidence in a link where the account had one opportunity up to then; of n, this divided by n."""
VIA = "account and time"


def by_account(tables: CrmTables, table: str) -> pl.LazyFrame:
    """Return records with the last opportunity of their account that was created before them.

    Parameters
    ----------
    tables : CrmTables
    table : str
        Of the records: ``"quote"``, ``"salesorder"``, ``"invoice"``, ``"incident"``.

    Returns
    -------
    LazyFrame
        record_id, parent_id, via, confidence (below 1).
    """
    import polars as pl

    deals = _accounts(tables, "opportunity").sort("createdon", "record_id")
    deals = deals.with_columns(candidates=pl.int_range(1, pl.len() + 1).over("account"))
    records = _accounts(tables, table).sort("createdon", "record_id")
    joined = records.join_asof(
        deals.select("account", "createdon", "candidates", parent_id="record_id"),
        on="createdon", by="account", strategy="backward", check_sortedness=False,
    )  # fmt: skip
    return joined.filter(pl.col("parent_id").is_not_null()).select(
        "record_id", "parent_id", via=pl.lit(VIA), confidence=SUREST / pl.col("candidates")
    )


def _accounts(tables: CrmTables, table: str) -> pl.LazyFrame:
    """Return records with their account, or contact, as it is after merges, and when they were created."""
    import polars as pl

    columns = [name for name in ("parentaccountid", "customerid", "accountid") if name in CATALOG[table]]
    rows = tables.table(table).select("createdon", record_id=KEYS[table], account=pl.coalesce(columns))
    rows = rows.filter(pl.all_horizontal(pl.all().is_not_null()))
    merged = winners(tables, "account").rename({"record_id": "account"})
    joined = rows.join(merged, on="account", how="left", maintain_order="left")
    return joined.with_columns(account=pl.coalesce("winner", "account")).drop("winner")
