"""Leads: captured, qualified, converted or dropped, some twice and merged; and responses to campaigns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dealtrace_engine.synthetic import organisation as org
from dealtrace_engine.synthetic.crm import company
from dealtrace_engine.synthetic.crm.frames import among, instants, keys, named
from dealtrace_engine.synthetic.crm.story import NONE, Story
from dealtrace_engine.synthetic.crm.tracks import Track
from dealtrace_engine.synthetic.dice import Ints
from dealtrace_engine.synthetic.steps import DAY, HOUR
from dealtrace_engine.synthetic.walk import NEVER

if TYPE_CHECKING:
    import polars as pl

_TOPIC = 70
STATUSES = ("New", "Working", "Qualified", "Converted", "Disqualified")
NEW, WORKING, QUALIFIED, CONVERTED, DISQUALIFIED = range(5)
_WORKED_PERMILLE, _MERGED_PERMILLE, _RESPONSE_PERMILLE = 600, 10, 80


@dataclass(frozen=True)
class Leads:
    """Arrays over all leads: those of the cases first, then those merged into them.

    Attributes
    ----------
    key, case : ndarray of int64
        A lead of a case has the key of the case.
    captured, qualified, disqualified, converted, merged : ndarray of int64
        Times.
    merged_into : ndarray of int64
        Key, or `NONE`.
    status : Track
    """

    key: Ints
    case: Ints
    captured: Ints
    qualified: Ints
    disqualified: Ints
    converted: Ints
    merged: Ints
    merged_into: Ints
    status: Track


def draw_leads(story: Story) -> Leads:
    """Draw all leads."""
    dice, captured = story.dice(_TOPIC), story.first("lead_captured")
    case = np.flatnonzero(captured != NONE)
    (merged,) = np.nonzero((captured[case] > 0) & dice.chance(len(case), _MERGED_PERMILLE))
    winner, n, extra = case[merged], len(case), len(merged)
    before = np.maximum(captured[winner] - HOUR - dice.below(extra, 20 * DAY), 0)
    none = np.full(extra, NONE, np.int64)
    found = among(captured[winner] + HOUR + dice.below(extra, 5 * DAY), NEVER)

    into = np.where(found == NONE, NONE, story.cases.index[winner] + 1)

    def both(activity: str) -> Ints:
        return np.concatenate((story.first(activity)[case], none))

    leads = Leads(
        np.concatenate((story.cases.index[case] + 1, story.cases.index[-1] + 2 + np.arange(extra))),
        np.concatenate((case, winner)),
        np.concatenate((captured[case], before)),
        both("lead_qualified"), both("lead_disqualified"), both("lead_converted"),
        np.concatenate((np.full(n, NONE, np.int64), found)),
        np.concatenate((np.full(n, NONE, np.int64), into)),
        Track(np.full(n + extra, NEW, np.int64)),
    )  # fmt: skip
    _follow_status(story, leads)
    return leads


def _follow_status(story: Story, leads: Leads) -> None:
    dice, n, sdr = story.dice(_TOPIC + 1), len(leads.key), story.by("sdr")[leads.case]
    until = np.where(leads.qualified != NONE, leads.qualified, leads.disqualified)
    works = (until != NONE) & dice.chance(n, _WORKED_PERMILLE)
    worked = np.where(
        works, leads.captured + (until - leads.captured) * (1 + dice.below(n, 998)) // 1000, NONE
    )
    leads.status.change(worked, WORKING, sdr, 0)
    leads.status.change(leads.qualified, QUALIFIED, sdr, 1)
    leads.status.change(leads.disqualified, DISQUALIFIED, sdr, 2)
    leads.status.change(leads.converted, CONVERTED, story.by("first_rep")[leads.case], 3)


def lead_frame(story: Story, leads: Leads) -> pl.DataFrame:
    """Return the leads as they are at the export."""
    import polars as pl

    dice, n, codes, case = story.dice(_TOPIC + 2), len(leads.key), story.cases.codes, leads.case
    sdr, rep = story.by("sdr")[case], story.by("first_rep")[case]
    converted = leads.converted != NONE
    person = [named(dice.below(n, len(names)), names) for names in (company.FIRST_NAMES, company.LAST_NAMES)]
    frame = pl.DataFrame(
        {
            "lead": keys(leads.key),
            "company": named(codes["account"][case], org.ACCOUNTS),
            "first_name": person[0],
            "last_name": person[1],
            "source": named(codes["lead_source"][case], org.LEAD_SOURCES),
            "owner": keys(np.where(converted, rep, sdr)),
            "captured": instants(leads.captured),
            "captured_by": keys(story.by("web")[case]),
            "qualified": instants(leads.qualified),
            "qualified_by": keys(np.where(leads.qualified == NONE, NONE, sdr)),
            "disqualified": instants(leads.disqualified),
            "disqualified_by": keys(np.where(leads.disqualified == NONE, NONE, sdr)),
            "converted": instants(leads.converted),
            "converted_by": keys(np.where(converted, rep, NONE)),
            "opportunity": keys(np.where(converted, story.cases.index[case] + 1, NONE)),
            "account": keys(np.where(converted, codes["account"][case] + 1, NONE)),
            "status": named(leads.status.current, STATUSES),
            "merged_into": keys(leads.merged_into),
            "merged": instants(leads.merged),
            "country": named(codes["region"][case], company.REGION_COUNTRY),
            "industry": named(codes["account"][case] % len(company.INDUSTRIES), company.INDUSTRIES),
        }
    )
    return frame.with_columns(pl.concat_str("first_name", "last_name", separator=" ").alias("name"))


def response_frame(story: Story, leads: Leads) -> pl.DataFrame:
    """Return which leads answered a campaign, in the second they were captured or within hours."""
    import polars as pl

    dice, n = story.dice(_TOPIC + 3), len(leads.key)
    at = leads.captured + np.where(dice.chance(n, 500), 0, dice.below(n, 3 * HOUR))
    answers = (leads.merged_into == NONE) & (at < NEVER) & dice.chance(n, _RESPONSE_PERMILLE)
    where = np.flatnonzero(answers)
    return pl.DataFrame(
        {
            "response": keys(np.arange(1, len(where) + 1)),
            "campaign": keys(1 + dice.below(len(where), len(company.CAMPAIGNS))),
            "lead": keys(leads.key[where]),
            "at": instants(at[where]),
            "by": keys(story.by("web")[leads.case[where]]),
        }
    )
