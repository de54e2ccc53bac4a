"""Records that were merged into others: which record each of them is now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.dynamics.objects import KEYS

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from dealtrace_engine.sources.crm.tables import CrmTables


def winners(tables: CrmTables, table: str) -> pl.LazyFrame:
    """Return each record with the one that it was merged into in the end: itself where it was not.

    Parameters
    ----------
    tables : CrmTables
    table : str
        With the column `masterid`: ``"lead"``, ``"account"``.

    Returns
    -------
    LazyFrame
        record_id, winner. Merges in a circle end at its smallest id, and are counted in the findings.
    """
    return tables.once(f"merges of {table}", lambda: _winners(tables, table).lazy())


def _winners(tables: CrmTables, table: str) -> pl.DataFrame:
    import polars as pl

    ids = tables.table(table).select(record_id=KEYS[table], master="masterid").unique("record_id")
    rows = ids.filter(pl.col("record_id").is_not_null()).sort("record_id").with_row_index("place")
    masters = rows.select(master="record_id", into="place")
    found = rows.join(masters, on="master", how="left", maintain_order="left").collect()
    into = found["into"].fill_null(found["place"]).to_numpy().astype(np.int64)
    ends, circles = merged_into(into)
    if circles:
        tables.raw.findings.append(Finding(f"{table} merged in a circle"))
        tables.raw.findings[-1].add(circles, [])
    return found.select("record_id", winner=found["record_id"].gather(ends))


def merged_into(into: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Follow merges to their ends.

    Parameters
    ----------
    into : ndarray of int64, shape (n,)
        The record that each was merged into, itself where it was not.

    Returns
    -------
    ends : ndarray of int64, shape (n,)
        Where each ends; a circle ends at its first record.
    circles : int
        Records whose merges lead into a circle.

    Examples
    --------
    >>> import numpy as np
    >>> ends, circles = merged_into(np.array([1, 2, 2, 4, 3, 3]))
    >>> ends.tolist(), circles
    ([2, 2, 2, 3, 3, 3], 3)
    """
    ends, first = into, np.arange(len(into))
    # Each round follows twice as many merges; n of them suffice to be at an end, or round every circle.
    for _ in range(len(into).bit_length() + 1):
        first = np.minimum(first, first[ends])
        ends = ends[ends]
    in_circle = into[ends] != ends
    return np.where(in_circle, first[ends], ends), int(in_circle.sum())
