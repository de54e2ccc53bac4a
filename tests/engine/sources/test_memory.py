"""Tables in memory of every make and type; bad ones end in one clear line."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pyarrow as pa
import pytest

import logs
from dealtrace_engine.analyses.variants import variants
from dealtrace_engine.errors import Cancelled, DealtraceError, LogError, ParseError, SchemaError
from dealtrace_engine.sources.memory import from_arrow

CASES, ACTIVITIES = ["1", "1", "2"], ["a", "b", "a"]
TIMES = pa.array([0, 1, 2], pa.timestamp("us"))


def table(**columns):
    return pa.table({"case_id": CASES, "activity": ACTIVITIES, "timestamp": TIMES} | columns)


def text_of(*values: bytes) -> pa.Array:
    offsets = np.cumsum([0, *map(len, values)], dtype=np.int32)
    return pa.Array.from_buffers(
        pa.string(), len(values), [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(values))]
    )


def refused(data, error=SchemaError, **arguments) -> DealtraceError:
    with pytest.raises(error) as caught:
        from_arrow(data, **arguments)
    assert "\n" not in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    return caught.value


# --- what is taken


def test_every_make_of_table_gives_the_same_log():
    import duckdb
    import pandas as pd
    import polars as pl

    data = logs.table(logs.random_log(3))
    expected = from_arrow(data).fingerprint
    frame = data.to_pandas()
    before = frame.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made = {
            "pandas": frame,
            "pandas categories": frame.astype({"case_id": "category", "activity": "category"}),
            "polars": pl.from_arrow(data),
            "polars categories": pl.from_arrow(data).cast({"activity": pl.Categorical}),
            "duckdb": duckdb.from_arrow(data),
            "batch": data.combine_chunks().to_batches()[0],
            "reader": data.to_reader(max_chunksize=7),
            "sliced": pa.concat_tables([data.slice(0, 3), data]).slice(3),
            "chunks": pa.concat_tables([data.slice(0, 100), data.slice(100, 0), data.slice(100)]),
            "log": from_arrow(data),
        }
        for name, value in made.items():
            log = from_arrow(value)
            if name == "log":  # its rows are sorted by case already, so only content is the same
                assert log.fingerprint == expected
            assert (name, log.fingerprint) == (name, expected)
    pd.testing.assert_frame_equal(frame, before)


def test_the_callers_table_is_not_modified():
    data = logs.table(logs.random_log(4))
    copy = pa.table({name: pa.array(data[name].to_pylist(), data[name].type) for name in data.column_names})
    log = from_arrow(data)
    variants(log)
    log.attribute_names, log.quality, log.fingerprint  # noqa: B018
    assert data.equals(copy)


@pytest.mark.parametrize("role", ["case_id", "activity"])
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([3, 1, 3]), ["3", "1", "3"]),
        (pa.array([2**64 - 1, 1, 2], pa.uint64()), ["18446744073709551615", "1", "2"]),
        (pa.array([3.0, None, 1.0]), ["3", None, "1"]),
        (pa.array([3.0, float("nan"), 1.0]), ["3", None, "1"]),
        (pa.array(["x", "y", "x"], pa.large_string()), ["x", "y", "x"]),
        (pa.array(["x", "", "x"], pa.string_view()), ["x", None, "x"]),
        (pa.array([b"x", b"y", b"x"]), ["x", "y", "x"]),
        (pa.array(["x", None, "x"]).dictionary_encode(), ["x", None, "x"]),
        (
            pa.DictionaryArray.from_arrays(pa.array([2, 0, 2], pa.int8()), ["q", "unused", "p"]),
            ["p", "q", "p"],
        ),
        (pa.DictionaryArray.from_arrays(pa.array([0, 1, 2], pa.int8()), ["x", None, "y"]), ["x", None, "y"]),
        (pa.DictionaryArray.from_arrays(pa.array([0, 1, 1], pa.int8()), ["x", ""]), ["x", None, None]),
        (pa.DictionaryArray.from_arrays(pa.array([0, 1, 1], pa.uint8()), [5, 7]), ["5", "7", "7"]),
        (
            pa.DictionaryArray.from_arrays(pa.array([0, 1, 1]), pa.array(["x", "y"], pa.string_view())),
            ["x", "y", "y"],
        ),
        (pa.array([True, False, None]), ["true", "false", None]),
        (pa.array(["NA", "null", "None"]), ["NA", "null", "None"]),
        (pa.array([" x", "x ", "X"]), [" x", "x ", "X"]),
        (pa.array(["a\0", "a", "a\0\0"]), ["a\0", "a", "a\0\0"]),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_ids_of_every_type(role, values, expected):
    log = from_arrow(table(**{role: values}))
    column = "case_id" if role == "case_id" else "activity"
    found = dict(zip(log.rows.tolist(), log.to_arrow()[column].to_pylist(), strict=True))
    assert [found.get(row) for row in range(3)] == expected
    assert log.quality.rows_dropped == expected.count(None) == sum(f.count for f in log.quality.dropped)


def test_activity_dictionaries_that_change_from_chunk_to_chunk():
    parts = [
        pa.DictionaryArray.from_arrays(pa.array(range(100), pa.int8()), [f"{k}-{i}" for i in range(100)])
        for k in range(3)
    ]
    data = pa.table(
        {
            "case_id": pa.chunked_array(parts),
            "activity": pa.chunked_array(parts[::-1]),
            "timestamp": pa.array(range(300), pa.timestamp("us")),
            "kind": pa.chunked_array(parts),
        }
    )
    log = from_arrow(data)
    assert log.case_ids.to_pylist() == data["case_id"].to_pylist()
    assert log.to_arrow()["activity"].to_pylist() == data["activity"].to_pylist()
    assert log.attribute("kind").values.to_pylist() == data["kind"].to_pylist()


# --- what is refused


def test_missing_columns_name_what_there_is():
    error = refused(pa.table({"Kunde": ["1"], "activity": ["a"], "timestamp": TIMES[:1]}))
    assert "no column looks like the case_id" in str(error)
    assert "'Kunde'" in str(error)
    error = refused(table(), case_id="case_di")
    assert "nearest: 'case_id'" in str(error)


def test_ambiguous_and_duplicate_columns():
    error = refused(pa.table({"case": CASES, "Case Key": CASES, "activity": ACTIVITIES, "time": TIMES}))
    assert "'case' and 'Case Key' all look like the case_id; say which with case_id=" in str(error)
    twice = pa.Table.from_arrays(
        [pa.array(CASES)] * 2 + [pa.array(ACTIVITIES), TIMES], ["case", "case", "activity", "time"]
    )
    assert "2 columns are called 'case'" in str(refused(twice))


def test_duplicate_columns_of_no_role_matter_only_when_asked_for():
    data = pa.Table.from_arrays(
        [*table().columns, pa.array([1, 2, 3]), pa.array([4, 5, 6])], [*table().column_names, "x", "x"]
    )
    log = from_arrow(data)
    with pytest.raises(SchemaError, match="2 columns are called 'x'"):
        log.attribute("x")


@pytest.mark.parametrize("role", ["case_id", "activity"])
@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pa.array([1.5, 2.0, 3.0]), "fractional numbers"),
        (pa.array([float("inf"), 2.0, 3.0]), "fractional numbers"),
        (pa.array([2.0**53 + 2, 2.0, 3.0]), "lost digits"),
        (pa.array([2.0**24 + 2, 2.0, 3.0], pa.float32()), "lost digits"),
        (pa.array([[1], [2], [3]]), "cannot be read as text"),
        (pa.array([{"a": 1}] * 3), "cannot be read as text"),
        (pa.array([b"\xff", b"a", b"b"]), "cannot be read as text"),
    ],
)
def test_ids_that_are_none(role, values, message):
    error = refused(table(**{role: values}))
    assert message in str(error)
    assert error.column == role


def test_mixed_objects_of_pandas():
    import pandas as pd

    frame = pd.DataFrame(
        {"case_id": [1, "1", 2.5], "activity": ACTIVITIES, "timestamp": pd.to_datetime(["2024-01-01"] * 3)}
    )
    error = refused(frame.astype({"case_id": object}))
    assert "give each column one type" in str(error)


@pytest.mark.parametrize("role", ["case_id", "activity"])
def test_bytes_that_are_no_text(role):
    error = refused(table(**{role: text_of(b"ok", b"\xff\xfe", b"ok")}), ParseError)
    assert (error.column, error.value) == (role, b"\xff\xfe")


def test_bytes_that_are_no_text_in_a_timestamp_are_counted():
    (finding,) = from_arrow(
        table(timestamp=text_of(b"2024-01-01", b"\xff\xfe", b"2024-01-02"))
    ).quality.dropped
    assert (finding.reason, finding.first_rows, finding.example) == (
        "unparsed timestamp",
        [2],
        "\ufffd\ufffd",
    )


def test_times_beyond_the_calendar_are_counted():
    times = pa.array([0, 2**62, -(2**62)], pa.timestamp("us"))
    (finding,) = from_arrow(table(timestamp=times)).quality.dropped
    assert (finding.reason, finding.count, finding.first_rows) == ("out of range timestamp", 2, [2, 3])


@pytest.mark.parametrize("data", [3, None, "log.csv", [1], {"case_id": ["1"]}])
def test_what_does_not_speak_arrow(data):
    assert "does not speak Arrow" in str(refused(data))


def test_a_stream_of_no_table_and_a_stream_that_breaks():
    refused(pa.chunked_array([[1]]))

    def broken():
        yield table().to_batches()[0]
        raise RuntimeError("the server went away")

    error = refused(pa.RecordBatchReader.from_batches(table().schema, broken()))
    assert "the server went away" in str(error)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (table().slice(0, 0), "there are no rows"),
        (pa.table({"case_id": [None], "activity": ["a"], "timestamp": TIMES[:1]}), "1 null case_id"),
        (pa.table({"case_id": [""], "activity": ["a"], "timestamp": TIMES[:1]}), "1 empty case_id"),
    ],
)
def test_nothing_left(data, message):
    assert message in str(refused(data, LogError))


def test_strict():
    error = refused(table(activity=["a", None, ""]), ParseError, strict=True)
    assert (error.row, error.column) == (2, "activity")


def test_progress_is_told_and_cancels():
    told = []
    from_arrow(table(), progress=lambda *steps: told.append(steps))
    assert told[-1] == (3, 3)
    with pytest.raises(Cancelled):
        from_arrow(table(), progress=lambda *_: False)


# --- start timestamps


def test_start_timestamps_follow_the_zone_and_format_of_the_caller():
    data = table(timestamp=["02/07/2024 10:00"] * 3, start_timestamp=["01/07/2024 09:00"] * 3)
    log = from_arrow(data, timezone="Europe/Berlin", timestamp_format="d/m/Y")
    assert str(log.start_timestamps[0]) == "2024-07-01 07:00:00+00:00"
    assert str(log.to_arrow()["timestamp"][0]) == "2024-07-02 08:00:00+00:00"


def test_start_timestamps_that_cannot_be_read_are_null_and_counted():
    log = from_arrow(table(timestamp=["2024-07-01"] * 3, start_timestamp=["2024-06-01", "soon", None]))
    assert log.start_timestamps.null_count == 2
    assert log.with_attributes(["start_timestamp"]).start_timestamps.null_count == 2
    assert [(f.reason, f.count, f.first_rows) for f in log.quality.noted] == [
        ("unparsed start_timestamp", 1, [2])
    ]


def test_without_start_timestamps_it_says_so():
    log = from_arrow(table())
    assert "service times are unknown" in repr(log)
    with pytest.raises(LogError, match="no start timestamps"):
        log.start_timestamps  # noqa: B018


# --- columns


def test_columns_kept_at_once():
    log = from_arrow(table(region=["x"] * 3), columns=["region"])
    assert log.kept["region"].level == "case"
    assert from_arrow(table(region=["x"] * 3), columns="region").kept.keys() == {"region"}
    with pytest.raises(SchemaError, match="no column 'nope'"):
        from_arrow(table(), columns=["nope"])


def test_texts_beyond_two_gibibytes_take_wide_offsets():
    log = from_arrow(table(comment=["x", "y", "z"]))
    assert log.attribute("comment").values.type.value_type == pa.large_string()


def test_logs_survive_pickling():
    log = from_arrow(table(region=["x", "y", "z"]))
    again = pickle.loads(pickle.dumps(log))
    assert again.fingerprint == log.fingerprint
    assert again.attribute("region").values.equals(log.attribute("region").values)
    assert again.quality == log.quality
    assert repr(again.case("1")) == repr(log.case("1"))
    assert not any(column.flags.writeable for column in (again.timestamps, again.rows, again.case_offsets))


@pytest.mark.parametrize("indices", [[0, 1, 5], [0, -1, 1], [None, 7, 0]])
def test_dictionary_indices_without_an_entry(indices):
    broken = pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), ["a", "b"], safe=False)
    with pytest.raises(ParseError, match="a text is not in its dictionary"):
        from_arrow(table(activity=broken))
