"""Opportunities: who owns them, through which stages they go, what they are worth and when they close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dealtrace_engine.synthetic import organisation as org
from dealtrace_engine.synthetic.crm import company
from dealtrace_engine.synthetic.crm.frames import Numbers, day_of, days, instants, keys, named, numbers
from dealtrace_engine.synthetic.crm.story import NONE, Story
from dealtrace_engine.synthetic.crm.tracks import Track
from dealtrace_engine.synthetic.dice import Flags, Ints
from dealtrace_engine.synthetic.steps import DAY, HOUR, STEPS, steps_of

if TYPE_CHECKING:
    import polars as pl

_TOPIC = 1
_OPEN, _WON, _LOST = range(3)
OUTCOMES = ("Open", "Won", "Lost")


@dataclass(frozen=True)
class Deals:
    """The opportunities of a story: arrays over all cases, those that never became one included.

    Attributes
    ----------
    exists, migrated, deleted : ndarray of bool
    created, created_by, closed, outcome : ndarray of int64
        Closed is the last closing, `NONE` while open.
    currency : ndarray of int64
        Code in `company.CURRENCIES`.
    amount, first_amount : ndarray of float64
        At the end and at the beginning, in the currency of the opportunity.
    owner, stage, close_day : Track
    amount_track : Track
        Code 0 is the first amount, code 1 the last.
    """

    exists: Flags
    migrated: Flags
    deleted: Flags
    created: Ints
    created_by: Ints
    closed: Ints
    outcome: Ints
    currency: Ints
    amount: Numbers
    first_amount: Numbers
    owner: Track
    stage: Track
    close_day: Track
    amount_track: Track


def draw_deals(story: Story) -> Deals:
    """Draw the opportunities of the cases that have one."""
    dice, n = story.dice(_TOPIC), len(story)
    from_lead, direct = (story.at(position) for position in steps_of("opportunity_created"))
    created = np.maximum(from_lead, direct)
    migrated = (direct != NONE) & (direct < company.MIGRATED_UNTIL_S)
    created = np.where(migrated, created // (7 * DAY) * (7 * DAY) + 2 * HOUR + dice.below(n, 60), created)
    currency = np.array([list(company.CURRENCIES).index(c) for c in company.REGION_CURRENCY])
    currency = currency[story.cases.codes["region"]]
    amount = in_currency(story.cases.cents / 100, currency)
    first_amount = in_currency(story.cases.cents / 100 * (141 + 2 * dice.below(n, 55)) / 200, currency)
    outcome, closed = _outcome(story)
    deleted = (created != NONE) & ~migrated & dice.chance(n, 5)
    return Deals(
        created != NONE, migrated, deleted, created,
        np.where(migrated, company.MIGRATION_USER, story.by("first_rep")), closed, outcome, currency, amount,
        first_amount, _owner(story), _stage(story), _close_day(story, created, closed), _amount(story),
    )  # fmt: skip


def in_currency(euros: Numbers, currency: Ints) -> Numbers:
    """Return amounts of euros in the currencies of these codes."""
    return rounded(euros * np.array(list(company.CURRENCIES.values()))[currency], currency)


def rounded(amounts: Numbers, currency: Ints) -> Numbers:
    """Round to cents, and yen to yen."""
    yen = currency == list(company.CURRENCIES).index("JPY")
    return np.where(yen, np.round(amounts), np.round(amounts, 2))


def _outcome(story: Story) -> tuple[Ints, Ints]:
    lost, won = story.step("opportunity_lost", 1), story.first("opportunity_won")
    first_lost, reopened = story.step("opportunity_lost", 0), story.first("opportunity_reopened")
    still_lost = np.where(reopened == NONE, first_lost, NONE)
    closed = np.maximum(np.maximum(lost, won), still_lost)
    return np.where(closed == NONE, _OPEN, np.where(won != NONE, _WON, _LOST)), closed


def _owner(story: Story) -> Track:
    owner = Track(story.by("first_rep"))
    owner.change(story.first("owner_changed"), story.by("rep"), story.by("system"))
    return owner


def _amount(story: Story) -> Track:
    amount = Track(np.zeros(len(story), np.int64))
    amount.change(story.first("amount_changed"), 1, story.by("rep"), steps_of("amount_changed")[0])
    return amount


def _stage(story: Story) -> Track:
    """Follow the steps that move an opportunity; to propose again may need a step back before."""
    stage = Track(np.full(len(story), company.QUALIFICATION, np.int64))
    contacted, proposed, quoted, accepted = steps_of("opportunity_stage_changed")
    solution, again = steps_of("solution_proposed")
    lost, finally_lost = steps_of("opportunity_lost")
    (reopened,), (won,) = steps_of("opportunity_reopened"), steps_of("opportunity_won")
    to = {
        contacted: company.NEEDS, solution: company.PROPOSAL, proposed: company.DECISION,
        again: company.PROPOSAL, quoted: company.QUOTATION, lost: company.CLOSED_LOST,
        reopened: company.QUOTATION, accepted: company.NEGOTIATION, finally_lost: company.CLOSED_LOST,
        won: company.CLOSED_WON,
    }  # fmt: skip
    for position in sorted(to):
        at, by = story.at(position), story.by(STEPS[position].role)
        if position == again:
            stands = (stage.current == company.PROPOSAL) & (at != NONE)
            back = np.where(stands, (story.at(solution) + at) // 2, NONE)
            stage.change(back, company.NEEDS, by, position - 1)
        stage.change(at, to[position], by, position)
    return stage


def _close_day(story: Story, created: Ints, closed: Ints) -> Track:
    """Follow the expected day of closing: pushed by steps, then set to the day itself, never a later one."""
    dice, n = story.dice(_TOPIC + 1), len(story)
    pushes = {position: 7 + dice.below(n, 40) for position in steps_of("close_date_pushed")}
    total = sum(
        (np.where(story.at(position) != NONE, by, 0) for position, by in pushes.items()),
        np.zeros(n, np.int64),
    )
    last = np.where(
        closed != NONE, day_of(closed) + dice.below(n, 21), day_of(story.ended) + 5 + dice.below(n, 120)
    )
    reopened, (lost, *_) = steps_of("opportunity_reopened")[0], steps_of("opportunity_lost")
    first_closing = np.where(story.at(lost) != NONE, story.at(lost), NONE)
    initial = np.where(first_closing != NONE, day_of(first_closing) + dice.below(n, 21), last - total)
    track = Track(np.maximum(initial, day_of(created) + 7))
    for position in sorted([*pushes, *steps_of("opportunity_lost"), *steps_of("opportunity_won"), reopened]):
        at, by = story.at(position), story.by(STEPS[position].role)
        if position == reopened:
            new = np.maximum(last - total, day_of(at) + 1)
        else:
            new = track.current + pushes[position] if position in pushes else day_of(at)
        track.change(at, new, by, position)
    return track


def stage_texts(codes: Ints, at: Ints) -> pl.Series:
    """Return the names that the stages had at these times."""
    renamed, old_name = company.RENAMED_STAGE
    old = (codes == renamed) & (at < company.STAGE_RENAMED_S)
    return named(np.where(old, len(company.STAGES), codes), (*company.STAGES, old_name))


def opportunity_frame(story: Story, deals: Deals, synced_quote: Ints) -> pl.DataFrame:
    """Return the opportunities as they are at the export."""
    import polars as pl

    codes, dice, n = story.cases.codes, story.dice(_TOPIC + 2), len(story)
    index, lead = story.cases.index + 1, story.first("lead_converted")
    lost = deals.outcome == _LOST
    beaten = lost & (codes["loss_reason"] == org.LOSS_REASONS.index("Competitor"))
    rival = dice.below(n, len(company.COMPETITORS))
    rank_at_end = np.array(company.PROBABILITIES)[deals.stage.current]
    has_discount = (story.cases.discounts[1] > 0) & (synced_quote != NONE)
    frame = pl.DataFrame(
        {
            "opportunity": keys(index),
            "account": keys(codes["account"] + 1),
            "lead": keys(np.where(lead != NONE, index, NONE)),
            "owner": keys(deals.owner.current),
            "type": named(dice.pick(n, company.DEAL_TYPE_WEIGHTS), company.DEAL_TYPES),
            "source": named(codes["lead_source"], org.LEAD_SOURCES),
            "product": keys(codes["product"] + 1),
            "region": named(codes["region"], org.REGIONS),
            "currency": named(deals.currency, list(company.CURRENCIES)),
            "amount": deals.amount,
            "created": instants(deals.created),
            "created_by": keys(deals.created_by),
            "close_date": days(deals.close_day.current),
            "closed": instants(deals.closed),
            "outcome": named(deals.outcome, OUTCOMES),
            "stage": named(deals.stage.current, company.STAGES),
            "probability": rank_at_end.astype(np.float64),
            "loss_reason": named(np.where(lost, codes["loss_reason"], NONE), org.LOSS_REASONS),
            "competitor": named(np.where(beaten, rival, NONE), company.COMPETITORS),
            "discount_pct": numbers(story.cases.discounts[1], has_discount),
            "terms_days": np.array(org.PAYMENT_TERMS_DAYS)[codes["terms"]],
            "deleted": deals.deleted,
            "migrated": deals.migrated,
            "synced_quote": keys(synced_quote),
            "created_from_lead": lead != NONE,
        }
    )
    return frame.filter(pl.Series(deals.exists))
