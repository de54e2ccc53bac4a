"""Blocks of cases become rows of an export, in the order of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.sources.labels import activity_label
from dealtrace_engine.synthetic import organisation as org
from dealtrace_engine.synthetic.clock import EPOCH_DAY, EPOCH_S
from dealtrace_engine.synthetic.dice import Dice, Flags, Ints
from dealtrace_engine.synthetic.ids import record_ids
from dealtrace_engine.synthetic.steps import ACTIVITIES, STEPS
from dealtrace_engine.synthetic.truths import OUTCOMES, Facts
from dealtrace_engine.synthetic.walk import NEVER

_STEP_BITS, _CASE_BITS = 7, 27
MOST_CASES = 1 << _CASE_BITS
_TIME_SHIFT = _STEP_BITS + _CASE_BITS

_OBJECTS = (b"0065g0", b"00Q5g0")
_FIRST_RECORD = 5_700_000_000

_STAGES = (
    "Qualification",
    "Needs Analysis",
    "Value Proposition",
    "Proposal",
    "Negotiation",
    "Closed Won",
    "Closed Lost",
)
_STAGE_AFTER = {
    "opportunity_created": 0,
    "first_customer_contact": 1,
    "solution_proposed": 2,
    "quote_created": 3,
    "opportunity_reopened": 3,
    "quote_accepted": 4,
    "opportunity_won": 5,
    "opportunity_lost": 6,
}


@dataclass(frozen=True)
class Block:
    """Cases and those of their events that are still to be written.

    Attributes
    ----------
    keys : ndarray of int64
        One per event, unordered: time, case and step, packed so that sorting them orders the events.
    index : ndarray of int64
        Numbers of the cases in the log, rising.
    rows : pyarrow.Table
        One per case: what is the same for all its events.
    people : ndarray of int16, shape (roles, cases)
        Who has which role.
    discounts : ndarray of int8, shape (rounds + 1, cases)
        What each round of quoting offers.
    """

    keys: Ints
    index: Ints
    rows: pa.Table
    people: NDArray[np.int16]
    discounts: NDArray[np.int8]

    def with_keys(self, keys: Ints) -> Block:
        """Return the block with these events only, and the cases that they need."""
        index = np.unique(_cases_of(keys))
        at = np.searchsorted(self.index, index)
        rows = self.rows.take(pa.array(at, pa.int64()))
        return Block(keys, index, rows, self.people[:, at], self.discounts[:, at])

    def joined(self, later: Block) -> Block:
        """Return this block and a later one as one."""
        return Block(
            np.concatenate((self.keys, later.keys)),
            np.concatenate((self.index, later.index)),
            pa.concat_tables((self.rows, later.rows)).combine_chunks(),
            np.concatenate((self.people, later.people), axis=1),
            np.concatenate((self.discounts, later.discounts), axis=1),
        )


def block_of(facts: Facts, dice: Dice) -> Block:
    """Pack what happened in a block of cases."""
    cases = facts.cases
    step, place = np.nonzero(facts.times < NEVER)
    times = facts.times[step, place].astype(np.int64)
    keys = times << _TIME_SHIFT | cases.index[place] << _STEP_BITS | step
    people = np.stack([cases.people[role] for role in org.ROLES]).astype(np.int16)
    return Block(keys, cases.index, _case_rows(facts, dice), people, cases.discounts.astype(np.int8))


def _case_rows(facts: Facts, dice: Dice) -> pa.Table:
    cases, codes, outcome = facts.cases, facts.cases.codes, facts.outcome
    won, lost = (outcome == OUTCOMES.index(name) for name in ("Won", "Lost"))
    lead_only = (~facts.ever("opportunity_created")).astype(np.int64)
    count = _FIRST_RECORD + 3 * cases.index + dice.below(len(cases), 3)  # other records take numbers too
    terms = np.array(org.PAYMENT_TERMS_DAYS, np.int16)[codes["terms"]]
    due = (facts.due_day + EPOCH_DAY).astype(np.int32)
    return pa.table(
        {
            "case_id": record_ids(_OBJECTS, lead_only, count),
            "sales_rep": _named(cases.people["rep"], org.PEOPLE, missing=lead_only == 1),
            "account": _named(codes["account"], org.ACCOUNTS),
            "region": _named(codes["region"], org.REGIONS),
            "segment": _named(codes["segment"], org.SEGMENTS),
            "product": _named(codes["product"], org.PRODUCTS),
            "lead_source": _named(codes["lead_source"], org.LEAD_SOURCES),
            "amount": pa.array(cases.cents / 100),
            "discount_percent": pa.array(facts.discount.astype(np.float64), mask=facts.discount < 0),
            "payment_terms_days": pa.array(terms),
            "due_date": pa.array(due, pa.date32(), mask=facts.due_day < 0),
            "outcome": _named(outcome, OUTCOMES),
            "is_won": pa.array(won, mask=~(won | lost)),
            "loss_reason": _named(codes["loss_reason"], org.LOSS_REASONS, missing=~lost),
        }
    )


def _named(codes: Ints, names: Sequence[str], missing: Flags | None = None) -> pa.DictionaryArray[Any, Any]:
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int32), pa.int32(), mask=missing), pa.array(names)
    )


def in_time_order(blocks: Iterable[tuple[Block, int]], language: str, unit_s: int) -> Iterator[pa.Table]:
    """Merge blocks into tables of events, each as soon as no later block can come before it.

    Beside each block comes the second before which no later block has an event. Only the events still to come
    and the cases that they belong to are held.
    """
    held: Block | None = None
    for block, until in blocks:
        held = block if held is None else held.joined(block)
        ready = held.keys < until << _TIME_SHIFT
        yield _events(np.sort(held.keys[ready]), held, language, unit_s)
        held = held.with_keys(held.keys[~ready])


def _cases_of(keys: Ints) -> Ints:
    return keys >> _STEP_BITS & (MOST_CASES - 1)


def _events(keys: Ints, held: Block, language: str, unit_s: int) -> pa.Table:
    step, case = keys & ((1 << _STEP_BITS) - 1), np.searchsorted(held.index, _cases_of(keys))
    seconds = (keys >> _TIME_SHIFT) // unit_s * unit_s + EPOCH_S
    rows = held.rows.take(pa.array(case, pa.int64()))
    role = np.array([org.ROLES.index(s.role) for s in STEPS])[step]
    person = held.people[role, case]
    number = np.array([s.round for s in STEPS])[step]
    discount = held.discounts[number, case]
    departments = tuple(dict.fromkeys(org.DEPARTMENTS.values()))
    department_of = [departments.index(org.DEPARTMENTS[s.role]) for s in STEPS]
    stage = _stages()[step]
    columns = {
        "case_id": rows["case_id"],
        "activity": _named(_ACTIVITY_OF[step], [activity_label(name, language) for name in ACTIVITIES]),
        "timestamp": pa.array(seconds * 1_000_000, pa.timestamp("us", tz="UTC")),
        "resource": _named(person, org.PEOPLE),
        "department": _named(np.array(department_of)[step], departments),
        "stage": _named(stage, _STAGES, missing=stage < 0),
        "quoted_discount_percent": pa.array(discount.astype(np.float64), mask=number == 0),
    }
    return pa.table(columns | {name: rows[name] for name in rows.column_names[1:]})


_ACTIVITY_OF = np.array([ACTIVITIES.index(step.activity) for step in STEPS])


def _stages() -> Ints:
    """Stage of the opportunity after each step; -1 before there is one."""
    stage, stages = -1, []
    for step in STEPS:
        after = _STAGE_AFTER.get(step.activity, stage)
        known = after if stage >= 0 or step.activity == "opportunity_created" else -1
        stages.append(known)
        stage = known if step.activity != "opportunity_lost" else stage
    return np.array(stages, np.int64)
