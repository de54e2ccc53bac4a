"""What a KPI is told of, object after object."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.lead_to_cash.kpi_facts import Facts
from dealtrace_engine.lead_to_cash.kpi_registry import Kpi

SCALE = 10_000
"""What is no time is kept in whole numbers of 1/10,000."""
Why = tuple[str, str]
"""What is said of one, and of several."""
AGAIN = (
    "tells of the same as an earlier case and is not counted twice",
    "tell of the same as an earlier case and are not counted twice",
)
NEGATIVE = "has a negative amount and is not counted", "have a negative amount and are not counted"
NO_AMOUNT = "has no amount and is not counted", "have no amount and are not counted"
DECIDED, PAID = ("opportunity_won", "opportunity_lost"), ("payment_received", "payment_completed")
TOLD_BY: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("K18.w", "K18.l", "K18.a", "K19.v", "K24", "K25.n", "K25.p"), DECIDED),
    **dict.fromkeys(("K16.d", "K17.o"), PAID), "K17.p": (), "K7.n": ("quote_created",),
}  # fmt: skip
"""Which activities tell what became of an object, where it is not the end or the second need of a KPI."""
PER_OBJECT = ("cases", "done", "open", "values", "starts", "reversed")
"""What `Observed` has of every object."""


def counted(count: int, why: Why) -> str:
    """Return how many, and what is said of them.

    Examples
    --------
    >>> counted(1, AGAIN), counted(2000, ("is late", "are late"))
    ('1 tells of the same as an earlier case and is not counted twice', '2,000 are late')
    """
    return f"{count:,} {why[count != 1]}"


@dataclass(eq=False)
class Observed:
    """What a KPI is told of, object after object.

    Attributes
    ----------
    cases : ndarray of int64, shape (objects,)
        In which case each is.
    done : ndarray of bool, shape (objects,)
        Which are in the numerator, or got to the end.
    open : ndarray of bool, shape (objects,)
        Which are not, but could still be.
    values : ndarray of int64, shape (objects,)
        Microseconds of times, else 1/10,000; where `done` only. Of shares the time until it was done, where
        that is known; else 0.
    starts : ndarray of int64, shape (objects,)
        When each begins, microseconds UTC.
    reversed : ndarray of bool, shape (objects,)
        Which have the end before the start, so that there is no time.
    counted : {"case", "record", "event"}
        What stands for an object.
    notes : list of str
        What is to know about all of them.
    records : ndarray of int64, shape (objects,), or None
        Which of the `Records` of its grain each is.
    left_out : list of (ndarray of int64, (str, str))
        Cases of what is not counted, and why, said of one and of several.
    untold : str
        Why there is no value where there are objects; that too few got there by default.
    """

    cases: NDArray[np.int64]
    done: NDArray[np.bool_]
    open: NDArray[np.bool_]
    values: NDArray[np.int64]
    starts: NDArray[np.int64]
    reversed: NDArray[np.bool_]
    counted: str = "case"
    notes: list[str] = field(default_factory=list)
    records: NDArray[np.int64] | None = None
    left_out: list[tuple[NDArray[np.int64], Why]] = field(default_factory=list)
    untold: str = ""

    def leave_out(self, cases: NDArray[np.int64], why: Why) -> None:
        """Note what of these cases is not among the objects, and why."""
        if len(cases):
            self.left_out.append((cases, why))

    def without_amounts(self, facts: Facts, eligible: NDArray[np.bool_]) -> Observed:
        """Note which of the eligible cases have no amount that counts; see `Facts.worth`."""
        amounts = facts.amounts
        if amounts is not None:
            self.leave_out(np.flatnonzero(eligible & ~amounts.known), NO_AMOUNT)
            self.leave_out(np.flatnonzero(eligible & amounts.known & ~facts.worth[1]), NEGATIVE)
        return self

    def at(self, rows: NDArray[Any]) -> Observed:
        """Return some of the objects, by place or by truth value."""
        columns = {name: getattr(self, name)[rows] for name in PER_OBJECT}
        records = None if self.records is None else self.records[rows]
        return replace(self, **columns, records=records, left_out=[*self.left_out])

    def without(self, gone: NDArray[np.bool_], why: Why) -> Observed:
        """Return the objects without some, shape (objects,), and why these are not counted."""
        if not gone.any():
            return self
        found = self.at(~gone)
        found.leave_out(self.cases[gone], why)
        return found

    @property
    def several(self) -> bool:
        """Whether a case has more than one object, so that its amount would be counted more than once."""
        return self.counted != "case" and len(np.unique(self.cases)) < len(self.cases)


def chosen_cases(
    facts: Facts, kpi: Kpi, eligible: NDArray[np.bool_], done: NDArray[np.bool_],
    open_: NDArray[np.bool_] | None = None, values: NDArray[np.int64] | None = None,
) -> Observed:  # fmt: skip
    """Return the eligible cases as objects; each lead or opportunity once."""
    again = facts.repeated(kpi.grain) & eligible
    cases = np.flatnonzero(eligible & ~again)
    nothing = np.zeros(len(cases), dtype=np.bool_)
    found = Observed(
        cases, done[cases], nothing if open_ is None else (open_ & ~done)[cases],
        np.zeros(len(cases), dtype=np.int64) if values is None else values[cases], facts.created[cases],
        nothing,
    )  # fmt: skip
    found.leave_out(np.flatnonzero(again), AGAIN)
    return found


def too_old(facts: Facts, kpi: Kpi, starts: NDArray[np.int64]) -> tuple[NDArray[np.bool_], Why]:
    """Return which objects began before the log can tell what became of them, and what is said of these.

    Parameters
    ----------
    facts : Facts
    kpi : Kpi
    starts : ndarray of int64, shape (objects,)
        When each began, microseconds UTC.
    """
    told_by = kpi.end or TOLD_BY.get(kpi.id, kpi.needs[1] if len(kpi.needs) > 1 else ())
    since = facts.known_since(*told_by)
    said = f"began before {np.datetime64(max(since, 0), 'us').astype('M8[D]')}, since when this is known, and"
    return starts < since, (f"{said} is not counted", f"{said} are not counted")
