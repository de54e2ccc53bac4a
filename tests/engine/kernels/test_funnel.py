"""When cases reach the steps of a funnel, against the plain twin; run compiled and interpreted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dealtrace_engine.kernels.funnel import NEVER, funnel_steps
from naive import funnel as naive

pytestmark = pytest.mark.kernels
CASES = st.lists(
    st.lists(st.tuples(st.integers(0, 4), st.integers(-5, 5)), min_size=1, max_size=9), min_size=1, max_size=5
)
STEPS = st.lists(st.tuples(st.sets(st.integers(0, 4)), st.booleans()), min_size=1, max_size=4)


@settings(max_examples=400)
@given(CASES, STEPS, st.lists(st.sampled_from([0, 0, 1, -1]), min_size=5, max_size=5), st.integers(-5, 5),
       st.booleans())  # fmt: skip
def test_funnel_steps(cases, steps, outcomes, until, strict):
    ordered = [sorted(case, key=lambda event: event[1]) for case in cases]
    codes = np.array([a for case in ordered for a, _ in case], np.uint8)
    times = np.array([t for case in ordered for _, t in case], np.int64)
    offsets = np.cumsum([0, *map(len, ordered)])
    own, latest = [step for step, _ in steps], [last for _, last in steps]
    of_activity = [[k for k, step in enumerate(own) if a in step] for a in range(5)]
    step_offsets = np.cumsum([0, *map(len, of_activity)])
    flat = np.array([k for found in of_activity for k in found], np.int64)
    size = len(steps) * len(cases)
    for blocks in ([(0, len(cases))], [(case, case + 1) for case in range(len(cases))]):
        at, counts, lost = np.full(size, NEVER), np.zeros(size, np.int32), np.full(len(cases), NEVER)
        for block in blocks:
            funnel_steps(codes, times, offsets, *block, until, strict, step_offsets, flat, np.array(latest),
                         np.array(outcomes, np.int8), at, counts, lost)  # fmt: skip
        for case, events in enumerate(ordered):
            expected = naive.funnel_steps(events, own, latest, dict(enumerate(outcomes)), until, strict)
            told = [None if t == NEVER else t for t in at.reshape(len(steps), -1)[:, case].tolist()]
            gone = None if lost[case] == NEVER else int(lost[case])
            assert (told, counts.reshape(len(steps), -1)[:, case].tolist(), gone) == expected
