"""The objects that each KPI is told of: whether they got there, and what was measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.milestones import NEVER, Reached
from dealtrace_engine.lead_to_cash.kpi_facts import DAY, LOST, OPEN, RECORDS, WON, Facts
from dealtrace_engine.lead_to_cash.kpi_registry import DISCOUNT, EXCESSIVE_PERCENT, REWORK, Kpi

SCALE = 10_000
"""What is no time is kept in whole numbers of 1/10,000."""
AFTER_SALE = {
    "contract_signed", "sales_order_created", "order_fulfilled", "invoice_generated", "invoice_sent",
    "payment_received",
}  # fmt: skip
"""What may still come once an opportunity is won."""
ENDED = {
    "quote": ("quote_rejected", "quote_expired"), "order": ("order_canceled",),
    "invoice": ("invoice_canceled",),
}  # fmt: skip
"""After which a record is not open any more."""


@dataclass(eq=False)
class Observed:
    """What a KPI is told of, object after object.

    Attributes
    ----------
    cases : ndarray of int64, shape (objects,)
        In which case each is.
    done : ndarray of bool, shape (objects,)
        Which are in the numerator, or got to the end.
    open : ndarray of bool, shape (objects,)
        Which are not, but could still be.
    values : ndarray of int64, shape (objects,)
        Microseconds of times, else 1/10,000; where `done` only. Of shares the time until it was done, where
        that is known; else 0.
    starts : ndarray of int64, shape (objects,)
        When each begins, microseconds UTC.
    reversed : ndarray of bool, shape (objects,)
        Which have the end before the start, so that there is no time.
    counted : {"case", "record", "event"}
        What stands for an object.
    notes : list of str
        What is to know about all of them.
    records : ndarray of int64, shape (objects,), or None
        Which of the `Records` of its grain each is.
    left_out : list of (ndarray of int64, str)
        Cases of what is not counted, and why.
    """

    cases: NDArray[np.int64]
    done: NDArray[np.bool_]
    open: NDArray[np.bool_]
    values: NDArray[np.int64]
    starts: NDArray[np.int64]
    reversed: NDArray[np.bool_]
    counted: str = "case"
    notes: list[str] = field(default_factory=list)
    records: NDArray[np.int64] | None = None
    left_out: list[tuple[NDArray[np.int64], str]] = field(default_factory=list)

    def leave_out(self, cases: NDArray[np.int64], why: str) -> None:
        """Note what of these cases is not among the objects, and why."""
        if len(cases):
            self.left_out.append((cases, why))

    @property
    def several(self) -> bool:
        """Whether a case has more than one object, so that its amount would be counted more than once."""
        return self.counted != "case" and len(np.unique(self.cases)) < len(self.cases)


def observed(facts: Facts, kpi: Kpi) -> Observed | str:
    """Return what a KPI is told of, or why the log cannot tell it."""
    special = SPECIAL.get(kpi.id)
    if special is not None:
        return special(facts, kpi)
    if kpi.grain == "approval":
        return _answers(facts, kpi)
    return _between(facts, kpi)


def _chosen(
    facts: Facts, kpi: Kpi, eligible: NDArray[np.bool_], done: NDArray[np.bool_],
    open_: NDArray[np.bool_] | None = None, values: NDArray[np.int64] | None = None,
) -> Observed:  # fmt: skip
    """Return the eligible cases as objects; each lead or opportunity once."""
    again = facts.repeated(kpi.grain) & eligible
    cases = np.flatnonzero(eligible & ~again)
    nothing = np.zeros(len(cases), dtype=np.bool_)
    found = Observed(
        cases, done[cases], nothing if open_ is None else (open_ & ~done)[cases],
        np.zeros(len(cases), dtype=np.int64) if values is None else values[cases], facts.created[cases],
        nothing,
    )  # fmt: skip
    found.leave_out(np.flatnonzero(again), _AGAIN)
    return found


_AGAIN = "tell of the same as an earlier case and are not counted twice"


def _between(facts: Facts, kpi: Kpi) -> Observed:
    records = facts.records(kpi.grain) if kpi.grain in RECORDS else None
    if records is None:
        starts, ends = facts.reached(*kpi.start), facts.reached(*kpi.end)
        found = _timed(kpi, starts, ends, np.arange(facts.log.cases))
        found.open &= _may_come(facts, kpi)[found.cases]
        again = facts.repeated(kpi.grain)[found.cases]
        if kpi.grain in RECORDS:
            found.notes.append(f"the log does not tell {kpi.grain}s apart: one per case, the first")
            found.open &= ~facts.ever(*ENDED[kpi.grain])[found.cases]
        return _without(found, again)
    starts, ends = facts.of_records(records, *kpi.start), facts.of_records(records, *kpi.end)
    found = _timed(kpi, starts, ends, records.cases)
    kept = starts.counts > 0
    found.open &= ~(facts.of_records(records, *ENDED[kpi.grain]).counts > 0)[kept]
    found.open &= _may_come(facts, kpi)[found.cases]
    found.counted, found.records = "record", np.flatnonzero(kept)
    return found


def _timed(kpi: Kpi, starts: Reached, ends: Reached, cases: NDArray[np.int64]) -> Observed:
    begun = starts.counts > 0
    start, end = starts.firsts[begun], ends.at("last" if kpi.last else "first")[begun]
    came = end != NEVER
    done = came & (end >= start)
    return Observed(
        cases[begun].astype(np.int64), done, ~came, np.where(done, end - start, 0), start, came & ~done
    )


def _without(found: Observed, again: NDArray[np.bool_]) -> Observed:
    """Return the objects without those that an earlier case has too."""
    kept = ~again
    told = Observed(
        found.cases[kept], found.done[kept], found.open[kept], found.values[kept], found.starts[kept],
        found.reversed[kept], found.counted, found.notes,
    )  # fmt: skip
    told.leave_out(found.cases[again], _AGAIN)
    return told


def _may_come(facts: Facts, kpi: Kpi) -> NDArray[np.bool_]:
    """Return in which cases the end of a time may still come."""
    return ~facts.lapsed if set(kpi.end) <= AFTER_SALE else np.asarray(facts.state == OPEN)


def _answers(facts: Facts, kpi: Kpi) -> Observed:
    """Return each request with the answer that comes next to it, of the same record where those are known."""
    events = facts.positions(*kpi.start, *kpi.end)
    owner = facts.case_of_event[events].astype(np.int64)
    if facts.has_records:
        values = facts.texts("record_id")
        if values is not None:
            owner = values[events]
            order = np.lexsort((events, owner))
            events, owner = events[order], owner[order]
            once = _in_its_first_case(facts.case_of_event[events], owner)
            events, owner = events[once], owner[once]
    asked = facts.marks(*kpi.start)[facts.log.activity_codes[events]]
    same = np.zeros(len(events), dtype=np.bool_)
    same[:-1] = (owner[1:] == owner[:-1]) & (
        facts.case_of_event[events[1:]] == facts.case_of_event[events[:-1]]
    )
    answered = np.zeros(len(events), dtype=np.bool_)
    answered[:-1] = same[:-1] & ~asked[1:]
    times, waits = facts.log.timestamps[events], np.zeros(len(events), dtype=np.int64)
    waits[:-1] = np.where(answered[:-1], times[1:] - times[:-1], 0)
    cases = facts.case_of_event[events[asked]].astype(np.int64)
    last = ~same[asked]
    open_ = ~answered[asked] & last & (facts.state == OPEN)[cases]
    nothing = np.zeros(len(cases), dtype=np.bool_)
    return Observed(cases, answered[asked], open_, waits[asked], times[asked], nothing, "event")


def _in_its_first_case(cases: NDArray[np.int32], owner: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which events, sorted by record, are in the first case that has the record; all without one."""
    _, firsts, number = np.unique(owner, return_index=True, return_inverse=True)
    return np.asarray((cases == cases[firsts][number]) | (owner < 0))


