import gzip
from unittest import mock

import pytest

from dealtrace_engine.errors import LogError, ParseError
from dealtrace_engine.sources import xes_reader, xes_rows, xml_stream
from dealtrace_engine.sources.xes import xes_table
from xes_logs import gzipped_events, one


@pytest.fixture
def refused(tmp_path):
    def refusing(text):
        path = tmp_path / "log.xes"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(ParseError) as caught:
            xes_table(path)
        assert "\n" not in str(caught.value)
        return caught.value

    return refusing


@pytest.mark.parametrize("tag", ["string", "id", "date"])
def test_bad_timestamp_whatever_its_tag(refused, tag):
    error = refused(one(f'<{tag} key="time:timestamp" value="?"/>'))
    assert (error.line, error.column, error.value) == (4, "time:timestamp", "?")


@pytest.mark.parametrize("encoding", ["Shift_JIS", "klingon", "rot13", "utf-7", "cp037"])
def test_encodings_that_expat_cannot_use(refused, encoding):
    assert refused(f'<?xml version="1.0" encoding="{encoding}"?>\n' + one("")).line == 1


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
