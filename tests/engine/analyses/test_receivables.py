"""Invoices, late payments and cash: hand-made logs, planted truths, plain Python, bad input."""

from __future__ import annotations

import datetime as dt
import json
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dealtrace_engine.analyses.receivables import receivables
from dealtrace_engine.errors import ArgumentError, LogError, SchemaError
from dealtrace_engine.filters import where as w
from dealtrace_engine.lead_to_cash.findings import findings
from dealtrace_engine.lead_to_cash.kpis import kpis
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash

SENT, PAID = "Invoice Sent to Customer", "Payment Received"
DAY0 = dt.date(2024, 1, 1)


def day(number):
    return None if number is None else DAY0 + dt.timedelta(days=number)


def log_of(cases):
    """Make a log of (events, attributes) per case; an event is (activity, day)."""
    rows = [
        {"case": f"c{number}", "activity": activity, "time": f"{day(at)}T12:00:00Z", **attributes}
        for number, (events, attributes) in enumerate(cases)
        for activity, at in events
    ]
    return from_arrow(pa.Table.from_pylist(rows))


CREDIT = "credit note: it reduces what is invoiced and open, and weighs no days"


def invoice(sent, paid, amount, **more):
    events = [(SENT, sent)] + ([] if paid is None else [(PAID, paid)])
    return events, {"amount": amount, **more}


@pytest.mark.parametrize(
    ("seed", "language", "precision"), [(1, "de", "second"), (2, "ja", "day"), (3, "fr", "hour")]
)
def test_planted_counts_are_found(seed, language, precision):
    made = lead_to_cash(900, seed=seed, language=language, precision=precision)
    found = receivables(from_arrow(made.events), by=["segment", "region"], until="2026-01-01")
    for column, truth in (("paid", "paid"), ("late", "late_payments"), ("overdue", "overdue_unpaid")):
        assert sum(found.table[column].to_pylist()) == made.truths[truth]
        assert sum(len(found.cases(row, column)) for row in range(found.table.num_rows)) == made.truths[truth]


def test_known_answers():
    log = log_of([
        invoice(0, 40, 100.0, due_date=day(30), customer="A"),
        invoice(0, 30, 300.0, due_date=day(30), customer="A"),
        invoice(10, None, 50.0, due_date=day(20), customer="A"),
        invoice(60, None, 70.0, due_date=day(90), customer="B"),
    ])  # fmt: skip
    found = receivables(log, by="customer", until=day(60), period_days=30)
    first, second = found.table.to_pylist()
    assert (first["customer"], first["issued"], first["paid"], first["open"]) == ("A", 3, 2, 1)
    assert (first["late"], first["late_rate"], first["days_late_p50"]) == (1, 0.5, 10.0)
    assert first["weighted_days_to_pay"] == (100 * 40 + 300 * 30) / 400
    assert (first["cash_delayed"], first["cash_overdue"], first["amount_open"]) == (1000.0, 2000.0, 50.0)
    assert (first["dso_days"], second["dso_days"], second["late_rate"]) == (None, 30.0, None)
    assert [tuple(row.values())[2:] for row in found.ageing.to_pylist()] == [
        ("31-60 days", 1, 50.0), ("not due", 1, 70.0),
    ]  # fmt: skip
    assert found.cases(0, "late").to_pylist() == ["c0"]
    assert found.cases(0).to_pylist() == ["c0", "c1", "c2"]
    content = json.loads(found.to_json())
    assert (content["definition"], content["until"]) == ("receivables 2", "2024-03-01")
    assert "4 invoices" in repr(found)


def test_currencies_are_never_added():
    log = log_of(
        [
            invoice(0, 40, a, due_date=day(30), currency=c)
            for a, c in ((1.0, "EUR"), (2.0, "USD"), (4.0, "EUR"))
        ]
    )
    rows = receivables(log).table.to_pylist()
    assert [(row["currency"], row["amount"], row["cash_delayed"]) for row in rows] == [
        ("EUR", 5.0, 50.0), ("USD", 2.0, 20.0),
    ]  # fmt: skip


def test_terms_tell_the_due_date_and_dates_may_vary_within_cases():
    log = log_of([invoice(0, 40, 1.0, payment_terms_days=30)])
    assert receivables(log).table["days_late_p50"].to_pylist() == [10.0]
    rows = [("c", SENT, "2024-01-01", "2024-01-31"), ("c", PAID, "2024-02-03", None)]
    names = ("case", "activity", "time", "due")
    log = from_arrow(pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows]))
    assert receivables(log, due="due", value=None).table["days_late_p50"].to_pylist() == [3.0]


