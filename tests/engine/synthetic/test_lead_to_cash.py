"""The synthetic log is the same everywhere, tells the truth about itself, and looks like a real one."""

from __future__ import annotations

import doctest
import hashlib
from collections import Counter
from itertools import pairwise
from statistics import median
from typing import Any

import pyarrow as pa
import pytest

from dealtrace_engine.errors import SchemaError
from dealtrace_engine.sources.labels import activity_label
from dealtrace_engine.synthetic import lead_to_cash as module
from dealtrace_engine.synthetic.lead_to_cash import LeadToCash, lead_to_cash
from dealtrace_engine.synthetic.organisation import MACHINE_NAMES
from dealtrace_engine.synthetic.steps import ACTIVITIES
from dealtrace_engine.synthetic.truths import SETTINGS, TRUTHS
from naive import lead_to_cash as naive

CASE_COLUMNS = (
    "sales_rep", "account", "region", "segment", "product", "lead_source", "amount", "discount_percent",
    "payment_terms_days", "due_date", "outcome", "is_won", "loss_reason",
)  # fmt: skip

PINNED = "6b62fd816051bf47f105f377e7ab0c2581f1c553817cfccc6e2db1a1883cfeb7"


@pytest.fixture(scope="module")
def small() -> LeadToCash:
    return lead_to_cash(2_000, seed=5)


@pytest.fixture(scope="module")
def cases(small: LeadToCash) -> dict[str, list[dict[str, Any]]]:
    cases: dict[str, list[dict[str, Any]]] = {}
    for row in small.events.to_pylist():
        cases.setdefault(row["case_id"], []).append(row)
    return cases


def digest(table: pa.Table) -> str:
    """A hash of the values, whatever the platform, the chunks and the version of Arrow."""
    total = hashlib.sha256()
    for name in table.column_names:
        column = table[name]
        values = column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
        total.update(f"{name} {column.type}\n".encode())
        total.update("\n".join(map(repr, values.to_pylist())).encode())
    return total.hexdigest()


def test_the_same_seed_gives_the_same_log_everywhere(small: LeadToCash):
    assert digest(small.events) == PINNED


def test_another_seed_gives_another_log(small: LeadToCash):
    other = lead_to_cash(2_000, seed=6)
    assert other.events["case_id"].to_pylist() != small.events["case_id"].to_pylist()
    assert other.truths["events"] != small.truths["events"]


@pytest.mark.parametrize(
    ("opportunities", "seed", "precision"), [(2_000, 5, "second"), (700, 6, "day"), (1, 7, "hour")]
)
def test_truths_are_what_the_rows_say(opportunities: int, seed: int, precision: str):
    log = lead_to_cash(opportunities, seed=seed, precision=precision)
    counted = naive.truths(log.events.to_pylist())
    assert {name: log.truths[name] for name in TRUTHS} == counted
    assert {name: log.truths[name] for name in SETTINGS} == SETTINGS


def test_everything_planted_is_there(small: LeadToCash):
    assert [name for name in TRUTHS if not small.truths[name]] == []


def test_truths_do_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "CASES_PER_BLOCK", 100)
    log = lead_to_cash(500, seed=3)
    assert {name: log.truths[name] for name in TRUTHS} == naive.truths(log.events.to_pylist())
    assert log.truths["cases"] == len(set(log.events["case_id"].to_pylist())) == 583


def test_rows_are_in_the_order_of_time_across_blocks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "CASES_PER_BLOCK", 100)
    log = lead_to_cash(500, seed=3)
    times = log.events["timestamp"].cast(pa.int64()).to_pylist()
    assert times == sorted(times)


def test_cases_interleave(small: LeadToCash):
    changes = sum(a != b for a, b in pairwise(small.events["case_id"].to_pylist()))
    assert changes > 0.8 * len(small.events)


def test_case_columns_are_the_same_in_all_rows_of_a_case(cases: dict[str, list[dict[str, Any]]]):
    for events in cases.values():
        for column in CASE_COLUMNS:
            assert len({row[column] for row in events}) == 1


def test_case_columns_agree_with_the_events(cases: dict[str, list[dict[str, Any]]]):
    for events in cases.values():
        row, trace = events[0], [event["activity"] for event in events]
        assert row["outcome"] == naive.outcome_of(trace)
        assert row["is_won"] == {"Won": True, "Lost": False}.get(row["outcome"])
        assert (row["loss_reason"] is None) == (row["outcome"] != "Lost")
        assert (row["due_date"] is None) == ("Invoice Sent to Customer" not in trace)
        discount = -1.0 if row["discount_percent"] is None else row["discount_percent"]
        assert discount == naive.last_discount(events)
        assert row["case_id"].startswith("006" if "Opportunity Created" in trace else "00Q")
        assert row["amount"] > 0


def test_no_case_does_the_impossible(cases: dict[str, list[dict[str, Any]]]):
    needs = {
        "Lead Converted": "Lead Captured",
        "Quote Revised": "Quote Created",
        "Quote/Proposal Issued": "Quote Created",
        "Quote Accepted": "Quote/Proposal Issued",
        "Discount Approved": "Discount Approval Requested",
        "Opportunity Reopened": "Opportunity Closed Lost",
        "Opportunity Closed Won": "Opportunity Created",
        "Sales Order Created": "Opportunity Closed Won",
        "Order Fulfilled/Service Delivered": "Sales Order Created",
        "Invoice Sent to Customer": "Invoice Generated",
        "Payment Received": "Invoice Sent to Customer",
        "Order Closed": "Payment Received",
    }
    for events in cases.values():
        trace = [event["activity"] for event in events]
        assert trace[0] in ("Lead Captured", "Opportunity Created")
        for activity, needed in needs.items():
            assert activity not in trace or naive.precedes(trace, needed, activity)


