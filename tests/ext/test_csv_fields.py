"""CSV text split into columns, against the plain twin and against pyarrow's reader."""

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dealtrace_ext.csv_fields import split
from naive import csv_rows as naive


def buffers(size, fields):
    most = size // fields + 2
    return np.empty(most, np.int32), np.empty(size, np.uint8), np.empty(most // 8 + 1, np.uint8)


def columns(text, fields, wanted, quote='"'):
    data = text.encode()
    views = [buffers(len(data), fields) for _ in wanted]
    rows, nulls, skipped = split(data, ord(","), ord(quote) if quote else -1, fields, wanted, views)
    arrays = []
    for (offsets, texts, validity), null_count in zip(views, nulls, strict=True):
        parts = [pa.py_buffer(validity), pa.py_buffer(offsets), pa.py_buffer(texts)]
        arrays.append(pa.Array.from_buffers(pa.string(), rows, parts))
        arrays[-1].validate(full=True)
        assert arrays[-1].null_count == null_count
    return [array.to_pylist() for array in arrays], [
        (n, data[begin:end].decode()) for n, begin, end in skipped
    ]


def test_by_example():
    text = 'a,b\r\n"c,""d""\n",\n\n"",x"y"\n"e"f,"g\rh"\n'
    assert columns(text, 2, [0, 1]) == ([["a", 'c,"d"\n', "", "ef"], ["b", None, 'x"y"', "g\rh"]], [])
    assert columns(text, 2, [1]) == ([["b", None, 'x"y"', "g\rh"]], [])
    assert columns('"a,b"\n', 2, [1, 0], quote="") == ([['b"'], ['"a']], [])
    assert columns("", 1, [0]) == ([[]], [])


def test_rows_left_out():
    text = 'a,b\n,\n1\n\n,,3\n"x\ny"\nc,\n'
    assert columns(text, 2, [0, 1]) == (
        [["a", None, "c"], ["b", None, None]],
        [(3, "1"), (4, ",,3"), (5, '"x\ny"')],
    )


def test_long_fields_cross_the_steps():
    cells = ["x" * n + "," * (n % 3) + '"' * (n % 2) for n in range(200)]
    text = "".join('"' + cell.replace('"', '""') + f'",{i}\n' for i, cell in enumerate(cells))
    assert columns(text, 2, [0, 1]) == ([cells, [str(i) for i in range(200)]], [])


def test_refusals():
    with pytest.raises(ValueError, match="buffers are too small"):
        split(b"a\n" * 100, 44, 34, 1, [0], [buffers(10, 1)])
    for wanted in ([1], [-1], []):
        with pytest.raises(ValueError, match="buffers for the wanted fields"):
            split(b"a\n", 44, 34, 1, wanted, [buffers(2, 1)] * len(wanted))
    with pytest.raises(ValueError, match="buffers for the wanted fields"):
        split(b"a\n", 44, 34, 1, [0], [])


@settings(max_examples=500, deadline=None)
@given(st.text('aé,"\n\r', max_size=90), st.integers(1, 3), st.data())
def test_equals_the_twin(text, fields, data):
    wanted = data.draw(st.lists(st.integers(0, fields - 1), min_size=1, max_size=fields, unique=True))
    found, opened = naive.rows(text + "\n", ",", '"')
    if opened >= 0:
        return
    table = [row for _, row in found if row]
    good = [row for row in table if len(row) == fields]
    got, skipped = columns(text + "\n", fields, wanted)
    assert [[cell or "" for cell in column] for column in got] == [[row[i] for row in good] for i in wanted]
    assert [number for number, _ in skipped] == [n for n, row in enumerate(table, 1) if len(row) != fields]


@settings(max_examples=300, deadline=None)
@given(st.text('ab,"\n\r', max_size=90), st.integers(1, 3))
def test_equals_pyarrow(text, fields):
    text = "," * (fields - 1) + "z\n" + text + "\n"
    if naive.rows(text, ",", '"')[1] >= 0:
        return
    names = [f"c{i}" for i in range(fields)]
    skipped = []

    def skip(row):
        skipped.append((row.number, row.text))
        return "skip"

    table = pyarrow.csv.read_csv(
        pa.py_buffer(text.encode()),
        pyarrow.csv.ReadOptions(use_threads=False, column_names=names),
        pyarrow.csv.ParseOptions(invalid_row_handler=skip, newlines_in_values=True),
        pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    got, left_out = columns(text, fields, list(range(fields)))
    assert got == [column.to_pylist() for column in table.columns]
    assert left_out == skipped
