"""What a shape of a Salesforce export shows of the truth, and under which ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.salesforce_ids import RecordIds
from dealtrace_engine.synthetic.crm.truth_file import Shown

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.synthetic.crm.facts import Facts

OBJECTS = {
    "lead": "Lead", "opportunity": "Opportunity", "quote": "Quote", "contract": "Contract", "order": "Order",
    "invoice": "Invoice", "payment": "PaymentLineInvoice", "case": "Case",
}  # fmt: skip
CONTACTS = {"call": "Task", "email": "EmailMessage", "meeting": "Event"}
"""Kind of contact to the object that holds it."""
CASES = {"opportunity": ("Opportunity", "Id"), "lead": ("Lead", "Id")}


def salesforce_shown(facts: Facts, shape: str, tables: Mapping[str, pl.DataFrame], precision: str) -> Shown:
    """Return what `write_truth` asks about a Salesforce export.

    Parameters
    ----------
    facts : Facts
    shape : str
    tables : mapping of str to DataFrame
        Those of the shape, without the rows that it leaves out.
    precision : {"instant", "minute"}
    """
    ids = RecordIds()
    renamed = _references(tables) if shape == "tree" else None
    return Shown(
        "salesforce", shape, tables, CASES, precision, _record_ids(facts, ids),
        ids.of("User", facts["users"].sort("user")["user"] + 1), renamed,
    )  # fmt: skip
