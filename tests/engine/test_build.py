"""Rows in any order, in any batches, with ties, gaps and nulls, become the same right log."""

from __future__ import annotations

import random
from unittest import mock

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import logs
from dealtrace_engine import build, parallel
from dealtrace_engine.errors import LogError, ParseError, SchemaError
from dealtrace_engine.sources import memory
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.sources.options import ReadOptions
from naive import ordering as naive

THREADS = (1, 2, 3, 8)


def events_of(log):
    """(activity, microseconds, row) of each case, as the twin gives them."""
    activities = log.activities.to_pylist()
    cells = [
        (activities[code], int(time), int(row))
        for code, time, row in zip(log.activity_codes, log.timestamps, log.rows, strict=True)
    ]
    spans = zip(log.case_offsets[:-1], log.case_offsets[1:], strict=True)
    return {
        case: cells[first:last] for case, (first, last) in zip(log.case_ids.to_pylist(), spans, strict=True)
    }


def table_of(rows, *, dictionary=False, order=False):
    columns = {
        "case_id": pa.array([row.case for row in rows], pa.string()),
        "activity": pa.array([row.activity for row in rows], pa.string()),
        "timestamp": pa.array([row.nanoseconds for row in rows], pa.timestamp("ns")),
    }
    if dictionary:
        columns |= {name: columns[name].dictionary_encode() for name in ("case_id", "activity")}
    if order:
        columns["rank"] = pa.array([row.order for row in rows], pa.int64())
    return pa.table(columns)


def check(log, rows):
    expected = naive.sorted_events(rows)
    assert events_of(log) == expected
    assert list(events_of(log)) == list(expected)  # in order of first appearance
    assert log.activities.to_pylist() == sorted(
        {activity for events in expected.values() for activity, _, _ in events}, key=str.encode
    )
    assert log.activity_codes.dtype == np.uint8
    lost = [row for row in rows if not (row.case and row.activity and row.nanoseconds is not None)]
    assert (log.quality.rows_read, log.quality.rows_dropped) == (len(rows), len(lost))
    assert sum(finding.count for finding in log.quality.dropped) == len(lost)


TEXT = st.one_of(st.sampled_from(["a", "b", "c", "", "NA", "null", "None", "é", "x" * 40]), st.none())
TIME = st.one_of(st.integers(0, 3000), st.integers(-(10**18), 10**18), st.none())
ROW = st.builds(naive.Row, TEXT, TEXT, TIME, st.one_of(st.none(), st.integers(-2, 2)))
ROWS = st.lists(ROW, min_size=1, max_size=60)


@given(ROWS, st.integers(1, 60), st.booleans(), st.booleans(), st.sampled_from(THREADS))
def test_any_rows_in_any_batches(rows, batch, dictionary, order, threads):
    if not order:
        rows = [row._replace(order=None) for row in rows]
    table = table_of(rows, dictionary=dictionary, order=order)
    with (
        mock.patch.object(memory, "ROWS_PER_BATCH", batch),
        mock.patch.object(parallel, "EVENTS_PER_BLOCK", 3),
    ):
        try:
            log = from_arrow(table, threads=threads, order="rank" if order else None)
        except LogError:
            assert not naive.sorted_events(rows)
            return
    check(log, rows)
    assert log.quality.dropped == from_arrow(table, order="rank" if order else None).quality.dropped


