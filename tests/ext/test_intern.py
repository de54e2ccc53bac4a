"""The interner gives the codes of a dictionary, whatever the texts, chunks and hashes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_ext.intern import Interner
from naive import intern as naive

LENGTHS = (0, 1, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 33, 255, 1000)
TEXTS = st.one_of(
    st.none(),
    st.binary(max_size=40),
    st.sampled_from(LENGTHS).map(lambda length: b"x" * length),
    st.tuples(st.sampled_from(LENGTHS), st.integers(0, 3)).map(lambda cell: bytes([cell[1]]) * cell[0]),
    st.sampled_from([b"a", b"a\0", b"a\0\0", b"\0", b"x" * 24 + b"\0", b"x" * 25]),
)


def taken(interner: Interner) -> list[bytes]:
    offsets, data = interner.take_texts()
    return [bytes(data)[begin:end] for begin, end in pairwise(np.frombuffer(offsets, np.int64))]


def encoded(interner: Interner, values: pa.Array) -> list[int]:
    codes = np.full(len(values), -7, np.int32)
    interner.encode(values, codes)
    return codes.tolist()


@given(
    st.lists(st.lists(TEXTS, max_size=150), max_size=4),
    st.sampled_from([1, 2, 5, 64]),
    st.sampled_from([pa.binary(), pa.large_binary()]),
)
def test_codes_are_those_of_a_dictionary(chunks, hash_bits, kind):
    interner = Interner(hash_bits=hash_bits)
    codes = [code for chunk in chunks for code in encoded(interner, pa.array(chunk, kind))]
    expected, texts = naive.encode([text for chunk in chunks for text in chunk])
    assert codes == expected
    assert len(interner) == len(texts)
    assert taken(interner) == texts


@given(st.lists(TEXTS, min_size=1, max_size=60), st.data())
def test_slices(texts, data):
    begin = data.draw(st.integers(0, len(texts)))
    length = data.draw(st.integers(0, len(texts) - begin))
    interner = Interner()
    codes = encoded(interner, pa.array(texts, pa.binary()).slice(begin, length))
    assert codes == naive.encode(texts[begin : begin + length])[0]


@pytest.mark.parametrize("hash_bits", [1, 4, 64])
def test_growing_keeps_every_code(hash_bits):
    count = 3_000 if hash_bits < 64 else 50_000
    texts = [f"{i:x}".encode() * (1 + i % 9) for i in range(count)]
    interner = Interner(expected=0, hash_bits=hash_bits)
    assert encoded(interner, pa.array(texts + texts[::-1])) == naive.encode(texts + texts[::-1])[0]
    assert taken(interner) == naive.encode(texts)[1]


def test_a_table_starts_anew_when_its_texts_are_taken():
    interner = Interner()
    texts = [f"{i:x}".encode() for i in range(3_000)]
    encoded(interner, pa.array(texts))
    offsets, data = interner.take_texts()
    assert len(interner) == 0
    assert encoded(interner, pa.array([b"b", b"a"])) == [0, 1]
    assert taken(interner) == [b"b", b"a"]
    del interner
    assert (bytes(data), len(offsets)) == (b"".join(texts), 8 * 3_001)
    assert data.readonly


def test_all_hashes_equal_still_gives_distinct_codes():
    texts = [f"{i:030}" for i in range(500)] + [str(i) for i in range(500)]
    assert encoded(Interner(hash_bits=1), pa.array(texts)) == list(range(1000))


def test_texts_at_the_end_of_a_page():
    """Texts are loaded 24 bytes at a time; a short one that ends a buffer must not be read beyond."""
    values = pa.array([b"", b"ab", b"c" * 23], pa.binary())
    exact = pa.Array.from_buffers(
        pa.binary(), 3, [None, values.buffers()[1], pa.py_buffer(bytes(values.buffers()[2])[:25])]
    )
    assert encoded(Interner(), exact) == [0, 1, 2]


def test_nothing():
    interner = Interner()
    assert encoded(interner, pa.array([], pa.string())) == []
    assert encoded(interner, pa.array([None, None], pa.string())) == [-1, -1]
    assert (len(interner), taken(interner)) == (0, [])


def test_nulls_with_bytes_behind_them():
    values = pa.Array.from_buffers(
        pa.string(),
        3,
        [pa.py_buffer(b"\x05"), pa.py_buffer(np.array([0, 1, 3, 4], np.int32)), pa.py_buffer(b"abbc")],
    )
    interner = Interner()
    assert encoded(interner, values) == [0, -1, 1]
    assert taken(interner) == [b"a", b"c"]


def test_codes_of_another_length_or_type_are_refused():
    with pytest.raises(ValueError, match="as many codes"):
        Interner().encode(pa.array(["a"]), np.empty(2, np.int32))
    with pytest.raises(ValueError, match="dtype"):
        Interner().encode(pa.array(["a"]), np.empty(1, np.int64))
    read_only = np.empty(1, np.int32)
    read_only.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        Interner().encode(pa.array(["a"]), read_only)


@pytest.mark.parametrize(
    "arguments", [{"hash_bits": 0}, {"hash_bits": 65}, {"expected": -1}, {"expected": 2**40}]
)
def test_tables_that_cannot_be_are_refused(arguments):
    with pytest.raises(ValueError, match="no table"):
        Interner(**arguments)


@given(st.lists(st.none() | st.binary(max_size=30), min_size=1, max_size=20), st.data())
def test_picks(texts, draw):
    """The texts at positions, in their order, as if they were all there is."""
    at = draw.draw(st.lists(st.integers(0, len(texts) - 1), max_size=200))
    codes, interner = np.empty(len(at), np.int32), Interner(hash_bits=draw.draw(st.sampled_from([1, 64])))
    interner.encode(pa.array(texts, pa.binary()), codes, np.array(at, np.uint32))
    assert (codes.tolist(), taken(interner)) == naive.encode([texts[i] for i in at])


def test_picks_beyond_the_texts_are_refused():
    values = pa.array(["a", "b", "c"]).slice(0, 2)
    for pick in (2, 2**32 - 1):
        with pytest.raises(ValueError, match="pick leaves"):
            Interner().encode(values, np.empty(1, np.int32), np.array([pick], np.uint32))
    with pytest.raises(ValueError, match="as many codes"):
        Interner().encode(values, np.empty(2, np.int32), np.array([1], np.uint32))


@given(st.lists(st.text(max_size=40), max_size=20))
def test_is_ascii(texts):
    interner = Interner()
    encoded(interner, pa.array(texts, pa.string()))
    assert interner.is_ascii == all(text.isascii() for text in texts)
    interner.clear()
    assert interner.is_ascii
