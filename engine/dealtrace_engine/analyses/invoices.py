"""When the invoices of cases were sent, due and paid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.milestones import NEVER, Reached, reached
from dealtrace_engine.attributes import is_number, plain_type
from dealtrace_engine.errors import ArgumentError, ParseError, SchemaError
from dealtrace_engine.instants import InstantReader
from dealtrace_engine.log import EventLog
from dealtrace_engine.quality import Finding
from dealtrace_engine.readings import NOT_A_TIME

DAY = 86_400_000_000
"""Microseconds."""
UNKNOWN = np.iinfo(np.int64).min
"""A day that is not known."""
DUE = ("due_date", "payment_due_date", "invoice_due_date", "duedate")
"""Attributes that are taken for the day on which the invoice is due, where none is named."""
TERMS = ("payment_terms_days", "payment_terms", "terms_days")
"""Attributes that are taken for the days until then, if they are numbers."""
Days = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Invoices:
    """The invoice of each case: the last that was sent, or generated where none is known to be sent.

    Attributes
    ----------
    sent, due, paid : ndarray of int64, shape (cases,)
        Days since 1970-01-01, UTC; `UNKNOWN` where there is none. Paid is when the last payment came.
    sent_at, paid_at : ndarray of int64, shape (cases,)
        Microseconds since 1970-01-01 UTC; `NEVER` where it did not happen.
    canceled : ndarray of bool, shape (cases,)
        The invoice was canceled and no other one followed, nor a payment.
    until : int
        The day as of which it is told.
    findings : list of Finding
        Cases that are odd: paid without an invoice, before it, taken back, without a due date.
    """

    sent: Days
    due: Days
    paid: Days
    sent_at: Days
    paid_at: Days
    canceled: Flags
    until: int
    findings: list[Finding]

    @property
    def issued(self) -> Flags:
        """Which cases have an invoice that was not canceled."""
        return np.asarray((self.sent != UNKNOWN) & ~self.canceled)

    @property
    def is_paid(self) -> Flags:
        """Which of them are paid."""
        return np.asarray(self.issued & (self.paid != UNKNOWN))

    @property
    def is_open(self) -> Flags:
        """Which of them are not paid."""
        return np.asarray(self.issued & (self.paid == UNKNOWN))

    @property
    def is_late(self) -> Flags:
        """Which were paid on a day after they were due."""
        return np.asarray(self.is_paid & (self.due != UNKNOWN) & (self.paid > self.due))

    @property
    def is_overdue(self) -> Flags:
        """Which are not paid although they were due before `until`."""
        return np.asarray(self.is_open & (self.due != UNKNOWN) & (self.due < self.until))

    @property
    def days_late(self) -> Days:
        """Days after the due date, of those that were paid late or are overdue; else 0."""
        end = np.where(self.is_late, self.paid, self.until)
        return np.where(self.is_late | self.is_overdue, end - self.due, 0)


def invoices_of(
    log: EventLog, *, due: str | None = None, terms: str | None = None,
    until: str | date | datetime | None = None, threads: int | None = None,
) -> Invoices:  # fmt: skip
    """Return when invoices were sent, due and paid, by the canonical activities of the log.

    Parameters
    ----------
    log : EventLog
    due : str, optional
        Attribute with the day on which the invoice is due; by default the first of `DUE` that the log has.
    terms : str, optional
        Attribute with the days from the invoice to its due date, where `due` is not known;
        by default the first of `TERMS` that the log has as numbers.
    until : str, date or datetime, optional
        As of when it is told, UTC; by default when the export was made, or else the last event. All events
        of the log count: `receivables` leaves out those after it.
    threads : int, optional

    Raises
    ------
    SchemaError
        There is no such column, or it has neither days nor numbers.
    ArgumentError
        `until` is no day.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"] * 2, "activity": ["Invoice Generated", "Payment Received"],
    ...                            "time": ["2024-01-01", "2024-02-05"], "payment_terms_days": [30, 30]}))
    >>> found = invoices_of(log)
    >>> found.days_late.tolist(), found.is_paid.tolist()
    ([5], [True])
    """
    times = {
        name: reached(log, activities, missing=True, threads=threads)
        for name, activities in (
            ("sent", ["invoice_sent"]), ("made", ["invoice_generated", "invoice_rebilled"]),
            ("paid", ["payment_received", "payment_completed"]), ("canceled", ["invoice_canceled"]),
            ("reversed", ["payment_reversed"]),
        )
    }  # fmt: skip
    sent_at = np.where(times["sent"].counts > 0, times["sent"].lasts, times["made"].lasts)
    made = Reached(times["made"].firsts, np.maximum(sent_at, times["made"].lasts), times["made"].counts)
    took_back = _undone(times["paid"], times["reversed"])
    paid_at = np.where(took_back, NEVER, times["paid"].lasts)
    canceled = (sent_at != NEVER) & (paid_at == NEVER) & _undone(made, times["canceled"])
    sent, paid = _days(sent_at), _days(paid_at)
    due_days = _due_days(log, sent, due, terms)
    issued = (sent != UNKNOWN) & ~canceled
    findings = [
        _finding("payment without an invoice", (paid != UNKNOWN) & (sent == UNKNOWN)),
        _finding("payment before the invoice was sent", issued & (paid != UNKNOWN) & (paid_at < sent_at)),
        _finding("payment taken back", took_back),
        _finding("invoice canceled and not sent again", canceled),
        _finding("invoice without a due date", issued & (due_days == UNKNOWN)),
    ]
    return Invoices(sent, due_days, paid, sent_at, paid_at, canceled, told_until(log, until),
                    [finding for finding in findings if finding.count])  # fmt: skip


def _undone(done: Reached, undone: Reached) -> Flags:
    """Which cases have the one last undone; in the same instant as many times as done."""
    tied = (undone.lasts == done.lasts) & (undone.counts >= done.counts)
    return np.asarray((undone.counts > 0) & ((undone.lasts > done.lasts) | tied))


def _days(instants: Days) -> Days:
    return np.where(instants == NEVER, UNKNOWN, instants // DAY)


def _due_days(log: EventLog, sent: Days, due: str | None, terms: str | None) -> Days:
    usual, numeric = usual_dates(log)
    due, terms = due or usual, terms or numeric
    found = np.full(log.cases, UNKNOWN)
    if due is not None:
        instants = _instants(log, due)
        found = np.where(instants == NOT_A_TIME, UNKNOWN, instants // DAY)
    if terms is not None:
        days, known = _numbers(log, terms)
        use = (found == UNKNOWN) & known & (sent != UNKNOWN)
        found = np.where(use, np.where(use, sent, 0) + days, found)
    return found


def usual_dates(log: EventLog) -> tuple[str | None, str | None]:
    """Return the first of `DUE` and the first numbers of `TERMS` that a log has; None where it has none."""
    there = log.attribute_names
    due = next((name for name in DUE if name in there), None)
    terms = (name for name in TERMS if name in there and _is_number(log.attribute(name).values.type))
    return due, next(terms, None)


def _instants(log: EventLog, due: str) -> Days:
    values = last_known(log, due)
    if pa.types.is_null(values.type):
        return np.full(log.cases, NOT_A_TIME)
    if not (pa.types.is_temporal(values.type) or _is_text(values.type)):
        raise SchemaError(f"column {due!r} has no days but {plain_type(values.type)}", column=due)
    try:
        return InstantReader(due, file=log.origin.source.label).read(values).microseconds
    except ParseError as error:
        raise SchemaError(f"column {due!r} has no days that can be read: {error.what}", column=due,
                          value=error.value, hint="write them as 2025-12-31") from error  # fmt: skip


def _numbers(log: EventLog, name: str) -> tuple[Days, Flags]:
    values = last_known(log, name)
    if not _is_number(values.type):
        raise SchemaError(
            f"column {name!r} has no numbers of days but {plain_type(values.type)}", column=name
        )
    numbers = np.asarray(values.cast(pa.float64(), safe=False).fill_null(np.nan))
    known = np.isfinite(numbers) & (np.abs(numbers) < 1e6)
    return np.where(known, numbers, 0).astype(np.int64), known


def _is_number(kind: pa.DataType) -> bool:
    return is_number(kind) or bool(pa.types.is_null(kind))


def _is_text(kind: pa.DataType) -> bool:
    return any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_dictionary))


def last_known(log: EventLog, name: str) -> pa.Array:
    """Return an attribute per case: where it varies within one, the last that is not null.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "1", "1", "2"], "activity": ["a"] * 4,
    ...                            "time": ["2024-01-01"] * 4, "due": [5, 7, None, None]}))
    >>> last_known(log, "due").to_pylist()
    [7, None]
    """
    attribute = log.attribute(name)
    values = attribute.values
    if attribute.level == "event":
        known = np.flatnonzero(~np.asarray(values.is_null()))
        cases = np.searchsorted(log.case_offsets, known, side="right") - 1
        last = np.full(log.cases, -1, dtype=np.int64)
        last[cases] = known  # rising within a case: the last one stays
        values = values.take(pa.array(last, mask=last < 0))
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def told_until(log: EventLog, until: str | date | datetime | None = None) -> int:
    """Return the day as of which it is told, in days since 1970-01-01 UTC; see `invoices_of`.

    Raises
    ------
    ArgumentError
        It is no day.
    """
    if until is None:
        coverage = log.origin.coverage
        until = coverage.exported if coverage is not None and coverage.exported else None
    if until is None:
        return int(log.span[1] // DAY)
    try:
        moment = datetime.fromisoformat(until if isinstance(until, str) else until.isoformat())
    except (ValueError, TypeError, AttributeError) as error:
        raise ArgumentError(f"until is a day, got {until!r}", hint="such as '2025-12-31'") from error
    moment = moment if moment.tzinfo is None else moment.astimezone(UTC)
    return (moment.date() - date(1970, 1, 1)).days


def _finding(reason: str, marks: Flags) -> Finding:
    finding = Finding(reason)
    finding.add(int(marks.sum()), [])
    return finding
