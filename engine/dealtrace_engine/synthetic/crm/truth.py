"""The events as they happened: what a perfect reader of the CRM's tables would find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm import company

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

    Frames = Mapping[str, pl.DataFrame]

CLOSED_STAGES = (company.STAGES[company.CLOSED_WON], company.STAGES[company.CLOSED_LOST])


def truth_frame(frames: Frames) -> pl.DataFrame:
    """Return the events in the order of time.

    Returns
    -------
    polars.DataFrame
        case_object ("opportunity", "lead" or null) and case (its key): whom it belongs to, a lead only where
        there is no opportunity, null for orphans. activity (canonical id), timestamp, object and record (the
        key of what it happened to; of approvals, what is to be approved), resource (key of the user), and
        value_from, value_to where a field changed.
    """
    import polars as pl

    parts = [*_of_leads(frames), *_of_deals(frames), *_of_quotes(frames), *_of_approvals(frames)]
    parts += [*_of_contracts(frames), *_of_orders(frames), *_of_invoices(frames), *_of_contacts(frames)]
    events = pl.concat([_complete(part) for part in parts]).filter(pl.col("timestamp").is_not_null())
    return events.sort("timestamp", "case", "object", "record", "activity")


def _complete(part: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    text = [
        pl.lit(None, pl.String).alias(name) for name in ("value_from", "value_to") if name not in part.columns
    ]
    return part.with_columns(*text).select(
        "case_object",
        "case",
        "activity",
        "timestamp",
        "object",
        "record",
        "resource",
        "value_from",
        "value_to",
    )


def _events(
    frame: pl.DataFrame, activity: str, at: str, object_name: str, record: str, resource: str, **more: str
) -> pl.DataFrame:
    """Return an event for each row that has a time; the case is the column `case`, of `case_object`."""
    import polars as pl

    return frame.select(
        "case_object", "case", pl.lit(activity).alias("activity"), pl.col(at).alias("timestamp"),
        pl.lit(object_name).alias("object"), pl.col(record).alias("record"),
        pl.col(resource).alias("resource"),
        *(pl.col(column).alias(name) for name, column in more.items()),
    ).filter(pl.col("timestamp").is_not_null())  # fmt: skip


def _cased(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the case of records that know their opportunity; without one they have none."""
    import polars as pl

    object_name = pl.when(pl.col("opportunity").is_not_null()).then(pl.lit("opportunity"))
    return frame.with_columns(case_object=object_name, case="opportunity")


def _of_leads(frames: Frames) -> Iterator[pl.DataFrame]:
    import polars as pl

    leads = frames["leads"]
    earlier = leads.filter(pl.col("merged_into").is_not_null()).select(
        lead="merged_into", earlier="captured", earlier_by="captured_by"
    )
    alone = pl.col("opportunity").is_null()
    leads = leads.filter(pl.col("merged_into").is_null()).join(earlier, on="lead", how="left").with_columns(
        case_object=pl.when(alone).then(pl.lit("lead")).otherwise(pl.lit("opportunity")),
        case=pl.coalesce("opportunity", "lead"),
        captured=pl.min_horizontal("captured", "earlier"),
    )  # fmt: skip
    for activity in ("captured", "qualified", "disqualified", "converted"):
        yield _events(leads, f"lead_{activity}", activity, "lead", "lead", f"{activity}_by")
    responses = frames["responses"].join(leads.select("lead", "case", "case_object"), on="lead")
    yield _events(responses, "campaign_response", "at", "lead", "lead", "by")


def _of_deals(frames: Frames) -> Iterator[pl.DataFrame]:
    import polars as pl

    deals = frames["opportunities"].with_columns(case_object=pl.lit("opportunity"), case="opportunity")
    yield _events(deals, "opportunity_created", "created", "opportunity", "opportunity", "created_by")
    changes = frames["changes"].filter(pl.col("object") == "opportunity")
    changes = changes.with_columns(case_object=pl.lit("opportunity"), case="record")

    def changed(activity: str, field: str, which: pl.Expr | None = None) -> pl.DataFrame:
        found = changes.filter((pl.col("field") == field) & (True if which is None else which))
        return _events(found, activity, "at", "opportunity", "record", "by", value_from="old", value_to="new")

    won, lost = CLOSED_STAGES
    yield changed("opportunity_stage_changed", "stage")
    yield changed("solution_proposed", "stage", pl.col("new") == company.STAGES[company.PROPOSAL])
    yield changed("opportunity_won", "stage", pl.col("new") == won)
    yield changed("opportunity_lost", "stage", pl.col("new") == lost)
    yield changed("opportunity_reopened", "stage", pl.col("old").is_in(CLOSED_STAGES))
    yield changed("owner_changed", "owner")
    yield changed("amount_changed", "amount")
    yield changed("close_date_pushed", "close_date", pl.col("new") > pl.col("old"))


