"""Times between milestones: hand-made logs, the plain twin on random ones, money, and bad input."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from statistics import mean
from unittest import mock

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import logs
from dealtrace_engine import parallel
from dealtrace_engine.analyses import segment_pairs
from dealtrace_engine.analyses.milestones import Milestone
from dealtrace_engine.analyses.segment_ends import Segment, SegmentEnd, segments_of
from dealtrace_engine.analyses.segment_figures import product_sums
from dealtrace_engine.analyses.segment_pairs import SegmentPairs
from dealtrace_engine.analyses.segments import segment_times
from dealtrace_engine.coverage import Coverage
from dealtrace_engine.errors import ArgumentError, Cancelled, LogError, SchemaError
from dealtrace_engine.filters import where as w
from dealtrace_engine.sources.memory import from_arrow
from naive import segments as naive

OCCURRENCES = st.sampled_from([("first", "first"), ("first", "last"), ("last", "first"), ("every", "first")])


def log_of(rows, **columns):
    """A log of rows of case, activity and time in days."""
    case, activity, days = zip(*rows, strict=True)
    times = pa.array([round(day * logs.DAY) for day in days], pa.timestamp("us", tz="UTC"))
    return from_arrow(pa.table({"case": case, "activity": activity, "time": times, **columns}))


ORDERS = [
    ("1", "sent", 0), ("1", "paid", 2), ("1", "paid", 5),
    ("2", "sent", 1), ("2", "sent", 4), ("2", "paid", 5),
    ("3", "sent", 7),
    ("4", "paid", 1), ("4", "sent", 2),
    ("5", "other", 1),
]  # fmt: skip
REGION = ["N"] * 3 + ["S"] * 3 + ["N"] + ["S"] * 2 + [None]


def row_of(result, row=0):
    return result.table.to_pylist()[row]


def test_first_to_first_and_who_never_got_there():
    result = segment_times(log_of(ORDERS), [("sent", "paid")])
    row = row_of(result)
    assert {name: row[name] for name in ("cases", "starts", "reached", "never", "reversed")} == {
        "cases": 4, "starts": 4, "reached": 2, "never": 1, "reversed": 1,
    }  # fmt: skip
    assert (row["mean_s"], row["min_s"], row["max_s"], row["sum_s"]) == (
        3 * 86400,
        2 * 86400,
        4 * 86400,
        518400,
    )
    assert row["note"] is None
    kinds = {kind: result.cases(0, kind).to_pylist() for kind in ("all", "reached", "never", "reversed")}
    assert kinds == {"all": ["1", "2", "3", "4"], "reached": ["1", "2"], "never": ["3"], "reversed": ["4"]}


@pytest.mark.parametrize(
    ("source", "target", "days"),
    [
        (Milestone(("sent",), "last"), "paid", [2, 1]),
        ("sent", SegmentEnd(("paid",), "last"), [5, 4]),
        (SegmentEnd(("sent",), "every"), "paid", [2, 4, 1]),
        (["sent", "other"], ["paid"], [2, 4]),
    ],
)
def test_occurrences(source, target, days):
    result = segment_times(log_of(ORDERS), {"x": (source, target)})
    assert [t / 86400 for t in result.times()["seconds"].to_pylist() if t is not None] == days
    assert row_of(result)["reached"] == len(days)


def test_every_source_counts_but_a_case_once():
    row = row_of(segment_times(log_of(ORDERS), [(SegmentEnd(("sent",), "every"), "paid")]))
    assert (row["cases"], row["starts"], row["reached"], row["never"]) == (4, 5, 3, 2)


def test_by_a_group_and_a_filter():
    log = log_of(ORDERS, region=REGION)
    result = segment_times(log, [("sent", "paid")], by="region")
    rows = [(row["region"], row["cases"], row["reached"]) for row in result.table.to_pylist()]
    assert rows == [("N", 2, 1), ("S", 2, 1)]
    assert result.cases(1).to_pylist() == ["2", "4"]
    only = segment_times(log, [("sent", "paid")], where=w.case("region") == "N")
    assert row_of(only)["cases"] == 2


def test_money_by_currency_is_never_added_up():
    amounts = {"1": 100.0, "2": 50.25, "3": 10.0, "4": None, "5": 1.0}
    cases = [case for case, *_ in ORDERS]
    log = log_of(
        ORDERS, amount=[amounts[c] for c in cases], currency=["USD" if c == "2" else "EUR" for c in cases]
    )
    result = segment_times(log, [("sent", "paid")], value="amount")
    keys = ("currency", "cases", "reached", "amount_cases", "amount", "cash_days")
    assert [tuple(row[key] for key in keys) for row in result.table.to_pylist()] == [
        ("EUR", 3, 1, 1, 100.0, 200.0),
        ("USD", 1, 1, 1, 50.25, 201.0),
    ]
    assert [finding.reason for finding in result.findings] == ["no amount in 'amount'"]
    every = segment_times(log, [(SegmentEnd(("sent",), "every"), "paid")], value="amount")
    assert [row["cash_days"] for row in every.table.to_pylist()] == [200.0, 50.25 * 5]
    assert [row["amount"] for row in every.table.to_pylist()] == [100.0, 50.25]


def test_start_timestamps():
    table = pa.table({
        "case": ["1", "1", "2", "2", "3", "3"], "activity": ["ask", "decide"] * 3,
        "start": ["2024-01-01", "2024-01-03", "2024-01-01", None, "2024-01-01", "2024-01-09"],
        "time": ["2024-01-02", "2024-01-05", "2024-01-02", "2024-01-05", "2024-01-02", "2024-01-05"],
    })  # fmt: skip
    log = from_arrow(table, start_timestamp="start")
    ends = ("ask", SegmentEnd(("decide",), timestamp="start"))
    found = segment_times(log, {"wait": ends})
    row = row_of(found)
    assert (row["reached"], row["never"], row["p50_s"]) == (1, 2, 86400)
    told = {finding.reason: finding.count for finding in found.findings}
    assert told == {"no start timestamp": 1, "start timestamp after the end": 1}
    assert segment_times(log, {"wait": ("ask", "decide")}).findings == []
    every = {"wait": (SegmentEnd(("ask",), "every"), ends[1])}
    assert row_of(segment_times(log, every))["p50_s"] == 86400
    with pytest.raises(LogError, match="no start timestamps"):
        segment_times(log_of(ORDERS), {"wait": ("sent", SegmentEnd(("paid",), timestamp="start"))})


@settings(max_examples=60)
@given(logs.event_logs(), OCCURRENCES, st.sampled_from([1, 2, 3]), st.booleans())
def test_equal_to_the_twin(events, occurrences, threads, grouped):
    activities = sorted({event.activity for event in events})
    ends = [(activities[0],), tuple(activities[1:3]) or (activities[0],)]
    number = {case: place % 2 for place, case in enumerate(logs.by_case(events))}
    rows = sorted(events, key=lambda event: event.row)
    table = logs.table(events).append_column("g", pa.array([number[event.case] for event in rows]))
    pair = tuple(SegmentEnd(own, occurrence) for own, occurrence in zip(ends, occurrences, strict=True))
    with mock.patch.object(parallel, "EVENTS_PER_BLOCK", 4):
        result = segment_times(from_arrow(table), {"x": pair}, by="g" if grouped else None, threads=threads)
    expected: dict[int, list[tuple[str, str, int | None]]] = {}
    for case, own in logs.by_case(events).items():
        trace = [(event.activity, event.time_us) for event in own]
        for found in naive.pairs(trace, *zip(ends, occurrences, strict=True)):
            status, time = naive.between(*found)
            if status != "absent":
                expected.setdefault(number[case] if grouped else 0, []).append((case, status, time))
    for place, row in enumerate(result.table.to_pylist()):
        own = expected.pop(row["g"] if grouped else 0, [])
        times = [time for *_, time in own if time is not None]
        assert (row["cases"], row["starts"]) == (len({case for case, *_ in own}), len(own))
        assert row["reached"] == len(times)
        assert row["never"] == sum(status == "missed" for _, status, _ in own)
        assert row["sum_s"] == sum(times) / 1e6
        assert set(result.cases(place).to_pylist()) == {case for case, *_ in own}
        if times:
            assert row["mean_s"] == pytest.approx(mean(times) / 1e6, rel=1e-12)
            assert (row["min_s"], row["max_s"]) == (min(times) / 1e6, max(times) / 1e6)
            assert row["p90_s"] == np.percentile(np.array(times) / 1e6, 90)
        else:
            assert row["p50_s"] is None
            assert row["note"]
    assert not expected


@given(st.lists(st.tuples(st.integers(-(2**62), 2**62), st.integers(-(2**60), 2**60), st.integers(0, 2))))
def test_sums_of_products_are_exact(rows):
    one, other, codes = (np.array([row[place] for row in rows], np.int64) for place in range(3))
    expected = [sum(a * b for a, b, code in rows if code == group) for group in range(3)]
    with mock.patch("dealtrace_engine.analyses.segment_figures.MOST", 2):
        assert product_sums(one, other, codes.astype(np.int32), 3) == expected


def test_nothing_is_not_a_number():
    log = log_of([("1", "a", 0), ("2", "b", 0)])
    result = segment_times(log, [("a", "b"), ("b", "zzz")], missing=True)
    assert result.table["note"].to_pylist() == ["not enough data: none of 1 got there", "the log has no zzz"]
    assert "NaN" not in result.to_json()
    assert json.loads(result.to_json())["table"][0]["p50_s"] is None
    filtered = segment_times(log, [("a", "b")], where=w.contains("b"))
    assert filtered.table["note"].to_pylist() == ["the log has no a"]
    assert "1 measured" in repr(result.__class__(**{**vars(filtered)}))
    assert pickle.loads(pickle.dumps(result)).table == result.table


@pytest.mark.parametrize(
    ("pairs", "error", "message"),
    [
        ([], ArgumentError, "no segment"),
        ("sent", ArgumentError, "pairs of source and target"),
        ([("sent",)], ArgumentError, "pair of source and target"),
        ([("sent", "paid"), ("sent", "paid")], ArgumentError, "two segments"),
        ([("sent", "payed")], SchemaError, "nearest: 'paid'"),
        ([("sent", SegmentEnd(("paid",), "every"))], ArgumentError, "every source"),
        ([(SegmentEnd(("sent",), "third"), "paid")], ArgumentError, "occurrence"),
        ([(SegmentEnd(("sent",), timestamp="due"), "paid")], ArgumentError, "timestamp"),
        ([(3, "paid")], ArgumentError, "one activity or several"),
        ([([], "paid")], ArgumentError, "one activity or several"),
        ([(SegmentEnd("sent"), "paid")], ArgumentError, "one activity or several"),
        ([([1], "paid")], ArgumentError, "texts"),
        ({5: ("sent", "paid")}, ArgumentError, "called by a text, got 5"),
    ],
)
def test_what_is_no_segment(pairs, error, message):
    with pytest.raises(error, match=message):
        segment_times(log_of(ORDERS), pairs)


def test_bad_arguments():
    log = log_of(ORDERS, region=REGION, amount=["much"] * len(ORDERS))
    pairs = [("sent", "paid")]
    with pytest.raises(SchemaError, match="no column"):
        segment_times(log, pairs, by="regoin")
    with pytest.raises(SchemaError, match="no amounts"):
        segment_times(log, pairs, value="amount")
    with pytest.raises(ArgumentError, match="percentiles"):
        segment_times(log, pairs, percentiles=[101])
    with pytest.raises(ArgumentError, match="there is no row"):
        segment_times(log, pairs).cases(1)
    with pytest.raises(ArgumentError, match="'reached'"):
        segment_times(log, pairs).cases(0, "lost")
    with pytest.raises(Cancelled):
        segment_times(log, pairs, progress=lambda done, of: False)


def test_a_segment_stays_as_it_is():
    segment = Segment("x", SegmentEnd.of("sent"), SegmentEnd.of("paid"), "Payment")
    assert segments_of([segment]) == (segment,)
    assert segment_times(log_of(ORDERS), [segment]).table["name"].to_pylist() == ["Payment"]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 9), st.integers(-1, 9)), max_size=30))
def test_pairs_are_measured_the_same_in_pieces(ends):
    never = np.iinfo(np.int64).min
    sources, targets = (np.array([end[side] for end in ends], np.int64) for side in (0, 1))
    pairs = SegmentPairs(*(np.where(side < 0, never, side) for side in (sources, targets)))
    whole = pairs.measured()
    with mock.patch.object(segment_pairs, "PAIRS_AT_A_TIME", 7):
        found = pairs.measured()
    assert found.durations.tolist() == whole.durations.tolist()
    assert found.status.tolist() == whole.status.tolist()
    assert found.counts.tolist() == whole.counts.tolist()


@pytest.mark.parametrize(
    ("source", "since", "starts", "left_out", "note"),
    [
        ("sent", "1970-01-02", 3, 1, None),  # 1 began before, 2 did as it began
        (SegmentEnd(("sent",), "every"), "1970-01-03", 3, 2, None),  # of 2, the second
        ("sent", "1970-02-01", 0, 4, "no case has sent since the history tells paid"),
        ("sent", "1970-01-01", 4, 0, None),
    ],
)
def test_sources_older_than_the_history_of_the_target_are_left_out(source, since, starts, left_out, note):
    log = log_of(ORDERS)
    known = Coverage("salesforce", "csv", horizons={"paid": since, "other": "2030-01-01"})
    log = replace(log, origin=replace(log.origin, coverage=known))
    result = segment_times(log, {"S": (source, "paid")})
    row = row_of(result)
    assert (row["starts"], row["reached"] + row["never"] + row["reversed"], row["note"]) == (
        starts, starts, note,
    )  # fmt: skip
    assert [(finding.reason, finding.count) for finding in result.findings] == [
        ("sources of S before the history that tells its target", left_out)
    ][: left_out > 0]
    assert len(result.cases(0)) <= starts == result.times().num_rows
    unpaid = segment_times(log, {"S": (source, "paid")}, where=~w.contains("paid"), missing=True)
    assert row_of(unpaid)["starts"] <= starts  # also where a filter leaves no payment at all
    young = set(result.times()["source"].to_pylist())
    assert set(unpaid.times()["source"].to_pylist()) <= young
