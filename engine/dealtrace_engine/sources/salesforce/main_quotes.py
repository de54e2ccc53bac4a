"""The one quote of an opportunity that counts: the synced, primary or accepted one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.evidence import alive, having
from dealtrace_engine.sources.salesforce.paths import (
    first_hit,
    invoice_orders,
    order_quotes,
    path,
    payment_invoices,
)

if TYPE_CHECKING:
    import polars as pl


def main_quotes(tables: CrmTables, mapping: CrmMapping, quotes: pl.LazyFrame) -> pl.LazyFrame:
    """Return the main quote of each opportunity that has one.

    Parameters
    ----------
    tables : CrmTables
    mapping : CrmMapping
        Says which statuses mean accepted.
    quotes : LazyFrame
        The opportunities of quotes: record_id, target, via.

    Returns
    -------
    LazyFrame
        record_id (the opportunity), target (the quote), via: synced, else primary, else the last one that was
        accepted, else the only one.
    """
    import polars as pl

    names = mapping.status("quote.accepted")
    standard, packaged = alive(tables, "Quote"), alive(tables, "SBQQ__Quote__c")
    accepted = pl.concat(
        [
            rows.filter(pl.col(status).is_in(having(rows, status, names))).select("Id", "CreatedDate")
            for rows, status in ((standard, "Status"), (packaged, "SBQQ__Status__c"))
        ]
    )
    of_quotes = quotes.rename({"record_id": "Id"})
    ways = {
        "synced": standard.filter(pl.col("IsSyncing")).select("Id", "CreatedDate"),
        "primary": packaged.filter(pl.col("SBQQ__Primary__c")).select("Id", "CreatedDate"),
        "accepted": accepted,
    }
    last = [
        rows.join(of_quotes, on="Id").sort("CreatedDate", "Id").group_by("target", maintain_order=True).last()
        .select(record_id="target", target="Id", via=pl.lit(way))
        for way, rows in ways.items()
    ]  # fmt: skip
    only = quotes.filter(pl.len().over("target") == 1).select(
        record_id="target", target="record_id", via=pl.lit("only quote")
    )
    return first_hit(path(tables, "Opportunity", "SyncedQuoteId"), *last, only)


def not_main(known: pl.LazyFrame, tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return object, record_id and case_id of quotes that do not count, and of what came of them.

    Parameters
    ----------
    known : LazyFrame
        All links to opportunities.
    tables : CrmTables
    mapping : CrmMapping
    """
    import polars as pl

    quotes = known.filter(pl.col("object") == "quote")
    as_path = quotes.select("record_id", target="case_id", via="via")
    main = main_quotes(tables, mapping, as_path).select(case_id="record_id", main="target")
    other = quotes.join(main, on="case_id").filter(pl.col("main") != pl.col("record_id"))
    found = [other.select("record_id", "case_id", object=pl.lit("quote"))]
    steps = (("order", order_quotes), ("invoice", invoice_orders), ("payment", payment_invoices))
    for kind, of in steps:
        came = of(tables).select("record_id", parent="target")
        parents = found[-1].select("case_id", parent="record_id")
        found.append(came.join(parents, on="parent").select("record_id", "case_id", object=pl.lit(kind)))
    return pl.concat(found).unique()
