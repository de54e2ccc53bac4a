"""What changes of a process would have saved: against a plain twin, by hand, and against what was planted."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

import logs
from dealtrace_engine.analyses.what_if import Cap, MakeLike, Remove, what_if
from dealtrace_engine.analyses.what_if_changes import applied, told
from dealtrace_engine.analyses.working_time import working_clock
from dealtrace_engine.calendar import Calendars, WorkingCalendar
from dealtrace_engine.errors import ArgumentError, Cancelled, SchemaError
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash
from naive import what_if as naive

ACTIVITIES = st.sets(st.sampled_from(sorted(logs.activity_name(number) for number in range(6))), min_size=1)


def known(events, names):
    there = {event.activity for event in events}
    return sorted(names & there) or [events[0].activity]


def cases_of(log):
    names = log.activities.to_pylist()
    return [
        [(names[log.activity_codes[e]], int(log.timestamps[e])) for e in range(first, last)]
        for first, last in zip(log.case_offsets[:-1].tolist(), log.case_offsets[1:].tolist(), strict=True)
    ]


def times_of(log, times):
    return [part.tolist() for part in np.split(times, log.case_offsets[1:-1])]


@given(logs.event_logs(), ACTIVITIES, ACTIVITIES, st.sampled_from([0, 1, 60_000_000, 10**13]))
def test_caps_are_those_of_the_twin(events, sources, targets, most):
    log = from_arrow(logs.table(events))
    sources, targets = known(events, sources), known(events, targets)
    found = applied(log, Cap(sources, targets, f"{most} us"), log.timestamps, 1)
    expected = [naive.capped(case, set(sources), set(targets), most) for case in cases_of(log)]
    assert times_of(log, found.timestamps) == [[time for _, time in case] for case in expected]
    pairs = [naive.pairs(case, set(sources), set(targets)) for case in cases_of(log)]
    assert found.segments == sum(map(len, pairs))


@given(logs.event_logs(), ACTIVITIES)
def test_removals_are_those_of_the_twin(events, names):
    log, names = from_arrow(logs.table(events)), known(events, names)
    found = applied(log, Remove(names), log.timestamps, 1)
    expected = [naive.removed(case, set(names)) for case in cases_of(log)]
    assert times_of(log, found.timestamps) == [[time for _, time in case] for case in expected]
    assert found.segments == sum(event.activity in names for event in events)


def small(days, *, group="x", amount=100.0, first=0):
    rows = {"case": [], "activity": [], "time": [], "group": [], "amount": []}
    for case, wait in enumerate(days):
        for activity, at in (("asked", 0), ("decided", wait), ("sent", wait + 1)):
            rows["case"].append(f"{group}{case}")
            rows["activity"].append(activity)
            rows["time"].append(logs.EPOCH_2024 + int((first + at) * logs.DAY))
            rows["group"].append(group)
            rows["amount"].append(amount)
    rows["time"] = pa.array(rows["time"], pa.timestamp("us", tz="UTC"))
    return pa.table(rows)


def test_a_cap_by_hand_in_days_and_in_cash():
    log = from_arrow(small([1, 2, 9, 10]))
    found = what_if(log, Cap("asked", "decided", "3 d"), value="amount", smallest=2)
    mean, median, cash = found.table.to_pylist()
    assert (mean["before"], mean["after"], mean["saved"], mean["changed"]) == (6.5, 3.25, 3.25, 2)
    assert (median["before"], median["after"]) == (6.5, 3.5)
    assert (cash["before"], cash["saved"], cash["unit"]) == (2600.0, 1300.0, "days x currency")
    assert mean["saved_low"] <= 3.25 <= mean["saved_high"]
    assert found.cases(0).to_pylist() == ["x2", "x3"]
    assert found.changes.to_pylist() == [
        {"change": "no more than 3d from asked to decided", "segments": 4, "changed": 2, "cases": 2,
         "saved_days": 13.0, "note": None},
    ]  # fmt: skip
    assert json.loads(found.to_json())["effects"][0]["saved"] == 3.25


OFFICE = WorkingCalendar("UTC", {"mon-fri": "09:00-17:00"}, holidays=["2024-01-02"])


@given(logs.event_logs(), ACTIVITIES, ACTIVITIES, st.sampled_from([0, 1, 60_000_000, 10**10]))
def test_by_a_calendar_they_are_those_of_the_twin(events, sources, targets, most):
    log = from_arrow(logs.table(events))
    sources, targets = known(events, sources), known(events, targets)
    clock = working_clock(log, OFFICE, log.span[0]).tolist()
    offsets = log.case_offsets.tolist()
    cases = [
        [(activity, time) for (activity, _), time in zip(case, clock[first:], strict=False)]
        for case, first in zip(cases_of(log), offsets[:-1], strict=True)
    ]
    capped = [naive.capped(case, set(sources), set(targets), most) for case in cases]
    found = what_if(log, Cap(sources, targets, f"{most} us"), calendar=OFFICE, smallest=1, samples=100)
    mean = found.table.to_pylist()[0]
    for column, part in (("before", cases), ("after", capped)):
        whole = sum(case[-1][1] - case[0][1] for case in part)
        assert mean[column] == pytest.approx(whole / len(part) / logs.DAY, abs=1e-12)


def test_working_time_by_hand():
    log = from_arrow(small([1, 2, 9, 10]))  # from Monday, 2024-01-01, midnight
    found = what_if(log, Cap("asked", "decided", "16 h"), calendar=OFFICE, end="decided", value="amount")
    rows = {row["measure"]: row for row in found.table.to_pylist()}
    assert (rows["mean_days"]["before"], rows["mean_days"]["after"]) == ((8 + 8 + 48 + 56) / 96, 48 / 96)
    # Two workdays end on Wednesday at 17:00: money that waited until Wednesday and Thursday week comes then.
    assert rows["cash_days"]["saved"] == pytest.approx(100 * (9 + 10 - 2 * (2 + 17 / 24)))
    assert rows["cash_days"]["before"] == pytest.approx(100 * (1 + 2 + 9 + 10))
    assert rows["median_days"]["unit"] == "days of 24 working hours"
    assert rows["cash_days"]["unit"] == "days x currency"
    assert found.changes["change"].to_pylist() == ["no more than 16h from asked to decided"]
    always = WorkingCalendar("UTC", {"mon-sun": "00:00-24:00"})
    changes = [Cap("asked", "decided", "4 d"), Remove("sent")]
    plain = what_if(log, changes, smallest=1, value="amount")
    always_told = what_if(log, changes, calendar=always, smallest=1, value="amount").table
    assert always_told.drop_columns("unit").equals(plain.table.drop_columns("unit"))
    with pytest.raises(ArgumentError, match="no calendar"):
        what_if(log, changes, calendar=Calendars({"y": OFFICE}, by="group"))


def test_cash_is_by_the_clock_where_times_are_of_work():
    """Also where a group gets longer, beyond the end of the log, and in the intervals."""
    table = pa.concat_tables([small(range(1, 31)), small(range(40, 70), group="y")])
    change = MakeLike("group", "x", "asked", "decided", like="y")
    asked = {"end": "decided", "by": "group", "value": "amount", "samples": 100}
    rows = [what_if(from_arrow(table), change, calendar=by, **asked).table.to_pylist()
            for by in (None, OFFICE)]  # fmt: skip
    clock, office = (one[-1] if one[-1]["group"] == "x" else one[2] for one in rows)
    assert (office["group"], office["measure"]) == ("x", "cash_days")
    assert office["before"] == clock["before"]
    assert office["after"] == pytest.approx(clock["after"], rel=0.03)  # work is done when the office closes
    assert office["saved_low"] == pytest.approx(clock["saved_low"], rel=0.1)
    assert office["saved_high"] == pytest.approx(clock["saved_high"], rel=0.1)
    assert [row["saved"] for row in rows[1] if row["group"] == "y"] == [0, 0, 0]


def test_changes_after_each_other_save_no_time_twice():
    log = from_arrow(small([10]))
    both = what_if(log, [Cap("asked", "decided", "4 d"), Cap("asked", "sent", "3 d")], smallest=1)
    assert both.table.to_pylist()[0]["after"] == 3.0
    assert both.changes.column("saved_days").to_pylist() == [6.0, 2.0]


def test_where_the_data_is_too_thin_it_says_so():
    found = what_if(from_arrow(small([1, 2, 9, 10])), Cap("asked", "decided", "3 d"))
    row = found.table.to_pylist()[0]
    assert row["saved"] == 3.25
    assert row["saved_low"] is None
    assert row["note"] == "not enough data: 2 changed cases, fewer than 30"


def test_a_group_made_like_another_gets_its_distribution():
    table = pa.concat_tables([small(range(40, 80)), small(range(1, 41), group="y")])
    change = MakeLike("group", "x", "asked", "decided", like="y")
    found = what_if(from_arrow(table), change, by="group")
    rows = {(row["group"], row["measure"]): row for row in found.table.to_pylist()}
    assert rows["x", "mean_days"]["after"] == rows["y", "mean_days"]["before"] == 21.5
    assert rows["x", "mean_days"]["saved_low"] < 39 < rows["x", "mean_days"]["saved_high"]
    assert rows["y", "mean_days"]["saved"] == 0
    thin = what_if(from_arrow(table), change, smallest=41)
    assert thin.changes.column("note").to_pylist() == ["not enough data: 40 times of 'x', fewer than 41"]


def test_a_group_made_like_its_best_quarter():
    quarters = [small([days] * 30, group="x", first=first).to_pandas() for days, first in ((9, 0), (4, 100))]
    for number, part in enumerate(quarters):
        part["case"] = [f"{number}-{case}" for case in part["case"]]
    log = from_arrow(pa.concat_tables([pa.Table.from_pandas(part) for part in quarters]))
    found = what_if(log, MakeLike("group", "x", "asked", "decided"))
    assert found.changes.column("note").to_pylist() == ["like 2024 Q2, the best of 2"]
    assert found.table.to_pylist()[0]["after"] == 5.0


def test_the_measured_time_and_the_cases_without_it():
    table = pa.concat_tables([small([5, 7]), small([3], group="y").slice(0, 2)])
    found = what_if(from_arrow(table), Remove("decided"), start="asked", end="sent", smallest=1)
    assert found.table.to_pylist()[0] | {"saved_low": 0, "saved_high": 0} == {
        "measure": "mean_days", "currency": None, "unit": "days", "cases": 2, "changed": 2, "before": 7.0,
        "after": 1.0, "saved": 6.0, "saved_low": 0, "saved_high": 0, "note": None,
    }  # fmt: skip
    assert [(one.count, one.reason[:18]) for one in found.findings] == [(1, "cases without the ")]


def test_currencies_are_told_apart():
    table = pa.concat_tables([small([5, 9]), small([5, 9], group="y", amount=7.0)])
    table = table.append_column("currency", pa.array(["EUR"] * 6 + ["USD"] * 6))
    found = what_if(from_arrow(table), Cap("asked", "decided", "5 d"), value="amount", smallest=1)
    cash = {row["currency"]: row["saved"] for row in found.table.to_pylist() if row["currency"]}
    assert cash == {"EUR": 400.0, "USD": 28.0}


@pytest.fixture(scope="module")
def synthetic():
    return from_arrow(lead_to_cash(1_500, seed=3).events)


DECIDED = ("discount_approval_approved", "discount_approval_rejected")


def test_the_slow_region_made_like_another_saves_what_was_planted(synthetic):
    changes = [
        MakeLike("region", "Nordics", "quote_issued", "quote_accepted", like="DACH"),
        Cap("discount_approval_requested", DECIDED, "1 d"),
    ]
    ends = {"start": "opportunity_created", "end": "opportunity_won"}
    found = what_if(synthetic, changes, **ends, by="region", samples=200)
    rows = [row for row in found.table.to_pylist() if row["measure"] == "mean_days"]
    best = max(rows, key=lambda row: row["saved"])
    assert best["region"] == "Nordics"
    assert 0 < best["saved_low"] < best["saved"] < best["saved_high"]


def test_the_same_for_any_threads_and_seeded(synthetic):
    changes = [MakeLike("region", "Nordics", "quote_issued", "quote_accepted", like="DACH")]
    one, two = (
        what_if(synthetic, changes, samples=100, threads=threads, value="amount") for threads in (1, 3)
    )
    assert one.table.equals(two.table)
    other = what_if(synthetic, changes, samples=100, seed=1)
    assert other.table.to_pylist()[0]["saved_low"] != one.table.to_pylist()[0]["saved_low"]


def test_the_order_in_which_cases_are_stored_does_not_matter():
    events = lead_to_cash(1_500, seed=3).events
    days = pc.floor_temporal(events["timestamp"], unit="day")  # so that many times are equal
    events = events.set_column(events.column_names.index("timestamp"), "timestamp", days)
    changes = [MakeLike("region", "Nordics", "quote_issued", "quote_accepted", like="DACH"),
               Cap("discount_approval_requested", DECIDED, "1 d")]  # fmt: skip
    one, two = (
        what_if(from_arrow(table), changes, samples=100, value="amount", by="region")
        for table in (events, logs.cases_shuffled(events))
    )
    assert one.table["saved_low"].null_count < one.table.num_rows
    assert one.table.equals(two.table)
    assert one.changes.equals(two.changes)


def test_bad_input_is_refused(synthetic):
    with pytest.raises(ArgumentError, match="no change"):
        what_if(synthetic, [])
    for wrong in (["faster"], "faster", None, 5):
        with pytest.raises(ArgumentError, match="Cap, Remove or MakeLike"):
            what_if(synthetic, wrong)
    for change, error in (
        (Remove(None), "activity: one name or several"), (Remove([]), "activity names no activity"),
        (Cap("quote_issued", 5, "1 d"), "target: one name or several"),
    ):  # fmt: skip
        with pytest.raises(ArgumentError, match=error):
            what_if(synthetic, change)
    with pytest.raises(ArgumentError, match="start: one name or several"):
        what_if(synthetic, Remove("quote_issued"), start=5)
    with pytest.raises(SchemaError, match="duration"):
        what_if(synthetic, Cap("quote_issued", "quote_accepted", "soon"))
    with pytest.raises(SchemaError, match="nearest: 'quote_issued'"):
        what_if(synthetic, Remove("quote_isued"))
    with pytest.raises(SchemaError, match="no region 'Nordic'; nearest: 'Nordics'"):
        what_if(synthetic, MakeLike("region", "Nordic", "quote_issued", "quote_accepted"))
    for wrong in ({"samples": 1}, {"confidence": 1.0}, {"confidence": "x"}, {"smallest": 0}, {"seed": -1}):
        with pytest.raises(ArgumentError):
            what_if(synthetic, Remove("quote_issued"), **wrong)
    with pytest.raises(Cancelled):
        what_if(synthetic, Remove("quote_issued"), progress=lambda *_: False)
    assert told(Remove(("a", "b"))) == "without a or b"
