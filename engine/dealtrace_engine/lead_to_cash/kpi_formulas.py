"""KPIs that are made of several figures of a cell, or of its cases as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.milestones import NEVER
from dealtrace_engine.analyses.money import UNITS
from dealtrace_engine.analyses.variants import variants
from dealtrace_engine.lead_to_cash.kpi_cells import Cells
from dealtrace_engine.lead_to_cash.kpi_facts import DAY, LOST, OPEN, WON, Facts
from dealtrace_engine.lead_to_cash.kpi_observed import NO_AMOUNT, Observed, too_old
from dealtrace_engine.lead_to_cash.kpi_registry import FEW, OWNER, Kpi

Formula = tuple[list[float | None], Observed]
"""The value of each cell, None where it cannot be told, and the cases behind it."""
TOP_VARIANTS = 10
DSO_DAYS = 365


def by_formula(facts: Facts, kpi: Kpi, cells: Cells) -> Formula | str:
    """Return the values of a KPI, or why the log cannot tell it.

    Cases that began before the log can tell what became of them are in no cell.
    """
    older, why = too_old(facts, kpi, facts.created)
    answer = FORMULAS[kpi.id](facts, kpi, replace(cells, of_case=np.where(older, -1, cells.of_case)))
    return answer if isinstance(answer, str) else (answer[0], answer[1].without(older[answer[1].cases], why))


def _cases(facts: Facts, eligible: NDArray[np.bool_], done: NDArray[np.bool_]) -> Observed:
    cases = np.flatnonzero(eligible)
    nothing = np.zeros(len(cases), dtype=np.bool_)
    values = np.zeros(len(cases), dtype=np.int64)
    return Observed(cases, done[cases], nothing, values, facts.created[cases], nothing)


def _ratios(over: Sequence[float], under: Sequence[float], factor: float = 1) -> list[float | None]:
    return [factor * a / b if b > 0 else None for a, b in zip(over, under, strict=True)]


def _sales_outstanding(facts: Facts, kpi: Kpi, cells: Cells) -> Formula | str:
    """Return the days, as `receivables` does: credit notes reduce both what was invoiced and what is open."""
    invoices, amounts = facts.invoices, facts.amounts
    if isinstance(invoices, str) or amounts is None:
        return invoices if isinstance(invoices, str) else "there are no amounts"
    recent = invoices.issued & (invoices.sent > invoices.until - DSO_DAYS)
    told = recent | invoices.is_open
    found = _cases(facts, told & amounts.known, invoices.is_open)
    found.leave_out(np.flatnonzero(told & ~amounts.known), NO_AMOUNT)
    found.untold = f"what was invoiced in {DSO_DAYS} days is worth 0 or less, or what is open is less than 0"
    sold = found.cases[recent[found.cases]]
    total = cells.sums(amounts.units[sold], sold)
    unpaid = cells.sums(amounts.units[found.cases[found.done]], found.cases[found.done])
    return [days if days is None or days >= 0 else None for days in _ratios(unpaid, total, DSO_DAYS)], found


def _won_by_amount(facts: Facts, kpi: Kpi, cells: Cells) -> Formula:
    units, known = facts.worth
    decided = (facts.state == WON) | (facts.state == LOST)
    found = _cases(facts, decided & known, facts.state == WON).without_amounts(facts, decided)
    found.untold = "what was decided is worth nothing"
    total = cells.sums(units[found.cases], found.cases)
    won = cells.sums(units[found.cases[found.done]], found.cases[found.done])
    return _ratios(won, total), found


def _velocity(facts: Facts, kpi: Kpi, cells: Cells) -> Formula:
    units, known = facts.worth
    created = facts.ever("opportunity_created")
    still, won = created & (facts.state == OPEN), created & (facts.state == WON)
    decided = won | (created & (facts.state == LOST))
    rate = _ratios(*(cells.counts(np.flatnonzero(some)).tolist() for some in (won, decided)))
    first = facts.reached("opportunity_won").firsts
    timed = np.flatnonzero(won & (first >= facts.created) & (first != NEVER))
    days = _ratios(cells.sums((first - facts.created)[timed], timed), cells.counts(timed).tolist(), 1 / DAY)
    worth = np.flatnonzero(won & known)
    mean = _ratios(cells.sums(units[worth], worth), cells.counts(worth).tolist(), 1 / UNITS)
    waiting = cells.counts(np.flatnonzero(still)).tolist()
    values = [
        None if r is None or m is None or not d else n * r * m / d
        for n, r, m, d in zip(waiting, rate, mean, days, strict=True)
    ]
    found = _cases(facts, created, np.asarray(still)).without_amounts(facts, won)
    found.untold = "none was won with an amount and after a time"
    return values, found


def _weighted_pipeline(facts: Facts, kpi: Kpi, cells: Cells) -> Formula:
    units, known = facts.worth
    created = facts.ever("opportunity_created")
    won, lost = facts.state == WON, facts.state == LOST
    rate = _ratios(*(cells.counts(np.flatnonzero(created & some)).tolist() for some in (won, won | lost)))
    still = created & (facts.state == OPEN)
    found = _cases(facts, still & known, created).without_amounts(facts, still)
    found.untold = "none was won or lost"
    pipeline = cells.sums(units[found.cases], found.cases)
    return [None if r is None else r * total / UNITS for r, total in zip(rate, pipeline, strict=True)], found


def _spread(facts: Facts, kpi: Kpi, cells: Cells) -> Formula | str:
    owners = facts.owners(OWNER.split("|"))
    if owners is None:
        return "the log has no owner of the case: sales_rep or owner"
    decided = (facts.state == WON) | (facts.state == LOST)
    found = _cases(facts, decided & (owners >= 0), facts.state == WON)
    found.untold = f"fewer than two owners have {FEW} decided opportunities"
    width, inside = int(owners.max(initial=0)) + 1, cells.of_case[found.cases] >= 0
    keys = cells.of_case[found.cases] * width + owners[found.cases]
    pairs, place, sizes = np.unique(keys[inside], return_inverse=True, return_counts=True)
    rates = np.bincount(place[found.done[inside]], minlength=len(pairs)) / np.maximum(sizes, 1)
    values: list[float | None] = []
    for cell in range(cells.count):
        own = rates[(pairs // width == cell) & (sizes >= FEW)]
        low, high = np.percentile(own, [25, 75]).tolist() if len(own) > 1 else (0.0, 0.0)
        values.append(high - low if len(own) > 1 else None)
    return values, found


def _variant_figures(facts: Facts, kpi: Kpi, cells: Cells) -> Formula:
    every = np.ones(facts.log.cases, dtype=np.bool_)
    of_case = variants(facts.log, threads=facts.threads).of_case.astype(np.int64)
    width = int(of_case.max(initial=0)) + 1
    known = cells.of_case >= 0
    keys = (cells.of_case * width + of_case)[known]
    pairs, place, sizes = np.unique(keys, return_inverse=True, return_counts=True)
    rows = pairs // width
    order = np.lexsort((-sizes, rows))  # the largest of each cell first; ties in the order of variants
    begins = np.searchsorted(rows, np.arange(cells.count))
    rank = np.empty(len(pairs), dtype=np.int64)
    rank[order] = np.arange(len(pairs)) - begins[rows[order]]
    top = np.zeros(facts.log.cases, dtype=np.bool_)
    top[known] = rank[place] < TOP_VARIANTS
    found = _cases(facts, every, top)
    if kpi.id == "K27.n":
        return [float(n) or None for n in np.bincount(rows, minlength=cells.count)], found
    covered, cases = cells.counts(np.flatnonzero(top)), cells.counts(np.flatnonzero(every))
    return _ratios(covered.tolist(), cases.tolist()), found


FORMULAS: dict[str, Callable[[Facts, Kpi, Cells], Formula | str]] = {
    "K16.d": _sales_outstanding,
    "K18.a": _won_by_amount,
    "K19.v": _velocity,
    "K24": _spread,
    "K25.f": _weighted_pipeline,
    "K27.n": _variant_figures,
    "K27.c": _variant_figures,
}
