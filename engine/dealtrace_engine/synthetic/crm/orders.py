"""Sales orders: activated, fulfilled in one or two deliveries, canceled or closed; some belong to no deal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dealtrace_engine.synthetic import organisation as org
from dealtrace_engine.synthetic.crm import company
from dealtrace_engine.synthetic.crm.contracts import Papers
from dealtrace_engine.synthetic.crm.frames import Numbers, among, instants, keys, named
from dealtrace_engine.synthetic.crm.opportunities import Deals
from dealtrace_engine.synthetic.crm.quotes import Offers
from dealtrace_engine.synthetic.crm.story import NONE, Story
from dealtrace_engine.synthetic.crm.tracks import Track
from dealtrace_engine.synthetic.dice import Ints
from dealtrace_engine.synthetic.steps import DAY, HOUR, steps_of
from dealtrace_engine.synthetic.walk import NEVER

if TYPE_CHECKING:
    import polars as pl

_TOPIC = 40
STATUSES = ("Draft", "Activated", "Partially Fulfilled", "Fulfilled", "Closed", "Canceled")
DRAFT, ACTIVATED, PARTIAL, FULFILLED, CLOSED, CANCELED = range(6)
_ORPHANS_PERMILLE = 12


@dataclass(frozen=True)
class Orders:
    """Arrays over all orders, in the order of their keys (from 1).

    Attributes
    ----------
    case : ndarray of int64
        Position of the case, or `NONE` for an orphan.
    account, currency, quote, contract : ndarray of int64
        Position of the customer, code of the currency, keys of the quote and the contract or `NONE`.
    by, operator : ndarray of int64
        Who created it and who works on it.
    created, activated, partial, fulfilled, canceled, closed : ndarray of int64
        Times.
    total : ndarray of float64
    status : Track
    """

    case: Ints
    account: Ints
    currency: Ints
    quote: Ints
    contract: Ints
    by: Ints
    operator: Ints
    created: Ints
    activated: Ints
    partial: Ints
    fulfilled: Ints
    canceled: Ints
    closed: Ints
    total: Numbers
    status: Track


def draw_orders(story: Story, deals: Deals, offers: Offers, papers: Papers) -> Orders:
    """Draw the orders of all cases, and those that belong to none."""
    sold = _sold(story, deals, offers, papers)
    orphans = _orphans(story, len(sold["case"]))
    columns = {name: np.concatenate((column, orphans[name])) for name, column in sold.items()}
    total = columns.pop("cents") / 100
    orders = Orders(**columns, total=total, status=Track(np.full(len(total), DRAFT, np.int64)))
    moves = (
        (orders.activated, ACTIVATED),
        (orders.canceled, CANCELED),
        (orders.partial, PARTIAL),
        (orders.fulfilled, FULFILLED),
    )
    for rank, (at, status) in enumerate(moves):
        orders.status.change(at, status, orders.operator, rank)
    orders.status.change(orders.closed, CLOSED, org.TEAMS["system"].start, len(moves))
    return orders


def accepted_quote(story: Story, offers: Offers) -> Ints:
    """Return the key of the quote that each case's customer accepted, or `NONE`."""
    quote = np.full(len(story), NONE, np.int64)
    accepted = np.flatnonzero(offers.accepted != NONE)
    quote[offers.case[accepted]] = accepted + 1
    return quote


def _sold(story: Story, deals: Deals, offers: Offers, papers: Papers) -> dict[str, Ints]:
    by_machine, by_hand = (story.at(position) for position in steps_of("sales_order_created"))
    created = np.maximum(by_machine, by_hand)
    case = np.flatnonzero(created != NONE)
    first, second = (story.at(position)[case] for position in steps_of("order_fulfilled"))
    in_two = story.cases.flags["redelivered"][case]
    quote = accepted_quote(story, offers)[case]
    total = deals.amount[case]
    total[quote != NONE] = offers.total[quote[quote != NONE] - 1]
    canceled = story.first("order_canceled")[case]
    return {
        "case": case,
        "account": story.cases.codes["account"][case],
        "currency": deals.currency[case],
        "quote": quote,
        "contract": papers.key_of[case],
        "by": np.where(by_machine != NONE, story.by("system"), story.by("operations"))[case],
        "operator": story.by("operations")[case],
        "created": created[case],
        "activated": _activated(story, created[case], np.maximum(first, canceled)),
        "partial": np.where(in_two, first, NONE),
        "fulfilled": np.where(in_two, second, first),
        "canceled": canceled,
        "closed": story.first("order_closed")[case],
        "cents": np.round(total * 100).astype(np.int64),
    }


def _activated(story: Story, created: Ints, ended: Ints) -> Ints:
    """Return when orders were activated: before they end, and mostly within hours."""
    n, dice = len(created), story.dice(_TOPIC)
    soon = created + 60 + dice.below(n, 8 * HOUR)
    return among(np.where(ended == NONE, soon, np.minimum(soon, (created + ended) // 2)), NEVER)


def _orphans(story: Story, sold: int) -> dict[str, Ints]:
    """Return renewals that another system sent, without an opportunity, a quote or a contract."""
    n, dice = sold * _ORPHANS_PERMILLE // 1000, story.dice(_TOPIC + 1)
    system = np.full(n, org.TEAMS["system"].start, np.int64)
    created = np.sort(dice.below(n, NEVER - 30 * DAY))
    none = np.full(n, NONE, np.int64)
    return {
        "case": none, "account": dice.below(n, len(org.ACCOUNTS)),
        "currency": np.full(n, list(company.CURRENCIES).index(company.CORPORATE)), "quote": none,
        "contract": none, "by": system, "operator": system, "created": created, "activated": created,
        "partial": none, "fulfilled": created + HOUR + dice.below(n, 20 * DAY), "canceled": none,
        "closed": none,
        "cents": 100_000 + dice.below(n, 1_000) * 1_000,
    }  # fmt: skip


def order_frame(story: Story, orders: Orders) -> pl.DataFrame:
    """Return the orders as they are at the export."""
    import polars as pl

    index = story.cases.index + 1
    return pl.DataFrame(
        {
            "order": keys(np.arange(1, len(orders.case) + 1)),
            "opportunity": keys(np.where(orders.case == NONE, NONE, index[orders.case])),
            "account": keys(orders.account + 1),
            "quote": keys(orders.quote),
            "contract": keys(orders.contract),
            "currency": named(orders.currency, list(company.CURRENCIES)),
            "status": named(orders.status.current, STATUSES),
            "created": instants(orders.created),
            "created_by": keys(orders.by),
            "owner": keys(orders.operator),
            "activated": instants(orders.activated),
            "partially_fulfilled": instants(orders.partial),
            "fulfilled": instants(orders.fulfilled),
            "canceled": instants(orders.canceled),
            "closed": instants(orders.closed),
            "total": orders.total,
        }
    )
