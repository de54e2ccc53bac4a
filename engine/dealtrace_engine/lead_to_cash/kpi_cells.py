"""The cells that KPIs are told for: a group of cases, their period, and their currency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.grouping import By, groups_of
from dealtrace_engine.analyses.money import Amounts
from dealtrace_engine.buffers import text
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.lead_to_cash.kpi_facts import Facts, periods_of
from dealtrace_engine.schema import nearest

PERIODS = ("month", "quarter", "year")
COHORTS = ("created", "closed")


@dataclass(frozen=True, eq=False)
class Cells:
    """Which cell each case is in.

    Attributes
    ----------
    of_case : ndarray of int64, shape (cases,)
        -1 where the case has no period.
    columns : dict of str to pyarrow.Array, shape (cells,)
        The attributes, ``period`` and ``currency``, as far as they are told.
    series : ndarray of int64, shape (cells,)
        Equal for cells that differ by their period only.
    count : int
    """

    of_case: NDArray[np.int64]
    columns: dict[str, pa.Array]
    series: NDArray[np.int64]
    count: int

    def sums(self, values: NDArray[np.int64], cases: NDArray[np.integer]) -> list[int]:
        """Return the exact sum of whole numbers in each cell.

        Parameters
        ----------
        values : ndarray of int64, shape (n,)
        cases : ndarray of int, shape (n,)
            Of which case each is.
        """
        rows = self.of_case[cases]
        kept = rows >= 0
        only = values[kept]
        marks = np.ones(len(only), dtype=np.bool_)
        return Amounts(only, marks, (None,), marks.astype(np.int32)).exact_sums(rows[kept], self.count)

    def counts(self, cases: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return how many of these are in each cell."""
        rows = self.of_case[cases]
        return np.bincount(rows[rows >= 0], minlength=self.count)


def cells_of(facts: Facts, by: By, period: str | None, cohort: str, taken: Sequence[str]) -> Cells:
    """Return the cells by attributes, period and, where there are amounts, currency.

    Parameters
    ----------
    facts : Facts
    by : str or sequence of str, optional
        Attributes of the case.
    period : {"month", "quarter", "year"}, optional
    cohort : {"created", "closed"}
        Which instant of a case says its period.
    taken : sequence of str
        Names of other columns of the result.

    Raises
    ------
    ArgumentError
        There is no such period or cohort.
    SchemaError
        See `groups_of`.
    """
    for given, there, what in ((period or "month", PERIODS, "period"), (cohort, COHORTS, "cohort")):
        if given not in there:
            raise ArgumentError(f"there is no {what} {given!r}", hint=nearest(there, str(given), f"{what}s"))
    groups = groups_of(facts.log, by, taken=taken)
    cases = facts.log.cases
    places, names = np.zeros(cases, dtype=np.int64), [""]
    if period is not None:
        places, names = periods_of(facts.created if cohort == "created" else facts.closed, period)
    currencies = (None,) if facts.amounts is None else facts.amounts.currencies
    money = np.zeros(cases, np.int64) if facts.amounts is None else facts.amounts.of_case.astype(np.int64)
    width = max(len(names), 1)
    keys = (groups.codes.astype(np.int64) * len(currencies) + money) * width + places
    known = places >= 0
    distinct, rows = np.unique(keys[known], return_inverse=True)
    if not len(distinct):  # nothing was closed: one cell without a period
        distinct = np.zeros(1, dtype=np.int64)
    of_case = np.full(cases, -1, dtype=np.int64)
    of_case[known] = rows
    columns = groups.columns(distinct // width // len(currencies))
    if period is not None:
        columns["period"] = text([names[p] if names else None for p in (distinct % width).tolist()])
    if facts.amounts is not None:
        columns["currency"] = text([currencies[c] for c in (distinct // width % len(currencies)).tolist()])
    return Cells(of_case, columns, distinct // width, len(distinct))
