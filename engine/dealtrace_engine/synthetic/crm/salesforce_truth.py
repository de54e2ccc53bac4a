"""The truth under the ids of the Salesforce tables, so that a reader's events can be compared with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.salesforce_derivable import derivable
from dealtrace_engine.synthetic.crm.salesforce_rows import looked_up
from dealtrace_engine.synthetic.crm.salesforce_tables import salesforce_org

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.synthetic.crm.facts import Facts
    from dealtrace_engine.synthetic.crm.salesforce_org import SalesforceOrg, SalesforceSetup

_NAMES = {"lead": "Lead", "opportunity": "Opportunity", "quote": "Quote", "contract": "Contract",
          "order": "Order", "invoice": "Invoice", "payment": "Payment", "case": "Case"}  # fmt: skip
_CONTACT_NAMES = {"call": "Task", "email": "EmailMessage", "meeting": "Event"}


def salesforce_truth(
    facts: Facts, setup: SalesforceSetup | None = None, *, deleted_rows: bool = True
) -> pl.DataFrame:
    """Return the events as they happened.

    Parameters
    ----------
    facts, setup, deleted_rows
        As for `derivable`.

    Returns
    -------
    polars.DataFrame
        case_id (an opportunity, or a lead that never became one; null for orphans), activity (canonical id),
        timestamp, object, record_id (of quotes the quote, whatever the revision; of payments the Payment;
        of contacts the Task, Event or EmailMessage), resource_id, resource_name, value_from, value_to,
        derivable, precision.
    """
    import polars as pl

    org, truth = salesforce_org(facts, setup), facts["truth"]
    cases = [_ids_where(org, truth, "case_object", "case", name) for name in ("opportunity", "lead")]
    records = [_ids_where(org, truth, "object", "record", name) for name in _NAMES]
    users = facts["users"].select("user", "name")
    return truth.select(
        pl.coalesce(*cases).alias("case_id"),
        "activity",
        "timestamp",
        "object",
        pl.coalesce(*records, _contact_ids(org, truth)).alias("record_id"),
        org.users(truth["resource"]).alias("resource_id"),
        looked_up(truth["resource"], users, "user", "name").alias("resource_name"),
        "value_from",
        "value_to",
    ).hstack(derivable(facts, setup, deleted_rows=deleted_rows))


def _ids_where(org: SalesforceOrg, truth: pl.DataFrame, kind: str, key: str, name: str) -> pl.Series:
    """Return the ids of the records of one object, null in the rows of others."""
    import polars as pl

    keys = truth.select(pl.when(pl.col(kind) == name).then(key)).to_series()
    if name == "quote":
        keys = looked_up(keys, org.facts["quotes"], "quote", "root")
    if name == "payment":
        back = looked_up(keys, org.facts["payments"], "payment", "reverses")
        keys = pl.select(pl.coalesce(back, keys)).to_series()
    return org.ids.of(_NAMES[name], keys)


def _contact_ids(org: SalesforceOrg, truth: pl.DataFrame) -> pl.Series:
    import polars as pl

    keys = truth.select(pl.when(pl.col("object") == "contact").then("record")).to_series()
    kinds = looked_up(keys, org.facts["contacts"], "contact", "kind")
    ids = [
        org.ids.of(name, pl.select(pl.when(kinds == kind).then(keys)).to_series())
        for kind, name in _CONTACT_NAMES.items()
    ]
    return pl.select(pl.coalesce(*ids)).to_series()
