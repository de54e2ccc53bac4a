import gzip
import json
import random
from collections import Counter
from pathlib import Path
from unittest import mock
from xml.sax.saxutils import quoteattr

import pyarrow as pa
import pytest
from dealtrace_engine.errors import Cancelled, LogError, ParseError
from dealtrace_engine.sources import xes_reader, xes_rows, xml_stream
from dealtrace_engine.sources.xes import xes_table
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import xes as naive
from shared_data import LOGS, ORACLE, needs_shared

US, NS = pa.timestamp("us", "UTC"), pa.timestamp("ns", "UTC")
HEAD = '<log>\n<trace><string key="concept:name" value="c"/>\n<event>\n'
TAIL = "\n</event></trace></log>"


@pytest.fixture
def read(tmp_path):
    def reading(text, **arguments):
        path = tmp_path / "log.xes"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return xes_table(path, **arguments)

    return reading


@pytest.fixture
def refused(read):
    def refusing(text):
        with pytest.raises(ParseError) as caught:
            read(text)
        assert "\n" not in str(caught.value)
        return caught.value

    return refusing


def one(attributes):
    return HEAD + attributes + TAIL


def values(table):
    """Column name to values; dates as nanoseconds since 1970."""
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_timestamp(column.type):
            scale = 1000 if column.type == US else 1
            integers = column.cast(pa.int64()).to_pylist()
            columns[name] = [value if value is None else value * scale for value in integers]
        else:
            columns[name] = column.to_pylist()
    return columns


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


def test_a_timestamp_with_the_tag_of_a_string_is_a_date(read, refused):
    text = one('<{} key="time:timestamp" value="{}"/></event>\n<event><date key="time:timestamp" '
               'value="1970-01-01T00:00:01Z"/>')  # fmt: skip
    assert values(read(text.format("string", "1970-01-01T00:00:00Z")).table)["time:timestamp"] == [0, 10**9]
    assert (refused(text.format("id", "?")).line, refused(text.format("string", "?")).value) == (4, "?")


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


@pytest.mark.parametrize("encoding", ["Shift_JIS", "klingon", "rot13", "utf-7", "cp037"])
def test_encodings_that_expat_cannot_use(refused, encoding):
    assert refused(f'<?xml version="1.0" encoding="{encoding}"?>\n' + one("")).line == 1


def test_gzip_is_known_by_its_bytes(read):
    data = gzip.compress(one('<int key="k" value="1"/>').encode())
    xes = read(data)
    assert xes.table["k"].to_pylist() == [1]
    assert "gzip" in xes.notes[0]
    assert read(data + gzip.compress(b"<!-- a second member -->") + bytes(16)).table.num_rows == 1


# --- bad input


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("date", "?"), ("date", "2020-13-01T00:00:00Z"), ("date", "0000-01-01T00:00:00Z"), ("date", ""),
        ("date", "1500-01-01T00:00:00.000000001Z"),
        ("int", "1.0"), ("int", "1_000"), ("int", " 1"), ("int", "0x1F"), ("int", "9223372036854775808"),
        ("int", "9" * 5000), ("int", "١"), ("int", ""), ("int", "1&#10;"),
        ("float", "1,5"), ("float", "1e999"), ("float", "1_0.0"), ("float", "."), ("float", "0x1p3"),
        ("float", ""), ("boolean", "yes"), ("boolean", ""),
    ],
)  # fmt: skip
def test_bad_values(refused, tag, text):
    good = {"date": "2020-01-01T00:00:00Z", "int": "1", "float": "1", "boolean": "true"}[tag]
    error = refused(
        one(f'<{tag} key="k" value="{good}"/>\n</event><event><{tag} key="j" value="{good}"/>\n'
            f'<{tag}\n key="k"  value="{text}"/></event><event><{tag} key="j" value="bad"/>')
    )  # fmt: skip
    assert (error.line, error.column) == (6, "k")
    assert error.value == text.replace("&#10;", "\n")


def test_bad_value_of_a_trace(refused):
    error = refused('<log><trace/>\n<trace>\n<event/>\n<int key="k" value="x"/></trace></log>')
    assert (error.line, error.column, error.value) == (4, "case:k", "x")


def test_bad_value_in_a_later_chunk(refused):
    events = '<event><int key="k" value="1"/></event>\n' * 50
    with mock.patch.object(xes_reader, "CHUNK_BYTES", 100), mock.patch.object(xml_stream, "BLOCK_BYTES", 64):
        error = refused(f'<log><trace>\n{events}<event><int key="k" value="?"/></event></trace></log>')
    assert error.line == 52


