"""Calls, e-mails and meetings with customers, and support cases after the sale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dealtrace_engine.synthetic.crm.frames import among, instants, keys, named
from dealtrace_engine.synthetic.crm.opportunities import Deals
from dealtrace_engine.synthetic.crm.orders import Orders
from dealtrace_engine.synthetic.crm.story import NONE, Story
from dealtrace_engine.synthetic.dice import Ints
from dealtrace_engine.synthetic.steps import DAY, HOUR, STEPS, steps_of
from dealtrace_engine.synthetic.walk import NEVER

if TYPE_CHECKING:
    import polars as pl

_TOPIC = 80
KINDS = ("call", "email", "meeting")
_KIND_WEIGHTS, _MINUTES = (45, 35, 20), (5, 0, 30)
SUBJECTS = ("Introduction", "Follow-up", "Demo", "Pricing", "Contract questions")
_MOST_FURTHER, _FURTHER_WEIGHTS = 4, (30, 28, 22, 12, 8)
_DELETED_PERMILLE, _SUPPORT_PERMILLE = 10, 150


def contact_frame(story: Story, deals: Deals) -> pl.DataFrame:
    """Return every contact with a customer; the first of a case may be with a lead."""
    early, opening = steps_of("first_customer_contact")
    first = story.first("first_customer_contact")
    parts = [
        _met(story.at(early), story.by(STEPS[early].role), on_lead=True),
        _met(story.at(opening), story.by(STEPS[opening].role), on_lead=False),
        *_further(story, first, deals),
    ]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.lexsort((columns["case"], columns["at"]))
    return _frame(story, {name: column[order] for name, column in columns.items()})


def _met(at: Ints, by: Ints, on_lead: bool) -> dict[str, Ints]:
    case = np.flatnonzero(at != NONE)
    none = np.zeros(len(case), np.int64)
    return {"case": case, "at": at[case], "by": by[case], "on_lead": none + on_lead, "further": none}


def _further(story: Story, first: Ints, deals: Deals) -> list[dict[str, Ints]]:
    """Return later contacts, spread until the case ends."""
    dice, n = story.dice(_TOPIC), len(story)
    count = dice.pick(n, _FURTHER_WEIGHTS)
    begin = np.maximum(first, deals.created) + 60
    until = np.where(deals.closed != NONE, deals.closed, story.ended)
    parts = []
    for number in range(_MOST_FURTHER):
        at = begin + np.maximum(until - begin, 0) * dice.below(n, 1000) // 1000
        wanted = (count > number) & deals.exists & (first != NONE) & (until > begin)
        part = _met(np.where(wanted, at, NONE), deals.owner.current, on_lead=False)
        parts.append(part | {"further": part["further"] + 1})
    return parts


def _frame(story: Story, columns: dict[str, Ints]) -> pl.DataFrame:
    import polars as pl

    n, dice = len(columns["case"]), story.dice(_TOPIC + 1)
    kind, on_lead = dice.pick(n, _KIND_WEIGHTS), columns["on_lead"] == 1
    minutes = np.array(_MINUTES)[kind]
    lasts = (minutes + dice.below(n, 4) * minutes // 2) * 60
    key = story.cases.index[columns["case"]] + 1
    deleted = (columns["further"] == 1) & dice.chance(n, _DELETED_PERMILLE)
    return pl.DataFrame(
        {
            "contact": keys(np.arange(1, n + 1)),
            "kind": named(kind, KINDS),
            "opportunity": keys(np.where(on_lead, NONE, key)),
            "lead": keys(np.where(on_lead, key, NONE)),
            "account": keys(story.cases.codes["account"][columns["case"]] + 1),
            "at": instants(columns["at"]),
            "ended": instants(columns["at"] + lasts),
            "by": keys(columns["by"]),
            "subject": named(dice.below(n, len(SUBJECTS)), SUBJECTS),
            "outgoing": dice.chance(n, 750),
            "deleted": deleted,
        }
    )


def support_frame(story: Story, orders: Orders) -> pl.DataFrame:
    """Return the cases that customers opened after their order was fulfilled."""
    import polars as pl

    dice, n = story.dice(_TOPIC + 2), len(orders.case)
    opened = among(orders.fulfilled + DAY + dice.below(n, 90 * DAY), NEVER)
    opens = (
        (orders.case != NONE)
        & (orders.fulfilled != NONE)
        & (opened != NONE)
        & dice.chance(n, _SUPPORT_PERMILLE)
    )
    where = np.flatnonzero(opens)
    opened = opened[where]
    closed = among(opened + HOUR + dice.below(len(where), 10 * DAY), NEVER)
    return pl.DataFrame(
        {
            "case": keys(np.arange(1, len(where) + 1)),
            "account": keys(orders.account[where] + 1),
            "opportunity": keys(story.cases.index[orders.case[where]] + 1),
            "opened": instants(opened),
            "closed": instants(closed),
            "status": named((closed != NONE).astype(np.int64), ("New", "Closed")),
            "by": keys(orders.operator[where]),
        }
    )
