"""The table of rules: counts, days and amounts by group and currency, ranked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.grouping import Groups
from dealtrace_engine.analyses.money import UNITS, Amounts
from dealtrace_engine.analyses.priced_groups import exact_sums
from dealtrace_engine.analyses.rule_program import DAY_US, Program
from dealtrace_engine.analyses.rule_violations import Violations
from dealtrace_engine.models.rules import Rule
from dealtrace_engine.parallel import map_blocks

RANKS = ("cases", "days", "value")
_TEXTS = ("rule", "name", "severity", "owner", "template", "status")
_COUNTS = ("applicable_cases", "violating_cases", "accepted_cases", "violations")
_FIGURES = ("adherence", "days_lost", "value_at_stake")
_PLACES = tuple(f"rank_{name}" for name in RANKS)
COLUMNS = ("currency", *_TEXTS, *_COUNTS, *_FIGURES, *_PLACES, "reason")
"""The columns besides the attributes that results are told by."""
Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums per cell (group and currency) and applied rule, all of shape (cells, rules) but the last two.

    Attributes
    ----------
    applicable, violating, accepted : ndarray of int64
        Cases.
    violations : ndarray of int64
    late : ndarray of int
        Microseconds, of any size.
    value : list of int or None, or None
        Amounts of the violating cases, cell by cell, without those below 0; None where there are violating
        cases, but no amount of theirs that counts.
    broken : ndarray of int64, shape (cells,)
        Cases with any violation, exceptions aside.
    """

    applicable: NDArray[np.int64]
    violating: NDArray[np.int64]
    accepted: NDArray[np.int64]
    violations: NDArray[np.int64]
    late: NDArray[np.object_]
    value: list[int | None] | None
    broken: NDArray[np.int64]


