"""Effects, adjusted estimates and false discoveries, against SciPy and plain formulas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from dealtrace_engine.analyses.adjustment import log_linear, logistic, mantel_haenszel
from dealtrace_engine.analyses.driver_candidates import SURE, Candidates, p_values
from dealtrace_engine.analyses.effects import (
    difference_of_means,
    odds_ratio,
)
from dealtrace_engine.analyses.false_discovery import adjusted_p_values
from dealtrace_engine.analyses.rate_intervals import difference, normal_quantile, wilson
from dealtrace_engine.errors import ArgumentError

COUNTS = st.integers(0, 60)


def one(*numbers):
    return [np.array([number]) for number in numbers]


@given(COUNTS, st.integers(1, 60))
def test_wilson(hits, more):
    low, high = wilson(*one(hits, hits + more))
    found = stats.binomtest(hits, hits + more).proportion_ci(method="wilson")
    assert (low[0], high[0]) == (pytest.approx(found.low, abs=1e-12), pytest.approx(found.high, abs=1e-12))


@given(COUNTS, st.integers(1, 60), COUNTS, st.integers(1, 60))
def test_differences_of_shares_and_odds(a, b, c, d):
    apart, low, high = (x[0] for x in difference(*one(a, a + b, c, c + d)))
    assert apart == pytest.approx(a / (a + b) - c / (c + d))
    assert -1 - 1e-9 <= low <= apart + 1e-9
    assert apart - 1e-9 <= high <= 1 + 1e-9
    ratio, low, high = (x[0] for x in odds_ratio(*one(a, a + b, c, c + d)))
    assert ratio == pytest.approx((a + 0.5) * (d + 0.5) / (b + 0.5) / (c + 0.5))
    assert 0 < low < ratio < high < np.inf


NUMBERS = st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=12)


@pytest.mark.filterwarnings("ignore:Precision loss")
@given(NUMBERS, NUMBERS)
def test_differences_of_means(x, y):
    x, y = np.array(x), np.array(y)
    found = difference_of_means(x, y)
    if x.var() > 0 and y.var() > 0:
        interval = stats.ttest_ind(x, y, equal_var=False).confidence_interval()
        assert (found.low, found.high) == (pytest.approx(interval.low), pytest.approx(interval.high))
    u = stats.mannwhitneyu(x, y).statistic
    assert found.rank_biserial == pytest.approx(2 * u / (len(x) * len(y)) - 1)
    assert np.isfinite(found.hedges_g)


@given(st.integers(1, 150), st.integers(1, 150), st.data())
@settings(max_examples=80)
def test_p_values_of_shares(n, m, data):
    a, c = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    sums, base = np.array([[n, a, a]]), np.array([[n + m, a + c, a + c]])
    (found,) = p_values(Candidates("x", [()], sums, base, [base]), "yes/no")
    cells = np.array([[a, n - a], [c, m - c]])
    if (cells.sum(0) == 0).any() or stats.contingency.expected_freq(cells).min() < SURE:
        sides = [stats.fisher_exact(cells, alternative=side).pvalue for side in ("less", "greater")]
        assert found == pytest.approx(min(1, 2 * min(sides)), rel=1e-6)
    else:
        assert found == pytest.approx(stats.chi2_contingency(cells).pvalue)


@pytest.mark.filterwarnings("ignore:Precision loss")
@given(
    st.lists(st.integers(0, 20), min_size=3, max_size=12),
    st.lists(st.integers(0, 20), min_size=3, max_size=12),
)
def test_p_values_of_ranks(x, y):
    def sums(values):
        return np.array([[len(values), sum(values), sum(v * v for v in values)]])

    base = sums(x + y)
    (found,) = p_values(Candidates("x", [()], sums(x), base, [base]), "number")
    if len(set(x)) > 1 or len(set(y)) > 1:
        assert found == pytest.approx(stats.ttest_ind(x, y).pvalue)
    else:
        assert found == (1.0 if x[0] == y[0] else 0.0)


def test_a_pair_has_the_larger_p_value_of_its_parts():
    sums, ones, others = (np.array([row]) for row in ([30, 25, 25], [60, 30, 30], [90, 70, 70]))
    each = [p_values(Candidates("x", [()], sums, base, [base]), "yes/no")[0] for base in (ones, others)]
    found = p_values(Candidates("pair", [()], sums, ones, [ones, others]), "yes/no")
    assert found.tolist() == [max(each)]


def test_false_discoveries():
    p = np.array([0.001, 0.01, 0.02, 0.9])
    assert adjusted_p_values(p, "bh").round(4).tolist() == [0.004, 0.02, 0.0267, 0.9]
    assert adjusted_p_values(np.empty(0)).tolist() == []
    with pytest.raises(ArgumentError, match="'by' or 'bh'"):
        adjusted_p_values(p, "none")
    with pytest.raises(ArgumentError, match="confidence"):
        normal_quantile(95)


def confounded(seed, n=1500):
    """Exposure and answer that go together only through a group."""
    random = np.random.default_rng(seed)
    group = random.integers(0, 4, n)
    exposure = random.normal(group, 1)
    hits = random.random(n) < 1 / (1 + np.exp(2 - group))
    return group, exposure, hits


def test_control_takes_a_confounder_away():
    group, exposure, hits = confounded(1)
    crude, held = (logistic(exposure, hits, controls) for controls in ([], [group]))
    assert crude.low > 1.4
    assert held.low < 1 < held.high
    assert held.groups == 3
    high = exposure > 1.5
    crude, held = (mantel_haenszel(high, hits, strata) for strata in (group * 0, group))
    assert crude.low > 1.5
    assert held.low < 1 < held.high
    amounts = np.exp(group + np.random.default_rng(2).normal(0, 1, len(group)))
    crude, held = (log_linear(exposure, amounts, controls) for controls in ([], [group]))
    assert crude.low > 1.4
    assert held.low < 1 < held.high


def test_logistic_is_the_maximum_of_the_likelihood():
    group, exposure, hits = confounded(3, 400)
    design = np.column_stack((exposure, np.ones(400), *(group == g for g in (1, 2, 3)))).astype(float)

    def loss(weights):
        return np.logaddexp(0, design @ weights).sum() - (design @ weights)[hits].sum()

    best = optimize.minimize(loss, np.zeros(5), method="BFGS", tol=1e-10).x[0]
    assert logistic(exposure, hits, [group]).value == pytest.approx(np.exp(best), rel=1e-2)


def test_mantel_haenszel_by_hand():
    # Two strata: 10/20 against 5/20, and 8/10 against 15/30.
    exposed = np.repeat([True, False, True, False], [20, 20, 10, 30])
    hits = np.concatenate([np.arange(n) < k for n, k in ((20, 10), (20, 5), (10, 8), (30, 15))])
    strata = np.repeat([0, 1], 40)
    found = mantel_haenszel(exposed, hits, strata)
    assert found.value == pytest.approx((10 * 15 / 40 + 8 * 15 / 40) / (10 * 5 / 40 + 2 * 15 / 40))
    assert (found.cases, found.groups) == (80, 2)
    table = stats.contingency.odds_ratio([[10, 10], [5, 15]], kind="sample")
    alone = mantel_haenszel(exposed[:40], hits[:40], strata[:40])
    assert alone.value == pytest.approx(table.statistic)
    interval = table.confidence_interval()
    assert (alone.low, alone.high) == (
        pytest.approx(interval.low, rel=1e-6),
        pytest.approx(interval.high, rel=1e-6),
    )


def test_what_cannot_be_estimated_is_none():
    yes = np.ones(10, dtype=np.bool_)
    assert mantel_haenszel(yes, yes, np.zeros(10, dtype=np.int64)) is None
    assert log_linear(np.zeros(10), np.arange(1.0, 11), []) is None
    assert log_linear(np.arange(2.0), np.arange(1.0, 3), []) is None
    separated = logistic(np.arange(100.0) % 7, np.arange(100) < 50, [(np.arange(100) >= 50).astype(int)])
    assert separated is not None
    assert np.isfinite(separated.value)