def test_nanoseconds_beside_dates_they_cannot_hold(refused):
    days = ("0900-01-01T00:00:00Z", "2020-01-01T00:00:00.000000001Z")
    events = "".join(f'<event><date key="t" value="{day}"/></event>' for day in days)
    with mock.patch.object(xes_reader, "CHUNK_BYTES", 1), mock.patch.object(xml_stream, "BLOCK_BYTES", 8):
        assert "nanoseconds" in refused(f"<log><trace>{events}</trace></log>").what


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        (b"", None, "empty"),
        (b" \n\n", 3, "no element"),
        (b"a,b\n1,2\n", 1, "well-formed"),
        (b"PK\x03\x04", 1, "well-formed"),
        (b"<log>\n<trace>\n</log>", 3, "mismatched tag"),
        (b"<log>\n<trace>\n", 3, "no element found"),
        (b"<log>\n</log>\n<log/>", 3, "junk after"),
        (b"<log>\n<trace>\x00</trace></log>", 2, "well-formed"),
        (b'<log>\n<string key="a" value="\xff"/></log>', 2, "well-formed"),
        (b'<log>\n<string key="a" value="&#0;"/></log>', 2, "character"),
        (b'<log>\n<string key="a" value="&bomb;"/></log>', 2, "entity"),
        (b'<log>\n<string key="a" key="a" value=""/></log>', 2, "duplicate"),
        (b"<pnml>\n</pnml>", 1, "<log>"),
        (b"<log>\n<trace><event>\n<string value='a'/></event></trace></log>", 3, "no key"),
        (b'<!DOCTYPE log [\n<!ENTITY a "b">]>\n<log/>', 1, "DOCTYPE"),
        (b'<!DOCTYPE log SYSTEM "file:///etc/hostname">\n<log/>', 1, "DOCTYPE"),
        ('<?xml version="1.0" encoding="utf-16"?>\n<!DOCTYPE log>\n<log/>'.encode("utf-16"), 2, "DOCTYPE"),
        (b"<log>\n" + b"<list key='a'>" * 300, 2, "nested"),
        (b"<log>\n<trace><event>\n" + b"<list key='a'>" * 300, 3, "nested"),
        (b"<log>\n" + b"<trace>" * 300, 2, "nested"),
    ],
)
def test_not_xes(refused, text, line, what):
    error = refused(text)
    assert error.line == line
    assert what in error.what


def test_billion_laughs_end_at_the_doctype(refused):
    entities = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">\n' for n in range(12))
    error = refused(
        f'<!DOCTYPE log [<!ENTITY e0 "ha">\n{entities}]><log><string key="a" value="&e12;"/></log>'
    )
    assert "DOCTYPE" in error.what


def gzipped_events(count=5000):
    numbers = random.Random(1)
    events = "".join(
        f'<event><int key="k" value="{numbers.randrange(1 << 60)}"/></event>\n' for _ in range(count)
    )
    return gzip.compress(f"<log><trace>\n{events}</trace></log>".encode())


@pytest.mark.parametrize("cut", [3, 12, 1000, -1, -8, -9])
def test_truncated_gzip(refused, cut):
    error = refused(gzipped_events()[:cut])
    assert "gzip" in error.what
    assert error.line >= 1


@pytest.mark.parametrize("garbage", [b"garbage", b"\x1f\x8b", b"<log/>"])
def test_garbage_after_gzip(refused, garbage):
    assert refused(gzipped_events() + garbage).what.startswith("the gzip data")


def test_damaged_gzip(refused):
    data = bytearray(gzipped_events())
    data[-6] ^= 1  # in the checksum
    assert "gzip" in refused(bytes(data)).what
    data[len(data) // 2] ^= 0xFF
    assert refused(bytes(data)).line > 1


def test_a_second_log_in_a_second_gzip_member(refused):
    assert "junk" in refused(gzip.compress(b"<log/>") * 2).what


def test_gzip_of_nothing(refused):
    assert "no element" in refused(gzip.compress(b"")).what


def test_endless_tag(refused):
    with mock.patch.object(xml_stream, "LONGEST_TAG", 1 << 20):
        error = refused(gzip.compress(b'<log>\n<string key="a" value="' + b"a" * (1 << 22)))
    assert "longer than" in error.what


def test_too_many_keys(refused):
    events = "".join(f'<int key="k{n}" value="1"/>\n' for n in range(5000))
    assert "4,096 different" in refused(one(events)).what


def test_a_long_text_of_a_trace_is_not_repeated_without_end(refused):
    events = "<event/>" * 100
    with mock.patch.object(xes_rows, "MOST_REPEATED_BYTES", 9_999):
        error = refused(f'<log>\n<trace>\n<string key="k" value="{"a" * 100}"/>{events}</trace></log>')
    assert (error.line, error.column) == (3, "case:k")
    assert "100 events" in error.what


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path / "none.xes", tmp_path):
        with pytest.raises(ParseError):
            xes_table(path)


