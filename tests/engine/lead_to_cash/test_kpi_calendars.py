"""Times of KPIs by working calendars."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from deal_logs import log_of, row
from dealtrace_engine.analyses.working_time import working_clock
from dealtrace_engine.calendar import Calendars, WorkingCalendar
from dealtrace_engine.errors import ArgumentError, SchemaError
from dealtrace_engine.filters import where as w
from dealtrace_engine.lead_to_cash.kpi_comparison import compare_periods
from dealtrace_engine.lead_to_cash.kpi_registry import REGISTRY
from dealtrace_engine.lead_to_cash.kpis import kpis
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash
from naive import working_time as naive

HOURS = {"mon-thu": ["08:00-12:00", "13:00-17:00"], "fri": "08:00-13:00"}
SHIFTS = {**{day: [(480, 720), (780, 1020)] for day in range(4)}, 4: [(480, 780)]}
BERLIN = WorkingCalendar("Europe/Berlin", HOURS)
ALWAYS = WorkingCalendar("UTC", {"mon-sun": "00:00-24:00"})


@pytest.fixture(scope="module")
def company():
    return from_arrow(lead_to_cash(300, seed=4).events)


def test_by_hand():
    log = log_of(  # the epoch was a Thursday
        ("a", "opportunity_created", 0), ("a", "opportunity_won", 7),
        ("b", "opportunity_created", 0), ("b", "opportunity_won", 14),
        ("c", "opportunity_created", 3), ("c", "opportunity_lost", 4), ("d", "opportunity_created", 2),
        zone={"a": "east", "b": "east", "c": "west", "d": "west"},
    )  # fmt: skip
    office = WorkingCalendar("UTC", {"mon-fri": "09:00-17:00"}, holidays=["1970-01-05"])
    found = row(kpis(log, "K1.w", calendar=office, targets={"K1.w": 2.0}), "K1.w")
    assert found["value"] == (4 + 9) / 2 / 3
    assert (found["cases"], found["numerator"], found["open"], found["met"]) == (4, 2, 1, False)
    assert row(kpis(log, "K18.t", calendar=office), "K18.t")["value"] == 0  # a Sunday
    each = Calendars({"east": ALWAYS}, by="zone", default=office)
    assert row(kpis(log, "K1.w", calendar=each), "K1.w")["value"] == 10.5
    only_east = kpis(
        log, "K1.w", calendar=Calendars({"east": office}, "zone"), where=w.case("zone") == "east"
    )
    assert only_east.table["value"].to_pylist() == [(4 + 9) / 2 / 3]


def test_equal_to_minutes_that_are_counted(company):
    spans = (
        pl.DataFrame(company.to_arrow())
        .filter(pl.col("activity").is_in(["Opportunity Created", "Opportunity Closed Won"]))
        .group_by("case_id", "activity").agg(pl.col("timestamp").min().dt.truncate("1m"))
    )  # fmt: skip
    made, won = (spans.filter(activity=a) for a in ("Opportunity Created", "Opportunity Closed Won"))
    pairs = made.join(won, on="case_id").filter(pl.col("timestamp") <= pl.col("timestamp_right")).rows()
    told = [naive.elapsed(start, end, "Europe/Berlin", SHIFTS) for _, _, start, _, end in pairs[:25]]
    some = company.filter(w.case_id(*[pair[0] for pair in pairs[:25]]))
    found = row(kpis(some, "K1.w", calendar=BERLIN), "K1.w")
    assert found["numerator"] == 25
    assert found["value"] == pytest.approx(np.median(told) / 1440, abs=2 / 1440)


def test_only_times_change(company):
    plain = kpis(company, value="amount").table.to_pylist()
    always = kpis(company, value="amount", calendar=ALWAYS).table
    assert always.drop_columns("note").equals(kpis(company, value="amount").table.drop_columns("note"))
    office = kpis(company, value="amount", calendar=BERLIN, threads=3).table
    assert office.equals(kpis(company, value="amount", calendar=BERLIN, threads=1).table)
    shorter = 0
    for kpi, one, other in zip(REGISTRY, plain, office.to_pylist(), strict=True):
        if kpi.kind == "median" and one["value"]:
            shorter += other["value"] < one["value"] / 2
            assert "working time, in days of 24 hours" in other["note"]
            times = {"value", "low", "high", "met", "note"}
            assert {k: v for k, v in one.items() if k not in times} == {
                k: v for k, v in other.items() if k not in times
            }
        else:
            assert one == other
    assert shorter > 15


def test_before_and_after(company):
    at = "2024-07-01"
    plain = compare_periods(company, at, ["K1.w", "K18.w"]).table
    assert compare_periods(company, at, ["K1.w", "K18.w"], calendar=ALWAYS).table.equals(plain)
    told = {one["id"]: one for one in compare_periods(company, at, "K1", calendar=BERLIN).table.to_pylist()}
    clock = {one["id"]: one for one in compare_periods(company, at, "K1").table.to_pylist()}
    assert told["K1.w"]["before"] < clock["K1.w"]["before"] / 2
    assert told["K1.w"]["cases_before"] == clock["K1.w"]["cases_before"]


def test_a_clock_of_work_shows_the_time_where_it_is_set(company):
    at = int(company.timestamps[7])
    clock = working_clock(company, BERLIN, at)
    assert clock[7] == at
    other = working_clock(company, BERLIN, company.span[1] + 10**12, threads=1)
    assert (np.unique(other - clock)).size == 1
    assert (np.diff(clock)[np.diff(company.timestamps) >= 0] >= 0).all()


def test_bad_calendars(company):
    with pytest.raises(ArgumentError, match="no calendar for"):
        kpis(company, "K18.w", calendar=Calendars({"Mars": BERLIN}, by="region"))
    with pytest.raises(ArgumentError, match="a calendar is"):
        kpis(company, "K1", calendar="9-17")
    with pytest.raises(SchemaError):
        kpis(company, "K1", calendar=Calendars({"Mars": BERLIN}, by="regoin"))
