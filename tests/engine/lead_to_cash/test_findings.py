"""The findings that matter most: what was planted is found, with the right cases, in every language."""

from __future__ import annotations

import json
import re
from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from dealtrace_engine.analyses.receivables import receivables
from dealtrace_engine.errors import ArgumentError, Cancelled, SchemaError
from dealtrace_engine.filters.json_form import from_json
from dealtrace_engine.lead_to_cash.findings import SOURCES, findings
from dealtrace_engine.lead_to_cash.findings_context import Candidate
from dealtrace_engine.lead_to_cash.findings_ranking import THEMES
from dealtrace_engine.sources.labels import LANGUAGES
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash


@pytest.fixture(scope="module")
def large():
    made = lead_to_cash(20_000)
    return from_arrow(made.events), made.truths


@pytest.fixture(scope="module")
def small():
    made = lead_to_cash(1_500, seed=2)
    return made.events, made.truths


def by_kind(found):
    return {row["kind"]: row for row in reversed(found.table.to_pylist())}


def names(row):
    return {name["name"]: name["value"] for name in row["names"]}


def numbers(row):
    return {number["name"]: number["value"] for number in row["numbers"]}


def test_what_was_planted_is_found(large):
    log, truths = large
    found = findings(log, most=40)
    rows = by_kind(found)
    assert found.table.column("rank").to_pylist() == list(range(1, len(found) + 1))
    money = found.table.column("money").to_pylist()
    assert money == sorted(money, reverse=True)
    assert rows["late_payments"]["cases"] == truths["late_payments"]
    assert rows["unapproved_discounts"]["cases"] == truths["unapproved_discounts"]
    assert rows["canceled_orders"]["cases"] == truths["canceled_orders"]
    assert rows["quote_revisions"]["cases"] == truths["revision_loops"]
    assert numbers(rows["quote_revisions"])["revisions"] == truths["quote_revisions"]
    assert abs(rows["overdue_unpaid"]["cases"] - truths["overdue_unpaid"]) <= 15  # the day of the export
    assert names(rows["slow_group"]) == {"attribute": "region", "group": truths["slow_region"]}
    assert names(rows["weak_source"])["source"] == truths["worst_lead_source"]


def test_every_theme_is_among_the_ten_twice(large):
    log, _ = large
    found = findings(log)
    kinds = found.table.column("kind").to_pylist()
    assert Counter(THEMES[kind] for kind in kinds) == dict.fromkeys(set(THEMES.values()), 2)
    assert found.table.column("rank").to_pylist() == list(range(1, 11))
    money = found.table.column("money").to_pylist()
    assert money == sorted(money, reverse=True)
    planted = {"late_payments", "overdue_unpaid", "unapproved_discounts", "quote_revisions", "broken_rule"}
    assert planted <= set(kinds)
    whole = findings(log, most=40).table.to_pylist()
    for kind in kinds:  # nothing of the same theme and of another kind has more money
        heavier = {row["kind"] for row in whole if row["money"] > by_kind(found)[kind]["money"]}
        assert {one for one in heavier if THEMES[one] == THEMES[kind]} <= set(kinds)


def test_the_slow_approver_is_found(large):
    log, truths = large
    found = findings(log, most=40)
    row = by_kind(found)["slow_approver"]
    assert names(row)["person"] == truths["slow_approver"]
    assert numbers(row)["decisions"] == pytest.approx(truths["slow_approver_decisions"], abs=3)
    assert numbers(row)["own_days"] > 3 * numbers(row)["others_days"]


FILTERED = {
    "broken_rule", "canceled_orders", "funnel_drop", "loss_driver", "loss_reason", "overdue_unpaid",
    "quote_revisions", "slow_approver", "slow_driver", "slow_group", "slow_step", "unapproved_discounts",
    "weak_source",
}  # fmt: skip


@pytest.mark.parametrize("currencies", [1, 2])
def test_the_filters_select_the_cases(currencies):
    events = lead_to_cash(5_000, seed=3).events
    if currencies == 2:
        events = in_two_currencies(events)
    log = from_arrow(events)
    found = findings(log, most=60)
    told = [place for place, row in enumerate(found.table.to_pylist()) if row["filter"]]
    assert {found.table["kind"][place].as_py() for place in told} == FILTERED
    for place in told:
        chosen = log.filter(from_json(found.table["filter"][place].as_py())).case_ids
        assert chosen.to_pylist() == found.cases(place).to_pylist(), found.sentences[place]


