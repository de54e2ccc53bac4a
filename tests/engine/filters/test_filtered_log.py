"""A filtered log is a log like any other, and takes from its parent what it is asked for."""

from __future__ import annotations

import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import logs
from dealtrace_engine.analyses.throughput import throughput_times
from dealtrace_engine.analyses.variants import variants
from dealtrace_engine.errors import LogError, SchemaError
from dealtrace_engine.filters import where as w
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.sources.readers import read_parquet
from dealtrace_engine.store import open_log, verify

from . import expressions as made


@pytest.fixture
def log():
    return made.log_of(logs.random_log(4, cases=40, events=300))


HALF = w.case("region") == "DACH"
CUT = w.activity("a", "b", "c") & ~w.starts("d")


@pytest.mark.parametrize("expression", [HALF, CUT, w.case_size(at_least=1)], ids=repr)
def test_other_columns_come_from_the_parent(log, expression):
    filtered = log.filter(expression)
    marks = np.isin(log.rows, filtered.rows)
    assert filtered.attribute_names == log.attribute_names
    assert filtered.to_arrow(["region", "amount"]).to_pylist() == [
        row for row, kept in zip(log.to_arrow(["region", "amount"]).to_pylist(), marks, strict=True) if kept
    ]
    case = filtered.case(filtered.case_ids[0].as_py())
    assert set(case.table.column_names) | set(case.attributes) == {
        "activity", "timestamp", "region", "amount"
    }  # fmt: skip
    assert throughput_times(filtered).percentiles([50], by="region")["cases"].to_pylist()
    assert filtered.with_attributes(["amount"]).kept["amount"] is filtered.attribute("amount")
    assert list(filtered.kept) == list(log.kept)
    assert len(filtered.kept) == len(log.kept)
    assert "amount" in filtered.kept
    with pytest.raises(SchemaError, match="nearest: 'region'"):
        filtered.attribute("regoin")


def test_all_cases_share_the_columns(log):
    filtered = log.filter(w.case_size(at_least=1))
    assert filtered.activity_codes is log.activity_codes
    assert filtered.timestamps is log.timestamps
    assert filtered.fingerprint == log.fingerprint
    assert filtered.quality.dropped == log.quality.dropped


def test_nothing_can_be_written_to(log):
    filtered = log.filter(HALF)
    for column in ("case_offsets", "activity_codes", "timestamps", "rows"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(filtered, column)[0] = 0


def test_it_says_what_was_filtered(log):
    filtered = log.filter(HALF).filter(CUT)
    assert "kept of" in repr(filtered)
    assert repr(CUT) in repr(filtered)
    quality = filtered.quality
    assert [finding.reason for finding in quality.dropped] == [
        f"not kept by the filter {HALF!r}", f"not kept by the filter {CUT!r}"
    ]  # fmt: skip
    assert sum(finding.count for finding in quality.dropped) == quality.rows_dropped
    assert quality.notes[-2:] == [f"filter: {HALF!r}", f"filter: {CUT!r}"]
    assert log.quality.rows_dropped == 0


def test_a_long_filter_does_not_drown_the_report(log):
    (note,) = log.filter(w.case_id(*map(str, range(10_000))) | HALF).quality.notes[-1:]
    assert len(note) < 400
    assert note.endswith(" characters)")


def test_the_fingerprint_is_of_the_content(log):
    assert log.filter(HALF).fingerprint == log.filter(HALF).fingerprint != log.fingerprint
    assert log.filter(HALF).fingerprint != log.filter(~HALF).fingerprint
    assert variants(log.filter(HALF)).log_fingerprint == log.filter(HALF).fingerprint


def same(one, other) -> None:
    assert one.fingerprint == other.fingerprint
    assert np.array_equal(one.rows, other.rows)
    assert one.attribute_names == other.attribute_names
    assert one.to_arrow(one.attribute_names).to_pylist() == other.to_arrow(one.attribute_names).to_pylist()
    assert one.quality == other.quality


@pytest.mark.parametrize("expression", [HALF, CUT], ids=repr)
def test_it_survives_pickling_and_saving(log, expression, tmp_path):
    filtered = log.filter(expression).filter(~w.ends("b"))
    same(pickle.loads(pickle.dumps(filtered)), filtered)
    filtered.save(tmp_path / "part.dealtrace")
    again = open_log(tmp_path / "part.dealtrace")
    assert verify(again) == []
    same(again, filtered)
    same(again.filter(w.contains("a")), filtered.filter(w.contains("a")))
    same(pickle.loads(pickle.dumps(again.filter(w.contains("a")))), filtered.filter(w.contains("a")))


def test_columns_of_a_file_are_read_for_the_part(tmp_path):
    events = logs.random_log(8)
    pq.write_table(made.table(events), tmp_path / "log.parquet")
    log = read_parquet(tmp_path / "log.parquet")
    filtered = log.filter(w.contains("a"))
    again = pickle.loads(pickle.dumps(filtered))
    assert not dict(again.kept)
    same(again, filtered)


def test_start_timestamps_are_those_of_the_part():
    events = logs.random_log(9, cases=10, events=60)
    table = logs.table(events)
    starts = pa.array([None if e.row % 7 == 3 else e.time_us - 5 for e in events], pa.timestamp("us", "UTC"))
    log = from_arrow(table.append_column("start_timestamp", starts))
    filtered = log.filter(w.activity("a", "b"))
    assert filtered.start_timestamps.to_pylist() == [starts[row].as_py() for row in filtered.rows.tolist()]


def test_activities_that_no_longer_occur_are_gone_but_known(log):
    filtered = log.filter(~w.activity("a"))
    assert "a" not in filtered.activities.to_pylist()
    assert len(np.unique(filtered.activity_codes)) == len(filtered.activities)
    for never in (
        w.contains("a"),
        w.starts("a"),
        w.prefix("a"),
        w.rework("a"),
        w.self_loop("a"),
        w.pattern("a"),
        w.activity("a"),
    ):
        assert not never.mask(filtered).any()
    assert not w.directly_followed("a", "b").mask(filtered).any()
    assert not w.eventually_followed("b", "a").mask(filtered).any()
    assert not w.between("a", "b").mask(filtered).any()
    with pytest.raises(LogError, match="no activity 'z'"):
        w.contains("z").mask(filtered)


def test_codes_stay_as_narrow_as_they_can_be():
    many = made.log_of(logs.log(*((str(step // 2), f"{step:05}", step) for step in range(600))))
    assert many.activity_codes.dtype == np.uint16
    few = many.filter(w.case_id("0", "7"))
    assert few.activity_codes.dtype == np.uint8
    assert few.activities.to_pylist() == ["00000", "00001", "00014", "00015"]
    assert few.activity_codes.tolist() == [0, 1, 2, 3]


def test_nothing_left_is_an_error_that_names_the_filter(log):
    for nothing in (w.case_size(at_least=10**6), w.timeframe("1990-01-01", "1990-01-02")):
        with pytest.raises(LogError, match=r"no case passes the filter w\..*; loosen it") as error:
            log.filter(nothing)
        assert repr(nothing) in str(error.value)
