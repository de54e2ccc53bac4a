"""Invoices: one per order, another after a cancellation, monthly ones for support, some without an order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dealtrace_engine.synthetic import organisation as org
from dealtrace_engine.synthetic.crm import company
from dealtrace_engine.synthetic.crm.frames import day_of, days, instants, keys, named
from dealtrace_engine.synthetic.crm.orders import Orders
from dealtrace_engine.synthetic.crm.story import NONE, Story
from dealtrace_engine.synthetic.crm.tracks import Track
from dealtrace_engine.synthetic.dice import Ints
from dealtrace_engine.synthetic.steps import DAY, STEPS, steps_of
from dealtrace_engine.synthetic.walk import NEVER

if TYPE_CHECKING:
    import polars as pl

_TOPIC = 50
STATUSES = ("Draft", "Posted", "Paid", "Canceled")
DRAFT, POSTED, PAID, CANCELED = range(4)
TYPES = ("Standard", "Corrected", "Recurring")
STANDARD, CORRECTED, RECURRING = range(3)
_RECURRING_PERMILLE, _WITHOUT_ORDER_PERMILLE = 300, 300
_MONTHS = 12


@dataclass(frozen=True)
class Bills:
    """Arrays over all invoices, in the order of their keys (from 1).

    Attributes
    ----------
    case, order : ndarray of int64
        Position of the case and key of the order, or `NONE`.
    account, currency, kind, terms_days : ndarray of int64
        Position of the customer; codes of currency and of `TYPES`; days to pay.
    by, sent_by : ndarray of int64
    created, sent, canceled : ndarray of int64
        Times.
    cents : ndarray of int64
    """

    case: Ints
    order: Ints
    account: Ints
    currency: Ints
    kind: Ints
    terms_days: Ints
    by: Ints
    sent_by: Ints
    created: Ints
    sent: Ints
    canceled: Ints
    cents: Ints

    @property
    def due_day(self) -> Ints:
        """Day since the epoch of the log by which each is to be paid."""
        return day_of(np.where(self.sent == NONE, self.created, self.sent)) + self.terms_days


def draw_bills(story: Story, orders: Orders) -> Bills:
    """Draw all invoices."""
    order_of = np.full(len(story), NONE, np.int64)
    (of_a_deal,) = np.nonzero(orders.case != NONE)
    order_of[orders.case[of_a_deal]] = of_a_deal
    first, corrected = _first(story, orders, order_of), _corrected(story, orders, order_of)
    parts = [first, corrected, _recurring(story, orders, order_of), _orphans(story, orders)]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in first}
    order = np.lexsort((columns["order"], columns["created"]))
    return Bills(**{name: column[order] for name, column in columns.items()})


def _sent(story: Story) -> tuple[Ints, Ints]:
    by_hand, automated = steps_of("invoice_sent")
    at, robot = story.at(by_hand), story.at(automated)
    who = np.where(robot != NONE, story.by(STEPS[automated].role), story.by(STEPS[by_hand].role))
    return np.maximum(at, robot), who


def _first(story: Story, orders: Orders, order_of: Ints) -> dict[str, Ints]:
    *first, _ = steps_of("invoice_generated")
    created = story.first("", first)
    sent, sent_by = _sent(story)
    rebilled = story.cases.flags["rebilled"]
    case = np.flatnonzero(created != NONE)
    return _billed(story, orders, order_of, case, STANDARD) | {
        "created": created[case],
        "sent": np.where(rebilled, NONE, sent)[case],
        "sent_by": np.where(rebilled, NONE, sent_by)[case],
        "canceled": story.first("invoice_canceled")[case],
    }


def _corrected(story: Story, orders: Orders, order_of: Ints) -> dict[str, Ints]:
    created = story.at(steps_of("invoice_generated")[-1])
    sent, sent_by = _sent(story)
    case = np.flatnonzero(created != NONE)
    return _billed(story, orders, order_of, case, CORRECTED) | {
        "created": created[case],
        "sent": sent[case],
        "sent_by": sent_by[case],
        "canceled": np.full(len(case), NONE, np.int64),
    }


def _billed(story: Story, orders: Orders, order_of: Ints, case: Ints, kind: int) -> dict[str, Ints]:
    order = order_of[case]
    return {
        "case": case,
        "order": order + 1,
        "account": orders.account[order],
        "currency": orders.currency[order],
        "kind": np.full(len(case), kind, np.int64),
        "terms_days": np.array(org.PAYMENT_TERMS_DAYS, np.int64)[story.cases.codes["terms"]][case],
        "by": story.by("finance")[case],
        "cents": np.round(orders.total[order] * 100).astype(np.int64),
    }


def _recurring(story: Story, orders: Orders, order_of: Ints) -> dict[str, Ints]:
    """Return the further monthly invoices of some support plans, made and sent by the robot."""
    dice, (sent, _) = story.dice(_TOPIC), _sent(story)
    support = (story.cases.codes["product"] == company.SUPPORT_PRODUCT) & (sent != NONE)
    case = np.flatnonzero(support & dice.chance(len(story), _RECURRING_PERMILLE))
    month = np.arange(1, _MONTHS)
    created = (sent[case][:, None] + 30 * DAY * month).ravel()
    case = np.repeat(case, len(month))[created < NEVER]
    created = created[created < NEVER]
    robot = story.by("billing_robot")[case]
    none = np.full(len(case), NONE, np.int64)
    return _billed(story, orders, order_of, case, RECURRING) | {
        "created": created, "sent": created, "sent_by": robot, "by": robot, "canceled": none,
    }  # fmt: skip


def _orphans(story: Story, orders: Orders) -> dict[str, Ints]:
    """Return the invoices of orders without an opportunity, some of them without their order."""
    dice = story.dice(_TOPIC + 1)
    (order,) = np.nonzero(orders.case == NONE)
    n, robot = len(order), org.TEAMS["billing_robot"].start
    lost = dice.chance(n, _WITHOUT_ORDER_PERMILLE)
    none, created = np.full(n, NONE, np.int64), orders.fulfilled[order]
    return {
        "case": none, "order": np.where(lost, NONE, order + 1), "account": orders.account[order],
        "currency": orders.currency[order], "kind": np.full(n, STANDARD), "terms_days": np.full(n, 30),
        "by": none * 0 + robot, "cents": np.round(orders.total[order] * 100).astype(np.int64),
        "created": created, "sent": created, "sent_by": none * 0 + robot, "canceled": none,
    }  # fmt: skip


def follow_status(bills: Bills, paid: Ints) -> Track:
    """Return the statuses of invoices that are fully paid at these times."""
    track = Track(np.full(len(bills.case), DRAFT, np.int64))
    track.change(bills.canceled, CANCELED, bills.by, 0)
    track.change(bills.sent, POSTED, bills.sent_by, 1)
    track.change(paid, PAID, org.TEAMS["system"].start, 2)
    return track


def invoice_frame(story: Story, orders: Orders, bills: Bills, paid: Ints, status: Track) -> pl.DataFrame:
    """Return the invoices as they are at the export."""
    import polars as pl

    n, index = len(bills.case), story.cases.index + 1
    return pl.DataFrame(
        {
            "invoice": keys(np.arange(1, n + 1)),
            "order": keys(bills.order),
            "opportunity": keys(np.where(bills.case == NONE, NONE, index[bills.case])),
            "account": keys(bills.account + 1),
            "number": keys(100_000 + np.arange(n)),
            "type": named(bills.kind, TYPES),
            "currency": named(bills.currency, list(company.CURRENCIES)),
            "status": named(status.current, STATUSES),
            "created": instants(bills.created),
            "created_by": keys(bills.by),
            "invoice_date": days(day_of(np.where(bills.sent == NONE, bills.created, bills.sent))),
            "due_date": days(bills.due_day),
            "sent": instants(bills.sent),
            "sent_by": keys(bills.sent_by),
            "canceled": instants(bills.canceled),
            "total": bills.cents / 100,
            "terms": bills.terms_days,
            "paid": instants(paid),
        }
    )
