"""Answers that differ are found, and said."""

import math

import pytest

from benchmarks.answers import differences, number, relative, summary_differences

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


def test_a_summary_is_compared_as_far_as_it_goes():
    ours = {"directly_follows": {"a\tb": [3]}, "variants": {"a\tb": [3]}, "throughput": {"all": [1.0, 2.0]}}
    assert summary_differences(ours, {"edges": 1, "variants": 1, "p": [1.0, 2.0], "seconds": 3}) == []
    assert summary_differences(ours, {"edges": 2, "variants": 1}) == ["edges: 1 and 2"]
    assert len(summary_differences(ours, {"p": [1.0, 2.1]})) == 1
    assert summary_differences(ours, {"seconds": 3}) == ["nothing to compare in what it printed"]
