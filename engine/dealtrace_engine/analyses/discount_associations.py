"""What goes with a discount, with control for what the deals are; association, not proof."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.adjustment import Estimate, log_linear, logistic, mantel_haenszel
from dealtrace_engine.analyses.case_rows import cases_by_id
from dealtrace_engine.analyses.discounted_deals import Deals
from dealtrace_engine.analyses.driver_levels import levels_of
from dealtrace_engine.analyses.invoices import Flags
from dealtrace_engine.analyses.milestones import Names
from dealtrace_engine.analyses.money import UNITS
from dealtrace_engine.log import EventLog
from dealtrace_engine.schema import names_of

CONTROL = ("amount band", "segment", "product", "product_category", "sales_rep", "owner")
BAND = "amount band"
"""Stands for quarters of the amounts of each currency."""
POINTS = 5
"""Percentage points of discount that regressions tell it by."""
LEAST = 50
"""Cases that an association is told of; ten of them must have either answer."""
NOTE = "association, not proof"
ROWS = pa.schema([
    *((name, pa.string()) for name in ("outcome", "method", "measure")),
    *((name, pa.float64()) for name in ("estimate", "low", "high", "p_value")),
    ("cases", pa.int64()), ("groups", pa.int64()), ("control", pa.string()), ("sentence", pa.string()),
])  # fmt: skip


def associations(
    log: EventLog, deals: Deals, control: Names | None, value: str
) -> tuple[pa.Table, list[str]]:
    """Return the associations of discounts, as `Discounts.associations` has them, and notes.

    Parameters
    ----------
    log : EventLog
    deals : Deals
    control : str, sequence of str or None
        Attributes to control for; by default those of `CONTROL` that the log has.
    value : str
        Attribute with the amount, which is controlled for by `BAND` only.
    """
    names = (
        [name for name in CONTROL if name == BAND or name in log.attribute_names]
        if control is None
        else names_of(control, "control")
    )
    levels, _ = levels_of(log, [name for name in names if name != BAND], 1, deals.deals, [value])
    order = cases_by_id(log)  # sums of floats depend on their order
    deals, codes = deals.taken(order), {one.name: one.codes[order] for one in levels}
    if BAND in names:
        codes[BAND] = _bands(deals)
    notes = [f"{NOTE}: deals that get a discount differ from others in more than what is controlled for"]
    notes += [f"{name} has the same value everywhere, or is of another kind, and is not controlled for"
              for name in names if name not in codes]  # fmt: skip
    middle = float(np.median(deals.percent[deals.deals]))
    decided, positive = deals.won | deals.lost, deals.amounts.known & (deals.amounts.units > 0)
    rows: list[dict[str, Any]] = []
    for outcome, asked, hits in (("win", decided, deals.won), ("late payment", deals.paid, deals.late)):
        rows += _yes_no(outcome, deals, deals.deals & asked, hits, codes, middle)
    without = {name: held for name, held in codes.items() if name != BAND}
    if len(deals.amounts.currencies) > 1:
        without["currency"] = deals.amounts.of_case.astype(np.int64)
    rows[3:3] = _of_value(deals, deals.deals & positive, without)
    return pa.Table.from_pylist(rows, schema=ROWS), notes


def _yes_no(
    outcome: str, deals: Deals, asked: Flags, hits: Flags, codes: dict[str, NDArray[np.int64]], middle: float
) -> list[dict[str, Any]]:  # fmt: skip
    high, hit, exposure = deals.percent[asked] > middle, hits[asked], deals.percent[asked] / POINTS
    held = [one[asked] for one in codes.values()]
    strata = np.zeros(len(hit), dtype=np.int64)
    for one in held:
        _, strata = np.unique(strata * (int(one.max(initial=0)) + 2) + one + 1, return_inverse=True)
    split = f"odds ratio of a discount above {middle:g} % against one up to it"
    per = f"odds ratio per {POINTS} points of discount"
    plans: list[tuple[str, str, Callable[[], Estimate | None], str]] = [
        ("crude", split, lambda: mantel_haenszel(high, hit, np.zeros(len(hit), dtype=np.int64)), "nothing"),
        ("stratified", split, lambda: mantel_haenszel(high, hit, strata), ", ".join(codes)),
        ("regression", per, lambda: logistic(exposure, hit, held), ", ".join(codes)),
    ]
    enough = (
        len(hit) >= LEAST and min(int(hit.sum()), int((~hit).sum())) >= 10 and len(np.unique(exposure)) > 1
    )
    return [
        _row(outcome, method, measure, plan() if enough else None, len(hit), held_for)
        for method, measure, plan, held_for in plans
    ]


def _of_value(deals: Deals, asked: Flags, codes: dict[str, NDArray[np.int64]]) -> list[dict[str, Any]]:
    amounts, exposure = deals.amounts.units[asked] / UNITS, deals.percent[asked] / POINTS
    held = [one[asked] for one in codes.values()]
    measure = f"factor of the amount per {POINTS} points of discount"
    currency = [one for name, one in zip(codes, held, strict=True) if name == "currency"]
    enough = len(amounts) >= LEAST and len(np.unique(exposure)) > 1
    crude = log_linear(exposure, amounts, currency) if enough else None
    full = log_linear(exposure, amounts, held) if enough else None
    return [
        _row("value", "crude", measure, crude, len(amounts), "currency" if currency else "nothing"),
        _row("value", "regression", measure, full, len(amounts), ", ".join(codes)),
    ]


def _row(
    outcome: str, method: str, measure: str, found: Estimate | None, asked: int, control: str
) -> dict[str, Any]:
    row: dict[str, Any] = {"outcome": outcome, "method": method, "measure": measure, "control": control}
    if found is None:
        said = f"Discount and {outcome} ({method}): not enough data in {asked:,} deals; {NOTE}."
        return row | {"cases": asked, "groups": 0, "sentence": said}
    said = (
        f"Discount and {outcome}: {measure} is {found.value:.2f} (95 % interval {found.low:.2f} to "
        f"{found.high:.2f}; {found.cases:,} deals; controlled for {control or 'nothing'}); {NOTE}."
    )
    return row | {
        "estimate": found.value, "low": found.low, "high": found.high, "p_value": found.p_value,
        "cases": found.cases, "groups": found.groups, "sentence": said,
    }  # fmt: skip


def _bands(deals: Deals) -> NDArray[np.int64]:
    """Return quarters of the amounts of each currency; -1 where the amount is not known."""
    bands = np.full(len(deals.percent), -1, dtype=np.int64)
    for place in range(len(deals.amounts.currencies)):
        own = deals.amounts.known & deals.deals & (deals.amounts.of_case == place)
        if own.any():
            units = deals.amounts.units[own]
            edges = np.quantile(units, [0.25, 0.5, 0.75], method="lower")
            bands[own] = place * 4 + np.searchsorted(edges, units, side="left")
    return bands
