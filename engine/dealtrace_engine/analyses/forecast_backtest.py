"""How good forecasts would have been: learned before an instant, compared with what came after it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.money import UNITS, Amounts
from dealtrace_engine.analyses.new_deals import NewDeals, new_futures
from dealtrace_engine.analyses.open_deals import Lookback, Plan, bounds, futures
from dealtrace_engine.analyses.win_probability import Chances
from dealtrace_engine.buffers import table, text
from dealtrace_engine.parallel import map_blocks

BANDS = 10
FLOATS = ("expected_wins", "brier", "brier_reference", "expected", "low", "high", "actual", "error")
COUNTS = ("known", "deals", "won", "came", "new_won")
NEW = ("new_deals", "came", "new_wins", "new_won", "total", "total_low", "total_high", "total_actual")


@dataclass(frozen=True, eq=False)
class Backtest:
    """Forecasts of the past.

    Attributes
    ----------
    table : pyarrow.Table
        A row per instant and currency; see `Forecast`.
    calibration : pyarrow.Table
        A row per band of chances; see `Forecast`.
    """

    table: pa.Table
    calibration: pa.Table


def backtest(look: Lookback, amounts: Amounts | None, most: int, plan: Plan, new_deals: bool) -> Backtest:
    """Forecast what is known by now, from what was known one, two, ... horizons ago.

    Instants at which fewer deals were closed than are enough are passed over.
    """

    def tested(back: int) -> tuple[list[dict[str, Any]], NDArray[np.float64], NDArray[np.bool_]]:
        if not look.can(back):
            return [], np.zeros(0), np.zeros(0, dtype=np.bool_)
        won, chance, deals = look.won(back), look.soon(back), look.deals(back)
        drawn = None if amounts is None else deals.drawn(plan)
        new = NewDeals.after(look.times, deals) if new_deals else None
        rows = []
        for place, currency in enumerate((None,) if amounts is None else amounts.currencies):
            bag = _bag(amounts, place, deals.cases)
            if (bag == 0).any():
                row, money = _row(look, back, won, chance, bag, currency, amounts, drawn, plan)
                told = new is not None and new.note() is None
                beside = _new(look, back, new, place, amounts, drawn, plan) if new and told else None
                rows.append({**row, **_whole(row, money, beside, plan)})
        return rows, chance, won

    found = map_blocks(tested, range(1, most + 1), threads=plan.threads, progress=plan.progress)
    rows = [row for each, _, _ in found for row in each]
    chances, outcomes = (
        np.concatenate([nothing, *(each[place] for each in found)])
        for place, nothing in ((1, np.zeros(0)), (2, np.zeros(0, dtype=np.bool_)))
    )
    return Backtest(_table(rows), _calibration(chances, outcomes))


def _bag(amounts: Amounts | None, place: int, cases: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which deals are in a currency: 0, else -1."""
    if amounts is None:
        return np.zeros(len(cases), dtype=np.int64)
    return np.where(amounts.known[cases] & (amounts.of_case[cases] == place), 0, -1)


def _row(
    look: Lookback, back: int, won: NDArray[np.bool_], chance: NDArray[np.float64],
    bag: NDArray[np.int64], currency: str | None, amounts: Amounts | None, drawn: Chances | None, plan: Plan,
) -> tuple[dict[str, Any], NDArray[np.float64] | None]:  # fmt: skip
    """Return the figures of the open deals, and the futures of their money."""
    inside, deals, reference = bag == 0, look.deals(back), look.base_rate(back)
    won, chance = won[inside], chance[inside]
    row = {
        "cut": deals.states.cut, "currency": currency, "known": deals.model.closed, "deals": len(won),
        "expected_wins": float(chance.sum()), "won": int(won.sum()),
        "brier": float(((chance - won) ** 2).mean()),
        "brier_reference": float(((reference - won) ** 2).mean()),
    }  # fmt: skip
    if amounts is None or drawn is None:
        return {**row, **dict.fromkeys(("expected", "low", "high", "actual", "error", "covered"))}, None
    units = amounts.units[deals.cases]
    money = futures(deals, drawn, look.correction(back), units[None], bag, 1, plan)
    low, high = bounds(money, plan.confidence)
    expected, actual = float((chance * units[inside]).sum()), float(units[inside][won].sum())
    figures = {"expected": expected, "low": float(low[0, 0]), "high": float(high[0, 0]), "actual": actual}
    error = (expected - actual) / actual if actual else None
    covered = bool(low[0, 0] <= actual <= high[0, 0])
    told = {name: amount / UNITS for name, amount in figures.items()}
    return {**row, **told, "error": error, "covered": covered}, money[:, 0, 0] / UNITS


