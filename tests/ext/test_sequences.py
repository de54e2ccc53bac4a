"""Sequences get one number if, and only if, they are equal; collisions cannot merge two."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_ext.sequences import hash_sequences, number_sequences
from naive import sequences as naive

WIDTHS = (np.uint8, np.uint16, np.uint32)
WORDS = np.random.default_rng(5).integers(0, 2**64, 300, dtype=np.uint64)


def packed(sequences, width):
    offsets = np.cumsum([0, *map(len, sequences)])
    return np.array([code for sequence in sequences for code in sequence], width), offsets


def numbered(codes, offsets, hashes):
    n = len(offsets) - 1
    numbers, firsts = np.full(n, -7, np.int32), np.full(n, -7, np.int32)
    found = number_sequences(codes, offsets, hashes, numbers, firsts)
    return numbers.tolist(), firsts[:found].tolist()


def hashed(codes, offsets, words=WORDS):
    hashes = np.zeros(len(offsets) - 1, np.uint64)
    hash_sequences(codes, offsets, words, 0, len(hashes), hashes)
    return hashes


SEQUENCES = st.lists(st.lists(st.integers(0, 3), max_size=5), max_size=60)


@given(SEQUENCES, st.sampled_from(WIDTHS))
def test_numbers_are_those_of_a_dictionary(sequences, width):
    codes, offsets = packed(sequences, width)
    assert numbered(codes, offsets, hashed(codes, offsets)) == naive.number_sequences(sequences)


@given(SEQUENCES, st.sampled_from(WIDTHS), st.sampled_from([0, 1, 2**64 - 1]))
def test_equal_hashes_merge_nothing(sequences, width, hash_value):
    codes, offsets = packed(sequences, width)
    hashes = np.full(len(sequences), hash_value, np.uint64)
    assert numbered(codes, offsets, hashes) == naive.number_sequences(sequences)


@given(SEQUENCES)
def test_two_hashes_for_all(sequences):
    codes, offsets = packed(sequences, np.uint8)
    hashes = np.array([len(sequence) % 2 for sequence in sequences], np.uint64)
    assert numbered(codes, offsets, hashes) == naive.number_sequences(sequences)


@given(SEQUENCES)
def test_the_hash_is_of_the_words_not_of_the_codes(sequences):
    """Codes differ from log to log, the words that stand for the texts do not; nor do blocks matter."""
    codes, offsets = packed(sequences, np.uint8)
    expected = hashed(codes, offsets).tolist()
    assert hashed(3 - codes, offsets, WORDS[:4][::-1].copy()).tolist() == expected
    assert hashed(codes.astype(np.uint32), offsets).tolist() == expected
    parts = np.zeros(len(sequences), np.uint64)
    for sequence in range(len(sequences)):
        hash_sequences(codes, offsets, WORDS, sequence, sequence + 1, parts)
    assert parts.tolist() == expected


GROWS = [512, 513, 2048, 2049, 2500, 5_000]
"""The table has 1024 places at first and four times as many when half of them are taken."""


@pytest.mark.parametrize("distinct", GROWS)
@pytest.mark.parametrize("kind", WIDTHS[1:])
def test_the_table_grows(distinct, kind):
    """What was numbered before is found again, also right after the table was moved."""
    sequences = [[i % 256, i // 256, i % 7] for i in range(distinct)]
    again = np.random.default_rng(distinct).integers(0, distinct, 300).tolist()
    seen = [sequences[:7], sequences, [sequences[i] for i in again], sequences[::-1]]
    codes, offsets = packed([sequence for part in seen for sequence in part], kind)
    numbers, firsts = numbered(codes, offsets, hashed(codes, offsets))
    assert numbers == [*range(7), *range(distinct), *again, *reversed(range(distinct))]
    assert firsts == [*range(7), *range(14, 7 + distinct)]


@pytest.mark.parametrize("hash_value", [0, 1023, 2**64 - 1])
def test_the_table_grows_where_all_hashes_are_equal(hash_value):
    """The places wrap around the end of the table, before and after it was moved."""
    distinct = 2_100
    sequences = [[i % 256, i // 256] for i in range(distinct)] + [[i % 256, i // 256] for i in range(50)]
    codes, offsets = packed(sequences, np.uint8)
    numbers, firsts = numbered(codes, offsets, np.full(len(sequences), hash_value, np.uint64))
    assert numbers == [*range(distinct), *range(50)]
    assert firsts == [*range(distinct)]


@pytest.mark.parametrize("n", range(1, 45))
def test_what_is_brought_in_ahead_ends_with_the_sequences(n):
    """Also where those that come are empty, and lie at the very end of the codes."""
    sequences = [[i % 5] * (i % 3) for i in range(n)]
    codes, offsets = packed(sequences, np.uint8)
    assert numbered(codes, offsets, hashed(codes, offsets)) == naive.number_sequences(sequences)
    codes, offsets = packed([[]] * n, np.uint8)
    assert numbered(codes, offsets, np.arange(n, dtype=np.uint64)) == ([*range(n)], [*range(n)])


def test_offsets_need_not_start_at_zero():
    codes = np.array([9, 9, 1, 2, 1, 2, 9], np.uint8)
    assert numbered(codes, np.array([2, 4, 6]), np.zeros(2, np.uint64)) == ([0, 0], [0])


def test_nothing():
    assert numbered(np.zeros(0, np.uint8), np.array([0]), np.zeros(0, np.uint64)) == ([], [])
    assert numbered(np.zeros(0, np.uint8), np.array([0, 0, 0]), np.zeros(2, np.uint64)) == ([0, 0], [0])


@pytest.mark.parametrize("offsets", [[0, 9], [-1, 2], [0, 2, 1], [2, 1]])
def test_sequences_outside_the_codes_are_refused(offsets):
    codes, n = np.zeros(2, np.uint8), len(offsets) - 1
    with pytest.raises(IndexError, match="leaves the"):
        hashed(codes, np.array(offsets))
    with pytest.raises(IndexError, match="leaves the"):
        numbered(codes, np.array(offsets), np.zeros(n, np.uint64))


def test_codes_without_a_word_are_refused():
    with pytest.raises(IndexError, match="1 words"):
        hashed(np.array([0, 1], np.uint8), np.array([0, 2]), WORDS[:1])


@pytest.mark.parametrize(("first", "last"), [(-1, 1), (0, 2), (1, 0)])
def test_ranges_outside_are_refused(first, last):
    with pytest.raises(IndexError, match="no sequences"):
        hash_sequences(np.zeros(2, np.uint8), np.array([0, 2]), WORDS, first, last, np.zeros(1, np.uint64))


def test_lengths_must_agree():
    one, two = np.zeros(1, np.int32), np.zeros(2, np.int32)
    with pytest.raises(ValueError, match="as many"):
        number_sequences(np.zeros(2, np.uint8), np.array([0, 1, 2]), np.zeros(2, np.uint64), one, two)
    with pytest.raises(OverflowError):
        number_sequences(
            np.zeros(2, np.uint8), np.zeros(0, np.int64), np.zeros(0, np.uint64), one[:0], one[:0]
        )
