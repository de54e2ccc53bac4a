"""What the readers have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from dealtrace_engine.build import LogBuilder
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress
from dealtrace_engine.quality import Finding
from dealtrace_engine.schema import COLUMNS, recognise
from dealtrace_engine.source import Source

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

    def builder(self, source: Source) -> LogBuilder:
        """Recognise the columns of `source` and return a builder for them."""
        given = {column.role: getattr(self, column.role) for column in COLUMNS}
        roles = recognise(source.names, given, file=source.label)
        return LogBuilder(
            source, roles, timezone=self.timezone, timestamp_format=self.timestamp_format, strict=self.strict
        )

    def finish(self, builder: LogBuilder, notes: Sequence[str] = (), skipped: Sequence[Finding] = ()) -> EventLog:
        """Make the log, with the columns that are to stay in memory."""
        log = builder.finish(notes=notes, skipped=skipped, threads=self.threads)
        return log.with_attributes(self.columns) if self.columns else log


def key_columns(builder: LogBuilder) -> list[str]:
    """Return the source columns that a log is built from."""
    wanted = (builder.roles.get(role) for role in ("case_id", "activity", "timestamp", "order"))
    return list(dict.fromkeys(name for name in wanted if name is not None))


