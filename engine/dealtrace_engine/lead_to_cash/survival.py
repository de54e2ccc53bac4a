"""The ready segments of lead-to-cash, counting the cases that are still on their way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from dealtrace_engine.analyses.funnel_steps import LOST, NO_LOSS
from dealtrace_engine.analyses.grouping import By
from dealtrace_engine.analyses.milestones import wanted_activities
from dealtrace_engine.analyses.observed import STOPS as STOPPED
from dealtrace_engine.analyses.observed import Cohort
from dealtrace_engine.analyses.survival import Survival, survival
from dealtrace_engine.analyses.working_time import Calendar
from dealtrace_engine.buffers import text
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.filters.values import Moment
from dealtrace_engine.lead_to_cash.milestones import REOPENED, STOPS
from dealtrace_engine.lead_to_cash.moved_ends import moved_segments
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress, tick
from dealtrace_engine.results import LogReference, Result
from dealtrace_engine.schema import nearest


@dataclass(frozen=True, eq=False)
class SegmentSurvival(Result):
    """How long the segments of lead-to-cash take, with the open cases as far as they have come.

    Attributes
    ----------
    table : pyarrow.Table
        A row per segment and row of its `Survival`: segment, name: text; then the columns of
        `Survival.table`.
    parts : dict of str to Survival
        By the id of the segment: curves, shares, ageing and cases.
    notes : list of str
        What limits the figures.
    """

    table: pa.Table
    parts: dict[str, Survival]
    notes: list[str]
    _log: LogReference
    definition: ClassVar[str] = "segment_survival 1"

    @property
    def _table(self) -> pa.Table:
        return self.table

    def _content(self) -> dict[str, Any]:
        return {"table": self.table, "notes": self.notes}

    def of(self, segment: str) -> Survival:
        """Return what is known of a segment.

        Raises
        ------
        ArgumentError
            There is no such segment.
        """
        if segment not in self.parts:
            raise ArgumentError(f"there is no segment {segment!r}",
                                hint=nearest([*self.parts], str(segment), "segments"))  # fmt: skip
        return self.parts[segment]

    def __repr__(self) -> str:
        return f"SegmentSurvival of {len(self.parts)} segments"


def segment_survival(
    log: EventLog, *, ends: Mapping[str, Any] | None = None, by: By = None, where: Expression | None = None,
    cohort: Cohort | None = None, calendar: Calendar | None = None, until: Moment | None = None,
    horizon: Moment | None = None, percentiles: Sequence[float] = (25, 50, 75, 90),
    confidence: float = 0.95, threads: int | None = None, progress: Progress | None = None,
) -> SegmentSurvival:  # fmt: skip
    """Return how long the segments of lead-to-cash take, counting the cases that are still on their way.

    Cases that are lost, disqualified or canceled, and not reopened, are censored then. Segments that are
    measured from every source are left out.

    Parameters
    ----------
    log : EventLog
    ends : mapping of str to (source, target), optional
        Where segments begin and end instead; see `segments`.
    by, where, cohort, calendar, until, horizon, percentiles, confidence, threads
        See `survival`.
    progress : callable (done, of) -> object, optional
        Returning False cancels.

    Raises
    ------
    SchemaError, LogError, ArgumentError
        See `survival` and `lead_to_cash_segments`.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "1", "2", "2"],
    ...                            "activity": ["Quote Created", "Quote Accepted", "Quote Created", "Call"],
    ...                            "time": ["2024-01-01", "2024-01-03", "2024-01-01", "2024-01-09"]}))
    >>> row = segment_survival(log).of("K9.D").table.to_pylist()[0]
    >>> row["reached"], row["open"], row["p50_s"]
    (1, 1, 172800.0)
    """
    chosen = [s for s in moved_segments(log, ends) if s.source.occurrence != "every"]
    parts, rows = dict[str, Survival](), list[pa.Table]()
    for done, segment in enumerate(chosen, 1):
        part = survival(
            log, segment.source, segment.target, by=by, where=where, stops=STOPS,
            reopened={STOPPED: REOPENED}, cohort=cohort, calendar=calendar, until=until, horizon=horizon,
            percentiles=percentiles, confidence=confidence, missing=True, threads=threads,
        )  # fmt: skip
        names = [segment.id, segment.name]
        own = part.table
        for place, name in enumerate(("segment", "name")):
            own = own.add_column(place, name, text([names[place]] * own.num_rows))
        parts[segment.id] = part
        rows.append(own)
        tick(progress, done, len(chosen))
    notes = [] if wanted_activities(log, LOST, missing=True).any() else [NO_LOSS]
    return SegmentSurvival(pa.concat_tables(rows), parts, notes, LogReference(log))
