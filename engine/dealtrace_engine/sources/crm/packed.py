"""Ids as numbers of 16 bytes: as texts a GUID takes 52, an id of Salesforce 34."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.buffers import pages
from dealtrace_engine.parallel import map_blocks
from dealtrace_ext.record_ids import guid_numbers, guid_texts, salesforce_numbers, salesforce_texts

if TYPE_CHECKING:
    import polars as pl

VIEW = np.dtype([("length", "i4"), ("prefix", "i4"), ("buffer", "i4"), ("offset", "i4")])
AT_A_TIME = 1 << 17
"""So many are texts at once beside those that stay."""
HALF = 1 << 64
ODD = 1 << 96
"""Numbers below are left for ids of no form (`crm.ids`), nor are GUIDs packed that would be so low."""
Halves = tuple[NDArray[np.uint64], NDArray[np.uint64]]


@dataclass(frozen=True)
class Form:
    """A form of ids that numbers of 128 bits stand for, in the order of the texts.

    Attributes
    ----------
    length : int
        Of an id; bytes.
    read : callable (texts, high, low) -> bool
        Finds the first and the last 64 bits of texts, and says whether all are of this form.
    write : callable (high, low, bytes, views) -> None
        Writes them as texts again.
    """

    length: int
    read: Callable[[pa.Array, NDArray[np.uint64], NDArray[np.uint64]], bool]
    write: Callable[..., None]


GUID = Form(36, guid_numbers, guid_texts)
"""In lower case: the number that it writes."""
SALESFORCE = Form(18, salesforce_numbers, salesforce_texts)
"""Of 18 characters: the first 15 as they are, of which the last three follow."""


def packed(ids: pl.Series, form: Form = GUID) -> pl.Series:
    """Return ids of a form as numbers (UInt128) in the same order; any other column as it is.

    Examples
    --------
    >>> import polars as pl
    >>> packed(pl.Series(["6f9619ff-8b86-d011-b42d-00cf4fc964ff", None])).to_list()
    [148323679367508813469570288368088605951, None]
    >>> packed(pl.Series(["0064600000J5S5TAAV"])).to_list()
    ['0064600000J5S5TAAV']
    >>> packed(pl.Series(["0064600000J5S5TAAV"]), SALESFORCE).dtype
    UInt128
    """
    import polars as pl

    if ids.dtype != pl.String:
        return ids
    read: list[Halves] = []
    for begin in range(0, len(ids), AT_A_TIME):
        part = halves_of_texts(ids.slice(begin, AT_A_TIME), form)
        if part is None:
            return ids
        read.append(part)
    number = numbers(ids.name, read)
    return ids if number is None else number


def numbers(name: str, halves: Sequence[Halves]) -> pl.Series | None:
    """Return packed ids, from pieces of their first and last 64 bits; null where all bits are zero.

    None where there is a GUID that stays a text; see `ODD`.

    Examples
    --------
    >>> high, low = np.array([0, 1 << 32], np.uint64), np.array([0, 2], np.uint64)
    >>> numbers("id", [(high, low)]).to_list()
    [None, 79228162514264337593543950338]
    """
    count = sum(len(high) for high, _ in halves)
    both = np.empty((count, 2), np.uint64)
    if halves:
        np.concatenate([first for first, _ in halves], out=both[:, 1])
        np.concatenate([last for _, last in halves], out=both[:, 0])
    high, low = both[:, 1], both[:, 0]
    return None if ((high < ODD // HALF) & ((high | low) != 0)).any() else number_series(name, both)


def number_series(name: str, both: NDArray[np.uint64]) -> pl.Series:
    """Return packed ids, from their last and first 64 bits, shape (n, 2); null where all bits are zero."""
    import polars as pl

    there = (both[:, 0] | both[:, 1]) != 0
    nulls = None if there.all() else pa.py_buffer(np.packbits(there, bitorder="little"))
    wide = pa.Array.from_buffers(pa.decimal128(38), len(both), [nulls, pa.py_buffer(both)])
    signed = pl.Series(name, pl.from_arrow(wide)).to_physical()
    return signed.cast(pl.UInt128, wrap_numerical=True)


def halves_of_texts(ids: pl.Series, form: Form = GUID) -> Halves | None:
    """Return the first and the last 64 bits of ids, 0 for null; None where a text is not of the form."""
    high, low = np.empty(len(ids), np.uint64), np.empty(len(ids), np.uint64)
    return (high, low) if form.read(ids.to_arrow(), high, low) else None


def halves(ids: pl.Series) -> Halves:
    """Return the first and the last 64 bits of packed ids, 0 for null."""
    import polars as pl

    numbers = ids.fill_null(0) if ids.null_count() else ids
    high, low = (numbers // HALF).cast(pl.UInt64), numbers.cast(pl.UInt64, wrap_numerical=True)
    return high.to_numpy(), low.to_numpy()


def unpacked(ids: pl.Series, form: Form = GUID) -> pl.Series:
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
        pl.Series(ids.name, pl.from_arrow(_texts(ids.slice(begin, AT_A_TIME), form)), dtype=pl.String)
        for begin in range(0, max(len(ids), 1), AT_A_TIME)
    ]
    return pl.concat(parts, rechunk=False)


def _texts(ids: pl.Series, form: Form) -> pa.Array:
    """Return packed ids, `AT_A_TIME` at most, as an Arrow array of texts (string views)."""
    out, views = pages(form.length * len(ids), np.uint8), pages(len(ids) * 4, np.int32).view(VIEW)
    form.write(*halves(ids), out, views)
    return pa.Array.from_buffers(
        pa.string_view(), len(ids), [_there(ids), pa.py_buffer(views), pa.py_buffer(out)]
    )


def arrow_texts(ids: pl.Series, form: Form = GUID, threads: int | None = None) -> pa.LargeStringArray:
    """Return packed ids as an Arrow array of texts.

    Examples
    --------
    >>> import polars as pl
    >>> arrow_texts(packed(pl.Series(["6f9619ff-8b86-d011-b42d-00cf4fc964ff", None]))).to_pylist()
    ['6f9619ff-8b86-d011-b42d-00cf4fc964ff', None]
    """
    count, length = len(ids), form.length
    out, ends = pages(length * count, np.uint8), pages(count + 1, np.int64)
    ends[:] = np.arange(0, length * count + 1, length)

    def write(begin: int) -> None:
        part = halves(ids.slice(begin, AT_A_TIME))
        form.write(*part, out[length * begin : length * (begin + len(part[0]))])

    map_blocks(write, range(0, count, AT_A_TIME), threads=threads)
    return pa.LargeStringArray.from_buffers(count, pa.py_buffer(ends), pa.py_buffer(out), _there(ids))


def _there(ids: pl.Series) -> pa.Buffer | None:
    if not ids.null_count():
        return None
    return pa.py_buffer(np.packbits(ids.is_not_null().to_numpy(), bitorder="little"))


def id_bytes(ids: pl.Series) -> pa.Array:
    """Return packed ids as an Arrow array of their 16 bytes."""
    pairs = np.stack(halves(ids), axis=1)
    ends = np.arange(0, 16 * len(ids) + 1, 16, dtype=np.int64)
    buffers = [_there(ids), pa.py_buffer(ends), pa.py_buffer(pairs)]
    return pa.Array.from_buffers(pa.large_binary(), len(ids), buffers)


def unpacked_frame(frame: pl.DataFrame) -> pl.LazyFrame:
    """Return a frame with its ids as texts; those of columns that nobody asks for are not written."""
    import polars as pl

    names = [name for name, kind in frame.schema.items() if kind == pl.UInt128]
    return frame.lazy().with_columns(
        pl.col(name).map_batches(unpacked, return_dtype=pl.String(), is_elementwise=True) for name in names
    )


def alike(frames: Sequence[pl.DataFrame], columns: Sequence[str]) -> list[pl.DataFrame]:
    """Return frames whose columns of ids are packed in all or in none."""
    for name in columns:
        if len({frame.schema[name] for frame in frames}) > 1:
            frames = [frame.with_columns(unpacked(frame[name])) for frame in frames]
    return list(frames)
