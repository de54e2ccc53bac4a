"""The process of the synthetic log: every step that a case may take, in the order in which it may take them.

A case walks down the list once. A step is taken if the case has the flag `when` (drawn in `cases`) and a draw
of its own says so; repeats, loops and deviations are further steps at other places of the list. So the
position of a step is also the order of events in the same second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

HOUR, DAY = 3600, 86_400
ROUNDS = 5
"""A quote and at most four revisions."""


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes
    ----------
    activity : str
        Canonical id.
    role : str
        Who does it; machines work at any hour.
    when : str
        The flag of the cases that may take it.
    share : int
        How many in 1,000 of those do.
    hours : float
        Median time since the previous event of the case; 0 means the same second if done by a machine.
    spread : float
        Sigma of the logarithm of that time.
    terms : {None, "within", "beyond"}
        Timed by the customer's payment terms: inside them, or `hours` after their end.
    billing : {None, "by hand", "automated"}
        Only before, or only since, billing was automated.
    round : int
        The round of quoting it belongs to, from 1; 0 outside of quoting.
    """

    activity: str
    role: str
    when: str
    share: int = 1000
    hours: float = 0.0
    spread: float = 0.9
    terms: Literal["within", "beyond"] | None = None
    billing: Literal["by hand", "automated"] | None = None
    round: int = 0


def _selling() -> list[Step]:
    return [
        Step("lead_captured", "web", "lead"),
        Step("lead_qualified", "sdr", "lead", 880, 22, 1.1),
        Step("first_customer_contact", "sdr", "contacted_early", hours=6),
        Step("lead_qualified", "sdr", "lead", 35, 70),
        Step("lead_disqualified", "sdr", "lead_dropped", 850, 110, 1.1),
        Step("lead_converted", "first_rep", "converted", hours=30, spread=1.1),
        Step("opportunity_created", "system", "converted"),
        Step("opportunity_created", "first_rep", "direct"),
        Step("owner_changed", "system", "handed_over", hours=40),
        Step("first_customer_contact", "rep", "contacted", 950, 20, 1.1),
        Step("opportunity_stage_changed", "rep", "contacted", 300, 4),
        Step("solution_proposed", "rep", "proposed", 940, 90),
        Step("opportunity_stage_changed", "rep", "proposed", 260, 6),
        Step("amount_changed", "rep", "proposed", 120, 20),
        Step("solution_proposed", "rep", "proposed", 170, 100),
    ]


def _quote_round(number: int) -> list[Step]:
    """Create or revise a quote, have its discount approved, issue it."""
    taken, asked = f"round_{number}", f"asked_{number}"
    resubmitted, approved = f"resubmitted_{number}", f"approved_{number}"
    opening = [
        Step("quote_rejected", "rep", taken, 330, 70),
        Step("close_date_pushed", "rep", taken, 190, 20),
        Step("quote_revised", "rep", taken, hours=40, round=number),
    ]
    reopening = [
        Step("opportunity_lost", "rep", "reopened", hours=200),
        Step("opportunity_reopened", "rep", "reopened", hours=500),
    ]
    return [
        *(reopening if number == 2 else ()),
        *(opening if number > 1 else [Step("quote_created", "rep", taken, hours=18, round=1)]),
        Step("discount_approval_requested", "rep", asked, hours=2, round=number),
        Step("discount_approval_rejected", "approver", resubmitted, hours=14, round=number),
        Step("discount_approval_requested", "rep", resubmitted, hours=7, round=number),
        Step("discount_approval_approved", "approver", approved, hours=14, round=number),
        Step("quote_issued", "rep", taken, hours=6, spread=1.1, round=number),
        *([Step("opportunity_stage_changed", "system", taken, 200)] if number == 1 else ()),
    ]


def _closing() -> list[Step]:
    return [
        Step("close_date_pushed", "rep", "quoted", 130, 160),
        Step("quote_accepted", "rep", "accepted", hours=80, spread=1.1),
        Step("opportunity_stage_changed", "system", "accepted", 250),
        Step("contract_created", "legal", "contract_drafted", hours=18),
        Step("contract_signed", "legal", "signed_before_won", hours=75),
        Step("opportunity_lost", "rep", "lost", hours=360),
        Step("opportunity_won", "rep", "won", hours=5),
        Step("contract_signed", "legal", "signed_after_won", hours=50),
    ]


def _delivering() -> list[Step]:
    return [
        Step("sales_order_created", "system", "ordered_by_machine"),
        Step("sales_order_created", "operations", "ordered_by_hand", hours=14),
        Step("order_canceled", "operations", "order_canceled", hours=40),
        Step("invoice_generated", "finance", "invoiced_early", hours=20),
        Step("order_fulfilled", "operations", "fulfilled", hours=170),
        Step("contract_signed", "legal", "signed_late", hours=90),
        Step("order_fulfilled", "operations", "redelivered", hours=80),
        Step("invoice_generated", "finance", "invoiced_after", hours=26),
        Step("invoice_canceled", "finance", "rebilled", hours=60),
        Step("invoice_generated", "finance", "rebilled", hours=10),
    ]


def _collecting() -> list[Step]:
    return [
        Step("invoice_sent", "finance", "invoiced", 1000, 55, 0.7, billing="by hand"),
        Step("invoice_sent", "billing_robot", "invoiced", billing="automated"),
        Step("payment_received", "system", "pays_on_time", terms="within"),
        Step("payment_reminder_sent", "billing_robot", "reminded", hours=90, spread=0.7, terms="beyond"),
        Step("payment_reminder_sent", "finance", "reminded", 350, 14 * 24, 0.7),
        Step("payment_received", "system", "pays_late", hours=220, spread=1.1, terms="beyond"),
        Step("payment_received", "system", "reminded", hours=190),
        Step("payment_received", "system", "pays_in_parts", hours=380, spread=0.7),
        Step("order_closed", "system", "paid", 400),
    ]


STEPS: tuple[Step, ...] = (
    *_selling(),
    *(step for number in range(1, ROUNDS + 1) for step in _quote_round(number)),
    *_closing(),
    *_delivering(),
    *_collecting(),
)
ACTIVITIES = tuple(dict.fromkeys(step.activity for step in STEPS))


def steps_of(activity: str) -> list[int]:
    """Return the positions in `STEPS` of the steps that are this activity."""
    return [position for position, step in enumerate(STEPS) if step.activity == activity]
