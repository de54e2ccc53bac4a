"""What is true of a synthetic log, counted while it is made, so that analyses can be checked against it.

Every count is defined on the events that are in the log (those before the export), and `TRUTHS` says how.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dealtrace_engine.synthetic import organisation as org
from dealtrace_engine.synthetic.cases import Cases
from dealtrace_engine.synthetic.clock import BILLING_AUTOMATED, EPOCH, EXPORTED
from dealtrace_engine.synthetic.dice import Flags, Ints
from dealtrace_engine.synthetic.steps import DAY, ROUNDS, STEPS, steps_of
from dealtrace_engine.synthetic.walk import NEVER, Times

TRUTHS = {
    "cases": "cases",
    "events": "events",
    "tied_events": "events with the timestamp of the event before them in their case",
    "opportunities": "cases with Opportunity Created",
    "leads_only": "cases without it, whose case_id is that of the lead",
    "won": "cases whose outcome is Won",
    "lost": "cases whose outcome is Lost",
    "open": "cases whose outcome is Open",
    "disqualified": "cases whose outcome is Disqualified",
    "reopened": "cases with Opportunity Reopened",
    "owner_changes": "cases with Owner Changed",
    "revision_loops": "cases with Quote Revised",
    "quote_revisions": "events Quote Revised",
    "won_without_quote": "cases with Opportunity Closed Won but no Quote Created",
    "won_without_contract": "cases with Opportunity Closed Won but no Contract Signed",
    "approvals_requested": "events Discount Approval Requested",
    "approvals_rejected": "events Discount Rejected",
    "approvals_below_limit": "events Discount Approval Requested for a discount at or below the limit",
    "slow_approver_decisions": "events Discount Approved or Rejected by the slow approver",
    "self_approvals": "cases where one resource both requested and decided the approval of a discount",
    "discounts_above_limit": "cases with Quote Accepted and a discount above the limit",
    "unapproved_discounts": "those of them without Discount Approved",
    "fulfilled_before_contract": "cases whose first Order Fulfilled comes before the first Contract Signed",
    "invoiced_before_fulfilment": "cases whose first Invoice Generated comes before an Order Fulfilled",
    "redelivered": "cases with more than one Order Fulfilled",
    "canceled_orders": "cases with Order Canceled",
    "rebilled": "cases with Invoice Canceled",
    "invoices_sent_by_hand": "events Invoice Sent to Customer by people",
    "invoices_sent_by_machine": "events Invoice Sent to Customer by the billing robot",
    "paid": "cases with Payment Received",
    "late_payments": "cases whose last Payment Received is on a day (UTC) after their due date",
    "overdue_unpaid": "cases without Payment Received whose due date is before the day of the export",
    "payment_reminders": "events Payment Reminder Sent",
}
"""The counts, and what each counts."""

SETTINGS: dict[str, str | int] = {
    "first_day": EPOCH.isoformat(),
    "exported": EXPORTED.isoformat(),
    "billing_automated": BILLING_AUTOMATED.isoformat(),
    "discount_limit_percent": org.DISCOUNT_LIMIT_PERCENT,
    "slow_region": org.SLOW_REGION,
    "slow_approver": org.PEOPLE[org.SLOW_APPROVER],
    "weak_rep": org.PEOPLE[org.WEAK_REP],
    "star_rep": org.PEOPLE[org.STAR_REP],
    "best_lead_source": org.BEST_SOURCE,
    "worst_lead_source": org.WORST_SOURCE,
}
"""What was planted by name: the same in every log."""

OUTCOMES = ("Open", "Won", "Lost", "Disqualified")
_DECIDES = {
    "opportunity_reopened": 0,
    "opportunity_won": 1,
    "opportunity_lost": 2,
    "lead_disqualified": 3,
}


@dataclass(frozen=True)
class Facts:
    """What happened in the cases of a block before the export.

    Attributes
    ----------
    cases : Cases
    times : ndarray of int32, shape (steps, cases)
        As `walk` returns them.
    """

    cases: Cases
    times: Times

    def steps(self, activity: str) -> Flags:
        """Which cases took each of the steps of an activity, shape (steps of it, cases)."""
        return np.asarray(self.times[steps_of(activity)] < NEVER)

    def ever(self, activity: str) -> Flags:
        """Which cases have the activity."""
        return np.asarray(self.steps(activity).any(axis=0))

    def events(self, activity: str) -> int:
        """How many events are this activity."""
        return int(self.steps(activity).sum())

    def first(self, activity: str) -> Ints:
        """Position of the first step of the activity; beyond all steps where there is none."""
        positions = np.array(steps_of(activity))[:, None]
        return np.asarray(np.where(self.steps(activity), positions, len(STEPS)).min(axis=0))

    def precedes(self, one: str, other: str) -> Flags:
        """Which cases have both, the first `one` before the first `other`."""
        return np.asarray(self.ever(one) & self.ever(other) & (self.first(one) < self.first(other)))

    def last_day(self, activity: str) -> Ints:
        """Day since the epoch of the log of the last event; -1 where there is none."""
        times = np.where(self.steps(activity), self.times[steps_of(activity)], -1).max(axis=0)
        return np.where(times < 0, -1, times // DAY).astype(np.int64)

    @property
    def outcome(self) -> Ints:
        """Position in `OUTCOMES`."""
        outcome = np.zeros(len(self.cases), np.int64)
        for position, step in enumerate(STEPS):
            if step.activity in _DECIDES:
                outcome[self.times[position] < NEVER] = _DECIDES[step.activity]
        return outcome

    @property
    def discount(self) -> Ints:
        """Percent of the last quote; -1 where there is none."""
        discount = np.full(len(self.cases), -1, np.int64)
        for number in range(1, ROUNDS + 1):
            positions = [position for position, step in enumerate(STEPS) if step.round == number]
            quoted = (self.times[positions] < NEVER).any(axis=0)
            discount[quoted] = self.cases.discounts[number][quoted]
        return discount

    @property
    def due_day(self) -> Ints:
        """Day since the epoch of the log by which the invoice is to be paid; -1 where none was sent."""
        sent = self.last_day("invoice_sent")
        terms = np.array(org.PAYMENT_TERMS_DAYS, np.int64)[self.cases.codes["terms"]]
        return np.where(sent < 0, -1, sent + terms)


def count_truths(facts: Facts, unit_s: int) -> dict[str, int]:
    """Count `TRUTHS` in a block of cases; the counts of blocks add up.

    `unit_s` is the precision of the log's timestamps, in seconds.
    """
    counted = {
        "cases": len(facts.cases),
        "events": int((facts.times < NEVER).sum()),
        "tied_events": _tied(facts.times, unit_s),
        **_selling(facts),
        **_discounts(facts),
        **_delivery(facts),
        **_payment(facts),
    }
    return {name: counted[name] for name in TRUTHS}


def _tied(times: Times, unit_s: int) -> int:
    tied, before = 0, np.full(times.shape[1], -1, np.int64)
    for now in times:
        happened, rounded = now < NEVER, now.astype(np.int64) // unit_s
        tied += int((happened & (rounded == before)).sum())
        before = np.where(happened, rounded, before)
    return tied


def _selling(facts: Facts) -> dict[str, int]:
    created, won = facts.ever("opportunity_created"), facts.ever("opportunity_won")
    outcomes = np.bincount(facts.outcome, minlength=len(OUTCOMES))
    return {
        "opportunities": int(created.sum()),
        "leads_only": int((~created).sum()),
        **{name.lower(): int(outcomes[code]) for code, name in enumerate(OUTCOMES)},
        "reopened": int(facts.ever("opportunity_reopened").sum()),
        "owner_changes": int(facts.ever("owner_changed").sum()),
        "revision_loops": int(facts.ever("quote_revised").sum()),
        "quote_revisions": facts.events("quote_revised"),
        "won_without_quote": int((won & ~facts.ever("quote_created")).sum()),
        "won_without_contract": int((won & ~facts.ever("contract_signed")).sum()),
    }


def _discounts(facts: Facts) -> dict[str, int]:
    people, limit = facts.cases.people, org.DISCOUNT_LIMIT_PERCENT
    approved = facts.steps("discount_approval_approved")
    decisions = approved.sum(axis=0) + facts.steps("discount_approval_rejected").sum(axis=0)
    rounds = [STEPS[position].round for position in steps_of("discount_approval_requested")]
    requested = facts.steps("discount_approval_requested")
    above = facts.ever("quote_accepted") & (facts.discount > limit)
    return {
        "approvals_requested": int(requested.sum()),
        "approvals_rejected": facts.events("discount_approval_rejected"),
        "approvals_below_limit": int((requested & (facts.cases.discounts[rounds] <= limit)).sum()),
        "slow_approver_decisions": int(decisions[people["approver"] == org.SLOW_APPROVER].sum()),
        "self_approvals": int(((decisions > 0) & (people["approver"] == people["rep"])).sum()),
        "discounts_above_limit": int(above.sum()),
        "unapproved_discounts": int((above & ~approved.any(axis=0)).sum()),
    }


def _delivery(facts: Facts) -> dict[str, int]:
    by_machine = np.array([STEPS[position].role in org.MACHINES for position in steps_of("invoice_sent")])
    sent = facts.steps("invoice_sent").sum(axis=1)
    return {
        "fulfilled_before_contract": int(facts.precedes("order_fulfilled", "contract_signed").sum()),
        "invoiced_before_fulfilment": int(facts.precedes("invoice_generated", "order_fulfilled").sum()),
        "redelivered": int((facts.steps("order_fulfilled").sum(axis=0) > 1).sum()),
        "canceled_orders": int(facts.ever("order_canceled").sum()),
        "rebilled": int(facts.ever("invoice_canceled").sum()),
        "invoices_sent_by_hand": int(sent[~by_machine].sum()),
        "invoices_sent_by_machine": int(sent[by_machine].sum()),
    }


def _payment(facts: Facts) -> dict[str, int]:
    paid, due = facts.last_day("payment_received"), facts.due_day
    export_day = NEVER // DAY
    return {
        "paid": int((paid >= 0).sum()),
        "late_payments": int(((paid >= 0) & (paid > due)).sum()),
        "overdue_unpaid": int(((paid < 0) & (due >= 0) & (due < export_day)).sum()),
        "payment_reminders": facts.events("payment_reminder_sent"),
    }
