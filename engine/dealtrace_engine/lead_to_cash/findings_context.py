"""What the sources of findings look at, and what they hand over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.grouping import Groups, groups_of
from dealtrace_engine.analyses.milestones import NEVER, Reached, reached, wanted_activities
from dealtrace_engine.analyses.money import UNITS, Amounts
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.filters.values import moment, moment_us
from dealtrace_engine.log import EventLog
from dealtrace_engine.sources.labels import activity_label
from dealtrace_engine.sources.meanings import activity_of_label

DAY_US = 86_400_000_000
SMALLEST = 30
"""So many cases make a finding about a group, a person or a step."""
WON = ("opportunity_won",)
LOST = ("opportunity_lost", "lead_disqualified")
STALLED_AFTER = 0.95
"""Deals that wait for longer than this share of closed ones ever did are stalled."""
SURE = 3.0
"""So many standard errors away from the others is no chance."""
DUE = ("due_date", "payment_due_date", "invoice_due_date", "duedate")
TERMS = ("payment_terms_days", "payment_terms", "terms_days")
PAID = ("payment_received", "payment_completed")
CASH = (*WON, "sales_order_created", "invoice_generated", "invoice_sent", *PAID)
"""Cases with any of these are money that comes, or is to come; what is only hoped for is not delayed."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """Something that may matter.

    Attributes
    ----------
    kind : str
        A key of ``kinds`` in findings.json, which has its sentences.
    basis : str
        What `stake` is: a key of ``stakes`` there.
    cases : ndarray of int64, shape (n,)
        Rising.
    stake : ndarray of float64, shape (n,)
        Money at stake in each; 0 where its amount is not known.
    days : ndarray of float64, shape (n,), or None
        Of delay in each.
    numbers : mapping of str to float
        For the sentence: ``*_share`` are parts of one, ``*_days`` days, others are counted.
    names : mapping of str to str
        For the sentence: what the log calls something; ``activity:`` and a name is put into the language.
    filter : Expression or None
        The cases, where an expression can say it.
    about : str
        Of candidates that are about the same, which two sources may see, the first is told; empty: of its
        own.
    """

    kind: str
    basis: str
    cases: NDArray[np.int64]
    stake: NDArray[np.float64]
    days: NDArray[np.float64] | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    filter: Expression | None = None
    about: str = ""


class Stalled(NamedTuple):
    """Open deals in which nothing has happened for longer than ever in nearly every closed one.

    Attributes
    ----------
    is_stalled : ndarray of bool, shape (cases,)
    idle_days : ndarray of float64, shape (cases,)
        Since the last event.
    limit_days : float
    """

    is_stalled: NDArray[np.bool_]
    idle_days: NDArray[np.float64]
    limit_days: float


@dataclass(frozen=True, eq=False)
class Context:
    """What the sources of findings share; each part is made when it is first asked for.

    Attributes
    ----------
    log : EventLog
    amounts : Amounts or None
    capital_cost : float
        Part of an amount that its delay by a year costs.
    discount_limit : float
        Percent above which a discount needs an approval.
    threads : int or None
    """

    log: EventLog
    amounts: Amounts | None
    capital_cost: float = 0.08
    discount_limit: float = 20.0
    threads: int | None = None
    _reached: dict[tuple[str, ...], Reached] = field(default_factory=dict)
    _groups: dict[str, Groups] = field(default_factory=dict)

    def reached(self, *names: str) -> Reached:
        """Return when cases have any of some activities; those that the log does not have never happen."""
        if names not in self._reached:
            self._reached[names] = reached(self.log, names, missing=True, threads=self.threads)
        return self._reached[names]

    def has(self, *names: str) -> NDArray[np.bool_]:
        """Return which cases have any of some activities."""
        return np.asarray(self.reached(*names).firsts != NEVER)

    def knows(self, *names: str) -> bool:
        """Whether the log has any of some activities."""
        return bool(wanted_activities(self.log, names, missing=True).any())

    def own_name(self, name: str) -> str | None:
        """Return what the log calls a canonical activity, if it has one name for it."""
        codes = np.flatnonzero(wanted_activities(self.log, [name], missing=True))
        return self.log.activities[int(codes[0])].as_py() if len(codes) == 1 else None

    @cached_property
    def value(self) -> NDArray[np.float64]:
        """Amount of each case in its currency; 0 where it is not known."""
        if self.amounts is None:
            return np.zeros(self.log.cases)
        return self.amounts.units / UNITS

    @cached_property
    def cash(self) -> NDArray[np.float64]:
        """Amount of each case that was won, ordered or invoiced; 0 for the others.

        In a log that has none of these activities, of every case.
        """
        if not self.knows(*CASH):
            return self.value
        return np.where(self.has(*CASH), self.value, 0.0)

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """What each case counts where the weightiest is looked for: its amount.

        One, where there are no amounts, or several currencies, which are never added.
        """
        one_currency = self.amounts is not None and len(self.amounts.currencies) == 1
        return self.value if one_currency else np.ones(self.log.cases)

    def delay_cost(self, cases: NDArray[np.int64], days: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what it costs to get the cash of cases so many days later."""
        return np.asarray(self.cash[cases] * days * self.capital_cost / 365)

    @cached_property
    def decided(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which cases are won and which are lost at the end of the log, by the later of both."""
        won, lost = self.reached(*WON).lasts, self.reached(*LOST).lasts
        again = self.reached("opportunity_reopened").lasts
        is_won = (won != NEVER) & (won >= np.maximum(lost, again))
        return is_won, (lost != NEVER) & (lost > won) & (lost >= again)

    @cached_property
    def cycle_days(self) -> NDArray[np.float64]:
        """Days from the creation of each opportunity to its win; NaN where it is not won."""
        begun, won = self.reached("opportunity_created").firsts, self.reached("opportunity_won").lasts
        there = (begun != NEVER) & (won != NEVER) & (won >= begun)
        return np.where(there, (won - np.where(there, begun, 0)) / DAY_US, np.nan)

    @cached_property
    def stalled(self) -> Stalled | None:
        """The deals that are stalled; None where too few are closed to tell."""
        log, (won, lost) = self.log, self.decided
        created = self.has("opportunity_created")
        closed = np.flatnonzero(created & (won | lost))
        if len(closed) < SMALLEST:
            return None
        gaps = np.diff(log.timestamps, prepend=log.timestamps[:1])
        gaps[log.case_offsets[:-1]] = 0
        ends = self.reached("opportunity_won", "opportunity_lost").lasts
        gaps[log.timestamps > np.repeat(ends, np.diff(log.case_offsets))] = 0  # what comes after the closing
        longest = np.maximum.reduceat(gaps, log.case_offsets[:-1])[closed]
        limit = float(np.quantile(longest, STALLED_AFTER)) / DAY_US
        idle = (log.span[1] - log.case_ends) / DAY_US
        return Stalled(self.hoped & (idle > limit), idle, limit)

    @cached_property
    def hoped(self) -> NDArray[np.bool_]:
        """Which cases are opportunities that are neither decided nor ordered."""
        won, lost = self.decided
        return self.has("opportunity_created") & ~won & ~lost & ~self.has("sales_order_created")

    @cached_property
    def due(self) -> NDArray[np.int64] | None:
        """The day by which each case is to be paid: as it says, or invoice sent plus terms."""
        due = self.days_of(DUE)
        if due is not None:
            return due
        terms = self.numbers(TERMS)
        sent = self.reached("invoice_sent").lasts
        if terms is None or not (sent != NEVER).any():
            return None
        known = (sent != NEVER) & np.isfinite(terms) & (np.abs(terms) < 10_000)
        terms = np.where(known, terms, 0).astype(np.int64)
        return np.where(known, np.where(known, sent, 0) // DAY_US + terms, NEVER)

    @cached_property
    def late(self) -> NDArray[np.int64] | None:
        """Days (UTC) from the one each case is due to that of its last payment; `NEVER` if not known."""
        due, paid = self.due, self.reached(*PAID).lasts
        if due is None:
            return None
        told = (due != NEVER) & (paid != NEVER)
        return np.where(told, np.where(told, paid, 0) // DAY_US - np.where(told, due, 0), NEVER)

    def attribute(self, names: Sequence[str]) -> str | None:
        """Return the first of some names that is an attribute of the case."""
        for name in names:
            if name in self.log.attribute_names and self.log.attribute(name).level == "case":
                return name
        return None

    def groups(self, names: Sequence[str]) -> Groups | None:
        """Return the groups by the first of some names that is an attribute of the case."""
        name = self.attribute(names)
        if name is None:
            return None
        if name not in self._groups:
            self._groups[name] = groups_of(self.log, name)
        return self._groups[name]

    def numbers(self, names: Sequence[str]) -> NDArray[np.float64] | None:
        """Return the first of some attributes as numbers, NaN for null; None where there is none."""
        name = self.attribute(names)
        values = None if name is None else self.log.attribute(name).values
        if values is None or pa.types.is_boolean(values.type):
            return None
        if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)
                or pa.types.is_decimal(values.type)):  # fmt: skip
            return None
        return np.asarray(values.cast(pa.float64(), safe=False).fill_null(np.nan))

    def days_of(self, names: Sequence[str]) -> NDArray[np.int64] | None:
        """Return the first of some attributes of dates as days since 1970-01-01; `NEVER` for null.

        Where it varies within cases, as with several invoices, the last day counts.
        """
        for name in names:
            attribute = self.log.attribute(name) if name in self.log.attribute_names else None
            if attribute is None:
                continue
            values = attribute.values
            if not (pa.types.is_date(values.type) or pa.types.is_timestamp(values.type)):
                continue
            instants = np.asarray(values.cast(pa.timestamp("us")).cast(pa.int64()).fill_null(NEVER))
            days = np.where(instants == NEVER, NEVER, instants // DAY_US)
            if attribute.level == "case":
                return days
            return np.asarray(np.maximum.reduceat(days, self.log.case_offsets[:-1]))
        return None

    @cached_property
    def today(self) -> int:
        """The day of the export, else of the last event, as days since 1970-01-01 (UTC)."""
        coverage = self.log.origin.coverage
        last = self.log.span[1] // DAY_US
        if coverage is None or coverage.exported is None:
            return last
        return max(last, moment_us(moment(coverage.exported, "exported")) // DAY_US)


Source = Callable[[Context], Iterable[Candidate]]
"""Looks at a log and yields what may matter; it yields nothing where the log cannot tell."""


def shown_activity(name: str, language: str) -> str:
    """Return the name of an activity of a log in a language, if it is a canonical one.

    Examples
    --------
    >>> shown_activity("Quote Accepted", "fr"), shown_activity("Coffee", "fr")
    ('Devis accepté', 'Coffee')
    """
    meant = activity_of_label(name).activity
    return name if meant is None else activity_label(meant, language)
