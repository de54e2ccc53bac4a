"""What KPIs are told from: when cases and their records reach what, and how they ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.horizons import known_since
from dealtrace_engine.analyses.invoices import Invoices, invoices_of
from dealtrace_engine.analyses.milestones import NEVER, Reached, reached, wanted_activities
from dealtrace_engine.analyses.money import MOST, UNITS, Amounts
from dealtrace_engine.attributes import codes_of, is_number
from dealtrace_engine.buffers import arrow, view
from dealtrace_engine.errors import ArgumentError, SchemaError
from dealtrace_engine.lead_to_cash.kpi_registry import Grain
from dealtrace_engine.log import EventLog
from dealtrace_engine.results import Later

OPEN, WON, LOST, DISQUALIFIED = range(4)
DECIDES = {
    "opportunity_reopened": OPEN, "opportunity_won": WON, "opportunity_lost": LOST,
    "lead_disqualified": DISQUALIFIED,
}  # fmt: skip
RECORDS: tuple[Grain, ...] = ("quote", "order", "invoice")
"""Grains of which a case may have several, told apart by the ids of their records."""
DAY = 86_400_000_000
Measure = Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]], NDArray[np.int64]]


class Records(NamedTuple):
    """The business records of one kind, each once, in the case that has it first.

    Attributes
    ----------
    cases : ndarray of int64, shape (records,)
    events, of_event : ndarray of int64, shape (their events,)
        Positions in the log, in its order, and the record of each.
    """

    cases: NDArray[np.int64]
    events: NDArray[np.int64]
    of_event: NDArray[np.int64]


@dataclass(eq=False)
class Facts:
    """A log, seen through canonical activities; what was found is kept.

    Attributes
    ----------
    log : EventLog
    until : int
        The instant to which the log tells what happened, microseconds UTC.
    deviations : Later of ndarray of int64, shape (cases,)
        How often each case breaks rules; -1 where it was not checked.
    pack : str or None
        What the rules are called; None where only the caller knows them.
    amounts : Amounts or None
        What each case is worth.
    threads : int or None
    measure : callable (sources, targets, cases) -> ndarray of int64, or None
        What tells the working time between instants of cases; by the clock where there is none.
    """

    log: EventLog
    until: int
    deviations: Later[NDArray[np.int64]]
    pack: str | None = None
    amounts: Amounts | None = None
    threads: int | None = None
    measure: Measure | None = None
    _marks: dict[tuple[str, ...], NDArray[np.bool_]] = field(default_factory=dict)
    _reached: dict[tuple[str, ...], Reached] = field(default_factory=dict)
    _records: dict[str, Records | None] = field(default_factory=dict)
    _repeated: dict[str, NDArray[np.bool_]] = field(default_factory=dict)

    def marks(self, *activities: str) -> NDArray[np.bool_]:
        """Return which of the log's activities are meant."""
        if activities not in self._marks:
            self._marks[activities] = wanted_activities(self.log, activities, missing=True)
        return self._marks[activities]

    def has(self, *activities: str) -> bool:
        """Whether the log has any of these activities."""
        return bool(self.marks(*activities).any())

    def known_since(self, *activities: str) -> int:
        """Return the instant since which the log can tell all of these; `NEVER` where it always can."""
        return known_since(self.log, activities)

    def reached(self, *activities: str) -> Reached:
        """Return when cases have any of these activities."""
        if activities not in self._reached:
            self._reached[activities] = reached(self.log, activities, missing=True, threads=self.threads)
        return self._reached[activities]

    def ever(self, *activities: str) -> NDArray[np.bool_]:
        """Return which cases have any of these activities, shape (cases,)."""
        return np.asarray(self.reached(*activities).counts > 0)

    def positions(self, *activities: str) -> NDArray[np.int64]:
        """Return the events that are one of these activities, in the order of the log."""
        return np.flatnonzero(self.marks(*activities)[self.log.activity_codes])

    @cached_property
    def case_of_event(self) -> NDArray[np.int32]:
        """The case of each event, shape (events,)."""
        return np.repeat(np.arange(self.log.cases, dtype=np.int32), np.diff(self.log.case_offsets))

    @cached_property
    def state(self) -> NDArray[np.int8]:
        """What the last decision of each case was, shape (cases,): `OPEN` where there is none."""
        state = np.full(self.log.cases, OPEN, dtype=np.int8)
        meaning = np.full(len(self.log.activities), OPEN, dtype=np.int8)
        for activity, code in DECIDES.items():
            meaning[self.marks(activity)] = code
        events = self.positions(*DECIDES)
        state[self.case_of_event[events]] = meaning[self.log.activity_codes[events]]  # the last one stays
        return state

    @cached_property
    def created(self) -> NDArray[np.int64]:
        """When each case was: its opportunity, or else the case began; shape (cases,)."""
        firsts = self.reached("opportunity_created").firsts
        return np.where(firsts == NEVER, self.log.timestamps[self.log.case_offsets[:-1]], firsts)

    @cached_property
    def closed(self) -> NDArray[np.int64]:
        """When each case was decided; `NEVER` where it is open; shape (cases,)."""
        decided = self.reached("opportunity_won", "opportunity_lost", "lead_disqualified").lasts
        return np.where(self.state == OPEN, NEVER, decided)

    @cached_property
    def lapsed(self) -> NDArray[np.bool_]:
        """Which cases are lost or disqualified, so that nothing is to come; shape (cases,)."""
        return np.asarray((self.state == LOST) | (self.state == DISQUALIFIED))

    @cached_property
    def has_records(self) -> bool:
        """Whether events say to which business record they happened."""
        return {"object", "record_id"} <= set(self.log.attribute_names)

    @cached_property
    def worth(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The amount of each case in 1/10,000, and which have one that counts: none below 0 does."""
        amounts = self.amounts
        if amounts is None:
            return np.zeros(self.log.cases, dtype=np.int64), np.zeros(self.log.cases, dtype=np.bool_)
        return amounts.units, amounts.known & (amounts.units >= 0)

    def records(self, kind: Grain) -> Records | None:
        """Return the records of a kind; None where the log does not tell them apart."""
        if kind not in self._records:
            self._records[kind] = self._found(kind) if self.has_records else None
        return self._records[kind]

    def _found(self, kind: Grain) -> Records | None:
        chosen = np.flatnonzero(self._of_object(kind))
        if not len(chosen):
            return None
        ids = self._record_codes[chosen]
        known = ids >= 0
        chosen, ids = chosen[known], ids[known]
        _, firsts, of_event = np.unique(ids, return_index=True, return_inverse=True)
        if kind == "quote":
            firsts, of_event = self._with_revisions(chosen, firsts, of_event)
        cases = self.case_of_event[chosen[firsts]].astype(np.int64)  # in the order of the log: its first case
        own = self.case_of_event[chosen] == cases[of_event]
        return Records(cases, chosen[own], of_event[own].astype(np.int64))

    def _with_revisions(
        self, events: NDArray[np.int64], firsts: NDArray[np.int64], of_event: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Count revisions that have ids of their own as the quote created before them in the case."""
        created = np.zeros(len(firsts), dtype=np.bool_)
        created[of_event[self.marks("quote_created")[self.log.activity_codes[events]]]] = True
        order = np.argsort(firsts, kind="stable")
        place = np.maximum.accumulate(np.where(created[order], np.arange(len(order)), -1))
        before = order[np.maximum(place, 0)]
        cases = self.case_of_event[events[firsts]]
        joins = (place >= 0) & (cases[before] == cases[order])
        quote = np.arange(len(firsts))
        quote[order[joins]] = before[joins]
        _, firsts, of_event = np.unique(quote[of_event], return_index=True, return_inverse=True)
        return firsts, of_event

    @cached_property
    def case_object(self) -> str | None:
        """Of which kind the records are that the cases are, where it is quotes, orders or invoices."""
        import pyarrow.compute as pc  # late: 50 ms

        if not self.has_records or not self.log.cases:
            return None
        ids = self.log.attribute("record_id").per_event(self.log.case_offsets)
        for kind in RECORDS:
            of_kind = pc.unique(ids.filter(arrow(self._of_object(kind)))).cast(pa.large_string())
            if pc.all(pc.is_in(self.log.case_ids, value_set=of_kind)).as_py():
                return kind
        return None

    @cached_property
    def _record_codes(self) -> NDArray[np.int32]:
        """A code for the record of each event, below zero where none is known, shape (events,)."""
        return codes_of(self.log.attribute("record_id").per_event(self.log.case_offsets))

    @cached_property
    def _objects(self) -> tuple[NDArray[np.int32], list[str | None]]:
        """A code for the kind of record of each event, shape (events,), and what the codes stand for."""
        objects = self.log.attribute("object").per_event(self.log.case_offsets)
        objects = objects if pa.types.is_dictionary(objects.type) else objects.dictionary_encode()
        return view(objects.indices.cast(pa.int32()).fill_null(-1)), objects.dictionary.to_pylist()

    def _of_object(self, kind: str) -> NDArray[np.bool_]:
        codes, kinds = self._objects
        wanted = kinds.index(kind) if kind in kinds else -2
        return np.asarray(codes == wanted)

    def of_records(self, records: Records, *activities: str) -> Reached:
        """Return when records have any of these activities; see `Reached`."""
        wanted = self.marks(*activities)[self.log.activity_codes[records.events]]
        numbers, times = records.of_event[wanted], self.log.timestamps[records.events[wanted]]
        count = len(records.cases)
        firsts, lasts = np.full(count, np.iinfo(np.int64).max), np.full(count, NEVER)
        np.minimum.at(firsts, numbers, times)
        np.maximum.at(lasts, numbers, times)
        counts = np.bincount(numbers, minlength=count).astype(np.int64)
        return Reached(np.where(counts > 0, firsts, NEVER), lasts, counts)

    def record_amounts(
        self, records: Records, value: str
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]] | None:
        """Return the last amount of each record in 1/10,000, and which have one; None without a column."""
        name = f"event_{value}"
        if name not in self.log.attribute_names:
            return None
        attribute = self.log.attribute(name)
        if attribute.level != "event" or not is_number(attribute.values.type):
            return None
        amounts = np.asarray(attribute.values.cast(pa.float64(), safe=False).fill_null(np.nan))[
            records.events
        ]
        known = np.isfinite(amounts) & (np.abs(amounts) <= MOST)
        units, has = (
            np.zeros(len(records.cases), dtype=np.int64),
            np.zeros(len(records.cases), dtype=np.bool_),
        )
        units[records.of_event[known]] = np.rint(amounts[known] * UNITS).astype(np.int64)
        has[records.of_event[known]] = True
        return units, has

    def repeated(self, kind: Grain) -> NDArray[np.bool_]:
        """Return which cases tell of a lead or opportunity that an earlier case has too, shape (cases,)."""
        if kind not in self._repeated:
            self._repeated[kind] = self._found_again(kind)
        return self._repeated[kind]

    def _found_again(self, kind: Grain) -> NDArray[np.bool_]:
        again = np.zeros(self.log.cases, dtype=np.bool_)
        if kind not in ("lead", "opportunity") or not self.has_records:
            return again
        chosen = np.flatnonzero(self._of_object(kind))
        ids, cases = self._record_codes[chosen], self.case_of_event[chosen]
        first = np.full(int(ids.max(initial=-1)) + 1, self.log.cases, dtype=np.int64)
        known = ids >= 0
        np.minimum.at(first, ids[known], cases[known])
        again[cases[known][cases[known] != first[ids[known]]]] = True
        return again

    def numbers(self, *names: str) -> NDArray[np.float64] | None:
        """Return the numbers of each case in the first of these that the log has, NaN for null."""
        for name in names:
            if name in self.log.attribute_names:
                values = self.log.attribute(name)
                if values.level == "case" and is_number(values.values.type):
                    return np.asarray(values.values.cast(pa.float64(), safe=False).fill_null(np.nan))
        return None

    @cached_property
    def invoices(self) -> Invoices | str:
        """What was invoiced, due and paid, as `receivables` tells it, or why that cannot be read."""
        try:
            return invoices_of(self.log, until=date(1970, 1, 1) + timedelta(days=self.until // DAY),
                               threads=self.threads)  # fmt: skip
        except SchemaError as error:
            return error.what

    def texts(self, *names: str) -> NDArray[np.int64] | None:
        """Return codes of the first of these that events have, -1 for null, shape (events,); None without."""
        for name in names:
            known = name in self.log.attribute_names or name in self.log.origin.roles
            if known and self.log.attribute(name).level == "event":
                values = self.log.attribute(name).values
                return np.where(np.asarray(values.is_valid()), codes_of(values), -1).astype(np.int64)
        return None

    def owners(self, names: Sequence[str]) -> NDArray[np.int64] | None:
        """Return codes of the first of these attributes of the case, -1 for null; None without."""
        for name in names:
            if name in self.log.attribute_names and self.log.attribute(name).level == "case":
                values = self.log.attribute(name).values
                return np.where(np.asarray(values.is_valid()), codes_of(values), -1).astype(np.int64)
        return None


def last_instant(log: EventLog) -> int:
    """Return to which instant a log tells what happened: when it was exported, or else its last event.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"], "activity": ["a"], "time": ["1970-01-02"]}))
    >>> last_instant(log) == DAY
    True
    """
    exported = None if log.origin.coverage is None else log.origin.coverage.exported
    last = int(log.timestamps.max(initial=0))
    return last if exported is None else max(last, microseconds_of(exported))


def microseconds_of(instant: str | date, what: str = "an instant") -> int:
    """Return an instant in microseconds since 1970-01-01 UTC; UTC where it says no zone.

    Raises
    ------
    ArgumentError
        It is no instant: `what` is what it is called.

    Examples
    --------
    >>> microseconds_of("1970-01-02")
    86400000000
    """
    try:
        moment = datetime.fromisoformat(instant if isinstance(instant, str) else instant.isoformat())
    except (ValueError, AttributeError) as error:
        raise ArgumentError(f"{what} is no instant: {instant!r}", hint="such as 2025-12-31") from error
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def periods_of(instants: NDArray[np.int64], period: str) -> tuple[NDArray[np.int64], list[str]]:
    """Return in which period instants are, UTC, as places in a list of names; -1 where there is none.

    Parameters
    ----------
    instants : ndarray of int64, shape (n,)
        Microseconds; `NEVER` for none.
    period : {"month", "quarter", "year"}

    Examples
    --------
    >>> periods_of(np.array([0, NEVER, 40 * DAY]), "month")
    (array([ 0, -1,  1]), ['1970-01', '1970-02'])
    """
    known = instants != NEVER
    moments = np.where(known, instants, 0).astype("datetime64[us]")
    months = moments.astype("datetime64[M]").astype(np.int64)
    size = {"month": 1, "quarter": 3, "year": 12}[period]
    distinct, places = np.unique((months // size)[known], return_inverse=True)
    codes = np.full(len(instants), -1, dtype=np.int64)
    codes[known] = places
    return codes, [_period_name(int(number) * size, period) for number in distinct.tolist()]


def _period_name(month: int, period: str) -> str:
    year, month = 1970 + month // 12, month % 12
    return {"month": f"{year}-{month + 1:02}", "quarter": f"{year}-Q{month // 3 + 1}", "year": f"{year}"}[
        period
    ]
