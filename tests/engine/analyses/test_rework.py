"""Rework against a plain twin, by hand, and on logs where it was planted."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from unittest import mock

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import logs
from dealtrace_engine import parallel
from dealtrace_engine.analyses import repeated as repeated_module
from dealtrace_engine.analyses.automation import automation_candidates
from dealtrace_engine.analyses.bottlenecks import bottlenecks
from dealtrace_engine.analyses.rework import rework
from dealtrace_engine.analyses.working_time import working_clock
from dealtrace_engine.calendar import Calendars, WorkingCalendar
from dealtrace_engine.errors import ArgumentError, Cancelled, LogError, SchemaError
from dealtrace_engine.filters import where as w
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash
from naive import rework as naive

HAND = pa.table({
    "case": ["1"] * 6 + ["2"] * 3,
    "activity": ["quote", "quote", "revise", "quote", "win", "quote", "quote", "revise", "win"],
    "time": [f"2024-01-{day:02}" for day in (1, 2, 4, 7, 8, 9, 1, 2, 3)],
    "start": [f"2024-01-{day:02}" for day in (1, 1, 3, 7, 8, 8, 1, 2, 3)],
    "resource": ["Ann", "Ann", "Bo", "Cy", "Ann", None, "Ann", "Bo", "Bo"],
    "stage": ["Open", "Open", "Talks", "Talks", "Won", "Open", "Open", "Talks", "Won"],
    "amount": [50.0] * 6 + [8.0] * 3,
})  # fmt: skip
DAY = 86_400
OFFICE = WorkingCalendar("Europe/Berlin", {"mon-fri": ["08:00-12:00", "13:00-17:00"], "sun": "10:00-11:00"})


@pytest.fixture(scope="module")
def company():
    made = lead_to_cash(1_500, seed=3)
    return made, from_arrow(made.events)


def row_of(table, **wanted):
    (row,) = [row for row in table.to_pylist() if all(row[name] == value for name, value in wanted.items())]
    return row


@given(logs.event_logs(), st.sampled_from([1, 2, 3]), st.sampled_from([None, OFFICE]), st.data())
def test_equal_to_the_twin(events, threads, calendar, data):
    some = st.lists(st.sampled_from([None, "x", "y"]), min_size=len(events), max_size=len(events))
    who, where = data.draw(some), data.draw(some)
    table = logs.table(events)
    table = table.append_column("resource", pa.array(who, pa.string()))
    table = table.append_column("stage", pa.array(where, pa.string()))
    log = from_arrow(table)
    clock = log.timestamps if calendar is None else working_clock(log, calendar, 0)
    times = dict(zip(log.timestamps.tolist(), clock.tolist(), strict=True))
    cases = {
        name: [(event.activity, times[event.time_us], who[event.row], where[event.row]) for event in own]
        for name, own in logs.by_case(events).items()
    }
    with mock.patch.object(parallel, "EVENTS_PER_BLOCK", 4):
        found = rework(log, calendar=calendar, threads=threads)
        rows, by_case, kinds = found.table.to_pylist(), found.by_case.to_pylist(), found.kinds.to_pylist()
    told = {name: naive.repetitions(case) for name, case in cases.items()}
    for name, row in zip(cases, by_case, strict=True):
        again, returns, time = told[name]
        assert (row["case_id"], row["rework_events"], row["stage_returns"]) == (
            name,
            len(again),
            len(returns),
        )
        assert row["rework_s"] == time / 1e6
    counted = Counter(kind.kind for again, _, _ in told.values() for kind in again)
    assert sum(row["events"] for row in kinds if row["kind"] == "self_loop") == sum(
        counted[k] for k in range(3)
    )
    activities = {event[0] for case in cases.values() for event in case}
    tallies = {activity: naive.tally(list(cases.values()), activity) for activity in activities}
    assert {row["activity"] for row in rows} == {name for name, own in tallies.items() if any(own[3:])}
    for number, row in enumerate(rows):
        own = tallies[row["activity"]]
        assert [row["events"], row["cases"], row["rework_cases"]] == own[:3]
        assert (row["self_loops"], row["repetitions"]) == (sum(own[3:6]), sum(own[6:9]))
        assert (row["by_same"], row["by_other"]) == (own[3] + own[6], own[4] + own[7])
        spans = [longest(told[name][0], case, row["activity"]) for name, case in cases.items()]
        spans = [span for span in spans if span is not None]
        assert row["total_s"] == sum(spans) / 10**6
        assert row["p50_s"] == (np.percentile(np.array(spans) / 1e6, 50) if spans else None)
        of = {"rework": 0, "stage_return": 1}
        ids = {
            which: [name for name, case in cases.items()
                    if any(case[each[0]][0] == row["activity"] for each in told[name][at])]
            for which, at in of.items()
        }  # fmt: skip
        assert {which: found.cases(number, which).to_pylist() for which in of} == ids
        assert found.cases(number).to_pylist() == ids["rework"]
        assert len(ids["rework"]) == row["rework_cases"]


def longest(again, case, activity):
    spans = [each.span for each in again if case[each.place][0] == activity]
    return spans[-1] if spans else None


def test_by_hand():
    found = rework(from_arrow(HAND), value="amount", cost_per_hour=60)
    quote = row_of(found.table, activity="quote")
    assert (quote["events"], quote["cases"], quote["rework_events"], quote["rework_cases"]) == (5, 2, 3, 1)
    assert (quote["self_loops"], quote["repetitions"]) == (1, 2)
    assert (quote["by_same"], quote["by_other"], quote["by_unknown"]) == (1, 1, 1)
    assert (quote["total_s"], quote["value"], quote["cash_days"]) == (8 * DAY, 50.0, 400.0)
    assert (quote["service_s"], quote["cost"]) == (2 * DAY, 48 * 60.0)
    assert quote["stage_returns"] == 1
    assert found.by_case["rework_s"].to_pylist() == [8 * DAY, 0]
    assert row_of(found.kinds, kind="self_loop") == {
        "currency": None, "kind": "self_loop", "doer": "same", "events": 1, "cases": 1, "share": 0.5,
        "total_s": DAY, "value": 50.0,
    }  # fmt: skip
    assert row_of(found.kinds, kind="stage_return")["total_s"] == 5 * DAY  # Open was left on the 4th
    assert row_of(found.kinds, kind="repetition", doer=None)["total_s"] == 2 * DAY
    assert found.cases_of("repetition", "other").to_pylist() == ["1"]
    sides = [(row["direction"], row["neighbour"], row["share"]) for row in found.loops.to_pylist()]
    assert sides == [("in", "revise", 0.5), ("in", "win", 0.5), ("out", "revise", 0.5), ("out", "win", 0.5)]


def test_without_resources_stages_and_starts():
    found = rework(from_arrow(HAND.select(["case", "activity", "time"])), cost_per_hour=60)
    quote = row_of(found.table, activity="quote")
    assert (found.resource, found.stage, quote["by_unknown"]) == (None, None, 3)
    assert (quote["service_s"], quote["cost"], quote["stage_returns"]) == (None, None, 0)
    assert {row["doer"] for row in found.kinds.to_pylist()} == {None}


def test_the_stage_of_today_is_not_the_stage_of_the_event():
    table = HAND.rename_columns([{"stage": "stage_to"}.get(name, name) for name in HAND.column_names])
    table = table.append_column("stage", pa.array(["Open"] * 6 + ["Won"] * 3))
    found = rework(from_arrow(table))
    assert (found.stage, len(found.cases_of("stage_return"))) == ("stage_to", 1)
    assert rework(from_arrow(table.drop_columns("stage_to"))).stage is None


def test_planted_rework_is_found(company):
    made, log = company
    truths, found = made.truths, rework(log, value="amount")
    revised = row_of(found.table, activity="Quote Revised")
    assert (revised["events"], revised["cases"]) == (truths["quote_revisions"], truths["revision_loops"])
    issued = row_of(found.table, activity="Quote/Proposal Issued")
    assert (issued["rework_events"], issued["rework_cases"]) == (
        truths["quote_revisions"], truths["revision_loops"],
    )  # fmt: skip
    assert found.table["activity"][0].as_py() == "Quote/Proposal Issued"  # the planted loop is the first
    delivered = row_of(found.table, activity="Order Fulfilled/Service Delivered")
    assert delivered["rework_cases"] == truths["redelivered"]
    assert 0 < row_of(found.table, activity="Invoice Generated")["rework_cases"] <= truths["rebilled"]
    assert len(found.cases_of("stage_return")) == truths["reopened"]
    loop = found.loops.to_pylist()[0]
    assert (loop["activity"], loop["direction"], loop["neighbour"]) == (
        "Quote/Proposal Issued", "in", "Quote Revised",
    )  # fmt: skip
    assert loop["cases"] == truths["revision_loops"]


def test_rows_by_group_add_up(company):
    _, log = company
    whole, by = rework(log), rework(log, by="region")
    for name in ("rework_events", "rework_cases", "stage_returns"):
        assert sum(by.table[name].to_pylist()) == sum(whole.table[name].to_pylist())
    assert sum(by.kinds["events"].to_pylist()) == sum(whole.kinds["events"].to_pylist())
    assert sum(by.loops["count"].to_pylist()) == sum(whole.loops["count"].to_pylist())


def test_working_time():
    office = WorkingCalendar("UTC", {"mon-fri": "08:00-16:00"})  # from Monday, the 1st
    log = from_arrow(HAND)
    found = rework(log, calendar=office, value="amount", cost_per_hour=60)
    plain = rework(log, value="amount", cost_per_hour=60)
    quote, clock = (row_of(one.table, activity="quote") for one in (found, plain))
    assert quote["total_s"] == 6 * 8 * 3600  # of the first case, to the 9th
    assert (quote["service_s"], quote["cost"]) == (2 * 8 * 3600, 2 * 8 * 60.0)
    assert clock["total_s"] == 8 * DAY
    assert quote["cash_days"] == clock["cash_days"] == 8 * 50.0  # whatever the calendar
    self_loop = row_of(found.kinds, kind="self_loop")
    assert self_loop["total_s"] == 8 * 3600
    assert row_of(found.by_case, case_id="1")["rework_s"] == 6 * 8 * 3600
    assert row_of(found.automation, activity="quote")["total_s"] == 8 * 3600
    assert pickle.loads(pickle.dumps(found)).to_json() == found.to_json()
    always = WorkingCalendar("UTC", {"mon-sun": "00:00-24:00"})
    assert rework(log, calendar=always, value="amount", cost_per_hour=60).to_json() == plain.to_json()
    with pytest.raises(ArgumentError, match="no calendar"):
        rework(log, calendar=Calendars({50.0: office}, by="amount"))


def test_currencies_are_rows_of_their_own():
    table = HAND.append_column("currency", pa.array(["USD"] * 6 + ["EUR"] * 3))
    rows = rework(from_arrow(table), value="amount").kinds.to_pylist()
    assert {row["currency"] for row in rows} == {"USD"}


def steps(gaps, resource="Ann"):
    times = np.cumsum([0, *gaps]) * logs.SECOND
    events = [(str(n), "save", int(t)) for n in range(3) for t in times]
    table = logs.table(logs.log(*events))
    return from_arrow(table.append_column("resource", pa.array([resource] * len(events))))


def test_redundant_steps():
    (row,) = rework(steps([60, 60, 60])).redundant().to_pylist()
    assert (row["count"], row["cases"], row["p50_s"], row["redundant"]) == (9, 3, 60, True)
    assert (row["quick_count"], row["quick_share"], row["share"]) == (9, 1.0, 9 / 12)
    (row,) = rework(steps([60, 60, 60])).redundant(within_s=59).to_pylist()
    assert (row["redundant"], row["quick_count"]) == (False, 0)
    (row,) = rework(steps([60])).redundant().to_pylist()
    assert (row["redundant"], row["note"]) == (None, "fewer than 5 times")
    assert len(rework(steps([60, 60, 60], None)).redundant()) == 0
    with pytest.raises(ArgumentError, match="from 0"):
        rework(steps([60])).redundant(within_s=float("nan"))


def test_automation_candidates(company):
    made, log = company
    rows = rework(log).automation
    sent = row_of(rows, activity="Invoice Sent to Customer")
    assert sent["manual_events"] == made.truths["invoices_sent_by_hand"]
    assert sent["events"] - sent["manual_events"] == made.truths["invoices_sent_by_machine"]
    for row in rows.to_pylist():
        if row["score"] is not None:
            parts = [row[name] for name in ("volume", "manual", "timing", "path")]
            assert row["score"] == np.prod(parts)
            assert all(0 <= part <= 1 for part in parts)
    scores = [row["score"] for row in rows.to_pylist() if row["score"] is not None]
    assert scores == sorted(scores, reverse=True)
    assert rows["score"].to_pylist()[: len(scores)] == scores
    everybody = log.attribute("resource").values.dictionary.to_pylist()
    nobody = automation_candidates(log, machines=everybody)
    assert set(nobody["manual_events"].to_pylist()) == {0}
    assert set(nobody["note"].to_pylist()) == {"fewer than 5 times by people"}
    unknown = automation_candidates(log, resource=None, where=w.case("region") == "DACH")
    assert set(unknown["note"].to_pylist()) == {"the log does not say who"}
    assert set(unknown["score"].to_pylist()) == {None}


def test_automation_with_very_many_activities_or_people(company):
    _, log = company
    module = "dealtrace_engine.analyses.automation"
    with mock.patch(f"{module}.MOST_ACTIVITIES", 0), mock.patch(f"{module}.MOST_PAIRS", 0):
        found = automation_candidates(log)
    assert found.equals(automation_candidates(log))


def test_automation_where_who_is_not_known():
    resources = pa.array(["Ann", None, "Robot", None], pa.string())
    log = from_arrow(logs.table(logs.log(*[(str(n), "save", n) for n in range(4)])).append_column(
        "resource", resources))  # fmt: skip
    assert rework(log).automation["manual_events"].to_pylist() == [1]  # the last who is known is no person
    for nobody in (
        rework(steps([60, 60, 60], pa.scalar(None, pa.string()))),
        rework(log, where=w.case_id("1", "3")),
    ):
        assert nobody.to_dict()["automation"][0]["note"] == "the log does not say who"
        assert nobody.automation["manual_events"].to_pylist() == [0]


def test_automation_by_working_time_where_starts_are_known():
    rows = automation_candidates(from_arrow(HAND))
    assert row_of(rows, activity="quote")["total_s"] == DAY  # Ann's second one, the others took no time


def test_the_same_whatever_the_threads(company):
    _, log = company
    found = [rework(log, by="segment", value="amount", threads=n).to_json() for n in (1, 2, 5)]
    assert len(set(found)) == 1
    assert "NaN" not in found[0]


def test_nothing_is_done_again():
    found = rework(from_arrow(logs.table(logs.BY_HAND["one-event cases"])))
    content = json.loads(found.to_json())
    assert [content[name] for name in ("table", "kinds", "loops", "redundant")] == [[]] * 4
    assert len(found.by_case) == 50


def test_bad_questions(company):
    _, log = company
    with pytest.raises(SchemaError, match="nearest"):
        rework(log, stage="stags")
    with pytest.raises(SchemaError, match="varies within cases"):
        rework(log, by="stage")
    for cost in (-1, "x"):
        with pytest.raises(ArgumentError, match="an hour costs"):
            rework(log, cost_per_hour=cost)
    for within in ("x", None):
        with pytest.raises(ArgumentError, match="from 0"):
            rework(log).redundant(within)
    with pytest.raises(ArgumentError, match="no row True"):
        rework(log).cases(True)
    with pytest.raises(ArgumentError, match="'rework' or 'stage_return', got 'all'"):
        rework(log).cases(0, "all")
    with pytest.raises(ArgumentError, match="no rework of kind"):
        rework(log).cases_of("loops")
    with pytest.raises(LogError):
        rework(log, where=w.case("region") == "Atlantis")
    with (
        mock.patch.object(repeated_module, "MOST_ROWS", 10),
        pytest.raises(ArgumentError, match="fewer values"),
    ):
        rework(log)
    with pytest.raises(Cancelled):
        rework(log, progress=lambda *_: False)


def test_pickled_they_still_answer(company):
    _, log = company
    for made in (rework(log, value="amount"), bottlenecks(log, value="amount")):
        again = pickle.loads(pickle.dumps(made))
        assert again.to_json() == made.to_json()
        assert again.cases(0).equals(made.cases(0))
