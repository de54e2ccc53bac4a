"""Arrow arrays as numpy arrays and back, sharing memory."""

from __future__ import annotations

import mmap
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

HUGE_PAGE = 1 << 21
FEWEST_PAGES = 1 << 16
"""Bytes; what is smaller may share its pages with others."""
Number = TypeVar("Number", bound=np.generic)
Reserved: TypeAlias = mmap.mmap | pa.ResizableBuffer
_recycled: list[pa.MemoryPool] = []
"""Where reserved memory comes from, if it is used again."""


def empty(count: int, kind: type[Number]) -> NDArray[Number]:
    """Return memory for numbers, shape (count,); if it is large, it begins where a huge page does.

    Each page that is touched for the first time costs about as much as to write it: small ones add up.

    Examples
    --------
    >>> empty(1 << 20, np.int32).ctypes.data % HUGE_PAGE, len(empty(3, np.int64))
    (0, 3)
    """
    size = count * np.dtype(kind).itemsize
    if size < HUGE_PAGE:
        return np.empty(count, dtype=kind)
    room = np.empty(size + HUGE_PAGE, dtype=np.uint8)
    begin = -room.ctypes.data % HUGE_PAGE
    return room[begin : begin + size].view(kind)


def view(values: pa.Array) -> NDArray[Any]:
    """View a numeric or temporal array without nulls as numpy (temporal ones as integers).

    `pyarrow.Array.to_numpy` imports pandas on first use, which costs more than most analyses.

    Examples
    --------
    >>> view(pa.array([1, 2, 3]).slice(1)).tolist()
    [2, 3]
    """
    kind = values.type
    temporal = pa.types.is_temporal(kind)
    width = np.dtype(f"i{kind.bit_width // 8}" if temporal else kind.to_pandas_dtype())
    buffer = values.buffers()[1]
    if len(values) == 0 or buffer is None:
        return np.empty(0, dtype=width)
    return np.frombuffer(buffer, dtype=width)[values.offset : values.offset + len(values)]


def read_only(values: NDArray[Any]) -> NDArray[Any]:
    """View an array so that it cannot be written; to Numba that is a type of its own, compiled once."""
    values = values.view()
    values.flags.writeable = False
    return values


def arrow(values: NDArray[Any], kind: pa.DataType | None = None) -> pa.Array:
    """Return numbers or truth values, shape (n,), as an Arrow array without nulls.

    `pyarrow.array` imports pandas, where that is installed, to ask whether the values are its own.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Shared, unless they are truth values or not contiguous.
    kind : pyarrow.DataType, optional
        A type of the same width, such as a timestamp's; that of the values by default.

    Examples
    --------
    >>> arrow(np.array([True, False, True])).to_pylist(), arrow(np.arange(4)[::2]).to_pylist()
    ([True, False, True], [0, 2])
    """
    if values.dtype == np.bool_:
        return pa.Array.from_buffers(
            pa.bool_(), len(values), [None, pa.py_buffer(np.packbits(values, bitorder="little"))]
        )
    buffer = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(kind or pa.from_numpy_dtype(values.dtype), len(values), [None, buffer])


def pages(count: int, kind: type[Number]) -> NDArray[Number]:
    """Return memory for numbers, shape (count,), zeros, that goes back to the system when nobody needs it.

    Memory managers keep what threads leave behind, most of all where smaller pieces that are still needed lie
    between the larger ones.

    Examples
    --------
    >>> pages(3, np.int16).tolist(), pages(0, np.int64).tolist()
    ([0, 0, 0], [])
    """
    size = count * np.dtype(kind).itemsize
    if size < FEWEST_PAGES:
        return np.zeros(count, kind)
    room = _mapped(size)
    if size >= HUGE_PAGE and hasattr(mmap, "MADV_HUGEPAGE"):
        room.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(room, kind)


def recycle() -> None:
    """Let memory that is `reserved` from now on be used again: it goes back to the system a second later.

    That costs some of it beside what is needed, and half the time where much comes and goes.

    Examples
    --------
    >>> recycle()
    """
    with suppress(NotImplementedError):  # Arrow may be built without this allocator
        _recycled[:] = [pa.jemalloc_memory_pool()]


def reserved(size: int) -> Reserved:
    """Return memory of so many bytes, of which only those that are written count; see `kept`.

    Examples
    --------
    >>> len(memoryview(reserved(1 << 20)))
    1048576
    """
    if _recycled:
        return pa.allocate_buffer(size, memory_pool=_recycled[0], resizable=True)
    return _mapped(size)


