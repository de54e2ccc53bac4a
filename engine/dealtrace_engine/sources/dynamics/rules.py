"""All ladders of Dynamics 365 Sales."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ladder import Rule
from dealtrace_engine.sources.dynamics import (
    rules_approvals,
    rules_contacts,
    rules_discounts,
    rules_invoices,
    rules_leads,
    rules_opportunities,
    rules_orders,
    rules_quotes,
    rules_stages,
    rules_support,
)
from dealtrace_engine.sources.dynamics.evidence import finished

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables

FAMILIES = (
    rules_leads, rules_contacts, rules_opportunities, rules_stages, rules_quotes, rules_discounts,
    rules_approvals, rules_orders, rules_invoices, rules_support,
)  # fmt: skip
CONTRACTS = "a table of contracts that the mapping names"


def no_contracts(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find nothing: Dynamics 365 Sales keeps no contracts; the rule says so in the coverage report."""
    import polars as pl

    return pl.LazyFrame(schema={
        "fact": pl.String, "object": pl.String, "record_id": pl.String, "timestamp": pl.Datetime("us", "UTC")
    })  # fmt: skip


RULES: tuple[Rule, ...] = (
    *(finished(rule) for family in FAMILIES for rule in family.RULES),
    Rule("D0", "contract_signed", CONTRACTS, "field", no_contracts, (CONTRACTS,)),
)
"""In the order in which each activity's are tried."""
