"""Rules on support cases, after the sale: opened and closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ladder import Rule
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.evidence import alive, creations

if TYPE_CHECKING:
    import polars as pl


def opened(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the creation of support cases."""
    import polars as pl

    return creations(tables, "Case", "case", status_to=pl.lit(None, pl.String))


def closed(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the closing of support cases."""
    import polars as pl

    return alive(tables, "Case").select(
        fact="Id", object=pl.lit("case"), record_id="Id", timestamp="ClosedDate", source_row_id="Id",
        resource_id="OwnerId", resource_name="Owner.Name", status_to="Status",
    )  # fmt: skip


RULES = (
    Rule("SF1", "case_opened", "Case", "created", opened, ("Case.CreatedDate",)),
    Rule("SF1", "case_closed", "Case", "field", closed, ("Case.ClosedDate",)),
)
