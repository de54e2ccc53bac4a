"""Attributes of cases as a few levels each, which groups of cases are told by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.grouping import case_values
from dealtrace_engine.attributes import codes_of, is_number
from dealtrace_engine.log import EventLog

FEW = 12
"""Numbers with more distinct values are cut into four bands of about as many cases."""
MOST_LEVELS = 200
MISSING = "(none)"
IDENTIFIES, DATES, ONE, VARIES = (
    "attribute has no value in several cases", "attribute has dates or lists",
    "attribute has the same value everywhere", "attribute varies within cases",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Levels:
    """An attribute as levels.

    Attributes
    ----------
    name : str
    codes : ndarray of int64, shape (cases,)
        The level of each case; -1 where it is too thin, or the case is not looked at.
    texts : list of str, shape (levels,)
        What is true of the cases of a level, such as ``"region = Nordics"``.
    thin : int
        Values that were left out since too few cases have them.
    base : ndarray of bool, shape (cases,)
        The cases that its levels are told against: all, or those with a value.
    numbers : ndarray of float64, shape (cases,), or None
        The values, of an attribute of numbers.
    """

    name: str
    codes: NDArray[np.int64]
    texts: list[str]
    thin: int
    base: NDArray[np.bool_]
    numbers: NDArray[np.float64] | None = None

    @property
    def missing(self) -> int | None:
        """The level of the cases without a value, if there is one."""
        last = len(self.texts) - 1
        return last if self.texts[last] == f"{self.name} = {MISSING}" else None

    def drop(self, level: int) -> None:
        """Look no longer at a level; cases without a value are none that others are told against, either."""
        gone = self.codes == level
        self.codes[gone] = -1
        if level == self.missing:
            self.base[gone] = False


def levels_of(
    log: EventLog, names: Sequence[str] | None, smallest: int, used: NDArray[np.bool_], without: Sequence[str]
) -> tuple[list[Levels], Counter[str]]:
    """Return the attributes that can be told apart, and how many cannot, by reason.

    Parameters
    ----------
    log : EventLog
    names : sequence of str or None
        All by default.
    smallest : int
        Cases that a level needs, and that must be outside of it.
    used : ndarray of bool, shape (cases,)
        Which cases are looked at.
    without : sequence of str
        Attributes that are not asked for.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "2", "3", "4"], "activity": ["a"] * 4,
    ...                            "time": ["2024-01-01"] * 4, "region": ["UK", "UK", "DACH", "DACH"]}))
    >>> found, left_out = levels_of(log, ["region"], 2, np.ones(4, dtype=np.bool_), [])
    >>> found[0].texts, found[0].codes.tolist()
    (['region = DACH', 'region = UK'], [1, 1, 0, 0])
    """
    left_out: Counter[str] = Counter()
    found = []
    for name in log.attribute_names if names is None else names:
        if name in without:
            continue
        if names is None and log.attribute(name).level != "case":
            left_out[VARIES] += 1
            continue
        levels = _levels(name, case_values(log, name), smallest, used)
        if isinstance(levels, str):
            left_out[levels] += 1
        else:
            left_out["value with too few cases"] += levels.thin
            found.append(levels)
    return found, +left_out


def _levels(name: str, values: pa.Array, smallest: int, used: NDArray[np.bool_]) -> Levels | str:
    kind = values.type
    if pa.types.is_temporal(kind) or pa.types.is_nested(kind) or _is_bytes(kind):
        return DATES
    values = values.dictionary_decode() if pa.types.is_dictionary(kind) else values
    numeric = is_number(kind)
    numbers = np.array(values.cast(pa.float64(), safe=False).fill_null(np.nan)) if numeric else None
    if numbers is not None and len(np.unique(numbers[used & np.isfinite(numbers)])) > FEW:
        codes, texts = _bands(name, numbers, used)
    else:
        codes, texts = _values(name, values)
    sizes = np.bincount(codes[used], minlength=len(texts))
    there = int((sizes > 0).sum())
    if there < 2:
        return ONE
    large = (sizes >= smallest) & (used.sum() - sizes >= smallest)
    largest = np.argsort(-sizes, kind="stable")[:MOST_LEVELS]
    kept = np.zeros(len(texts), dtype=np.bool_)
    kept[largest] = large[largest]
    if not kept.any():
        return IDENTIFIES if numbers is None and there > used.sum() / 2 else "attribute with too few cases"
    rank = np.where(kept, np.cumsum(kept) - 1, -1)
    codes = np.where(used, rank[codes], -1)
    thin = there - int(kept.sum())
    return Levels(name, codes, [texts[i] for i in np.flatnonzero(kept)], thin, np.ones_like(used), numbers)


def _is_bytes(kind: pa.DataType) -> bool:
    tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    return any(test(kind) for test in tests)


def _values(name: str, values: pa.Array) -> tuple[NDArray[np.int64], list[str]]:
    codes = codes_of(values)
    _, firsts, numbers = np.unique(codes, return_index=True, return_inverse=True)
    shown = [MISSING if v is None else f"{v:,}" if isinstance(v, int | float) and not isinstance(v, bool) else
             str(v) for v in values.take(pa.array(firsts)).to_pylist()]  # fmt: skip
    order = sorted(range(len(shown)), key=lambda at: (shown[at] == MISSING, shown[at]))
    rank = np.empty(len(shown), dtype=np.int64)
    rank[order] = np.arange(len(shown))
    return rank[numbers], [f"{name} = {shown[at]}" for at in order]


def _bands(
    name: str, numbers: NDArray[np.float64], used: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], list[str]]:
    known = np.isfinite(numbers)
    edges = np.unique(np.quantile(numbers[used & known], [0.25, 0.5, 0.75], method="lower"))
    codes = np.searchsorted(edges, np.where(known, numbers, 0), side="left")
    shown = [f"{edge:,.6g}" if abs(edge) < 1e6 else f"{edge:,.0f}" for edge in edges.tolist()]
    texts = [f"{name} up to {shown[0]}"]
    texts += [f"{name} above {low} up to {high}" for low, high in pairwise(shown)]
    texts += [f"{name} above {shown[-1]}", f"{name} = {MISSING}"]
    return np.where(known, codes, len(texts) - 1).astype(np.int64), texts
