"""CSV files in, rows as text out: by example, and against the standard library's reader on random tables."""

import csv
import gzip
import io
import os
import pickle

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dealtrace_engine.errors import LogError, ParseError, SchemaError
from dealtrace_engine.sources import csv_blocks
from dealtrace_engine.sources.csv import CsvSource
from naive import csv_rows as naive
from shared_data import LOGS, needs_shared


@pytest.fixture
def source(tmp_path):
    def of(*contents, suffix=".csv", **options):
        paths = []
        for i, content in enumerate(contents):
            paths.append(tmp_path / f"log{i}{suffix}")
            paths[-1].write_bytes(content if isinstance(content, bytes) else content.encode())
        return CsvSource.of(paths, **options)

    return of


def rows(source, names=None):
    names = source.names if names is None else names
    batches = list(source.batches(names))
    assert all(batch.schema.types == [pa.string()] * len(names) for batch in batches)
    assert all(batch.schema.names == list(names) for batch in batches)
    return [tuple(row.values()) for batch in batches for row in batch.to_pylist()]


def test_text_stays_text(source):
    content = 'id,a\n007,NA\n null,None\n"",\n1.50,"x ""y"""\n'
    expected = [("007", "NA"), (" null", "None"), ("", None), ("1.50", 'x "y"')]
    assert rows(source(content)) == expected
    assert rows(source(content), ["a"]) == [(a,) for _, a in expected]
    assert rows(source(content), ["a", "id"]) == [(a, i) for i, a in expected]
    assert rows(source(content), ["a", "a"][:1]) == [(a,) for _, a in expected]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("block_bytes", [4, 7, 1 << 20])
@pytest.mark.parametrize("threads", [1, 2])
def test_line_ends_delimiters_and_blocks(source, end, delimiter, block_bytes, threads):
    table = [
        ["id", "note"],
        ["1", "a"],
        ["2", f'"b{end}{delimiter} c"'],
        ["3", "d" * 50],
        ["", ""],
        ["4", ""],
    ]
    content = end.join(delimiter.join(row) for row in table) + end + end
    expected = [("1", "a"), ("2", f"b{end}{delimiter} c"), ("3", "d" * 50), (None, None), ("4", None)]
    assert rows(source(content, block_bytes=block_bytes, threads=threads)) == expected
    assert rows(source(content.rstrip(end), block_bytes=block_bytes, threads=threads)) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
@pytest.mark.parametrize("block_bytes", [5, 1 << 20])
def test_encodings(source, encoding, block_bytes):
    content = "id,größe\nä,€\nß,ü\n"
    assert rows(source(content.encode(encoding), block_bytes=block_bytes)) == [("ä", "€"), ("ß", "ü")]
    assert rows(source(content.encode(encoding), encoding=encoding)) == [("ä", "€"), ("ß", "ü")]


@pytest.mark.parametrize("block_bytes", [16, 1 << 20])
def test_gzip(source, block_bytes):
    content = "id,a\n" + "".join(f"{i},x\n" for i in range(1000))
    read = rows(source(gzip.compress(content.encode()), suffix=".csv.gz", block_bytes=block_bytes))
    assert read == [(str(i), "x") for i in range(1000)]


def test_truncated_gzip(source):
    numbers = "".join(f"{i},{i * i}\n" for i in range(500_000))
    broken = source(gzip.compress(f"id,a\n{numbers}".encode())[:-1000], suffix=".csv.gz")
    with pytest.raises(ParseError, match=r"log0.csv.gz: the gzip file is cut short"):
        rows(broken)


def test_separator_line_and_names(source):
    assert rows(source("sep=;\nid;a\n1;2,5\n")) == [("1", "2,5")]
    assert rows(source("1;2\n3;4\n", names=["x", "y"])) == [("1", "2"), ("3", "4")]


@pytest.mark.parametrize("block_bytes", [4, 9, 1 << 20])
def test_rows_with_a_wrong_number_of_fields_are_counted(source, block_bytes):
    content = "id,a\n1,2\n3\n\n4,5\n6,7,8\n9,10\n11,12,13,14\n15,16\n"
    read = source(content, block_bytes=block_bytes)
    assert rows(read) == [("1", "2"), ("4", "5"), ("9", "10"), ("15", "16")]
    (finding,) = read.findings
    assert (finding.reason, finding.count, finding.first_rows) == ("wrong number of fields", 3, [2, 4, 6])
    assert finding.example == "3"
    assert [read.row_number(position) for position in range(4)] == [1, 3, 5, 7]
    assert read.read(["id"]).column("id").to_pylist() == [1, 4, 9, 15]
    assert read.findings[0].count == 3


def test_many_files(source):
    many = source("id,a\n1,2\n3\n", "id;a\r\n4;5\r\n6\r\n")
    assert rows(many) == [("1", "2"), ("4", "5")]
    assert many.findings[0].first_rows == [2, 4]
    assert many.label.endswith("log0.csv and 1 more")
    assert many.notes == ["delimiter comma", "encoding utf-8", 'quote "', "delimiter semicolon"]
    assert [entry["bytes"] for entry in many.describe()] == [11, 14]


