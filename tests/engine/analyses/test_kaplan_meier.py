"""Curves of censored times: against fractions by definition, SciPy, and figures of lifelines."""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import CensoredData, ecdf

from dealtrace_engine.analyses.kaplan_meier import curve_of
from dealtrace_engine.errors import ArgumentError
from naive import survival as naive

CASES = st.lists(st.tuples(st.integers(0, 8), st.integers(-1, 1)), min_size=1, max_size=25)


def curve(cases, confidence=0.95):
    durations, causes = (np.array([case[side] for case in cases], np.int64) for side in (0, 1))
    return curve_of(durations, causes, 2, confidence)


@given(CASES)
def test_equal_to_the_definitions(cases):
    found = curve(cases)
    assert found.times.tolist() == naive.times(cases)
    assert found.at_risk.tolist() == [naive.at_risk(cases, time) for time in naive.times(cases)]
    for place, time in enumerate(naive.times(cases)):
        assert found.survival[place] == pytest.approx(float(naive.survival(cases, time)), abs=1e-12)
        for cause in (0, 1):
            assert found.events[place, cause] == naive.ended(cases, time, cause)
            expected = float(naive.incidence(cases, time, cause))
            assert found.incidence[place, cause] == pytest.approx(expected, abs=1e-12)
    for quarter in (1, 2, 3, 4):
        assert found.reached(quarter / 4)[0] == naive.percentile(cases, Fraction(quarter, 4))
    ages = np.array([0, 3, 9])
    expected = [float(naive.survival(cases, age)) for age in ages.tolist()]
    assert found.survival_at(ages).tolist() == pytest.approx(expected, abs=1e-12)


@given(CASES.filter(lambda cases: any(cause >= 0 for _, cause in cases)))
def test_equal_to_scipy(cases):
    data = CensoredData.right_censored([time for time, _ in cases], [cause < 0 for _, cause in cases])
    theirs = ecdf(data).sf
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its limits are not known where nobody is left
        limits = theirs.confidence_interval(confidence_level=0.9, method="log-log")
    found, own = curve(cases, 0.9), np.isin(theirs.quantiles, naive.times(cases))
    assert found.survival == pytest.approx(theirs.probabilities[own], abs=1e-12)
    inner = (found.survival > 1e-9) & (found.survival < 1)
    assert found.low[inner] == pytest.approx(limits.low.probabilities[own][inner], abs=1e-9)
    assert found.high[inner] == pytest.approx(limits.high.probabilities[own][inner], abs=1e-9)


@given(CASES)
def test_shares_add_up(cases):
    found = curve(cases)
    assert found.incidence.sum(axis=1) + found.survival == pytest.approx(np.ones(len(found.times)))
    assert np.all(np.diff(found.incidence, axis=0) >= 0)


def test_figures_of_lifelines():
    """Made once with lifelines 0.30.3: KaplanMeierFitter and AalenJohansenFitter with calculate_variance."""
    times = [3, 5, 6, 8, 10, 12, 13, 15, 18, 20, 21, 23, 27, 30, 34]
    causes = [0, 1, -1, 0, 0, -1, 1, 0, -1, 0, 1, -1, 0, -1, -1]
    found = curve(list(zip(times, causes, strict=True)))
    kept = found.events[:, 0] > 0
    assert found.incidence[kept, 0] == pytest.approx(
        [0.066666666667, 0.138888888889, 0.211111111111, 0.291358024691, 0.384979423868, 0.509807956104]
    )
    assert found.incidence_low[kept, 0] == pytest.approx(
        [0.0043003634, 0.0225437636, 0.0511856237, 0.0889788612, 0.1365188495, 0.1978276108]
    )
    assert found.incidence_high[kept, 0] == pytest.approx(
        [0.2603219631, 0.3578618154, 0.4431226513, 0.5333421846, 0.6328070289, 0.7556906333]
    )
    kept = found.events[:, 1] > 0
    assert found.incidence[kept, 1] == pytest.approx([0.066666666667, 0.146913580247, 0.240534979424])
    assert found.incidence_low[kept, 1] == pytest.approx([0.0043003634, 0.0233898481, 0.056469701])
    assert found.incidence_high[kept, 1] == pytest.approx([0.2603219631, 0.3755072744, 0.493403374])
    tied = [3, 5, 5, 8, 10, 12, 12, 15, 18, 20, 20, 23, 27, 30, 34]
    found = curve(list(zip(tied, causes, strict=True)))
    shares = [0.933333, 0.866667, 0.794444, 0.722222, 0.65, 0.56875, 0.379167, 0.252778]
    lows = [0.612641, 0.563912, 0.487905, 0.417175, 0.351271, 0.277289, 0.127266, 0.048565]
    highs = [0.990332, 0.964884, 0.928870, 0.885917, 0.837462, 0.780152, 0.633678, 0.535125]
    assert found.survival == pytest.approx(shares, abs=1e-6)
    assert found.low == pytest.approx(lows, abs=1e-6)
    assert found.high == pytest.approx(highs, abs=1e-6)
    assert found.reached(0.5) == (20, 8, None)
    assert found.reached(0.25)[0] == 10


def test_nothing_and_nobody():
    for cases in ([], [(3, -1)]):
        found = curve(cases)
        assert (found.cases, len(found.times), found.reached(0.5)) == (len(cases), 0, (None, None, None))
    with pytest.raises(ArgumentError, match="between 0 and 1"):
        curve([(1, 0)], confidence=1.0)