def test_what_is_odd_is_counted():
    log = log_of([
        ([(SENT, 0), ("Invoice Canceled", 1)], {"amount": 1.0}),
        ([(SENT, 0), ("Invoice Canceled", 1), (SENT, 2)], {"amount": None}),
        ([(PAID, 0)], {"amount": 1.0}),
        ([(PAID, 0), (SENT, 1)], {"amount": -1.0}),
        ([("Invoice Generated", 0), (PAID, 3)], {"amount": 1.0}),
        ([(SENT, 0), (PAID, 3), ("payment_reversed", 4)], {"amount": 1.0}),
    ])  # fmt: skip
    found = receivables(log)
    assert {finding.reason: finding.count for finding in found.findings} == {
        "payment without an invoice": 1, "payment before the invoice was sent": 1, "payment taken back": 1,
        "invoice canceled and not sent again": 1, "invoice without a due date": 4,
        "no amount in 'amount'": 1, "amount below zero in 'amount'": 1, CREDIT: 1,
    }  # fmt: skip
    (row,) = found.table.to_pylist()
    assert (row["issued"], row["paid"], row["open"], row["due_unknown"], row["late_rate"]) == (
        4,
        2,
        2,
        4,
        None,
    )
    assert found.ageing["age"].to_pylist() == ["due date unknown"]
    assert "NaN" not in found.to_json()


def test_invoices_of_a_case_are_told_apart_by_their_id():
    log = from_arrow(pa.Table.from_pylist([
        {"case": "c", "activity": activity, "time": f"{day(at)}T12:00:00Z", "number": number, "sum": amount,
         "due": day(due), "customer": "A"}
        for activity, at, number, amount, due in (
            (SENT, 0, "x", 10.0, 30), (SENT, 50, "y", 20.0, 60), (PAID, 35, "x", None, None),
            (PAID, 99, "z", 1.0, 1), (SENT, 70, None, 5.0, 90),
        )
    ]))  # fmt: skip
    found = receivables(log, by="customer", invoice="number", value="sum", due="due", until=day(100))
    (row,) = found.table.to_pylist()
    assert (row["issued"], row["paid"], row["overdue"]) == (2, 1, 1)
    assert (row["cash_delayed"], row["cash_overdue"]) == (50.0, 800.0)
    assert found.cases(0, "overdue").to_pylist() == ["y"]
    assert {finding.reason: finding.count for finding in found.findings} == {
        "payment or cancellation of no invoice that was issued": 1, "invoice without an id": 1,
    }  # fmt: skip
    with pytest.raises(LogError, match="no invoice has an id"):
        receivables(log.filter(w.activity(PAID)), invoice="number", value=None)


