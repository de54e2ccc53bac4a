"""Findings in numbers and in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.driver_candidates import Candidates
from dealtrace_engine.analyses.driver_levels import Levels
from dealtrace_engine.analyses.driver_patterns import Steps
from dealtrace_engine.analyses.effects import difference_of_means, odds_ratio
from dealtrace_engine.analyses.money import UNITS, Amounts
from dealtrace_engine.analyses.rate_intervals import difference
from dealtrace_engine.analyses.targets import Target
from dealtrace_engine.log import EventLog

APART = "These are associations, not proof: what goes with a target need not be its cause."
SCHEMA = pa.schema([
    *((name, pa.string()) for name in ("kind", "what", "also", "base")),
    *((name, pa.int64()) for name in ("cases", "others")),
    *((name, pa.float64()) for name in (
        "with_it", "without_it", "effect", "effect_low", "effect_high", "odds_ratio", "odds_low", "odds_high",
        "median_difference", "hedges_g", "rank_biserial", "p_value", "q_value", "excess", "value")),
    ("sentence", pa.string()),
])  # fmt: skip
APART_SCHEMA = pa.schema([("kind", pa.string()), ("what", pa.string()), ("cases", pa.int64()),
                          ("with_it", pa.float64()), ("reason", pa.string()),
                          ("sentence", pa.string())])  # fmt: skip
DECIDES = "all but decides {target}"
KNOWN = "goes with {target} by whether it is known, as of what is filled in on the way there"
REACHED = "goes with {target} by how far a case comes"
STANDS = "tells how a case stands at the end"
"""Why something is told apart."""
VALUES_SCHEMA = pa.schema([("finding", pa.int64()), ("currency", pa.string()), ("cases", pa.int64()),
                           ("value", pa.float64())])  # fmt: skip
One = tuple[str, Candidates, int]
"""Family, candidates, and which of them."""
Told = tuple[str, Candidates, int, bool, str]
"""The same, whether it is those inside of the group whose target is told, or the others, and why."""


@dataclass(frozen=True, eq=False)
class Finder:
    """Tells what candidates are, with their sizes.

    Attributes
    ----------
    log : EventLog
    target : Target
    levels : list of Levels
    steps : Steps or None
    amounts : Amounts or None
    threads : int or None
    """

    log: EventLog
    target: Target
    levels: list[Levels]
    steps: Steps | None
    amounts: Amounts | None
    threads: int | None = None

    def findings(
        self, found: Iterable[tuple[One, float, float]], most: int
    ) -> tuple[pa.Table, pa.Table, list[NDArray[np.int64]]]:
        """Return the rows of findings, their values by currency, and their cases.

        Parameters
        ----------
        found : iterable of (One, float, float)
            Each with its p-value and the adjusted one.
        most : int
        """
        rows: dict[tuple[bytes, int], dict[str, Any]] = {}
        values, members = [], []
        sizes: set[tuple[int, ...]] = set()
        for one, p, adjusted in found:
            sums, base = one[1].sums[one[2]].tolist(), one[1].base[one[2]].tolist()
            size = (*sums, *base)
            if len(rows) == most and size not in sizes:
                continue
            sizes.add(size)
            shown = np.where(self.target.known, self._shown(one), -1)
            cases = np.flatnonzero(shown == 1)
            same = sha256(cases.tobytes()).digest(), int((shown == 0).sum())
            if same in rows:
                rows[same]["also"] = "; ".join(filter(None, (rows[same]["also"], self._names(one)[1])))
            if same in rows or len(rows) == most:
                continue
            own = self._values(len(rows), cases)
            value = own[0]["value"] if len(own) == 1 else None
            row = self._row(one, shown) | {"p_value": float(p), "q_value": float(adjusted), "value": value}
            rows[same] = row | {"also": None, "sentence": self._sentence(row, own)}
            values += own
            members.append(cases)
        return _table(list(rows.values()), SCHEMA), _table(values, VALUES_SCHEMA), members

    def apart(self, told: Sequence[Told], standing: Mapping[str, int]) -> pa.Table:
        """Return the rows of what is told apart, the largest first.

        Parameters
        ----------
        told : sequence of Told
        standing : mapping of str to int
            Attributes that tell how a case stands, and of how many cases.
        """
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        for name, candidates, at, inside, why in told:
            kind, what, _ = self._names((name, candidates, at))
            sums = candidates.sums[at]
            cases, hits, _ = (int(x) for x in (sums if inside else candidates.base[at] - sums))
            if not inside:
                kind, what = _other_side(kind, what)
            share = hits / cases if self.target.kind == "yes/no" else None
            rate = f": {share:.1%} of {cases:,} cases" if share is not None else f": {cases:,} cases"
            reason = why.format(target=self.target.name)
            sentence = f"{_begun(kind, what)} {reason}{rate}; it is told apart."
            rows.setdefault((kind, what), {
                "kind": kind, "what": what, "cases": cases, "with_it": share, "reason": reason,
                "sentence": sentence,
            })  # fmt: skip
        for name, cases in standing.items():
            rows["attribute", name] = {
                "kind": "attribute", "what": name, "cases": cases, "reason": STANDS,
                "sentence": f"{name} {STANDS}: {cases:,} cases; it is told apart.",
            }  # fmt: skip
        return _table(sorted(rows.values(), key=lambda row: (-row["cases"], row["what"])), APART_SCHEMA)

    def _names(self, one: One) -> tuple[str, str, str]:
        """Return kind, what and base."""
        name, candidates, at = one
        key = candidates.keys[at]
        if name == "pattern":
            assert self.steps is not None
            return key[0], self.steps.text(key), self.steps.base_text(key)
        parts = [(self.levels[key[i]], key[i + 1]) for i in range(0, len(key), 2)]
        narrow = [one.name for one, _ in parts if not one.base.all()]
        base = f"cases with {' and '.join(narrow)}" if narrow else "all cases"
        return name, " and ".join(one.texts[level] for one, level in parts), base

    def _shown(self, one: One) -> NDArray[np.int64]:
        name, candidates, at = one
        key = candidates.keys[at]
        if name == "pattern":
            assert self.steps is not None
            return self.steps.shown(key, self.threads)
        marks = np.ones(self.log.cases, dtype=np.int64)
        for i in range(0, len(key), 2):
            levels = self.levels[key[i]]
            marks = np.minimum(marks, np.where(levels.base, levels.codes == key[i + 1], -1))
        return marks

    def _row(self, one: One, shown: NDArray[np.int64]) -> dict[str, Any]:
        kind, what, base = self._names(one)
        cases, others = int((shown == 1).sum()), int((shown == 0).sum())
        row: dict[str, Any] = {"kind": kind, "what": what, "base": base, "cases": cases, "others": others}
        values = self.target.values
        if self.target.kind == "yes/no":
            hits, other_hits = (int(values[shown == side].sum()) for side in (1, 0))
            a, b, c, d = (np.array([x], dtype=np.int64) for x in (hits, cases, other_hits, others))
            effect = [float(x[0]) for x in difference(a, b, c, d)]
            row |= {"with_it": hits / cases, "without_it": other_hits / others}
            row |= dict(zip(("effect", "effect_low", "effect_high"), effect, strict=True))
            odds = [float(x[0]) for x in odds_ratio(a, b, c, d)]
            row |= dict(zip(("odds_ratio", "odds_low", "odds_high"), odds, strict=True))
        else:
            inside, outside = np.flatnonzero(shown == 1), np.flatnonzero(shown == 0)
            places = self._places[inside], self._places[outside]
            found = difference_of_means(values[inside], values[outside], places=places)
            row |= {"with_it": found.mean, "without_it": found.other_mean, "effect": found.effect,
                    "effect_low": found.low, "effect_high": found.high, "hedges_g": found.hedges_g,
                    "median_difference": found.median_difference,
                    "rank_biserial": found.rank_biserial}  # fmt: skip
        return row | {"excess": cases * row["effect"]}

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        """Where the numbers of the target are among its distinct ones; any place where it is not known."""
        return np.unique(self.target.values, return_inverse=True)[1].astype(np.int64)

    def _values(self, finding: int, cases: NDArray[np.int64]) -> list[dict[str, Any]]:
        amounts = self.amounts
        if amounts is None:
            return []
        cases = cases[amounts.known[cases]]
        count = len(amounts.currencies)
        sizes = np.bincount(amounts.of_case[cases], minlength=count).tolist()
        low = np.zeros(count, dtype=np.int64)
        high = np.zeros(count, dtype=np.int64)
        np.add.at(low, amounts.of_case[cases], amounts.units[cases] & 0xFFFFFF)
        np.add.at(high, amounts.of_case[cases], amounts.units[cases] >> 24)
        sums = [int(a) + (int(b) << 24) for a, b in zip(low, high, strict=True)]
        return [
            {"finding": finding, "currency": currency, "cases": size, "value": total / UNITS}
            for currency, size, total in zip(amounts.currencies, sizes, sums, strict=True)
            if size
        ]

    def _sentence(self, row: dict[str, Any], values: list[dict[str, Any]]) -> str:
        many, what = f"{row['cases']:,} cases", _begun(row["kind"], row["what"])
        against = "all others" if row["base"] == "all cases" else f"other {row['base']}"
        low, high = told_interval(row["effect"], row["effect_low"], row["effect_high"])
        if self.target.kind == "yes/no":
            said = (
                f"{what}: {row['with_it']:.1%} of {many} {self.target.holds}, against "
                f"{row['without_it']:.1%} of {against}, {abs(row['effect']) * 100:.1f} points "
                f"{_more(row['effect'])} (95 % interval {low * 100:z.1f} to "
                f"{high * 100:z.1f}; odds ratio {row['odds_ratio']:.2f}), about "
                f"{abs(row['excess']):,.0f} cases {_more(row['excess'])}"
            )
        else:
            said = (
                f"{what}: the mean {self.target.name} of {many} is {figure(row['with_it'])}, against "
                f"{figure(row['without_it'])} of {against}, {figure(abs(row['effect']))} "
                f"{'more' if row['effect'] > 0 else 'less'} (95 % interval {figure(low)} to "
                f"{figure(high)}; Hedges g {row['hedges_g']:.2f})"
            )
        money = [f"{one['value']:,.0f} {one['currency'] or ''}".strip() for one in values]
        at_stake = f"; at stake: {', '.join(money)}" if money else ""
        return f"{said}{at_stake}. Association, not proof."


def _other_side(kind: str, what: str) -> tuple[str, str]:
    """Return what the cases outside of a group are called."""
    if kind == "before":
        return kind, " before ".join(reversed(what.split(" before ")))
    sides = {"did": "skipped", "skipped": "did"}
    return (sides[kind], sides[kind] + what[len(kind) :]) if kind in sides else (kind, f"not {what}")


def figure(number: float) -> str:
    """Return a number with about three digits.

    Examples
    --------
    >>> figure(1234.5), figure(12.345), figure(0.0012345), figure(0)
    ('1,234', '12.3', '0.00123', '0')
    """
    if number == 0:
        return "0"
    return f"{number:,.{min(max(0, 2 - math.floor(math.log10(abs(number)))), 9)}f}"


def told_interval(effect: float, low: float, high: float) -> tuple[float, float]:
    """Return the interval of an effect as it is told: of how many fewer, where the effect is below zero.

    Examples
    --------
    >>> told_interval(-10.9, -12.0, -9.9), told_interval(3.0, -1.0, 7.0)
    ((9.9, 12.0), (-1.0, 7.0))
    """
    return (-high, -low) if effect < 0 else (low, high)


def _more(effect: float) -> str:
    return "more" if effect > 0 else "fewer" if effect < 0 else "more or fewer"


def _begun(kind: str, what: str) -> str:
    """Begin a sentence; the names of columns and activities stay as they are spelled."""
    return what[:1].upper() + what[1:] if kind in ("did", "skipped", "repeated") else what


def _table(rows: Sequence[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    columns = [pa.array([row.get(name) for row in rows], schema.field(name).type) for name in schema.names]
    return pa.Table.from_arrays(columns, schema=schema)
