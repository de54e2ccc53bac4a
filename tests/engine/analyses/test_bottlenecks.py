"""Bottlenecks against a plain twin, by hand, and on logs where they were planted."""

from __future__ import annotations

import datetime
import json
import pickle
from collections import Counter
from fractions import Fraction
from itertools import pairwise
from unittest import mock

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

import logs
from dealtrace_engine import parallel
from dealtrace_engine.analyses import waits as waits_module
from dealtrace_engine.analyses.bottlenecks import bottlenecks
from dealtrace_engine.calendar import Calendars, WorkingCalendar
from dealtrace_engine.errors import ArgumentError, Cancelled, LogError, SchemaError
from dealtrace_engine.filters import where as w
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash
from naive import bottlenecks as naive

DAYS = [f"2024-01-{day:02}" for day in range(1, 31)]
HAND = pa.table({
    "case": ["1", "1", "1", "2", "2", "3"],
    "activity": ["ask", "approve", "sign", "ask", "approve", "ask"],
    "time": [DAYS[0], DAYS[4], DAYS[5], DAYS[0], DAYS[2], DAYS[9]],
    "start": [DAYS[0], DAYS[3], DAYS[2], None, DAYS[9], DAYS[9]],
    "amount": [100.0, 100.0, 100.0, -10.0, -10.0, None],
    "currency": ["EUR", "EUR", "EUR", "USD", "USD", "EUR"],
    "boss": ["Ann", "Bo", "Bo", "Cy", None, "Ann"],
})  # fmt: skip

INSTANTS = HAND.drop_columns("start")


@pytest.fixture(scope="module")
def company():
    made = lead_to_cash(1_500, seed=3)
    return made, from_arrow(made.events)


def amounts_of(cases, seed):
    rng = np.random.default_rng(seed)
    return {
        case: Fraction(int(n), 4) for case, n in zip(cases, rng.integers(-9, 10**9, len(cases)), strict=True)
    }


@given(logs.event_logs(), st.sampled_from([1, 2, 3]), st.integers(0, 9), st.booleans())
def test_equal_to_the_twin(events, threads, seed, looked_up):
    cases = {
        case: [(e.activity, e.time_us, e.time_us) for e in own] for case, own in logs.by_case(events).items()
    }
    amounts = amounts_of(cases, seed)
    rows = sorted(events, key=lambda event: event.row)
    log = from_arrow(
        logs.table(events).append_column("amount", pa.array([float(amounts[e.case]) for e in rows]))
    )
    with (
        mock.patch.object(parallel, "EVENTS_PER_BLOCK", 4),
        mock.patch.object(waits_module, "MOST_ACTIVITIES", 99 if looked_up else 0),
    ):
        found = bottlenecks(log, value="amount", threads=threads)
        table = found.table.to_pylist()
    expected = naive.waits(cases)
    assert {(row["source"], row["target"]) for row in table} == set(expected)
    whole = sum(time for own in expected.values() for _, time in own)
    for number, row in enumerate(table):
        own = expected[row["source"], row["target"]]
        told = naive.row(own, amounts)
        assert {name: row[name] for name in told} == told
        share = sum(time for _, time in own)
        assert row["share"] == (share / whole if whole else None)
        assert set(found.cases(number).to_pylist()) == {case for case, _ in own}
    ranks = [(-row["cash_days"], -row["total_s"], row["source"], row["target"]) for row in table]
    assert ranks == sorted(ranks)


def test_waiting_and_service_apart():
    log = from_arrow(HAND, start_timestamp="start")
    found = bottlenecks(log, resource="boss")
    rows = {(row["source"], row["target"]): row for row in found.table.to_pylist()}
    asked, signed = rows["ask", "approve"], rows["approve", "sign"]
    assert (asked["count"], asked["total_s"]) == (
        2,
        5 * 86_400,
    )  # 3 days, and 2 with a start that is too late
    assert (asked["service_count"], asked["service_total_s"], asked["service_p50_s"]) == (1, 86_400, 86_400)
    assert (signed["total_s"], signed["service_total_s"]) == (0, 3 * 86_400)  # it started before
    assert [(finding.reason, finding.count) for finding in found.findings] == [
        ("no start timestamp", 1), ("start timestamp after the end", 1),
    ]  # fmt: skip
    without = bottlenecks(from_arrow(INSTANTS), resource=None).table
    assert without["service_total_s"].null_count == len(without)


def test_working_time():
    office = WorkingCalendar("UTC", {"mon-fri": "08:00-16:00"})
    log = from_arrow(HAND)  # from Monday, the 1st
    found = bottlenecks(log, calendar=office, value="amount", resource="boss")
    rows = {(row["source"], row["currency"]): row for row in found.table.to_pylist()}
    hours = [rows["ask", currency]["total_s"] / 3600 for currency in ("EUR", "USD")]
    assert hours == [3 * 8, 2 * 8]
    assert rows["ask", "EUR"]["cash_days"] == 300  # whatever the calendar
    assert rows["approve", "EUR"]["service_total_s"] == 3 * 8 * 3600
    assert [row["cash_days"] for row in found.resources.table.to_pylist()] == [300, 0, -20]
    assert pickle.loads(pickle.dumps(found)).to_json() == found.to_json()
    without = Calendars({"EUR": office}, by="currency")
    with pytest.raises(ArgumentError, match="calendar"):
        bottlenecks(log, calendar=without)


