"""Statuses and stages that nothing is known of, with how many rows have them."""

from __future__ import annotations

from collections.abc import Mapping

from dealtrace_engine.sources.crm.mapping import CrmMapping, default_statuses
from dealtrace_engine.sources.crm.names import one_of
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.stages import unknown_stages

STATUSES: Mapping[str, str] = {
    "Lead.Status": "lead", "Quote.Status": "quote", "SBQQ__Quote__c.SBQQ__Status__c": "quote",
    "Contract.Status": "contract", "Order.Status": "order", "Invoice.Status": "invoice",
    "blng__Invoice__c.blng__InvoiceStatus__c": "invoice",
}  # fmt: skip
"""Columns of statuses, to what the names of their sets begin with."""


def unmapped(tables: CrmTables, mapping: CrmMapping) -> dict[str, dict[str, int]]:
    """Return, column by column, the values that are in no set of statuses, the most frequent first."""
    import polars as pl

    found: dict[str, dict[str, int]] = {}
    for place, prefix in STATUSES.items():
        name, _, column = place.partition(".")
        keys = {**default_statuses(), **mapping.statuses}
        names = [known for key in keys if key.startswith(f"{prefix}.") for known in mapping.status(key)]
        counts = tables.table(name).filter(pl.col(column).is_not_null()).group_by(column).agg(rows=pl.len())
        odd = counts.filter(~one_of(pl.col(column), names)).sort("rows", column, descending=[True, False])
        if values := dict(odd.collect().iter_rows()):
            found[place] = values
    if stages := unknown_stages(tables, mapping):
        found["Opportunity.StageName"] = stages
    return found
