"""The ready segments of lead-to-cash: each measure of time with its ends."""

from __future__ import annotations

from dealtrace_engine.analyses.segment_ends import Occurrence, Segment, SegmentEnd

REQUESTED = ("discount_approval_requested", "approval_requested")
DECIDED = (
    "discount_approval_approved", "discount_approval_rejected", "approval_approved", "approval_rejected",
)  # fmt: skip


def _segment(
    id: str, name: str, source: str | tuple[str, ...], target: str | tuple[str, ...],
    occurrences: tuple[Occurrence, Occurrence] = ("first", "first"),
) -> Segment:  # fmt: skip
    one, other = ((what,) if isinstance(what, str) else what for what in (source, target))
    return Segment(id, SegmentEnd(one, occurrences[0]), SegmentEnd(other, occurrences[1]), name)


_UNTIL_PAID: tuple[Occurrence, Occurrence] = ("first", "last")
LEAD_TO_CASH_SEGMENTS: tuple[Segment, ...] = (
    _segment("K1.S", "Sales cycle, to the contract", "opportunity_created", "contract_signed"),
    _segment("K1.D", "Sales cycle, from the first contact", "first_customer_contact", "opportunity_won"),
    _segment("K1.W", "Sales cycle, to the win", "opportunity_created", "opportunity_won"),
    _segment("K2.S", "Lead to cash", "lead_captured", "payment_received", _UNTIL_PAID),
    _segment("K2.D", "Opportunity to cash", "opportunity_created", "payment_received", _UNTIL_PAID),
    _segment("K5", "Lead to opportunity", "lead_captured", "opportunity_created"),
    _segment("K6", "First response", "opportunity_created", "first_customer_contact"),
    _segment("K7", "Time to quote", "opportunity_created", "quote_created"),
    _segment("K8.S", "Solution to quote", "solution_proposed", "quote_issued"),
    _segment("K8.D", "Solution to acceptance", "solution_proposed", "quote_accepted"),
    _segment("K9.S", "Quote acceptance, from its issue", "quote_issued", "quote_accepted"),
    _segment("K9.D", "Quote acceptance, from its creation", "quote_created", "quote_accepted"),
    _segment("K11", "Approval", REQUESTED, DECIDED, ("every", "first")),
    _segment("K12.S", "Quote to contract", "quote_issued", "contract_signed"),
    _segment("K12.D", "Acceptance to contract", "quote_accepted", "contract_signed"),
    _segment("K13", "Contract to order", "contract_signed", "sales_order_created"),
    _segment("K14", "Order fulfilment", "sales_order_created", "order_fulfilled"),
    _segment("K15.G", "Billing lag, to the invoice", "order_fulfilled", "invoice_generated"),
    _segment("K15.S", "Billing lag, to its sending", "order_fulfilled", "invoice_sent"),
    _segment("K16.S", "Invoice to payment, from sending", "invoice_sent", "payment_received", _UNTIL_PAID),
    _segment("K16.G", "Invoice to payment, from making", "invoice_generated", "payment_received",
             _UNTIL_PAID),
)  # fmt: skip
"""Measures of time by their numbers, with variants where they are defined in several ways: from the first
source to the first target; payments end with the last one; each approval is measured from its request, a
repeated one too, to the next decision. K10 is a rate: the share that reaches the end of K9.D."""


OUTCOMES = {
    "won": SegmentEnd(("opportunity_won",), "last"), "lost": SegmentEnd(("opportunity_lost",), "last"),
}  # fmt: skip
"""How opportunities end: competing targets of `survival`, with what undoes them in `REOPENED`."""
STOPS = SegmentEnd(("opportunity_lost", "lead_disqualified", "order_canceled"), "last")
"""Where cases leave on their way to cash."""
REOPENED = SegmentEnd(("opportunity_reopened",), "last")
