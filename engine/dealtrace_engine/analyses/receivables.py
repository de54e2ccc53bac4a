"""Receivables: what was invoiced, paid, paid late and is overdue, by group, in days and money."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.case_rows import CaseRows
from dealtrace_engine.analyses.currencies import currency_column
from dealtrace_engine.analyses.grouping import By, Groups, attributes_of, groups_of
from dealtrace_engine.analyses.invoice_log import invoice_log
from dealtrace_engine.analyses.invoices import (
    DAY,
    UNKNOWN,
    Flags,
    Invoices,
    invoices_of,
    told_until,
    usual_dates,
)
from dealtrace_engine.analyses.money import UNITS, Amounts, amounts_of, usual_amount
from dealtrace_engine.analyses.rate_intervals import null_for_nan, wilson
from dealtrace_engine.buffers import arrow, table
from dealtrace_engine.errors import ArgumentError, LogError
from dealtrace_engine.log import EventLog
from dealtrace_engine.percentiles import group_percentiles
from dealtrace_engine.quality import Finding
from dealtrace_engine.results import Later, LogReference, Result

if TYPE_CHECKING:
    from dealtrace_engine.filters.expressions import Expression

AGES = (0, 30, 60, 90)
"""Days overdue after which the next band of open invoices begins."""
Which = Literal["issued", "paid", "open", "late", "overdue"]
WHICH = ("issued", "paid", "open", "late", "overdue")
LIMB = 21
"""Bits of an amount that are multiplied by days at a time, so that sums of 2**25 cases fit 64 bits."""
AGEING = ("age", "invoices")
"""Further columns of `ageing`."""
COLUMNS = (
    "currency", "issued", "paid", "open", "overdue", "due_unknown", "late", "late_rate", "late_low",
    "late_high", "days_late_p50", "days_late_p90", "days_to_pay_p50", "days_to_pay_p90",
    "weighted_days_to_pay", "amount_unknown", "amount", "amount_paid", "amount_late", "amount_open",
    "amount_overdue", "cash_delayed", "cash_overdue", "dso_days",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Receivables(Result):
    """Invoices of cases, and how late their money came.

    The grain is the case, unless the id of invoices is named: its invoice is the last that was sent (or
    generated, where none is known to be sent). Invoices that were canceled and not sent again are left out.
    Days are calendar days, UTC, whoever works on them: terms of payment and interest run on free days too.
    Amounts below zero are credit notes: they reduce what was invoiced, paid and is open, but neither weigh
    days nor count in `cash_delayed` and `cash_overdue`. A finding counts them.

    Attributes
    ----------
    table : pyarrow.Table
        A row per group and currency, by currency, then by `cash_delayed` and `cash_overdue`, largest first,
        then by group. The
        attributes of `by`; currency: text, null where the log has none; issued, paid, open (not paid),
        overdue (open and due before `until`), late (paid on a day after the due date), due_unknown: cases;
        late_rate, late_low, late_high: share of the paid with a due date that were paid late, and its 95 %
        Wilson interval; days_late_p50, days_late_p90: days after the due date, of the late; days_to_pay_p50,
        days_to_pay_p90: days from invoice to last payment, with fractions; weighted_days_to_pay: their mean
        weighted by amount; amount_unknown: cases without an amount, which no money counts; amount,
        amount_paid, amount_late, amount_open, amount_overdue: currency, null where there are cases but no
        amount of theirs is known; cash_delayed: amount times days late
        of those paid late, cash_overdue: amount times days since the due date of the overdue, both in
        currency x days; dso_days: `amount_open` over the amount invoiced in the last `period_days`, times
        these days (365 for the KPI K16.d, and in result folders). Null where there is nothing to tell it by.
    ageing : pyarrow.Table
        Open invoices by how long they are overdue: the attributes of `by`, currency, age ("not due", "due
        date unknown", "1-30 days", ...), invoices: cases, amount: currency.
    until : date
        The day as of which it is told.
    period_days : int
    findings : list of Finding
        What was left out or looks odd, counted in cases.
    """

    table: pa.Table
    ageing: pa.Table
    until: date
    period_days: int
    findings: list[Finding]
    _rows: dict[str, CaseRows]
    _log: LogReference
    definition: ClassVar[str] = "receivables 2"

    @property
    def _table(self) -> pa.Table:
        return self.table

    def _content(self) -> dict[str, Any]:
        return {
            "until": self.until.isoformat(), "period_days": self.period_days, "receivables": self.table,
            "ageing": self.ageing, "findings": [vars(finding) for finding in self.findings],
        }  # fmt: skip

    def cases(self, row: int, which: Which = "issued") -> pa.LargeStringArray:
        """Return the ids of the cases of a row of `table`, in the order of the log.

        Parameters
        ----------
        row : int
        which : {"issued", "paid", "open", "late", "overdue"}

        Raises
        ------
        ArgumentError
            There is no such row, or another `which`.
        """
        if which not in WHICH:
            raise ArgumentError(f"cases are {', '.join(map(repr, WHICH))}, got {which!r}")
        return self._rows[which].cases(row)

    def __repr__(self) -> str:
        return f"Receivables as of {self.until}: {sum(self.table['issued'].to_pylist()):,} invoices"


def receivables(
    log: EventLog, *, by: By = None, where: Expression | None = None, value: str | None = "amount",
    currency: str | None = None, due: str | None = None, terms: str | None = None,
    until: str | date | datetime | None = None, period_days: int = 90, invoice: str | None = None,
    threads: int | None = None,
) -> Receivables:  # fmt: skip
    """Return what was invoiced, paid, paid late and is overdue, and the cash that this delayed.

    Parameters
    ----------
    log : EventLog
        Its activities are understood by their canonical meaning, in any of the six languages: from
        invoice_sent (invoice_generated, where there is none) to the last payment_received.
    by : str or sequence of str, optional
        Attributes of the case: customer, invoice type, terms, segment.
    where : Expression, optional
        Only the cases that pass.
    value : str, optional
        Attribute with the amount; None leaves money out.
    currency : str, optional
        Attribute that says in which currency; see `amounts_of`. Currencies are never added.
    due, terms : str, optional
        See `invoices_of`.
    until : str, date or datetime, optional
        The day as of which it is told, UTC; by default that of the export, or else of the last event. What
        happened later is not looked at; attributes of the case are those of the log.
    period_days : int
        How many days of sales the days sales outstanding are told by.
    invoice : str, optional
        Attribute of events with the id of their invoice, where cases have several: ``"record_id"`` of the
        exports of a CRM. Then the grain is the invoice, whose id is what `cases` returns, and `value` may be
        an attribute of its events, such as ``"event_amount"``.
    threads : int, optional
        All CPUs by default; the result does not depend on it.

    Raises
    ------
    LogError
        The log has no activity that means an invoice.
    SchemaError
        There is no such column, or it does not have what it is named for.
    ArgumentError
        `until` is no day or before the log begins, or `period_days` is less than one.

    References
    ----------
    Days sales outstanding as the Credit Research Foundation's National Summary of Domestic Trade Receivables
    has it: (ending total receivables x days in the period) / credit sales of the period.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "1", "2"],
    ...     "activity": ["Invoice Generated", "Payment Received", "Invoice Generated"],
    ...     "time": ["2024-01-01", "2024-02-05", "2024-01-10"], "amount": [100.0, 100.0, 50.0],
    ...     "payment_terms_days": [30, 30, 30]}))
    >>> found = receivables(log, until="2024-02-10")
    >>> found.table.select(["paid", "late", "overdue", "cash_delayed", "cash_overdue"]).to_pylist()
    [{'paid': 1, 'late': 1, 'overdue': 1, 'cash_delayed': 500.0, 'cash_overdue': 50.0}]
    """
    if not isinstance(period_days, int) or period_days < 1:
        raise ArgumentError(f"period_days is a whole number of at least 1, got {period_days!r}")
    log = log if where is None else log.filter(where, threads=threads)
    day = date(1970, 1, 1) + timedelta(days=told_until(log, until))
    log, left_out = _known_by(log, day, threads)
    if invoice is not None:
        log, lost = invoice_log(log, invoice, _needed(log, by, value, currency, due, terms))
        left_out += lost
    invoices = invoices_of(log, due=due, terms=terms, until=day, threads=threads)
    if not (invoices.sent != UNKNOWN).any():
        raise LogError("no case of the log has an invoice", file=log.origin.source.label,
                       hint="activities that mean invoice_sent or invoice_generated tell it")  # fmt: skip
    groups = groups_of(log, by, taken=(*COLUMNS, *AGEING))
    amounts = amounts_of(log, value, currency) if value else _no_amounts(log.cases)
    credit = Finding("credit note: it reduces what is invoiced and open, and weighs no days")
    credit.add(int((invoices.issued & (amounts.units < 0)).sum()), [])
    findings = [*invoices.findings, *amounts.findings, *left_out, *([credit] if credit.count else [])]
    told = _Told(groups, invoices, amounts, period_days, value is not None)
    ages = told.ageing()
    main, order = told.rows()
    rank = np.full(told.count, -1, dtype=np.int64)
    rank[order] = np.arange(len(order))
    ids = Later(lambda: log.case_ids)
    rows = {}
    for which in WHICH:
        cases = np.flatnonzero(told.marks(which))
        rows[which] = CaseRows.of_pairs(ids, rank[told.codes[cases]], cases, len(order))
    return Receivables(main, ages, day, period_days, findings, rows, LogReference(log))


def _known_by(log: EventLog, day: date, threads: int | None) -> tuple[EventLog, list[Finding]]:
    """Return what had happened by the end of a day, and in how many cases more happened after it."""
    from dealtrace_engine.filters.where import timeframe

    after = (day - date(1970, 1, 1) + timedelta(days=1)) // timedelta(microseconds=1)
    if log.span[1] < after:
        return log, []
    if log.span[0] >= after:
        raise ArgumentError(f"nothing had happened by {day}", hint="give a later until")
    later = Finding("events after the day as of which it is told")
    later.add(int((log.case_ends >= after).sum()), [])
    return log.filter(timeframe(None, day + timedelta(days=1)), threads=threads), [later]


def _needed(log: EventLog, by: By, *names: str | None) -> list[str]:
    """Return the attributes that are asked for, and those that are taken where none is named."""
    asked = [*attributes_of(by), *names, *usual_dates(log), currency_column(log), usual_amount(log)[0]]
    return list(dict.fromkeys(name for name in asked if name))


def _no_amounts(cases: int) -> Amounts:
    nothing = np.zeros(cases, dtype=np.int64)
    return Amounts(nothing, np.zeros(cases, dtype=np.bool_), (None,), nothing.astype(np.int32), [])


@dataclass
class _Told:
    """Invoices by group and currency."""

    groups: Groups
    invoices: Invoices
    amounts: Amounts
    period_days: int
    has_money: bool

    def __post_init__(self) -> None:
        width = len(self.amounts.currencies)
        self.count = len(self.groups) * width
        self.codes = self.groups.codes.astype(np.int64) * width + self.amounts.of_case
        issued = np.bincount(self.codes[self.invoices.issued], minlength=self.count)
        self.shown = np.flatnonzero(issued)

    def marks(self, which: str) -> Flags:
        return self.invoices.issued if which == "issued" else getattr(self.invoices, f"is_{which}")

    def keys(self, rows: NDArray[np.int64]) -> dict[str, Any]:
        width = len(self.amounts.currencies)
        texts = [self.amounts.currencies[row % width] for row in rows.tolist()]
        return self.groups.columns(rows // width) | {"currency": pa.array(texts, pa.string())}

    def counts(self, marks: Flags) -> NDArray[np.int64]:
        return np.bincount(self.codes[marks], minlength=self.count)

    def sums(self, marks: Flags, factors: NDArray[np.int64] | None = None) -> list[int]:
        """Add up amounts, in units, times factors below 2**17, as Python integers."""
        units, totals = self.amounts.units[marks], [0] * self.count
        for limb in range(3):
            part = units >> (LIMB * limb)
            part = part & ((1 << LIMB) - 1) if limb < 2 else part
            added = np.zeros(self.count, dtype=np.int64)
            np.add.at(added, self.codes[marks], part * (1 if factors is None else factors[marks]))
            totals = [a + (int(b) << LIMB * limb) for a, b in zip(totals, added.tolist(), strict=True)]
        return totals

    def money(self, marks: Flags, factors: NDArray[np.int64] | None = None) -> pa.Array:
        if not self.has_money:
            return pa.nulls(self.count, pa.float64())
        untold = (self.counts(marks) > 0) & (self.counts(marks & self.amounts.known) == 0)
        weighed = marks if factors is None else marks & (self.amounts.units > 0)
        totals = np.array([total / UNITS for total in self.sums(weighed, factors)], np.float64)
        return null_for_nan(np.where(untold, np.nan, totals))

    def percentiles(self, marks: Flags, microseconds: NDArray[np.int64]) -> list[pa.Array]:
        chosen = self.codes[marks]
        order = np.argsort(chosen, kind="stable")
        offsets = np.searchsorted(chosen[order], np.arange(self.count + 1)).astype(np.int64)
        figures = group_percentiles(microseconds[marks][order], offsets, [50, 90]) / 86_400
        return [null_for_nan(figures[:, column]) for column in range(2)]

    def weighted_days(self) -> pa.Array:
        """Days to pay weighted by amount; fractions of days in whole minutes, so that sums are exact."""
        taken = self.invoices.is_paid & (self.amounts.units > 0)
        minutes = np.where(taken, (self.invoices.paid_at - self.invoices.sent_at) // 60_000_000, 0)
        whole, part = minutes // 1440, minutes % 1440
        weighted, weights = (
            zip(self.sums(taken, whole), self.sums(taken, part), strict=True),
            self.sums(taken),
        )
        found = [
            (1440 * days + rest) / (1440 * weight) if weight > 0 else None
            for (days, rest), weight in zip(weighted, weights, strict=True)
        ]
        return pa.array(found, pa.float64())

    def outstanding(self) -> pa.Array:
        invoices = self.invoices
        recent = invoices.issued & (invoices.sent > invoices.until - self.period_days)
        owed, sold = self.sums(invoices.is_open), self.sums(recent & (invoices.sent <= invoices.until))
        told = [s > 0 and o >= 0 for o, s in zip(owed, sold, strict=True)]
        found = [o * self.period_days / s if t else None for o, s, t in zip(owed, sold, told, strict=True)]
        return pa.array(found, pa.float64())

    def rows(self) -> tuple[pa.Table, NDArray[np.int64]]:
        """Return the table, and which row is which group and currency."""
        invoices, late = self.invoices, self.counts(self.invoices.is_late)
        known = self.counts(invoices.is_paid & (invoices.due != UNKNOWN))
        low, high = wilson(late, known)
        columns: dict[str, Any] = {
            **{which: self.counts(self.marks(which)) for which in ("issued", "paid", "open", "overdue")},
            "due_unknown": self.counts(invoices.issued & (invoices.due == UNKNOWN)),
            "late": late,
            "late_rate": null_for_nan(late / np.where(known > 0, known, np.nan)),
            "late_low": null_for_nan(low), "late_high": null_for_nan(high),
        }  # fmt: skip
        days = self.percentiles(invoices.is_late, invoices.days_late * DAY)
        paying = self.percentiles(invoices.is_paid, invoices.paid_at - invoices.sent_at)
        columns |= dict(zip(COLUMNS[10:14], [*days, *paying], strict=True))
        columns["weighted_days_to_pay"] = self.weighted_days()
        columns["amount_unknown"] = self.counts(invoices.issued & ~self.amounts.known)
        for name, which in (
            ("amount", "issued"),
            *((f"amount_{w}", w) for w in ("paid", "late", "open", "overdue")),
        ):
            columns[name] = self.money(self.marks(which))
        columns["cash_delayed"] = self.money(invoices.is_late, invoices.days_late)
        columns["cash_overdue"] = self.money(invoices.is_overdue, invoices.days_late)
        columns["dso_days"] = self.outstanding()
        by_cash = [columns[name].fill_null(0).to_numpy() for name in ("cash_delayed", "cash_overdue")]
        shown, width = self.shown, len(self.amounts.currencies)
        keys = (shown, -by_cash[1][shown], -by_cash[0][shown], shown % width)
        order = shown[np.lexsort(keys)]
        return table(self.keys(order) | _taken(columns, order)), order

    def ageing(self) -> pa.Table:
        """Return open invoices by age, in the order of groups and ages."""
        invoices, bands = self.invoices, len(AGES) + 2
        overdue = np.where(invoices.is_overdue, invoices.days_late, 0)
        band = np.where(overdue > 0, np.searchsorted(AGES, overdue, side="left"), 0)
        band = np.where(invoices.due == UNKNOWN, bands - 1, band)
        by_age = _Told.__new__(_Told)
        by_age.__dict__.update(vars(self), codes=self.codes * bands + band, count=self.count * bands)
        found = by_age.counts(invoices.is_open)
        rows = np.flatnonzero(found)
        texts = [_ages()[row % bands] for row in rows.tolist()]
        columns = {"invoices": found, "amount": by_age.money(invoices.is_open)}
        return table(self.keys(rows // bands) | {"age": pa.array(texts, pa.string())} | _taken(columns, rows))


def _ages() -> list[str]:
    between = [f"{low + 1}-{high} days" for low, high in pairwise(AGES)]
    return ["not due", *between, f"over {AGES[-1]} days", "due date unknown"]


def _taken(columns: dict[str, Any], rows: NDArray[np.int64]) -> dict[str, Any]:
    return {
        name: values[rows] if isinstance(values, np.ndarray) else values.take(arrow(rows))
        for name, values in columns.items()
    }
