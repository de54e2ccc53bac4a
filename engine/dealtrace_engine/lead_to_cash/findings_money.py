"""Findings about money: late and missing payments, discounts, losses, weak sources, canceled orders."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from dealtrace_engine.analyses.invoices import DUE, UNKNOWN
from dealtrace_engine.analyses.milestones import NEVER
from dealtrace_engine.filters import where
from dealtrace_engine.lead_to_cash.findings_context import (
    LOST,
    PAID,
    REOPENED,
    SMALLEST,
    SURE,
    WON,
    Candidate,
    Context,
)
from dealtrace_engine.lead_to_cash.findings_delays import APPROVED
from dealtrace_engine.lead_to_cash.findings_standouts import standout

DISCOUNT = ("discount_percent", "discount_pct", "discount_percentage", "discount", "discountpercentage")
CANCELED, REVERSED = "invoice_canceled", "payment_reversed"
INVOICED = ("invoice_sent", "invoice_generated", "invoice_rebilled")
SOURCES = ("lead_source", "leadsource", "leadsourcecode", "source")
REASONS = ("loss_reason", "lost_reason", "reason_lost")


def late_payments(context: Context) -> Iterator[Candidate]:
    """Yield the cases whose last payment came on a day (UTC) after the one it was due."""
    late = context.late
    if late is None:
        return
    told = late != NEVER
    cases = np.flatnonzero(told & (late > 0))
    if len(cases):
        days = late[cases].astype(np.float64)
        yield Candidate(
            "late_payments", "capital", cases, context.delay_cost(cases, days), days,
            {"late_days": float(np.median(days)), "paid_share": len(cases) / int(told.sum())},
        )  # fmt: skip


def overdue_unpaid(context: Context) -> Iterator[Candidate]:
    """Yield the cases whose invoice was due before the last day of the log and is not paid."""
    invoices = context.invoices
    if invoices is None or not context.knows(*PAID):
        return
    cases = np.flatnonzero(invoices.is_overdue)
    if len(cases):
        days = invoices.days_late[cases].astype(np.float64)
        was_due = invoices.issued & (invoices.due != UNKNOWN) & (invoices.due < invoices.until)
        behind = standout(context, invoices.is_overdue, was_due)
        numbers = {"overdue_days": float(np.median(days)), **behind.numbers}
        column, condition = context.attribute(DUE), None
        if column is not None and pa.types.is_temporal(context.log.attribute(column).values.type):
            due = where.case(column) < str(np.datetime64(invoices.until, "D"))
            condition = due & context.ended(INVOICED, [CANCELED])
            if context.own_names(*PAID):
                condition &= ~context.ended(PAID, [REVERSED])
        yield Candidate("overdue_unpaid", "owed", cases, context.value[cases], days, numbers, behind.names,
                        condition)  # fmt: skip


def unapproved_discounts(context: Context) -> Iterator[Candidate]:
    """Yield accepted quotes with a discount above the limit that nobody approved."""
    percent = context.numbers(DISCOUNT)
    agreed = context.has("quote_accepted")
    if percent is None or not agreed.any():
        return
    above = agreed & (percent > context.discount_limit) & (percent < 100)
    unapproved = above & ~context.has(*APPROVED)
    cases = np.flatnonzero(unapproved)
    if not len(cases):
        return
    behind = standout(context, unapproved, above)
    given = percent[cases] / (100 - percent[cases])  # of the amount, which is what is left after it
    numbers = {"limit_percent": context.discount_limit, "mean_percent": float(percent[cases].mean()),
               "above_share": len(cases) / int(above.sum()), **behind.numbers}  # fmt: skip
    column, accepted = context.attribute(DISCOUNT), context.own_name("quote_accepted")
    condition = None
    if column is not None and accepted is not None:
        condition = (where.case(column) > context.discount_limit) & where.contains(accepted)
        for name in filter(None, map(context.own_name, APPROVED)):
            condition &= ~where.contains(name)
    stake = context.value[cases] * given
    yield Candidate("unapproved_discounts", "discount", cases, stake, None, numbers, behind.names, condition)


def canceled_orders(context: Context) -> Iterator[Candidate]:
    """Yield the cases whose order was canceled."""
    canceled = context.has("order_canceled")
    cases = np.flatnonzero(canceled)
    if len(cases):
        ordered = context.has("sales_order_created", "order_canceled")
        behind = standout(context, canceled, ordered)
        name = context.own_name("order_canceled")
        yield Candidate(
            "canceled_orders", "lost", cases, context.value[cases], None,
            {"ordered_share": len(cases) / int(ordered.sum()), **behind.numbers}, behind.names,
            None if name is None else where.contains(name),
        )  # fmt: skip


def loss_reasons(context: Context) -> Iterator[Candidate]:
    """Yield the reason for which most money was lost."""
    name, groups = context.attribute(REASONS), context.groups(REASONS)
    _, lost = context.decided
    if groups is None or name is None or not lost.any():
        return
    given = lost & ~np.isin(groups.codes, np.flatnonzero(groups.keys.column(name).is_null().to_numpy()))
    if not given.any():
        return
    weights = context.value[given] if context.amounts is not None else np.ones(int(given.sum()))
    totals = np.bincount(groups.codes[given], weights=weights, minlength=len(groups))
    worst = int(np.argmax(np.where(np.bincount(groups.codes[given], minlength=len(groups)), totals, -np.inf)))
    cases = np.flatnonzero(given & (groups.codes == worst))
    value = groups.keys.column(name)[worst].as_py()
    yield Candidate(
        "loss_reason", "lost", cases, context.value[cases], None,
        {"lost_share": len(cases) / int(given.sum())}, {"reason": str(value)},
        (where.case(name) == value) & context.ended(LOST, (*WON, REOPENED)),
    )  # fmt: skip


def weak_sources(context: Context) -> Iterator[Candidate]:
    """Yield the lead source that wins so much less than the others that most money is missed."""
    name, groups = context.attribute(SOURCES), context.groups(SOURCES)
    won, lost = context.decided
    closed = won | lost
    if groups is None or name is None or len(groups) > 200:
        return
    best: Candidate | None = None
    for group in range(len(groups)):
        own, others = closed & (groups.codes == group), closed & (groups.codes != group)
        value = groups.keys.column(name)[group].as_py()
        if own.sum() < SMALLEST or others.sum() < SMALLEST or value is None:
            continue
        rate, usual, all_of = (float(won[part].mean()) for part in (own, others, closed))
        spread = np.sqrt(all_of * (1 - all_of) * (1 / own.sum() + 1 / others.sum()))
        if spread == 0 or (usual - rate) / spread < SURE:
            continue
        cases = np.flatnonzero(own)
        candidate = Candidate(
            "weak_source", "missed", cases, context.value[cases] * (usual - rate), None,
            {"own_share": rate, "others_share": usual}, {"source": str(value)},
            (where.case(name) == value) & context.is_closed, f"win rate: {name} = {value}",
        )  # fmt: skip
        if best is None or candidate.stake.sum() > best.stake.sum():
            best = candidate
    if best is not None:
        yield best