def test_folder(source, tmp_path):
    source("id\n1\n", "id\n2\n")
    (tmp_path / "other.md").write_text("no")
    assert rows(CsvSource.of(tmp_path)) == [("1",), ("2",)]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ParseError, match=r"the folder holds no file that ends in \.csv"):
        CsvSource.of(tmp_path / "empty")


@pytest.mark.parametrize(
    ("second", "what"),
    [
        ("id,b\n1,2\n", "lacks 'a' and has 'b' besides"),
        ("id\n1\n", "lacks 'a'"),
        ("a,id\n1,2\n", "the columns stand in another order"),
    ],
)
def test_another_header(source, second, what):
    with pytest.raises(SchemaError, match=rf"log1.csv, line 1: another header than .*log0.csv: {what}"):
        source("id,a\n1,2\n", second)


def test_missing_column(source):
    with pytest.raises(
        SchemaError, match=r"no column 'activty'; nearest: 'activity'; columns found: 'id', 'activity'"
    ):
        rows(source("id,activity\n1,2\n"), ["activty"])


@pytest.mark.parametrize("content", ["id,a\n", "id,a", "id,a\r\n\r\n"])
def test_header_only(source, content):
    with pytest.raises(ParseError, match=r"log0.csv: there are no rows, only a header"):
        rows(source(content))
    assert rows(source("id,a\n", "id,a\n1,2\n")) == [("1", "2")]


@pytest.mark.parametrize("block_bytes", [6, 1 << 20])
def test_nul_bytes(source, block_bytes):
    early = b"id,a\n1,2\n3,\0\n"
    with pytest.raises(ParseError, match="line 3: byte 12 is NUL"):
        source(early)
    late = source(b"id,a\n" + b"1,2\n" * 300_000 + b"3,\0\n", block_bytes=1 << 16)
    with pytest.raises(ParseError, match="row 300001: there is a NUL byte"):
        rows(late)


def test_bytes_that_are_not_text(source):
    late = b"id,a\n" + b"1,2\n" * 300_000 + b"3,\xff\n"
    with pytest.raises(ParseError, match=r"row 300001: byte 1,200,008 \(0xff\) is not UTF-8; give encoding="):
        rows(source(late))
    assert rows(source(late, encoding="cp1252"))[-1] == ("3", "ÿ")
    undefined = "ä,a\n".encode("cp1252") + b"1,2\n" * 300_000 + b"3,\x81\n"
    with pytest.raises(ParseError, match="row 300001: byte 1,200,007 is not cp1252; give another encoding="):
        rows(source(undefined))
    odd = "id,a\n1,2\n".encode("utf-16") + b"\x00"
    with pytest.raises(ParseError, match="row 2: byte 21 is not utf-16"):
        rows(source(odd, encoding="utf-16"))


def test_a_quote_left_open(source):
    content = 'id,a\n1,2\n\n3,"4\n5,6\n'
    for block_bytes in (4, 1 << 20):
        with pytest.raises(ParseError, match="row 2: a quote is opened and never closed; close it"):
            rows(source(content, block_bytes=block_bytes))
    assert rows(source(content, quote="")) == [("1", "2"), ("3", '"4'), ("5", "6")]


def test_line_feeds_in_quotes_of_a_file_with_carriage_returns(source):
    content = "id,a\r" + '1,"x\ny"\r' * 100
    read = source(content, block_bytes=50)
    assert read.files[0][1].line_end == "\r"
    assert rows(read) == [("1", "x\ny")] * 100


def test_sources_survive_pickling(source):
    read = source("id,a\n1,2\n3\n")
    assert rows(pickle.loads(pickle.dumps(read))) == rows(read)


def test_quotes_inside_fields(source):
    assert rows(source('id,a\n1,5" pipe\n2,x"y"\n"3"z,4\n')) == [("1", '5" pipe'), ("2", 'x"y"'), ("3z", "4")]


def test_a_row_longer_than_blocks(source, monkeypatch):
    long = "x" * 100_000
    assert rows(source(f'id,a\n1,"{long}\n"\n2,y\n', block_bytes=1000)) == [("1", long + "\n"), ("2", "y")]
    monkeypatch.setattr(csv_blocks, "LONGEST_ROW", 50_000)
    with pytest.raises(ParseError, match="row 2: the row is longer than"):
        rows(source(f"id,a\n0,0\n1,{long}\n2,y\n", block_bytes=1000))


def test_a_file_that_changes(source):
    changed = source("id,a\n1,2\n")
    path = changed.files[0][0].path
    path.write_text("id,a\n1,2\n3,4\n")
    with pytest.raises(LogError, match=r"log0.csv: the file has changed since it was read"):
        rows(changed)
    with pytest.raises(LogError, match="has changed"):
        changed.read(["id"])


