"""Times between milestones, and the cases that never got there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.grouping import By, Groups, groups_of
from dealtrace_engine.analyses.horizons import known_since
from dealtrace_engine.analyses.milestones import NEVER
from dealtrace_engine.analyses.money import Amounts, amounts_of
from dealtrace_engine.analyses.segment_ends import Pairs, Segment, segments_of
from dealtrace_engine.analyses.segment_figures import Cells, distinct, figures_of
from dealtrace_engine.analyses.segment_pairs import (
    ABSENT,
    ARRIVED,
    MISSED,
    REVERSED,
    Marks,
    Measure,
    Measured,
    SegmentPairs,
    marks_of,
    pairs_of_segments,
    start_findings,
)
from dealtrace_engine.analyses.working_time import Calendar, working_time
from dealtrace_engine.buffers import arrow, table, text
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.log import UTC_MICROSECONDS, EventLog
from dealtrace_engine.parallel import Progress, map_blocks
from dealtrace_engine.percentiles import MICROSECONDS, check_percentiles, percentile_name
from dealtrace_engine.quality import Finding
from dealtrace_engine.results import LogReference, Result

STATUS = {"reached": ARRIVED, "never": MISSED, "reversed": REVERSED}
"""What can become of a source."""
Which = Literal["all", "reached", "never", "reversed"]
COLUMNS = ("segment", "name", "source", "target", "currency", "cases", "starts", "reached", "never",
           "reversed", "mean_s", "min_s", "max_s", "sum_s", "amount_cases", "amount", "cash_days",
           "note")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Segments(Result):
    """Times between milestones.

    Attributes
    ----------
    table : pyarrow.Table
        A row per segment and group, segments as they were asked for, then the most sources first. A group
        without a source has no row.

        - segment, name, source, target: text; what is measured.
        - the attributes of `by`.
        - currency: text; only with `value` and where the log has currencies, which are never added up.
        - cases: int64; those that have the source.
        - starts: int64; sources, which are several per case where every source is measured. They are
          `reached`, `never` or `reversed`.
        - reached: int64; sources whose target comes at the same time or later.
        - never: int64; sources without a target.
        - reversed: int64; sources whose target comes before them. They are in no figure.
        - mean_s, min_s, max_s, p50_s and so on, sum_s: float64, seconds (of work, with a calendar) of those
          that reached; percentiles are exact. Null, and the sum 0, where none did.
        - amount_cases: int64; amount: float64; only with `value`: cases that reached and whose amount is
          known, and their amounts.
        - cash_days: float64; only with `value`: amount times days, whatever the calendar.
        - note: text; why there are no times.
    segments : tuple of Segment
    findings : list of Finding
        Amounts and start timestamps that are missing or make no sense; sources that are left out because they
        come before the history that alone tells the target (`Coverage.horizons`).
    """

    table: pa.Table
    segments: tuple[Segment, ...]
    findings: list[Finding]
    _parts: list[tuple[SegmentPairs, Measured]]
    _places: NDArray[np.int64]
    _cells: Cells
    _case_ids: pa.LargeStringArray
    _log: LogReference
    definition: ClassVar[str] = "segments 1"

    @property
    def _table(self) -> pa.Table:
        return self.table

    def _content(self) -> dict[str, Any]:
        return {"table": self.table, "findings": [vars(finding) for finding in self.findings]}

    def cases(self, row: int, which: Which = "all") -> pa.LargeStringArray:
        """Return the ids of the cases of a row, in the order of the log.

        Parameters
        ----------
        row : int
        which : {"all", "reached", "never", "reversed"}
            Those with a source of which this came.

        Raises
        ------
        ArgumentError
            There is no such row, or `which` is another.
        """
        if not isinstance(row, int | np.integer) or not 0 <= row < len(self._places):
            raise ArgumentError(
                f"there is no row {row!r}", hint=f"rows are from 0 to {len(self._places) - 1}"
            )
        if which != "all" and which not in STATUS:
            raise ArgumentError(f"cases are 'all', 'reached', 'never' or 'reversed', got {which!r}")
        segment, cell = self._places[row].tolist()
        pairs, found = self._parts[segment]
        chosen = found.status != ABSENT if which == "all" else found.status == STATUS[which]
        owners = distinct(pairs.cases(chosen))
        return self._case_ids.take(arrow(owners[self._cells.codes[owners] == cell]))

    def times(self) -> pa.Table:
        """Return a row per source: by segment, then in the order of the log.

        Returns
        -------
        pyarrow.Table
            segment, case_id: text; status: text, "reached", "never" or "reversed"; source, target:
            timestamps, null where there is no target; seconds: float64, null unless reached.
        """
        names = np.array([None, *(name for name, _ in sorted(STATUS.items(), key=lambda pair: pair[1]))])
        parts = []
        for segment, (pairs, found) in zip(self.segments, self._parts, strict=True):
            rows = np.flatnonzero(found.status != ABSENT)
            status = found.status[rows]
            seconds = np.full(len(rows), np.nan)
            seconds[status == ARRIVED] = found.durations / MICROSECONDS
            never = status == MISSED
            parts.append(table({
                "segment": text([segment.id] * len(rows)),
                "case_id": self._case_ids.take(arrow(pairs.cases(rows))),
                "status": text(names[status].tolist()),
                "source": arrow(pairs.sources[rows], UTC_MICROSECONDS),
                "target": pa.array(pairs.targets[rows], UTC_MICROSECONDS, mask=never),
                "seconds": pa.array(seconds, mask=status != ARRIVED),
            }))  # fmt: skip
        return pa.concat_tables(parts)

    def __repr__(self) -> str:
        return f"Segments: {len(self.segments)} measured, {self.table.num_rows:,} rows"


def segment_times(
    log: EventLog, pairs: Pairs, *, by: By = None, where: Expression | None = None,
    calendar: Calendar | None = None, value: str | None = None, currency: str | None = None,
    percentiles: Sequence[float] = (50, 90, 95), missing: bool = False, threads: int | None = None,
    progress: Progress | None = None,
) -> Segments:  # fmt: skip
    """Return the time between milestones, and which cases never got from one to the other.

    Parameters
    ----------
    log : EventLog
    pairs : sequence of Segment or of (source, target), or mapping of str to (source, target)
        A source or target is an activity, several of which any counts, a `Milestone` or a `SegmentEnd`.
        Activities are named as in the log, or by canonical ids, which match any language.
    by : str or sequence of str, optional
        Attributes of the case; a row for each of their values.
    where : Expression, optional
        Only of what passes this filter.
    calendar : WorkingCalendar or Calendars, optional
        Times are of work by it, instead of by the clock.
    value : str, optional
        Attribute of the case with its amount.
    currency : str, optional
        Attribute of the case with its currency; found by its name by default.
    percentiles : sequence of float
        From 0 to 100.
    missing : bool
        Whether activities that the log does not have are no error but a note.
    threads : int, optional
        All CPUs by default; the result does not depend on it.
    progress : callable (done, of) -> object, optional
        Returning False cancels.

    Raises
    ------
    SchemaError
        There is no such activity or attribute, or it varies within cases, or has no amounts.
    LogError
        The log has no start timestamps, and a segment's end is one; or nothing passes the filter.
    ArgumentError
        The segments or the percentiles are none, or a case has no calendar.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "1", "2"], "activity": ["sent", "paid", "sent"],
    ...                            "time": ["2024-01-01", "2024-01-03", "2024-01-01"]}))
    >>> result = segment_times(log, [("sent", "paid")])
    >>> row = result.table.to_pylist()[0]
    >>> row["cases"], row["reached"], row["never"], row["p50_s"]
    (2, 1, 1, 172800.0)
    >>> result.cases(0, "never").to_pylist()
    ['2']
    """
    chosen = segments_of(pairs)
    check_percentiles(percentiles)
    log = log if where is None else log.filter(where, threads=threads)
    groups = groups_of(log, by, taken=(*COLUMNS, *map(percentile_name, percentiles)))
    amounts = None if value is None else amounts_of(log, value, currency)
    cells = _cells(groups, amounts)
    marks = marks_of(log, chosen, missing=missing)
    found, older = _without_older(log, chosen, pairs_of_segments(log, chosen, marks, threads=threads))

    measure = _measure(log, calendar, found)

    def part(own: SegmentPairs) -> tuple[Measured, NDArray[np.int64], dict[str, Any]]:
        measured = own.measured(measure, threads)
        return measured, *figures_of(own, measured, cells, percentiles, amounts)

    parts = map_blocks(part, found, threads=threads, progress=progress)
    rows = [own for _, own, _ in parts]
    places = np.stack([np.repeat(np.arange(len(rows)), list(map(len, rows))), np.concatenate(rows)], axis=1)
    figures = {name: np.concatenate([own[name] for *_, own in parts]) for name in parts[0][2]}
    notes = _notes(marks, chosen, places, figures, older)
    answer = table({**_keys(chosen, groups, amounts, places), **_nullable(figures), "note": text(notes)})
    ends = [end for segment in chosen for end in (segment.source, segment.target)]
    findings = [*([] if amounts is None else amounts.findings), *start_findings(log, ends), *older.values()]
    return Segments(
        answer, chosen, findings,
        [(own, measured) for own, (measured, *_) in zip(found, parts, strict=True)], places, cells,
        log.case_ids, LogReference(log),
    )  # fmt: skip


def _without_older(
    log: EventLog, chosen: Sequence[Segment], found: Sequence[SegmentPairs]
) -> tuple[list[SegmentPairs], dict[str, Finding]]:
    """Take out sources before the history that tells the target; return also how many, by segment."""
    kept: list[SegmentPairs] = []
    findings: dict[str, Finding] = {}
    for segment, own in zip(chosen, found, strict=True):
        since = known_since(log, segment.target.activities)
        older = (own.sources < since) & (own.sources != NEVER) if since != NEVER else np.zeros(0, np.bool_)
        if older.any():
            own = replace(own, sources=np.where(older, NEVER, own.sources))
            reason = f"sources of {segment.id} before the history that tells its target"
            findings[segment.id] = Finding(reason, int(older.sum()))
        kept.append(own)
    return kept, findings


def _measure(log: EventLog, calendar: Calendar | None, found: Sequence[SegmentPairs]) -> Measure | None:
    if calendar is None:
        return None
    known = [side[side != NEVER] for own in found for side in (own.sources, own.targets)]
    first = min((int(side.min()) for side in known if len(side)), default=0)
    last = max((int(side.max()) for side in known if len(side)), default=0)
    return working_time(log, calendar, first, last)


def _cells(groups: Groups, amounts: Amounts | None) -> Cells:
    if amounts is None or len(amounts.currencies) == 1:
        return Cells(groups.codes, len(groups))
    width = len(amounts.currencies)
    return Cells((groups.codes.astype(np.int64) * width + amounts.of_case).astype(np.int32),
                 len(groups) * width)  # fmt: skip


def _keys(
    chosen: Sequence[Segment], groups: Groups, amounts: Amounts | None, places: NDArray[np.int64]
) -> dict[str, pa.Array]:
    own = [chosen[place] for place in places[:, 0].tolist()]
    width = 1 if amounts is None else len(amounts.currencies)
    columns = {
        "segment": text([segment.id for segment in own]),
        "name": text([segment.name or segment.id for segment in own]),
        "source": text([str(segment.source) for segment in own]),
        "target": text([str(segment.target) for segment in own]),
        **groups.columns(places[:, 1] // width),
    }
    if amounts is not None and amounts.currencies != (None,):
        columns["currency"] = text([amounts.currencies[cell % width] for cell in places[:, 1].tolist()])
    return columns


def _notes(
    marks: Marks, chosen: Sequence[Segment], places: NDArray[np.int64], figures: dict[str, Any],
    older: Mapping[str, Finding],
) -> list[str | None]:  # fmt: skip
    notes: list[str | None] = []
    for place, starts, reached in zip(places[:, 0].tolist(), figures["starts"].tolist(),
                                      figures["reached"].tolist(), strict=True):  # fmt: skip
        ends = (chosen[place].source, chosen[place].target)
        lacking = next((end for end in ends if not marks[end.activities].any()), None)
        if lacking is not None:
            notes.append(f"the log has no {' or '.join(lacking.activities)}")
        elif not starts:
            since = f" since the history tells {ends[1]}" if chosen[place].id in older else ""
            notes.append(f"no case has {ends[0]}{since}")
        else:
            notes.append(None if reached else f"not enough data: none of {starts:,} got there")
    return notes


def _nullable(figures: dict[str, Any]) -> dict[str, Any]:
    return {
        name: pa.array(values, mask=np.isnan(values)) if values.dtype == np.float64 else values
        for name, values in figures.items()
    }
