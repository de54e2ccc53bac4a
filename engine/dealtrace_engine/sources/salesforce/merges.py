"""Records that were merged: each loser of a merge stands for the winner at the end of its chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.evidence import MASTER, noted

if TYPE_CHECKING:
    import polars as pl


def winners(tables: CrmTables, name: str) -> pl.LazyFrame:
    """Return Id and winner of every record that lost a merge; winner is never itself a loser.

    A cycle of merges, which damaged data can have, is broken at its first record and counted.
    """
    import polars as pl

    def make() -> pl.LazyFrame:
        merged = tables.table(name).filter(pl.col(MASTER).is_not_null() & (pl.col(MASTER) != pl.col("Id")))
        pairs = merged.select("Id", MASTER).unique("Id", keep="last").sort("Id").collect()
        ids = pl.concat([pairs["Id"], pairs[MASTER]]).unique().sort()
        places = pl.DataFrame({"id": ids}).with_row_index("place")
        here = pairs.join(places, left_on="Id", right_on="id")["place"].to_numpy()
        there = pairs.join(places, left_on=MASTER, right_on="id", maintain_order="left")["place"].to_numpy()
        parents = np.arange(len(ids))
        parents[here] = there
        ends, cycles = chain_ends(parents)
        noted(
            tables, f"{name}.{MASTER} goes round in a cycle; broken", _at(ids, np.unique(ends[cycles])), "Id"
        )
        found = pl.LazyFrame({"Id": ids, "winner": ids.gather(ends)})
        return found.filter(pl.col("Id") != pl.col("winner"))

    return tables.once(f"winners {name}", make)


def _at(ids: pl.Series, places: NDArray[np.int64]) -> pl.LazyFrame:
    return ids.gather(places).to_frame("Id").lazy()


def chain_ends(parents: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Follow every element to the end of its chain, by doubling.

    Parameters
    ----------
    parents : ndarray of int64, shape (n,)
        The next of each element; the last of a chain is its own.

    Returns
    -------
    ends : ndarray of int64, shape (n,)
        The last of the chain; of a cycle, and of what leads to one, its smallest element.
    in_cycle : ndarray of bool, shape (n,)
        Whether the chain ends in a cycle.

    Examples
    --------
    >>> ends, in_cycle = chain_ends(np.array([1, 2, 2, 4, 3]))
    >>> ends.tolist(), in_cycle.tolist()
    ([2, 2, 2, 3, 3], [False, False, False, True, True])
    """
    rounds = max(1, len(parents)).bit_length() + 1
    ends = parents.copy()
    for _ in range(rounds):
        ends = ends[ends]
    in_cycle = parents[ends] != ends if len(parents) else np.zeros(0, dtype=np.bool_)
    smallest, step = np.arange(len(parents)), parents
    for _ in range(rounds if in_cycle.any() else 0):
        smallest, step = np.minimum(smallest, smallest[step]), step[step]
    return np.where(in_cycle, smallest[ends], ends), in_cycle


def standing_for(tables: CrmTables, name: str, rows: pl.LazyFrame, column: str) -> pl.LazyFrame:
    """Return the rows with the ids of losers in a column replaced by those of their winners."""
    import polars as pl

    if MASTER not in tables.columns(name):
        return rows
    lost = winners(tables, name).rename({"Id": column})
    joined = rows.join(lost, on=column, how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("winner", column).alias(column)).drop("winner")
