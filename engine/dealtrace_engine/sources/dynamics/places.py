"""Records by their place in their table: numbers are compared and sorted much faster than ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dealtrace_engine.sources.crm.values import encoded
from dealtrace_engine.sources.dynamics.objects import KEYS
from dealtrace_ext.intern import Interner

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.tables import CrmTables


def places(tables: CrmTables, table: str, ids: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return the number of each record, and whether its table has it; null has a number of its own.

    Parameters
    ----------
    tables : CrmTables
    table : str
        Logical name.
    ids : Series
    """
    import polars as pl

    own = tables.table(table).select(KEYS[table]).collect().to_series()
    known = Interner()
    encoded(known, own)
    count, codes = len(known), encoded(known, ids)
    return pl.Series(codes), pl.Series((codes >= 0) & (codes < count))


def value_now(tables: CrmTables, table: str, attribute: str, ids: pl.Series) -> pl.Series:
    """Return what an attribute of records is now; null where the table has them not."""
    import polars as pl

    rows = tables.table(table).select(KEYS[table], attribute).collect()
    known = Interner()
    own = encoded(known, rows[KEYS[table]])
    count, codes = len(known), encoded(known, ids)
    first = np.zeros(count, np.int64)
    there = np.flatnonzero(own >= 0)
    first[own[there][::-1]] = there[::-1]
    spots = pl.Series(np.where((codes >= 0) & (codes < count), codes, count))
    return rows[attribute].gather(pl.Series(np.append(first, -1))[spots].replace(-1, None))
