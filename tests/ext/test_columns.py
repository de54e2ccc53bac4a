"""Text borrows Arrow's buffers and refuses what is not text."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pyarrow as pa
import pytest

from dealtrace_ext.audit_changes import find_changes
from dealtrace_ext.columns import Text, Views
from dealtrace_ext.intern import Interner


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary(), pa.large_binary()])
def test_text_and_binary_of_both_widths(kind):
    assert len(Text(pa.array(["a", None, ""]).cast(kind))) == 3


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1, 2]),
        pa.array(["a"]).dictionary_encode(),
        pa.array(["a"], pa.string_view()),
        pa.array([["a"]]),
        pa.array([None]),
        pa.array([b"a"], pa.binary(1)),
        pa.array([True]),
    ],
    ids=lambda values: str(values.type),
)
def test_other_types_are_refused(values):
    with pytest.raises(TypeError, match="Arrow text array"):
        Text(values)


def test_what_does_not_speak_arrow_is_refused():
    with pytest.raises(AttributeError):
        Text(["a"])


def test_a_broken_capsule_is_refused():
    class Strange:
        def __arrow_c_array__(self):
            return object(), object()

    with pytest.raises(ValueError, match="PyCapsule"):
        Text(Strange())


def test_empty_arrays_without_buffers():
    assert len(Text(pa.array([], pa.string()))) == 0
    assert len(Text(pa.array(["a"]).slice(1))) == 0


def test_the_array_lives_as_long_as_the_text():
    released = []

    class Column:
        def __init__(self, values):
            self.values = values
            weakref.finalize(self, released.append, True)

        def __arrow_c_array__(self):
            return self.values.__arrow_c_array__()

    column = Column(pa.array(["x" * 100] * 1000))
    text = Text(column)
    del column
    gc.collect()
    assert released
    assert len(text) == 1000


@pytest.mark.parametrize("offsets", [[0, 3, 1, 4], [0, 9, 9, 4], [0, -9, 1, 4]])
@pytest.mark.parametrize("width", [np.int32, np.int64])
def test_offsets_that_run_backwards_are_an_error(offsets, width):
    kind = pa.string() if width is np.int32 else pa.large_string()
    buffers = [None, pa.py_buffer(np.array(offsets, width)), pa.py_buffer(b"abcd" * 8)]
    with pytest.raises(ValueError, match="backwards"):
        Interner().encode(pa.Array.from_buffers(kind, 3, buffers), np.empty(3, np.int32))


@pytest.mark.parametrize(
    "values", [pa.array(["a"]), pa.array([1]), pa.array([None])], ids=lambda values: str(values.type)
)
def test_only_views_are_views(values):
    with pytest.raises(TypeError, match="Arrow array of views"):
        Views(values)


def test_views_know_how_many():
    assert len(Views(pa.array(["a", None, "b"], pa.string_view()).slice(1))) == 2
    assert len(Views(pa.array([b"a"], pa.binary_view()))) == 1


@pytest.mark.parametrize(
    "view", [(100, 0, 0, 0), (13, 0, 1, 0), (13, 0, -1, 0), (13, 0, 0, 1), (13, 0, 0, -1), (-1, 0, 0, 0)]
)
def test_views_that_point_elsewhere_are_not_followed(view):
    buffers = [None, pa.py_buffer(np.array(view, np.int32)), pa.py_buffer(b"{" * 13)]
    other = np.zeros(1, np.uint8)
    texts = Views(pa.Array.from_buffers(pa.string_view(), 1, buffers))
    assert find_changes(texts, [b"a"], np.zeros((1, 6), np.int64), other) == 0
    assert other.tolist() == [1]
