"""What is counted once, although a case has several of it, or several cases have it."""

from __future__ import annotations

from datetime import datetime

import pytest

from deal_logs import log_of, row
from dealtrace_engine.analyses.check_rules import check_rules
from dealtrace_engine.errors import SchemaError
from dealtrace_engine.lead_to_cash.kpis import kpis
from dealtrace_engine.lead_to_cash.segments import segments

APPROVALS = (
    ("a", "opportunity_created", 0), ("a", "discount_approval_requested", 1),
    ("a", "discount_approval_rejected", 3), ("a", "discount_approval_requested", 4),
    ("a", "discount_approval_approved", 8), ("a", "discount_approval_requested", 9),
    ("b", "discount_approval_requested", 1), ("b", "discount_approval_requested", 2),
    ("b", "discount_approval_approved", 3), ("b", "opportunity_won", 4),
)  # fmt: skip


def test_each_request_has_its_answer():
    found = row(kpis(log_of(*APPROVALS), "K11.d"), "K11.d")
    assert (found["value"], found["cases"], found["numerator"], found["open"]) == (2.0, 5, 4, 1)
    assert found["counted"] == "event"


def test_a_repeated_request_waits_for_the_same_answer():
    """The KPI, the segment and the definition say the same: 4 days and 2 days."""
    asked, granted = "discount_approval_requested", "discount_approval_approved"
    log = log_of(("a", asked, 1), ("a", asked, 3), ("a", granted, 5), ("a", granted, 9),
                 ("b", asked, 1), ("b", asked, 2))  # fmt: skip
    found = kpis(log, "K11.d")
    told = row(found, "K11.d")
    assert (told["value"], told["cases"], told["numerator"], told["open"]) == (3.0, 4, 2, 2)
    same = next(one for one in segments(log).table.to_pylist() if one["segment"] == "K11")
    assert (same["p50_s"], same["starts"], same["reached"]) == (3 * 86_400, 4, 2)
    said = "from each Discount Approval Requested, repeated ones too, to the next Discount Approved"
    assert said in found.definitions["definition"][0].as_py()


QUOTES = (
    ("a", "opportunity_created", 0, "opportunity", "oa"), ("a", "quote_created", 1, "quote", "q1"),
    ("a", "quote_created", 2, "quote", "q2"), ("a", "quote_accepted", 5, "quote", "q2"),
    ("a", "quote_rejected", 4, "quote", "q1"), ("b", "opportunity_created", 0, "opportunity", "ob"),
    ("b", "quote_created", 1, "quote", "q3"), ("b", "quote_revised", 2, "quote", "q3-1"),
    ("b", "quote_accepted", 11, "quote", "q3-1"), ("c", "opportunity_created", 0, "opportunity", "ob"),
    ("c", "quote_created", 1, "quote", "q3"),
)  # fmt: skip


def quotes(**attributes):
    return log_of(
        *(cells[:3] for cells in QUOTES), object=[cells[3] for cells in QUOTES],
        record_id=[cells[4] for cells in QUOTES], **attributes,
    )  # fmt: skip


def test_quotes_are_counted_once_each():
    found = kpis(quotes(), ["K9.d", "K10", "K7.n", "K7.t"])
    ten = row(found, "K10")
    assert (ten["value"], ten["cases"], ten["counted"]) == (pytest.approx(2 / 3), 3, "record")
    assert row(found, "K9.d")["value"] == 6.5  # 3 of q2, 10 of q3, whose revision was accepted
    assert row(found, "K7.n")["value"] == 1.5
    seven = row(found, "K7.t")
    assert seven["cases"] == 2
    assert "1 tells of the same as an earlier case" in seven["note"]


def recorded(rows, **attributes):
    """A log of (case, canonical activity, day, object, record)."""
    return log_of(*(row[:3] for row in rows), object=[row[3] for row in rows],
                  record_id=[row[4] for row in rows], **attributes)  # fmt: skip


