"""Times: between activities, from a request to its answer, in a stage, at a handover."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.milestones import NEVER, Reached
from dealtrace_engine.lead_to_cash.kpi_facts import OPEN, RECORDS, Facts
from dealtrace_engine.lead_to_cash.kpi_observed import AGAIN, SCALE, Observed, chosen_cases
from dealtrace_engine.lead_to_cash.kpi_registry import Kpi

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


def between(facts: Facts, kpi: Kpi) -> Observed:
    """Return records, or cases, with the time from the start to the end of a KPI."""
    records = facts.records(kpi.grain) if kpi.grain in RECORDS else None
    apart = records is not None
    if records is not None and kpi.own_ends:
        own = [facts.of_records(records, *some).counts.any() for some in (kpi.start, kpi.end)]
        records = records if all(own) else None  # they lie between events of other objects
    if records is None:
        starts, ends = facts.reached(*kpi.start), facts.reached(*kpi.end)
        found = _timed(kpi, starts, ends, np.arange(facts.log.cases))
        found.open &= _may_come(facts, kpi)[found.cases]
        again = facts.repeated(kpi.grain)[found.cases]
        if kpi.grain in RECORDS:
            why = "its ends are not those of" if apart else "the log does not tell"
            found.notes.append(f"{why} {kpi.grain}s{'' if apart else ' apart'}: one per case, the first")
            found.open &= ~facts.ever(*ENDED[kpi.grain])[found.cases]
        return found.without(again, AGAIN)
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


def _may_come(facts: Facts, kpi: Kpi) -> NDArray[np.bool_]:
    """Return in which cases the end of a time may still come."""
    return ~facts.lapsed if set(kpi.end) <= AFTER_SALE else np.asarray(facts.state == OPEN)


def answers(facts: Facts, kpi: Kpi) -> Observed:
    """Return each request with the answer that comes next, of the same record where those are known.

    A request that is made again before there is an answer waits for the same answer.
    """
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
    case = facts.case_of_event[events].astype(np.int64)
    place = np.where(asked, len(events), np.arange(len(events)))
    answer = np.minimum.accumulate(place[::-1])[::-1][asked]  # the next one, of whichever record
    there = answer < len(events)
    answer = np.where(there, answer, 0)
    cases, times = case[asked], facts.log.timestamps[events]
    answered = there & (owner[answer] == owner[asked]) & (case[answer] == cases)
    waits = np.where(answered, times[answer] - times[asked], 0)
    open_ = ~answered & (facts.state == OPEN)[cases]
    nothing = np.zeros(len(cases), dtype=np.bool_)
    return Observed(cases, answered, open_, waits, times[asked], nothing, "event")


def _in_its_first_case(cases: NDArray[np.int32], owner: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which events, sorted by record, are in the first case that has the record; all without one."""
    _, firsts, number = np.unique(owner, return_index=True, return_inverse=True)
    return np.asarray((cases == cases[firsts][number]) | (owner < 0))


def stage_visits(facts: Facts, kpi: Kpi) -> Observed | str:
    """Return visits of stages with their time, without those of the stage in which a case was closed."""
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


def handovers(facts: Facts, kpi: Kpi) -> Observed | str:
    """Return events of another department, or person, than the one before, or how many each case has."""
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
        return chosen_cases(facts, kpi, every, every, values=counts * SCALE)
    full, nothing = np.ones(len(events), dtype=np.bool_), np.zeros(len(events), dtype=np.bool_)
    waits = times[events] - times[events - 1]
    return Observed(cases[events].astype(np.int64), full, nothing, waits, times[events - 1], nothing, "event")