def test_currencies_are_rows_of_their_own():
    found = bottlenecks(from_arrow(INSTANTS), value="amount", resource=None)
    rows = [(r["currency"], r["source"], r["cash_days"]) for r in found.table.to_pylist()]
    assert rows == [("EUR", "ask", 400.0), ("EUR", "approve", 100.0), ("USD", "ask", -20.0)]
    assert [finding.reason for finding in found.findings] == [
        "no amount in 'amount'", "amount below zero in 'amount'",
    ]  # fmt: skip
    by = bottlenecks(from_arrow(INSTANTS), value="amount", by="currency", resource=None).table
    assert by["currency"].to_pylist() == ["EUR", "EUR", "USD"]


def test_the_slow_approver_is_first_among_approvers(company):
    made, log = company
    found = bottlenecks(log, value="amount").resources
    decided = [
        row for row in found.table.to_pylist() if row["target"] in ("Discount Approved", "Discount Rejected")
    ]
    slow = [row for row in decided if row["resource"] == made.truths["slow_approver"]]
    assert sum(row["count"] for row in slow) == made.truths["slow_approver_decisions"]
    assert decided[0] == slow[0]
    assert 2.5 < slow[0]["p50_s"] / slow[0]["others_p50_s"] < 12  # six times the pace of the others, planted
    place = found.table.to_pylist().index(slow[0])
    assert len(found.cases(place)) == slow[0]["cases"]


def test_the_slow_region_waits_longest(company):
    made, log = company
    rows = bottlenecks(log).at("region").table.to_pylist()
    issued = [
        row for row in rows if row["target"] == "Quote/Proposal Issued" and row["source"] == "Quote Created"
    ]
    assert issued[0]["region"] == made.truths["slow_region"]


def test_excess_over_the_others_equal_to_numpy(company):
    _, log = company
    frame = log.to_polars(["resource"])
    rows = [row for row in bottlenecks(log).resources.table.to_pylist() if row["note"] is None]
    assert len(rows) > 10
    cases = frame.rows()
    waits = [(a[1], b[1], b[3], (b[2] - a[2]).total_seconds()) for a, b in pairwise(cases) if a[0] == b[0]]
    for row in rows[:30]:
        edge = [each for each in waits if each[:2] == (row["source"], row["target"])]
        mine = sorted(each[3] for each in edge if each[2] == row["resource"])
        theirs = sorted(each[3] for each in edge if each[2] not in (row["resource"], None))
        own, others = np.median(mine), np.median(theirs)
        assert (row["p50_s"], row["others_p50_s"], row["excess_s"]) == (own, others, own - others)
        low, high = (int(binom.ppf(0.025 / len(rows), len(one), 0.5)) for one in (mine, theirs))
        if high == 0:
            assert row["excess_low_s"] is None
        else:
            ends = mine[low - 1] if low else 0.0, theirs[-high]
            limit = own - others - np.hypot(own - ends[0], ends[1] - others)
            assert row["excess_low_s"] == pytest.approx(limit)


def test_those_that_are_not_compared_are_ranked_by_what_waits(company):
    _, log = company
    for value, ranked_by in ((None, "total_s"), ("amount", "cash_days")):
        places = bottlenecks(log, value=value).departments
        rows = [row for row in places.table.to_pylist() if row["excess_s"] is None]
        ranks = [(row.get("currency") or "", -row[ranked_by]) for row in rows]
        assert len(ranks) > 10
        assert ranks == sorted(ranks)
        totals, every = places.totals.to_pylist(), bottlenecks(log, value=value).table
        assert sum(row["count"] for row in totals) == sum(every["count"].to_pylist())
        assert sum(row["total_s"] for row in totals) == pytest.approx(sum(every["total_s"].to_pylist()))
        ranks = [(row.get("currency") or "", -row[ranked_by]) for row in totals]
        assert ranks == sorted(ranks)
    frame = log.to_polars(["department"]).rows()
    waits = [(b[3], b[0]) for a, b in pairwise(frame) if a[0] == b[0]]
    own = bottlenecks(log).departments.totals.to_pylist()
    assert {row["department"]: row["count"] for row in own} == Counter(team for team, _ in waits)
    assert {row["department"]: row["cases"] for row in own} == Counter(team for team, _ in set(waits))


