"""Amounts of cases, exact, and never added across currencies."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.currencies import currencies_of, currency_column
from dealtrace_engine.analyses.grouping import case_values
from dealtrace_engine.attributes import is_number, plain_type
from dealtrace_engine.errors import SchemaError
from dealtrace_engine.log import EventLog
from dealtrace_engine.quality import Finding

UNITS = 10_000
"""Amounts are whole numbers of 1/10,000 of their currency."""
MOST = 2**62 // UNITS
VALUES = (
    "amount", "opportunity_value", "estimated_value", "estimatedvalue", "total_amount", "totalamount",
    "value",
)  # fmt: skip
WITHOUT = (
    f"without money, as no usable column is called {VALUES[0]!r}, {VALUES[-1]!r} or the like; "
    "name one with value="
)
CONVERTED = "amount_corporate"
"""What the readers of CRM exports call an amount in the organisation's own currency."""


@dataclass(frozen=True, eq=False)
class Amounts:
    """An amount per case.

    Attributes
    ----------
    units : ndarray of int64, shape (cases,)
        In 1/10,000 of the currency; 0 where it is not known.
    known : ndarray of bool, shape (cases,)
    currencies : tuple of str or None
        Those that there are, by name; one None where the log has no currency.
    of_case : ndarray of int32, shape (cases,)
        The currency of each case, as a place in `currencies`.
    findings : list of Finding
        Amounts that are missing, not numbers, or out of range, and those below zero, which are kept.
    """

    units: NDArray[np.int64]
    known: NDArray[np.bool_]
    currencies: tuple[str | None, ...]
    of_case: NDArray[np.int32]
    findings: list[Finding] = field(default_factory=list)

    def taken(self, order: NDArray[np.int64]) -> Amounts:
        """Return the same of some cases, or of all in another order."""
        return replace(self, units=self.units[order], known=self.known[order], of_case=self.of_case[order])

    def exact_sums(self, codes: NDArray[np.integer], count: int) -> list[int]:
        """Return the sum of the units of each group, as Python integers.

        Parameters
        ----------
        codes : ndarray of int, shape (cases,)
            The group of each case.
        count : int
            How many groups there are.
        """
        low = np.bincount(codes, weights=(self.units & 0xFFFFFF).astype(np.float64), minlength=count)
        high = np.zeros(count, dtype=np.int64)
        np.add.at(high, codes, self.units >> 24)
        return [int(a) + (int(b) << 24) for a, b in zip(low.tolist(), high.tolist(), strict=True)]

    def taken_off(self, percent: NDArray[np.float64]) -> Amounts:
        """Return what discounts took off: amounts are what is left after them.

        Parameters
        ----------
        percent : ndarray of float64, shape (cases,)
            Discounts from 0 to 100; nothing is left of a list price at 100, so that it is not known.

        Examples
        --------
        >>> one = np.zeros(3, dtype=np.int32)
        >>> left = Amounts(np.full(3, 90 * UNITS), one == 0, (None,), one)
        >>> off = left.taken_off(np.array([0.0, 10.0, 100.0]))
        >>> off.units // UNITS, off.known, off.findings[0].reason
        (array([ 0, 10,  0]), array([ True,  True, False]), 'what a discount took off cannot be told')
        """
        share = percent / np.where(percent < 100, 100 - percent, np.inf)
        off = np.rint(self.units * share)
        known = self.known & (percent < 100) & (np.abs(off) <= MOST * UNITS)
        lost = _finding("what a discount took off cannot be told", self.known & ~known)
        units = np.where(known, off, 0).astype(np.int64)
        return Amounts(units, known, self.currencies, self.of_case, [lost] if lost.count else [])