@given(logs.event_logs(), st.randoms())
def test_rows_may_be_shuffled_where_nothing_ties(events, rng):
    distinct = [event._replace(time_us=event.time_us // 64 * 64 + event.row) for event in events]
    first, second = from_arrow(logs.table(distinct)), from_arrow(logs.table(logs.reordered(distinct, rng)))

    def content(log):
        return {case: [(a, t) for a, t, _ in cells] for case, cells in events_of(log).items()}

    assert content(first) == content(second)


@pytest.mark.parametrize("name", logs.BY_HAND)
def test_logs_by_hand(name):
    events = logs.BY_HAND[name]
    rows = [naive.Row(event.case, event.activity, event.time_us * 1000) for event in events]
    log = from_arrow(logs.table(events))
    assert events_of(log) == naive.sorted_events(rows)
    assert list(events_of(log)) == list(logs.by_case(events))


@pytest.mark.parametrize("seed", range(6))
def test_seeded_logs_with_any_threads(seed):
    events = logs.random_log(seed, cases=40, events=3000, ties=0.5)
    expected = [event for own in logs.by_case(events).values() for event in own]
    fingerprints = set()
    for threads in THREADS:
        with mock.patch.object(parallel, "EVENTS_PER_BLOCK", 100):
            log = from_arrow(logs.table(events), threads=threads)
        assert log.rows.tolist() == [event.row for event in expected]
        fingerprints.add(log.fingerprint)
    assert len(fingerprints) == 1


@pytest.mark.parametrize("count", [255, 256, 257, 65_536, 65_537, 70_000])
def test_many_activities_take_wider_codes(count):
    events = logs.log(*((str(step % 3), f"{step:05}", step) for step in reversed(range(count))))
    log = from_arrow(logs.table(events))
    assert log.activity_codes.dtype == (
        np.uint8 if count <= 256 else np.uint16 if count <= 65_536 else np.uint32
    )
    assert log.activities.to_pylist() == [f"{step:05}" for step in range(count)]
    assert events_of(log)["0"] == [(f"{step:05}", step, count - 1 - step) for step in range(0, count, 3)]


def test_activities_that_widen_from_batch_to_batch():
    names = ["x"] * 10 + [f"{step:05}" for step in range(70_000)]
    table = pa.table(
        {
            "case_id": ["1"] * len(names),
            "activity": names,
            "timestamp": pa.array(range(len(names)), pa.timestamp("us")),
        }
    )
    with mock.patch.object(memory, "ROWS_PER_BATCH", 1_000):
        log = from_arrow(table)
    assert log.activities.take(pa.array(log.activity_codes)).to_pylist() == names


def test_one_long_case_shuffled_is_not_quadratic():
    n = 300_000
    order = np.random.default_rng(3).permutation(n)
    log = from_arrow(
        pa.table(
            {"case_id": ["1"] * n, "activity": ["a"] * n, "timestamp": pa.array(order, pa.timestamp("us"))}
        )
    )
    assert (log.timestamps == np.arange(n)).all()
    assert (order[log.rows] == np.arange(n)).all()


def test_one_long_case_backwards_with_ties_keeps_the_file_order_of_ties():
    times = np.arange(60_000, 0, -1) // 7
    log = from_arrow(
        pa.table(
            {
                "case_id": ["1"] * 60_000,
                "activity": ["a"] * 60_000,
                "timestamp": pa.array(times, pa.timestamp("s")),
            }
        )
    )
    assert log.rows.tolist() == np.argsort(times, kind="stable").tolist()


@pytest.mark.slow
def test_a_million_events_in_one_case_and_a_million_cases_of_one_event():
    n = 1_000_000
    times = pa.array(np.random.default_rng(1).permutation(n), pa.timestamp("us"))
    one = from_arrow(pa.table({"case_id": ["1"] * n, "activity": ["a"] * n, "timestamp": times}))
    assert (one.cases, one.events, bool((np.diff(one.timestamps) == 1).all())) == (1, n, True)
    ids = [str(i) for i in range(n)]
    many = from_arrow(pa.table({"case_id": ids, "activity": ["a"] * n, "timestamp": times}))
    assert many.case_ids.to_pylist() == ids
    assert (many.timestamps == times.cast(pa.int64()).to_numpy()).all()


# --- ties


def tied(order, kind=None):
    rows = len(order)
    return pa.table(
        {
            "case_id": ["1"] * rows,
            "activity": [chr(97 + row) for row in range(rows)],
            "timestamp": pa.array([0] * rows, pa.timestamp("us")),
            "rank": pa.array(order, kind),
        }
    )


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([3, 1, 2], pa.int64(), [1, 2, 0]),
        ([3, None, 2], pa.int8(), [2, 0, 1]),
        ([2**63 - 1, -(2**63), 0], pa.int64(), [1, 2, 0]),
        (["10", "9", None, "9"], pa.string(), [1, 3, 0, 2]),
        (["1.5", "-1", "1"], pa.string(), [1, 2, 0]),
        ([0.5, float("nan"), -0.5, None], pa.float64(), [2, 0, 1, 3]),
        ([None, None], pa.null(), [0, 1]),
        ([True, False], pa.bool_(), [1, 0]),
        ([2, 1], pa.timestamp("s", "Europe/Berlin"), [1, 0]),
        ([2, 1], pa.date32(), [1, 0]),
        ([2, 1], pa.decimal128(9, 2), [1, 0]),
        (["10", "9"], pa.dictionary(pa.int8(), pa.string()), [1, 0]),
    ],
)
def test_the_order_column_breaks_ties_before_the_row(values, kind, expected):
    assert from_arrow(tied(values, kind), order="rank").rows.tolist() == expected