def test_people_mostly_work_in_working_hours(small: LeadToCash):
    at_odd_hours = people = 0
    for row in small.events.to_pylist():
        if row["region"] == "UK & Ireland" and row["resource"] not in MACHINE_NAMES.values():
            people += 1
            at_odd_hours += row["timestamp"].weekday() > 4 or not 8 <= row["timestamp"].hour < 18
    assert people > 1000
    assert at_odd_hours / people < 0.04


def test_machines_act_in_the_same_second(cases: dict[str, list[dict[str, Any]]]):
    for events in cases.values():
        for before, after in pairwise(events):
            if (before["activity"], after["activity"]) == ("Lead Converted", "Opportunity Created"):
                assert after["timestamp"] == before["timestamp"]


def test_billing_changes_on_its_day(small: LeadToCash):
    for row in small.events.to_pylist():
        if row["activity"] == "Invoice Sent to Customer" and row["resource"] == "Billing Robot":
            assert row["timestamp"].date().isoformat() >= SETTINGS["billing_automated"]


def test_what_was_planted_by_name_shows():
    log = lead_to_cash(8_000, seed=4)
    rows = log.events.to_pylist()
    waits: dict[str, list[float]] = {}
    decisions: dict[str, list[float]] = {}
    before: dict[str, dict[str, Any]] = {}
    for row in rows:
        previous = before.get(row["case_id"])
        before[row["case_id"]] = row
        if previous is not None:
            hours = (row["timestamp"] - previous["timestamp"]).total_seconds() / 3600
            if row["activity"] == "Solution Proposed":
                waits.setdefault(row["region"], []).append(hours)
            if row["activity"] == "Discount Approved":
                decisions.setdefault(row["resource"], []).append(hours)
    assert max(waits, key=lambda region: median(waits[region])) == log.truths["slow_region"]
    assert max(decisions, key=lambda who: sum(decisions[who])) == log.truths["slow_approver"]
    wins = win_rates(rows, "sales_rep")
    assert min(wins, key=wins.__getitem__) == log.truths["weak_rep"]
    wins = win_rates(rows, "lead_source")
    assert max(wins, key=wins.__getitem__) == log.truths["best_lead_source"]
    assert min(wins, key=wins.__getitem__) == log.truths["worst_lead_source"]


def win_rates(rows: list[dict[str, Any]], column: str) -> dict[str, float]:
    closed = {row["case_id"]: (row[column], row["is_won"]) for row in rows if row["is_won"] is not None}
    count = Counter(value for value, _ in closed.values())
    won = Counter(value for value, is_won in closed.values() if is_won)
    return {value: won[value] / count[value] for value in count}


def test_it_has_the_shape_of_a_real_log():
    log = lead_to_cash(20_000)
    traces: dict[str, list[str]] = {}
    for case_id, activity in zip(*(log.events[c].to_pylist() for c in ("case_id", "activity")), strict=True):
        traces.setdefault(case_id, []).append(activity)
    variants = Counter(map(tuple, traces.values()))
    assert 10 <= len(log.events) / len(traces) <= 13
    assert 0.05 <= variants.most_common(1)[0][1] / len(traces) <= 0.15
    assert 0.2 <= sum(count == 1 for count in variants.values()) / len(traces) <= 0.35


@pytest.mark.parametrize("language", ["de", "ja"])
def test_the_language_changes_only_the_activities(language: str):
    english, other = lead_to_cash(50, seed=2), lead_to_cash(50, seed=2, language=language)
    label = {activity_label(name): activity_label(name, language) for name in ACTIVITIES}
    assert other.events["activity"].to_pylist() == [label[a] for a in english.events["activity"].to_pylist()]
    assert other.events.drop_columns("activity").equals(english.events.drop_columns("activity"))


def test_dates_only_give_ties():
    by_day, exact = lead_to_cash(300, seed=2, precision="day"), lead_to_cash(300, seed=2)
    assert by_day.truths["tied_events"] > 1.5 * exact.truths["tied_events"]
    assert by_day.events["activity"].to_pylist() == exact.events["activity"].to_pylist()
    assert all(time.hour == time.second == 0 for time in by_day.events["timestamp"].to_pylist())


def test_what_cannot_be_made_is_refused():
    with pytest.raises(SchemaError, match="'xx': there are no labels"):
        lead_to_cash(10, language="xx")
    with pytest.raises(ValueError, match="opportunities are from 1"):
        lead_to_cash(0)
    with pytest.raises(ValueError, match="opportunities are from 1"):
        lead_to_cash(10**9)
    with pytest.raises(ValueError, match="seed is from 0"):
        lead_to_cash(10, seed=-1)
    with pytest.raises(ValueError, match="precision is one of second, minute, hour, day"):
        lead_to_cash(10, precision="week")


def test_examples():
    assert doctest.testmod(module).failed == 0
