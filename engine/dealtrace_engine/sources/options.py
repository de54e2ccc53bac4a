"""What the readers have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from dealtrace_engine.build import LogBuilder, build_log
from dealtrace_engine.errors import ParseError
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress
from dealtrace_engine.schema import COLUMNS, recognise
from dealtrace_engine.source import RowSource

ROWS_PER_BATCH = 1 << 18


class ReadArguments(TypedDict, total=False):
    """The keyword arguments of every reader; `ReadOptions` says what they mean."""

    case_id: str | None
    activity: str | None
    timestamp: str | None
    start_timestamp: str | None
    order: str | None
    resource: str | None
    lifecycle: str | None
    timezone: str | None
    timestamp_format: str | None
    columns: Sequence[str]
    strict: bool
    threads: int | None
    progress: Progress | None


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """The keyword arguments of every reader.

    Attributes
    ----------
    case_id, activity, timestamp : str, optional
        The columns; recognised by their usual names where not given.
    start_timestamp, order, resource, lifecycle : str, optional
        When the activity started; what breaks ties of `timestamp` before the row does; who; which phase.
    timezone : str, optional
        IANA name of the zone of timestamps without one; UTC by default.
    timestamp_format : str, optional
        How timestamps in text are written; detected by default.
    columns : sequence of str
        Other columns to keep in memory now, not on first use.
    strict : bool
        Raise where a row cannot become an event, instead of dropping and counting it.
    threads : int, optional
        All CPUs by default; the result does not depend on it.
    progress : callable (done, of) -> object, optional
        Called as rows are read; returning False cancels.
    """

    case_id: str | None = None
    activity: str | None = None
    timestamp: str | None = None
    start_timestamp: str | None = None
    order: str | None = None
    resource: str | None = None
    lifecycle: str | None = None
    timezone: str | None = None
    timestamp_format: str | None = None
    columns: Sequence[str] = ()
    strict: bool = False
    threads: int | None = None
    progress: Progress | None = None

    def log_of(self, source: RowSource, *, rows: int = 0) -> EventLog:
        """Recognise the columns of `source`, build the log, and keep the columns that are to stay in memory.

        Parameters
        ----------
        source : RowSource
        rows : int
            How many rows there are, for progress, where that is known.
        """
        given = {column.role: getattr(self, column.role) for column in COLUMNS}
        roles = recognise(source.names, given, file=source.label)
        builder = LogBuilder(
            source, roles, timezone=self.timezone, timestamp_format=self.timestamp_format, strict=self.strict
        )
        build_log(builder, of=rows, threads=self.threads, progress=self.progress)
        if self.strict and source.findings:
            first = source.findings[0]
            raise ParseError(
                first.reason,
                file=source.label,
                row=first.first_rows[0],
                value=first.example,
                hint="mend the row, or read without strict= to drop and count such rows",
            )
        log = builder.finish(self.threads)
        columns = [self.columns] if isinstance(self.columns, str) else self.columns
        return log.with_attributes(columns) if columns else log
