"""Rows of KPIs: figures, what they are worth, and what is to know about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.money import UNITS
from dealtrace_engine.buffers import text
from dealtrace_engine.errors import SchemaError
from dealtrace_engine.lead_to_cash.kpi_cells import Cells
from dealtrace_engine.lead_to_cash.kpi_facts import RECORDS, Facts, microseconds_of
from dealtrace_engine.lead_to_cash.kpi_figures import Figures, figures_of
from dealtrace_engine.lead_to_cash.kpi_formulas import by_formula
from dealtrace_engine.lead_to_cash.kpi_observed import Observed
from dealtrace_engine.lead_to_cash.kpi_observing import observed
from dealtrace_engine.lead_to_cash.kpi_registry import Kpi, said_of
from dealtrace_engine.lead_to_cash.kpi_times import AFTER_SALE

NESTED = ("lead", "opportunity", "quote", "order", "invoice")
"""Not all of what comes early in a deal leads to what comes late."""
COLUMNS = (
    "id", "name", "period", "currency", "value", "unit", "grain", "counted", "cases", "numerator", "open",
    "low", "high", "amount", "amount_numerator", "target", "met", "note", "version", "limit", "bound",
    "since", "better",
)  # fmt: skip
"""Names that attributes to group by may not have."""

Worth = list[float | None]
"""What is worth how much in each cell."""


@dataclass(eq=False)
class Told:
    """A KPI in each cell, or why the log cannot tell it.

    Attributes
    ----------
    kpi : Kpi
    figures : Figures
    found : Observed or None
        None where the log cannot tell it.
    amounts : tuple of list of float or None, or None
        What all of it, and what its numerator is worth in each cell; None where no amount of it counts.
    """

    kpi: Kpi
    figures: Figures
    found: Observed | None = None
    amounts: tuple[Worth, Worth] | None = None


def told(facts: Facts, kpi: Kpi, cells: Cells, value: str | None, *, strict: bool) -> Told:
    """Return a KPI in each cell.

    Parameters
    ----------
    facts : Facts
    kpi : Kpi
    cells : Cells
    value : str or None
        The attribute of the amounts.
    strict : bool
        Whether amounts that would be counted more than once are an error, and not a note.

    Raises
    ------
    SchemaError
        They are.
    """
    reason = lacking(facts, kpi)
    if reason is not None:
        return _cannot(kpi, cells, reason)
    given: list[float | None] | None = None
    if kpi.kind == "formula":
        answer = by_formula(facts, kpi, cells)
        if isinstance(answer, str):
            return _cannot(kpi, cells, answer)
        given, found = answer
    else:
        seen = observed(facts, kpi)
        if isinstance(seen, str):
            return _cannot(kpi, cells, seen)
        found = seen
    if kpi.kind == "median" and facts.measure is not None:
        found.values = facts.measure(found.starts, found.starts + found.values, found.cases)
    figures = figures_of(found, kpi, cells, given)
    if kpi.kind == "median" and facts.measure is not None:
        for notes in figures.notes:
            notes.append("working time, in days of 24 hours")
    _note_horizon(facts, found, cells, figures)
    return Told(kpi, figures, found, _worth(facts, kpi, found, cells, value, strict, figures))


def lacking(facts: Facts, kpi: Kpi) -> str | None:
    """Return what a KPI needs and a log has not, in the words of people; None where nothing is missing."""
    if kpi.kind == "none":
        return f"not computable: {kpi.numerator}"
    if "value=" in kpi.attributes and facts.amounts is None:
        return "needs value=, the attribute with the amounts"
    early = kpi.kind != "median" or not set(kpi.start) <= AFTER_SALE
    if early and facts.case_object is not None and kpi.grain in NESTED[: NESTED.index(facts.case_object)]:
        one = facts.case_object
        return (
            f'the cases of this log are {one}s: what has no {one} is missing; read it with case="{kpi.grain}"'
        )
    for some in kpi.needs:
        if not facts.has(*some):
            named = " or ".join(repr(said_of(activity)) for activity in some[:3])
            more = " or the like" if len(some) > 3 else ""
            coverage = facts.log.origin.coverage
            why = "" if coverage is None else coverage.underivable.get(some[0], "")
            return f"the log has no activity {named}{more}{f' ({why})' if why else ''}"
    return None


def _cannot(kpi: Kpi, cells: Cells, reason: str) -> Told:
    nothing, zero = np.full(cells.count, np.nan), np.zeros(cells.count, dtype=np.int64)
    notes = [[reason] for _ in range(cells.count)]
    return Told(kpi, Figures(nothing, nothing, nothing, zero, zero, zero, notes))


def _note_horizon(facts: Facts, found: Observed, cells: Cells, figures: Figures) -> None:
    """Say how many began before the history of the export does, so that something of them may be missing."""
    coverage = facts.log.origin.coverage
    if coverage is None or coverage.horizon is None:
        return
    older = found.starts < microseconds_of(coverage.horizon)
    for notes, count in zip(figures.notes, cells.counts(found.cases[older]).tolist(), strict=True):
        if count:
            notes.append(
                f"{count:,} began before the history does ({coverage.horizon[:10]}) and may lack events"
            )


def _worth(
    facts: Facts, kpi: Kpi, found: Observed, cells: Cells, value: str | None, strict: bool, figures: Figures
) -> tuple[Worth, Worth] | None:
    """Return the amounts of the cells, unless those of cases with several objects would be added twice."""
    if facts.amounts is None or value is None:
        return None
    units, known = facts.worth
    units, known = units[found.cases], known[found.cases]
    if found.several:
        own = None
        if kpi.grain in RECORDS and found.records is not None:
            records = facts.records(kpi.grain)
            own = None if records is None else facts.record_amounts(records, value)
        if own is None or found.records is None:
            what = f"cases have several of {kpi.grain}, which has no amount of its own in {value!r}"
            if strict:
                raise SchemaError(f"{kpi.id}: {what}, so that value= would count cases more than once",
                                  column=value, hint="leave out value=, or this KPI")  # fmt: skip
            for notes in figures.notes:
                notes.append(f"no amount: {what}")
            return None
        units = own[0][found.records]
        known = own[1][found.records] & (units >= 0)

    there = cells.counts(found.cases[known]) > 0

    def total(some: NDArray[np.bool_]) -> Worth:
        told = found.cases[some & known]
        is_told = there & ((cells.counts(told) > 0) | (cells.counts(found.cases[some]) == 0))
        sums = cells.sums(units[some & known], told)
        return [each / UNITS if tells else None for each, tells in zip(sums, is_told.tolist(), strict=True)]

    return total(np.ones(len(known), dtype=np.bool_)), total(found.done)


def table_of(parts: Sequence[Told], cells: Cells, targets: Mapping[str, float], language: str) -> pa.Table:
    """Return the rows of all KPIs, cell after cell."""
    count = cells.count
    rows: dict[str, list[Any]] = {name: [] for name in COLUMNS[:19]}
    currencies = cells.columns.get("currency", pa.nulls(count, pa.string())).to_pylist()
    for part in parts:
        kpi, figures = part.kpi, part.figures
        repeated = {
            "id": kpi.id, "name": kpi.label(language), "grain": kpi.grain, "version": kpi.version,
            "counted": None if part.found is None else part.found.counted, "target": targets.get(kpi.id),
        }  # fmt: skip
        for name, same in repeated.items():
            rows[name] += [same] * count
        rows["unit"] += [_unit(kpi, currency) for currency in currencies]
        for name in ("cases", "numerator", "open"):
            rows[name] += getattr(figures, name).tolist()
        for name in ("value", "low", "high"):
            rows[name] += [None if np.isnan(x) else x for x in getattr(figures, name).tolist()]
        amounts: tuple[list[Any], list[Any]] = part.amounts or ([None] * count, [None] * count)
        rows["amount"] += amounts[0]
        rows["amount_numerator"] += amounts[1]
        rows["met"] += [_met(kpi, x, targets.get(kpi.id)) for x in figures.value.tolist()]
        rows["note"] += ["; ".join(notes) or None for notes in figures.notes]
    keys = {name: pa.concat_arrays([keys] * len(parts)) for name, keys in cells.columns.items()}
    kinds = {
        **dict.fromkeys(("cases", "numerator", "open", "version"), pa.int64()), "met": pa.bool_(),
        **dict.fromkeys(("value", "low", "high", "amount", "amount_numerator", "target"), pa.float64()),
    }  # fmt: skip
    columns = {"id": text(rows["id"]), "name": text(rows["name"]), **keys}
    for name in COLUMNS[4:19]:
        if not (name.startswith("amount") and "currency" not in cells.columns):
            columns[name] = pa.array(rows[name], kinds[name]) if name in kinds else text(rows[name])
    return pa.table(columns)


def _unit(kpi: Kpi, currency: str | None) -> str:
    return kpi.unit if currency is None else kpi.unit.replace("money", currency)


def _met(kpi: Kpi, value: float, target: float | None) -> bool | None:
    if target is None or np.isnan(value) or kpi.better is None:
        return None
    return bool(value <= target if kpi.better == "lower" else value >= target)
