"""Queues and work in progress: against counting at each end, and by hand."""

from __future__ import annotations

import datetime
from itertools import pairwise
from unittest import mock

import numpy as np
import pyarrow as pa
import pytest

import logs
from dealtrace_engine.analyses.bottlenecks import bottlenecks
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.filters import where as w
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash
from naive import bottlenecks as naive


@pytest.fixture(scope="module")
def log():
    return from_arrow(lead_to_cash(1_500, seed=3).events)


def log_of(text, **columns):
    """A log of "case activity day" of January 2024, comma by comma."""
    rows = [part.split() for part in text.split(",")]
    case, activity, day = zip(*rows, strict=True)
    times = [f"2024-01-{int(number):02}" for number in day]
    return from_arrow(pa.table({"case": case, "activity": activity, "time": times, **columns}))


@pytest.mark.parametrize("period", ["day", "week"])
def test_queues_and_work_in_progress_equal_to_counting_at_each_end(log, period):
    found = bottlenecks(log.filter(w.case("region") == "Japan"), by="segment")
    own_log, length = found._waits.log, datetime.timedelta(days=7 if period == "week" else 1)
    queue = found.queues(period)
    rows = queue.filter(np.array([s.as_py() == "Enterprise" for s in queue["segment"]])).to_pylist()
    assert len({row["period"].weekday() for row in rows}) == (1 if period == "week" else 7)
    frame = own_log.to_polars(["segment"]).rows()
    first = rows[0]
    spans = [
        (a[2], b[2]) for a, b in pairwise(frame)
        if a[0] == b[0] and a[3] == "Enterprise" and (a[1], b[1]) == (first["source"], first["target"])
    ]  # fmt: skip
    own = [row for row in rows if (row["source"], row["target"]) == (first["source"], first["target"])]
    for row in own:
        assert row["waiting"] == naive.open_at(spans, row["period"] + length)
    assert sum(row["arrivals"] for row in own) == sum(row["departures"] for row in own) == len(spans)
    work = found.work_in_progress(period).to_pylist()
    cases: dict[str, list[datetime.datetime]] = {}
    for case, _, time, segment in frame:
        if segment == "Enterprise":
            cases.setdefault(case, []).append(time)
    for row in [row for row in work if row["segment"] == "Enterprise"]:
        ends = [(times[0], times[-1]) for times in cases.values()]
        assert row["open"] == naive.open_at(ends, row["period"] + length)
    assert sum(row["arrivals"] for row in work) == own_log.cases


def open_at_the_end(queue):
    """Who waits for a next step that is not there: (source, waiting) of the last period."""
    last = queue["period"].to_pylist()[-1] if queue.num_rows else None
    rows = [row for row in queue.to_pylist() if row["target"] is None]
    assert all(row["departures"] == 0 for row in rows)
    return [(row["source"], row["waiting"]) for row in rows if row["period"] == last]


def test_what_is_still_waiting_is_in_a_queue_until_the_log_ends():
    log = log_of("1 a 1, 1 b 11, 2 a 2, 2 b 4, 3 a 1, 9 z 31")
    rows = bottlenecks(log).queues("week").to_pylist()
    waiting = [(row["period"].day, row["arrivals"], row["waiting"]) for row in rows if row["target"] is None]
    assert waiting == [(1, 1, 1), (8, 0, 1), (15, 0, 1), (22, 0, 1), (29, 0, 1)]  # case 3, after a
    assert {row["source"] for row in rows} == {"a"}  # none goes on after b and z
    assert open_at_the_end(bottlenecks(log).queues("day", ends="z")) == [("b", 2), ("a", 1)]
    assert open_at_the_end(bottlenecks(log).queues("day", ends=["a", "z"])) == []


LOST, WON, PAID = "opportunity_lost", "opportunity_won", "payment_received"
REOPENED, QUOTE = "opportunity_reopened", "quote_created"


@pytest.mark.parametrize(
    ("events", "waiting"),
    [
        (f"1 {LOST} 2, 1 n 3, 2 n 1, 2 n 2, 3 {LOST} 1, 3 {REOPENED} 2", [("n", 1), (REOPENED, 1)]),
        (f"1 {WON} 2, 2 {WON} 2, 2 n 3, 2 n 4", [("n", 1)]),  # of nothing that follows on a win
        (f"1 {WON} 2, 2 {WON} 2, 2 {PAID} 3, 2 n 4, 3 n 1, 3 n 2, 4 {PAID} 5", [("n", 2), (WON, 1)]),
        (f"1 {QUOTE} 1, 2 {QUOTE} 1, 2 {PAID} 2, 2 {QUOTE} 3", [(QUOTE, 2)]),
    ],
)
def test_cases_that_are_over_wait_for_nothing(events, waiting):
    assert open_at_the_end(bottlenecks(log_of(events)).queues("day")) == waiting


def test_queues_of_groups_with_money_and_of_a_part_of_the_log():
    log = log_of("1 a 1, 1 b 3, 2 a 2, 3 a 1, 3 b 9, 4 a 5", region=["N", "N", "S", "N", "N", "S"],
                 amount=[1.0, 1.0, 2.0, 3.0, 3.0, 4.0])  # fmt: skip
    rows = bottlenecks(log, by="region", value="amount").queues("week").to_pylist()
    assert [(row["region"], row["target"], row["period"].day, row["waiting"]) for row in rows] == [
        ("N", "b", 1, 1), ("N", "b", 8, 0), ("S", None, 1, 2), ("S", None, 8, 2),
    ]  # fmt: skip
    part = bottlenecks(log, where=w.case("region") == "S")  # others go on after a
    assert open_at_the_end(part.queues("day")) == [("a", 2)]
    assert part.queues("day")["period"].to_pylist()[-1].day == 9
    work = part.work_in_progress("day", ends=["b"]).to_pylist()
    assert (work[-1]["period"].day, work[-1]["open"]) == (9, 2)
    only = bottlenecks(log, where=w.activity("a"))
    assert only.queues("day").num_rows == 0


def test_work_in_progress_begins_with_the_start_and_ends_when_it_is_closed():
    log = log_of("1 a 10, 2 new 1, 2 lost 3, 2 again 5, 3 new 1, 3 lost 2, 3 again 3, 3 lost 4",
                 start=["2024-01-01", *[None] * 7])  # fmt: skip
    found = bottlenecks(from_arrow(log.to_arrow(["start"]), start_timestamp="start"))
    first = found.work_in_progress("day").to_pylist()[0]
    assert (first["period"].day, first["arrivals"], first["departures"]) == (1, 3, 0)
    ends = {"ends": "lost", "reopened": "again"}
    assert [found.work_in_progress("day", **more).to_pylist()[-1]["open"] for more in (
        {}, {"ends": ["lost"]}, ends)] == [0, 1, 2]  # fmt: skip
    with pytest.raises(ArgumentError, match="undoes its ends"):
        found.work_in_progress(reopened="again")


def test_too_many_periods():
    log = from_arrow(logs.table(logs.BY_HAND["before and after 1970"]))
    with (
        mock.patch("dealtrace_engine.analyses.queues.MOST_COUNTS", 10),
        pytest.raises(ArgumentError, match="weeks"),
    ):
        bottlenecks(log).queues("day")
