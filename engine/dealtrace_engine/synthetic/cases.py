"""The cases of a block: who they are with, who works on them, and what is to become of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dealtrace_engine.synthetic import organisation as org
from dealtrace_engine.synthetic.clock import start_times
from dealtrace_engine.synthetic.dice import ONE, Dice, Flags, Ints
from dealtrace_engine.synthetic.steps import HOUR, ROUNDS

CASES_PER_DROPPED_LEAD = 7
"""Every seventh case is a lead that never became an opportunity."""

_COMPANY = 1 << 63
"""Seed of what is the same in every log; seeds of logs are below."""

CONTACTED, PROPOSED, QUOTED, ACCEPTED, DRAFTED, WON = range(1, 7)
"""How far an opportunity gets."""

_LOST_AT = (24, 23, 38, 9, 6)
"""Where the lost ones end: after contact, solution, quote, acceptance, contract draft."""
_REVISIONS = ((66, 21, 9, 3, 1), (52, 27, 13, 6, 2), (38, 29, 18, 10, 5))
"""How often a quote is revised, by segment."""


@dataclass(frozen=True)
class Cases:
    """Arrays over the cases of a block.

    Attributes
    ----------
    index : ndarray of int64
        Number of the case in the whole log.
    start : ndarray of int64
        When it begins, in seconds since the epoch of the log.
    codes : dict of str to ndarray
        Column to the code of each case: account, region, segment, product, lead_source, loss_reason, terms.
    cents : ndarray of int64
        Amount of the opportunity.
    discounts : ndarray of int64, shape (ROUNDS + 1, n)
        Percent offered in each round of quoting; row 0 is unused.
    people : dict of str to ndarray
        Role to a position in `organisation.PEOPLE`.
    pace : dict of str to ndarray
        Role to how long its work takes, as a multiple of 1/256.
    flags : dict of str to ndarray of bool
        What the steps ask in `when`.
    """

    index: Ints
    start: Ints
    codes: dict[str, Ints]
    cents: Ints
    discounts: Ints
    people: dict[str, Ints]
    pace: dict[str, Ints]
    flags: dict[str, Flags]

    @property
    def utc_offset(self) -> Ints:
        """Seconds from UTC to the local time of the case's region."""
        return (np.array(org.UTC_OFFSET_HOURS, np.int64) * HOUR)[self.codes["region"]]

    def __len__(self) -> int:
        return len(self.index)


def case_count(opportunities: int) -> int:
    """Return the number of cases: the opportunities and the leads dropped beside them."""
    return opportunities + (opportunities - 1) // (CASES_PER_DROPPED_LEAD - 1)


def draw_cases(first: int, last: int, of: int, dice: Dice) -> Cases:
    """Draw the cases numbered `first` to `last` - 1 of a log with `of` cases."""
    index = np.arange(first, last, dtype=np.int64)
    n = len(index)
    start = start_times(index, dice.below(n, 1 << 20), of)
    dropped = index % CASES_PER_DROPPED_LEAD == CASES_PER_DROPPED_LEAD - 1
    codes = _draw_codes(n, dropped, dice)
    median = np.array(org.MEDIAN_CENTS, np.int64)[codes["segment"]]
    cents = median * dice.log_normal(n, 0.8) // ONE // 1000 * 1000 + dice.pick(n, (6, 1, 1)) * 90
    people = _draw_people(n, codes["region"], dice)
    reach = _draw_reach(n, dropped, codes, people, dice)
    flags = _draw_selling(n, dropped, reach, dice)
    discounts = _draw_quoting(n, reach, codes["segment"], flags, dice)
    _draw_contract(n, reach, flags, dice)
    _draw_delivery(n, codes["segment"], flags, dice)
    people["first_rep"] = np.where(flags["handed_over"], people["first_rep"], people["rep"])
    own_approval = flags["round_1"] & dice.chance(n, 25)
    people["approver"] = np.where(own_approval, people["rep"], people["approver"])
    return Cases(index, start, codes, cents, discounts, people, _pace(people, codes["region"]), flags)


