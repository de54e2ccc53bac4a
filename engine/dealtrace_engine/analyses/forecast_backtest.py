"""How good forecasts would have been: learned before an instant, compared with what came after it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.money import UNITS, Amounts
from dealtrace_engine.analyses.open_deals import Lookback, Plan, bounds, futures
from dealtrace_engine.buffers import table, text
from dealtrace_engine.parallel import tick

BANDS = 10
FLOATS = ("expected_wins", "brier", "brier_reference", "expected", "low", "high", "actual", "error")
COUNTS = ("known", "deals", "won")


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


def backtest(look: Lookback, amounts: Amounts | None, most: int, plan: Plan) -> Backtest:
    """Forecast what is known by now, from what was known one, two, ... horizons ago.

    Instants at which fewer deals were closed than are enough are passed over.
    """
    rows: list[dict[str, Any]] = []
    chances, outcomes = [np.zeros(0)], [np.zeros(0, dtype=np.bool_)]
    for back in range(1, most + 1):
        tick(plan.progress, back, most)
        if not look.can(back):
            continue
        won, chance = look.won(back), look.soon(back)
        chances.append(chance)
        outcomes.append(won)
        for currency, bag in _bags(amounts, look.deals(back).cases):
            rows.append(_row(look, back, won, chance, bag, currency, amounts, plan))
    return Backtest(_table(rows), _calibration(np.concatenate(chances), np.concatenate(outcomes)))


def _bags(amounts: Amounts | None, cases: NDArray[np.int64]) -> list[tuple[str | None, NDArray[np.int64]]]:
    """Return each currency, and which deals are in it: 0, else -1."""
    if amounts is None:
        return [(None, np.zeros(len(cases), dtype=np.int64))]
    found = []
    for place, currency in enumerate(amounts.currencies):
        inside = amounts.known[cases] & (amounts.of_case[cases] == place)
        if inside.any():
            found.append((currency, np.where(inside, 0, -1)))
    return found


def _row(
    look: Lookback, back: int, won: NDArray[np.bool_], chance: NDArray[np.float64],
    bag: NDArray[np.int64], currency: str | None, amounts: Amounts | None, plan: Plan,
) -> dict[str, Any]:  # fmt: skip
    inside, deals, reference = bag == 0, look.deals(back), look.base_rate(back)
    won, chance = won[inside], chance[inside]
    row = {
        "cut": deals.states.cut, "currency": currency, "known": deals.model.closed, "deals": len(won),
        "expected_wins": float(chance.sum()), "won": int(won.sum()),
        "brier": float(((chance - won) ** 2).mean()),
        "brier_reference": float(((reference - won) ** 2).mean()),
    }  # fmt: skip
    if amounts is None:
        return {**row, **dict.fromkeys(("expected", "low", "high", "actual", "error", "covered"))}
    units = amounts.units[deals.cases]
    low, high = bounds(futures(deals, look.correction(back), units[None], bag, 1, plan), plan.confidence)
    expected, actual = float((chance * units[inside]).sum()), float(units[inside][won].sum())
    money = {"expected": expected, "low": float(low[0, 0]), "high": float(high[0, 0]), "actual": actual}
    error = (expected - actual) / actual if actual else None
    covered = bool(low[0, 0] <= actual <= high[0, 0])
    return {**row, **{name: amount / UNITS for name, amount in money.items()}, "error": error,
            "covered": covered}  # fmt: skip


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    columns: dict[str, Any] = {
        "cut": pa.array([row["cut"] for row in rows], pa.timestamp("us", tz="UTC")),
        "currency": text([row["currency"] for row in rows]),
    }
    for name in ("known", "deals", "expected_wins", "won", *FLOATS[1:]):
        kind = pa.int64() if name in COUNTS else pa.float64()
        columns[name] = pa.array([_number(row[name]) for row in rows], kind)
    columns["covered"] = pa.array([row["covered"] for row in rows], pa.bool_())
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