def usual_amount(log: EventLog) -> tuple[str | None, list[Finding]]:
    """Return the first of the usual attributes with the amount of a case, and why others before it are not.

    Where there is none at all, the last note says what to do.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "1"], "activity": ["a", "b"], "time": ["2024-01-01"] * 2,
    ...                            "amount": [1.0, 2.0], "total_amount": [3.0, 3.0]}))
    >>> name, notes = usual_amount(log)
    >>> name, notes[0].reason
    ('total_amount', "no amount in 'amount', which varies within cases")
    """
    notes: list[Finding] = []
    for name in VALUES:
        if name not in log.attribute_names:
            continue
        attribute = log.attribute(name)
        kind = attribute.values.type
        has_numbers = is_number(kind)
        if has_numbers and attribute.level == "case":
            return name, notes
        why = "varies within cases" if has_numbers else "has no numbers"
        notes.append(_finding(f"no amount in {name!r}, which {why}", np.ones(log.cases, np.bool_)))
    return None, [*notes, _finding(WITHOUT, np.ones(log.cases, np.bool_))]


def amounts_of(log: EventLog, value: str, currency: str | None = None) -> Amounts:
    """Return the amounts in an attribute of the case.

    Parameters
    ----------
    log : EventLog
    value : str
        Attribute of numbers. ``"amount_corporate"`` is in one currency, that of the organisation, into which
        the readers of CRM exports convert the amounts of a log of several: the one whose amounts stay as they
        are in `usual_amount`. It has no name, and a finding says so, where no currency or several do.
    currency : str, optional
        Attribute that says in which currency; by default as `currency_column` finds it. See `currencies_of`.

    Raises
    ------
    SchemaError
        There is no such attribute, it varies within cases, or has no numbers.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "2"], "activity": ["a"] * 2, "time": ["2024-01-01"] * 2,
    ...                            "amount": [12.5, None], "currency": ["EUR", "USD"]}))
    >>> amounts = amounts_of(log, "amount")
    >>> amounts.units.tolist(), amounts.known.tolist(), amounts.currencies
    ([125000, 0], [True, False], ('EUR', 'USD'))
    >>> [finding.reason for finding in amounts.findings]
    ["no amount in 'amount'"]
    """
    values = case_values(log, value)
    kind = values.type
    if not is_number(kind):
        what = f"column {value!r} has no amounts but {plain_type(kind)}"
        raise SchemaError(what, file=log.origin.source.label, column=value, hint="name a column of numbers")
    numbers = values.cast(pa.float64(), safe=False)
    amounts = np.asarray(numbers.fill_null(np.nan))
    known = np.isfinite(amounts) & (np.abs(amounts) <= MOST)
    missing = np.isnan(amounts)
    findings = [
        _finding(f"no amount in {value!r}", missing),
        _finding(f"amount out of range in {value!r}", ~known & ~missing),
        _finding(f"amount below zero in {value!r}", known & (amounts < 0)),
    ]
    units = np.where(known, np.rint(np.where(known, amounts, 0) * UNITS), 0).astype(np.int64)
    usual = currency_column(log)
    name = currency or usual
    found = [finding for finding in findings if finding.count]
    if name is None:
        return Amounts(units, known, (None,), np.zeros(log.cases, dtype=np.int32), found)
    names, of_case, read = currencies_of(log, name)
    told = Amounts(units, known, names, of_case, found + read)
    return _converted(log, told) if value == CONVERTED and name == usual else told


def _converted(log: EventLog, amounts: Amounts) -> Amounts:
    """Return converted amounts as those of the one currency whose amounts stay as they are."""
    original, _ = usual_amount(log)
    same: list[int] = []
    if original is not None:
        own = amounts_of(log, original)
        told = own.known & amounts.known & (own.units != 0)
        changed = told & (own.units != amounts.units)
        count = len(own.currencies)
        there, changes = (np.bincount(own.of_case[marks], minlength=count) for marks in (told, changed))
        same = np.flatnonzero((there > 0) & (changes == 0)).tolist()
        if len(same) > 1 and not changes.any():
            return amounts  # nothing was converted
    findings = amounts.findings
    if len(same) != 1:
        untold = f"currency that amounts are converted into in {CONVERTED!r} cannot be told"
        findings = [*findings, _finding(untold, amounts.known)]
    one = amounts.currencies[same[0]] if len(same) == 1 else None
    return replace(amounts, currencies=(one,), of_case=np.zeros(log.cases, dtype=np.int32), findings=findings)


def _finding(reason: str, marks: NDArray[np.bool_]) -> Finding:
    finding = Finding(reason)
    finding.add(int(marks.sum()), [])
    return finding