def kept(room: Reserved, size: int) -> pa.Buffer:
    """Return the first bytes of what was `reserved`, and give the others back where the system can.

    Nothing may point to it.

    Examples
    --------
    >>> room = reserved(1 << 20)
    >>> memoryview(room)[:3] = b"abc"
    >>> kept(room, 2).to_pybytes()
    b'ab'
    """
    if isinstance(room, pa.ResizableBuffer):
        room.resize(size, shrink_to_fit=True)
        return room
    if sys.platform == "linux":
        room.resize(max(size, 1))
    return pa.py_buffer(memoryview(room)[:size])


def _mapped(size: int) -> mmap.mmap:
    private = {} if sys.platform == "win32" else {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS}
    return mmap.mmap(-1, size, **private)


def copied(values: NDArray[Any]) -> pa.Buffer:
    """Return a copy of numbers in memory of its own; see `pages`.

    Examples
    --------
    >>> list(copied(np.array([1, 2], np.uint8)).to_pybytes())
    [1, 2]
    """
    room = pages(len(values), values.dtype.type)
    room[:] = values
    return pa.py_buffer(room)


def text(values: Sequence[str | None]) -> pa.StringArray:
    """Return texts as an Arrow array; see `arrow`.

    Examples
    --------
    >>> text(["a", None, "é", ""]).to_pylist(), len(text([]))
    (['a', None, 'é', ''], 0)
    """
    encoded = [b"" if value is None else value.encode() for value in values]
    offsets = np.zeros(len(values) + 1, dtype=np.int32)
    np.cumsum(np.array([len(value) for value in encoded], dtype=np.int32), out=offsets[1:])
    present = np.packbits(np.array([value is not None for value in values], np.bool_), bitorder="little")
    buffers = [pa.py_buffer(present), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(values), buffers)


def large_texts(values: Sequence[str]) -> pa.LargeStringArray:
    """Return texts as an Arrow array; `pyarrow.array` would import pandas.

    Examples
    --------
    >>> large_texts(["a", "", "\u00e9"]).to_pylist() == ["a", "", "\u00e9"]
    True
    """
    encoded = [value.encode() for value in values]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(text) for text in encoded], out=offsets[1:])
    return pa.LargeStringArray.from_buffers(
        len(encoded), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))
    )


def taken_texts(texts: pa.LargeStringArray, positions: NDArray[Any]) -> pa.StringArray:
    """Return the texts at positions, shape (n,); `pyarrow.Array.take` would import pyarrow.compute.

    Raises
    ------
    IndexError
        There is no such position.

    Examples
    --------
    >>> taken_texts(large_texts(["a", "bcd"]), np.array([1, 0, 1])).to_pylist()
    ['bcd', 'a', 'bcd']
    """
    _, offsets, data = texts.buffers()
    bounds = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    if int(np.diff(bounds)[positions].sum()) > np.iinfo(np.int32).max:
        return texts.take(arrow(positions)).cast(pa.string())
    taken, ends = gathered(np.frombuffer(data or b"", np.uint8), bounds, positions)
    return pa.StringArray.from_buffers(
        len(positions), pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(taken)
    )


def gathered(
    values: NDArray[Any], offsets: NDArray[np.int64], groups: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the values of groups, one group after the other, and their offsets, shape (groups + 1,).

    Raises
    ------
    IndexError
        There is no such group.

    Examples
    --------
    >>> gathered(np.array([1, 2, 3]), np.array([0, 1, 3]), np.array([1, 0]))
    (array([2, 3, 1]), array([0, 2, 3]))
    """
    from dealtrace_ext.groups import copy_groups

    groups = groups.astype(np.int64, copy=False)
    ends = np.zeros(len(groups) + 1, np.int64)
    np.cumsum(offsets[1:][groups] - offsets[:-1][groups], out=ends[1:])
    out = np.empty(int(ends[-1]), dtype=values.dtype)
    copy_groups(values, offsets, groups, ends, 0, len(groups), out)
    return out, ends


def table(columns: Mapping[str, Any]) -> pa.Table:
    """Return a table of Arrow arrays and numpy arrays.

    Examples
    --------
    >>> table({"n": np.array([1, 2])}).to_pydict()
    {'n': [1, 2]}
    """
    arrays = [arrow(values) if isinstance(values, np.ndarray) else values for values in columns.values()]
    return pa.Table.from_arrays(arrays, names=list(columns))


def one_array(values: pa.ChunkedArray) -> pa.Array:
    """Return the values of a chunked array as one array."""
    if values.num_chunks == 1:
        return values.chunk(0)
    if values.num_chunks == 0:
        return pa.nulls(0, values.type)
    combined = values.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)