def test_a_file_that_changes_or_goes_while_it_is_read(source):
    for spoil, what in ((lambda path: os.utime(path, (1, 1)), "has changed"), (os.remove, "is gone")):
        whole = source("id,a\n" + "1,2\n" * 1000, block_bytes=100)
        batches = whole.batches(["id"])
        next(batches)
        spoil(whole.files[0][0].path)
        with pytest.raises(LogError, match=what):
            list(batches)


def test_missing_and_unreadable_files(tmp_path):
    with pytest.raises(ParseError, match="there is no such file"):
        CsvSource.of(tmp_path / "none.csv")
    (tmp_path / "empty.csv").touch()
    with pytest.raises(ParseError, match="the file is empty"):
        CsvSource.of(tmp_path / "empty.csv")


def test_typed(source):
    content = (
        "id,n,x,flag,day,moment,zoned,zip,big,note,none\n"
        "1,1,1.5,true,2024-01-01,2024-01-01 10:00:00,2024-01-01 10:00:00+01:00,007,12345678901234567890,NA,\n"
        "2,,2,false,2024-01-02,2024-01-01 10:00:00.5,2024-01-01T10:00:00Z,42,1,,\n"
    )
    table = source(content).read(["n", "x", "flag", "day", "moment", "zoned", "zip", "big", "note", "none"])
    kinds = [str(kind) for kind in table.schema.types]
    assert kinds[:4] == ["int64", "double", "bool", "date32[day]"]
    assert kinds[4:] == ["timestamp[us]", "timestamp[us, tz=UTC]", "string", "string", "string", "string"]
    assert table.column("n").to_pylist() == [1, None]
    assert table.column("zip").to_pylist() == ["007", "42"]
    assert table.column("big").to_pylist() == ["12345678901234567890", "1"]
    assert table.column("note").to_pylist() == ["NA", None]
    assert table.column("zoned")[0].as_py().hour == 9


def test_types_do_not_depend_on_blocks(source):
    content = "a,b\n" + "1,1\n" * 100 + "2.5,x\n"
    for block_bytes in (16, 1 << 20):
        table = source(content, block_bytes=block_bytes).read(["a", "b"])
        assert table.schema.types == [pa.float64(), pa.string()]
        assert table.num_rows == 101


cells = st.text(st.sampled_from('ab,;"\n\r 1é'), max_size=6)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=8),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from([4, 11, 1 << 20]),
    st.sampled_from(["utf-8", "utf-16"]),
)
def test_reads_what_the_standard_library_writes(tmp_path_factory, table, quoting, block_bytes, encoding):
    text = io.StringIO(newline="")
    csv.writer(text, quoting=quoting).writerows([["x", "y", "z"], *table])
    path = tmp_path_factory.mktemp("csv") / "log.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    read = rows(CsvSource.of(path, delimiter=",", quote='"', block_bytes=block_bytes))
    empty = None if quoting == csv.QUOTE_MINIMAL else ""
    assert read == [tuple(cell or empty for cell in row) for row in table]


@settings(max_examples=300, deadline=None)
@given(st.text('ab,"\n\r', max_size=40), st.sampled_from([3, 8, 1 << 20]))
def test_any_text_is_read_alike_whatever_the_blocks(tmp_path_factory, text, block_bytes):
    path = tmp_path_factory.mktemp("csv") / "log.csv"
    path.write_bytes(("x,y\n" + text).encode())
    found, opened = naive.rows(text + "\n", ",", '"')
    expected = [fields for _, fields in found if fields]
    source = CsvSource.of(path, delimiter=",", quote='"', block_bytes=block_bytes)
    if opened >= 0 or not expected:
        with pytest.raises(ParseError, match="never closed" if opened >= 0 else "no rows"):
            rows(source)
        return
    good = [tuple(fields) for fields in expected if len(fields) == 2]
    assert [tuple(cell or "" for cell in row) for row in rows(source)] == good
    wrong = [number for number, fields in enumerate(expected, 1) if len(fields) != 2]
    assert sum(finding.count for finding in source.findings) == len(wrong)
    assert [row for finding in source.findings for row in finding.first_rows] == wrong[:5]
    right = [number for number, fields in enumerate(expected, 1) if len(fields) == 2]
    assert [source.row_number(position) for position in range(len(right))] == right


@needs_shared
@pytest.mark.parametrize("name", ["receipt.csv", "running-example.csv", "interval_event_log.csv"])
def test_real_logs(name):
    source = CsvSource.of(LOGS / name, block_bytes=1 << 16)
    with (LOGS / name).open(newline="", encoding="utf-8") as stream:
        header, *expected = csv.reader(stream)
    assert [name or f"column_{i}" for i, name in enumerate(header, 1)] == list(source.names)
    assert rows(source) == [tuple(cell or None for cell in row) for row in expected]