def _draw_codes(n: int, dropped: Flags, dice: Dice) -> dict[str, Ints]:
    region_of, segment_of = region_and_segment()
    account = dice.below(n, len(org.ACCOUNTS))
    segment = segment_of[account]
    source = dice.pick(n, org.SOURCE_WEIGHTS)
    source = np.where(dropped, dice.pick(n, org.DROPPED_SOURCE_WEIGHTS), source)
    return {
        "account": account,
        "region": region_of[account],
        "segment": segment,
        "product": dice.pick(n, org.PRODUCT_WEIGHTS),
        "lead_source": source,
        "loss_reason": dice.pick(n, org.LOSS_WEIGHTS),
        "terms": _pick_by(segment, org.TERMS_WEIGHTS, n, dice),
    }


@lru_cache(maxsize=1)
def region_and_segment() -> tuple[Ints, Ints]:
    """Return region and segment of each account; the same in every log."""
    dice = Dice(_COMPANY, 0)
    return dice.pick(len(org.ACCOUNTS), org.REGION_WEIGHTS), dice.pick(len(org.ACCOUNTS), org.SEGMENT_WEIGHTS)


def _pick_by(code: Ints, weights: Sequence[Sequence[int]], n: int, dice: Dice) -> Ints:
    """Pick with the weights that belong to each case's code."""
    ends = np.cumsum(np.array(weights, np.int64), axis=1)
    draws = dice.below(n, 1 << 16) * ends[code, -1] >> 16
    return np.asarray((draws[:, None] >= ends[code]).sum(axis=1))


def _draw_people(n: int, region: Ints, dice: Dice) -> dict[str, Ints]:
    people = {role: team.start + dice.below(n, len(team)) for role, team in org.TEAMS.items()}
    desk = org.TEAMS["rep"].start + region * org.REPS_PER_REGION
    seat = dice.below(n, org.REPS_PER_REGION)
    other = (seat + 1 + dice.below(n, org.REPS_PER_REGION - 1)) % org.REPS_PER_REGION
    return people | {"rep": desk + seat, "first_rep": desk + other}


def _draw_reach(n: int, dropped: Flags, codes: dict[str, Ints], people: dict[str, Ints], dice: Dice) -> Ints:
    chance = (
        500 + np.array(org.SOURCE_WIN)[codes["lead_source"]] + np.array(org.SEGMENT_WIN)[codes["segment"]]
    )
    chance = chance + 150 * (people["rep"] == org.STAR_REP) - 250 * (people["rep"] == org.WEAK_REP)
    lost_at = CONTACTED + dice.pick(n, _LOST_AT)
    return np.where(dropped, 0, np.where(dice.chance(n, chance), WON, lost_at))


def _draw_selling(n: int, dropped: Flags, reach: Ints, dice: Dice) -> dict[str, Flags]:
    lead = dropped | dice.chance(n, 830)
    early = lead & dice.chance(n, 90)
    contacted, won = reach >= CONTACTED, reach == WON
    quoted = (reach >= QUOTED) & ~(won & dice.chance(n, 30))
    return {
        "lead": lead,
        "lead_dropped": dropped,
        "converted": lead & ~dropped,
        "direct": ~lead,
        "contacted_early": early,
        "handed_over": ~dropped & dice.chance(n, 90),
        "contacted": contacted & ~early,
        "proposed": (reach >= PROPOSED) & quoted | (reach == PROPOSED),
        "quoted": quoted,
        "accepted": quoted & (reach >= ACCEPTED),
        "lost": ~dropped & ~won & dice.chance(n, 920),
        "won": won,
    }