def test_cases_by_an_independent_query(small):
    events, _ = small
    found = findings(from_arrow(events), most=40)
    cases = {row["case_id"]: row for row in events.to_pylist()}
    paid = {}
    for row in events.filter(pc.equal(events["activity"], "Payment Received")).to_pylist():
        paid[row["case_id"]] = max(paid.get(row["case_id"], row["timestamp"]), row["timestamp"])
    late = {case: (day.date() - cases[case]["due_date"]).days for case, day in paid.items()}
    late = {case: days for case, days in late.items() if days > 0}
    place = found.table.column("kind").to_pylist().index("late_payments")
    row = found.table.to_pylist()[place]
    assert set(found.cases(place).to_pylist()) == set(late)
    assert row["days"] == sum(late.values())
    cost = sum(cases[case]["amount"] * days for case, days in late.items()) * 0.08 / 365
    assert row["money"] == pytest.approx(cost)


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_in_every_language(small, language):
    events, _ = small
    found = findings(from_arrow(events), language=language, most=40)
    assert len(found) >= 10
    for said in found.sentences:
        assert not re.search(r"[{}]|nan|None", said)
        assert said[-1] in ".。"
    assert repr(found).startswith("Findings: ")


def test_the_same_result_in_any_language_of_the_log(small):
    events, _ = small
    english = findings(from_arrow(events))
    german = findings(from_arrow(lead_to_cash(1_500, seed=2, language="de").events))
    for column in ("kind", "money", "cases", "sentence"):
        assert english.table[column].to_pylist() == pytest.approx(german.table[column].to_pylist())


def in_two_currencies(events):
    money = pc.if_else(pc.equal(events["region"], "Japan"), "JPY", "EUR")
    return events.append_column("currency", money)


def test_currencies_are_never_added(small):
    events = in_two_currencies(small[0])
    found = findings(from_arrow(events), most=3)
    assert found.table.column("currency").to_pylist() == ["EUR"] * 3 + ["JPY"] * 3
    assert found.table.column("rank").to_pylist() == [1, 2, 3] * 2
    for currency in ("EUR", "JPY"):  # each is what it is alone, as of the same day
        own = events.filter(pc.equal(events["currency"], currency))
        last = pc.max(events["timestamp"])
        alone = findings(from_arrow(own), most=3)
        told = [row for row in found.table.to_pylist() if row["currency"] == currency]
        if pc.max(own["timestamp"]) == last:
            assert [row["sentence"] for row in told] == alone.sentences
        for row in told:
            assert currency in row["sentence"]
            assert f"{row['cases']:,}" in row["sentence"]


def deals(*rows):
    """Return a log of deals that are lost: of each row, so many with these attributes."""
    events = []
    for number, (count, values) in enumerate(rows):
        for deal in range(count):
            case = {"case_id": f"{number}-{deal:03}", **values}
            events.append({**case, "activity": "Opportunity Created", "timestamp": "2024-01-01"})
            events.append({**case, "activity": "Opportunity Closed Lost", "timestamp": "2024-02-01"})
    return from_arrow(pa.Table.from_pylist(events))


def test_what_is_told_is_chosen_by_the_money_of_its_currency():
    log = deals(
        (40, {"amount": 1e6, "currency": "EUR", "loss_reason": "Price"}),
        (1, {"amount": 1e3, "currency": "EUR", "loss_reason": "Timing"}),
        (3, {"amount": 1e8, "currency": "JPY", "loss_reason": "Timing"}),
        (1, {"amount": 5.0, "currency": None, "loss_reason": "None"}),
    )
    found = findings(log)
    rows = {row["currency"]: row for row in found.table.to_pylist()}
    assert [names(rows[one])["reason"] for one in ("EUR", "JPY", None)] == ["Price", "Timing", "None"]
    assert [(row["cases"], row["money"]) for row in rows.values()] == [(40, 4e7), (3, 3e8), (1, 5.0)]
    assert "EUR 40,000,000" in rows["EUR"]["sentence"]
    for place, row in enumerate(found.table.to_pylist()):
        chosen = log.filter(from_json(row["filter"])).case_ids
        assert chosen.to_pylist() == found.cases(place).to_pylist()


