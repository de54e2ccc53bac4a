"""Parts of Parquet pages: what a plain writer wrote is read, and damage is an error, never a crash."""

from __future__ import annotations

import io
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_ext.intern import Interner
from dealtrace_ext.pages import (
    after_levels,
    copy_texts,
    first_uses,
    page_headers,
    take,
    text_positions,
    unpack,
)
from naive import pages as naive


def octets(data):
    return np.frombuffer(bytes(data), np.uint8)


@st.composite
def runs(draw):
    """A width, values of that width, and runs that hold them."""
    width = draw(st.integers(0, 32))
    value = st.integers(0, 2**width - 1)
    values, data = [], bytes([width])
    for _ in range(draw(st.integers(1, 6))):
        if draw(st.booleans()):
            run = draw(st.lists(value, min_size=8, max_size=8)) * draw(st.integers(1, 4))
            values, data = values + run, data + naive.bit_packed(run, width)
        else:
            one, times = draw(value), draw(st.integers(1, 40))
            values, data = values + [one] * times, data + naive.repeated(one, times, width)
    return width, values, data


@given(runs(), st.integers(0, 7))
def test_unpack(made, short):
    width, values, data = made
    values = values[: max(len(values) - short, 0)]  # the last run may be longer than the page
    for kind in (np.uint8, np.uint32)[width > 8 :]:
        out = np.zeros(len(values), kind)
        unpack(octets(b"xx" + data), 2, out)
        assert out.tolist() == values


def test_indices_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="9 bits"):
        unpack(octets(b"\x09" + naive.repeated(1, 1, 9)), 0, np.zeros(1, np.uint8))


@given(runs(), st.integers(1, 30))
def test_too_few_runs_are_refused(made, cut):
    _, values, data = made
    out = np.zeros(len(values) + 40 * 8, np.uint32)
    with pytest.raises(ValueError, match="indices"):
        unpack(octets(data), 0, out)
    if len(data) > cut:
        with pytest.raises(ValueError, match="indices"):
            unpack(octets(data[:-cut]), 0, np.zeros(len(values) + 8, np.uint32))


@given(st.binary(max_size=60), st.integers(0, 200), st.integers(-3, 70))
def test_anything_is_unpacked_or_refused(data, values, begin):
    for call in (
        lambda: unpack(octets(data), begin, np.zeros(values, np.uint32)),
        lambda: unpack(octets(data), begin, np.zeros(values, np.uint8)),
        lambda: after_levels(octets(data), values),
        lambda: text_positions(octets(data), begin, np.zeros(values, np.int64)),
        lambda: copy_texts(octets(data), begin, 0, np.zeros(50, np.uint8), np.zeros(values, np.int32)),
        lambda: page_headers(octets(data)),
    ):
        with suppress(ValueError):
            call()


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=20), st.binary(max_size=5))
def test_text_positions(values, before):
    page, out = octets(before + naive.texts(values)), np.zeros(len(values), np.int64)
    text_positions(page, len(before), out)
    assert out.tolist() == [len(before) + at for at in naive.positions(values)]
    codes, expected = np.zeros(len(values), np.int32), np.zeros(len(values), np.int32)
    interner, other = Interner(), Interner()
    interner.encode_at(page, out, codes)
    other.encode(pa.array(values, pa.binary()), expected)
    assert codes.tolist() == expected.tolist()
    assert [*map(bytes, interner.take_texts())] == [*map(bytes, other.take_texts())]


@pytest.mark.parametrize(
    "wrong", [b"\x01\0\0\0", b"\0\0\0\0", b"\x01\0\0\0a\0", b"\xff\xff\xff\xffa", b"", b"\x01"]
)
def test_broken_texts_are_refused(wrong):
    with pytest.raises(ValueError, match="texts of the page"):
        text_positions(octets(wrong), 0, np.zeros(1, np.int64))


@pytest.mark.parametrize("position", [-1, 0, 3, 6, 2**40])
def test_texts_outside_are_not_encoded(position):
    codes = np.zeros(1, np.int32)
    with pytest.raises(ValueError, match="leaves the data"):
        Interner().encode_at(octets(b"\x02\0\0\0a"), np.array([position]), codes)
    with pytest.raises(ValueError, match="leaves the data"):
        Interner().encode_at(octets(b"\x02\0\0\0a"), np.array([4]), codes)
    with pytest.raises(ValueError, match="as many codes"):
        Interner().encode_at(octets(b"\x01\0\0\0a"), np.array([4, 4]), codes)


@given(st.lists(st.integers(0, 9), max_size=40), st.sampled_from([np.uint8, np.uint32]))
def test_first_uses(indices, kind):
    out = np.zeros(10, np.uint32)
    count = first_uses(np.array(indices, kind), out)
    assert out[:count].tolist() == naive.first_uses(indices)


@given(st.lists(st.integers(0, 9), max_size=40), st.sampled_from([np.int32, np.int64]))
def test_take(indices, kind):
    values, taken = np.arange(90, 100, dtype=kind), np.zeros(len(indices), kind)
    take(values, np.array(indices, np.uint32), taken)
    assert taken.tolist() == naive.take(values.tolist(), indices)


