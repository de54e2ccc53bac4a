"""The scan of a file as it is and the reader that mends agree on every file that is scanned."""

import random
from dataclasses import replace

import pytest

from dealtrace_engine.sources.files import InputFile
from dealtrace_engine.sources.salesforce.charsets import Bytes, likely_encoding
from dealtrace_engine.sources.salesforce.csv_tables import csv_table, delimiter_of
from dealtrace_engine.sources.salesforce.workspace import Workspace

VALUES = [
    "",
    "x",
    "NA",
    "a,b",
    'say "so"',
    "two\nlines",
    "three\r\nlines",
    " space ",
    "ü",
    "商談",
    "1.5",
    "é" * 40,
]


def random_file(path, seed):
    dice = random.Random(seed)
    always = dice.random() < 0.5
    end = dice.choice(["\n", "\r\n"])

    def cell(value):
        if always or set(value) & set(',"\r\n') or dice.random() < 0.1:
            return '"' + value.replace('"', '""') + '"'
        return value

    rows = [[dice.choice(VALUES) or "-" for _ in range(4)] for _ in range(dice.randrange(60))]
    text = end.join(",".join(map(cell, row)) for row in [["A", "B", "C", "D"], *rows])
    path.write_bytes((text + dice.choice(["", end])).encode(dice.choice(["utf-8", "utf-8-sig"])))
    return rows


@pytest.mark.parametrize("seed", range(40))
def test_both_ways_of_reading_agree(tmp_path, seed):
    rows = random_file(tmp_path / "a.csv", seed)
    table = csv_table(InputFile.at(tmp_path / "a.csv"))
    assert table.direct
    assert table.rows == len(rows)
    with Workspace() as space:
        names = {"D": "d", "A": "a"}
        scanned = table.frame(names, space).collect().rows()
        mended = replace(table, direct=False).frame(names, space).collect().rows()
    assert scanned == mended == [(row[3], row[0]) for row in rows]


def test_empty_values_mean_nothing_in_either_way(tmp_path):
    (tmp_path / "a.csv").write_text('A,B\n"",\nx,""\n')
    table = csv_table(InputFile.at(tmp_path / "a.csv"))
    with Workspace() as space:
        for way in (table, replace(table, direct=False)):
            found = way.frame({"A": "A", "B": "B"}, space).collect()
            assert [[value or None for value in row] for row in found.rows()] == [[None, None], ["x", None]]


@pytest.mark.parametrize(
    ("head", "delimiter"),
    [
        (b'"Id"^"Name"\n', "^"),
        (b'"a ""b"" c"~"x"\n', "~"),
        (b"Id|Name\n1|a,b\n", "|"),
        (b"sep=;\nId;Name\n", ";"),
        (b"\xef\xbb\xbfId\tName\n", "\t"),
        (b'"Id"\n"1"\n', ","),
    ],
)
def test_the_delimiter_of_a_header(head, delimiter):
    assert delimiter_of(head) == delimiter


def test_a_line_that_states_the_delimiter(tmp_path):
    (tmp_path / "a.csv").write_text("sep=;\nA;B\n1;2\n")
    table = csv_table(InputFile.at(tmp_path / "a.csv"))
    with Workspace() as space:
        assert table.frame({"B": "B"}, space).collect().rows() == [("2",)]


@pytest.mark.parametrize("size", [1, 3, 5, 1000])
def test_bytes_are_judged_alike_however_they_are_cut(size):
    for text, clean, encoding in (
        ("plain\nMüller\n商談\n".encode(), True, "utf-8"),
        ("Müller\nGröße".encode("cp1252"), False, "cp1252"),
        (b"a\0b\n", False, "utf-8"),
    ):
        found = Bytes()
        for begin in range(0, len(text), size):
            found.feed(text[begin : begin + size])
        found.finish()
        assert (found.clean, found.encoding) == (clean, encoding)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Propriété réalisée à l'été, île, ça", "cp1252"),
        ("Größe über Österreich, Maße", "cp1252"),
        ("株式会社山田製作所の提案", "cp932"),
        ("北京某某科技有限公司的合同", "gb18030"),
        ("台灣科技有限公司的合約", "big5"),
    ],
)
def test_likely_encodings(text, encoding):
    assert likely_encoding(text.encode(encoding)) == encoding
