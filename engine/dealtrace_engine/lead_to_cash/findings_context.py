"""What the sources of findings look at, and what they hand over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.grouping import Groups, groups_of
from dealtrace_engine.analyses.invoices import UNKNOWN, Invoices, invoices_of
from dealtrace_engine.analyses.milestones import NEVER, Reached, reached, wanted_activities
from dealtrace_engine.analyses.money import UNITS, Amounts
from dealtrace_engine.analyses.stage_figures import Measure
from dealtrace_engine.analyses.stage_visits import end_of
from dealtrace_engine.analyses.working_time import Calendar, Instants, working_time
from dealtrace_engine.attributes import is_number
from dealtrace_engine.errors import DealtraceError, LogError
from dealtrace_engine.filters import where
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.log import EventLog
from dealtrace_engine.patterns.lexer import quoted
from dealtrace_engine.selection import select_cases
from dealtrace_engine.sources.labels import activity_label
from dealtrace_engine.sources.meanings import activity_of_label

Days = NDArray[np.float64]
DAY_US = 86_400_000_000
ACTIVITY = "activity:"
"""What begins the name of an activity that is put into the language."""
SMALLEST = 30
"""So many cases make a finding about a group, a person or a step."""
WON = ("opportunity_won",)
LOST = ("opportunity_lost", "lead_disqualified")
REOPENED = "opportunity_reopened"
STALLED_AFTER = 0.95
"""Deals that wait for longer than this share of closed ones ever did are stalled."""
SURE = 3.0
"""So many standard errors away from the others is no chance."""
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
        Of delay in each; working time where `numbers` have ``day_hours``.
    numbers : mapping of str to float
        For the sentence: ``*_share`` are parts of one, ``*_days`` days, others are counted.
    names : mapping of str to str
        For the sentence: what the log calls something; ``activity:`` and a name is put into the language.
    filter : Expression or None
        The cases, where an expression can say it; one that selects others is not told.
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
        In one currency.
    capital_cost : float
        Part of an amount that its delay by a year costs.
    discount_limit : float
        Percent above which a discount needs an approval.
    threads : int or None
    until : datetime or None
        As of when it is told; None as the log tells it.
    calendar : WorkingCalendar or Calendars, or None
        By which waiting is told; None for the clock. Money is by the clock, as interest runs at night too.
    whole : EventLog or None
        The log that has the cases of all currencies; None where that is `log`.
    """

    log: EventLog
    amounts: Amounts | None
    capital_cost: float = 0.08
    discount_limit: float = 20.0
    threads: int | None = None
    until: datetime | None = None
    calendar: Calendar | None = None
    whole: EventLog | None = None
    _reached: dict[tuple[str, ...], Reached] = field(default_factory=dict)
    _groups: dict[str, Groups] = field(default_factory=dict)

    def of_cases(self, own: NDArray[np.bool_], currency: str | None) -> Context:
        """Return the same for the cases of one currency.

        Parameters
        ----------
        own : ndarray of bool, shape (cases,)
        currency : str or None
        """
        assert self.amounts is not None
        amounts = Amounts(self.amounts.units[own], self.amounts.known[own], (currency,),
                          np.zeros(int(own.sum()), dtype=np.int32))  # fmt: skip
        log = select_cases(self.log, own, f"currency {currency}", self.threads)
        return replace(self, log=log, amounts=amounts, whole=self.log, _reached={}, _groups={})

    @cached_property
    def by_clock(self) -> Context:
        """The same with all days by the clock, as money counts them."""
        return self if self.calendar is None else replace(self, calendar=None)

    @cached_property
    def measure(self) -> Measure | None:
        """What tells the working time between instants of cases; None for the clock."""
        if self.calendar is None:
            return None
        first, last = self.log.span
        return working_time(self.log, self.calendar, first, max(last, end_of(self.log, self.until)))

    @property
    def unit(self) -> dict[str, float]:
        """What the sentence of a finding tells of its days: nothing of those by the clock."""
        return {} if self.calendar is None else {"day_hours": 24.0}

    def took(self, sources: Instants, targets: Instants, cases: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the time between instants of cases, in microseconds: of work, where there is a calendar."""
        return targets - sources if self.measure is None else self.measure(sources, targets, cases)

    def in_both(self, told: Callable[[Context], Days]) -> tuple[Days, Days]:
        """Return days as they are told, and by the clock."""
        days = told(self)
        return days, days if self.calendar is None else told(self.by_clock)

    @cached_property
    def case_of_event(self) -> NDArray[np.int64]:
        """The case of each event, shape (events,)."""
        return np.repeat(np.arange(self.log.cases), np.diff(self.log.case_offsets))

    def reached(self, *names: str) -> Reached:
        """Return when cases have any of some activities; those that the log does not have never happen."""
        if names not in self._reached:
            self._reached[names] = reached(self.log, names, missing=True, threads=self.threads)
        return self._reached[names]

    def has(self, *names: str) -> NDArray[np.bool_]:
        """Return which cases have any of some activities."""
        return np.asarray(self.reached(*names).firsts != NEVER)

    def knows(self, *names: str) -> bool:
        """Whether the log has any of some activities, be it in cases of another currency."""
        return bool(wanted_activities(self.whole or self.log, names, missing=True).any())

    def own_names(self, *names: str) -> list[str]:
        """Return what the log calls some canonical activities."""
        codes = np.flatnonzero(wanted_activities(self.log, names, missing=True))
        return [self.log.activities[int(code)].as_py() for code in codes]

    def own_name(self, name: str) -> str | None:
        """Return what the log calls a canonical activity, if it has one name for it."""
        found = self.own_names(name)
        return found[0] if len(found) == 1 else None

    def ended(self, done: Sequence[str], undone: Sequence[str]) -> Expression:
        """Return a condition for cases in which any of some activities happens and none of others after it.

        Parameters
        ----------
        done, undone : sequence of str
            Canonical activities.

        Raises
        ------
        LogError
            The log has none of `done`.
        """
        sets = [" | ".join(map(quoted, self.own_names(*names))) for names in (done, undone)]
        if not sets[0]:
            raise LogError(f"no activity of the log means {' or '.join(done)}",
                           file=self.log.origin.source.label)  # fmt: skip
        return where.pattern(f"[{sets[0]}] -> ![{sets[1]}]* -> $" if sets[1] else f"[{sets[0]}]")

    @property
    def is_won(self) -> Expression:
        """The deals that are won, as `decided` has them."""
        return self.ended(WON, (*LOST, REOPENED))

    @property
    def is_closed(self) -> Expression:
        """The deals that are won or lost, as `decided` has them."""
        return self.ended((*WON, *LOST), [REOPENED])

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
        """What each case counts where the weightiest is looked for: its amount; one without amounts."""
        return np.ones(self.log.cases) if self.amounts is None else self.value

    def delay_cost(self, cases: NDArray[np.int64], days: Days | float) -> NDArray[np.float64]:
        """Return what it costs to get the cash of cases so many days, by the clock, later."""
        return np.asarray(self.cash[cases] * days * self.capital_cost / 365)

    @cached_property
    def decided(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which cases are won and which are lost at the end of the log, by the last of both."""
        said = np.zeros(len(self.log.activities), dtype=np.int8)
        for names, meaning in ((WON, 1), (LOST, 2), ((REOPENED,), 3)):
            said[wanted_activities(self.log, names, missing=True)] = meaning
        events = np.flatnonzero(said[self.log.activity_codes])
        found = np.zeros(self.log.cases, dtype=np.int8)
        found[self.case_of_event[events]] = said[self.log.activity_codes[events]]  # the last one stays
        return found == 1, found == 2

    @cached_property
    def cycle_days(self) -> NDArray[np.float64]:
        """Days from the creation of each opportunity to its win; NaN where it is not won."""
        begun, won = self.reached("opportunity_created").firsts, self.reached("opportunity_won").lasts
        cases = np.flatnonzero((begun != NEVER) & (won != NEVER) & (won >= begun))
        days = np.full(self.log.cases, np.nan)
        days[cases] = self.took(begun[cases], won[cases], cases) / DAY_US
        return days

    @cached_property
    def stalled(self) -> Stalled | None:
        """The deals that are stalled; None where too few are closed to tell."""
        log, (won, lost) = self.log, self.decided
        created = self.has("opportunity_created")
        closed = np.flatnonzero(created & (won | lost))
        if len(closed) < SMALLEST:
            return None
        before = np.concatenate((log.timestamps[:1], log.timestamps[:-1]))
        gaps = self.took(before, log.timestamps, self.case_of_event)
        gaps[log.case_offsets[:-1]] = 0
        ends = self.reached("opportunity_won", "opportunity_lost").lasts
        gaps[log.timestamps > np.repeat(ends, np.diff(log.case_offsets))] = 0  # what comes after the closing
        longest = np.maximum.reduceat(gaps, log.case_offsets[:-1])[closed]
        limit = float(np.quantile(longest, STALLED_AFTER)) / DAY_US
        end = np.full(log.cases, end_of(log, self.until))
        idle = self.took(log.case_ends, end, np.arange(log.cases)) / DAY_US
        return Stalled(self.hoped & (idle > limit), idle, limit)

    @cached_property
    def hoped(self) -> NDArray[np.bool_]:
        """Which cases are opportunities that are neither decided nor ordered."""
        won, lost = self.decided
        return self.has("opportunity_created") & ~won & ~lost & ~self.has("sales_order_created")

    @cached_property
    def invoices(self) -> Invoices | None:
        """The invoices; None where the log has none, or nothing says when they are due."""
        try:
            found = invoices_of(self.log, until=self.until, threads=self.threads)
        except DealtraceError:  # its due dates cannot be read
            return None
        return found if (found.issued & (found.due != UNKNOWN)).any() else None

    @cached_property
    def late(self) -> NDArray[np.int64] | None:
        """Days (UTC) from the one each invoice is due to that of its last payment; `NEVER` if not known."""
        found = self.invoices
        if found is None:
            return None
        told = found.is_paid & (found.due != UNKNOWN)
        return np.where(told, np.where(told, found.paid, 0) - np.where(told, found.due, 0), NEVER)

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
        if values is None or not is_number(values.type):
            return None
        return np.asarray(values.cast(pa.float64(), safe=False).fill_null(np.nan))


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