@pytest.mark.parametrize("kind", [np.uint8, np.uint32])
def test_indices_without_an_entry_are_refused(kind):
    with pytest.raises(ValueError, match="index 2 at 1"):
        first_uses(np.array([0, 2], kind), np.zeros(2, np.uint32))
    assert first_uses(np.array([0, 1, 2], kind), np.zeros(2, np.uint32)) == 2  # no further than the last


def test_nothing_is_taken_from_outside():
    wrong, codes = np.array([0, 2], np.uint32), np.zeros(2, np.int32)
    with pytest.raises(ValueError, match="index 2 at 1"):
        take(codes, wrong, np.zeros(2, np.int32))
    with pytest.raises(ValueError, match="room"):
        take(codes, wrong, np.zeros(1, np.int32))


def chunk_of(table, **options):
    """The bytes of the first column chunk, and its metadata."""
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    column = pq.ParquetFile(io.BytesIO(sink.getvalue())).metadata.row_group(0).column(0)
    start = column.dictionary_page_offset or column.data_page_offset
    return sink.getvalue()[start : start + column.total_compressed_size], column


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("dictionary", [True, False])
@pytest.mark.parametrize("checksum", [True, False])
def test_page_headers(version, dictionary, checksum):
    table = pa.table({"a": [f"text {i % 50}" for i in range(3000)]})
    data, column = chunk_of(
        table, data_page_version=version, use_dictionary=dictionary, data_page_size=2000,
        write_page_checksum=checksum, compression="snappy",
    )  # fmt: skip
    headers = page_headers(octets(data))
    assert sum(header[4] for header in headers if header[0] in (0, 3)) == 3000
    assert sum(header[0] == 2 for header in headers) == dictionary
    assert {header[0] for header in headers} - {2} == {0 if version == "1.0" else 3}
    assert headers[-1][1] + headers[-1][2] == len(data) == column.total_compressed_size
    assert len(headers) > 1


@pytest.mark.parametrize("seed", range(30))
def test_damaged_headers_are_read_or_refused(seed):
    table = pa.table({"a": [f"text {i % 50}" for i in range(3000)]})
    data, rng = bytearray(chunk_of(table, data_page_size=2000)[0]), np.random.default_rng(seed)
    for at in rng.integers(0, len(data), 20):
        data[at] = rng.integers(0, 256)
    with suppress(ValueError):
        for header in page_headers(octets(data)):
            assert 0 <= header[1] <= header[1] + header[2] <= len(data)


@given(st.integers(1, 40), st.data())
def test_levels(values, data):
    ones = data.draw(
        st.lists(st.sampled_from([0, 1]), min_size=values, max_size=values) | st.just([1] * values)
    )
    for body in (naive.bit_packed(ones, 1), b"".join(naive.repeated(one, 1, 1) for one in ones)):
        page = octets(len(body).to_bytes(4, "little") + body + b"rest")
        if all(ones):
            assert after_levels(page, values) == 4 + len(body)
        else:
            with pytest.raises(ValueError, match="null"):
                after_levels(page, values)


def test_a_cleared_table_starts_again():
    interner, codes = Interner(), np.zeros(3, np.int32)
    interner.encode(pa.array(["a", "b", "c" * 40]), codes)
    interner.clear()
    assert len(interner) == 0
    interner.encode(pa.array(["c" * 40, "a", "c" * 40]), codes)
    assert codes.tolist() == [0, 1, 0]
    assert bytes(interner.take_texts()[1]) == b"c" * 40 + b"a"


@given(
    st.lists(st.binary(min_size=1, max_size=70), max_size=20), st.binary(max_size=5), st.integers(0, 9),
    st.integers(0, 40),
)  # fmt: skip
def test_copy_texts(values, before, at, spare):
    """One after the other, whatever room there is behind them, and nothing before them is touched."""
    text = b"".join(values)
    data, ends = np.full(at + len(text) + spare, 7, np.uint8), np.zeros(len(values), np.int32)
    page = octets(before + naive.texts(values))
    assert copy_texts(page, len(before), at, data, ends) == at + len(text)
    assert data[: at + len(text)].tobytes() == b"\7" * at + text
    assert ends.tolist() == [at + end for end in naive.ends(values)]


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=8), st.data())
def test_copy_texts_refuses_damage(values, draw):
    """Too little room, a page cut short, too many bytes, an empty text: an error, and no byte elsewhere."""
    whole, size = naive.texts(values), sum(map(len, values))
    cut = draw.draw(st.integers(1, len(whole)))
    for page, room in (
        (whole, draw.draw(st.integers(0, size - 1))), (whole[:-cut], size), (whole + b"x", size),
        (bytes(4) + whole, size), (b"\xff\xff\xff\xff" + whole, size),
    ):  # fmt: skip
        guarded = np.full(room + 64, 9, np.uint8)
        with pytest.raises(ValueError, match="broken"):
            copy_texts(octets(page), 0, 0, guarded[:room], np.zeros(len(values), np.int32))
        assert (guarded[room:] == 9).all()
    for begin, at in ((-1, 0), (len(whole) + 1, 0), (0, -1), (0, size + 1)):
        with pytest.raises(ValueError, match="broken"):
            copy_texts(octets(whole), begin, at, np.zeros(size, np.uint8), np.zeros(len(values), np.int32))
