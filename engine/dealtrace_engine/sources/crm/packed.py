"""GUIDs held as the numbers of 16 bytes that they write: as texts each takes 52.

Rules see ids as texts. Held as numbers are those that wait: the ids of tables, of events, of links, and of
what was worked out once. A column with an id that is no GUID stays as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.buffers import pages
from dealtrace_ext.record_ids import guid_numbers, guid_texts

if TYPE_CHECKING:
    import polars as pl

LENGTH = 36
VIEW = np.dtype([("length", "i4"), ("prefix", "i4"), ("buffer", "i4"), ("offset", "i4")])
AT_A_TIME = 1 << 17
"""So many are texts at once beside those that stay."""
FEW = 8
"""GUIDs that are there more often are cheaper as texts with one copy of each."""
MOST_VIEWS = 1 << 25
"""So many GUIDs fit a buffer whose offsets have 31 bits."""
HALF = 1 << 64
Halves = tuple[NDArray[np.uint64], NDArray[np.uint64]]


def packed(ids: pl.Series) -> pl.Series:
    """Return GUIDs as numbers (UInt128) in the same order; any other column as it is.

    Examples
    --------
    >>> import polars as pl
    >>> packed(pl.Series(["6f9619ff-8b86-d011-b42d-00cf4fc964ff", None])).to_list()
    [148323679367508813469570288368088605951, None]
    >>> packed(pl.Series(["0064600000J5S5TAAV"])).to_list()
    ['0064600000J5S5TAAV']
    """
    import polars as pl

    if ids.dtype != pl.String:
        return ids
    parts: list[pl.Series] = []
    for begin in range(0, len(ids), AT_A_TIME):
        part = ids.slice(begin, AT_A_TIME)
        read = halves_of_texts(part)
        if read is None:
            return ids
        both = pl.DataFrame({"high": read[0], "low": read[1], "there": part.is_not_null()})
        number = pl.col("high").cast(pl.UInt128) * HALF + pl.col("low").cast(pl.UInt128)
        parts.append(both.select(pl.when("there").then(number).alias(ids.name)).to_series())
    return pl.concat(parts) if parts else pl.Series(ids.name, [], pl.UInt128)


def halves_of_texts(ids: pl.Series) -> Halves | None:
    """Return the first and the last 64 bits of GUIDs, 0 for null; None where a text is none in lower case."""
    high, low = np.empty(len(ids), np.uint64), np.empty(len(ids), np.uint64)
    return (high, low) if guid_numbers(ids.to_arrow(), high, low) else None


def halves(ids: pl.Series) -> Halves:
    """Return the first and the last 64 bits of packed ids, 0 for null."""
    import polars as pl

    numbers = ids.fill_null(0) if ids.null_count() else ids
    high, low = (numbers // HALF).cast(pl.UInt64), numbers.cast(pl.UInt64, wrap_numerical=True)
    return high.to_numpy(), low.to_numpy()


def unpacked(ids: pl.Series) -> pl.Series:
    """Return ids as texts, whether they are packed or not.

    Examples
    --------
    >>> import polars as pl
    >>> unpacked(packed(pl.Series(["6f9619ff-8b86-d011-b42d-00cf4fc964ff", None]))).to_list()
    ['6f9619ff-8b86-d011-b42d-00cf4fc964ff', None]
    """
    import polars as pl

    if ids.dtype != pl.UInt128:
        return ids
    parts = [
        pl.Series(ids.name, pl.from_arrow(_texts(ids.slice(begin, AT_A_TIME))), dtype=pl.String)
        for begin in range(0, max(len(ids), 1), AT_A_TIME)
    ]
    return pl.concat(parts, rechunk=False)


def id_texts(ids: pl.Series) -> pa.ChunkedArray:
    """Return packed ids as Arrow texts (string views), in as few chunks as can be."""
    parts = range(0, max(len(ids), 1), MOST_VIEWS)
    return pa.chunked_array([_texts(ids.slice(begin, MOST_VIEWS)) for begin in parts])


def _texts(ids: pl.Series) -> pa.Array:
    """Return packed ids, `MOST_VIEWS` at most, as an Arrow array of texts (string views)."""
    there = None
    if ids.null_count():
        there = pa.py_buffer(np.packbits(ids.is_not_null().to_numpy(), bitorder="little"))
    out, views = pages(LENGTH * len(ids), np.uint8), pages(len(ids) * 4, np.int32).view(VIEW)
    guid_texts(*halves(ids), out, views)
    return pa.Array.from_buffers(pa.string_view(), len(ids), [there, pa.py_buffer(views), pa.py_buffer(out)])


def id_bytes(ids: pl.Series) -> pa.Array:
    """Return packed ids as an Arrow array of their 16 bytes."""
    pairs = np.stack(halves(ids), axis=1)
    ends = np.arange(0, 16 * len(ids) + 1, 16, dtype=np.int64)
    there = np.packbits(ids.is_not_null().to_numpy(), bitorder="little") if ids.null_count() else None
    buffers = [None if there is None else pa.py_buffer(there), pa.py_buffer(ends), pa.py_buffer(pairs)]
    return pa.Array.from_buffers(pa.large_binary(), len(ids), buffers)


def packed_columns(frame: pl.DataFrame, columns: Collection[str]) -> pl.DataFrame:
    """Return a frame with these columns packed."""
    return frame.with_columns(packed(frame[name]) for name in columns)


def packed_where(frame: pl.DataFrame, columns: Collection[str] | None = None) -> pl.DataFrame:
    """Return a frame with columns packed, of these or of all, in which few GUIDs repeat.

    Where many do, `values.shared` has one copy of each.
    """
    names = frame.columns if columns is None else columns
    return packed_columns(frame, [name for name in names if _are_different_guids(frame[name])])


def unpacked_frame(frame: pl.DataFrame) -> pl.LazyFrame:
    """Return a frame with its ids as texts; those of columns that nobody asks for are not written."""
    import polars as pl

    names = [name for name, kind in frame.schema.items() if kind == pl.UInt128]
    return frame.lazy().with_columns(
        pl.col(name).map_batches(unpacked, return_dtype=pl.String(), is_elementwise=True) for name in names
    )


def alike_ids(first: pl.Series, then: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return columns of ids both packed or both as texts."""
    return (first, then) if first.dtype == then.dtype else (unpacked(first), unpacked(then))


def alike(frames: Sequence[pl.DataFrame], columns: Sequence[str]) -> list[pl.DataFrame]:
    """Return frames whose columns of ids are packed in all or in none."""
    for name in columns:
        if len({frame.schema[name] for frame in frames}) > 1:
            frames = [frame.with_columns(unpacked(frame[name])) for frame in frames]
    return list(frames)


def _are_different_guids(texts: pl.Series) -> bool:
    """Whether a column begins like one of GUIDs, and they are there a few times each."""
    import polars as pl

    if texts.dtype != pl.String:
        return False
    first = texts.drop_nulls().head(1)
    if len(first) == 0 or len(first[0]) != LENGTH:
        return False
    return bool(texts.approx_n_unique() * FEW > len(texts))  # type: ignore[operator]
