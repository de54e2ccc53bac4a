"""Stages: how long cases stay in each, what they skip, where they return to and where they are stuck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar

import pyarrow as pa

from dealtrace_engine.analyses.case_rows import CaseRows
from dealtrace_engine.analyses.funnel_steps import coverage_notes
from dealtrace_engine.analyses.grouping import By, groups_of
from dealtrace_engine.analyses.money import amounts_of
from dealtrace_engine.analyses.stage_model import StageModel, case_stage_table, cases_of, rows_of, stage_rows
from dealtrace_engine.analyses.stage_model import stage_model as model_of
from dealtrace_engine.analyses.stage_moves import moves_of, stage_values, stuck_deals, transition_table
from dealtrace_engine.analyses.stage_source import StageSource, stage_source
from dealtrace_engine.analyses.stage_visits import EPOCH, end_of, stage_order, stage_visits
from dealtrace_engine.analyses.working_time import Calendar, working_time
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.filters.values import Moment
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress
from dealtrace_engine.quality import Finding
from dealtrace_engine.results import Later, LogReference, Result

OWN = (
    "stage", "place", "closed", "cases", "visits", "completed", "p50_s", "p90_s", "mean_s", "case_p50_s",
    "case_p90_s", "case_mean_s", "skips", "returns_in", "returns_out", "reentries", "now", "stuck",
    "stuck_limit_s", "pushes", "amount_changes", "owner_changes", "note", "from", "to", "kind", "passed",
    "count", "case_id", "since", "age_s", "limit_s", "times_limit", "value", "currency", "unknown",
    "value_now", "value_stuck",
)  # fmt: skip
"""Names that no attribute in `by` can have."""


@dataclass(frozen=True, eq=False)
class Stages(Result):
    """Stages of cases.

    Attributes
    ----------
    table : pyarrow.Table
        One row per group and stage, by group, then in the order of the stages.

        - columns of `by`
        - stage: text; place: int64, from 1; closed: bool, whether the case is over in it
        - cases: int64, that were in it; visits, completed: int64, those of them that are over
        - p50_s, p90_s, mean_s: float64, dwell time of completed visits in seconds; null without any
        - case_p50_s, case_p90_s, case_mean_s: float64, dwell time in total of cases not in it now
        - skips: int64, cases that moved from before it to after it, or were won before it, and never were
          in it; a move to a lost stage skips nothing
        - returns_in, returns_out: int64, moves back to it from a later stage, and from it to an earlier one
        - reentries: int64, visits of cases that had been in it before
        - now: int64, cases in it at the end of what is looked at
        - stuck: int64, those of them that are in it for longer than `stuck_limit_s`; null in closed stages
        - stuck_limit_s: float64, the 90th percentile of the completed visits of all groups; null for less
          than ten of them
        - pushes, amount_changes, owner_changes: int64, events during visits
        - note: text, what cannot be said and why; null where nothing is to say
    order : tuple of str
        The stages, closed ones last.
    order_source : {"given", "learnt"}
    order_support : float or None
        Of all pairs of open stages that a case enters one after the other, how many are in this order.
    told_by : str
        The column that tells the stages, or ``"activities"``.
    until : datetime
        End of what is looked at, UTC.
    notes : list of str
        What was left out, and how much.
    findings : list of Finding
        Of the amounts.
    """

    table: pa.Table
    order: tuple[str, ...]
    order_source: str
    order_support: float | None
    told_by: str
    until: datetime
    notes: list[str]
    findings: list[Finding]
    _transitions: Later[tuple[pa.Table, CaseRows]]
    _stuck: Later[pa.Table]
    _values: Later[pa.Table | None]
    _cases: Later[pa.Table]
    _rows: CaseRows
    _log: LogReference
    definition: ClassVar[str] = "stages 1"

    @property
    def transitions(self) -> pa.Table:
        """One row per group and move, by number, largest first, then by the order of the stages.

        Columns of `by`; from, to: text (from is null where the case was in none, to where it is in none from
        then on); kind: first, forward (to the next), skip (forward over others), return (to an earlier one),
        close, reopen; passed: int64, open stages between; count, cases: int64.
        """
        return self._transitions()[0]

    @property
    def stuck(self) -> pa.Table:
        """One row per stuck deal, by age, oldest first, then by case.

        case_id: text; columns of `by`; stage: text; since: timestamp; age_s, limit_s: float64; times_limit:
        float64; pushes: int32, of the close date during this visit; value: float64 and currency: text, where
        there is money.
        """
        return self._stuck()

    @property
    def values(self) -> pa.Table | None:
        """Money by group, stage and currency; None without `value`.

        Columns of `by`; stage, currency: text; cases: int64, that were in it; value: float64, theirs, each
        once; now, stuck: int64; value_now, value_stuck: float64; unknown: int64, cases without an amount.
        """
        return self._values()

    @cached_property
    def case_table(self) -> pa.Table:
        """One row per case and stage that it was in or skipped; cases as in the log, stages in their order.

        case_id, stage: text; visits: int32; skipped, now: bool; dwell_s: float64, in total, until the end of
        what is looked at where it is in it now; returns_in, returns_out, reentries, pushes, amount_changes,
        owner_changes: int64.
        """
        return self._cases()

    def cases(self, row: int) -> pa.LargeStringArray:
        """Return the ids of the cases that were in the stage of a row of `table`.

        Raises
        ------
        ArgumentError
            There is no such row.
        """
        return self._rows.cases(row)

    def transition_cases(self, row: int) -> pa.LargeStringArray:
        """Return the ids of the cases that made the move of a row of `transitions`; see `cases`."""
        return self._transitions()[1].cases(row)

    @property
    def _table(self) -> pa.Table:
        return self.table

    def _content(self) -> dict[str, Any]:
        stuck = [row | {"since": row["since"].isoformat()} for row in self.stuck.to_pylist()]
        return {
            "stages": self.table, "transitions": self.transitions, "stuck": stuck, "values": self.values,
            "order": self.order, "order_source": self.order_source, "order_support": self.order_support,
            "told_by": self.told_by, "until": self.until.isoformat(), "notes": self.notes,
            "findings": [{"reason": found.reason, "count": found.count} for found in self.findings],
        }  # fmt: skip

    def __repr__(self) -> str:
        return f"Stages: {' > '.join(self.order)} ({self.order_source}), told by {self.told_by!r}"


def stages(
    log: EventLog,
    *,
    column: str | None = None,
    activities: Mapping[str, str | None] | None = None,
    order: Sequence[str] | None = None,
    closed: str | Sequence[str] | None = None,
    by: By = None,
    where: Expression | None = None,
    value: str | None = None,
    currency: str | None = None,
    calendar: Calendar | None = None,
    until: Moment | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Stages:
    """Return how cases go through stages: dwell time, skips, returns, re-entries, changes, stuck deals.

    A visit begins with the event that tells the stage and ends with the next one that tells another, or when
    the case is won or lost without a stage of its own for that. Visits that are not over are never taken
    for completed ones. What begins before the history of the log is left out and counted in `notes`: visits
    where a column tells the stage before, whose next visit is then the first of the case, and cases where
    activities tell the stages (`Coverage.horizons`).

    Parameters
    ----------
    log : EventLog
    column : str, optional
        Attribute with the stage after an event; by default ``stage_to`` (with ``stage_from``) or ``stage``.
    activities : mapping of str to str or None, optional
        Activities, by the names of the log or canonical ids, to the stages that begin with them; None where
        the case is in no stage from then on.
    order : sequence of str, optional
        The open stages in their order; by default that in which most cases enter them.
    closed : str or sequence of str, optional
        Stages in which a case is over; by default those that mean won or lost in any of the six languages.
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
    until : str, date or datetime, optional
        Later events are not looked at; by default the time of the export, or of the last event.
    threads : int, optional
        All CPUs by default; the result does not depend on it.
    progress : callable (done, of) -> object, optional
        Returning False cancels.

    Returns
    -------
    Stages

    Raises
    ------
    LogError
        The log does not tell the stages of its cases, or nothing passes the filter.
    SchemaError
        There is no such column, activity or stage.
    ArgumentError
        Arguments contradict each other, or a case has no calendar.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({
    ...     "case": ["1", "1", "1", "2"], "activity": ["a", "b", "c", "a"],
    ...     "time": ["2024-01-01", "2024-01-03", "2024-01-04", "2024-01-02"],
    ...     "stage": ["Demo", "Offer", "Closed Won", "Demo"]}))
    >>> found = stages(log)
    >>> found.table.select(["stage", "visits", "p50_s", "now"]).to_pylist()[0]
    {'stage': 'Demo', 'visits': 2, 'p50_s': 172800.0, 'now': 1}
    >>> found.transitions.select(["from", "to", "kind"]).to_pylist()[1]
    {'from': 'Demo', 'to': 'Offer', 'kind': 'forward'}
    """
    end = end_of(log, until)
    chosen = log if where is None else log.filter(where)
    groups = groups_of(chosen, by, taken=OWN)
    amounts = None if value is None else amounts_of(chosen, value, currency)
    source = stage_source(chosen, column, activities, closed, threads=threads)
    visits = stage_visits(chosen, source, end, threads=threads, progress=progress)
    known = stage_order(chosen, source, visits, order)
    measure = None if calendar is None else working_time(chosen, calendar, chosen.span[0], end)
    model = model_of(visits, known, groups, measure, threads=threads)
    table, limits = stage_rows(model, threads)
    ids = Later(lambda: chosen.case_ids)
    rows = CaseRows(ids, Later(lambda: rows_of(model, ids).found()))
    notes = _notes(chosen, model, source, source.told_by if activities is None else None)
    return Stages(
        table, known.names, known.how, known.support, source.told_by,
        EPOCH + timedelta(microseconds=end), notes, [] if amounts is None else amounts.findings,
        Later(lambda: transition_table(model, moves_of(model), ids)),
        Later(lambda: stuck_deals(model, limits, amounts, ids)),
        Later(lambda: None if amounts is None else stage_values(model, limits, amounts)),
        Later(lambda: case_stage_table(model, ids)), rows, LogReference(chosen),
    )  # fmt: skip


def _notes(log: EventLog, model: StageModel, source: StageSource, column: str | None) -> list[str]:
    without = log.cases - source.older - sum(cases_of(block.cases) for block in model.visits.blocks)
    told = [
        (without, "cases are in no stage"),
        (source.older, "cases begin before the history that tells a stage or an end, and are left out"),
        (model.visits.unseen, "visits began before what the log knows, and are left out"),
    ]
    notes = [f"{count:,} {what}" for count, what in told if count]
    if column is not None and log.events > log.cases and log.attribute(column).level == "case":
        notes.append(f"{column!r} is the same in all events of each case: it may be the stage now, not then")
    return [*notes, *coverage_notes(log)]
