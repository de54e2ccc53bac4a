"""How a field of many records changes over time: every change with the value before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from dealtrace_engine.synthetic.crm.frames import instants
from dealtrace_engine.synthetic.crm.frames import keys as key_series
from dealtrace_engine.synthetic.crm.story import NONE
from dealtrace_engine.synthetic.dice import Ints

if TYPE_CHECKING:
    import polars as pl

    Texts = Callable[[Ints, Ints], pl.Series]
    """From codes and times to texts."""

CHANGE_COLUMNS = ("object", "record", "field", "old", "new", "at", "by", "rank")


class Track:
    """A field of each of some records, as codes, and the changes made to it so far.

    Parameters
    ----------
    initial : ndarray of int64
        The code of each record at its creation.
    """

    def __init__(self, initial: Ints) -> None:
        self.current = initial.copy()
        self._changes: list[tuple[Ints, Ints, Ints, Ints, Ints, Ints]] = []

    def change(self, at: Ints, new: Ints | int, by: Ints | int, rank: int = 0) -> None:
        """Set the field where `at` is a time and the value differs; changes are made in the order of time.

        Parameters
        ----------
        at : ndarray of int64
            Per record; `NONE` where nothing changes.
        new, by : ndarray of int64 or int
            Per record.
        rank : int
            Orders changes of one record in one second.
        """
        value = np.broadcast_to(np.asarray(new, np.int64), at.shape)
        user = np.broadcast_to(np.asarray(by, np.int64), at.shape)
        (where,) = np.nonzero((at != NONE) & (value != self.current))
        ranks = np.full(len(where), rank, np.int64)
        self._changes.append((where, self.current[where], value[where], at[where], user[where], ranks))
        self.current[where] = value[where]

    def frame(self, object_name: str, field: str, keys: Ints, texts: Texts) -> pl.DataFrame:
        """Return the changes with the columns `CHANGE_COLUMNS`; `keys` are those of the records."""
        import polars as pl

        where, old, new, at, by, rank = (
            np.concatenate(column) for column in zip(*self._changes, strict=True)
        )
        return pl.DataFrame(
            {
                "object": pl.repeat(object_name, len(where), eager=True),
                "record": key_series(keys[where]),
                "field": pl.repeat(field, len(where), eager=True),
                "old": texts(old, at),
                "new": texts(new, at),
                "at": instants(at),
                "by": key_series(by),
                "rank": rank,
            }
        )
