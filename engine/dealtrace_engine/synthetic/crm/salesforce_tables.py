"""A synthetic organisation as the tables of its Salesforce, with API names and typed values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.salesforce_activities import activity_tables
from dealtrace_engine.synthetic.crm.salesforce_approvals import approval_tables
from dealtrace_engine.synthetic.crm.salesforce_billing import billing_tables
from dealtrace_engine.synthetic.crm.salesforce_history import history_tables
from dealtrace_engine.synthetic.crm.salesforce_ids import RecordIds
from dealtrace_engine.synthetic.crm.salesforce_org import SalesforceOrg, SalesforceSetup
from dealtrace_engine.synthetic.crm.salesforce_packages import packaged_tables
from dealtrace_engine.synthetic.crm.salesforce_people import people_tables
from dealtrace_engine.synthetic.crm.salesforce_quoting import quoting_tables
from dealtrace_engine.synthetic.crm.salesforce_selling import selling_tables

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.synthetic.crm.facts import Facts

_FAMILIES = (
    people_tables, selling_tables, history_tables, activity_tables, quoting_tables, approval_tables,
    billing_tables,
)  # fmt: skip
SHARED = frozenset({
    "Organization", "User", "UserRole", "Account", "Contact", "Campaign", "Product2", "CurrencyType",
    "DatedConversionRate", "RecordType", "LeadStatus", "OpportunityStage", "ProcessDefinition",
    "FieldHistory",
})  # fmt: skip
"""Tables that are the same in all parts of an organisation."""


def salesforce_tables(facts: Facts, setup: SalesforceSetup | None = None) -> dict[str, pl.DataFrame]:
    """Return every table by the API name of its object.

    Parameters
    ----------
    facts : Facts
    setup : SalesforceSetup, optional
        How much of the past is kept; by default 18 months, as Salesforce does.

    Returns
    -------
    dict of str to polars.DataFrame
        Columns have API names; instants are Datetime[us, UTC], days Date, numbers Float64 or integers, ids
        texts of 18 characters. Merged and deleted records are there with IsDeleted, as in extracts that ask
        for them.

    Examples
    --------
    >>> from dealtrace_engine.synthetic.crm.facts import facts
    >>> salesforce_tables(facts(20, seed=1))["Quote"]["Id"][0][:3]
    '0Q0'
    """
    org = salesforce_org(facts, setup)
    tables = {name: table for family in _FAMILIES for name, table in family(org).items()}
    return packaged_tables(tables) if org.setup.packaged else tables


def salesforce_org(facts: Facts, setup: SalesforceSetup | None = None) -> SalesforceOrg:
    """Return the organisation with a setup and ids."""
    setup = setup or SalesforceSetup()
    return SalesforceOrg(facts, setup, RecordIds(setup.packaged, facts.part))