def test_a_file_that_changes_while_it_is_read(tmp_path):
    path = tmp_path / "log.xes"
    path.write_text("<log/>")

    for text in ("<log></log>", "<log/> "):

        def change(done, of, text=text):
            path.write_text(text)

        with pytest.raises(LogError, match="changed"):
            xes_table(path, progress=change)


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


# --- any log, written in any way

characters = st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff").filter(
    lambda c: c >= " " or c in "\t\n\r"
)
strings = st.text(characters, max_size=8) | st.sampled_from(
    ["a<b", "&amp;", "]]>", "\r\n", "'\"", "<!--", "", "null"]
)
dates = st.builds(
    "{}{}{}".format,
    st.datetimes(
        min_value=naive.datetime(1700, 1, 1), max_value=naive.datetime(2250, 1, 1)
    ).map(lambda moment: moment.isoformat()[:19]),
    st.sampled_from(["", ".0", ".123", ".123456", ".100000000"]) | st.just(".000000001"),
    st.sampled_from(["", "Z", "+02:00", "-11:30"]),
)  # fmt: skip
cells = st.one_of(
    st.tuples(st.just("string"), strings),
    st.tuples(st.just("id"), strings),
    st.tuples(st.just("date"), dates),
    st.tuples(st.just("int"), st.integers(-(2**63), 2**63 - 1).map(str)),
    st.tuples(st.just("float"), st.floats(allow_nan=False).map(repr)),
    st.tuples(st.just("boolean"), st.sampled_from(["true", "false"])),
)
keys = st.sampled_from(["concept:name", "time:timestamp", "a b", "é", "", "<&>"])


def with_a_date(cells):
    tag = cells.get("time:timestamp", ("int", ""))[0]
    return cells | {"time:timestamp": (tag, "2020-01-01T00:00:00")} if tag in ("string", "id") else cells


attributes = st.dictionaries(keys, cells, max_size=4).map(with_a_date)
plain = st.dictionaries(st.just("n"), st.tuples(st.just("int"), st.integers(0, 9).map(str)))
traces = st.lists(st.tuples(attributes | plain, st.lists(attributes | plain, max_size=4)), max_size=5)


class Writer:
    """Writes a log as XES text, with the freedoms that XML leaves chosen at random."""

    def __init__(self, choose, prefix):
        self.choose, self.prefix = choose, prefix

    def value(self, text):
        quoted = quoteattr(text, {"\n": "&#10;", "\r": "&#xD;", "\t": "&#9;"})
        if text and self.choose.random() < 0.2:
            first = f"&#{ord(text[0])};"
            quoted = quoteattr("\0" + text[1:], {"\n": "&#10;", "\r": "&#xd;", "\t": "&#9;"}).replace(
                "\0", first
            )
        return quoted

    def between(self):
        return self.choose.choice(
            ["", "\n", "  ", "\t", "<!-- <event> &nothing; -->", "<![CDATA[<event/>]]>", "<?pi a?>"]
        )

    def tag(self, name, attributes, content=None):
        pairs = [f"{key}{self.choose.choice(['=', ' = '])}{self.value(text)}" for key, text in attributes]
        self.choose.shuffle(pairs)
        start = f"<{self.prefix}{name} {' '.join(pairs)}"
        if content is None and self.choose.random() < 0.5:
            return start + "/>" + self.between()
        return f"{start}>{self.between()}{content or ''}</{self.prefix}{name} >{self.between()}"

    def cells(self, cells):
        parts = []
        for key, (tag, text) in cells.items():
            nested = self.choose.choice([None, None, self.tag("int", [("key", "n"), ("value", "1")])])
            parts.append(self.tag(tag, [("key", key), ("value", text)], nested))
        return "".join(parts)

    def log(self, traces):
        body = "".join(
            self.tag(
                "trace", [], self.cells(case) + "".join(self.tag("event", [], self.cells(e)) for e in events)
            )
            for case, events in traces
        )
        space = "xmlns" + (":x" if self.prefix else "")
        return f'<{self.prefix}log {space}="http://www.xes-standard.org/">{self.between()}{body}</{self.prefix}log>'


def written(traces, seed):
    choose = random.Random(seed)
    text = Writer(choose, choose.choice(["", "", "x:"])).log(traces)
    encoding = choose.choice(["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
    if encoding == "iso-8859-1" and max(map(ord, text)) > 255:
        encoding = "utf-8"
    text = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>\n{text}'
    return (text.replace("\n", "\r\n") if choose.random() < 0.3 else text).encode(encoding)


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
