"""Records by their place in their table: numbers are compared and sorted much faster than ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.sources.crm.values import encoded
from dealtrace_engine.sources.dynamics.objects import KEYS
from dealtrace_ext.intern import Interner

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.tables import CrmTables


class Places:
    """The records of a table, numbered; ids that it has not get further numbers, null -1.

    Parameters
    ----------
    tables : CrmTables
    table : str
        Logical name.
    """

    def __init__(self, tables: CrmTables, table: str) -> None:
        self._tables, self._table = tables, table
        self._known = Interner()
        own = tables.table(table).select(KEYS[table]).collect().to_series()
        self._numbers = encoded(self._known, own)
        self._count = len(self._known)

    def numbers(self, ids: pl.Series) -> NDArray[np.int32]:
        """Return the number of each record."""
        return encoded(self._known, ids)

    def there(self, numbers: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Return which records the table has."""
        return (numbers >= 0) & (numbers < self._count)

    def value_now(self, attribute: str, numbers: NDArray[np.int32]) -> pl.Series:
        """Return what an attribute of records is now; null where the table has them not."""
        import polars as pl

        values = self._tables.table(self._table).select(attribute).collect().to_series()
        first = np.full(self._count + 1, -1)
        rows = np.flatnonzero(self._numbers >= 0)
        first[self._numbers[rows][::-1]] = rows[::-1]
        return values.gather(pl.Series(first[np.where(self.there(numbers), numbers, -1)]).replace(-1, None))