def _lead_share(facts: Facts, kpi: Kpi) -> Observed | str:
    coverage = facts.log.origin.coverage
    if coverage is not None and coverage.leads_without_case:
        return (
            f"{coverage.leads_without_case:,} leads that never became an opportunity are not in this log; "
            'read it with case="lead"'
        )
    end = {"K3": "opportunity_created", "K4.w": "opportunity_won", "K4.p": "payment_received"}[kpi.id]
    done = facts.state == WON if kpi.id == "K4.w" else facts.ever(end)
    leads, captured = facts.ever("lead_captured"), facts.reached("lead_captured").firsts
    times = np.where(leads & done, np.maximum(facts.reached(end).firsts - captured, 0), 0)
    found = _chosen(facts, kpi, leads, np.asarray(done), ~facts.lapsed, times)
    if facts.ever("opportunity_created")[leads].all():
        found.notes.append(
            "every lead of this log has an opportunity: those that never got one may be missing"
        )
    return found


def _quotes_each(facts: Facts, kpi: Kpi) -> Observed:
    records = facts.records("quote")
    counts = facts.reached("quote_created").counts
    if records is not None:
        made = facts.of_records(records, "quote_created").counts > 0
        counts = np.bincount(records.cases[made], minlength=facts.log.cases)
    quoted = counts > 0
    return _chosen(facts, kpi, quoted, quoted, values=counts * SCALE)


