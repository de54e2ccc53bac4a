"""The directly-follows graph equals its twin: dense, sorted, with any threads and blocks."""

from __future__ import annotations

import math
import pickle
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import logs
from dealtrace_engine import parallel
from dealtrace_engine.analyses import follows as module
from dealtrace_engine.analyses.edges import dense_counts, dense_edges, sorted_edges
from dealtrace_engine.analyses.follows import directly_follows
from dealtrace_engine.errors import Cancelled
from dealtrace_engine.sources.memory import from_arrow
from naive import follows as naive


def cases_of(events):
    return {c: [(event.activity, event.time_us) for event in own] for c, own in logs.by_case(events).items()}


def check(result, events):
    cases = cases_of(events)
    expected = naive.edges(cases)
    found = result.edges.to_pylist()
    assert len(found) == len(expected)
    for row, wanted in zip(found, expected, strict=True):
        if wanted["stdev_s"] is None:
            assert row["stdev_s"] is None
        else:
            assert row["stdev_s"] == pytest.approx(wanted["stdev_s"], rel=1e-12)
        assert {k: v for k, v in row.items() if k != "stdev_s"} == {
            k: v for k, v in wanted.items() if k != "stdev_s"
        }
    counts = naive.count_activities(cases)
    ranked = sorted(counts.items(), key=lambda item: (-item[1][0], item[0].encode()))
    assert [tuple(row.values()) for row in result.activities.to_pylist()] == [(a, *c) for a, c in ranked]


@given(
    logs.event_logs(),
    st.sampled_from([0, 512]),
    st.sampled_from([1, 2, 3, 8]),
    st.sampled_from([1, 5, 1 << 18]),
)
def test_equal_to_the_twin(events, dense, threads, block):
    log = from_arrow(logs.table(events))
    with (
        mock.patch.object(module, "DENSE_ACTIVITIES", dense),
        mock.patch.object(parallel, "EVENTS_PER_BLOCK", block),
    ):
        check(directly_follows(log, threads=threads), events)


@pytest.mark.parametrize("name", logs.BY_HAND)
def test_logs_by_hand(name):
    check(directly_follows(from_arrow(logs.table(logs.BY_HAND[name]))), logs.BY_HAND[name])


@pytest.mark.parametrize("seed", range(4))
def test_the_same_bits_for_any_threads(seed):
    log = from_arrow(logs.table(logs.random_log(seed, events=4000)))
    with mock.patch.object(parallel, "EVENTS_PER_BLOCK", 50):
        results = [directly_follows(log, threads=threads) for threads in (1, 2, 3, 8)]
    for result in results[1:]:
        assert str(result.edges.to_pydict()) == str(results[0].edges.to_pydict())
        assert result.to_json() == results[0].to_json()
    check(results[0], logs.random_log(seed, events=4000))


@given(logs.event_logs(max_activities=40, max_events=120))
def test_the_two_ways_find_the_same_pairs(events):
    log = from_arrow(logs.table(events))
    with mock.patch.object(parallel, "EVENTS_PER_BLOCK", 4):
        counted = dense_counts(log, 2)
        dense = dense_edges(log, (0, 33, 50, 100), counted, 2)
        by_sort, activities = sorted_edges(log, (0, 33, 50, 100))
    for one, other in zip((*dense, counted.activities), (*by_sort, activities), strict=True):
        assert np.array_equal(one, other)


@given(logs.event_logs(), st.randoms())
def test_the_order_of_rows_does_not_matter_where_nothing_ties(events, rng):
    distinct = [event._replace(time_us=event.time_us // 64 * 64 + event.row) for event in events]
    first, second = (
        directly_follows(from_arrow(logs.table(rows))) for rows in (distinct, logs.reordered(distinct, rng))
    )
    assert str(first.edges.to_pydict()) == str(second.edges.to_pydict())
    assert first.activities.equals(second.activities)


def test_sums_beyond_64_bits():
    years, begin = 9_000 * 365 * logs.DAY, -1_900 * 365 * logs.DAY
    rows = [(str(case), a, begin + time) for case in range(50) for a, time in (("a", 0), ("b", years + case))]
    (edge,) = directly_follows(from_arrow(logs.table(logs.log(*rows)))).edges.to_pylist()
    total = sum(years + case for case in range(50))
    assert total > 2**63
    assert (edge["sum_s"], edge["mean_s"]) == (total / 10**6, total / (50 * 10**6))
    assert edge["stdev_s"] == pytest.approx(math.sqrt(50 * 51 / 12) / 1e6, rel=1e-14)


@pytest.mark.parametrize("count", [512, 513, 1200])
def test_many_activities(count):
    events = logs.log(*((str(step % 5), f"{step * 7 % count:04}", step * step) for step in range(2 * count)))
    check(directly_follows(from_arrow(logs.table(events))), events)


def test_no_edges():
    result = directly_follows(from_arrow(logs.table(logs.BY_HAND["one event"])))
    assert result.edges.num_rows == 0
    assert (
        result.edges.schema == directly_follows(from_arrow(logs.table(logs.BY_HAND["one case"]))).edges.schema
    )


def test_columns_types_and_json():
    result = directly_follows(from_arrow(logs.table(logs.BY_HAND["one case"])))
    assert result.edges.schema.types == [
        pa.string(),
        pa.string(),
        pa.int64(),
        pa.int64(),
        *[pa.float64()] * 10,
    ]
    assert result.edges["stdev_s"][0].as_py() is None
    assert result.to_polars().shape == result.edges.shape
    assert list(result.to_pandas().columns) == result.edges.column_names
    assert pa.table(result).schema == result.edges.schema


def test_pickled_it_keeps_the_log_only_by_its_fingerprint():
    log = from_arrow(logs.table(logs.BY_HAND["one long case"]))
    result = directly_follows(log)
    again = pickle.loads(pickle.dumps(result))
    assert again.edges.equals(result.edges)
    assert again.log_fingerprint == log.fingerprint
    assert len(pickle.dumps(result)) < 10_000


def test_cancelled():
    log = from_arrow(logs.table(logs.random_log(1, events=1000)))
    for dense in (0, 512):
        with mock.patch.object(module, "DENSE_ACTIVITIES", dense), pytest.raises(Cancelled):
            directly_follows(log, progress=lambda *_: False)


def test_the_log_is_not_changed():
    log = from_arrow(logs.table(logs.random_log(2)))
    before = [log.case_offsets.copy(), log.activity_codes.copy(), log.timestamps.copy()]
    directly_follows(log)
    for column, was in zip((log.case_offsets, log.activity_codes, log.timestamps), before, strict=True):
        assert np.array_equal(column, was)


def test_times_are_found_once_whichever_thread_asks():
    log = from_arrow(logs.table(logs.random_log(3, events=2000)))
    with mock.patch.object(module, "dense_edges", wraps=dense_edges) as asked:
        result = directly_follows(log)
        assert result.counts.num_rows > 0
        repr(result)
        assert not asked.called
        with ThreadPoolExecutor(8) as pool:
            tables = list(pool.map(lambda _: result.edges, range(32)))
        assert asked.call_count == 1
    assert all(table is tables[0] for table in tables)
    assert result.counts.equals(result.edges.select(["source", "target", "count"]))


def test_what_fails_is_tried_again():
    log = from_arrow(logs.table(logs.random_log(3, events=200)))
    result = directly_follows(log)
    with mock.patch.object(module, "dense_edges", side_effect=MemoryError), pytest.raises(MemoryError):
        _ = result.edges
    assert str(result.edges.to_pydict()) == str(directly_follows(log).edges.to_pydict())
