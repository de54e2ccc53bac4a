"""The Salesforce tables of contacts with customers: tasks, events and e-mails, among others that are none.

Half of the e-mails are logged twice, as a message and as the task that it points to. Contacts with a lead
move to the opportunity for half of the converted ones. To-dos and meetings still to come are no contacts.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.clock import EXPORTED
from dealtrace_engine.synthetic.crm.salesforce_rows import audited, constant, laid_out, looked_up
from dealtrace_engine.synthetic.crm.salesforce_selling import person_at, surviving

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.synthetic.crm.salesforce_org import SalesforceOrg

_ARCHIVED_BEFORE = EXPORTED - timedelta(days=365)
_QUOTE_MODULUS, _TODO_MODULUS, _PLANNED_MODULUS = 10, 15, 40


def activity_tables(org: SalesforceOrg) -> dict[str, pl.DataFrame]:
    """Return the tables by the name of their object."""
    import polars as pl

    contacts = _linked(org)
    kind = pl.col("kind")
    logged = (kind == "call") | ((kind == "email") & (pl.col("contact") % 2 == 0))
    tasks = contacts.filter(logged)
    return {
        "Task": pl.concat([_tasks(org, tasks), _todos(org, len(contacts))]),
        "Event": pl.concat([_events(org, contacts.filter(kind == "meeting")), _planned(org, len(contacts))]),
        "EmailMessage": pl.concat(
            [_emails(org, contacts.filter(kind == "email")), _reminders(org, len(contacts))]
        ),
    }


def _linked(org: SalesforceOrg) -> pl.DataFrame:
    """Add who (a lead or a person) and what (a deal or its quote) each contact was about, as ids."""
    import polars as pl

    leads = org.facts["leads"].select("lead", converted_to="opportunity")
    contacts = org.facts["contacts"].join(leads, on="lead", how="left", maintain_order="left")
    moved = pl.col("converted_to").is_not_null() & (pl.col("lead") % 2 == 0)
    contacts = contacts.with_columns(
        deal=pl.coalesce("opportunity", pl.when(moved).then("converted_to")),
        who_lead=pl.when(~moved).then("lead"),
        account=surviving(org, contacts["account"]),
    )
    quotes = org.facts["quotes"].filter(pl.col("revision") == 0)
    quotes = (
        quotes.sort("quote")
        .unique("opportunity", keep="first")
        .select(deal="opportunity", quote="root", born="created")
    )
    contacts = contacts.join(quotes, on="deal", how="left", maintain_order="left")
    on_quote = (pl.col("born") <= pl.col("at")) & (pl.col("contact") % _QUOTE_MODULUS == 0)
    on_quote = on_quote & (pl.col("kind") != "email")  # a mail about a quote is how it is sent
    contacts = contacts.with_columns(quote=pl.when(on_quote).then("quote"))
    person = contacts.select(
        pl.when(pl.col("who_lead").is_null()).then(person_at(contacts["account"], contacts["deal"]))
    ).to_series()
    who = pl.select(
        pl.coalesce(org.ids.of("Lead", contacts["who_lead"]), org.ids.of("Contact", person))
    ).to_series()
    what = pl.select(
        pl.coalesce(org.ids.of("Quote", contacts["quote"]), org.ids.of("Opportunity", contacts["deal"]))
    ).to_series()
    return contacts.with_columns(who=who, what=what)


def _archived(at: pl.Series) -> pl.Series:
    return at.dt.date() < _ARCHIVED_BEFORE


def _tasks(org: SalesforceOrg, contacts: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    call = contacts["kind"] == "call"
    seconds = (contacts["ended"] - contacts["at"]).dt.total_seconds()
    direction = pl.when(contacts["outgoing"]).then(pl.lit("Outbound")).otherwise(pl.lit("Inbound"))
    kind = pl.select(pl.when(call).then(pl.lit("Call")).otherwise(pl.lit("Email"))).to_series()
    return laid_out(
        {
            "Id": org.ids.of("Task", contacts["contact"]),
            "WhoId": contacts["who"],
            "WhatId": contacts["what"],
            "AccountId": org.ids.of("Account", contacts["account"]),
            "Subject": contacts["subject"],
            "ActivityDate": contacts["at"].dt.date(),
            "Status": constant("Completed", len(contacts)),
            "Priority": constant("Normal", len(contacts)),
            "IsClosed": constant(True, len(contacts)),
            "Type": kind,
            "TaskSubtype": kind,
            "CallType": pl.select(pl.when(call).then(direction)).to_series(),
            "CallDurationInSeconds": pl.select(pl.when(call).then(seconds)).to_series(),
            "CompletedDateTime": contacts["at"],
            "OwnerId": org.users(contacts["by"]),
            "IsArchived": _archived(contacts["at"]),
            "IsRecurrence": constant(False, len(contacts)),
            "Description": contacts.select(pl.format("{} with the customer", "subject")).to_series(),
            **audited(
                org, contacts["contact"], contacts["at"], contacts["by"], contacts["at"], contacts["deleted"]
            ),
        }
    )


def _todos(org: SalesforceOrg, after: int) -> pl.DataFrame:
    """Return reminders to oneself, open and done, with keys beyond those of contacts."""
    import polars as pl

    deals = org.facts["opportunities"].filter(pl.col("opportunity") % _TODO_MODULUS == 0)
    key, done = deals["opportunity"] + after, deals["outcome"] != "Open"
    text = constant(None, len(deals)).cast(pl.String)
    status = pl.select(pl.when(done).then(pl.lit("Completed")).otherwise(pl.lit("Not Started"))).to_series()
    return laid_out(
        {
            "Id": org.ids.of("Task", key),
            "WhoId": text,
            "WhatId": org.ids.of("Opportunity", deals["opportunity"]),
            "AccountId": org.ids.of("Account", deals["account"]),
            "Subject": constant("Prepare forecast", len(deals)),
            "ActivityDate": deals["close_date"],
            "Status": status,
            "Priority": constant("Normal", len(deals)),
            "IsClosed": done,
            "Type": text,
            "TaskSubtype": constant("Task", len(deals)),
            "CallType": text,
            "CallDurationInSeconds": constant(None, len(deals)).cast(pl.Int64),
            "CompletedDateTime": deals["closed"],
            "OwnerId": org.users(deals["owner"]),
            "IsArchived": _archived(deals["created"]) & done,
            "IsRecurrence": constant(False, len(deals)),
            "Description": text,
            **audited(org, key, deals["created"], deals["owner"], deals["closed"]),
        }
    )


def _events(org: SalesforceOrg, contacts: pl.DataFrame) -> pl.DataFrame:
    return _event_rows(org, contacts["contact"], contacts)


def _planned(org: SalesforceOrg, after: int) -> pl.DataFrame:
    """Return meetings that are in the calendar for the time after the export."""
    import polars as pl

    deals = org.facts["opportunities"].filter(
        (pl.col("opportunity") % _PLANNED_MODULUS == 0) & (pl.col("outcome") == "Open")
    )
    start = pl.lit(EXPORTED).cast(pl.Datetime("us", "UTC")) + pl.duration(
        days=pl.col("opportunity") % 20 + 1, hours=9
    )
    rows = deals.select(
        "account", at=start, ended=start + pl.duration(hours=1), by="owner", subject=pl.lit("Demo"),
        deleted=pl.lit(False), logged="created", who=pl.lit(None, pl.String),
        what=pl.lit(org.ids.of("Opportunity", deals["opportunity"])),
    )  # fmt: skip
    return _event_rows(org, deals["opportunity"] + after, rows)


def _event_rows(org: SalesforceOrg, key: pl.Series, rows: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    logged = rows["logged"] if "logged" in rows.columns else rows["at"]
    seconds = (rows["ended"] - rows["at"]).dt.total_seconds()
    return laid_out(
        {
            "Id": org.ids.of("Event", key),
            "WhoId": rows["who"],
            "WhatId": rows["what"],
            "AccountId": org.ids.of("Account", rows["account"]),
            "Subject": rows["subject"],
            "Type": constant("Meeting", len(rows)),
            "EventSubtype": constant("Event", len(rows)),
            "ActivityDate": rows["at"].dt.date(),
            "ActivityDateTime": rows["at"],
            "StartDateTime": rows["at"],
            "EndDateTime": rows["ended"],
            "DurationInMinutes": seconds // 60,
            "IsAllDayEvent": constant(False, len(rows)),
            "IsChild": constant(False, len(rows)),
            "IsGroupEvent": constant(False, len(rows)),
            "IsArchived": _archived(rows["at"]),
            "OwnerId": org.users(rows["by"]),
            "Description": constant(None, len(rows)).cast(pl.String),
            **audited(org, key, logged, rows["by"], logged, rows["deleted"]),
        }
    )


def _emails(org: SalesforceOrg, contacts: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    related = contacts.select(pl.coalesce("what", "who")).to_series()
    logged = contacts.select(pl.when(pl.col("contact") % 2 == 0).then("contact")).to_series()
    rows = contacts.select(
        "contact", "at", "by", "deleted", "subject", "outgoing", related=related, task=logged
    )
    return _email_rows(org, rows)


def _reminders(org: SalesforceOrg, after: int) -> pl.DataFrame:
    """Return the reminders of unpaid invoices."""
    import polars as pl

    reminders = org.facts["reminders"]
    rows = reminders.select(
        (pl.col("reminder") + after).alias("contact"), "at", "by", deleted=pl.lit(False),
        subject=pl.lit("Payment reminder"), outgoing=pl.lit(True),
        related=pl.lit(org.ids.of("Invoice", reminders["invoice"])), task=pl.lit(None, pl.Int64),
    )  # fmt: skip
    return _email_rows(org, rows)


def _email_rows(org: SalesforceOrg, rows: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    user = (
        looked_up(rows["by"], org.facts["users"], "user", "name").str.to_lowercase().str.replace_all(" ", ".")
    )
    own, theirs = user + "@synthetic.example", pl.lit("someone@customer.example")
    sender = pl.select(pl.when(rows["outgoing"]).then(own).otherwise(theirs)).to_series()
    receiver = pl.select(pl.when(rows["outgoing"]).then(theirs).otherwise(own)).to_series()
    status = pl.select(pl.when(rows["outgoing"]).then(pl.lit("3")).otherwise(pl.lit("1"))).to_series()
    return laid_out(
        {
            "Id": org.ids.of("EmailMessage", rows["contact"]),
            "RelatedToId": rows["related"],
            "ActivityId": org.ids.of("Task", rows["task"]),
            "Incoming": ~rows["outgoing"],
            "MessageDate": rows["at"],
            "Status": status,
            "Subject": rows["subject"],
            "FromAddress": sender,
            "ToAddress": receiver,
            "TextBody": rows.select(pl.format("Dear customer,\nthis is about: {}.", "subject")).to_series(),
            **audited(org, rows["contact"], rows["at"], rows["by"], rows["at"], rows["deleted"]),
        }
    )