def _of_quotes(frames: Frames) -> Iterator[pl.DataFrame]:
    import polars as pl

    quotes = _cased(frames["quotes"])
    first = pl.col("revision") == 0
    yield _events(quotes.filter(first), "quote_created", "created", "quote", "quote", "created_by")
    yield _events(quotes.filter(~first), "quote_revised", "created", "quote", "quote", "created_by")
    for activity in ("issued", "rejected", "accepted"):
        yield _events(quotes, f"quote_{activity}", activity, "quote", "quote", "created_by")
    changes = frames["changes"].filter((pl.col("object") == "quote") & (pl.col("field") == "discount_pct"))
    changes = changes.join(quotes.select("case", "case_object", record="quote"), on="record")
    yield _events(
        changes, "discount_changed", "at", "quote", "record", "by", value_from="old", value_to="new"
    )


def _of_approvals(frames: Frames) -> Iterator[pl.DataFrame]:
    import polars as pl

    approvals = _cased(frames["approvals"])
    for process, prefix in (("Discount Approval", "discount_approval"), ("Contract Approval", "approval")):
        of_process = approvals.filter(pl.col("process") == process)
        for target, some in of_process.group_by("object", maintain_order=True):
            object_name = str(target[0])
            yield _events(some, f"{prefix}_requested", "requested", object_name, "record", "requested_by")
            for decision in ("Approved", "Rejected", "Recalled"):
                decided = some.filter(pl.col("decision") == decision)
                activity = f"{prefix}_{decision.lower()}"
                yield _events(decided, activity, "decided", object_name, "record", "decided_by")


def _of_contracts(frames: Frames) -> Iterator[pl.DataFrame]:
    contracts = _cased(frames["contracts"])
    yield _events(contracts, "contract_created", "created", "contract", "contract", "created_by")
    yield _events(contracts, "contract_sent_for_approval", "requested", "contract", "contract", "created_by")
    yield _events(contracts, "contract_signed", "activated", "contract", "contract", "activated_by")


def _of_orders(frames: Frames) -> Iterator[pl.DataFrame]:
    import polars as pl

    orders = _cased(frames["orders"])
    yield _events(orders, "sales_order_created", "created", "order", "order", "created_by")
    columns = {"order_activated": "activated", "order_partially_fulfilled": "partially_fulfilled",
               "order_fulfilled": "fulfilled", "order_canceled": "canceled"}  # fmt: skip
    for activity, column in columns.items():
        yield _events(orders, activity, column, "order", "order", "owner")
    orders = orders.with_columns(closer=pl.lit(company.SYSTEM_USER, pl.Int64))
    yield _events(orders, "order_closed", "closed", "order", "order", "closer")


def _of_invoices(frames: Frames) -> Iterator[pl.DataFrame]:
    import polars as pl

    invoices = _cased(frames["invoices"])
    yield _events(invoices, "invoice_generated", "created", "invoice", "invoice", "created_by")
    yield _events(invoices, "invoice_sent", "sent", "invoice", "invoice", "sent_by")
    yield _events(invoices, "invoice_canceled", "canceled", "invoice", "invoice", "created_by")
    cases = invoices.select("invoice", "case", "case_object", "total")
    payments = frames["payments"].join(cases, on="invoice")
    for kind, activity in (("applied", "payment_received"), ("unapplied", "payment_reversed")):
        yield _events(payments.filter(pl.col("kind") == kind), activity, "at", "payment", "payment", "by")
    yield _events(_completing(payments), "payment_completed", "at", "invoice", "invoice", "by")
    reminders = frames["reminders"].join(cases, on="invoice")
    yield _events(reminders, "payment_reminder_sent", "at", "invoice", "invoice", "by")


def _completing(payments: pl.DataFrame) -> pl.DataFrame:
    """Return the payments that bring what was received for their invoice up to its total, from below."""
    import polars as pl

    signed = pl.when(pl.col("kind") == "applied").then("amount").otherwise(-pl.col("amount"))
    payments = payments.sort("at", "payment").with_columns(
        sum=signed.cum_sum().over("invoice"), signed=signed
    )
    enough = pl.col("total") - 0.005
    return payments.filter((pl.col("sum") >= enough) & (pl.col("sum") - pl.col("signed") < enough))


def _of_contacts(frames: Frames) -> Iterator[pl.DataFrame]:
    import polars as pl

    owner = frames["leads"].select("lead", of_lead="opportunity")
    contacts = frames["contacts"].filter(~pl.col("deleted")).join(owner, on="lead", how="left")
    contacts = contacts.with_columns(case=pl.coalesce("opportunity", "of_lead", "lead"))
    alone = pl.coalesce("opportunity", "of_lead").is_null()
    contacts = contacts.with_columns(
        case_object=pl.when(alone).then(pl.lit("lead")).otherwise(pl.lit("opportunity"))
    ).sort("at", "contact")
    first = pl.col("contact") == pl.col("contact").first().over("case_object", "case")
    yield _events(contacts.filter(first), "first_customer_contact", "at", "contact", "contact", "by")
    yield _events(contacts.filter(~first), "customer_contact", "at", "contact", "contact", "by")
    support = _cased(frames["support_cases"].rename({"case": "support_case"}))
    for activity in ("opened", "closed"):
        yield _events(support, f"case_{activity}", activity, "case", "support_case", "by")
