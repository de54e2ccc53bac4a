"""Payments of invoices: whole or in two parts, some reversed and made again; and the reminders before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dealtrace_engine.synthetic import organisation as org
from dealtrace_engine.synthetic.crm import company
from dealtrace_engine.synthetic.crm.frames import day_of, days, instants, keys, named
from dealtrace_engine.synthetic.crm.invoices import RECURRING, Bills
from dealtrace_engine.synthetic.crm.story import NONE, Story
from dealtrace_engine.synthetic.dice import Flags, Ints
from dealtrace_engine.synthetic.steps import DAY, STEPS, steps_of
from dealtrace_engine.synthetic.walk import NEVER

if TYPE_CHECKING:
    import polars as pl

_TOPIC = 60
KINDS = ("applied", "unapplied")
APPLIED, UNAPPLIED = range(2)
_REVERSED_PERMILLE, _FIRST_PART_PERCENT, _OTHERS_PAY_PERMILLE = 5, 60, 900


@dataclass(frozen=True)
class Receipts:
    """Arrays over all payments and reversals, in the order of their keys (from 1).

    Attributes
    ----------
    bill : ndarray of int64
        Position of the invoice.
    at, cents, kind : ndarray of int64
        When, how much, and code of `KINDS`.
    reverses : ndarray of int64
        Key of the payment that a reversal takes back, or `NONE`.
    """

    bill: Ints
    at: Ints
    cents: Ints
    kind: Ints
    reverses: Ints


def draw_receipts(story: Story, bills: Bills) -> Receipts:
    """Draw all payments."""
    first, second = _walked(story, bills)
    bill = np.concatenate((np.flatnonzero(first != NONE), np.flatnonzero(second != NONE)))
    halves = bills.cents * _FIRST_PART_PERCENT // 100
    in_parts = (
        (bills.case != NONE) & (bills.kind != RECURRING) & story.cases.flags["pays_in_parts"][bills.case]
    )
    one, two = np.where(in_parts, halves, bills.cents), bills.cents - halves
    at = np.concatenate((first[first != NONE], second[second != NONE]))
    cents = np.concatenate((one[first != NONE], two[second != NONE]))
    order = np.lexsort((bill, at))
    return _with_reversals(story, bill[order], at[order], cents[order])


def _walked(story: Story, bills: Bills) -> tuple[Ints, Ints]:
    """Return when each invoice was paid, and its second part."""
    dice, n = story.dice(_TOPIC), len(bills.case)
    *whole, parts = steps_of("payment_received")
    of_walk = (bills.case != NONE) & (bills.kind != RECURRING) & (bills.sent != NONE)
    walked, second = story.first("", whole)[bills.case], story.at(parts)[bills.case]
    due = bills.due_day * DAY
    late = np.isin(bills.account, np.array(company.LATE_PAYERS)) & (bills.case != NONE)
    other = due + dice.below(n, 12 * DAY) - np.where(late, -2 * DAY, 10 * DAY)
    pays = (
        (bills.sent != NONE) & (other > bills.sent) & (other < NEVER) & dice.chance(n, _OTHERS_PAY_PERMILLE)
    )
    return np.where(of_walk, walked, np.where(pays, other, NONE)), np.where(of_walk, second, NONE)


def _with_reversals(story: Story, bill: Ints, at: Ints, cents: Ints) -> Receipts:
    """Take some payments back after days and have them made again."""
    dice, n = story.dice(_TOPIC + 1), len(bill)
    back = at + DAY + dice.below(n, 3 * DAY)
    again = back + DAY + dice.below(n, 10 * DAY)
    (taken,) = np.nonzero((again < NEVER) & dice.chance(n, _REVERSED_PERMILLE))
    repeat = np.full(len(taken), NONE, np.int64)
    return Receipts(
        np.concatenate((bill, bill[taken], bill[taken])),
        np.concatenate((at, back[taken], again[taken])),
        np.concatenate((cents, cents[taken], cents[taken])),
        np.concatenate((np.zeros(n, np.int64), repeat * 0 + UNAPPLIED, repeat * 0)),
        np.concatenate((np.full(n, NONE), taken + 1, repeat)),
    )


def fully_paid(bills: Bills, receipts: Receipts) -> Ints:
    """Return when each invoice was fully paid for the last time, or `NONE`."""
    sign = np.where(receipts.kind == APPLIED, 1, -1)
    received, last = np.zeros(len(bills.case), np.int64), np.full(len(bills.case), NONE, np.int64)
    np.add.at(received, receipts.bill, sign * receipts.cents)
    np.maximum.at(last, receipts.bill, receipts.at)
    return np.where((received >= bills.cents) & (last != NONE), last, NONE)


def payment_frame(bills: Bills, receipts: Receipts) -> pl.DataFrame:
    """Return the payments, a reversal as a row of its own."""
    import polars as pl

    n = len(receipts.bill)
    return pl.DataFrame(
        {
            "payment": keys(np.arange(1, n + 1)),
            "invoice": keys(receipts.bill + 1),
            "account": keys(bills.account[receipts.bill] + 1),
            "amount": receipts.cents / 100,
            "currency": named(bills.currency[receipts.bill], list(company.CURRENCIES)),
            "at": instants(receipts.at),
            "by": keys(np.full(n, org.TEAMS["system"].start)),
            "kind": named(receipts.kind, KINDS),
            "date": days(day_of(receipts.at)),
            "reverses": keys(receipts.reverses),
        }
    )


def reminder_frame(story: Story, bills: Bills) -> pl.DataFrame:
    """Return the reminders sent for invoices, as e-mails."""
    import polars as pl

    last: Flags = (bills.case != NONE) & (bills.kind != RECURRING) & (bills.sent != NONE)
    rows = []
    for position in steps_of("payment_reminder_sent"):
        at = np.where(last, story.at(position)[bills.case], NONE)
        (bill,) = np.nonzero(at != NONE)
        rows.append((bill, at[bill], story.by(STEPS[position].role)[bills.case[bill]]))
    bill, at, by = (np.concatenate(column) for column in zip(*rows, strict=True))
    return pl.DataFrame(
        {
            "reminder": keys(np.arange(1, len(bill) + 1)),
            "invoice": keys(bill + 1),
            "at": instants(at),
            "by": keys(by),
        }
    )
