"""Tables whose rows are read when they are asked for, and texts that were seen before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.sources.crm.packed import Halves, halves, halves_of_texts
from dealtrace_engine.sources.crm.values import encoded
from dealtrace_ext.guid_set import GuidSet
from dealtrace_ext.intern import Interner

if TYPE_CHECKING:
    import polars as pl

GUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


def deferred(
    schema: Mapping[str, pl.DataType], pieces: Callable[[list[str]], Iterator[pl.DataFrame]]
) -> pl.LazyFrame:
    """Return a table that is read when its rows are asked for, piece by piece.

    Parameters
    ----------
    schema : mapping of str to DataType
    pieces : callable (list of str) -> iterator of DataFrame
        With at least those of these columns that are asked for.
    """
    from polars.io.plugins import register_io_source

    def rows(
        columns: list[str] | None, predicate: pl.Expr | None, most: int | None, size: int | None
    ) -> Iterator[pl.DataFrame]:
        left, wanted = most, list(schema) if columns is None else columns
        needed = [] if predicate is None else predicate.meta.root_names()
        for piece in pieces(list(dict.fromkeys([*wanted, *needed]))):
            kept = piece if predicate is None else piece.filter(predicate)
            kept = kept.select(wanted)
            kept = kept if left is None else kept.head(left)
            yield kept
            left = None if left is None else left - kept.height
            if left == 0:
                return

    return register_io_source(rows, schema=dict(schema))


class SeenIds:
    """Ids that were there before; exact. GUIDs take 16 bytes and their share of free room."""

    def __init__(self) -> None:
        self._known, self._others = GuidSet(), Seen()

    def first(self, ids: pl.Series) -> pl.Series:
        """Return which of these ids are there for the first time, however they are written; null is never.

        Parameters
        ----------
        ids : Series
            Texts, or packed.

        Examples
        --------
        >>> import polars as pl
        >>> seen, guid = SeenIds(), "6f9619ff-8b86-d011-b42d-00cf4fc964ff"
        >>> seen.first(pl.Series([guid, "{6F9619FF-8B86-D011-B42D-00CF4FC964FF}", None, "a"])).to_list()
        [True, False, False, True]
        """
        import polars as pl

        found = np.zeros(len(ids), np.bool_)
        there = ids.is_not_null().to_numpy()
        texts = ids.drop_nulls()
        numbers = halves(texts) if texts.dtype == pl.UInt128() else halves_of_texts(texts)
        if numbers is not None:
            found[there] = self._added(numbers)
            return pl.Series(found)
        texts = texts.str.to_lowercase().str.strip_chars("{} ")
        good = texts.str.contains(GUID)
        spots, is_guid = np.flatnonzero(there), good.to_numpy()
        numbers = halves_of_texts(texts.filter(good))
        if numbers is not None:
            found[spots[is_guid]] = self._added(numbers)
        found[spots[~is_guid]] = self._others.first(texts.filter(~good)).to_numpy()
        return pl.Series(found)

    def _added(self, numbers: Halves) -> NDArray[np.bool_]:
        first = np.empty(len(numbers[0]), np.uint8)
        self._known.add(*numbers, first)
        return first.view(np.bool_)


class Seen:
    """Texts that were there before; exact, and as large as the different ones."""

    def __init__(self) -> None:
        self._known = Interner()

    def first(self, texts: pl.Series) -> pl.Series:
        """Return which of these texts are there for the first time; null is never.

        Parameters
        ----------
        texts : Series of text

        Examples
        --------
        >>> import polars as pl
        >>> seen = Seen()
        >>> seen.first(pl.Series(["a", "b", "a", None])).to_list()
        [True, True, False, False]
        >>> seen.first(pl.Series(["b", "c"])).to_list()
        [False, True]
        """
        import polars as pl

        known, codes = len(self._known), encoded(self._known, texts)
        highest = np.maximum.accumulate(np.concatenate(([known - 1], codes)))
        return pl.Series(codes > highest[:-1])
