import gzip
import json
from collections import Counter
from pathlib import Path
from unittest import mock

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dealtrace_engine.errors import Cancelled, ParseError
from dealtrace_engine.sources import xes_reader, xml_stream
from dealtrace_engine.sources.xes import xes_table
from naive import xes as naive
from shared_data import LOGS, ORACLE, needs_shared
from xes_logs import NS, US, gzipped_events, one, traces, values, written


@pytest.fixture
def read(tmp_path):
    def reading(text, **arguments):
        path = tmp_path / "log.xes"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return xes_table(path, **arguments)

    return reading


# --- types


@pytest.mark.parametrize(
    ("tag", "text", "kind", "value"),
    [
        ("string", " a ", pa.string(), " a "),
        ("string", "", pa.string(), ""),
        ("id", "f81d4fae", pa.string(), "f81d4fae"),
        ("int", "-9223372036854775808", pa.int64(), -(2**63)),
        ("int", "+007", pa.int64(), 7),
        ("float", "1.5e3", pa.float64(), 1500.0),
        ("float", "-INF", pa.float64(), float("-inf")),
        ("float", "Infinity", pa.float64(), float("inf")),
        ("float", ".5", pa.float64(), 0.5),
        ("boolean", "true", pa.bool_(), True),
        ("boolean", "False", pa.bool_(), False),
        ("boolean", "1", pa.bool_(), True),
    ],
)
def test_types(read, tag, text, kind, value):
    column = read(one(f'<{tag} key="k" value="{text}"/>')).table["k"]
    assert column.type == kind
    assert column.to_pylist() == [value]


def test_float_nan(read):
    (value,) = read(one('<float key="k" value="NaN"/>')).table["k"].to_pylist()
    assert value != value


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("1970-01-01T00:00:00Z", US, 0),
        ("1970-01-01T00:00:00", US, 0),
        ("1970-01-01T01:00:00.000001+01:00", US, 1),
        ("1970-01-01T00:00:00.123456000Z", US, 123456),
        ("1970-01-01T00:00:00.123456001Z", NS, 123456001),
        ("1969-12-31T23:59:59.999999999Z", NS, -1),
        ("1677-09-21T00:12:44Z", US, -9223372036000000),
    ],
)
def test_dates(read, text, kind, value):
    column = read(one(f'<date key="k" value="{text}"/>')).table["k"]
    assert column.type == kind
    assert column.cast(pa.int64()).to_pylist() == [value]


def test_one_nanosecond_makes_the_whole_column_nanoseconds(read):
    events = "".join(
        f'<event><date key="t" value="2020-01-01T00:00:00{fraction}Z"/></event>'
        for fraction in ("", ".000000001")
    )
    with mock.patch.object(xes_reader, "CHUNK_BYTES", 1), mock.patch.object(xml_stream, "BLOCK_BYTES", 40):
        column = read(f"<log><trace>{events}</trace></log>").table["t"]
    assert column.type == NS
    first, second = column.cast(pa.int64()).to_pylist()
    assert (first, second - first) == (1577836800 * 10**9, 1)


def test_several_types_become_text(read):
    text = one('<int key="k" value="007"/></event><event><float key="k" value="1.50"/>')
    xes = read(text)
    assert xes.table["k"].to_pylist() == ["007", "1.50"]
    assert any("several types" in note and "k" in note for note in xes.notes)


def test_a_timestamp_with_the_tag_of_a_string_is_a_date(read):
    text = (
        '<string key="time:timestamp" value="1970-01-01T00:00:00Z"/></event>'
        '<event><date key="time:timestamp" value="1970-01-01T00:00:01Z"/>'
    )
    assert values(read(one(text)).table)["time:timestamp"] == [0, 10**9]


def test_zones(read):
    dates = (
        "2020-01-01T00:00:00Z",
        "2020-01-01T00:00:00",
        "2020-01-01T00:00:00+01:00",
        "2020-01-01T00:00:00.5+01:00",
    )
    events = "".join(f'<event><date key="time:timestamp" value="{date}"/></event>' for date in dates)
    assert read(f"<log><trace>{events}</trace></log>").zones == {"UTC": 1, "naive": 1, "+01:00": 2}


# --- structure


def test_nested_attributes_lists_and_containers_are_counted(read):
    xes = read(
        one(
            '<string key="s" value="top"><int key="cost" value="0"><int key="deep" value="x"/></int></string>'
            '<list key="l"><int key="a" value="5"/></list>'
            '<container key="c"><string key="b" value="6"/></container>'
        )
    )
    assert values(xes.table) == {"case:concept:name": ["c"], "s": ["top"]}
    assert "4 attributes inside of others, not read" in xes.notes
    assert "2 lists and containers, not read" in xes.notes


def test_traces_without_events_and_events_without_traces(read):
    case = '<string key="k" value="{}"/>'
    xes = read(
        f"<log><trace>{case.format('empty')}</trace><event>{case.format('loose')}</event>"
        f"<trace>{case.format('full')}<event/><event>{case.format('e')}</event></trace></log>"
    )
    assert values(xes.table) == {"case:k": [None, "full", "full"], "k": ["loose", None, "e"]}
    assert xes.traces == 2
    assert "1 traces without events" in xes.notes
    assert any(note.startswith("1 events outside") for note in xes.notes)


def test_only_traces_without_events(read):
    table = read('<log><trace><int key="k" value="1"/></trace></log>').table
    assert (table.num_rows, table.column_names) == (0, ["case:k"])


