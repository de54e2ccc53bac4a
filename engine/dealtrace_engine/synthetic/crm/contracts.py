"""Contracts: drafted, sometimes approved, signed by both sides and activated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dealtrace_engine.synthetic import organisation as org
from dealtrace_engine.synthetic.crm.frames import day_of, days, instants, keys, named
from dealtrace_engine.synthetic.crm.story import NONE, Story
from dealtrace_engine.synthetic.crm.tracks import Track
from dealtrace_engine.synthetic.dice import Ints

if TYPE_CHECKING:
    import polars as pl

_TOPIC = 30
STATUSES = ("Draft", "In Approval Process", "Activated")
DRAFT, IN_APPROVAL, ACTIVATED = range(3)
TERMS = ("Standard", "Framework", "Individual")
_APPROVED_PERMILLE = 350
_MONTHS = (12, 24, 36, 60)


@dataclass(frozen=True)
class Papers:
    """Arrays over all contracts, in the order of their keys (from 1).

    Attributes
    ----------
    case : ndarray of int64
        Position of the case.
    by, approver : ndarray of int64
    created, requested, approved, activated : ndarray of int64
        Times.
    key_of : ndarray of int64
        Key of the contract of each case, or `NONE`.
    status : Track
    """

    case: Ints
    by: Ints
    approver: Ints
    created: Ints
    requested: Ints
    approved: Ints
    activated: Ints
    key_of: Ints
    status: Track


def draw_papers(story: Story) -> Papers:
    """Draw the contracts of all cases."""
    dice, created = story.dice(_TOPIC), story.first("contract_created")
    case = np.flatnonzero(created != NONE)
    n, created, activated = len(case), created[case], story.first("contract_signed")[case]
    approved = (activated - created > 60) & (activated != NONE) & dice.chance(n, _APPROVED_PERMILLE)
    span = activated - created
    key_of = np.full(len(story), NONE, np.int64)
    key_of[case] = np.arange(1, n + 1)
    team = org.TEAMS["legal"]
    papers = Papers(
        case, story.by("legal")[case], team.start + dice.below(n, len(team)), created,
        np.where(approved, created + span * (50 + dice.below(n, 250)) // 1000, NONE),
        np.where(approved, created + span * (350 + dice.below(n, 500)) // 1000, NONE),
        activated, key_of, Track(np.full(n, DRAFT, np.int64)),
    )  # fmt: skip
    papers.status.change(papers.requested, IN_APPROVAL, papers.by, 0)
    papers.status.change(papers.activated, ACTIVATED, papers.by, 1)
    return papers


def contract_frame(story: Story, papers: Papers) -> pl.DataFrame:
    """Return the contracts as they are at the export."""
    import polars as pl

    dice, n, case = story.dice(_TOPIC + 1), len(papers.case), papers.case
    signed, codes = day_of(papers.activated), story.cases.codes
    customer = np.where(signed == NONE, NONE, np.maximum(signed - dice.below(n, 4), day_of(papers.created)))
    company = np.where(signed == NONE, NONE, np.maximum(signed - dice.below(n, 2), customer))
    return pl.DataFrame(
        {
            "contract": keys(np.arange(1, n + 1)),
            "opportunity": keys(story.cases.index[case] + 1),
            "account": keys(codes["account"][case] + 1),
            "owner": keys(story.by("rep")[case]),
            "status": named(papers.status.current, STATUSES),
            "created": instants(papers.created),
            "created_by": keys(papers.by),
            "requested": instants(papers.requested),
            "approved": instants(papers.approved),
            "approver": keys(np.where(papers.approved == NONE, NONE, papers.approver)),
            "signed_customer": days(customer),
            "signed_company": days(company),
            "activated": instants(papers.activated),
            "activated_by": keys(np.where(papers.activated == NONE, NONE, papers.by)),
            "term_months": np.array(_MONTHS)[dice.below(n, len(_MONTHS))],
            "terms": named(dice.pick(n, (70, 20, 10)), TERMS),
        }
    )
