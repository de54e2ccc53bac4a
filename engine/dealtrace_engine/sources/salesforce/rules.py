"""All ladders for Salesforce, family by family."""

from __future__ import annotations

from dealtrace_engine.sources.crm.ladder import Rule
from dealtrace_engine.sources.salesforce import (
    rules_approvals,
    rules_contacts,
    rules_contracts,
    rules_invoices,
    rules_leads,
    rules_opportunities,
    rules_orders,
    rules_payments,
    rules_quotes,
    rules_support,
)
from dealtrace_engine.sources.salesforce.evidence import with_resources

FAMILIES = (
    rules_leads, rules_contacts, rules_opportunities, rules_approvals, rules_quotes, rules_contracts,
    rules_orders, rules_invoices, rules_payments, rules_support,
)  # fmt: skip
RULES: tuple[Rule, ...] = tuple(with_resources(rule) for family in FAMILIES for rule in family.RULES)
