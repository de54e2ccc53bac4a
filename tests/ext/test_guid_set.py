"""The set of GUIDs against Python's, also where every hash collides and while the table grows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_ext.guid_set import GuidSet
from naive import guid_set as naive

NUMBER = st.one_of(st.integers(0, 3), st.integers(0, 2**128 - 1), st.integers(0, 3).map(lambda n: n << 64))


def run(calls, **options):
    known, found = GuidSet(**options), []
    for numbers in calls:
        high = np.array([number >> 64 for number in numbers], np.uint64)
        low = np.array([number & (1 << 64) - 1 for number in numbers], np.uint64)
        first = np.empty(len(numbers), np.uint8)
        known.add(high, low, first)
        found.append(first.tolist())
    return found, len(known)


@given(st.lists(st.lists(NUMBER, max_size=40), max_size=4), st.sampled_from([1, 3, 64]))
def test_what_is_there_first_is_that_of_the_twin(calls, bits):
    assert run(calls, hash_bits=bits) == naive.first(calls)


@pytest.mark.parametrize("bits", [12, 64])
def test_it_grows(bits):
    numbers = [int(n) for n in np.random.default_rng(1).integers(0, 4000, 9000)]
    calls = [[n << 64 | n for n in numbers[begin : begin + 1000]] for begin in range(0, 9000, 1000)]
    assert run(calls, hash_bits=bits) == naive.first(calls)


def test_buffers_of_other_lengths_are_refused():
    one, two = np.empty(1, np.uint64), np.empty(2, np.uint64)
    with pytest.raises(ValueError, match="2 numbers need as many"):
        GuidSet().add(two, one, np.empty(2, np.uint8))
    with pytest.raises(ValueError, match="0 bits"):
        GuidSet(hash_bits=0)
