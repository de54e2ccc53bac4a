"""The funnel: how many cases reach each step, go on, are lost or still open there, and how fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pyarrow as pa

from dealtrace_engine.analyses.case_rows import CaseRows
from dealtrace_engine.analyses.funnel_steps import Steps, funnel_steps
from dealtrace_engine.analyses.funnel_tables import FunnelCases, funnel_groups, funnel_rows, funnel_values
from dealtrace_engine.analyses.grouping import By, groups_of
from dealtrace_engine.analyses.money import amounts_of
from dealtrace_engine.analyses.stage_visits import EPOCH, end_of
from dealtrace_engine.analyses.working_time import Calendar, working_time
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.filters.values import Moment
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress
from dealtrace_engine.quality import Finding
from dealtrace_engine.results import Later, LogReference, Result

SHARES = tuple(
    f"{name}{end}" for name in ("conversion", "decided", "from_first") for end in ("", "_low", "_high")
)
OWN = (
    "step", "place", "cases", "repeated", "occurrences", "converted", "direct", *SHARES, "passed_over",
    "lost", "drop_off", "open", "p50_s", "p90_s", "mean_s", "out_of_order", "note", "rank", "completed",
    "currency", "value", "value_lost", "value_open", "unknown",
)  # fmt: skip
"""Names that no attribute in `by` can have."""


@dataclass(frozen=True, eq=False)
class Funnel(Result):
    """A funnel.

    Attributes
    ----------
    table : pyarrow.Table
        One row per group and step, by group, then in the order of the steps. Every case that reached a step
        either goes on to the next, or passes it over for a later one, or is lost here, or is open here.

        - columns of `by`
        - step: text; place: int64, from 1
        - cases: int64, that reached it; repeated: int64, those of them in which it happens more than once;
          occurrences: int64; in a strict funnel from when it counts
        - converted: int64, cases that reached it and the step before; direct: int64, without the step before
        - conversion: float64, converted / cases of the step before; conversion_low, conversion_high: Wilson's
          interval; null for the first step
        - decided, decided_low, decided_high: the same without the cases that are open at the step before
        - from_first, from_first_low, from_first_high: cases that reached it and the first step / cases of
          the first step
        - passed_over: int64, cases that never reach the next step but a later one
        - lost: int64, cases that are lost and reached no later step; drop_off: float64, their share of cases
        - open: int64, cases that are not lost and reached no later step: they may still do so
        - p50_s, p90_s, mean_s: float64, time from the step before in seconds; out_of_order: int64, cases that
          reached it earlier than the step before, which are not in these
        - note: text, what cannot be said and why
    groups : pyarrow.Table
        One row per group, best first: rank: int64; columns of `by`; cases: int64, that reached the first
        step; completed: those of them that reached the last; lost, open: int64, of the others, by whether
        they are lost; conversion, conversion_low, conversion_high: completed / cases; decided, decided_low,
        decided_high: completed / (completed + lost), by which they are ranked, null last.
    steps : tuple of str
    strict : bool
    confidence : float
    until : datetime
        End of what is looked at, UTC.
    notes : list of str
        Steps that the log does not have, and what else limits the figures.
    findings : list of Finding
        Of the amounts.
    """

    table: pa.Table
    groups: pa.Table
    steps: tuple[str, ...]
    strict: bool
    confidence: float
    until: datetime
    notes: list[str]
    findings: list[Finding]
    _values: Later[pa.Table | None]
    _reached: CaseRows
    _lost: CaseRows
    _open: CaseRows
    _log: LogReference
    definition: ClassVar[str] = "funnel 1"

    @property
    def values(self) -> pa.Table | None:
        """Money by group, step and currency; None without `value`.

        Columns of `by`; step, currency: text; cases, lost, open: int64; value, value_lost, value_open:
        float64; unknown: int64, cases without an amount.
        """
        return self._values()

    def cases(self, row: int) -> pa.LargeStringArray:
        """Return the ids of the cases that reached the step of a row of `table`.

        Raises
        ------
        ArgumentError
            There is no such row.
        """
        return self._reached.cases(row)

    def dropped(self, row: int) -> pa.LargeStringArray:
        """Return the ids of the cases that are lost at the step of a row; see `cases`."""
        return self._lost.cases(row)

    def open_cases(self, row: int) -> pa.LargeStringArray:
        """Return the ids of the cases that are open at the step of a row; see `cases`."""
        return self._open.cases(row)

    @property
    def _table(self) -> pa.Table:
        return self.table

    def _content(self) -> dict[str, Any]:
        return {
            "funnel": self.table, "groups": self.groups, "values": self.values, "steps": self.steps,
            "strict": self.strict, "confidence": self.confidence, "until": self.until.isoformat(),
            "notes": self.notes,
            "findings": [{"reason": found.reason, "count": found.count} for found in self.findings],
        }  # fmt: skip

    def __repr__(self) -> str:
        return f"Funnel: {' > '.join(self.steps)}{', strict' if self.strict else ''}"


def funnel(
    log: EventLog,
    steps: Steps | None = None,
    *,
    by: By = None,
    where: Expression | None = None,
    value: str | None = None,
    currency: str | None = None,
    calendar: Calendar | None = None,
    strict: bool = False,
    lost: str | Sequence[str] | None = None,
    confidence: float = 0.95,
    until: Moment | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Funnel:
    """Return how cases go through the steps of a funnel.

    Cases that begin before the history that alone tells a step (`Coverage.horizons`) are in no figure, as
    what they reached cannot be told. Those that begin before the history of losses and have none count as
    open. Notes count both.

    Parameters
    ----------
    log : EventLog
    steps : sequence of steps, or mapping of names to steps, optional
        Each a milestone, an activity by the log's name or canonical id, or several of them; by default the
        steps from lead to payment that the log has.
    by : str or sequence of str, optional
        Attributes of the case.
    where : Expression, optional
        Which cases or events; made with `dealtrace.where`.
    value : str, optional
        Attribute of the case with its amount; currencies are never added.
    currency : str, optional
        Attribute of the case with its currency; found by its name by default.
    calendar : WorkingCalendar or Calendars, optional
        Makes all times working time: seconds of work.
    strict : bool
        Whether a step counts only after the one before it; else in whichever order steps happen, and a case
        may leave some out.
    lost : str or sequence of str, optional
        Activities with which a case is lost, until a further step follows, or it is won or reopened; by
        default ``opportunity_lost`` and ``lead_disqualified``.
    confidence : float
        Of the intervals.
    until : str, date or datetime, optional
        Later events are not looked at; by default the time of the export, or of the last event.
    threads : int, optional
        All CPUs by default; the result does not depend on it.
    progress : callable (done, of) -> object, optional
        Returning False cancels.

    Returns
    -------
    Funnel

    Raises
    ------
    ArgumentError
        There are less than two steps, one is there twice, the confidence is not between 0 and 1, or a case
        has no calendar.
    SchemaError
        There is no such activity or attribute.
    LogError
        The log has less than two of the ready steps, or nothing passes the filter.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the
    American Statistical Association 22(158), 1927.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({
    ...     "case": ["1", "1", "2", "2", "3"],
    ...     "activity": ["Quote Issued", "Quote Accepted", "Quote Issued", "Opportunity Closed Lost",
    ...                  "Quote Issued"],
    ...     "time": ["2024-01-01", "2024-01-03", "2024-01-02", "2024-01-05", "2024-01-06"]}))
    >>> found = funnel(log, ["quote_issued", "quote_accepted"])
    >>> found.table.select(["step", "cases", "lost", "open", "p50_s"]).to_pylist()[0]
    {'step': 'quote_issued', 'cases': 3, 'lost': 1, 'open': 1, 'p50_s': None}
    >>> found.table["decided"].to_pylist(), found.dropped(0).to_pylist()
    ([None, 0.5], ['2'])
    """
    if not isinstance(confidence, float) or not 0 < confidence < 1:
        raise ArgumentError(f"confidence is a number between 0 and 1, got {confidence!r}")
    end = end_of(log, until)
    chosen = log if where is None else log.filter(where)
    groups = groups_of(chosen, by, taken=OWN)
    amounts = None if value is None else amounts_of(chosen, value, currency)
    reached = funnel_steps(chosen, steps, end, strict=strict, lost=lost, threads=threads, progress=progress)
    cases = FunnelCases.of(reached, groups, threads)
    ids = Later(lambda: chosen.case_ids)
    measure = None if calendar is None else working_time(chosen, calendar, *chosen.span)
    nowhere = int((cases.furthest < 0).sum()) - reached.older
    notes = [*reached.notes, *([f"{nowhere:,} cases reach no step"] if nowhere else [])]
    findings = [] if amounts is None else amounts.findings
    return Funnel(
        funnel_rows(cases, confidence, measure, threads), funnel_groups(cases, confidence), reached.names,
        strict, confidence, EPOCH + timedelta(microseconds=end), notes, findings,
        Later(lambda: None if amounts is None else funnel_values(cases, amounts)),
        cases.rows(ids, "cases"), cases.rows(ids, "lost"), cases.rows(ids, "open"), LogReference(chosen),
    )  # fmt: skip