CASES = st.lists(
    st.tuples(
        st.integers(0, 50), st.none() | st.integers(0, 200), st.none() | st.integers(0, 90),
        st.none() | st.integers(-(10**9), 10**9), st.sampled_from("AB"),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@given(CASES)
@settings(max_examples=60, deadline=None)
def test_sums_are_those_of_plain_python(cases):
    log = log_of([
        invoice(sent, None if gap is None else sent + gap, None if cents is None else cents / 100,
                due_date=day(due), group=group)
        for sent, gap, due, cents, group in cases
    ])  # fmt: skip
    if log.attribute("amount").values.type == pa.null():
        return
    until = 120
    found = {row["group"]: row for row in receivables(log, by="group", until=day(until)).table.to_pylist()}
    for group, row in found.items():
        own = [
            (s, None if g is None or s + g > until else s + g, d, None if c is None else Fraction(c, 100))
            for s, g, d, c, o in cases
            if o == group
        ]
        late = [(p - d, a) for _, p, d, a in own if p is not None and d is not None and p > d]
        over = [(until - d, a) for _, p, d, a in own if p is None and d is not None and d < until]
        assert (row["issued"], row["late"], row["overdue"]) == (len(own), len(late), len(over))
        for name, some in (("delayed", late), ("overdue", over)):
            told = not some or any(a is not None for _, a in some)
            cash = float(sum(days * max(a or 0, 0) for days, a in some))
            assert row[f"cash_{name}"] == (cash if told else None)
        if late:
            assert row["days_late_p50"] == pytest.approx(np.median([days for days, _ in late]))


def test_what_happened_later_is_not_looked_at():
    events = [(SENT, 0), (PAID, 35), ("Payment Reversed", 50)]
    log = log_of([
        (events, {"amount": 10.0, "payment_terms_days": 30}),
        invoice(69, None, 20.0, payment_terms_days=30),
    ])  # fmt: skip
    expected = {14: (1, 0, 0, 0), 34: (1, 0, 0, 1), 35: (1, 1, 1, 0), 50: (1, 0, 0, 1), 69: (2, 0, 0, 1)}
    for until, figures in expected.items():
        found = receivables(log, until=day(until))
        (row,) = found.table.to_pylist()
        assert tuple(row[name] for name in ("issued", "paid", "late", "overdue")) == figures
        left_out = {one.reason: one.count for one in found.findings}
        later = (until < 50) + (until < 69)
        assert left_out.get("events after the day as of which it is told", 0) == later
    with pytest.raises(ArgumentError, match="nothing had happened by 2023-12-31"):
        receivables(log, until=day(-1))


def test_credit_notes_reduce_what_is_open_and_weigh_no_days():
    """A mean of days is between them; money that goes back is not delayed."""
    log = log_of([
        invoice(0, 10, -300.0, due_date=day(5)), invoice(0, 30, 400.0, due_date=day(20)),
        invoice(0, None, -30.0, due_date=day(5)), invoice(0, None, 50.0, due_date=day(30)),
    ])  # fmt: skip
    found = receivables(log, until=day(40))
    (row,) = found.table.to_pylist()
    assert (row["weighted_days_to_pay"], row["amount_paid"]) == (30.0, 100.0)
    assert (row["cash_delayed"], row["cash_overdue"], row["amount_open"]) == (4000.0, 500.0, 20.0)
    assert row["dso_days"] == 20 * 90 / 120
    assert {one.reason: one.count for one in found.findings}[CREDIT] == 2
    only = receivables(log_of([invoice(0, 10, -3.0), invoice(0, 9, 9.0), invoice(0, None, -1.0)]))
    assert only.table.select(["weighted_days_to_pay", "dso_days"]).to_pylist() == [
        {"weighted_days_to_pay": 9.0, "dso_days": None}
    ]


def test_money_that_is_not_known_is_not_nothing():
    log = log_of(
        [invoice(0, 40, None, due_date=day(30), of="a"), invoice(0, 40, 1.0, due_date=day(50), of="b")]
    )
    rows = receivables(log, by="of", until=day(60)).table.to_pylist()
    told = {
        row["of"]: (row["amount"], row["amount_late"], row["cash_delayed"], row["amount_open"])
        for row in rows
    }
    assert told == {"a": (None, None, None, 0.0), "b": (1.0, 0.0, 0.0, 0.0)}


@pytest.mark.parametrize("name", ["due_date", "payment_due_date", "invoice_due_date"])
def test_kpis_and_findings_tell_the_same(name):
    """However the due date is called; also where nobody has paid yet in one of the currencies."""
    rows = [("opportunity_created", 0), ("invoice_sent", 10)]
    events = [(f"e{n}", what, at, "EUR") for n in range(40) for what, at in (*rows, ("payment_received", 60))]
    events += [(f"u{n}", what, at, "USD") for n in range(40) for what, at in rows] + [("x", "z", 99, "USD")]
    log = from_arrow(pa.table({
        "case": [row[0] for row in events], "activity": [row[1] for row in events],
        "time": [day(row[2]) for row in events], "currency": [row[3] for row in events],
        "amount": [100.0] * len(events), name: [str(day(30))[:10] for _ in events],
    }))  # fmt: skip
    found, told = receivables(log, period_days=365).table, kpis(log, "K16.d", value="amount").table
    assert found.select(["currency", "late", "overdue"]).to_pylist() == [
        {"currency": "EUR", "late": 40, "overdue": 0}, {"currency": "USD", "late": 0, "overdue": 40},
    ]  # fmt: skip
    assert told["value"].to_pylist() == found["dso_days"].to_pylist() == [0.0, 365.0]
    kinds = {(row["currency"], row["kind"]): row["cases"] for row in findings(log).table.to_pylist()}
    assert (kinds["EUR", "late_payments"], kinds["USD", "overdue_unpaid"]) == (40, 40)


def test_any_number_of_threads_and_filters():
    log = from_arrow(lead_to_cash(300, seed=4).events)
    one, two = (receivables(log, by="segment", threads=threads) for threads in (1, 2))
    assert one.table.equals(two.table)
    only = receivables(log, where=w.case("segment") == "Enterprise")
    (row,) = [r for r in one.table.to_pylist() if r["segment"] == "Enterprise"]
    assert only.table["issued"].to_pylist() == [row["issued"]]


def test_bad_input():
    log = log_of([invoice(0, 40, 1.0, due_date=day(30), name="x")])
    with pytest.raises(SchemaError, match="amuont"):
        receivables(log, value="amuont")
    with pytest.raises(SchemaError, match="nothing"):
        receivables(log, due="nothing")
    with pytest.raises(SchemaError, match="no days"):
        receivables(log, due="amount")
    with pytest.raises(SchemaError, match="no numbers of days"):
        receivables(log, terms="name")
    with pytest.raises(ArgumentError, match="until"):
        receivables(log, until="soon")
    with pytest.raises(ArgumentError, match="period_days"):
        receivables(log, period_days=0)
    with pytest.raises(ArgumentError, match="'late'"):
        receivables(log).cases(0, "early")
    with pytest.raises(LogError, match="invoice"):
        receivables(log_of([([("Lead Captured", 0)], {"amount": 1.0})]))