def rule_table(
    program: Program, groups: Groups, amounts: Amounts | None, cells: NDArray[np.int32], sums: Sums,
    violations: Violations, rank: str, language: str,
) -> tuple[pa.Table, Callable[[], tuple[NDArray[np.int64], NDArray[np.int64]]]]:  # fmt: skip
    """Return the table that `RuleCheck.table` describes, and how to get the pairs of row and case behind it.

    Parameters
    ----------
    program : Program
    groups : Groups
    amounts : Amounts or None
    cells : ndarray of int32, shape (cases,)
        Group and currency of each case, as one number.
    sums : Sums
    violations : Violations
    rank : {"cases", "days", "value"}
    language : str
    """
    currencies = (None,) if amounts is None else amounts.currencies
    sizes = np.bincount(cells, minlength=len(sums.applicable))
    numbers = {place: number for number, place in enumerate(program.applied)}
    rows: list[Row] = []
    for cell in np.flatnonzero(sizes).tolist():
        own = []
        for place, rule in enumerate(program.rules):
            row = _described(rule, language, program.reasons.get(place))
            if place in numbers:
                _counted(row, sums, cell, numbers[place], rule)
            own.append({**row, "cell": cell, "number": numbers.get(place, -1)})
        _rank(own)
        rows += own
    rows.sort(key=lambda row: _order(row, rank))
    told = pa.table(
        {
            **groups.columns(np.array([row["cell"] // len(currencies) for row in rows], dtype=np.int64)),
            **({} if amounts is None else {
                "currency": pa.array([currencies[row["cell"] % len(currencies)] for row in rows], pa.string())
            }),
            **{name: pa.array([row[name] for row in rows], pa.string()) for name in _TEXTS},
            **{name: pa.array([row[name] for row in rows], pa.int64()) for name in _COUNTS},
            **{name: pa.array([row[name] for row in rows], pa.float64()) for name in _FIGURES},
            **{name: pa.array([row[name] for row in rows], pa.int64()) for name in _PLACES},
            "reason": pa.array([row["reason"] for row in rows], pa.string()),
        }
    )  # fmt: skip
    at = np.zeros((len(sums.applicable), sums.applicable.shape[1] + 1), dtype=np.int64)
    for place, row in enumerate(rows):
        at[row["cell"], row["number"]] = place  # the last column is for those that were not applied

    def pairs() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        firsts, accepted = violations.pairs
        firsts = firsts[~accepted]
        cases = violations.cases[firsts]
        return at[cells[cases], violations.rules[firsts]], cases

    return told, pairs


def sums_of(
    amounts: Amounts | None, cells: NDArray[np.int32], applicable: NDArray[np.int64], found: Violations,
    threads: int | None = None,
) -> Sums:  # fmt: skip
    """Add up the violations.

    Parameters
    ----------
    amounts : Amounts or None
    cells : ndarray of int32, shape (cases,)
        Group and currency of each case, as one number.
    applicable : ndarray of int64, shape (cells, rules)
    found : Violations
    threads : int, optional
    """
    from dealtrace_engine.kernels import rule_sums as kernels

    shape = applicable.shape
    sums, broken = np.zeros((kernels.SUMS, *shape), np.int64), np.zeros(len(cells), np.bool_)
    cuts = np.searchsorted(found.rules, np.arange(shape[1] + 1)).tolist()

    def add(ends: tuple[int, int]) -> None:  # sums are those of one rule; threads only ever set marks
        own = slice(*ends)
        kernels.sum_violations(
            found.rules[own], found.cases[own], found.late[own], found.accepted[own], cells, sums, broken
        )

    map_blocks(add, list(pairwise(cuts)), threads=threads)
    broken_cases = np.bincount(cells[broken], minlength=shape[0])
    value = None if amounts is None else _at_stake(amounts, cells, found, shape)
    violating, accepted, violations, low_late, high_late = sums
    late = low_late.astype(object) + (high_late.astype(object) << kernels.LIMB)
    return Sums(applicable, violating, accepted, violations, late, value, broken_cases)


def _at_stake(
    amounts: Amounts, cells: NDArray[np.int32], found: Violations, shape: tuple[int, ...]
) -> list[int | None]:
    """Return what the violating cases of each cell and rule are worth; see `Sums`."""
    firsts, accepted = found.pairs
    violating = firsts[~accepted]
    cases = found.cases[violating]
    spots = cells[cases].astype(np.int64) * shape[1] + found.rules[violating]
    counts = amounts.known[cases] & (amounts.units[cases] >= 0)
    count = shape[0] * shape[1]
    sums = exact_sums(amounts.units[cases[counts]], spots[counts], count)
    nothing = (np.bincount(spots, minlength=count) > 0) & (np.bincount(spots[counts], minlength=count) == 0)
    return [None if untold else total for total, untold in zip(sums, nothing.tolist(), strict=True)]


def _described(rule: Rule, language: str, reason: str | None) -> Row:
    return {
        **dict.fromkeys(COLUMNS), "rule": rule.id, "name": rule.name_in(language), "owner": rule.owner,
        "severity": rule.severity, "template": rule.template, "status": "not applicable", "reason": reason,
    }  # fmt: skip


def _counted(row: Row, sums: Sums, cell: int, number: int, rule: Rule) -> None:
    applicable, violating = int(sums.applicable[cell, number]), int(sums.violating[cell, number])
    row["applicable_cases"], row["violating_cases"] = applicable, violating
    row["accepted_cases"] = int(sums.accepted[cell, number])
    row["violations"] = int(sums.violations[cell, number])
    row["status"] = "violated" if violating else "conforming" if applicable else "no case"
    if applicable:
        row["adherence"] = (applicable - violating) / applicable
    if rule.timed:
        row["days_lost"] = int(sums.late[cell, number]) / DAY_US
    at_stake = None if sums.value is None else sums.value[cell * sums.applicable.shape[1] + number]
    row["value_at_stake"] = None if at_stake is None else at_stake / UNITS


def _measure(row: Row, rank: str) -> float:
    return row[{"cases": "violating_cases", "days": "days_lost", "value": "value_at_stake"}[rank]] or 0


def _rank(rows: list[Row]) -> None:
    """Say at which place each rule is, by each measure; ties go by more cases, then by id."""
    for rank in RANKS:
        broken = [row for row in rows if _measure(row, rank) > 0]
        broken.sort(key=lambda row: (-_measure(row, rank), -row["violating_cases"], row["rule"]))
        for place, row in enumerate(broken, 1):
            row[f"rank_{rank}"] = place


def _order(row: Row, rank: str) -> tuple[Any, ...]:
    measures = (-_measure(row, rank), -_measure(row, "cases"))
    return row["status"] == "not applicable", *measures, row["rule"], row["cell"]
