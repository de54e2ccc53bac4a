"""Layers, crossings and places, against plain definitions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from dealtrace.report.layers import forward, ranks
from dealtrace.report.ordering import crossings, ordered
from dealtrace.report.placing import Extent, placed, rising

NODES = 7
links = st.lists(
    st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1), st.integers(0, 9)).filter(
        lambda link: link[0] != link[1]
    ),
    max_size=15,
)  # fmt: skip


@given(links)
def test_ranks_lead_downwards(given_links):
    turned = forward(NODES, given_links)
    level = ranks(NODES, turned)
    assert all(level[upper] < level[lower] for upper, lower, _ in turned)
    assert {frozenset(link[:2]) for link in turned} == {frozenset(link[:2]) for link in given_links}
    assert sorted(set(level)) == list(range(max(level) + 1))


def two_layers(pairs):
    above = [[] for _ in range(10)]
    below = [[] for _ in range(10)]
    for upper, lower in pairs:
        below[upper].append(lower)
        above[lower].append(upper)
    return above, below


pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(5, 9)), max_size=12, unique=True)


@given(pairs, st.permutations(range(5)), st.permutations(range(5, 10)))
def test_crossings_are_counted(given_pairs, upper, lower):
    _, below = two_layers(given_pairs)
    at = {item: number for layer in (upper, lower) for number, item in enumerate(layer)}
    crossing = sum(
        (at[a] - at[c]) * (at[b] - at[d]) < 0
        for number, (a, b) in enumerate(given_pairs)
        for c, d in given_pairs[:number]
    )
    assert crossings([upper, lower], below) == crossing


@given(pairs)
def test_ordering_never_adds_crossings(given_pairs):
    above, below = two_layers(given_pairs)
    layers = [list(range(5)), list(range(5, 10))]
    done = ordered(layers, above, below)
    assert [sorted(layer) for layer in done] == layers
    assert crossings(done, below) <= crossings(layers, below)


weighted = st.lists(st.tuples(st.floats(-100, 100), st.floats(0.1, 10)), min_size=1, max_size=12)


@given(weighted)
def test_rising_is_the_isotonic_regression(rows):
    values, weights = zip(*rows, strict=True)
    expected = isotonic_regression(np.array(values), weights=np.array(weights)).x
    np.testing.assert_allclose(rising(values, weights), expected, atol=1e-9)


def test_places_keep_their_distance():
    extents = [Extent(5.0, 20.0), Extent(10.0, 10.0), Extent(1.0, 1.0)]
    at = placed([[0, 1], [2]], [{2: 1.0}, {2: 1.0}, {0: 1.0, 1: 1.0}], extents, 4.0)
    assert at[1] - at[0] >= 20.0 + 4.0 + 10.0
    assert abs(at[2] - (at[0] + at[1]) / 2) < 1e-6