def test_requests_of_two_quotes_have_each_their_own_answer():
    rows = [("a", "discount_approval_requested", 1, "quote", "q1"),
            ("a", "discount_approval_requested", 2, "quote", "q2"),
            ("a", "discount_approval_approved", 4, "quote", "q1"),
            ("a", "discount_approval_rejected", 9, "quote", "q2")]  # fmt: skip
    rows += [("b", *row[1:]) for row in rows]  # the same quotes, seen from another case
    found = row(kpis(recorded(rows), "K11.d"), "K11.d")
    assert (found["value"], found["cases"], found["numerator"]) == (5.0, 2, 2)


def test_what_is_missing_where_cases_are_orders():
    log = recorded([("o1", "opportunity_created", 0, "opportunity", "x"),
                    ("o1", "opportunity_won", 1, "opportunity", "x"),
                    ("o1", "quote_created", 1, "quote", "q"), ("o1", "quote_accepted", 1, "quote", "q"),
                    ("o1", "sales_order_created", 2, "order", "o1"),
                    ("o1", "order_fulfilled", 4, "order", "o1"),
                    ("o1", "invoice_sent", 5, "invoice", "i")])  # fmt: skip
    found = kpis(log, ["K18.w", "K10", "K14", "K15.s"])
    for kpi, grain in (("K18.w", "opportunity"), ("K10", "quote")):
        assert row(found, kpi)["value"] is None
        assert (
            f'the cases of this log are orders: what has no order is missing; read it with case="{grain}"'
            == (row(found, kpi)["note"])
        )
    assert (row(found, "K14")["value"], row(found, "K15.s")["value"]) == (2.0, 1.0)


def test_due_dates_of_several_invoices():
    rows = [("a", "invoice_sent", 1, "invoice", "i1"), ("a", "invoice_sent", 2, "invoice", "i2"),
            ("a", "payment_received", 9, "payment", "p")]  # fmt: skip
    dates = [datetime(1970, 1, 5).date(), datetime(1970, 1, 12).date(), None]
    found = row(kpis(recorded(rows, due_date=dates), "K17.p"), "K17.p")
    assert found["value"] == 0.0
    assert "payments do not say of which invoice" in found["note"]
    texts = recorded(rows, due_date=["5 Jan", "12 Jan", "-"])
    assert "column 'due_date' has no days that can be read" in row(kpis(texts, "K17.p"), "K17.p")["note"]


def test_leads_that_never_became_anything_may_be_missing():
    log = log_of(("a", "lead_captured", 0), ("a", "opportunity_created", 1))
    assert "may be missing" in row(kpis(log, "K3"), "K3")["note"]


def test_amounts_are_not_counted_more_than_once():
    amount = {"a": 100.0, "b": 50.0, "c": 50.0}
    with pytest.raises(SchemaError, match=r"K10: cases have several of quote.*more than once"):
        kpis(quotes(amount=amount), "K10", value="amount")
    ten = row(kpis(quotes(amount=amount), value="amount"), "K10")
    assert ten["amount"] is None
    assert "no amount" in ten["note"]
    own = [None, 60.0, 40.0, 45.0, None, None, 10.0, 12.0, None, None, 10.0]
    ten = row(kpis(quotes(amount=amount, event_amount=own), "K10", value="amount"), "K10")
    assert (ten["amount"], ten["amount_numerator"]) == (60 + 45 + 12, 45 + 12)


def test_what_is_told_of_cases_counts_those_without_an_opportunity():
    """Each grain names what its cases are: leads that never became an opportunity are cases, too."""
    log = recorded([("a", "lead_captured", 0, "lead", "l1"), ("a", "lead_disqualified", 1, "lead", "l1"),
                    ("b", "opportunity_created", 2, "opportunity", "o"),
                    ("b", "opportunity_won", 3, "opportunity", "o"),
                    ("c", "opportunity_created", 2, "opportunity", "o")],
                   department=["x", "y", "x", "y", "x"])  # fmt: skip
    found = kpis(log, ["K20.r", "K20.n", "K25.n", "K26.n", "K27.n", "K27.c"])
    told = {one["id"]: (one["grain"], one["cases"]) for one in found.table.to_pylist()}
    assert told.pop("K25.n") == ("opportunity", 1)
    assert set(told.values()) == {("case", 3)}
    checked = check_rules(log)
    assert row(found, "K20.r")["value"] == checked.conformance_rate
    assert row(found, "K20.n")["value"] * 3 == checked.overall["violations"][0].as_py()
