"""Arrow arrays made and taken apart without pyarrow.compute or pandas."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine.buffers import large_texts, taken_texts


@given(st.lists(st.text(max_size=9), max_size=20))
def test_large_texts(texts):
    made = large_texts(texts)
    made.validate(full=True)
    assert made.equals(pa.array(texts, pa.large_string()))


@given(st.lists(st.text(max_size=9), min_size=1, max_size=20), st.integers(0, 5), st.data())
def test_taken_texts(texts, skipped, draw):
    values = pa.array(texts, pa.large_string()).slice(min(skipped, len(texts) - 1))
    at = draw.draw(st.lists(st.integers(0, len(values) - 1), max_size=50))
    for width in (np.uint8, np.int64):
        taken = taken_texts(values, np.array(at, width))
        taken.validate(full=True)
        assert taken.to_pylist() == [values[i].as_py() for i in at]


def test_no_such_text():
    with pytest.raises(IndexError):
        taken_texts(large_texts(["a"]), np.array([1]))
