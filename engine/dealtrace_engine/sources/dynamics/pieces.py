"""Pieces of tables, in which ids may be packed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.packed import alike, packed, unpacked_frame

if TYPE_CHECKING:
    import polars as pl


def joined(pieces: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return pieces as one frame: ids that are packed in some and not in others are texts."""
    import polars as pl

    return pl.concat(alike(pieces, pieces[0].columns))


def with_packed(piece: pl.DataFrame, ids: Sequence[str]) -> pl.DataFrame:
    """Return a piece with those ids packed that can be: pieces wait for each other."""
    return piece.with_columns(packed(piece[name]) for name in ids)


def as_texts(piece: pl.DataFrame) -> pl.DataFrame:
    """Return a piece with its ids as texts."""
    return unpacked_frame(piece).collect()


def as_ids(ids: pl.Series) -> pl.Series:
    """Return ids packed or as texts, whatever an export has them as."""
    import polars as pl

    return ids if ids.dtype == pl.UInt128 else ids.cast(pl.String)
