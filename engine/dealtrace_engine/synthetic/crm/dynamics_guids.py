"""GUIDs that depend on nothing but the table, the key of the record and the seed."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

Words = NDArray[np.uint64]

NO_GUID = "00000000-0000-0000-0000-000000000000"
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
_GROUPS = (8, 13, 18, 23)
"""Places of the hyphens."""
_DIGITS = [place for place in range(36) if place not in _GROUPS]


def guids(table: str, keys: Iterable[int] | pl.Series | NDArray[np.int64], seed: int) -> pl.Series:
    """Return a GUID for each key, null for a null key.

    Parameters
    ----------
    table : str
    keys : Series or iterable of int
        Not negative.
    seed : int

    Returns
    -------
    polars.Series of str
        Lower case with hyphens, version 4.

    Examples
    --------
    >>> guids("lead", [1, 1, 2], 7).n_unique()
    2
    """
    import polars as pl

    series = keys if isinstance(keys, pl.Series) else pl.Series(np.fromiter(keys, np.int64))
    known = series.drop_nulls().unique()
    if len(known) < len(series) // 2 or series.null_count():
        names = pl.DataFrame({"key": known.cast(pl.Int64), "guid": _written(table, known.to_numpy(), seed)})
        frame = pl.DataFrame({"key": series.cast(pl.Int64)})
        return frame.join(names, "key", "left", maintain_order="left").get_column("guid")
    return _written(table, series.to_numpy(), seed)


def guid(table: str, key: int, seed: int) -> str:
    """Return the GUID of one record."""
    return str(_written(table, np.array([key], np.int64), seed)[0])


def spread(table: str, keys: pl.Series | NDArray[np.int64], seed: int) -> Words:
    """Return 64 bits for each key that look random and are always the same."""
    salt = int.from_bytes(blake2b(f"{table}:{seed}".encode(), digest_size=8).digest(), "little")
    words = np.asarray(keys, np.int64).astype(np.uint64)
    return _mixed(words * np.uint64(0x9E3779B97F4A7C15) + np.uint64(salt))


def below(table: str, keys: pl.Series | NDArray[np.int64], seed: int, bound: int) -> pl.Series:
    """Return for each key an integer from 0 to `bound` - 1, always the same."""
    import polars as pl

    return pl.Series((spread(table, keys, seed) >> np.uint64(33)).astype(np.int64) * bound >> 31)


def _written(table: str, keys: NDArray[np.int64], seed: int) -> pl.Series:
    import polars as pl
    import pyarrow as pa

    high, low = spread(table, keys, seed), spread(f"{table}/low", keys, seed)
    high = (high & ~np.uint64(0xF000)) | np.uint64(0x4000)
    low = (low & ~np.uint64(0xC000000000000000)) | np.uint64(0x8000000000000000)
    text = np.full((len(keys), 36), ord("-"), np.uint8)
    for number, place in enumerate(_DIGITS):
        word = high if number < 16 else low
        text[:, place] = _HEX[(word >> np.uint64(60 - 4 * (number % 16))) & np.uint64(15)]
    offsets = np.arange(len(text) + 1, dtype=np.int64) * 36
    written = pa.LargeStringArray.from_buffers(len(text), pa.py_buffer(offsets), pa.py_buffer(text))
    return pl.Series(values=written)


def _mixed(words: Words) -> Words:
    """Finish splitmix64: every bit of a word moves every bit of the result."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