@pytest.mark.parametrize("values", [["a", "b"], [[1], [2]]])
def test_an_order_that_is_no_number_is_refused(values):
    with pytest.raises(SchemaError, match="cannot order events"):
        from_arrow(tied(values), order="rank")


def test_orders_of_different_types_in_different_batches():
    parts = [
        tied(values, kind) for values, kind in (([3], pa.int64()), ([1.5], pa.float64()), ([2], pa.int64()))
    ]
    source = memory.TableSource(parts[0])
    batches = iter([batch for part in parts for batch in part.to_batches()])
    with mock.patch.object(memory.TableSource, "batches", return_value=batches):
        assert ReadOptions(order="rank").log_of(source).rows.tolist() == [1, 2, 0]


@pytest.mark.parametrize("times", [[2999, 2001, 2000], [-1, -999, -1000], [1, 1000, 999]])
def test_nanoseconds_order_before_they_are_cut(times):
    table = tied([0, 0, 0]).set_column(2, "timestamp", pa.array(times, pa.timestamp("ns")))
    log = from_arrow(table)
    assert log.rows.tolist() == sorted(range(3), key=times.__getitem__)
    assert log.timestamps.tolist() == sorted(time // 1000 for time in times)


# --- rows that are no events


def test_reasons_and_rows_are_counted_once_each():
    table = pa.table(
        {
            "case_id": ["1", None, "", "2", None, "3"],
            "activity": ["a", None, "b", "", "c", "d"],
            "timestamp": ["2024-01-01", "2024-01-02", "x", "2024-01-03", None, None],
        }
    )
    quality = from_arrow(table).quality
    assert [(finding.reason, finding.count, finding.first_rows) for finding in quality.dropped] == [
        ("null case_id", 2, [2, 5]),
        ("empty case_id", 1, [3]),
        ("empty activity", 1, [4]),
        ("null timestamp", 1, [6]),
    ]
    assert (quality.rows_read, quality.rows_kept) == (6, 1)


def test_only_the_first_rows_are_kept_over_batches():
    table = pa.table(
        {
            "case_id": [None if row % 2 else "1" for row in range(100)],
            "activity": ["a"] * 100,
            "timestamp": pa.array(range(100), pa.timestamp("us")),
        }
    )
    with mock.patch.object(memory, "ROWS_PER_BATCH", 3):
        (finding,) = from_arrow(table).quality.dropped
    assert (finding.count, finding.first_rows) == (50, [2, 4, 6, 8, 10])


def test_strict_names_the_first_row_whatever_is_wrong_with_it():
    table = pa.table(
        {
            "case_id": ["1", "1", "1", None],
            "activity": ["a", "a", "", "a"],
            "timestamp": ["2024-01-01", "never", "2024-01-01", None],
        }
    )
    with pytest.raises(ParseError, match="unparsed") as caught:
        from_arrow(table, strict=True)
    assert (caught.value.row, caught.value.column, caught.value.value) == (2, "timestamp", "never")
    with pytest.raises(ParseError, match="empty activity"):
        from_arrow(table.slice(2), strict=True)


def test_a_dropped_row_leaves_no_case_and_no_activity_behind():
    table = pa.table({"case_id": ["1", "2"], "activity": ["a", "b"], "timestamp": ["2024-01-01", None]})
    log = from_arrow(table)
    assert (log.case_ids.to_pylist(), log.activities.to_pylist()) == (["1"], ["a"])


def test_more_rows_than_32_bits_count():
    table = pa.table({"case_id": ["1"] * 3, "activity": ["a"] * 3, "timestamp": ["2024-01-01"] * 3})
    with mock.patch.object(build, "MOST_ROWS", 2), pytest.raises(LogError, match="more than 2 rows"):
        from_arrow(table)


def test_shuffled_cases_of_middle_length_beyond_the_insertion_sort():
    rng = random.Random(4)
    rows = [
        naive.Row(str(case), "ab"[step % 2], rng.randrange(200) * 1000)
        for case in range(3)
        for step in range(900)
    ]
    rng.shuffle(rows)
    log = from_arrow(table_of(rows))
    assert events_of(log) == naive.sorted_events(rows)
