"""Requests for approval: of the discounts of quotes, and of contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dealtrace_engine.synthetic import organisation as org
from dealtrace_engine.synthetic.crm.contracts import Papers
from dealtrace_engine.synthetic.crm.frames import instants, keys, named
from dealtrace_engine.synthetic.crm.quotes import Offers
from dealtrace_engine.synthetic.crm.story import NONE, Story
from dealtrace_engine.synthetic.dice import Ints

if TYPE_CHECKING:
    import polars as pl

_TOPIC = 20
OBJECTS = ("quote", "opportunity", "contract")
PROCESSES = ("Discount Approval", "Contract Approval")
DECISIONS = ("Approved", "Rejected", "Recalled")
_DELEGATED_PERMILLE = 50


def approval_frame(story: Story, offers: Offers, papers: Papers) -> pl.DataFrame:
    """Return every request with its decision; a request without one is pending."""
    parts = [_discount_requests(story, offers, again) for again in (False, True)]
    parts.append(_contract_requests(story, papers))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.lexsort((columns["record"], columns["requested"]))
    return _frame(story, {name: column[order] for name, column in columns.items()})


def _discount_requests(story: Story, offers: Offers, again: bool) -> dict[str, Ints]:
    requested = offers.requested_again if again else offers.requested
    last = again | (offers.requested_again == NONE)
    refused = np.full(len(requested), NONE, np.int64) if again else offers.refused
    ends = (np.where(last, offers.approved, NONE), refused, np.where(last, offers.recalled, NONE))
    where = np.flatnonzero(requested != NONE)
    case = offers.case[where]
    on_opportunity = offers.on_opportunity[where]
    return {
        "object": on_opportunity.astype(np.int64),
        "record": np.where(on_opportunity, story.cases.index[case] + 1, where + 1),
        "process": np.zeros(len(where), np.int64),
        "case": case,
        "requested": requested[where],
        "requested_by": offers.by[where],
        "decided": np.max([end[where] for end in ends], axis=0),
        "decision": np.select([end[where] != NONE for end in ends], range(3), NONE),
        "approver": story.by("approver")[case],
    }


def _contract_requests(story: Story, papers: Papers) -> dict[str, Ints]:
    where = np.flatnonzero(papers.requested != NONE)
    case = papers.case[where]
    return {
        "object": np.full(len(where), 2),
        "record": where + 1,
        "process": np.ones(len(where), np.int64),
        "case": case,
        "requested": papers.requested[where],
        "requested_by": papers.by[where],
        "decided": papers.approved[where],
        "decision": np.where(papers.approved[where] != NONE, 0, NONE),
        "approver": papers.approver[where],
    }


def _frame(story: Story, columns: dict[str, Ints]) -> pl.DataFrame:
    import polars as pl

    n, dice, team = len(columns["case"]), story.dice(_TOPIC + 2), org.TEAMS["approver"]
    other = team.start + (columns["approver"] - team.start + 1 + dice.below(n, len(team) - 1)) % len(team)
    delegated = (columns["process"] == 0) & dice.chance(n, _DELEGATED_PERMILLE)
    decider = np.where(columns["decision"] == 2, columns["requested_by"], columns["approver"])
    return pl.DataFrame(
        {
            "approval": keys(np.arange(1, n + 1)),
            "object": named(columns["object"], OBJECTS),
            "record": keys(columns["record"]),
            "process": named(columns["process"], PROCESSES),
            "opportunity": keys(story.cases.index[columns["case"]] + 1),
            "requested": instants(columns["requested"]),
            "requested_by": keys(columns["requested_by"]),
            "decided": instants(columns["decided"]),
            "decision": named(columns["decision"], DECISIONS),
            "decided_by": keys(np.where(columns["decision"] == NONE, NONE, decider)),
            "approver": keys(columns["approver"]),
            "original_approver": keys(np.where(delegated, other, columns["approver"])),
        }
    )
