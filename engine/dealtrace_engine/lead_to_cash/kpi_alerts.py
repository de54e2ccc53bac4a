"""Targets and limits of KPIs, and which limits are crossed since when."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.lead_to_cash.kpi_cells import Cells
from dealtrace_engine.lead_to_cash.kpi_registry import REGISTRY
from dealtrace_engine.schema import nearest

Limits = Mapping[str, tuple[float | None, float | None]]
"""From the id of a KPI to its lowest and highest value without an alert."""


def checked_targets(targets: Mapping[str, float] | None, limits: Limits | None) -> Mapping[str, float]:
    """Return the targets, once they and the limits are seen to be sound.

    Raises
    ------
    ArgumentError
        One is of an id that there is not, is no number, or has its low above its high.

    Examples
    --------
    >>> checked_targets({"K18.w": 0.5}, {"K1.s": (None, 90)})
    {'K18.w': 0.5}
    """
    known = [kpi.id for kpi in REGISTRY]
    for what, given in (("target", targets or {}), ("limit", limits or {})):
        if not isinstance(given, Mapping):
            raise ArgumentError(f"the {what}s are a mapping from ids, got {given!r}",
                                hint="such as {'K18.w': 0.5} or {'K1.s': (None, 90)}")  # fmt: skip
        for name, figures in given.items():
            if name not in known:
                raise ArgumentError(
                    f"a {what} of {name!r}, which is no KPI", hint=nearest(known, str(name), "KPIs")
                )
            if not (_bounds(figures) if what == "limit" else _number(figures)):
                raise ArgumentError(f"the {what} of {name} is {figures!r}",
                                    hint="give a number as target, (low, high) as limit")  # fmt: skip
    for name, (low, high) in (limits or {}).items():
        if low is not None and high is not None and low > high:
            raise ArgumentError(f"the limits of {name} have low {low} above high {high}", hint="swap them")
    return targets or {}


def _number(given: object) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given)


def _bounds(given: object) -> bool:
    return (
        isinstance(given, tuple | list)
        and len(given) == 2
        and all(bound is None or _number(bound) for bound in given)
    )


def alerts_of(table: pa.Table, cells: Cells, limits: Limits, kpis: int) -> pa.Table:
    """Return the limits that are crossed in the latest period; see `Kpis.alerts`."""
    groups = [name for name in cells.columns if name != "period"]
    values, ids = table["value"].to_pylist(), table["id"].to_pylist()
    periods = table["period"].to_pylist() if "period" in cells.columns else None
    kept: list[int] = []
    told: dict[str, list[object]] = {"limit": [], "bound": [], "since": []}
    for number in range(kpis):
        bounds = limits.get(ids[number * cells.count])
        if bounds is None:
            continue
        for series in np.unique(cells.series).tolist():
            places = np.flatnonzero(cells.series == series) + number * cells.count
            rows = [int(row) for row in places if values[row] is not None]
            for side, bound in zip(("low", "high"), bounds, strict=True):
                run = 0 if bound is None else _run([values[row] for row in rows], side, bound)
                if run:
                    kept.append(rows[-1])
                    told["limit"].append(side)
                    told["bound"].append(bound)
                    told["since"].append(None if periods is None else periods[rows[-run]])
    chosen = table.take(pa.array(kept, pa.int64()))
    period = chosen["period"] if periods is not None else pa.nulls(len(kept), pa.string())
    return pa.table(
        {
            **{name: chosen[name] for name in ("id", "name", *groups)},
            "limit": pa.array(told["limit"], pa.string()),
            "bound": pa.array(told["bound"], pa.float64()),
            "value": chosen["value"], "unit": chosen["unit"], "period": period,
            "since": pa.array(told["since"], pa.string()),
        }
    )  # fmt: skip


def _run(values: list[float], side: str, bound: float) -> int:
    """Return how many of the last values cross a bound without a break."""
    run = 0
    for value in reversed(values):
        if not (value < bound if side == "low" else value > bound):
            break
        run += 1
    return run
