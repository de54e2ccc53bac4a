"""When cases reach activities, against the plain twin; run compiled and interpreted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine.kernels.milestones import first_and_last
from naive import milestones as naive

pytestmark = pytest.mark.kernels
EVENTS = st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 5)), min_size=1, max_size=6)


@given(st.lists(EVENTS, min_size=1, max_size=6), st.sets(st.integers(0, 3)))
def test_first_and_last(cases, wanted):
    ordered = [sorted(case, key=lambda event: event[1]) for case in cases]
    codes = np.array([a for case in ordered for a, _ in case], np.uint8)
    times = np.array([t for case in ordered for _, t in case], np.int64)
    offsets = np.cumsum([0, *map(len, ordered)])
    marks = np.isin(np.arange(4), list(wanted))
    for blocks in ([(0, len(cases))], [(case, case + 1) for case in range(len(cases))]):
        firsts, lasts, counts = (np.full(len(cases), -99) for _ in range(3))
        for first, last in blocks:
            first_and_last(codes, times, offsets, first, last, marks, firsts, lasts, counts)
        expected = [naive.first_and_last(case, wanted) for case in ordered]
        assert counts.tolist() == [count for *_, count in expected]
        assert firsts.tolist() == [-99 if time is None else time for time, _, _ in expected]
        assert lasts.tolist() == [-99 if time is None else time for _, time, _ in expected]