@pytest.mark.parametrize(("rate", "currency"), [(1.0, "EUR"), (2.0, None)])
def test_converted_amounts_are_taken_where_all_are(small, rate, currency):
    """They are in the one currency whose amounts stay as they are; where there is none, it is not named."""
    table = in_two_currencies(small[0])
    is_yen = pc.equal(table["currency"], "JPY")
    converted = pc.multiply(table["amount"], pc.if_else(is_yen, 0.5, rate))
    found = findings(from_arrow(table.append_column("amount_corporate", converted)), most=40)
    plain = findings(from_arrow(small[0].set_column(
        small[0].column_names.index("amount"), "amount", converted)), most=40)  # fmt: skip
    assert found.table["money"].to_pylist() == plain.table["money"].to_pylist()
    assert set(found.table["currency"].to_pylist()) == {currency}
    into = "" if currency is None else " into EUR"
    assert f"as converted{into} in 'amount_corporate'" in found.findings[-1].reason
    said = by_kind(found)["canceled_orders"]["sentence"]
    assert ("EUR " in said) is (currency == "EUR")
    assert ("(converted)" in said) is (currency is None)


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ({"amount": [1.0, 2.0]}, "no amount in 'amount', which varies within cases"),
        ({"value": ["a", "b"]}, "no amount in 'value', which has no numbers"),
        ({"amount": ["a", "b"], "total_amount": [3.0, 3.0]}, "no amount in 'amount', which has no numbers"),
    ],
)
def test_amounts_that_cannot_be_used_are_noted(column, reason):
    table = pa.table({"case": ["1", "1"], "activity": ["Opportunity Created", "Order Canceled"],
                      "time": ["2024-01-01", "2024-01-02"], **column})  # fmt: skip
    found = findings(from_arrow(table))
    assert reason in found.findings[0].reason
    assert by_kind(found)["canceled_orders"]["money"] == (3.0 if "total_amount" in column else None)


@pytest.mark.parametrize("below", [["Japan"], "all"])
def test_amounts_below_zero_are_not_at_stake(small, below):
    """They count as not known, so that nothing costs less than nothing; a note counts them."""
    events, _ = small
    place, amount = events.column_names.index("amount"), events["amount"]
    chosen = pa.array([below == "all" or region in below for region in events["region"].to_pylist()])
    signs = {"below": pc.negate(amount), "missing": pa.nulls(len(amount), pa.float64())}
    told = {
        name: findings(
            from_arrow(events.set_column(place, "amount", pc.if_else(chosen, other, amount))), most=40
        )
        for name, other in signs.items()
    }
    assert told["below"].table.equals(told["missing"].table)
    money = told["below"].table["money"].to_pylist()
    assert money == [None] * len(money) if below == "all" else min(money) >= 0
    cases = len(set(events.filter(chosen)["case_id"].to_pylist()))
    (note,) = told["below"].findings
    assert (note.reason, note.count) == (
        "amount below zero in 'amount', left out of the money at stake", cases,
    )  # fmt: skip


def test_converted_amounts_below_zero_are_left_out_too(small):
    table = in_two_currencies(small[0])
    is_yen = pc.equal(table["currency"], "JPY")
    signed = pc.multiply(table["amount"], pc.if_else(pc.equal(table["segment"], "Enterprise"), -1.0, 1.0))
    table = table.set_column(table.column_names.index("amount"), "amount", signed)
    found = findings(from_arrow(table.append_column(
        "amount_corporate", pc.multiply(signed, pc.if_else(is_yen, 0.5, 1.0)))), most=40)  # fmt: skip
    assert set(found.table["currency"].to_pylist()) == {"EUR"}
    assert min(money for money in found.table["money"].to_pylist() if money is not None) >= 0
    assert [note.reason.partition(" in ")[0] for note in found.findings] == [
        "amount below zero", "amounts of several currencies, as converted into EUR",
    ]  # fmt: skip


def test_without_amounts_days_and_cases_rank(small):
    events, _ = small
    found = findings(from_arrow(events.drop_columns(["amount"])))
    days = [row["days"] or 0 for row in found.table.to_pylist()]
    assert days == sorted(days, reverse=True)
    assert found.table.column("money").null_count == len(found) == 10
    written = json.loads(found.to_json())
    assert written["findings"][0]["money"] is None
    assert [(note["reason"], note["text"]) for note in written["notes"]] == [(
        "without money, as no usable column is called 'amount', 'value' or the like; name one with value=",
        f"{found.findings[0].reason} ({found.findings[0].count:,} cases)",
    )]  # fmt: skip


def payment(case, *days):
    names = ("Quote Accepted", "Invoice Sent to Customer", "Invoice Sent to Customer", "Payment Received")
    return [(case, name, f"2024-03-{day:02}", due) for name, (day, due) in zip(names, days, strict=True)]


