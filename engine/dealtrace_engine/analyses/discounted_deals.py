"""The discount, outcome and payment of each deal."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.decided import LOST, WON, decided_cases
from dealtrace_engine.analyses.invoices import UNKNOWN, Flags, invoices_of, last_known
from dealtrace_engine.analyses.milestones import Names, given_activities, reached
from dealtrace_engine.analyses.money import Amounts, amounts_of
from dealtrace_engine.analyses.targets import target_of
from dealtrace_engine.attributes import plain_type
from dealtrace_engine.errors import LogError, SchemaError
from dealtrace_engine.log import EventLog
from dealtrace_engine.quality import Finding


@dataclass(frozen=True, eq=False)
class Deals:
    """Discount, outcome and payment of each case.

    Attributes
    ----------
    percent : ndarray of float64, shape (cases,)
        The discount; 0 where it is not known.
    deals, excessive, accepted, unauthorised : ndarray of bool, shape (cases,)
        Which have a known discount, one above the limit, were accepted, and have one above the limit that
        was not approved up to their acceptance.
    won, lost : ndarray of bool, shape (cases,)
        Neither where it is not decided, or reopened.
    paid, late : ndarray of bool, shape (cases,)
        Which are paid and have a due date, and which were paid after it.
    amounts : Amounts
    findings : list of Finding
    """

    percent: NDArray[np.float64]
    deals: Flags
    excessive: Flags
    accepted: Flags
    unauthorised: Flags
    won: Flags
    lost: Flags
    paid: Flags
    late: Flags
    amounts: Amounts
    findings: list[Finding]

    def taken(self, order: NDArray[np.int64]) -> Deals:
        """Return the same with the cases in another order."""
        columns = {one.name: getattr(self, one.name)[order] for one in fields(self)[:9]}
        return replace(self, **columns, amounts=self.amounts.taken(order))

    @property
    def excessive_lost(self) -> Flags:
        """Which were lost with a discount above the limit."""
        return self.excessive & self.lost


def deals_of(
    log: EventLog, discount: str, value: str, currency: str | None, outcome: str | None, yes: object,
    limit: float, activities: tuple[Names, Names], dues: tuple[str | None, str | None],
    threads: int | None,
) -> Deals:  # fmt: skip
    """Return the deals of a log; see `discounts.discounts` for the arguments.

    Parameters
    ----------
    log : EventLog
    discount, value : str
    currency, outcome : str, optional
    yes : optional
    limit : float
        Percent.
    activities : (str or sequence of str, str or sequence of str)
        Those that approve a discount, and that accept it.
    dues : (str or None, str or None)
        Attributes with the due date and the payment terms.
    threads : int, optional

    Raises
    ------
    SchemaError
        There is no such column or activity, or a column has no numbers.
    LogError
        No case has a discount.
    """
    values = last_known(log, discount)
    if not (
        pa.types.is_integer(values.type)
        or pa.types.is_floating(values.type)
        or pa.types.is_decimal(values.type)
    ):
        raise SchemaError(
            f"column {discount!r} has no percentages but {plain_type(values.type)}", column=discount
        )
    percent = np.array(values.cast(pa.float64(), safe=False).fill_null(np.nan))
    deals = np.isfinite(percent) & (percent >= 0) & (percent <= 100)
    odd = Finding(f"discount below 0 or above 100 in {discount!r}")
    odd.add(int((~np.isnan(percent) & ~deals).sum()), [])
    if not deals.any():
        raise LogError(f"no case has a discount in {discount!r}", file=log.origin.source.label)
    approved, accepted = (
        reached(log, given_activities(log, names, what), missing=True, threads=threads)
        for names, what in zip(activities, ("approval", "acceptance"), strict=True)
    )
    excessive, yes_said = deals & (np.where(deals, percent, 0) > limit), accepted.counts > 0
    in_time = (approved.counts > 0) & (approved.firsts <= accepted.lasts)
    if outcome is None:
        outcomes = decided_cases(log, threads=threads).outcomes
        won, lost = outcomes == WON, outcomes == LOST
    else:
        told = target_of(log, outcome, kind="yes/no", yes=yes, threads=threads).values
        won, lost = told == WON, told == LOST
    invoices = invoices_of(log, due=dues[0], terms=dues[1], threads=threads)
    amounts = amounts_of(log, value, currency)
    findings = [*([odd] if odd.count else []), *amounts.findings]
    paid = invoices.is_paid & (invoices.due != UNKNOWN)
    return Deals(np.where(deals, percent, 0), deals, excessive, yes_said, excessive & yes_said & ~in_time,
                  won, lost, paid, invoices.is_late, amounts, findings)  # fmt: skip
