"""Variants equal their twin, whatever the hashes."""

from __future__ import annotations

import pickle
from unittest import mock

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import logs
from dealtrace_engine import parallel
from dealtrace_engine.analyses import variants as module
from dealtrace_engine.analyses.variants import variants
from dealtrace_engine.errors import Cancelled
from dealtrace_engine.sources.memory import from_arrow
from naive import sequences as naive
from naive.percentiles import percentile


def check(result, events):
    cases = logs.by_case(events)
    traces = [[event.activity for event in own] for own in cases.values()]
    expected = naive.variants(traces)
    rows = result.table.to_pylist()
    assert [(row["activities"], row["cases"]) for row in rows] == expected
    assert [row["length"] for row in rows] == [len(trace) for trace, _ in expected]
    assert [expected[variant][0] for variant in result.of_case] == traces
    assert len({row["variant"] for row in rows}) == len(rows)
    times = [own[-1].time_us - own[0].time_us for own in cases.values()]
    done = 0
    for number, row in enumerate(rows):
        own = [time for time, variant in zip(times, result.of_case, strict=True) if variant == number]
        done += len(own)
        assert (row["share"], row["cumulative_share"]) == (len(own) / len(cases), done / len(cases))
        assert (row["min_s"], row["max_s"]) == (min(own) / 1e6, max(own) / 1e6)
        assert (row["p50_s"], row["mean_s"]) == (percentile(own, 50), sum(own) / (len(own) * 10**6))
    assert result.cases["case_id"].to_pylist() == list(cases)
    assert result.cases["variant"].to_pylist() == [rows[variant]["variant"] for variant in result.of_case]


@given(logs.event_logs(max_activities=3), st.sampled_from([1, 2, 3, 8]), st.sampled_from([1, 5, 1 << 18]))
def test_equal_to_the_twin(events, threads, block):
    log = from_arrow(logs.table(events))
    with mock.patch.object(parallel, "EVENTS_PER_BLOCK", block):
        check(variants(log, threads=threads), events)


@given(logs.event_logs(max_activities=3), st.sampled_from([0, 7]))
def test_colliding_hashes_merge_nothing_and_ids_stay_unique(events, hash_value):
    log = from_arrow(logs.table(events))
    same = np.full(log.cases, hash_value, np.uint64)
    with mock.patch.object(module, "sequence_hashes", return_value=same):
        check(variants(log), events)


@pytest.mark.parametrize("name", logs.BY_HAND)
def test_logs_by_hand(name):
    check(variants(from_arrow(logs.table(logs.BY_HAND[name]))), logs.BY_HAND[name])


@pytest.mark.parametrize("count", [300, 66_000])
def test_wide_codes_sort_by_text(count):
    """Codes of two and four bytes are compared as numbers, not byte by byte from the wrong end."""
    events = logs.log(*((str(step // 2), f"{step:05}", step) for step in reversed(range(count))))
    result = variants(from_arrow(logs.table(events)))
    assert [row[0] for row in result.activities.to_pylist()] == [f"{step:05}" for step in range(0, count, 2)]


def test_ids_are_the_same_in_every_log():
    one = logs.log(("1", "b", 0), ("1", "c", 1))
    other = logs.log(
        ("x", "a", 0), ("y", "b", 3), ("y", "c", 4), ("y", "zz", 5), ("z", "b", 3), ("z", "c", 4)
    )
    ids = {
        tuple(row["activities"]): row["variant"]
        for events in (one, other)
        for row in variants(from_arrow(logs.table(events))).table.to_pylist()
    }
    (known,) = variants(from_arrow(logs.table(one))).ids.to_pylist()
    assert ids["b", "c"] == known
    assert known == "00294940fb685f67"


def test_the_same_bits_for_any_threads():
    log = from_arrow(logs.table(logs.random_log(5, events=4000, cases=300)))
    with mock.patch.object(parallel, "EVENTS_PER_BLOCK", 50):
        results = [variants(log, threads=threads) for threads in (1, 2, 3, 8)]
    assert len({result.to_json() for result in results}) == 1
    assert len({result.of_case.tobytes() for result in results}) == 1


@given(logs.event_logs(), st.randoms())
def test_the_order_of_rows_does_not_matter_where_nothing_ties(events, rng):
    distinct = [event._replace(time_us=event.time_us // 64 * 64 + event.row) for event in events]
    first, second = (
        variants(from_arrow(logs.table(rows))) for rows in (distinct, logs.reordered(distinct, rng))
    )
    assert first.table.equals(second.table)


def test_results_go_out_and_survive_pickling():
    log = from_arrow(logs.table(logs.random_log(6)))
    result = variants(log)
    again = pickle.loads(pickle.dumps(result))
    assert again.table.equals(result.table)
    assert again.to_json() == result.to_json()
    assert pa.table(result).equals(result.table)
    assert result.to_polars().height == len(result)
    assert len(result.to_pandas()) == len(result)
    assert repr(result).startswith("Variants: ")


def test_cancelled():
    with pytest.raises(Cancelled):
        variants(from_arrow(logs.table(logs.random_log(1))), progress=lambda *_: False)
