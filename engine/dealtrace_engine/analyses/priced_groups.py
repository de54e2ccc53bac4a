"""Cases in groups that have one currency each, so that amounts in a group can be added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.grouping import By, groups_of
from dealtrace_engine.analyses.money import UNITS, Amounts, amounts_of
from dealtrace_engine.buffers import arrow, text
from dealtrace_engine.log import EventLog
from dealtrace_engine.quality import Finding


@dataclass(frozen=True, eq=False)
class PricedGroups:
    """Which group each case is in, and what it is worth.

    Attributes
    ----------
    codes : ndarray of int32, shape (cases,)
        The group of each case, as a row of `keys`.
    keys : pyarrow.Table
        A row per group: the attributes, and ``currency`` where there are amounts.
    count : int
        How many groups there are.
    amounts : Amounts or None
    """

    codes: NDArray[np.int32]
    keys: pa.Table
    count: int
    amounts: Amounts | None = None

    @property
    def findings(self) -> list[Finding]:
        """What is the matter with the amounts."""
        return [] if self.amounts is None else self.amounts.findings

    def columns(self, rows: NDArray[np.int64]) -> dict[str, pa.Array]:
        """Return the columns of `keys` at rows, to be put in front of those of a result."""
        chosen = self.keys.take(arrow(rows))
        return {name: chosen.column(name).combine_chunks() for name in chosen.column_names}

    def currency_rank(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the place of the currency of each group, by name: results are in this order first."""
        if self.amounts is None:
            return np.zeros(len(rows), dtype=np.int64)
        of_group = np.zeros(self.count, dtype=np.int64)
        of_group[self.codes] = self.amounts.of_case
        return of_group[rows]


def priced_groups(
    log: EventLog, by: By = None, value: str | None = None, currency: str | None = None, *,
    taken: Sequence[str] = (),
) -> PricedGroups:  # fmt: skip
    """Return which cases have the same values of some attributes and, where amounts are asked for, currency.

    Parameters
    ----------
    log : EventLog
    by : str or sequence of str, optional
        Attributes of the case.
    value : str, optional
        Attribute of the case with its amount.
    currency : str, optional
        Attribute of the case with its currency; found by its name by default.
    taken : sequence of str
        Names of other columns of the result.

    Raises
    ------
    SchemaError
        As `groups_of` and `amounts_of` say.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "2"], "activity": ["a"] * 2, "time": ["2024-01-01"] * 2,
    ...                            "amount": [1.5, 2], "currency": ["USD", "EUR"]}))
    >>> priced_groups(log, value="amount").keys.to_pylist()
    [{'currency': 'EUR'}, {'currency': 'USD'}]
    """
    groups = groups_of(log, by, taken=taken if value is None else (*taken, "currency"))
    if value is None:
        return PricedGroups(groups.codes, groups.keys, len(groups))
    amounts = amounts_of(log, value, currency)
    width = len(amounts.currencies)
    both, codes = np.unique(groups.codes.astype(np.int64) * width + amounts.of_case, return_inverse=True)
    currencies = [amounts.currencies[place] for place in (both % width).tolist()]
    columns = groups.columns(both // width)
    keys = pa.table({**columns, "currency": text(currencies)})
    return PricedGroups(codes.astype(np.int32), keys, len(both), amounts)


def exact_sums(values: NDArray[np.int64], codes: NDArray[np.integer], count: int) -> list[int]:
    """Return the sum of the values of each group, as Python integers.

    Parameters
    ----------
    values : ndarray of int64, shape (n,)
    codes : ndarray of int, shape (n,)
        The group of each.
    count : int
        How many groups there are.

    Examples
    --------
    >>> exact_sums(np.array([2**62, 2**62, -1]), np.array([0, 0, 1]), 2)
    [9223372036854775808, -1]
    """
    parts = [values & 0x7FFFFF, (values >> 23) & 0x7FFFFF, values >> 46]  # each sum of these is exact
    sums = [np.bincount(codes, weights=part.astype(np.float64), minlength=count).tolist() for part in parts]
    return [sum(int(part) << (23 * k) for k, part in enumerate(each)) for each in zip(*sums, strict=True)]


def money(units: Sequence[int]) -> NDArray[np.float64]:
    """Return exact amounts of 1/10,000 as numbers of the currency."""
    return np.array([each / UNITS for each in units], dtype=np.float64)