def test_service_of_every_activity():
    rows = {row["activity"]: row for row in bottlenecks(from_arrow(HAND)).service.to_pylist()}
    assert list(rows) == ["sign", "approve", "ask"]
    shown = {name: (r["count"], r["cases"], r["total_s"], r["share"]) for name, r in rows.items()}
    assert shown == {
        "ask": (2, 2, 0, 0), "approve": (1, 1, 86_400, 0.25), "sign": (1, 1, 3 * 86_400, 0.75),
    }  # fmt: skip
    assert rows["sign"]["p50_s"] == rows["sign"]["mean_s"] == 3 * 86_400
    office = WorkingCalendar("UTC", {"mon-fri": "08:00-16:00"})
    worked = bottlenecks(from_arrow(HAND), calendar=office, by="currency").service.to_pylist()
    assert [(row["currency"], row["activity"], row["total_s"]) for row in worked][:2] == [
        ("EUR", "sign", 3 * 8 * 3600), ("EUR", "approve", 8 * 3600),
    ]  # fmt: skip
    assert bottlenecks(from_arrow(INSTANTS)).service.num_rows == 0


def test_those_with_few_waits_are_not_compared():
    found = bottlenecks(from_arrow(INSTANTS), resource="boss").resources
    rows = {(row["source"], row["boss"]): row for row in found.table.to_pylist()}
    assert {row["note"] for row in rows.values()} == {"fewer than 5 waits", "not known"}
    assert rows["ask", "Bo"]["others_p50_s"] is None  # nobody else is named
    assert rows["ask", None]["excess_s"] is None
    assert rows["approve", "Bo"]["others_p50_s"] is None


def test_nobody_is_compared_with_a_system_or_with_the_unnamed():
    days = {"Ann": (2, 9), "Bo": (4, 4), "bot": (0, 0), None: (30, 30)}
    rng = np.random.default_rng(1)
    rows = [
        (f"{who} {n}", activity, datetime.datetime(2024, 1, 1) + datetime.timedelta(days=day), resource)
        for who, (first, last) in days.items() for n, wait in enumerate(rng.uniform(first, last, 40))
        for activity, day, resource in (("ask", 0, "Cy"), ("approve", wait, who))
    ]  # fmt: skip
    names = ["case", "activity", "time", "resource"]
    log = from_arrow(pa.table(dict(zip(names, zip(*rows, strict=True), strict=True))))
    table = bottlenecks(log).resources.table.to_pylist()
    assert [(row["resource"], row["note"]) for row in table] == [
        ("Ann", None), ("Bo", None), (None, "not known"), ("bot", "done at once"),
    ]  # fmt: skip
    ann, bo, *rest = table
    assert (ann["others_p50_s"], bo["others_p50_s"]) == (bo["p50_s"], ann["p50_s"])
    assert 0 < ann["excess_low_s"] < ann["excess_s"] == -bo["excess_s"]
    assert bo["excess_low_s"] < bo["excess_s"]
    assert {row[name] for row in rest for name in ("others_p50_s", "excess_s", "excess_low_s")} == {None}


def test_the_same_whatever_the_threads(company):
    _, log = company
    with mock.patch.object(parallel, "EVENTS_PER_BLOCK", 500):
        found = [bottlenecks(log, by=["region"], value="amount", threads=n).to_json() for n in (1, 2, 5)]
    assert len(set(found)) == 1
    assert "NaN" not in found[0]


def test_a_log_in_which_nothing_waits():
    log = from_arrow(logs.table(logs.BY_HAND["one-event cases"]))
    found = bottlenecks(log)
    assert (len(found.table), found.resources, found.queues().num_rows) == (0, None, 0)
    assert json.loads(found.to_json())["table"] == []
    with pytest.raises(ArgumentError, match="no row"):
        found.cases(0)


def test_nobody_at_all():
    table = logs.table(logs.BY_HAND["one-event cases"])
    found = bottlenecks(from_arrow(table.append_column("resource", pa.nulls(50, pa.string()))))
    assert len(found.resources.table) == 0


def test_where_and_bad_questions(company):
    _, log = company
    assert bottlenecks(log, where=w.case("region") == "DACH").log_fingerprint != log.fingerprint
    with pytest.raises(SchemaError, match="nearest"):
        bottlenecks(log, resource="resourse")
    with pytest.raises(SchemaError, match="varies within cases"):
        bottlenecks(log, by="stage")
    with pytest.raises(SchemaError, match="no amounts"):
        bottlenecks(log, value="region")
    with pytest.raises(LogError):
        bottlenecks(log, where=w.case("region") == "Atlantis")
    with pytest.raises(ArgumentError, match="'day' or 'week'"):
        bottlenecks(log).queues("month")
    with pytest.raises(SchemaError, match="no activity"):
        bottlenecks(log).work_in_progress(ends=["Quote Acepted"])
    with pytest.raises(SchemaError, match="told twice"):
        bottlenecks(log, by="region").at("region")
    with mock.patch.object(waits_module, "MOST_ROWS", 10), pytest.raises(ArgumentError, match="fewer values"):
        bottlenecks(log, by="region")
    with pytest.raises(Cancelled):
        bottlenecks(log, progress=lambda *_: False)


def test_many_people_are_told_by_sorting(company):
    _, log = company
    found = bottlenecks(log)
    with mock.patch("dealtrace_engine.analyses.waiting_places.MOST_ROWS", 10):
        assert found.at("resource").table.equals(bottlenecks(log).resources.table)
