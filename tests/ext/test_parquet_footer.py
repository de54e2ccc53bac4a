"""Structs of Parquet's footer: what a plain reader reads of them, and damage is an error, never a crash."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_ext.parquet_footer import BINARY, BOOL, BYTE, I32, I64, NEEDED, REFUSED, fields
from naive import parquet_footer as naive

WANTED = {
    1: I32, 2: [{1: I64, 4: BINARY}], 3: {NEEDED: (2,), 1: BOOL, 2: BYTE}, 4: [BINARY], 5: [[I32]],
    9: REFUSED, 300: BOOL,
}  # fmt: skip

numbers = st.sampled_from([1, 2, 3, 4, 5, 8, 9, 20, 300])
scalars = st.one_of(
    st.tuples(st.just(naive.I32), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.just(naive.I64), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just(naive.BYTE), st.integers(0, 255)),
    st.tuples(st.just(naive.BINARY), st.binary(max_size=20)),
    st.sampled_from([(naive.TRUE, True), (naive.FALSE, False)]),
)


def lists(values):
    """Lists of values that have the type of the first."""
    return st.lists(values, max_size=20).map(
        lambda made: (
            naive.LIST,
            (made[0][0], [c for kind, c in made if kind == made[0][0]]) if made else (naive.I32, []),
        )
    )


def structs(values):
    return st.tuples(st.just(naive.STRUCT), st.dictionaries(numbers, values, max_size=5))


plain = scalars.filter(lambda value: value[0] > naive.FALSE)
values = st.recursive(plain, lambda inner: st.one_of(lists(inner), structs(inner | scalars)), max_leaves=12)
fitting = st.fixed_dictionaries(
    {},
    optional={
        1: st.tuples(st.just(naive.I32), st.integers(-(2**31), 2**31 - 1)),
        2: lists(
            structs(scalars).map(
                lambda made: (made[0], {n: v for n, v in made[1].items() if n not in (1, 4)})
            )
        ),
        4: lists(st.tuples(st.just(naive.BINARY), st.binary(max_size=9))),
        20: values,
        300: st.sampled_from([(naive.TRUE, True), (naive.FALSE, False)]),
    },
)


def octets(data):
    return np.frombuffer(bytes(data), np.uint8)


def outcome(function, *arguments):
    try:
        return function(*arguments)
    except ValueError:
        return "refused"


@given(fitting)
def test_what_is_wanted_is_read(made):
    data = naive.struct(made)
    found = fields(octets(data), WANTED)
    assert found == naive.fields(data, WANTED)
    assert set(found) == set(made) - {20}
    assert found.get(1) == made.get(1, (0, None))[1]


@given(st.dictionaries(numbers, values | scalars, max_size=6))
def test_any_struct_is_read_or_refused(made):
    data = naive.struct(made)
    assert outcome(fields, octets(data), WANTED) == outcome(naive.fields, data, WANTED)


@given(fitting, st.data())
def test_damage_is_refused_or_read_as_it_stands(made, data):
    bytes_ = bytearray(naive.struct(made))
    for _ in range(data.draw(st.integers(1, 3))):
        bytes_[data.draw(st.integers(0, len(bytes_) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(bytes_[: data.draw(st.integers(0, len(bytes_)))])
    for one in (bytes(bytes_), cut):
        assert outcome(fields, octets(one), WANTED) == outcome(naive.fields, one, WANTED)


@given(st.binary(max_size=80))
def test_any_bytes(data):
    assert outcome(fields, octets(data), WANTED) == outcome(naive.fields, data, WANTED)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x15",  # a number is missing
        b"\x15\x02\x00\x00",  # more follows
        b"\x15\x02\x05\x02\x02\x00",  # field 1 twice
        b"\x16\x02\x00",  # another type
        b"\x15" + b"\xff" * 11 + b"\x00",  # a number without an end
        b"\x15\x80\x80\x80\x80\x80\x01\x00",  # a number of more than 32 bits
        b"\x9b\x00\x00",  # a map
        b"\x95\x02\x00",  # what is refused
        b"\x3c\x11\x00\x00",  # a field of a struct is missing
        b"\x3c\x23",  # a byte is missing
        b"\x5d\x0d\x00",  # a list of no type
        b"\x49\xf8" + b"\xff" * 9 + b"\x01\x00",  # as many texts as a number can say
        b"\x48" + b"\xff" * 9 + b"\x01" + b"\x00" * 9,  # a text of that length
        b"\x8c" + b"\x1c" * 100 + b"\x00" * 102,  # deep
        b"\x89" + b"\x19" * 100 + b"\x00" * 102,
    ],
)
def test_what_is_broken_is_refused(data):
    with pytest.raises(ValueError, match=r"broken|understood|twice|follow|missing"):
        fields(octets(data), WANTED)


def test_whatever_is_wanted():
    for wanted in ({}, {1: {}}, {1: []}, {1: "text"}, {1: None}, {"1": I32}, {1: 9}, {1: [7]}):
        with suppress(ValueError):
            fields(octets(naive.struct({1: (naive.LIST, (naive.I32, [1, 2]))})), wanted)
