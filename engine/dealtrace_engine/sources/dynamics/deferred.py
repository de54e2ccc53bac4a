"""Tables whose rows are read when they are asked for, and texts that were seen before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from dealtrace_engine.sources.crm.values import encoded
from dealtrace_ext.intern import Interner

if TYPE_CHECKING:
    import polars as pl


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