def _record_share(facts: Facts, kpi: Kpi) -> Observed:
    """Return quotes accepted, orders that went wrong, invoices canceled: records, or cases without any."""
    records = facts.records(kpi.grain)

    def found(*activities: str) -> Reached:
        return facts.reached(*activities) if records is None else facts.of_records(records, *activities)

    start = {"K10": "quote_created", "K21.o": "sales_order_created", "K21.i": "invoice_generated"}[kpi.id]
    if kpi.id == "K10":
        done = found("quote_accepted").counts > 0
    elif kpi.id == "K21.o":
        done = (found("order_canceled").counts > 0) | (found("order_fulfilled").counts > 1)
    else:
        done = found("invoice_canceled", "invoice_rebilled").counts > 0
    begun = found(start)
    eligible = begun.counts > 0
    cases = np.arange(facts.log.cases) if records is None else records.cases
    ended = found(*ENDED[kpi.grain]).counts > 0
    open_ = ~done & ~ended & (facts.state == OPEN)[cases] & (kpi.id == "K10")
    accepted = found("quote_accepted").firsts
    times = np.where(done & eligible & (kpi.id == "K10"), np.maximum(accepted - begun.firsts, 0), 0)
    told = Observed(
        cases[eligible].astype(np.int64), done[eligible], open_[eligible], times[eligible],
        begun.firsts[eligible], np.zeros(int(eligible.sum()), np.bool_),
    )  # fmt: skip
    if records is None:
        told.notes.append(f"the log does not tell {kpi.grain}s apart: one per case")
    else:
        told.counted, told.records = "record", np.flatnonzero(eligible)
    return told


