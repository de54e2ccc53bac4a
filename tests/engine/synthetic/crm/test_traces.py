"""Which events leave a trace in which tables."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from dealtrace_engine.synthetic.crm.salesforce_traces import TRACES
from dealtrace_engine.synthetic.crm.traces import Trace, traced

AT, LATER = datetime(2025, 3, 4, 23, 5, 6, tzinfo=UTC), datetime(2025, 3, 5, 1, 0, 0, tzinfo=UTC)
EVENTS = pl.DataFrame({"record_id": ["a", "b", None], "timestamp": [AT, AT, AT]})


def told(events, tables, *traces):
    found = traced(events, tables, traces)
    return found.select("derivable", "precision", "note").rows()


def history(**columns):
    return {"History": pl.DataFrame({"Parent": ["a"], "CreatedDate": [AT], "Field": ["Status"], **columns})}


STATUS = Trace("History", "Parent", "CreatedDate", column="Field", values=("Status",))


def test_a_row_of_the_record_at_the_time():
    assert told(EVENTS, history(), STATUS) == [
        (True, "instant", "History.CreatedDate"),
        (False, None, "no row of History tells it"),
        (False, None, "no row of History tells it"),
    ]


@pytest.mark.parametrize("wrong", [{"Parent": ["c"]}, {"CreatedDate": [LATER]}, {"Field": ["Owner"]}])
def test_another_record_time_or_field_is_no_trace(wrong):
    assert [row[0] for row in told(EVENTS, history(**wrong), STATUS)] == [False] * 3


def test_fractions_of_a_second_do_not_count():
    assert told(EVENTS, history(CreatedDate=[AT.replace(microsecond=99)]), STATUS)[0][0]


def test_the_best_trace_wins_and_a_day_is_less_than_an_instant():
    day = Trace("Record", "Id", "ClosedDay", "date")
    tables = history() | {"Record": pl.DataFrame({"Id": ["a", "b"], "ClosedDay": [AT.date(), AT.date()]})}
    assert [row[1] for row in told(EVENTS, tables, STATUS, day)] == ["instant", "date", None]
    assert told(EVENTS, tables, day, STATUS)[0][1] == "date"
    tables["Record"] = tables["Record"].with_columns(ClosedDay=pl.lit(date(2025, 3, 5)))
    assert [row[1] for row in told(EVENTS, tables, day)] == [None] * 3


def test_a_record_that_is_reached_through_another():
    step = Trace("Step", "InstanceId", "CreatedDate", via=("Instance", "Id", "Target"))
    tables = {
        "Step": pl.DataFrame({"InstanceId": ["i", "j"], "CreatedDate": [AT, AT]}),
        "Instance": pl.DataFrame({"Id": ["i"], "Target": ["b"]}),
    }
    assert [row[0] for row in told(EVENTS, tables, step)] == [False, True, False]
    assert told(EVENTS, {"Step": tables["Step"]}, step)[0][2] == "the export has no Step"


def test_why_there_is_none():
    assert told(EVENTS, {}, STATUS)[0] == (False, None, "the export has no History")
    assert told(EVENTS, {"History": pl.DataFrame({"Parent": ["a"]})}, STATUS)[0][0] is False
    assert told(EVENTS, {}) == [(False, None, "the system does not record it")] * 3


def test_twice_the_same_row_is_one_trace():
    doubled = {"History": pl.concat([history()["History"]] * 2)}
    assert traced(EVENTS, doubled, [STATUS]).height == EVENTS.height


def test_every_activity_of_the_truth_is_looked_for():
    from dealtrace_engine.synthetic.crm.facts import facts

    assert set(facts(400, seed=2)["truth"]["activity"].unique()) <= set(TRACES)
