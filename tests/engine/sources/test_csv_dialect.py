"""How CSV files are found to be written."""

import gzip

import pytest

from dealtrace_engine.errors import ParseError, SchemaError
from dealtrace_engine.sources.csv_dialect import sniff
from dealtrace_engine.sources.files import InputFile


@pytest.fixture
def sniffed(tmp_path):
    def of(content, **given):
        path = tmp_path / "log.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return sniff(InputFile.at(path), **given)

    return of


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(sniffed, delimiter, line_end):
    dialect = sniffed(line_end.join(delimiter.join(row) for row in (["id", "a b"], ["1", "x"], ["2", "y"])))
    assert (dialect.delimiter, dialect.quote, dialect.encoding) == (delimiter, '"', "utf-8")
    assert dialect.names == ("id", "a b")
    assert dialect.line_end == ("\r" if line_end == "\r" else "\n")
    assert dialect.header_bytes == 6 + len(line_end)


def test_other_delimiters_inside_fields_do_not_confuse(sniffed):
    assert sniffed("id;note\n1;a, b, c\n2;d, e\n").delimiter == ";"
    assert sniffed('id,note\n1,"a;b"\n2,"c;d;e"\n').delimiter == ","
    assert sniffed("amount;tax\n1,5;2,5\n3,5;4,5\n").delimiter == ";"
    assert sniffed("one\n1\n2\n").names == ("one",)


def test_what_is_given_is_taken(sniffed):
    dialect = sniffed("a;b,c\n", delimiter=",", quote="", encoding="latin-1")
    assert (dialect.names, dialect.quote, dialect.encoding) == (("a;b", "c"), "", "latin-1")
    dialect = sniffed("1,2\n3,4\n", names=["a", "b"])
    assert (dialect.names, dialect.header_bytes) == (("a", "b"), 0)


@pytest.mark.parametrize(
    ("encoding", "mark", "found"),
    [
        ("utf-8", b"", "utf-8"),
        ("utf-8", b"\xef\xbb\xbf", "utf-8"),
        ("utf-16-le", b"\xff\xfe", "utf-16"),
        ("utf-16-be", b"\xfe\xff", "utf-16"),
        ("utf-32-le", b"\xff\xfe\0\0", "utf-32"),
        ("cp1252", b"", "cp1252"),
    ],
)
def test_encodings(sniffed, encoding, mark, found):
    dialect = sniffed(mark + "Größe,€\nü,x\n".encode(encoding))
    assert dialect.encoding == found
    assert dialect.names == ("Größe", "€")
    assert dialect.header_bytes == len("Größe,€\n".encode())


def test_a_guessed_encoding_is_reported(sniffed):
    assert sniffed("ä,b\n".encode("cp1252")).notes == [
        "delimiter comma",
        "encoding cp1252 (assumed: the text is not UTF-8)",
        'quote "',
    ]
    assert sniffed(b"\x81,b\n").encoding == "latin-1"


def test_quoted_header(sniffed):
    assert sniffed('"a","b ""c""\nd"\n1,2\n').names == ("a", 'b "c"\nd')
    assert sniffed("'a','b,c'\n'1','2'\n").names == ("a", "b,c")
    assert sniffed("'a','b,c'\n'1','2'\n").quote == "'"


def test_single_quotes(sniffed):
    dialect = sniffed("case,activity,time\n'1','a, b',2024-01-01\n'1','c',2024-01-02\n")
    assert (dialect.delimiter, dialect.quote) == (",", "'")
    assert sniffed("case,activity\n1,'tis\n2,it's o'clock\n").quote == '"'
    assert sniffed("case,activity\n'1',a\n2,b\n3,c\n").quote == '"'
    assert sniffed("case;activity\n'1';\"a\"\n'2';\"b\"\n").quote == '"'


def test_separator_line_of_spreadsheets(sniffed):
    dialect = sniffed("sep=|\r\na;b|c\r\n1|2\r\n")
    assert (dialect.delimiter, dialect.names, dialect.header_bytes) == ("|", ("a;b", "c"), 14)


def test_columns_without_a_name_get_one(sniffed):
    dialect = sniffed(",a,\n1,2,3\n")
    assert dialect.names == ("column_1", "a", "column_3")
    assert "column 1 has no name: called 'column_1'" in dialect.notes


def test_gzip(sniffed):
    assert sniffed(gzip.compress(b"a,b\n1,2\n")).names == ("a", "b")


@pytest.mark.parametrize("content", [b"\n\r\n", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0)])
def test_empty(sniffed, content):
    with pytest.raises(ParseError, match="the file is empty"):
        sniffed(content)


def test_broken_gzip(sniffed):
    whole = gzip.compress(bytes(range(65, 91)) * 1000)
    with pytest.raises(ParseError, match="the gzip file is cut short; export it again"):
        sniffed(whole[:-10])
    with pytest.raises(ParseError, match="the gzip file is damaged"):
        sniffed(whole[:-8] + b"\0" * 8)


def test_refusals(sniffed):
    with pytest.raises(SchemaError, match=r"log.csv, line 1: 2 columns are called 'a'; rename them"):
        sniffed("a,b,a\n")
    with pytest.raises(ParseError, match=r"line 2: byte 7 is NUL, so this is no CSV text"):
        sniffed(b"a,b\n1,\0\n")
    with pytest.raises(ParseError, match=r"line 2: byte 5 \(0xff\) is not utf-8"):
        sniffed(b"a,b\n\xff\n", encoding="utf-8")
    with pytest.raises(ParseError, match="the first row does not end"):
        sniffed(b'a,"' + b"b\n" * 600_000)
    for wrong in ({"delimiter": ";;"}, {"delimiter": "\n"}, {"quote": "é"}, {"delimiter": ""}):
        with pytest.raises(SchemaError, match="must be one ASCII character"):
            sniffed("a\n", **wrong)
    with pytest.raises(SchemaError, match="are both"):
        sniffed("a\n", delimiter=",", quote=",")
    with pytest.raises(SchemaError, match="there is no encoding 'klingon'"):
        sniffed("a\n", encoding="klingon")
