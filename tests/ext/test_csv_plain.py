"""Plainly written CSV text straight to columns, against the plain twin and pyarrow's reader."""

import io
import random
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dealtrace_ext import csv_plain
from naive import csv_rows as naive


def buffers(size, fields):
    return (
        np.empty(size // fields + 2, np.int32),
        np.empty(size + csv_plain.PAD, np.uint8),
        np.empty(csv_plain.DISTINCT + 1, np.int32),
    )


def texts(offsets, data, count):
    return [bytes(data[a:b]).decode() for a, b in pairwise(offsets[: count + 1])]


def columns(text, fields, wanted, quote='"', begin=0, stop=None):
    """Return where the rows end and the columns, or what is wrong and None."""
    data = text.encode() if isinstance(text, str) else text
    stop = len(data) if stop is None else stop
    parts = [buffers(len(data) - begin, fields) for _ in wanted]
    padded = data + b"\xff" * csv_plain.PAD
    end, rows, high, distinct = csv_plain.split(
        padded, begin, stop, len(data), ord(","), ord(quote) if quote else -1, fields, wanted, parts
    )
    if end < 0:
        return end, None
    assert high or data[begin:end].isascii()
    found = []
    for (_, coded), (out, bytes_, offsets), count in zip(wanted, parts, distinct, strict=True):
        if coded:
            own = texts(offsets, bytes_, count)
            assert len(set(own)) == count
            codes = out[:rows].tolist()
            assert list(dict.fromkeys(codes)) == list(range(count))
            found.append([own[code] for code in codes])
        else:
            found.append(texts(out, bytes_, rows))
    return end, found


def test_by_example():
    text = 'a,b\r\n"c,""d""\n",e\n"","x\r"\r\n'
    expected = [["a", 'c,"d"\n', ""], ["b", "e", "x\r"]]
    for coded in (False, True):
        assert columns(text, 2, [(0, coded), (1, not coded)]) == (len(text), expected)
    assert columns('"a,b"\n', 2, [(1, False), (0, True)], quote="") == (6, [['b"'], ['"a']])
    assert columns("a,b\nc,d\ne,f\n", 2, [(0, False)], begin=4, stop=6) == (8, [["c"]])


@pytest.mark.parametrize(
    "text",
    ["a,b,c\n", "a\n", "a,b\n\nc,d\n", ",b\n", 'a,5" pipe\n', 'a,"b"c\n', "a\rb,c\n", "a,b\0\n", "a,b\r\r\n",
     'a,b"\n', '"a" ,b\n', "a\nb,c,d\n"],
)  # fmt: skip
def test_what_is_not_plain(text):
    assert columns(text, 2, [(0, False)])[0] == csv_plain.NOT_PLAIN


@pytest.mark.parametrize("text", ["a,b", 'a,"b\n', 'a,"b""\n'])
def test_a_row_without_end(text):
    assert columns(text, 2, [(0, False)])[0] == csv_plain.UNFINISHED


def test_more_texts_than_codes():
    for count, fits in ((csv_plain.DISTINCT, True), (csv_plain.DISTINCT + 1, False)):
        text = "".join(f"{i},b\n" for i in range(count))
        end, _ = columns(text, 2, [(0, True)])
        assert end == (len(text) if fits else csv_plain.MANY_TEXTS)


def test_refusals():
    with pytest.raises(ValueError, match="buffers are too small"):
        csv_plain.split(b"a,b\n" * 99, 0, 300, 300, 44, 34, 2, [(0, False)], [buffers(10, 2)])
    for begin, stop, length, fields, wanted in [
        (0, 4, 40, 2, [(0, False)]), (4, 4, 4, 2, [(0, False)]), (0, 5, 4, 2, [(0, False)]),
        (0, 4, 4, 1, [(0, False)]), (0, 4, 4, 2, []), (0, 4, 4, 2, [(2, False)]), (-1, 4, 4, 2, [(0, False)]),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match="no such stretch"):
            csv_plain.split(
                b"a,b\n" + bytes(64), begin, stop, length, 44, 34, fields, wanted, [buffers(9, 2)]
            )


@settings(max_examples=1500, deadline=None)
@given(st.text('ab,"\n\r', max_size=90), st.integers(1, 90), st.booleans(), st.sampled_from(['"', ""]))
def test_plain_or_said_so(text, stop, coded, quote):
    text += "\n"
    stop = min(stop, len(text))
    end, found = columns(text, 2, [(1, coded), (0, False)], quote, stop=stop)
    if found is None:
        return
    twin = [(end, fields) for end, fields in naive.rows(text, ",", quote or "\0")[0]]
    assert end == naive.row_end(text, stop, ",", quote or "\0")
    expected = [fields for at, fields in twin if at <= end]
    assert [list(row) for row in zip(*reversed(found), strict=True)] == expected


def plain_text(seed):
    """Return rows of three fields as exports write them, every place of the 64 bytes crossed."""
    draw = random.Random(seed)
    cells = ["x" * n for n in range(1, 70)] + ['"q,"', "line\nend", "é" * 9, 'a""b', "\r\n", "-"]

    def written(cell):
        quoted = draw.random() < 0.5 or any(c in cell for c in ',"\r\n')
        return '"' + cell.replace('"', '""') + '"' if quoted else cell

    rows = [[draw.choice(cells) for _ in range(3)] for _ in range(draw.randrange(1, 60))]
    end = draw.choice(["\n", "\r\n"])
    return "".join(",".join(map(written, row)) + end for row in rows)


@pytest.mark.parametrize("seed", range(150))
def test_equals_pyarrow(seed):
    text = plain_text(seed)
    options = pa.csv.ParseOptions(newlines_in_values=True)
    names = pa.csv.ReadOptions(column_names=["a", "b", "c"])
    kinds = pa.csv.ConvertOptions(column_types=dict.fromkeys("abc", pa.string()), strings_can_be_null=False)
    table = pa.csv.read_csv(io.BytesIO(text.encode()), names, options, kinds)
    end, found = columns(text, 3, [(2, True), (0, False), (1, seed % 2 == 0)])
    assert end == len(text.encode())
    assert found == [table[name].to_pylist() for name in "cab"]


@pytest.mark.parametrize("seed", range(300))
def test_damaged_bytes_do_no_harm(seed):
    draw = random.Random(seed)
    data = bytearray(plain_text(seed).encode())
    for _ in range(draw.randrange(1, 6)):
        data[draw.randrange(len(data))] = draw.choice([0, 10, 13, 34, 44, 255, draw.randrange(256)])
    data = bytes(data[: draw.randrange(1, len(data) + 1)])
    parts = [buffers(len(data), 3)] * 2
    end, rows, _, _ = csv_plain.split(
        data + bytes(csv_plain.PAD), 0, len(data), len(data), 44, 34, 3, [(0, False), (2, True)], parts
    )
    assert end == len(data) or end < 0
    assert rows <= data.count(b"\n")
