"""How long cases take with the open ones: hand-made logs, cohorts, ageing, and bad input."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from unittest import mock

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import CensoredData, ecdf

import logs
from dealtrace_engine import parallel
from dealtrace_engine.analyses.segment_ends import SegmentEnd
from dealtrace_engine.analyses.survival import survival
from dealtrace_engine.calendar import WorkingCalendar
from dealtrace_engine.coverage import Coverage
from dealtrace_engine.errors import ArgumentError, Cancelled, SchemaError
from dealtrace_engine.filters import where as w
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash
from naive import survival as naive

DAY = 86_400
ENDS = {"won": "won", "lost": "lost"}


def log_of(rows, **columns):
    """A log of rows of case, activity and day of 2024."""
    case, activity, days = zip(*rows, strict=True)
    times = pa.array([logs.EPOCH_2024 + day * logs.DAY for day in days], pa.timestamp("us", tz="UTC"))
    return from_arrow(pa.table({"case": case, "activity": activity, "time": times, **columns}))


DEALS = [
    ("1", "new", 0), ("1", "won", 10),
    ("2", "new", 1), ("2", "lost", 6),
    ("3", "new", 2), ("3", "won", 22), ("3", "lost", 30),
    ("4", "new", 35),
    ("5", "new", 5),
    ("6", "won", 3), ("6", "new", 4),
    ("7", "won", 40),
]  # fmt: skip
REGION = ["N", "N", "S", "S", "N", "N", "N", "S", "N", "N", "N", None]


def only_row(result):
    (row,) = result.table.to_pylist()
    return row


def test_open_cases_are_censored_at_the_last_event():
    result = survival(log_of(DEALS), "new", ENDS)
    row = only_row(result)
    counts = ("cases", "reached", "open", "reversed", "without_source", "left_truncated")
    assert [row[name] for name in counts] == [5, 3, 2, 1, 1, 0]
    # seen for 10 (won), 5 (lost), 20 (won), 5 (open) and 35 (open) days
    assert result.curves()["survival"].to_pylist() == pytest.approx([4 / 5, 4 / 5 * 2 / 3, 4 / 15])
    assert result.curves()["time_s"].to_pylist() == [5 * DAY, 10 * DAY, 20 * DAY]
    assert (row["p25_s"], row["p50_s"], row["p75_s"]) == (10 * DAY, 20 * DAY, None)
    shares = {row["cause"]: (row["cases"], row["share"]) for row in result.shares.to_pylist()}
    assert shares["lost"] == (1, pytest.approx(1 / 5))
    assert shares["won"] == (2, pytest.approx(4 / 15 + 4 / 15))
    assert shares["open"] == (2, pytest.approx(4 / 15))
    incidence = [(r["cause"], r["time_s"] / DAY, r["share"]) for r in result.incidence().to_pylist()]
    assert incidence == [
        ("won", 10, pytest.approx(4 / 15)),
        ("won", 20, pytest.approx(8 / 15)),
        ("lost", 5, pytest.approx(1 / 5)),
    ]
    found = {which: result.cases(0, which).to_pylist() for which in ("all", "reached", "open", "lost")}
    assert found == {
        "all": ["1", "2", "3", "4", "5"], "reached": ["1", "2", "3"], "open": ["4", "5"], "lost": ["2"],
    }  # fmt: skip
    assert [finding.count for finding in result.findings] == [1, 1]
    assert "5 cases, 2 of them open" in repr(result)


def test_until():
    result = survival(log_of(DEALS), "new", ENDS, until="2024-01-21T00:00:00Z")
    row = only_row(result)
    assert (row["cases"], row["reached"], row["open"]) == (4, 2, 2)
    assert result.findings[-1].reason.startswith("cases that begin after")
    later = survival(log_of(DEALS), "new", ENDS, until=datetime(2024, 3, 1))
    assert later.ageing()["age_s"].to_pylist() == [55 * DAY, 25 * DAY]
    for same in (datetime(2024, 3, 1, tzinfo=UTC), date(2024, 3, 1), "2024-03-01"):
        assert survival(log_of(DEALS), "new", ENDS, until=same).until == later.until


@settings(max_examples=100)
@given(st.data())
def test_until_is_as_if_nothing_had_happened_later(data):
    events = data.draw(logs.event_logs())
    names = sorted({event.activity for event in events})
    until = data.draw(st.sampled_from([event.time_us for event in events]))
    end = st.builds(SegmentEnd, st.tuples(st.sampled_from(names)), st.sampled_from(["first", "last"]))
    source, target, stops = data.draw(end), data.draw(end), data.draw(st.none() | end)
    more = {"stops": stops, "reopened": data.draw(st.none() | st.sampled_from(names)), "missing": True,
            "until": datetime.fromtimestamp(0, UTC) + timedelta(microseconds=until)}  # fmt: skip
    whole = survival(from_arrow(logs.table(events)), source, target, **more)
    seen = [event for event in events if event.time_us <= until]
    until_then = survival(from_arrow(logs.table(seen)), source, target, **more)
    assert whole.table == until_then.table
    assert whole.curves() == until_then.curves()
    assert whole.ageing() == until_then.ageing()


def test_an_export_says_until_when_and_from_when():
    log = log_of(DEALS)
    coverage = Coverage("salesforce", "csv", exported="2024-02-20T00:00:00", horizon="2024-01-02T12:00:00")
    log = replace(log, origin=replace(log.origin, coverage=coverage))
    result = survival(log, "new", ENDS)
    assert only_row(result)["left_truncated"] == 2
    assert result.ageing().select(["case_id", "age_s", "left_truncated"]).to_pylist() == [
        {"case_id": "5", "age_s": 45 * DAY, "left_truncated": False},
        {"case_id": "4", "age_s": 15 * DAY, "left_truncated": False},
    ]
    flagged = survival(log, "new", ENDS, horizon="2024-01-07")
    assert flagged.ageing()["left_truncated"].to_pylist() == [True, False]


def test_cases_older_than_the_history_of_a_target_are_left_out():
    log = log_of([*DEALS, ("3", "late", 40)])
    horizons = {"lost": "2024-01-03", "won": "2024-01-02"} | dict.fromkeys(("new", "late"), "2030-01-01")
    known = Coverage("salesforce", "csv", horizons=horizons)
    log = replace(log, origin=replace(log.origin, coverage=known))
    result = survival(log, "new", ENDS)
    assert (only_row(result)["cases"], only_row(result)["open"]) == (3, 2)  # not 1 and 2
    assert ("cases that begin before the history that tells a target or a stop", 2) in [
        (finding.reason, finding.count) for finding in result.findings
    ]
    assert only_row(survival(log, "new", "won"))["cases"] == 4  # 2 began when it was known
    assert only_row(survival(log, "new", "won", stops="lost"))["cases"] == 3  # nor if 2 was lost
    assert only_row(survival(log, "new", "won", stops=["lost", "late"]))["cases"] == 3  # no deal ends late


def test_the_last_event_of_the_whole_log_counts():
    only = survival(log_of(DEALS, region=REGION), "new", ENDS, where=w.case("region") == "S")
    assert only_row(only)["cases"] == 2
    assert only.ageing()["age_s"].to_pylist() == [5 * DAY]


def test_groups_and_ageing():
    rows = [*DEALS[:-1], ("8", "new", 3), ("8", "new", 40)]
    result = survival(log_of(rows, region=[*REGION[:-1], "W", "W"]), "new", ENDS, by="region")
    found = [(row["region"], row["cases"], row["open"], row["note"]) for row in result.table.to_pylist()]
    assert found[0][:3] == ("N", 3, 1)
    assert found[1][:3] == ("S", 2, 1)
    assert found[2] == ("W", 1, 1, "not enough data: none of 1 got there")
    ageing = result.ageing().to_pylist()
    assert ageing[-1]["region"] == "W"
    assert ageing[-1]["percentile"] is None
    assert ageing[-1]["note"] == "not enough data: none of the group got there"
    assert next(row for row in ageing if row["region"] == "N")["note"] is None


@pytest.mark.parametrize(
    ("cohort", "expected"),
    [
        ("created month", [("2024-01", 4, 1), ("2024-02", 1, 1)]),
        ("created quarter", [("2024-Q1", 5, 2)]),
        ("closed month", [("2024-01", 3, 0), (None, 2, 2)]),
        ("closed quarter", [("2024-Q1", 3, 0), (None, 2, 2)]),
    ],
)
def test_cohorts(cohort, expected):
    result = survival(log_of(DEALS), "new", ENDS, cohort=cohort)
    assert [(row["cohort"], row["cases"], row["open"]) for row in result.table.to_pylist()] == expected
    assert set(result.curves()["cohort"].to_pylist()) <= {cohort for cohort, *_ in expected}
    assert len(result.shares) == 3 * len(expected)


REOPENED = [
    ("1", "new", 0), ("1", "lost", 5), ("1", "reopened", 8), ("1", "won", 12),
    ("2", "new", 0), ("2", "lost", 5), ("2", "reopened", 8), ("2", "lost", 9),
    ("3", "new", 0), ("3", "lost", 5), ("3", "reopened", 8),
    ("4", "lost", 0), ("4", "new", 1), ("4", "note", 20),
]  # fmt: skip


def test_what_is_reopened_is_not_over():
    last = {name: SegmentEnd((name,), "last") for name in ("won", "lost")}
    result = survival(log_of(REOPENED), "new", last, reopened="reopened")
    assert {which: result.cases(0, which).to_pylist() for which in ("won", "lost", "open")} == {
        "won": ["1"], "lost": ["2"], "open": ["3"],
    }  # fmt: skip
    assert only_row(result)["reversed"] == 1
    only = survival(log_of(REOPENED), "new", ENDS, reopened={"lost": "reopened"})
    assert only.cases(0, "lost").to_pylist() == ["2"]  # lost again
    with pytest.raises(ArgumentError, match="no target 'wno'; nearest: 'won'"):
        survival(log_of(REOPENED), "new", ENDS, reopened={"wno": "reopened"})


def test_those_that_leave_are_censored_then():
    stops = SegmentEnd(("lost",), "last")
    result = survival(log_of(REOPENED), "new", "won", stops=stops, reopened={"stopped": "reopened"})
    row = only_row(result)
    assert [row[name] for name in ("cases", "reached", "stopped", "open", "reversed")] == [4, 1, 1, 2, 0]
    assert result.curves().select(["time_s", "at_risk"]).to_pylist() == [{"time_s": 12 * DAY, "at_risk": 3}]
    assert result.cases(0, "stopped").to_pylist() == ["2"]
    assert result.ageing()["case_id"].to_pylist() == ["3", "4"]
    closed = survival(log_of(REOPENED), "new", "won", stops=stops, cohort="closed month")
    assert [(row["cohort"], row["cases"]) for row in closed.table.to_pylist()] == [(None, 4)]


@pytest.mark.parametrize("occurrence", ["first", "last"])
def test_a_stop_before_the_source_ended_nothing(occurrence):
    rows = [("1", "lost", 0), ("1", "new", 1), ("1", "new", 3), ("1", "lost", 7), ("1", "lost", 9),
            ("2", "lost", 0), ("2", "new", 1), ("3", "new", 1), ("3", "won", 60)]  # fmt: skip
    result = survival(log_of(rows), SegmentEnd(("new",), occurrence), "won", stops="lost")
    assert [result.cases(0, which).to_pylist() for which in ("stopped", "open", "won")] == [
        ["1"],
        ["2"],
        ["3"],
    ]
    until = survival(log_of(rows), SegmentEnd(("new",), occurrence), "won", stops="lost", until="2024-01-06")
    assert until.cases(0, "open").to_pylist() == ["1", "2", "3"]


def test_of_events_at_one_instant_the_last_in_the_file_decides_what_is_over():
    rows = [("1", "new", 0), ("1", "won", 5), ("1", "reopened", 5), ("2", "new", 0), ("2", "reopened", 5),
            ("2", "won", 5)]  # fmt: skip
    result = survival(log_of(rows), "new", "won", reopened="reopened")
    assert [result.cases(0, which).to_pylist() for which in ("won", "open")] == [["2"], ["1"]]


def test_groups_and_cohorts_without_a_case_that_counts():
    rows = [("1", "won", 0), ("1", "new", 1), ("2", "x", 0)]
    log = log_of(rows, region=["N", "N", "S"])
    grouped = survival(log, "new", "won", by="region").table.to_pylist()
    assert [(row["region"], row["cases"], row["reversed"], row["note"]) for row in grouped] == [
        ("N", 0, 1, "not enough data: no case with the source is counted"),
        ("S", 0, 0, "not enough data: no case has the source"),
    ]
    assert len(survival(log, "new", "won", cohort="created month").table) == 0


def test_losses_that_are_no_target_and_no_stop_are_told():
    rows = [("1", "Created", 0), ("1", "Closed Lost", 5), ("2", "Created", 0), ("2", "Closed Lost", 5),
            ("2", "Reopened", 6), ("3", "Created", 0), ("3", "Closed Won", 8), ("4", "Closed Lost", 0),
            ("4", "Created", 1), ("5", "Created", 0), ("5", "Closed Lost", 9)]  # fmt: skip
    log = log_of([(case, f"Opportunity {what}", day) for case, what, day in rows])
    lost = "open cases that are lost: Opportunity Closed Lost is neither a target nor a stop"
    ends = {"won": "opportunity_won", "lost": "Opportunity Closed Lost"}
    for target, more, expected in (
        ("opportunity_won", {}, [(lost, 2)]),
        ("opportunity_won", {"until": "2024-01-07"}, [(lost, 1)]),
        ("opportunity_won", {"stops": "opportunity_lost"}, []),
        (ends, {}, [("cases whose targets all come before the source", 1)]),
    ):
        found = survival(log, "opportunity_created", target, **more).findings
        assert [(finding.reason, finding.count) for finding in found] == expected


def test_by_a_calendar():
    row = only_row(survival(log_of(DEALS), "new", "won", calendar=WorkingCalendar("UTC"), percentiles=[10]))
    assert row["p10_s"] == 8 * 8 * 3600  # 10 days from a Monday
    empty = survival(log_of(DEALS), "lost", "new", calendar=WorkingCalendar("UTC"), until="2024-01-02")
    assert only_row(empty)["cases"] == 0


def test_too_little_is_said():
    log = log_of(DEALS)
    none = survival(log, "new", "won", until="2024-01-03T00:00:00Z")
    assert only_row(none)["note"] == "not enough data: none of 3 got there"
    assert none.shares["share"].to_pylist() == [0.0, 1.0]
    few = survival(log, "new", "lost")
    assert only_row(few)["note"].endswith("are not there after the longest time seen")
    nobody = survival(log, "lost", "won", until="2024-01-01")
    assert only_row(nobody)["note"] == "not enough data: no case has the source"
    assert (len(nobody.curves()), len(nobody.incidence()), len(nobody.ageing())) == (0, 0, 0)
    for result in (none, few, nobody):
        assert "NaN" not in result.to_json()
        assert json.loads(result.to_json())["definition"] == "survival 1"
        assert pickle.loads(pickle.dumps(result)).table == result.table


@settings(max_examples=50)
@given(logs.event_logs(), st.sampled_from([1, 3]))
def test_equal_to_the_twin(events, threads):
    activities = sorted({event.activity for event in events})
    source, target = activities[0], activities[-1]
    last = max(event.time_us for event in events)
    cases = []
    for own in logs.by_case(events).values():
        begins = [event.time_us for event in own if event.activity == source]
        ends = [event.time_us for event in own if event.activity == target]
        if begins and not (ends and ends[0] < begins[0]):
            cases.append((ends[0] - begins[0], 0) if ends else (last - begins[0], -1))
    with mock.patch.object(parallel, "EVENTS_PER_BLOCK", 4):
        result = survival(from_arrow(logs.table(events)), source, target, threads=threads)
    assert only_row(result)["cases"] == len(cases)
    assert [time * 1e6 for time in result.curves()["time_s"].to_pylist()] == pytest.approx(naive.times(cases))
    expected = [float(naive.survival(cases, time)) for time in naive.times(cases)]
    assert result.curves()["survival"].to_pylist() == pytest.approx(expected, abs=1e-12)


def test_the_synthetic_log_by_scipy():
    made = lead_to_cash(1500, seed=5)
    log = from_arrow(made.events)
    result = survival(log, "opportunity_created", {"won": "opportunity_won", "lost": "opportunity_lost"})
    events = pl.DataFrame(made.events)
    time, name = pl.col("timestamp"), pl.col("activity")
    closed = name.is_in(["Opportunity Closed Won", "Opportunity Closed Lost"])
    cases = events.group_by("case_id").agg(
        created=time.filter(name == "Opportunity Created").min(), closed=time.filter(closed).min()
    ).filter(pl.col("created").is_not_null())  # fmt: skip
    last = events["timestamp"].max()
    ended = pl.col("closed").fill_null(last) - pl.col("created")
    seen = cases.select(ended.dt.total_microseconds() / 1e6, pl.col("closed").is_null().alias("open"))
    theirs = ecdf(CensoredData.right_censored(seen["closed"].to_numpy(), seen["open"].to_numpy())).sf
    row = only_row(result)
    assert (row["cases"], row["open"]) == (len(cases), seen["open"].sum())
    assert row["p50_s"] == theirs.quantiles[np.flatnonzero(theirs.probabilities <= 0.5)[0]]
    naive_median = seen.filter(~pl.col("open"))["closed"].median()
    assert row["p50_s"] > naive_median  # dropping open deals makes the rest look fast
    by_region = survival(log, "quote_accepted", "contract_signed", by="region").to_polars()
    assert by_region.sort("p50_s")["region"][-1] == made.truths["slow_region"]


def test_the_same_bits_for_any_number_of_threads():
    log = from_arrow(lead_to_cash(600, seed=5).events)
    results = [
        survival(
            log, "opportunity_created", "opportunity_won", by="region", cohort="created quarter", threads=n
        )
        for n in (1, 3)
    ]
    assert results[0].table.equals(results[1].table)
    assert results[0].curves().equals(results[1].curves())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"source": "nwe"}, SchemaError, "nearest: 'new'"),
        ({"target": {}}, ArgumentError, "competing targets"),
        ({"target": {"stopped": "won"}}, ArgumentError, "competing targets"),
        ({"stops": "quit"}, SchemaError, "no activity 'quit'"),
        ({"target": {1: "won"}}, ArgumentError, "competing targets"),
        ({"target": SegmentEnd(("won",), "every")}, ArgumentError, "one source to one target"),
        ({"until": "soon"}, ArgumentError, "no instant"),
        ({"until": date(2023, 1, 1)}, ArgumentError, "before the first event"),
        ({"reopened": "quit"}, SchemaError, "no activity 'quit'"),
        ({"horizon": 3}, ArgumentError, "no instant"),
        ({"cohort": "birth"}, ArgumentError, "no cohort 'birth'"),
        ({"percentiles": [120]}, ArgumentError, "from 0 to 100"),
        *(({"confidence": wrong}, ArgumentError, "between 0 and 1") for wrong in (95, "x", None)),
        ({"by": "regoin"}, SchemaError, "no column"),
        ({"progress": lambda done, of: False}, Cancelled, "cancelled"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        survival(log_of(DEALS), **{"source": "new", "target": "won", **arguments})


def test_cases_that_there_are_not():
    result = survival(log_of(DEALS), "new", "won")
    with pytest.raises(ArgumentError, match="no row"):
        result.cases(1)
    with pytest.raises(ArgumentError, match="'reached', 'stopped', 'won'"):
        result.cases(0, "lost")