def _late(facts: Facts, kpi: Kpi) -> Observed | str:
    due = facts.due_days()
    if due is None:
        return "the log has no column 'due_date' of dates"
    paid = facts.reached("payment_received")
    dated, several = due != NEVER, facts.records("invoice")
    if kpi.id == "K17.p":
        eligible = (paid.counts > 0) & dated
        found = _chosen(facts, kpi, eligible, np.asarray(paid.lasts // DAY > due))
    else:
        eligible = facts.ever("invoice_sent", "invoice_generated") & dated
        unpaid = (paid.counts == 0) & ~facts.lapsed
        found = _chosen(facts, kpi, eligible, unpaid & (due < facts.until // DAY), unpaid)
    if several is not None and len(several.cases) > len(np.unique(several.cases)):
        found.notes.append("payments do not say of which invoice: the last payment and due date of each case")
    return found


def _decided(facts: Facts, kpi: Kpi) -> Observed:
    ended = (facts.state == WON) | (facts.state == LOST)
    undecided = facts.ever("opportunity_created") & (facts.state == OPEN)
    found = _chosen(
        facts, kpi, np.asarray(ended), np.asarray(facts.state == (WON if kpi.id == "K18.w" else LOST))
    )
    found.leave_out(np.flatnonzero(undecided), "open opportunities are not decided and not counted")
    return found


def _dwell(facts: Facts, kpi: Kpi) -> Observed | str:
    stage = facts.texts("stage_to", "stage")
    if stage is None:
        return "the log has no column 'stage' or 'stage_to' that says the stage at each event"
    events = np.flatnonzero(stage >= 0)
    cases, stages = facts.case_of_event[events].astype(np.int64), stage[events]
    begins = np.ones(len(events), dtype=np.bool_)
    begins[1:] = (cases[1:] != cases[:-1]) | (stages[1:] != stages[:-1])
    events, cases = events[begins], cases[begins]
    times = facts.log.timestamps[events]
    ends = np.where(facts.closed[cases] >= times, facts.closed[cases], NEVER)
    follows = cases[1:] == cases[:-1]
    ends[:-1] = np.where(follows, times[1:], ends[:-1])
    final = (facts.closed[cases] != NEVER) & (times >= facts.closed[cases])
    events, cases, times, ends = (column[~final] for column in (events, cases, times, ends))
    done = ends != NEVER
    nothing = np.zeros(len(cases), dtype=np.bool_)
    open_ = ~done & (facts.state == OPEN)[cases]
    return Observed(cases, done, open_, np.where(done, ends - times, 0), times, nothing, "event")


def _stuck(facts: Facts, kpi: Kpi) -> Observed | str:
    created = facts.ever("opportunity_created")
    decided = created & (facts.closed != NEVER)
    ages = np.sort((facts.closed - facts.created)[decided])
    if len(ages) < 10:
        return "not enough data: fewer than 10 decided opportunities"
    limit = ages[-(-9 * len(ages) // 10) - 1]
    still = created & (facts.state == OPEN)
    found = _chosen(facts, kpi, np.asarray(still), facts.until - facts.created > limit)
    found.notes.append(f"older than {limit / DAY:.1f} days")
    return found


def _deviations(facts: Facts, kpi: Kpi) -> Observed | str:
    counts = facts.deviations
    if counts is None:
        return "needs rules=: the number of deviations of each case, as `check_rules` finds them"
    checked = counts >= 0
    done = checked if kpi.kind == "mean" else counts == 0
    return _chosen(facts, kpi, checked, done, values=counts * SCALE)


def _rework(facts: Facts, kpi: Kpi) -> Observed:
    counts, created = facts.reached(*REWORK).counts, facts.ever("opportunity_created")
    if kpi.id == "K22.m" and facts.amounts is not None:
        known = facts.amounts.known
        return _chosen(facts, kpi, created & known, counts > 0, values=facts.amounts.units)
    done = created if kpi.kind == "mean" else counts > 0
    return _chosen(facts, kpi, created, done, values=counts * SCALE)


def _discounts(facts: Facts, kpi: Kpi) -> Observed | str:
    percent = facts.numbers(*DISCOUNT.split("|"))
    if percent is None:
        return "the log has no discount of the case: discount_percent or discount_pct, as numbers"
    known = np.isfinite(percent) & (percent >= 0) & (percent < 100)
    discount = np.where(known, percent, 0.0)
    if kpi.id == "K23.m" and facts.amounts is not None:
        won = known & (discount > 0) & (facts.state == WON) & facts.amounts.known
        lost = np.rint(facts.amounts.units * (discount / (100 - discount))).astype(np.int64)
        return _chosen(facts, kpi, np.asarray(won), np.asarray(won), values=lost)
    quoted = known & facts.ever("quote_created")
    done = quoted if kpi.kind == "mean" else discount > EXCESSIVE_PERCENT
    return _chosen(facts, kpi, quoted, done, values=np.rint(discount * SCALE).astype(np.int64))


def _pipeline(facts: Facts, kpi: Kpi) -> Observed:
    created = facts.ever("opportunity_created")
    still = created & (facts.state == OPEN)
    if kpi.id == "K25.p" and facts.amounts is not None:
        known = still & facts.amounts.known
        return _chosen(facts, kpi, known, known, values=facts.amounts.units)
    return _chosen(facts, kpi, created, still)


def _handovers(facts: Facts, kpi: Kpi) -> Observed | str:
    who = facts.texts("department", "resource")
    if who is None:
        return "no column says at each event which department or resource did it"
    cases, times = facts.case_of_event, facts.log.timestamps
    passed = np.zeros(facts.log.events, dtype=np.bool_)
    passed[1:] = (cases[1:] == cases[:-1]) & (who[1:] != who[:-1]) & (who[1:] >= 0) & (who[:-1] >= 0)
    events = np.flatnonzero(passed)
    if kpi.kind == "mean":
        counts = np.bincount(cases[events], minlength=facts.log.cases)
        every = np.ones(facts.log.cases, dtype=np.bool_)
        return _chosen(facts, kpi, every, every, values=counts * SCALE)
    full, nothing = np.ones(len(events), dtype=np.bool_), np.zeros(len(events), dtype=np.bool_)
    waits = times[events] - times[events - 1]
    return Observed(cases[events].astype(np.int64), full, nothing, waits, times[events - 1], nothing, "event")


SPECIAL: dict[str, Callable[[Facts, Kpi], Observed | str]] = {
    **dict.fromkeys(("K3", "K4.w", "K4.p"), _lead_share),
    "K7.n": _quotes_each,
    **dict.fromkeys(("K10", "K21.o", "K21.i"), _record_share),
    **dict.fromkeys(("K17.p", "K17.o"), _late),
    **dict.fromkeys(("K18.w", "K18.l"), _decided),
    "K19.d": _dwell,
    "K19.s": _stuck,
    **dict.fromkeys(("K20.r", "K20.n"), _deviations),
    **dict.fromkeys(("K22.r", "K22.n", "K22.m"), _rework),
    **dict.fromkeys(("K23.a", "K23.x", "K23.m"), _discounts),
    **dict.fromkeys(("K25.n", "K25.p"), _pipeline),
    **dict.fromkeys(("K26.t", "K26.n"), _handovers),
}
"""Those that are no time between two activities."""
