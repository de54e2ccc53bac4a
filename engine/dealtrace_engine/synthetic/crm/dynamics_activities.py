"""Activities: calls, e-mails and meetings with customers, e-mails with quotes and invoices, and to-dos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.clock import EXPORTED
from dealtrace_engine.synthetic.crm.dynamics_directory import UNSET, Directory, where_set
from dealtrace_engine.synthetic.crm.dynamics_guids import below
from dealtrace_engine.synthetic.crm.dynamics_history import History, at_change, history

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.synthetic.crm.facts import Facts

_KINDS = ("contact", "quote", "invoice", "reminder")
"""Of e-mails; a key of one is that of what it is about times their number, plus the place here."""
_OF_MAILS = ("about", "at", "by", "subject", "outgoing", "regardingobjectid", "regardingobjecttypecode")
_QUOTES_MAILED_PERCENT, _INVOICES_MAILED_PERCENT = 40, 35
_TASK_DAYS, _TASKS_DONE_PERCENT, _TASKS_DELETED_PERMILLE, _GONE_AFTER_DAYS = 3, 80, 30, 15


def email_key(about: pl.Expr, kind: str) -> pl.Expr:
    """Return the keys of e-mails about contacts, quotes, invoices or reminders with these keys."""
    return about * len(_KINDS) + _KINDS.index(kind)


def activity_histories(directory: Directory) -> dict[str, History]:
    """Return the tables phonecall, appointment, email and task."""
    return {
        "phonecall": _phonecalls(directory),
        "appointment": _appointments(directory),
        "email": _emails(directory),
        "task": _tasks(directory),
    }


def exported() -> pl.Expr:
    """Return when the export is made."""
    import polars as pl

    return pl.lit(EXPORTED).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def finished_contacts(facts: Facts) -> pl.DataFrame:
    """Return the contacts with customers; `ended` is null for those that still go on at the export."""
    import polars as pl

    return facts["contacts"].with_columns(pl.when(pl.col("ended") < exported()).then("ended").alias("ended"))


def _contacts(directory: Directory, kind: str) -> pl.DataFrame:
    """Return the contacts of a kind as activities that are about an opportunity or a lead."""
    import polars as pl

    contacts = finished_contacts(directory.facts).filter(pl.col("kind") == kind)
    days = below("contact/deleted", contacts.get_column("contact"), directory.seed, _GONE_AFTER_DAYS) + 1
    gone = pl.min_horizontal(pl.col("at") + pl.duration(days=pl.lit(days)), exported())
    deal, lead = (directory.guids(name, contacts.get_column(name)) for name in ("opportunity", "lead"))
    of_deal = pl.col("opportunity").is_not_null()
    return contacts.with_columns(
        pl.coalesce(deal, lead).alias("regardingobjectid"),
        pl.when(of_deal)
        .then(pl.lit("opportunity"))
        .otherwise(pl.lit("lead"))
        .alias("regardingobjecttypecode"),
        pl.when("deleted").then(gone).alias("deletedon"),
        pl.when("deleted").then("by").alias("deletedby"),
    )


def _common(directory: Directory, table: str, rows: pl.DataFrame) -> list[pl.Expr | pl.Series | str]:
    """Return the columns that all activities have; `by` made them."""
    import polars as pl

    return [
        pl.col("by").alias("createdby"),
        directory.user(rows.get_column("by")).alias("ownerid"),
        "subject",
        "regardingobjectid",
        "regardingobjecttypecode",
        pl.lit(table).alias("activitytypecode"),
        "deletedon",
        "deletedby",
    ]


def _phonecalls(directory: Directory) -> History:
    import polars as pl

    calls = _contacts(directory, "call")
    records = calls.select(
        pl.col("contact").alias("key"),
        pl.col("at").alias("createdon"),
        *_common(directory, "phonecall", calls),
        pl.lit(None, pl.Datetime("us", "UTC")).alias("scheduledstart"),
        pl.lit(None, pl.Datetime("us", "UTC")).alias("scheduledend"),
        pl.col("at").alias("actualstart"),
        pl.col("outgoing").alias("directioncode"),
        pl.lit(0, pl.Int32).alias("statecode"),
        pl.lit(1, pl.Int32).alias("statuscode"),
        pl.lit(UNSET, pl.Datetime("us", "UTC")).alias("_ended"),
    )
    done = at_change(
        calls.rename({"contact": "key"}), "ended", "by", 0, statecode=1,
        statuscode=pl.when("outgoing").then(2).otherwise(4), _ended=pl.col("ended"),
    )  # fmt: skip
    return history("phonecall", "activityid", records, [done], directory, _ended())


def _ended() -> list[pl.Expr]:
    import polars as pl

    return [where_set("_ended", pl.col("_ended")).alias("actualend")]


def _appointments(directory: Directory) -> History:
    import polars as pl

    meetings = _contacts(directory, "meeting")
    records = meetings.select(
        pl.col("contact").alias("key"),
        pl.col("at").alias("createdon"),
        *_common(directory, "appointment", meetings),
        pl.col("at").alias("scheduledstart"),
        pl.col("ended").alias("scheduledend"),
        pl.col("at").alias("actualstart"),
        pl.lit(3, pl.Int32).alias("statecode"),
        pl.lit(5, pl.Int32).alias("statuscode"),
        pl.lit(UNSET, pl.Datetime("us", "UTC")).alias("_ended"),
    )
    done = at_change(
        meetings.rename({"contact": "key"}),
        "ended",
        "by",
        0,
        statecode=1,
        statuscode=3,
        _ended=pl.col("ended"),
    )
    return history("appointment", "activityid", records, [done], directory, _ended())


def mailed_quotes(directory: Directory) -> pl.DataFrame:
    """Return the issued quotes that went out by e-mail: quote, at, by."""
    import polars as pl

    issued = directory.facts["quotes"].filter(pl.col("issued").is_not_null())
    drawn = below("email/quote", issued.get_column("quote"), directory.seed, 100) < _QUOTES_MAILED_PERCENT
    return issued.filter(drawn).select(
        "quote", pl.col("issued").alias("at"), pl.col("created_by").alias("by")
    )


def mailed_invoices(directory: Directory) -> pl.DataFrame:
    """Return the sent invoices that went out by e-mail: invoice, at, by; all that a reminder follows are."""
    import polars as pl

    sent = directory.facts["invoices"].filter(pl.col("sent").is_not_null())
    drawn = below("email/invoice", sent.get_column("invoice"), directory.seed, 100) < _INVOICES_MAILED_PERCENT
    reminded = pl.col("invoice").is_in(directory.facts["reminders"].get_column("invoice").implode())
    return sent.filter(drawn | reminded).select(
        "invoice", pl.col("sent").alias("at"), pl.col("sent_by").alias("by")
    )


def _emails(directory: Directory) -> History:
    import polars as pl

    contacts = _contacts(directory, "email").with_columns(pl.col("contact").alias("about"))
    parts = [
        contacts.select(*_OF_MAILS, "deletedon", "deletedby"),
        _mails(directory, mailed_quotes(directory), "quote", "quote", "Our offer"),
        _mails(directory, mailed_invoices(directory), "invoice", "invoice", "Your invoice"),
        _mails(directory, directory.facts["reminders"], "invoice", "reminder", "Payment reminder"),
    ]
    mails = pl.concat(
        [
            part.with_columns(email_key(pl.col("about"), kind).alias("key"))
            for kind, part in zip(_KINDS, parts, strict=True)
        ],
        how="diagonal",
    ).sort("key")
    records = mails.select(
        "key",
        pl.col("at").alias("createdon"),
        *_common(directory, "email", mails),
        pl.col("at").alias("senton"),
        pl.col("at").alias("actualend"),
        pl.lit(None, pl.Datetime("us", "UTC")).alias("actualstart"),
        pl.col("outgoing").alias("directioncode"),
        pl.lit(1, pl.Int32).alias("statecode"),
        pl.when("outgoing").then(3).otherwise(4).cast(pl.Int32).alias("statuscode"),
    )
    return history("email", "activityid", records, [], directory)


def _mails(directory: Directory, sent: pl.DataFrame, table: str, key: str, subject: str) -> pl.DataFrame:
    """Return outgoing mails about quotes or invoices."""
    import polars as pl

    return sent.select(
        pl.col(key).alias("about"),
        "at",
        "by",
        pl.lit(subject).alias("subject"),
        pl.lit(True).alias("outgoing"),
        directory.guids(table, sent.get_column(table)).alias("regardingobjectid"),
        pl.lit(table).alias("regardingobjecttypecode"),
    )


def _tasks(directory: Directory) -> History:
    """Return a to-do for every issued quote: no contact with a customer, sometimes not done or deleted."""
    import polars as pl

    quotes = (
        directory.facts["quotes"]
        .filter(pl.col("issued").is_not_null())
        .rename({"quote": "key", "created_by": "by"})
    )
    due = pl.col("issued") + pl.duration(days=_TASK_DAYS)
    done = below("task/done", quotes.get_column("key"), directory.seed, 100) < _TASKS_DONE_PERCENT
    gone = below("task/deleted", quotes.get_column("key"), directory.seed, 1000) < _TASKS_DELETED_PERMILLE
    tasks = quotes.with_columns(
        pl.lit("Follow up on the quote").alias("subject"),
        directory.guids("opportunity", quotes.get_column("opportunity")).alias("regardingobjectid"),
        pl.lit("opportunity").alias("regardingobjecttypecode"),
        pl.when(pl.lit(done) & (due < exported())).then(due).alias("done"),
    ).with_columns(
        pl.when(pl.lit(gone))
        .then(pl.min_horizontal(due + pl.duration(days=1), exported()))
        .alias("deletedon"),
        pl.when(pl.lit(gone)).then("by").alias("deletedby"),
    )
    records = tasks.select(
        "key",
        pl.col("issued").alias("createdon"),
        *_common(directory, "task", tasks),
        pl.lit(None, pl.Datetime("us", "UTC")).alias("scheduledstart"),
        due.alias("scheduledend"),
        pl.lit(0, pl.Int32).alias("statecode"),
        pl.lit(2, pl.Int32).alias("statuscode"),
        pl.lit(UNSET, pl.Datetime("us", "UTC")).alias("_ended"),
    )
    event = at_change(tasks, "done", "by", 0, statecode=1, statuscode=5, _ended=pl.col("done"))
    return history("task", "activityid", records, [event], directory, _ended())