def test_invoices_are_those_of_receivables():
    """Canceled, reversed and never invoiced deals; due dates as text, the last of several, or by terms."""
    names = {"made": "Invoice Generated", "paid": "Payment Received", "canceled": "Invoice Canceled",
             "reversed": "Payment Reversed", "lost": "Opportunity Closed Lost"}  # fmt: skip
    cases = {
        "open": [("made", 1, 20)], "canceled": [("made", 1, 20), ("canceled", 2, None)],
        "reversed": [("made", 1, 20), ("paid", 5, None), ("reversed", 6, None)], "lost": [("lost", 1, 20)],
        "earlier last": [("made", 1, 28), ("made", 2, 10), ("paid", 15, None)],
        "on time": [("made", 1, 20), ("paid", 5, None)], "by terms": [("made", 1, None)],
    }  # fmt: skip
    rows = [
        {"case_id": case, "activity": names[name], "timestamp": f"2024-03-{day:02}", "amount": 100.0,
         "payment_due_date": None if due is None else f"2024-03-{due:02}", "payment_terms": 10}
        for case, events in cases.items() for name, day, due in events
    ]  # fmt: skip
    rows.append({**rows[-1], "case_id": "later", "timestamp": "2024-04-01", "activity": "Other"})
    log = from_arrow(pa.Table.from_pylist(rows))
    found = findings(log)
    told = {
        kind: found.cases(place).to_pylist() for place, kind in enumerate(found.table["kind"].to_pylist())
    }
    assert told["overdue_unpaid"] == ["open", "reversed", "by terms"]
    assert told["late_payments"] == ["earlier last"]
    whole = receivables(log, due="payment_due_date", terms="payment_terms").table.to_pylist()[0]
    assert (whole["overdue"], whole["late"], whole["amount_overdue"]) == (3, 1, 300.0)
    assert by_kind(found)["overdue_unpaid"]["money"] == 300.0


def test_due_dates_of_several_invoices_and_names_of_crm_exports():
    rows = payment("late", (1, None), (2, 5), (3, 10), (14, None))
    rows += payment("early", (1, None), (2, 20), (3, None), (14, None))
    rows += payment("owing", (1, None), (2, 20), (3, None), (14, None))[:3]
    rows += [("owing", "Payment Reminder Sent", "2024-04-01", None)]
    case, activity, time, due = zip(*rows, strict=True)
    day = pa.array([None if day is None else f"2024-03-{day:02}" for day in due]).cast(pa.date32())
    columns = {"case_id": case, "activity": activity, "timestamp": time, "due_date": day,
               "amount": [365.0] * len(case), "discount_pct": [50.0] * len(case)}  # fmt: skip
    rows = by_kind(findings(from_arrow(pa.table(columns))))
    late, owing, discount = (rows[k] for k in ("late_payments", "overdue_unpaid", "unapproved_discounts"))
    assert (late["cases"], late["days"], late["money"]) == (1, 4.0, pytest.approx(4 * 0.08))
    assert (owing["cases"], owing["days"], owing["money"]) == (1, 12.0, 365.0)
    assert (discount["cases"], discount["money"]) == (3, 3 * 365.0)


def test_terms_where_there_is_no_due_date(small):
    events, truths = small
    found = by_kind(findings(from_arrow(events.drop_columns(["due_date"]))))
    assert found["late_payments"]["cases"] == truths["late_payments"]
    assert found["overdue_unpaid"]["filter"] is None


def test_money_in_a_log_without_any_milestone():
    table = pa.table({"case": [str(case // 2) for case in range(120)], "activity": ["a", "b"] * 60,
                      "time": ["2024-01-01", "2024-01-02", "2024-01-01", "2024-01-04"] * 30,
                      "amount": [365.0] * 120})  # fmt: skip
    (row,) = findings(from_arrow(table)).table.to_pylist()
    assert (row["kind"], row["cases"], row["days"]) == ("slow_step", 30, 30.0)
    assert row["money"] == pytest.approx(30 * 0.08)


def test_a_log_that_can_tell_nothing():
    table = pa.table({"case": ["1", "2"], "activity": ["a", "b"], "time": ["2024-01-01"] * 2})
    found = findings(from_arrow(table))
    assert len(found) == 0
    assert found.table.column_names[0] == "rank"
    assert found.to_json()


def test_one_more_source(small):
    log = from_arrow(small[0])

    def everything(context):
        cases = pc.indices_nonzero(pa.array([True] * context.log.cases)).to_numpy().astype("int64")
        yield Candidate("canceled_orders", "lost", cases, context.value, None, {"ordered_share": 1.0})

    found = findings(log, sources=[everything])
    assert found.table.to_pylist()[0]["cases"] == log.cases
    assert len(SOURCES) == 20


def test_the_same_for_any_threads(small):
    log = from_arrow(small[0])
    assert findings(log, threads=1).to_json() == findings(log, threads=3).to_json()


def test_bad_input_is_refused(small):
    log = from_arrow(small[0])
    with pytest.raises(SchemaError, match="choose from en, de"):
        findings(log, language="es")
    with pytest.raises(SchemaError, match="no column"):
        findings(log, value="amuont")
    for wrong in ({"most": 0}, {"capital_cost": -1}, {"discount_limit": 100}, {"capital_cost": "x"},
                  {"discount_limit": "x"}):  # fmt: skip
        with pytest.raises(ArgumentError):
            findings(log, **wrong)
    with pytest.raises(Cancelled):
        findings(log, progress=lambda *_: False)
