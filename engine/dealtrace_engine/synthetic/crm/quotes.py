"""Quotes with their revisions, and the approvals of their discounts.

A row is a revision; the revisions of a quote share its number. Some opportunities have a second quote.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dealtrace_engine.synthetic.crm.frames import Numbers, among, day_of, days, instants, keys, named
from dealtrace_engine.synthetic.crm.opportunities import Deals, rounded
from dealtrace_engine.synthetic.crm.story import NONE, Story
from dealtrace_engine.synthetic.crm.tracks import Track
from dealtrace_engine.synthetic.dice import Flags, Ints
from dealtrace_engine.synthetic.steps import DAY, HOUR, ROUNDS, STEPS, steps_of
from dealtrace_engine.synthetic.walk import NEVER

if TYPE_CHECKING:
    import polars as pl

_TOPIC = 10
STATUSES = ("Draft", "In Review", "Approved", "Rejected", "Presented", "Denied", "Accepted", "Revised")
DRAFT, IN_REVIEW, APPROVED, REJECTED, PRESENTED, DENIED, ACCEPTED, REVISED = range(8)
_SECOND_PERMILLE, _RECALLED_PERMILLE, _ON_OPPORTUNITY_PERMILLE = 40, 500, 100
_VALID_DAYS = 45


@dataclass(frozen=True)
class Offers:
    """Arrays over all revisions of quotes, in the order of their keys (from 1).

    Attributes
    ----------
    case : ndarray of int64
        Position of the case.
    number : ndarray of int64
        Position of the quote that it revises, from 1.
    revision, discount, by : ndarray of int64
        Revision from 0; percent; who made it.
    created, issued, rejected, accepted, revised : ndarray of int64
        Times; rejected by the customer, and replaced by the next revision.
    requested, requested_again : ndarray of int64
        When the approval of the discount was asked for, first and after it was refused.
    refused, approved, recalled : ndarray of int64
        The decision on the first request; on the last one; and when the last one was withdrawn instead.
    on_opportunity : ndarray of bool
        Whether its discount is approved on the opportunity rather than on the quote.
    total : ndarray of float64
    status : Track
    """

    case: Ints
    number: Ints
    revision: Ints
    discount: Ints
    by: Ints
    created: Ints
    issued: Ints
    rejected: Ints
    accepted: Ints
    revised: Ints
    requested: Ints
    requested_again: Ints
    refused: Ints
    approved: Ints
    recalled: Ints
    on_opportunity: Flags
    total: Numbers
    status: Track


def draw_offers(story: Story, deals: Deals) -> Offers:
    """Draw the quotes of all cases."""
    rows = [_round(story, number) for number in range(1, ROUNDS + 1)]
    columns = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
    order = np.lexsort((columns["revision"], columns["case"]))
    columns = {name: column[order] for name, column in columns.items()}
    first = columns["revision"] == 0
    columns["number"] = np.cumsum(first)
    second = _second_quotes(story, deals, columns)
    columns = {name: np.concatenate((column, second[name])) for name, column in columns.items()}
    return _offers(story, deals, columns)


def _at(story: Story, activity: str, number: int) -> list[int]:
    return [position for position in steps_of(activity) if STEPS[position].round == number]


def _round(story: Story, number: int) -> dict[str, Ints]:
    """Return the revisions that one round of quoting makes."""
    made = _at(story, "quote_created" if number == 1 else "quote_revised", number)
    created = story.first("", made)
    case = np.flatnonzero(created != NONE)
    first_asked, asked_again = _at(story, "discount_approval_requested", number)
    none = np.full(len(story), NONE, np.int64)
    rejected = revised = none
    if number < ROUNDS:
        rejected = story.at(steps_of("quote_rejected")[number - 1])
        revised = story.first("", _at(story, "quote_revised", number + 1))
    columns = {
        "case": np.arange(len(story)),
        "revision": np.full(len(story), number - 1, np.int64),
        "discount": story.cases.discounts[number],
        "by": story.by("rep"),
        "created": created,
        "issued": story.first("", _at(story, "quote_issued", number)),
        "rejected": rejected,
        "revised": revised,
        "accepted": np.where(revised == NONE, story.first("quote_accepted"), NONE),
        "requested": story.at(first_asked),
        "requested_again": story.at(asked_again),
        "refused": story.first("", _at(story, "discount_approval_rejected", number)),
        "approved": story.first("", _at(story, "discount_approval_approved", number)),
        "recallable": (~story.cases.flags[f"approved_{number}"]).astype(np.int64),
    }
    return {name: column[case] for name, column in columns.items()}


def _second_quotes(story: Story, deals: Deals, rows: dict[str, Ints]) -> dict[str, Ints]:
    """Return quotes that are offered beside the first one of some opportunities."""
    dice = story.dice(_TOPIC)
    n = len(rows["case"])
    created = rows["created"] + HOUR + dice.below(n, DAY)
    issued = created + HOUR + dice.below(n, DAY)
    closed = deals.closed[rows["case"]]
    accepted = story.first("quote_accepted")[rows["case"]]
    until = np.where(accepted != NONE, accepted, np.where(closed != NONE, closed, NEVER))
    chosen = np.flatnonzero((rows["revision"] == 0) & (created < until) & dice.chance(n, _SECOND_PERMILLE))
    second = {name: np.full(len(chosen), NONE, np.int64) for name in rows}
    second["case"], second["by"], second["created"] = (
        rows[name][chosen] for name in ("case", "by", "created")
    )
    second["created"] = created[chosen]
    second["revision"] = second["recallable"] = np.zeros(len(chosen), np.int64)
    second["discount"] = np.minimum(rows["discount"][chosen] + 1, 60)
    second["issued"] = among(issued[chosen], until[chosen])
    second["rejected"] = accepted[chosen]
    second["number"] = rows["number"].max(initial=0) + 1 + np.arange(len(chosen))
    return second


def _offers(story: Story, deals: Deals, rows: dict[str, Ints]) -> Offers:
    amount = deals.amount[rows["case"]]
    total = rounded(amount * (100 - rows["discount"]) / 100, deals.currency[rows["case"]])
    offers = Offers(
        rows["case"], rows["number"], rows["revision"], rows["discount"], rows["by"], rows["created"],
        rows["issued"], rows["rejected"], rows["accepted"], rows["revised"], rows["requested"],
        rows["requested_again"], rows["refused"], rows["approved"], _recalled(story, rows),
        story.dice(_TOPIC + 2).chance(len(total), _ON_OPPORTUNITY_PERMILLE), total,
        Track(np.full(len(rows["case"]), DRAFT, np.int64)),
    )  # fmt: skip
    _follow_status(offers, story.by("approver")[offers.case])
    return offers


def _recalled(story: Story, rows: dict[str, Ints]) -> Ints:
    dice, n = story.dice(_TOPIC + 1), len(rows["case"])
    last = np.maximum(rows["requested"], rows["requested_again"])
    open_ = (rows["requested_again"] != NONE) | (rows["refused"] == NONE)
    waits = (last != NONE) & open_ & (rows["recallable"] == 1) & (rows["issued"] != NONE)
    waits &= dice.chance(n, _RECALLED_PERMILLE)
    return np.where(waits, last + (rows["issued"] - last) * dice.below(n, 900) // 1000, NONE)


def _follow_status(offers: Offers, approver: Ints) -> None:
    """Follow the status; requests about the opportunity and withdrawals leave it alone."""
    requested, refused, again, approved = (
        np.where(offers.on_opportunity, NONE, at)
        for at in (offers.requested, offers.refused, offers.requested_again, offers.approved)
    )
    moves = (
        (requested, IN_REVIEW, offers.by),
        (refused, REJECTED, approver),
        (again, IN_REVIEW, offers.by),
        (approved, APPROVED, approver),
        (offers.issued, PRESENTED, offers.by),
        (offers.rejected, DENIED, offers.by),
        (offers.accepted, ACCEPTED, offers.by),
        (offers.revised, REVISED, offers.by),
    )
    for rank, (at, status, by) in enumerate(moves):
        offers.status.change(at, status, by, rank)


def quote_frame(story: Story, offers: Offers) -> pl.DataFrame:
    """Return the quotes as they are at the export."""
    import polars as pl

    key = np.arange(1, len(offers.case) + 1)
    roots = np.where(offers.revision == 0, key, 0)
    return pl.DataFrame(
        {
            "quote": keys(key),
            "opportunity": keys(story.cases.index[offers.case] + 1),
            "number": keys(offers.number),
            "revision": keys(offers.revision),
            "root": keys(_roots(offers.number, roots)),
            "status": named(offers.status.current, STATUSES),
            "discount_pct": offers.discount.astype(np.float64),
            "total": offers.total,
            "created": instants(offers.created),
            "created_by": keys(offers.by),
            "issued": instants(offers.issued),
            "accepted": instants(offers.accepted),
            "rejected": instants(offers.rejected),
            "revised": instants(offers.revised),
            "expires": days(day_of(offers.created) + _VALID_DAYS),
        }
    )


def _roots(number: Ints, roots: Ints) -> Ints:
    first = np.zeros(number.max(initial=0) + 1, np.int64)
    np.maximum.at(first, number, roots)
    return first[number]
