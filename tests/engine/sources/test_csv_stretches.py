"""Stretches of CSV files: the same rows wherever the file is cut, and left alone what is not plain."""

import random

import pyarrow as pa
import pytest

from dealtrace_engine.errors import LogError, ParseError
from dealtrace_engine.sources import csv as csv_source
from dealtrace_engine.sources.csv import CsvSource
from dealtrace_engine.sources.csv_stretches import Stretches
from naive import csv_rows as naive

BOM = b"\xef\xbb\xbf"


@pytest.fixture
def read(tmp_path):
    """Return a function that reads the bytes of a file: rows, or the error; and what was found."""

    def of(data, block_bytes, repeated=(), threads=1):
        path = tmp_path / "log.csv"
        path.write_bytes(data)
        try:
            source = CsvSource.of(path, delimiter=",", quote='"', block_bytes=block_bytes, threads=threads)
            rows = [
                tuple(row.values())
                for batch in source.batches(source.names, repeated)
                for row in batch.to_pylist()
            ]
        except (ParseError, LogError) as error:
            return str(error)
        return rows, [(f.reason, f.count, f.first_rows, f.example) for f in source.findings]

    return of


@pytest.fixture
def general(read, monkeypatch):
    """Return the same without stretches."""

    def of(data):
        with monkeypatch.context() as patch:
            patch.setattr(Stretches, "read", lambda self, threads: iter(()))
            return read(data, 1 << 20)

    return of


CONTENTS = [
    b"id,a\n1,x\n22,yy\n333,zzz\n",
    b'"id","a"\r\n"1","x"\r\n"2","a ""b"" c"\r\n"3","two\nlines, ""\n"\r\n4,d',
    BOM + b'id,a\n1,"\n\n\n\n"\n2,"x,\n1,2\n3,4\n"\n3,y\n\n\n4,z\n',
    b'id,a\n1,x\n2\n3,y,z\n"4",\n,5\n6,5" pipe\n7,"q"r\n8,ok\n9,ok\n',
    b"id,a\n" + b"1,x\r" * 3 + b"2,y\n",
    b'id,a\n1,x\n2,"open\n3,y\n',
    b"id,a\n1,x\n2,y\n3,\0\n4,z\n",
    b"id,a\n1,x\n2,\xe9\n3,y\n",
    "id,a\n1,é\n2,日本\n".encode(),
    b"id,a\n" + b"".join(b'%d,"%s"\n' % (i, b"n" * i) for i in range(60)),
]


@pytest.mark.parametrize("data", CONTENTS)
@pytest.mark.parametrize("threads", [1, 2])
def test_wherever_the_file_is_cut(read, general, data, threads):
    expected = general(data)
    for size in range(1, min(len(data), 60) + 2):
        assert read(data, size, threads=threads) == expected
        assert read(data, size, ["a"], threads) == expected


def test_every_cut_off_file(read, general):
    data = CONTENTS[1]
    for length in range(1, len(data)):
        assert read(data[:length], 7, ["a"]) == general(data[:length])


@pytest.mark.parametrize("seed", range(150))
def test_any_bytes_are_read_as_without_stretches(read, general, seed):
    draw = random.Random(seed)
    pieces = [b"a", b"b", b",", b",", b'"', b'""', b"\n", b"\n", b"\r\n", b"\r", b",\n", b'","', b"x" * 70]
    pieces += [b"1,2\n"] * 20 + [b"\0", b"\xe9", "é".encode(), BOM] * (seed % 3 == 0)
    data = draw.choice([b"", BOM]) + b"x,y\n" + b"".join(draw.choices(pieces, k=draw.randrange(1, 60)))
    expected = general(data)
    for size in (1, 5, 16, 64, 1 << 20):
        assert read(data, size, draw.choice([(), ["y"]])) == expected


def test_plain_files_are_read_in_stretches(tmp_path, monkeypatch):
    rows = "".join(f'"{i}","step {i % 7}",2024-01-01\n' for i in range(5000))
    path = tmp_path / "log.csv"
    path.write_text("id,a,t\n" + rows)
    monkeypatch.setattr(csv_source, "blocks", None)
    for size in (100, 4096, 1 << 20):
        source = CsvSource.of(path, block_bytes=size)
        batches = list(source.batches(["id", "a"], ["a"]))
        assert {pa.types.is_dictionary(batch.column("a").type) for batch in batches} == {True}
        found = [value for batch in batches for value in batch.column("a").to_pylist()]
        assert found == [f"step {i % 7}" for i in range(5000)]
        assert source.read(["id"])["id"].to_pylist() == list(range(5000))


def test_many_distinct_texts_come_as_text(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("id,a\n" + "".join(f"1,{i}\n" for i in range(2000)))
    batches = list(CsvSource.of(path).batches(["a"], ["a"]))
    assert [value for batch in batches for value in batch.column("a").to_pylist()] == [*map(str, range(2000))]


def test_a_row_that_spans_stretches(read):
    long = "x" * 300_000 + "\n" * 300_000
    data = f'id,a\n1,"{long}"\n2,y\n'.encode()
    assert read(data, 1000) == ([("1", long), ("2", "y")], [])


def test_rows_are_numbered_across_stretches(read):
    text = "".join(f"{i},x\n" if i % 10 else f"{i}\n" for i in range(1, 200))
    rows, findings = read(b"id,a\n" + text.encode(), 50)
    wrong = [
        number for number, (_, fields) in enumerate(naive.rows(text, ",", '"')[0], 1) if len(fields) != 2
    ]
    assert len(rows) == 180
    assert findings[0][1:3] == (len(wrong), wrong[:5])
