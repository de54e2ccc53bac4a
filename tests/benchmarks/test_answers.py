"""Answers that differ are found, and said."""

import math

import pytest

from benchmarks.answers import differences, number, relative

EDGES = {"directly_follows": {"a\tb": [3], "b\ta": [1]}, "performance": {"a\tb": [2.0, None]}}


def changed(section, key, figures):
    return {name: {**part, key: figures} if name == section else part for name, part in EDGES.items()}


def test_equal_answers():
    assert differences(EDGES, EDGES) == []
    assert differences(EDGES, changed("performance", "a\tb", [2.0 + 1e-10, None])) == []


@pytest.mark.parametrize(
    "other",
    [
        changed("directly_follows", "a\tb", [4]),
        changed("directly_follows", "c\ta", [1]),
        changed("performance", "a\tb", [2.0 + 1e-8, None]),
        changed("performance", "a\tb", [2.0, 0.0]),
        changed("performance", "a\tb", [2.0]),
        {"directly_follows": EDGES["directly_follows"]},
    ],
)
def test_a_difference_is_one_line(other):
    assert len(differences(EDGES, other)) == 1
    assert len(differences(other, EDGES)) == 1


def test_large_counts_are_compared_exactly():
    assert relative(10**12, 10**12 + 1) == math.inf
    assert relative(1e12, 1e12 + 1) < 1e-11
    assert relative(3, 3.0) == 0


def test_nan_is_none():
    assert number(math.nan) is None
    assert number(None) is None
    assert number(2) == 2.0
