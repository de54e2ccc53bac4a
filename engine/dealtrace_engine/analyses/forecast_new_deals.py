"""Forecasts of deals that do not exist yet, by group and currency, and with those of the open ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.grouping import Groups
from dealtrace_engine.analyses.money import UNITS, Amounts
from dealtrace_engine.analyses.new_deals import NewDeals, new_futures
from dealtrace_engine.analyses.open_deals import Plan, bounds
from dealtrace_engine.analyses.win_probability import Chances
from dealtrace_engine.buffers import table, text

MONEY = ("amount", "expected", "low", "high", "total", "total_low", "total_high")
FIGURES = ("deals", "deals_low", "deals_high", "amount", "expected_wins", "wins_low", "wins_high", "expected",
           "low", "high", "total", "total_low", "total_high")  # fmt: skip


@dataclass(frozen=True, eq=False)
class OpenFutures:
    """What the open deals bring.

    Attributes
    ----------
    rows : ndarray of int64, shape (rows,)
        Group x currencies + currency of each.
    expected : ndarray of float64, shape (rows,)
        Amounts won within the horizon, in 1/10,000.
    futures : ndarray of float64, shape (samples, 2, rows), or None
        None where there are none.
    drawn : Chances or None
        From which they come; None where nothing can be said.
    """

    rows: NDArray[np.int64]
    expected: NDArray[np.float64]
    futures: NDArray[np.float64] | None
    drawn: Chances | None


def new_deals_table(
    new: NewDeals | None, groups: Groups, amounts: Amounts | None, currencies: Sequence[str | None],
    beside: OpenFutures, plan: Plan, note: str | None,
) -> pa.Table:  # fmt: skip
    """Return what is expected of new deals by group and currency; see `Forecast`.

    Parameters
    ----------
    new : NewDeals or None
        None where they are not asked for: no row.
    groups : Groups
    amounts : Amounts or None
    currencies : sequence of str or None
    beside : OpenFutures
    plan : Plan
    note : str or None
        Why nothing can be said of open deals, nor of new ones.
    """
    if new is None:
        return _told(groups, currencies, np.zeros(0, dtype=np.int64), {}, amounts is None, None)
    width, own = len(currencies), new.recent
    money = amounts.of_case[own].astype(np.int64) if amounts else np.zeros(len(own), dtype=np.int64)
    known = amounts.known[own] if amounts else np.ones(len(own), dtype=np.bool_)
    units = amounts.units[own] if amounts else np.zeros(len(own), dtype=np.int64)
    keys = np.where(known, groups.codes[own].astype(np.int64) * width + money, -1)
    rows = np.union1d(keys[known], beside.rows).astype(np.int64)
    bags = np.where(known, np.searchsorted(rows, keys), -1)
    sums: dict[str, Any] = {"began": np.bincount(bags[known], minlength=len(rows))}
    note = note or new.note()
    if note is None and len(rows) and beside.drawn is not None:
        sums |= _figures(
            new, beside.drawn, units, bags, len(rows), np.searchsorted(rows, beside.rows), beside, plan
        )
    return _told(groups, currencies, rows, sums, amounts is None, note)


def _figures(
    new: NewDeals, drawn: Chances, units: NDArray[np.int64], bags: NDArray[np.int64], count: int,
    at: NDArray[np.int64], beside: OpenFutures, plan: Plan,
) -> dict[str, Any]:  # fmt: skip
    many, chances, inside = new.expected(plan.days), new.chances(), bags >= 0
    parts = {"deals": np.ones(len(units)), "amount": units, "expected_wins": chances,
             "expected": chances * units}  # fmt: skip
    sums: dict[str, Any] = {
        name: many * np.bincount(bags[inside], weights=part[inside], minlength=count)
        for name, part in parts.items()
    }
    futures = new_futures(new, drawn, np.stack((units, np.ones_like(units))), bags, count, plan)
    low, high = bounds(futures, plan.confidence)
    for place, name in enumerate(("", "wins_", "deals_")):
        sums |= {f"{name}low": low[place], f"{name}high": high[place]}
    total, whole = sums["expected"].copy(), futures[:, 0].copy()
    total[at] += beside.expected
    if beside.futures is not None:
        whole[:, at] += beside.futures[:, 0]
    sums["total"] = total
    sums["total_low"], sums["total_high"] = bounds(whole, plan.confidence)
    return sums


def _told(
    groups: Groups, currencies: Sequence[str | None], rows: NDArray[np.int64], sums: dict[str, Any],
    without_money: bool, note: str | None,
) -> pa.Table:  # fmt: skip
    width, columns = len(currencies), dict[str, Any]()
    for name in FIGURES:
        there = name in sums and not (without_money and name in MONEY)
        values = sums[name] / UNITS if there and name in MONEY else sums.get(name)
        columns[name] = pa.array(values, pa.float64()) if there else pa.nulls(len(rows), pa.float64())
    return table({
        **groups.columns(rows // width),
        "currency": text([currencies[place] for place in (rows % width).tolist()]),
        "began": sums.get("began", np.zeros(len(rows), dtype=np.int64)), **columns,
        "note": text([note] * len(rows)),
    })  # fmt: skip
