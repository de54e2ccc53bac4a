"""Who takes part in calls, e-mails and meetings: the lead or the person on the customer's side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.dynamics_activities import email_key, finished_contacts
from dealtrace_engine.synthetic.crm.dynamics_directory import Directory
from dealtrace_engine.synthetic.crm.dynamics_opportunities import person_at_customer

if TYPE_CHECKING:
    import polars as pl

_TABLES = {"call": "phonecall", "email": "email", "meeting": "appointment"}
_SENDER, _TO, _REQUIRED = 1, 2, 5
"""How somebody takes part."""


def activity_parties(directory: Directory) -> pl.DataFrame:
    """Return the customer of each contact: who is called, written to or invited, or calls and writes."""
    import polars as pl

    contacts = finished_contacts(directory.facts).filter(~pl.col("deleted")).sort("contact")
    rows = contacts.with_columns(person_at_customer(directory).alias("person"))
    lead, person = (
        directory.guids(table, rows.get_column(key))
        for table, key in (("lead", "lead"), ("contact", "person"))
    )
    role = pl.when(pl.col("kind") == "meeting").then(_REQUIRED).when("outgoing").then(_TO).otherwise(_SENDER)
    of_lead = pl.col("lead").is_not_null()
    parties = rows.select(
        directory.guids("activityparty", rows.get_column("contact")).alias("activitypartyid"),
        _activities(directory, rows).alias("activityid"),
        pl.when(of_lead).then(lead).otherwise(person).alias("partyid"),
        pl.when(of_lead).then(pl.lit("lead")).otherwise(pl.lit("contact")).alias("partyobjecttypecode"),
        role.cast(pl.Int32).alias("participationtypemask"),
    )
    return parties.filter(pl.col("partyid").is_not_null())


def _activities(directory: Directory, contacts: pl.DataFrame) -> pl.Series:
    """Return the GUIDs of the activities that the contacts are."""
    import polars as pl

    keys = contacts.select("kind", "contact", key=email_key(pl.col("contact"), "contact"))
    ids = {
        kind: directory.guids(table, keys.get_column("key" if kind == "email" else "contact"))
        for kind, table in _TABLES.items()
    }
    chosen = pl.coalesce(pl.when(pl.col("kind") == kind).then(values) for kind, values in ids.items())
    return keys.select(chosen.alias("activityid")).to_series()
