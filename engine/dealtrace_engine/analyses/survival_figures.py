"""The tables of how long cases take, put together from their curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.kaplan_meier import Curve
from dealtrace_engine.analyses.observed import OPEN, STOPPED, Observed
from dealtrace_engine.buffers import arrow, table, text
from dealtrace_engine.percentiles import MICROSECONDS, percentile_name


def limits_names(percentile: float) -> tuple[str, str, str]:
    """Return the columns of a percentile and its limits.

    Examples
    --------
    >>> limits_names(50)
    ('p50_s', 'p50_low_s', 'p50_high_s')
    """
    name = percentile_name(percentile).removesuffix("_s")
    return f"{name}_s", f"{name}_low_s", f"{name}_high_s"


def nullable(values: NDArray[np.float64]) -> pa.Array:
    """Return numbers with null for NaN."""
    return pa.array(values, mask=np.isnan(values))


def places_of(codes: NDArray[np.integer], count: int) -> list[NDArray[np.int64]]:
    """Return the places of each code, rising.

    Examples
    --------
    >>> [own.tolist() for own in places_of(np.array([1, 0, 1]), 3)]
    [[1], [0, 2], []]
    """
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.searchsorted(codes[order], np.arange(1, count)))


def main_columns(
    curves: Sequence[Curve], seen: Observed, numbers: Sequence[NDArray[np.int64]],
    truncated: NDArray[np.bool_], percentiles: Sequence[float],
) -> dict[str, Any]:  # fmt: skip
    """Return the counts, percentiles and notes of rows; see `Survival`. `numbers` are the cases of each."""

    def count(marks: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.array([int(marks[own].sum()) for own in numbers], dtype=np.int64)

    cases = np.array([curve.cases for curve in curves], dtype=np.int64)
    ended = np.array([int(curve.events.sum()) for curve in curves], dtype=np.int64)
    columns: dict[str, Any] = {
        "cases": cases, "reached": ended, "stopped": count(seen.causes == STOPPED),
        "open": count(seen.counted & (seen.causes == OPEN)), "reversed": count(seen.reversed),
        "without_source": count(seen.without_source), "left_truncated": count(truncated),
    }  # fmt: skip
    for percentile in percentiles:
        found = [curve.reached(percentile / 100) for curve in curves]
        for place, name in enumerate(limits_names(percentile)):
            instants = [own[place] for own in found]
            columns[name] = pa.array(
                [None if v is None else v / MICROSECONDS for v in instants], pa.float64()
            )
    begun = count(seen.reversed | seen.older)
    notes = [_note(*own) for own in zip(cases.tolist(), ended.tolist(), begun.tolist(), curves, strict=True)]
    return {**columns, "note": text(notes)}


def _note(cases: int, ended: int, begun: int, curve: Curve) -> str | None:
    if not cases:
        return f"not enough data: no case {'with the source is counted' if begun else 'has the source'}"
    if not ended:
        return f"not enough data: none of {cases:,} got there"
    left = curve.survival[-1]
    return f"{left:.0%} are not there after the longest time seen" if curve.reached(0.5)[0] is None else None


def curves_table(curves: Sequence[Curve], keys: Mapping[str, pa.Array]) -> pa.Table:
    """Return the share that is still on its way; see `Survival.curves`."""
    return table({
        **_repeated(keys, [len(curve.times) for curve in curves]),
        "time_s": np.concatenate([curve.times for curve in curves]) / MICROSECONDS,
        "at_risk": np.concatenate([curve.at_risk for curve in curves]),
        "events": np.concatenate([curve.events.sum(axis=1) for curve in curves]),
        "survival": np.concatenate([curve.survival for curve in curves]),
        "low": nullable(np.concatenate([curve.low for curve in curves])),
        "high": nullable(np.concatenate([curve.high for curve in curves])),
    })  # fmt: skip


def incidence_table(curves: Sequence[Curve], keys: Mapping[str, pa.Array], causes: Sequence[str]) -> pa.Table:
    """Return the share that has ended by each cause; see `Survival.incidence`."""
    chosen = [(curve, cause, curve.events[:, cause] > 0) for curve in curves for cause in range(len(causes))]
    sizes = [int(own.sum()) for *_, own in chosen]
    rows = np.array(sizes).reshape(len(curves), len(causes)).sum(axis=1)

    def limit(name: str) -> pa.Array:
        return nullable(np.concatenate([getattr(curve, name)[own, cause] for curve, cause, own in chosen]))

    return table({
        **_repeated(keys, rows.tolist()),
        "cause": text(np.repeat(np.array([*causes] * len(curves)), sizes).tolist()),
        "time_s": np.concatenate([curve.times[own] for curve, _, own in chosen]) / MICROSECONDS,
        "events": np.concatenate([curve.events[own, cause] for curve, cause, own in chosen]),
        "share": np.concatenate([curve.incidence[own, cause] for curve, cause, own in chosen]),
        "low": limit("incidence_low"), "high": limit("incidence_high"),
    })  # fmt: skip


def _repeated(keys: Mapping[str, pa.Array], sizes: Sequence[int]) -> dict[str, pa.Array]:
    rows = arrow(np.repeat(np.arange(len(sizes)), sizes))
    return {name: values.take(rows) for name, values in keys.items()}


def _last(values: NDArray[np.float64]) -> list[float]:
    found: list[float] = values[-1].tolist() if len(values) else [np.nan] * values.shape[1]
    return found


def shares_table(curves: Sequence[Curve], keys: Mapping[str, pa.Array], causes: tuple[str, ...]) -> pa.Table:
    """Return how each row's cases ended; see `Survival`."""
    rows = arrow(np.repeat(np.arange(len(curves)), len(causes) + 1))
    counts, shares, lows, highs = list[int](), list[float](), list[float](), list[float]()
    for curve in curves:
        ended = curve.events.sum(axis=0).tolist()
        counts += [*ended, curve.cases - sum(ended)]
        known = len(curve.times) > 0
        shares += [*(_last(curve.incidence) if known else [0.0] * len(causes)),
                   float(curve.survival[-1]) if known else 1.0]  # fmt: skip
        lows += [*_last(curve.incidence_low), float(curve.low[-1]) if known else np.nan]
        highs += [*_last(curve.incidence_high), float(curve.high[-1]) if known else np.nan]
    return table({
        **{name: values.take(rows) for name, values in keys.items()},
        "cause": text([*causes, "open"] * len(curves)), "cases": np.array(counts, dtype=np.int64),
        "share": np.array(shares, dtype=np.float64), "low": nullable(np.array(lows, dtype=np.float64)),
        "high": nullable(np.array(highs, dtype=np.float64)),
    })  # fmt: skip
