"""The truths of a synthetic lead-to-cash log, counted again from its rows alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import pairwise
from typing import Any

Row = dict[str, Any]

LIMIT = 20
EXPORTED = date(2026, 1, 1)
SLOW_APPROVER = "Marta Ibarra"
ROBOT = "Billing Robot"
FULFILLED = "Order Fulfilled/Service Delivered"


def truths(rows: Iterable[Row]) -> dict[str, int]:
    """Add up the truths of the cases; `rows` in file order, with English activities."""
    cases: dict[str, list[Row]] = {}
    for row in rows:
        cases.setdefault(row["case_id"], []).append(row)
    total: dict[str, int] = {}
    for events in cases.values():
        events.sort(key=lambda row: row["timestamp"])
        for name, count in truths_of_case(events).items():
            total[name] = total.get(name, 0) + int(count)
    return total


def truths_of_case(events: list[Row]) -> dict[str, int | bool]:
    """Count in one case, whose events are in order."""
    trace = [row["activity"] for row in events]
    won = "Opportunity Closed Won" in trace
    outcome = outcome_of(trace)
    return {
        "cases": 1,
        "events": len(events),
        "tied_events": sum(a["timestamp"] == b["timestamp"] for a, b in pairwise(events)),
        "opportunities": "Opportunity Created" in trace,
        "leads_only": "Opportunity Created" not in trace,
        **{name.lower(): outcome == name for name in ("Won", "Lost", "Open", "Disqualified")},
        "reopened": "Opportunity Reopened" in trace,
        "owner_changes": "Owner Changed" in trace,
        "revision_loops": "Quote Revised" in trace,
        "quote_revisions": trace.count("Quote Revised"),
        "won_without_quote": won and "Quote Created" not in trace,
        "won_without_contract": won and "Contract Signed" not in trace,
        "fulfilled_before_contract": precedes(trace, FULFILLED, "Contract Signed"),
        "invoiced_before_fulfilment": precedes(
            trace, "Invoice Generated", "Order Fulfilled/Service Delivered"
        ),
        "redelivered": trace.count(FULFILLED) > 1,
        "canceled_orders": "Order Canceled" in trace,
        "rebilled": "Invoice Canceled" in trace,
        **discount_truths(events, trace),
        **payment_truths(events),
    }


def discount_truths(events: list[Row], trace: list[str]) -> dict[str, int | bool]:
    requests = [row for row in events if row["activity"] == "Discount Approval Requested"]
    decisions = [row for row in events if row["activity"] in ("Discount Approved", "Discount Rejected")]
    above = "Quote Accepted" in trace and last_discount(events) > LIMIT
    return {
        "approvals_requested": len(requests),
        "approvals_rejected": trace.count("Discount Rejected"),
        "approvals_below_limit": sum(row["quoted_discount_percent"] <= LIMIT for row in requests),
        "slow_approver_decisions": sum(row["resource"] == SLOW_APPROVER for row in decisions),
        "self_approvals": bool({r["resource"] for r in requests} & {r["resource"] for r in decisions}),
        "discounts_above_limit": above,
        "unapproved_discounts": above and "Discount Approved" not in trace,
    }


def payment_truths(events: list[Row]) -> dict[str, int | bool]:
    sent = [row for row in events if row["activity"] == "Invoice Sent to Customer"]
    paid = [row["timestamp"].date() for row in events if row["activity"] == "Payment Received"]
    due = events[0]["due_date"]
    return {
        "invoices_sent_by_hand": sum(row["resource"] != ROBOT for row in sent),
        "invoices_sent_by_machine": sum(row["resource"] == ROBOT for row in sent),
        "paid": bool(paid),
        "late_payments": bool(paid) and max(paid) > due,
        "overdue_unpaid": not paid and due is not None and due < EXPORTED,
        "payment_reminders": sum(row["activity"] == "Payment Reminder Sent" for row in events),
    }


def outcome_of(trace: list[str]) -> str:
    """The last event that decides."""
    outcome = "Open"
    for activity in trace:
        outcome = {
            "Opportunity Closed Won": "Won",
            "Opportunity Closed Lost": "Lost",
            "Opportunity Reopened": "Open",
            "Lead Disqualified": "Disqualified",
        }.get(activity, outcome)
    return outcome


def last_discount(events: list[Row]) -> float:
    """What the last event of quoting offers; -1 without a quote."""
    quoted = [row["quoted_discount_percent"] for row in events if row["quoted_discount_percent"] is not None]
    return quoted[-1] if quoted else -1.0


def precedes(trace: list[str], one: str, other: str) -> bool:
    """Whether the first `one` comes before the first `other`."""
    return one in trace and other in trace and trace.index(one) < trace.index(other)
