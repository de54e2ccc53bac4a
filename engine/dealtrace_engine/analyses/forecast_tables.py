"""The tables of a forecast: by group, by state, and deal by deal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.forecast_new_deals import OpenFutures, new_deals_table
from dealtrace_engine.analyses.grouping import Groups
from dealtrace_engine.analyses.money import UNITS, Amounts
from dealtrace_engine.analyses.new_deals import NewDeals
from dealtrace_engine.analyses.open_deals import Lookback, Plan, bounds, futures
from dealtrace_engine.analyses.win_probability import outlook
from dealtrace_engine.buffers import arrow, table, text

DAY_US = 86_400_000_000


class ForecastTables:
    """What is expected at the instant of a forecast.

    Parameters
    ----------
    ids : pyarrow.LargeStringArray
        Of all cases.
    look : Lookback
    amounts : Amounts or None
    groups : Groups
    plan : Plan
    names : tuple of str
        Of the states.
    """

    def __init__(
        self, ids: pa.LargeStringArray, look: Lookback, amounts: Amounts | None, groups: Groups,
        plan: Plan, names: tuple[str, ...],
    ) -> None:  # fmt: skip
        deals = look.deals(0)
        self._ids, self._deals, self._amounts, self._groups = ids, deals, amounts, groups
        self._plan, self._names, self._correction = plan, names, look.correction(0)
        ahead, cases = outlook(deals.model, plan.days), deals.cases
        nothing = None if deals.enough(plan.smallest) else np.full(len(cases), np.nan)
        self.soon, self.ever, self.closing = (
            part[deals.places] if nothing is None else nothing
            for part in (ahead.soon, ahead.ever, ahead.closing_days)
        )
        if nothing is None:
            self.soon, self.ever = (self._correction.of(part) for part in (self.soon, self.ever))
        self.units = amounts.units[cases] if amounts else np.zeros(len(cases), dtype=np.int64)
        self.known = amounts.known[cases] if amounts else np.ones(len(cases), dtype=np.bool_)
        self.currencies = amounts.currencies if amounts else (None,)
        self.money = amounts.of_case[cases].astype(np.int64) if amounts else np.zeros(len(cases), np.int64)
        few = f"not enough data: {deals.model.closed} closed deals, fewer than {plan.smallest}"
        self.note = few if nothing is not None else None

    def _sums(
        self, keys: NDArray[np.int64], count: int
    ) -> tuple[dict[str, Any], NDArray[np.int64], NDArray[np.int64]]:
        """Return deals, amounts and what is expected for those keys that occur; these; and their deals."""
        inside = np.where(self.known, keys, count)
        deals = np.bincount(inside, minlength=count + 1)[:count]
        rows = np.flatnonzero(deals)
        sums: dict[str, Any] = {
            name: np.bincount(inside, weights=part, minlength=count + 1)[rows]
            for name, part in (("amount", self.units), ("win_probability", self.ever),
                               ("expected_wins", self.soon), ("expected", self.soon * self.units))
        }  # fmt: skip
        sums["win_probability"] = sums["win_probability"] / deals[rows]
        place = np.full(count + 1, -1, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        return {"deals": deals[rows], **sums}, rows, place[inside]

    def _figures(self, sums: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
        columns = {}
        for name in names:
            money = name in ("amount", "expected", "low", "high")
            values = sums[name] / UNITS if money else sums[name]
            empty = money and self._amounts is None
            columns[name] = pa.nulls(len(values), pa.float64()) if empty else _nullable(values)
        return columns

    def revenue(self) -> tuple[pa.Table, tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Return what is expected by group and currency, and the pairs of rows and cases behind it."""
        width, deals = len(self.currencies), self._deals
        keys = self._groups.codes[deals.cases].astype(np.int64) * width + self.money
        sums, rows, bags = self._sums(keys, len(self._groups) * width)
        low, high, drawn, found = *np.full((2, 2, len(rows)), np.nan), None, None
        if self.note is None:
            drawn = deals.drawn(self._plan)
        if drawn is not None and len(rows):
            units = np.stack((self.units, np.ones_like(self.units)))
            found = futures(deals, drawn, self._correction, units, bags, len(rows), self._plan)
            low, high = bounds(found, self._plan.confidence)
        self._open = OpenFutures(rows, sums["expected"], found, drawn)
        sums.update(low=low[0], high=high[0], wins_low=low[1], wins_high=high[1])
        order = ("amount", "expected_wins", "wins_low", "wins_high", "expected", "low", "high")
        columns = {
            **self._groups.columns(rows // width),
            "currency": text([self.currencies[place] for place in (rows % width).tolist()]),
            "deals": sums["deals"], **self._figures(sums, order), "note": text([self.note] * len(rows)),
        }  # fmt: skip
        return table(columns), (bags[bags >= 0], deals.cases[bags >= 0])

    def new_deals(self, new: NewDeals | None) -> pa.Table:
        """Return what is expected of new deals, beside the open ones that `revenue` told."""
        return new_deals_table(
            new, self._groups, self._amounts, self.currencies, self._open, self._plan, self.note
        )

    def pipeline(self) -> pa.Table:
        """Return what is expected by group, state and currency."""
        width, states, deals = len(self.currencies), len(self._names), self._deals
        keys = self._groups.codes[deals.cases].astype(np.int64) * states + deals.states.state[deals.cases]
        sums, rows, _ = self._sums(keys * width + self.money, len(self._groups) * states * width)
        own, exits = rows // width % states, deals.model.exits
        smallest = self._plan.smallest
        notes = [
            self.note or (None if exits[state] >= smallest else f"few data: left {exits[state]} times")
            for state in own.tolist()
        ]
        order = ("amount", "win_probability", "expected_wins", "expected")
        columns = {
            **self._groups.columns(rows // width // states),
            "state": text([self._names[state] for state in own.tolist()]),
            "currency": text([self.currencies[place] for place in (rows % width).tolist()]),
            "deals": sums["deals"], **self._figures(sums, order), "note": text(notes),
        }  # fmt: skip
        return table(columns)

    def deals(self) -> pa.Table:
        """Return the open deals."""
        expected = self.soon * self.units / UNITS
        key = np.where(self.known & ~np.isnan(expected), expected, -np.inf)
        order = np.argsort(-key, kind="stable")
        deals, cases = self._deals, self._deals.cases[order]
        known = self.known[order] & (self._amounts is not None)
        amount = np.where(known, self.units[order] / UNITS, np.nan)
        states = pa.DictionaryArray.from_arrays(
            arrow(deals.states.state[cases].astype(np.int32)), text(self._names)
        )
        money = [self.currencies[place] for place in self.money[order].tolist()]
        columns = {
            "case_id": self._ids.take(arrow(cases)),
            "state": states.dictionary_decode(),
            "age_days": (deals.states.cut - deals.states.since[cases]) / DAY_US,
            "win_probability": _nullable(self.ever[order]),
            "win_within": _nullable(self.soon[order]),
            "closing_days": _nullable(self.closing[order]),
            "currency": text(money),
            "amount": _nullable(amount),
            "expected": _nullable(np.where(known, expected[order], np.nan)),
        }
        return table(columns)


def _nullable(values: NDArray[np.float64]) -> pa.Array:
    return pa.array(values, pa.float64(), mask=np.isnan(values))