def test_attributes_of_a_trace_may_follow_its_events(read):
    table = read('<log><trace><event/><event/><int key="k" value="1"/></trace></log>').table
    assert values(table) == {"case:k": [1, 1]}


def test_no_attributes_at_all(read):
    table = read("<log><trace><event/><event/></trace></log>").table
    assert (table.num_rows, table.num_columns) == (2, 0)


def test_defaults_are_not_applied(read):
    text = (
        '<log><extension name="Time" prefix="time" uri="u"/>'
        '<global scope="event"><string key="k" value="d"/></global>'
        '<classifier name="Activity" keys="concept:name k"/><string key="creator" value="x"/>'
        '<trace><event/><event><string key="k" value="v"/></event></trace></log>'
    )
    xes = read(text)
    assert values(xes.table) == {"k": [None, "v"]}
    assert xes.notes[1:] == [
        "1 defaults in <global>, not applied",
        "extensions: Time",
        "classifiers: Activity = concept:name k",
        "attributes of the log, not read: creator",
    ]


def test_repeated_keys_and_missing_values_are_counted(read):
    xes = read(one('<int key="k" value="1"/><int key="k" value="2"/><int key="m"/><foo key="x" value="y"/>'))
    assert values(xes.table) == {"case:concept:name": ["c"], "k": [2]}
    assert "1 repeated keys, the last value is kept" in xes.notes
    assert "1 attributes without a value, read as null" in xes.notes
    assert "1 unknown tags, not read: foo" in xes.notes


def test_an_event_key_that_looks_like_a_trace_key(read):
    xes = read(one('<string key="case:concept:name" value="own"/>'))
    assert values(xes.table) == {"case:concept:name": ["c"], "event:case:concept:name": ["own"]}
    assert any("event:case:concept:name" in note for note in xes.notes)


def test_namespace_prefix(read):
    text = (
        '<x:log xmlns:x="http://www.xes-standard.org/"><x:trace><x:int key="k" value="1"/>'
        '<x:event><x:int key="k" value="2"/></x:event></x:trace></x:log>'
    )
    assert values(read(text).table) == {"case:k": [1], "k": [2]}


@pytest.mark.parametrize("encoding", ["UTF-8", "utf-16", "ISO-8859-1", "windows-1252", "ISO-8859-15"])
def test_declared_encodings(read, encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?>' + one('<string key="ä" value="Ünïcode é"/>')
    assert read(text.encode(encoding)).table["ä"].to_pylist() == ["Ünïcode é"]


def test_gzip_is_known_by_its_bytes(read):
    data = gzip.compress(one('<int key="k" value="1"/>').encode())
    xes = read(data)
    assert xes.table["k"].to_pylist() == [1]
    assert "gzip" in xes.notes[0]
    assert read(data + gzip.compress(b"<!-- a second member -->") + bytes(16)).table.num_rows == 1


def test_progress_and_cancel(tmp_path):
    path = tmp_path / "log.xes.gz"
    path.write_bytes(gzipped_events())
    seen = []
    with mock.patch.object(xml_stream, "BLOCK_BYTES", 10_000):
        xes_table(path, progress=lambda done, of: seen.append((done, of)))
    assert len(seen) > 2
    assert seen == sorted(seen)
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)
    with pytest.raises(Cancelled):
        xes_table(path, progress=lambda done, of: False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("xes")


@settings(deadline=None)
@given(traces, st.integers(0, 1 << 30), st.sampled_from([1, 50, 1 << 24]), st.booleans())
def test_equal_to_reading_a_tree(folder, traces, seed, chunk, gzipped):
    data = written(traces, seed)
    path = Path(folder) / "log"
    path.write_bytes(gzip.compress(data) if gzipped else data)
    with (
        mock.patch.object(xes_reader, "CHUNK_BYTES", chunk),
        mock.patch.object(xml_stream, "BLOCK_BYTES", 37),
    ):
        xes = xes_table(path)
    expected = naive.table(data)
    assert values(xes.table) == expected
    assert list(values(xes.table)) == list(expected)
    assert xes.table.num_rows == sum(len(events) for _, events in traces)
    assert xes.traces == len(traces)


# --- real logs


@needs_shared
@pytest.mark.parametrize(
    "name",
    [
        "running-example.xes",
        "sepsis.xes.gz",
        pytest.param("bpic2012.xes.gz", marks=pytest.mark.slow),
        "bpic2013-incidents.xes.gz",
        "bpic2020-domestic.xes.gz",
        "interval_event_log.xes",
    ],
)
def test_counts_of_real_logs(name):
    stem = name.partition(".")[0].removesuffix("_event_log")
    figures = json.loads((ORACLE / f"{stem}.json").read_text())
    table = xes_table(LOGS / name).table
    assert table.num_rows == figures["rows"]
    assert len(set(table["case:concept:name"].to_pylist())) == figures["cases"]
    assert Counter(table["concept:name"].to_pylist()) == figures["activity_counts"]
    assert table["time:timestamp"].null_count == 0


@needs_shared
def test_real_logs_that_cannot_be_used():
    with pytest.raises(ParseError) as caught:
        xes_table(LOGS / "partial-order.xes")
    assert (caught.value.line, caught.value.value) == (23, "?")
    assert xes_table(LOGS / "xes_20.xes").table.column_names == ["sdasaddas"]
