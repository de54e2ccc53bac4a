"""Discounts: hand-made deals, planted truths, control for what the deals are, bad input."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from dealtrace_engine.analyses.discounts import NOTE, discounts
from dealtrace_engine.errors import ArgumentError, LogError, SchemaError
from dealtrace_engine.filters import where as w
from dealtrace_engine.lead_to_cash.kpis import kpis
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash

ASKED, APPROVED, ACCEPTED, WON, LOST = (
    "Discount Approval Requested", "Discount Approved", "Quote Accepted", "Opportunity Closed Won",
    "Opportunity Closed Lost",
)  # fmt: skip


def log_of(cases, *, step=1):
    rows = [
        {"case": f"c{number}", "activity": activity, "time": f"2024-01-{step * at + 1:02}", **attributes}
        for number, (activities, attributes) in enumerate(cases)
        for at, activity in enumerate(activities)
    ]
    return from_arrow(pa.Table.from_pylist(rows))


def deal(percent, *activities, amount=100.0, **more):
    return activities, {"discount_percent": percent, "amount": amount, **more}


@pytest.fixture(scope="module")
def made():
    return lead_to_cash(1500, seed=5, language="it")


@pytest.fixture(scope="module")
def found(made):
    return discounts(from_arrow(made.events), by="sales_rep")


def test_planted_counts_are_found(made, found):
    for column, truth in (
        ("accepted_excessive", "discounts_above_limit"),
        ("unauthorised", "unapproved_discounts"),
    ):
        assert sum(found.table[column].to_pylist()) == made.truths[truth]
    rows = range(found.table.num_rows)
    assert sum(len(found.cases(row, "unauthorised")) for row in rows) == made.truths["unapproved_discounts"]
    assert [len(found.cases(row)) for row in rows] == found.table["deals"].to_pylist()


def test_control_takes_the_segment_away(found):
    """Larger segments have larger amounts and discounts; within one, neither knows of the other."""
    rows = {(row["outcome"], row["method"]): row for row in found.associations.to_pylist()}
    assert rows["value", "crude"]["low"] > 1.1
    assert rows["value", "regression"]["low"] < 1.02 < rows["value", "crude"]["low"]
    assert rows["win", "regression"]["low"] < 1.1
    assert len(rows) == 8


def test_every_sentence_says_that_it_is_no_proof(found):
    assert all(NOTE in sentence for sentence in found.associations["sentence"].to_pylist())
    assert NOTE in found.notes[0]
    assert NOTE in repr(found)
    assert "nan" not in found.to_json().lower().replace("finance", "")
    assert json.loads(found.to_json())["definition"] == "discounts 2"


def test_known_answers():
    log = log_of([
        deal(25, ASKED, APPROVED, ACCEPTED, WON),
        deal(30, ACCEPTED, APPROVED, WON, amount=70.0),
        deal(40, LOST, amount=None),
        deal(20, ACCEPTED, LOST, WON),
        deal(None, LOST),
        deal(120, LOST),
    ])  # fmt: skip
    found = discounts(log)
    (row,) = found.table.to_pylist()
    expected = {
        "deals": 4, "mean_discount": 28.75, "excessive": 3, "excessive_share": 0.75, "accepted_excessive": 2,
        "unauthorised": 1, "excessive_lost": 1, "won": 3, "lost": 1, "win_rate": 0.75, "paid": 0,
        "late_rate": None, "amount": 270.0, "unauthorised_value": 30.0,
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    assert row["discount_value"] == pytest.approx(100 / 3 + 30 + 25, abs=1e-3)
    assert [found.cases(0, which).to_pylist() for which in ("unauthorised", "excessive_lost")] == [
        ["c1"],
        ["c2"],
    ]
    assert {finding.reason.split(" in ")[0] for finding in found.findings} == {
        "discount below 0 or above 100", "no amount",
    }  # fmt: skip
    assert all(row["estimate"] is None for row in found.associations.to_pylist())
    assert "not enough data" in found.associations["sentence"][0].as_py()


@pytest.mark.parametrize(
    ("amount", "percent", "taken_off"),
    [(100.0, 99.999, 9_999_900.0), (100.0, 100.0, None), (4e10, 99.99, 4e10 * 9999), (9.5e10, 99.99, None)],
)  # fmt: skip
def test_what_the_largest_discounts_took_off(amount, percent, taken_off):
    """Exact where it can be told, null and said where not; the KPI K23.m tells the same."""
    log = log_of([deal(percent, WON, amount=amount)])
    found = discounts(log)
    assert found.table["discount_value"].to_pylist() == [taken_off and pytest.approx(taken_off, rel=1e-9)]
    said = ["what a discount took off cannot be told"] if taken_off is None else []
    assert [one.reason for one in found.findings if "took off" in one.reason] == said
    assert kpis(log, "K23.m", value="amount").table["value"].to_pylist() == [
        taken_off and pytest.approx(taken_off, rel=1e-9)
    ]


def test_of_events_at_one_instant_the_last_in_the_file_decides():
    log = log_of([deal(10, WON, LOST), deal(10, LOST, WON), deal(10, WON, "Opportunity Reopened")], step=0)
    (row,) = discounts(log).table.to_pylist()
    assert (row["won"], row["lost"]) == (1, 1)


def test_who_discounts_most_is_first_within_the_currency():
    """Not who has the most deals: by the percentage points above the mean of the currency."""
    reps = [("many", "EUR", [9] * 40 + [25] * 3), ("most", "EUR", [19] * 12), ("few", "EUR", [5] * 5),
            ("other", "USD", [30] * 4)]  # fmt: skip
    log = log_of([deal(percent, LOST, owner=rep, currency=c) for rep, c, own in reps for percent in own])
    rows = discounts(log, by="owner").table.to_pylist()
    assert [row["owner"] for row in rows] == ["most", "few", "many", "other"]
    mean = (40 * 9 + 3 * 25 + 12 * 19 + 5 * 5) / 60
    assert rows[0]["excess_percent"] == pytest.approx(12 * (19 - mean), abs=1e-4)
    assert sum(row["excess_percent"] for row in rows[:3]) == pytest.approx(0, abs=1e-3)
    assert rows[3]["excess_percent"] == 0


def test_the_outcome_may_be_an_attribute_and_currencies_are_apart():
    log = log_of(
        [deal(10, "x", state=s, currency=c) for s, c in (("Won", "EUR"), ("Lost", "EUR"), ("Won", "USD"))]
    )
    rows = discounts(log, outcome="state", yes="Won").table.to_pylist()
    assert [(row["currency"], row["won"], row["lost"], row["amount"]) for row in rows] == [
        ("EUR", 1, 1, 200.0), ("USD", 1, 0, 100.0),
    ]  # fmt: skip


def test_filters_threads_and_what_is_not_controlled_for(made):
    log = from_arrow(made.events)
    one, two = (
        discounts(log, threads=threads, where=w.case("segment") == "Enterprise") for threads in (1, 2)
    )
    assert one.table.equals(two.table)
    assert one.associations.equals(two.associations)
    assert any(note.startswith("segment has the same value") for note in one.notes)
    assert discounts(log, control=[]).associations["control"][1].as_py() == ""


def test_a_plain_text_is_one_name(made):
    log = from_arrow(made.events)
    one, list_of_one = (
        discounts(log, control=control, approval=approval, acceptance=acceptance)
        for control, approval, acceptance in (
            ("segment", "discount_approval_approved", "quote_accepted"),
            (["segment"], ["discount_approval_approved"], ["quote_accepted"]),
        )
    )
    assert one.table.equals(list_of_one.table)
    assert one.associations.equals(list_of_one.associations)


def test_bad_input(made):
    log = from_arrow(made.events)
    with pytest.raises(SchemaError, match="no percentages"):
        discounts(log, discount="region")
    with pytest.raises(SchemaError, match="discuont"):
        discounts(log, discount="discuont")
    with pytest.raises(SchemaError, match="shoe"):
        discounts(log, control=["shoe"])
    for name in ("approval", "acceptance"):
        with pytest.raises(SchemaError, match="no activity 'typo'"):
            discounts(log, **{name: ["typo"]})
        with pytest.raises(ArgumentError, match=f"{name}: one name or several"):
            discounts(log, **{name: 5})
    with pytest.raises(ArgumentError, match="limit"):
        discounts(log, limit=100)
    with pytest.raises(ArgumentError, match="'deals'"):
        discounts(log).cases(0, "all")
    with pytest.raises(LogError, match="no case has a discount"):
        discounts(log_of([deal(200, "x")]))
