"""Which object a record is of, told by the first three characters of its id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.objects import PREFIXES

if TYPE_CHECKING:
    import polars as pl

KINDS = {
    "Lead": "lead", "Opportunity": "opportunity", "Quote": "quote", "SBQQ__Quote__c": "quote",
    "Contract": "contract", "Order": "order", "Invoice": "invoice", "blng__Invoice__c": "invoice",
    "Case": "case", "Account": "account", "Contact": "contact",
}  # fmt: skip
"""Object to what the business calls it."""


def kinds_of_prefixes(tables: CrmTables) -> pl.LazyFrame:
    """Return prefix and kind: as the ids of the export have them, else as they are everywhere.

    Packaged objects have other prefixes in every organisation, so theirs can only be learnt.
    """
    import polars as pl

    def make() -> pl.LazyFrame:
        usual = {prefix: KINDS[name] for prefix, name in PREFIXES.items() if name in KINDS}
        found = [
            tables.table(name).select(prefix=pl.col("Id").str.slice(0, 3), kind=pl.lit(kind)).unique()
            for name, kind in KINDS.items()
            if name in tables.objects
        ]
        known = pl.LazyFrame({"prefix": list(usual), "kind": list(usual.values())})
        rows = pl.concat([*found, known]).filter(pl.col("prefix").is_not_null())
        return rows.unique("prefix", keep="first", maintain_order=True)

    return tables.once("kinds of prefixes", make)


def with_kind(rows: pl.LazyFrame, tables: CrmTables, column: str) -> pl.LazyFrame:
    """Return the rows with `kind`, that of the record whose id is in a column; null if it is none known."""
    import polars as pl

    rows = rows.with_columns(prefix=pl.col(column).str.slice(0, 3))
    return rows.join(kinds_of_prefixes(tables), on="prefix", how="left", maintain_order="left").drop("prefix")
