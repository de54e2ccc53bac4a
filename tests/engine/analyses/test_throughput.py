"""Throughput times and their percentiles, over all cases and by every kind of case attribute."""

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
from dealtrace_engine.analyses.throughput import throughput_times
from dealtrace_engine.errors import Cancelled, SchemaError
from dealtrace_engine.sources.memory import from_arrow
from naive import groups as naive


def expected_times(events):
    return naive.first_to_last([[event.time_us for event in own] for own in logs.by_case(events).values()])


@given(logs.event_logs(), st.sampled_from([1, 2, 3, 8]), st.lists(st.floats(0, 100), max_size=4))
def test_equal_to_the_twin_and_to_numpy(events, threads, ranks):
    with mock.patch.object(parallel, "EVENTS_PER_BLOCK", 4):
        result = throughput_times(from_arrow(logs.table(events)), threads=threads)
    assert result.microseconds.tolist() == expected_times(events)
    seconds = np.array(expected_times(events)) / 1e6
    assert np.array(result.percentiles(ranks)).tobytes() == np.percentile(seconds, ranks).tobytes()
    assert result.table.to_pydict() == {"case_id": list(logs.by_case(events)), "seconds": seconds.tolist()}


@given(logs.event_logs(), st.sampled_from(["text", "number", "dictionary", "boolean"]))
def test_by_group_equal_to_numpy(events, kind):
    regions = ["north", None, "", "south"]
    number = {case: hash_of % 4 for hash_of, case in enumerate(logs.by_case(events))}
    chosen = [number[event.case] for event in sorted(events, key=lambda event: event.row)]
    values = {
        "text": pa.array([regions[n] for n in chosen], pa.string()),
        "dictionary": pa.array([regions[n] for n in chosen], pa.string()).dictionary_encode(),
        "number": pa.array([None if n == 1 else n for n in chosen], pa.int16()),
        "boolean": pa.array([None if n == 1 else n > 1 for n in chosen]),
    }[kind]
    result = throughput_times(from_arrow(logs.table(events).append_column("region", values)))
    found = result.percentiles([50, 90], by="region").to_pylist()
    groups: dict[object, list[float]] = {}
    rows = values.to_pylist()
    for own in logs.by_case(events).values():
        groups.setdefault(rows[own[0].row], []).append((own[-1].time_us - own[0].time_us) / 1e6)
    order = sorted(
        groups,
        key=lambda group: (
            -len(groups[group]),
            group is None,
            group or type(rows[0])() if group is not None else "",
        ),
    )
    assert [row["region"] for row in found] == order
    for row in found:
        seconds = groups[row["region"]]
        assert (row["cases"], row["p50_s"], row["p90_s"]) == (len(seconds), *np.percentile(seconds, [50, 90]))


def grouped_by(values):
    table = pa.table(
        {
            "case_id": ["1", "1", "2", "3"],
            "activity": ["a", "b", "a", "a"],
            "timestamp": pa.array([0, 10, 5, 5], pa.timestamp("s")),
            "g": values,
        }
    )
    return throughput_times(from_arrow(table)).percentiles([100], by="g").to_pydict()


DICTIONARY = pa.DictionaryArray.from_arrays


@pytest.mark.parametrize(
    ("values", "groups", "cases"),
    [
        (pa.array(["x", "x", "x", "y"], pa.string_view()), ["x", "y"], [2, 1]),
        (pa.array([b"x", b"x", b"x", b"y"], pa.binary_view()), [b"x", b"y"], [2, 1]),
        (pa.array([None] * 4), [None], [3]),
        (pa.array([[1], [1], None, [1]]), [[1], None], [2, 1]),
        (pa.array([{"k": 1}] * 4), [{"k": 1}], [3]),
        (pa.array(np.array([1, 1, 2, 2], np.float16)), [2.0, 1.0], [2, 1]),
        (pa.array([b"u" * 16] * 4, pa.uuid()), [b"u" * 16], [3]),
        (pa.RunEndEncodedArray.from_arrays([3, 4], ["x", "y"]), ["x", "y"], [2, 1]),
        (DICTIONARY(pa.array([0, 0, 1, 1], pa.int8()), pa.array(["x", None])), [None, "x"], [2, 1]),
        (DICTIONARY(pa.array([0, 1, 1, 2], pa.int8()), pa.array(["x", "x", "y"])), ["x", "y"], [2, 1]),
        (DICTIONARY(pa.array([2, 2, 1, 1], pa.uint8()), pa.array(["unused", "b", "a"])), ["b", "a"], [2, 1]),
        (DICTIONARY(pa.array([1, 1, 0, 0], pa.int8()), pa.array([7, 3])), [7, 3], [2, 1]),
    ],
    ids=lambda values: str(getattr(values, "type", "")),
)
def test_attributes_of_every_kind(values, groups, cases):
    found = grouped_by(values)
    assert (found["g"], found["cases"]) == (groups, cases)


def test_what_varies_within_cases_is_refused():
    with pytest.raises(SchemaError, match="varies within cases"):
        grouped_by(pa.array(["x", "y", "x", "y"]))
    with pytest.raises(SchemaError, match="varies within cases"):
        grouped_by(pa.array(["x", None, "x", "y"]))


def test_unknown_and_clashing_columns_are_refused():
    log = from_arrow(logs.table(logs.BY_HAND["one case"]).append_column("cases", pa.array(["x"] * 4)))
    result = throughput_times(log)
    with pytest.raises(SchemaError, match="nearest: 'cases'"):
        result.percentiles([50], by="case")
    with pytest.raises(SchemaError, match="column of the answer"):
        result.percentiles([50], by="cases")


def test_pickled_it_still_answers_by_group():
    table = logs.table(logs.BY_HAND["interleaved"])
    result = throughput_times(from_arrow(table.append_column("g", table["case_id"])))
    again = pickle.loads(pickle.dumps(result))
    assert again.percentiles([50], by="g").equals(result.percentiles([50], by="g"))
    assert again.table.equals(result.table)
    assert again.log_fingerprint == result.log_fingerprint


def test_cancelled():
    with pytest.raises(Cancelled):
        throughput_times(from_arrow(logs.table(logs.random_log(1))), progress=lambda *_: False)