def _draw_quoting(n: int, reach: Ints, segment: Ints, flags: dict[str, Flags], dice: Dice) -> Ints:
    """Draw the rounds of quoting and their approvals; return the discount of each round."""
    revisions = _pick_by(segment, _REVISIONS, n, dice)
    discounts = np.zeros((ROUNDS + 1, n), np.int64)
    discounts[1] = np.array(org.DISCOUNTS)[_pick_by(segment, org.DISCOUNT_WEIGHTS, n, dice)]
    flags["reopened"] = flags["quoted"] & (revisions > 0) & dice.chance(n, 90)
    careless = dice.chance(n, 90)  # skips the approval that a high discount needs
    for number in range(1, ROUNDS + 1):
        if number > 1:
            discounts[number] = discounts[number - 1] + (0, 0, 2, 3, 5)[number - 1] * dice.chance(n, 500)
        taken = flags["quoted"] & (revisions >= number - 1)
        higher = discounts[number] > discounts[number - 1]
        above = discounts[number] > org.DISCOUNT_LIMIT_PERCENT
        asked = taken & higher & np.where(above, ~careless, dice.chance(n, 70))
        flags[f"round_{number}"], flags[f"asked_{number}"] = taken, asked
        flags[f"resubmitted_{number}"] = asked & dice.chance(n, 150)
        flags[f"approved_{number}"] = asked & dice.chance(n, 965)
    return discounts


def _draw_contract(n: int, reach: Ints, flags: dict[str, Flags], dice: Dice) -> None:
    signed = dice.pick(n, (780, 125, 45, 50))
    before, after, late, without = (signed == kind for kind in range(4))
    won = flags["won"]
    flags["contract_drafted"] = (won & ~without) | (reach == DRAFTED)
    flags["signed_before_won"] = won & before
    flags["signed_after_won"] = won & after
    flags["signed_late"] = won & late


def _draw_delivery(n: int, segment: Ints, flags: dict[str, Flags], dice: Dice) -> None:
    ordered = flags["won"] & dice.chance(n, 985)
    by_machine = dice.chance(n, 450)
    canceled = ordered & ~flags["signed_late"] & dice.chance(n, 18)
    fulfilled = ordered & ~canceled & dice.chance(n, 990)
    early = fulfilled & dice.chance(n, 55)
    flags["ordered_by_machine"], flags["ordered_by_hand"] = ordered & by_machine, ordered & ~by_machine
    flags["order_canceled"], flags["fulfilled"] = canceled, fulfilled
    flags["signed_late"] = flags["signed_late"] & fulfilled
    flags["redelivered"] = fulfilled & dice.chance(n, 60)
    flags["invoiced"], flags["invoiced_early"], flags["invoiced_after"] = fulfilled, early, fulfilled & ~early
    flags["rebilled"] = fulfilled & dice.chance(n, 25)
    payment = _pick_by(segment, org.PAYMENT_WEIGHTS, n, dice)
    on_time, late, reminded = (fulfilled & (payment == kind) for kind in range(3))
    flags["pays_on_time"], flags["pays_late"], flags["reminded"] = on_time, late, reminded
    flags["paid"] = on_time | late | reminded
    flags["pays_in_parts"] = flags["paid"] & dice.chance(n, 90)


def _pace(people: dict[str, Ints], region: Ints) -> dict[str, Ints]:
    own = _own_pace()
    slow = np.where(region == org.REGIONS.index(org.SLOW_REGION), org.SLOW_REGION_PACE, 256)
    held_up = slow.astype(np.int64)
    pace = {role: own[people[role]] for role in org.ROLES}
    return pace | {role: pace[role] * held_up >> 8 for role in ("first_rep", "rep", "legal")}


@lru_cache(maxsize=1)
def _own_pace() -> Ints:
    """How long each person's work takes, as multiples of 1/256; the same in every log."""
    pace = 180 + Dice(_COMPANY, 1).below(len(org.PEOPLE), 180)
    pace[org.TEAMS["web"].start :] = 256
    pace[org.SLOW_APPROVER] = org.SLOW_APPROVER_PACE
    return pace
