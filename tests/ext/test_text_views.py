"""Views of texts against a plain twin, and against what Arrow reads in them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_ext.text_views import INLINE, text_views
from naive import text_views as naive

TEXTS = st.lists(
    st.one_of(st.none(), st.text(max_size=30), st.text("ab", min_size=11, max_size=14)), max_size=30
)


def run(column, start=0):
    size = sum(len((text or "").encode()) for text in column.to_pylist())
    out, views = np.empty(size, np.uint8), np.full(4 * len(column), 7, np.int32)
    written = text_views(column, start, out, views)
    return out[:written], views


@given(TEXTS, st.sampled_from([pa.string(), pa.large_string()]), st.integers(0, 1 << 30), st.integers(0, 3))
def test_views_are_those_of_the_twin(texts, kind, start, before):
    column = pa.array([*["before this one"] * before, *texts], kind).slice(before)
    out, views = run(column, start)
    long, expected = naive.text_views(texts, start)
    assert (out.tobytes(), views.tobytes()) == (long, b"".join(expected))


@given(TEXTS)
def test_arrow_reads_the_same_texts(texts):
    out, views = run(pa.array(texts, pa.string()))
    read = pa.Array.from_buffers(pa.string_view(), len(texts), [None, pa.py_buffer(views), pa.py_buffer(out)])
    read.validate(full=True)
    assert read.to_pylist() == [text or "" for text in texts]
    assert INLINE == 12


def test_buffers_that_do_not_fit_are_refused():
    column = pa.array(["a text that is long"])
    with pytest.raises(ValueError, match="1 texts need 4 numbers and 19 bytes"):
        text_views(column, 0, np.empty(18, np.uint8), np.empty(4, np.int32))
    with pytest.raises(ValueError, match="4 numbers"):
        text_views(column, 0, np.empty(19, np.uint8), np.empty(3, np.int32))
    for start in (-1, 2**31 - 19):
        with pytest.raises(ValueError, match="do not fit"):
            text_views(column, start, np.empty(19, np.uint8), np.empty(4, np.int32))
    with pytest.raises(TypeError):
        text_views(pa.array([1]), 0, np.empty(0, np.uint8), np.empty(4, np.int32))


def test_offsets_that_run_backwards_are_refused():
    offsets = pa.py_buffer(np.array([0, 5, 2, 5], np.int32))
    broken = pa.Array.from_buffers(pa.string(), 3, [None, offsets, pa.py_buffer(b"abcde")])
    with pytest.raises(ValueError, match="backwards"):
        text_views(broken, 0, np.empty(9, np.uint8), np.empty(12, np.int32))
