"""How long cases take when those that are still open count: neither dropped, nor called done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.grouping import By, Groups, groups_of
from dealtrace_engine.analyses.kaplan_meier import Curve, curve_of
from dealtrace_engine.analyses.observed import (
    OPEN,
    STOPPED,
    STOPS,
    Cohort,
    Observed,
    last_instant,
    left_out,
    observed,
    periods,
    reopenings_of,
    targets_of,
    truncated_cases,
    unnamed_losses,
)
from dealtrace_engine.analyses.segment_ends import SegmentEnd
from dealtrace_engine.analyses.segment_pairs import start_findings
from dealtrace_engine.analyses.survival_figures import (
    curves_table,
    incidence_table,
    limits_names,
    main_columns,
    nullable,
    places_of,
    shares_table,
)
from dealtrace_engine.analyses.working_time import Calendar, working_time
from dealtrace_engine.buffers import arrow, table, text
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.filters.values import Moment
from dealtrace_engine.log import UTC_MICROSECONDS, EventLog
from dealtrace_engine.parallel import Progress, map_blocks
from dealtrace_engine.percentiles import MICROSECONDS, check_percentiles
from dealtrace_engine.quality import Finding
from dealtrace_engine.results import LogReference, Result

COLUMNS = ("cohort", "cases", "reached", "stopped", "open", "reversed", "without_source", "left_truncated",
           "note", "cause", "time_s", "at_risk", "events", "survival", "low", "high", "share", "case_id",
           "since", "age_s", "percentile")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Survival(Result):
    """How long cases take from a source to a target, with the open ones as far as they have come.

    Attributes
    ----------
    table : pyarrow.Table
        A row per group, the most cases first, and cohort, in time.

        - the attributes of `by`.
        - cohort: text such as "2025-03" or "2025-Q1" (UTC); only with `cohort`. Null for the open cases among
          cohorts of closing.
        - cases: int64; those that have the source and are seen.
        - reached, stopped, open: int64; of `cases`, those that got to a target, that left without one, and
          the rest.
        - reversed, without_source: int64; cases with every target before the source, or with a target only.
          They are in no figure.
        - left_truncated: int64; of `cases`, those that began before the history that the source kept.
        - p50_s, p50_low_s, p50_high_s and so on: float64, seconds (of work, with a calendar) after which so
          large a share got there, by Kaplan-Meier, and confidence limits; null where too few did.
        - note: text; what there is too little of.
    shares : pyarrow.Table
        A row per row of `table` and cause, in that order: `by` and cohort; cause: text; cases: int64, that
        ended so; share, low, high: float64, the share that ends so until the longest time that was seen, by
        Aalen-Johansen, with confidence limits (null where nobody or everybody does). The cause "open" is the
        rest.
    findings : list of Finding
        Cases that are in no figure, by reason; also those of groups and cohorts that have no row. Open cases
        that are lost by an activity that is neither a target nor a stop. Start timestamps, where they count,
        that are missing or make no sense.
    until : int
        That instant, in microseconds since 1970-01-01 UTC.
    """

    table: pa.Table
    shares: pa.Table
    findings: list[Finding]
    until: int
    causes: tuple[str, ...]
    _keys: dict[str, pa.Array]
    _curves: list[Curve]
    _numbers: list[NDArray[np.int64]]
    _seen: Observed
    _durations: NDArray[np.int64]
    _truncated: NDArray[np.bool_]
    _groups: Groups
    _confidence: float
    _case_ids: pa.LargeStringArray
    _log: LogReference
    definition: ClassVar[str] = "survival 1"

    @property
    def _table(self) -> pa.Table:
        return self.table

    def _content(self) -> dict[str, Any]:
        findings = [vars(finding) for finding in self.findings]
        return {"table": self.table, "shares": self.shares, "findings": findings}

    def cases(self, row: int, which: str = "all") -> pa.LargeStringArray:
        """Return the ids of the cases of a row, in the order of the log.

        Parameters
        ----------
        row : int
        which : str
            ``"all"``, ``"open"``, ``"reached"``, ``"stopped"``, or a cause.

        Raises
        ------
        ArgumentError
            There is no such row, or `which` is another.
        """
        if not isinstance(row, int | np.integer) or not 0 <= row < len(self._numbers):
            raise ArgumentError(f"there is no row {row!r}",
                                hint=f"rows are from 0 to {len(self._numbers) - 1}")  # fmt: skip
        own = self._numbers[row]
        found = self._seen.causes[own]
        if which in self.causes:
            own = own[found == self.causes.index(which)]
        elif which in ("open", "reached", STOPS):
            own = own[{"open": found == OPEN, "reached": found >= 0, STOPS: found == STOPPED}[which]]
        elif which != "all":
            known = ", ".join(map(repr, ("all", "open", "reached", STOPS, *self.causes)))
            raise ArgumentError(f"there are no cases {which!r}", hint=f"cases are {known}")
        return self._case_ids.take(arrow(own))

    def curves(self) -> pa.Table:
        """Return the share that is still on its way, a row per time at which a case ended.

        Returns
        -------
        pyarrow.Table
            `by` and cohort as in `table`; time_s: float64; at_risk, events: int64; survival, low, high:
            float64, by Kaplan-Meier, with confidence limits, null where nobody is left.
        """
        return curves_table(self._curves, self._keys)

    def incidence(self) -> pa.Table:
        """Return the share that has ended by each cause, a row per cause and time at which a case ended so.

        Returns
        -------
        pyarrow.Table
            `by` and cohort as in `table`; cause: text; time_s: float64; events: int64; share, low, high:
            float64, by Aalen-Johansen, with confidence limits, null where everybody has.
        """
        return incidence_table(self._curves, self._keys, self.causes)

    def ageing(self) -> pa.Table:
        """Return the open cases, against how long cases of their group took: the most overdue first.

        Returns
        -------
        pyarrow.Table
            case_id: text; `by`; since: timestamp of the source; age_s: float64; percentile: float64, how
            many of 100 had ended at that age, by Kaplan-Meier over the group, whatever the cohort, null where
            none ended; left_truncated: bool; note: text.
        """
        seen, groups = self._seen, self._groups
        rows = np.flatnonzero(seen.counted & (seen.causes == OPEN))
        shares = np.full(len(rows), np.nan)
        counted = np.flatnonzero(seen.counted)
        both = (places_of(groups.codes[chosen], len(groups)) for chosen in (rows, counted))
        for own, theirs in zip(*both, strict=True):
            cases = counted[theirs]
            if len(own) and (seen.causes[cases] >= 0).any():
                curve = curve_of(
                    self._durations[cases], seen.causes[cases], len(self.causes), self._confidence
                )
                shares[own] = 100 * (1 - curve.survival_at(self._durations[rows[own]]))
        ages = self._durations[rows]
        order = np.lexsort((rows, -ages, -np.where(np.isnan(shares), -1.0, shares)))
        rows, shares = rows[order], shares[order]
        unknown = "not enough data: none of the group got there"
        return table({
            "case_id": self._case_ids.take(arrow(rows)),
            **groups.columns(groups.codes[rows].astype(np.int64)),
            "since": arrow(seen.sources[rows], UTC_MICROSECONDS), "age_s": ages[order] / MICROSECONDS,
            "percentile": nullable(shares), "left_truncated": self._truncated[rows],
            "note": text([unknown if lacking else None for lacking in np.isnan(shares).tolist()]),
        })  # fmt: skip

    def __repr__(self) -> str:
        open_cases = sum(self.table["open"].to_pylist())
        return f"Survival of {sum(self.table['cases'].to_pylist()):,} cases, {open_cases:,} of them open"


def survival(
    log: EventLog, source: Any, target: Any, *, by: By = None, where: Expression | None = None,
    stops: Any = None, reopened: Any = None, cohort: Cohort | None = None,
    calendar: Calendar | None = None, until: Moment | None = None, horizon: Moment | None = None,
    percentiles: Sequence[float] = (25, 50, 75, 90), confidence: float = 0.95, missing: bool = False,
    threads: int | None = None, progress: Progress | None = None,
) -> Survival:  # fmt: skip
    """Return how long cases take from a source to a target, counting those that are still on their way.

    A case that has not got there is censored: it is known to take longer than it was seen. Where cases can
    end otherwise (lost instead of won), name these ends as competing targets: else they would count as if
    they could still get there. Cases that begin before the history that alone tells a target, or a
    stop that ends cases (`Coverage.horizons`), are left out, and a finding counts them.

    Parameters
    ----------
    log : EventLog
    source : str, sequence of str, Milestone or SegmentEnd
        Where it begins; see `segment_times`.
    target : the same, or mapping of str to the same
        Where it ends; or competing targets by name, such as ``{"won": "opportunity_won", "lost":
        "opportunity_lost"}``, of which the earliest after the source counts.
    by : str or sequence of str, optional
        Attributes of the case.
    where : Expression, optional
        Only of what passes this filter.
    stops : the same, optional
        Where cases leave without getting there, after the source. They are censored then: times are those of
        cases that do not leave. To know how many leave, name it as a competing target instead.
    reopened : the same, or mapping of names of targets to the same, optional
        What undoes targets and stops (called "stopped"), such as "opportunity_reopened": what comes before
        the last of it does not count, so that a deal that was lost and reopened is open. Of what can be
        undone the last occurrence counts.
    cohort : {"created month", "created quarter", "closed month", "closed quarter"}, optional
        A row for each period (UTC) in which cases have the source, or the target. Cohorts of closing hold no
        open cases, so that their times are too short for recent ones.
    calendar : WorkingCalendar or Calendars, optional
        Times are of work by it, instead of by the clock.
    until : str, date or datetime, optional
        Later events are not looked at; when the export was made by default, else the last event.
    horizon : str, date or datetime, optional
        Cases that have the source before are flagged as truncated; where the export's history begins by
        default.
    percentiles : sequence of float
        From 0 to 100.
    confidence : float
        Of the limits, between 0 and 1.
    missing : bool
        Whether activities that the log does not have are no error.
    threads : int, optional
        All CPUs by default; the result does not depend on it.
    progress : callable (done, of) -> object, optional
        Returning False cancels.

    Raises
    ------
    SchemaError
        There is no such activity or attribute, or it varies within cases.
    LogError
        Nothing passes the filter.
    ArgumentError
        The targets, the cohort, an instant, the percentiles or the confidence are none, `until` is before all
        events, or a case has no calendar.

    References
    ----------
    See `kaplan_meier.curve_of`.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "1", "2", "2", "3"],
    ...                            "activity": ["new", "won", "new", "won", "new"],
    ...                            "time": ["2024-01-01", "2024-01-03", "2024-01-01", "2024-01-06",
    ...                                     "2024-01-02"]}))
    >>> result = survival(log, "new", "won")
    >>> row = result.table.to_pylist()[0]
    >>> row["cases"], row["open"], row["p50_s"] / 86400
    (3, 1, 5.0)
    >>> result.ageing()["case_id"].to_pylist()
    ['3']
    """
    check_percentiles(percentiles)
    targets, whole = targets_of(target), log
    log = log if where is None else log.filter(where, threads=threads)
    figures = [name for p in percentiles for name in limits_names(p)]
    groups = groups_of(log, by, taken=(*COLUMNS, *figures))
    last = last_instant(whole, until)
    ends = dict(targets) if stops is None else {**targets, STOPS: SegmentEnd.of(stops)}
    undone = reopenings_of(reopened, ends)
    ends |= {
        name: replace(ends[name], occurrence="last") for name in undone if ends[name].occurrence == "first"
    }
    begin = SegmentEnd.of(source)
    seen = observed(log, begin, ends, last, reopened=undone, missing=missing, threads=threads)
    findings = [*left_out(seen), *unnamed_losses(log, ends.values(), seen, last, threads),
                *start_findings(log, (begin, *ends.values()))]  # fmt: skip
    durations = _durations(log, seen, calendar)
    truncated = truncated_cases(log, seen, horizon)
    cells, labels = _cells(seen, groups, cohort)
    numbers = places_of(cells, len(groups) * len(labels))
    counted = [own[seen.counted[own]] for own in numbers]
    rows = _order(groups, len(labels), counted, seen, cohort is None)
    curves = map_blocks(
        lambda row: curve_of(durations[counted[row]], seen.causes[counted[row]], len(targets), confidence),
        rows, threads=threads, progress=progress,
    )  # fmt: skip
    keys = groups.columns(np.array(rows, dtype=np.int64) // len(labels))
    if cohort is not None:
        keys["cohort"] = text([labels[row % len(labels)] for row in rows])
    main = main_columns(curves, seen, [numbers[row] for row in rows], truncated, percentiles)
    return Survival(
        table({**keys, **main}), shares_table(curves, keys, tuple(targets)), findings, last,
        tuple(targets), keys, curves, [counted[row] for row in rows], seen, durations, truncated, groups,
        confidence, log.case_ids, LogReference(log),
    )  # fmt: skip


def _durations(log: EventLog, seen: Observed, calendar: Calendar | None) -> NDArray[np.int64]:
    durations = np.where(seen.counted, seen.ends - seen.sources, 0)
    own = np.flatnonzero(seen.counted)
    if calendar is not None:
        bounds = (seen.sources[own].min(), seen.ends[own].max()) if len(own) else (0, 0)
        measure = working_time(log, calendar, int(bounds[0]), int(bounds[1]))
        durations[own] = measure(seen.sources[own], seen.ends[own], own)
    return durations


def _cells(
    seen: Observed, groups: Groups, cohort: Cohort | None
) -> tuple[NDArray[np.int64], list[str | None]]:
    codes, labels = (np.zeros(len(groups.codes), dtype=np.int64), list[str | None]([None]))
    if cohort is not None:
        codes, labels = periods(seen, cohort)
    return groups.codes.astype(np.int64) * len(labels) + codes, labels


def _order(
    groups: Groups, width: int, counted: Sequence[NDArray[np.int64]], seen: Observed, all_cells: bool
) -> list[int]:
    """Return cells: groups with the most cases first, and of their cohorts, in time, those with cases."""
    sizes = np.bincount(groups.codes[seen.counted], minlength=len(groups))
    order = np.lexsort((np.arange(len(groups)), -sizes)).tolist()
    cells = [group * width + place for group in order for place in range(width)]
    return [cell for cell in cells if all_cells or len(counted[cell])]