def _new(
    look: Lookback, back: int, new: NewDeals, place: int, amounts: Amounts | None, drawn: Chances | None,
    plan: Plan,
) -> tuple[dict[str, Any], NDArray[np.float64], float, float]:  # fmt: skip
    """Return the figures of new deals; and of their money the futures, what is expected and what came."""
    bag, came = _bag(amounts, place, new.recent), look.came(back)
    came = came[_bag(amounts, place, came) == 0]
    won = came[look.won_by(came, back - 1)]
    inside, many, chances = bag == 0, new.expected(plan.days), new.chances()
    row = {"new_deals": many * int(inside.sum()), "came": len(came),
           "new_wins": many * float(chances[inside].sum()), "new_won": len(won)}  # fmt: skip
    if amounts is None or drawn is None:
        return row, np.zeros(0), 0.0, 0.0
    units = amounts.units[new.recent]
    money = new_futures(new, drawn, units[None], bag, 1, plan)[:, 0, 0] / UNITS
    expected = many * float((chances * units)[inside].sum()) / UNITS
    return row, money, expected, float(amounts.units[won].sum()) / UNITS


def _whole(
    row: dict[str, Any], drawn: NDArray[np.float64] | None,
    beside: tuple[dict[str, Any], NDArray[np.float64], float, float] | None, plan: Plan,
) -> dict[str, Any]:  # fmt: skip
    """Return the figures of new deals, and of the money of open and new ones together."""
    nothing = dict.fromkeys((*NEW, "total_covered"))
    if beside is None:
        return nothing
    told, new, expected, came = beside
    if drawn is None:
        return {**nothing, **told}
    low, high = (float(bound) for bound in bounds(drawn + new, plan.confidence))
    actual = row["actual"] + came
    return {**told, "total": row["expected"] + expected, "total_low": low, "total_high": high,
            "total_actual": actual, "total_covered": low <= actual <= high}  # fmt: skip


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    columns: dict[str, Any] = {
        "cut": pa.array([row["cut"] for row in rows], pa.timestamp("us", tz="UTC")),
        "currency": text([row["currency"] for row in rows]),
    }
    for name in ("known", "deals", "expected_wins", "won", *FLOATS[1:]):
        kind = pa.int64() if name in COUNTS else pa.float64()
        columns[name] = pa.array([_number(row[name]) for row in rows], kind)
    columns["covered"] = pa.array([row["covered"] for row in rows], pa.bool_())
    for name in NEW:
        columns[name] = pa.array([row[name] for row in rows], pa.int64() if name in COUNTS else pa.float64())
    columns["total_covered"] = pa.array([row["total_covered"] for row in rows], pa.bool_())
    return table(columns)


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _calibration(chances: NDArray[np.float64], won: NDArray[np.bool_]) -> pa.Table:
    band = np.minimum((chances * BANDS).astype(np.int64), BANDS - 1)
    deals = np.bincount(band, minlength=BANDS)
    there = deals > 0
    edges = np.arange(BANDS + 1) / BANDS
    predicted, observed = (
        np.bincount(band, weights=part, minlength=BANDS)[there] / deals[there] for part in (chances, won)
    )
    return table({"above": edges[:-1][there], "up_to": edges[1:][there], "deals": deals[there],
                  "predicted": predicted, "observed": observed})  # fmt: skip
