"""Which cases stand behind each row of a result."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.buffers import arrow
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.log import EventLog
from dealtrace_engine.results import Later


@dataclass(frozen=True, eq=False)
class CaseRows:
    """The cases of each row of a result.

    Attributes
    ----------
    case_ids : Later of pyarrow.LargeStringArray
        Ids of all cases.
    found : Later of (ndarray of int64, ndarray of int64)
        Numbers of cases, row after row, each row's rising; and where each row begins, shape (rows + 1,).
    """

    case_ids: Later[pa.LargeStringArray]
    found: Later[tuple[NDArray[np.int64], NDArray[np.int64]]]

    @classmethod
    def of_pairs(
        cls, case_ids: Later[pa.LargeStringArray], rows: NDArray[np.integer], cases: NDArray[np.integer],
        count: int,
    ) -> CaseRows:  # fmt: skip
        """Make it of pairs of a row and a case, in any order; a pair may be there more than once.

        Parameters
        ----------
        case_ids : Later of pyarrow.LargeStringArray
        rows, cases : ndarray of int, shape (pairs,)
        count : int
            How many rows there are.

        Examples
        --------
        >>> from dealtrace_engine.results import made
        >>> ids = made(pa.array(["x", "y", "z"], pa.large_string()))
        >>> rows = CaseRows.of_pairs(ids, np.array([1, 0, 1, 1]), np.array([2, 1, 0, 2]), 2)
        >>> rows.cases(1).to_pylist(), len(rows)
        (['x', 'z'], 2)
        """

        def found() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
            width = int(cases.max(initial=0)) + 1
            keys = np.unique(rows.astype(np.int64) * width + cases)
            offsets = np.searchsorted(keys, np.arange(count + 1, dtype=np.int64) * width)
            return keys % width, offsets.astype(np.int64)

        return cls(case_ids, Later(found))

    def __len__(self) -> int:
        return len(self.found()[1]) - 1

    def numbers(self, row: int) -> NDArray[np.int64]:
        """Return the numbers of the cases of a row, rising.

        Raises
        ------
        ArgumentError
            There is no such row.
        """
        cases, offsets = self.found()
        if not isinstance(row, int | np.integer) or isinstance(row, bool) or not 0 <= row < len(offsets) - 1:
            raise ArgumentError(f"there is no row {row!r}", hint=f"rows are from 0 to {len(offsets) - 2}")
        return cases[offsets[row] : offsets[row + 1]]

    def cases(self, row: int) -> pa.LargeStringArray:
        """Return the ids of the cases of a row, in the order of the log; see `numbers`."""
        return self.case_ids().take(arrow(self.numbers(row)))


def cases_by_id(log: EventLog) -> NDArray[np.int64]:
    """Return the cases in the order of their ids, so that dice fall alike however a log is stored.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["b", "a"], "activity": ["x"] * 2, "time": ["2024-01-01"] * 2}))
    >>> cases_by_id(log).tolist()
    [1, 0]
    """
    import pyarrow.compute as pc  # late: 50 ms

    order: NDArray[np.int64] = pc.sort_indices(log.case_ids).to_numpy().astype(np.int64)
    return order
