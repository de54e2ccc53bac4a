"""Batches of source rows in any order -> an event log, sorted by case and time.

Each batch becomes narrow integers at once and its text is let go. A row that cannot become an event gets
case -1, is counted by reason, and is left out by the sort.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.buffers import arrow
from dealtrace_engine.errors import LogError, ParseError
from dealtrace_engine.instants import InstantReader, Instants
from dealtrace_engine.log import EventLog
from dealtrace_engine.memory_limit import require_memory
from dealtrace_engine.ordering import Chunk, break_ties, rank_keys, sorted_events
from dealtrace_engine.origin import Origin
from dealtrace_engine.parallel import Progress, closed_after, tick
from dealtrace_engine.quality import FIRST_ROWS, Finding, by_first_row
from dealtrace_engine.schema import Roles
from dealtrace_engine.source import RowSource
from dealtrace_engine.texts import TextCodes

BYTES_AN_EVENT = 26
"""Held at the peak: code, time and row of each event as read and as sorted; case ids come on top."""
ROWS_PER_CHECK = 1 << 20
"""Rows after which the memory is looked at anew."""
MOST_ROWS = 2**32 - 1
"""An event remembers its row in 32 bits."""
Reasons = Sequence[tuple[str, NDArray[np.int64]]]


class LogBuilder:
    """Collects batches and makes the log of them.

    Parameters
    ----------
    source : RowSource
        Where the rows come from; the log reads its other columns from there.
    roles : Roles
        Which column is what.
    timezone, timestamp_format : str, optional
        See `InstantReader`.
    strict : bool
        Raise at the first row that cannot become an event, instead of counting it.
    """

    def __init__(
        self,
        source: RowSource,
        roles: Roles,
        *,
        timezone: str | None = None,
        timestamp_format: str | None = None,
        strict: bool = False,
    ) -> None:
        self.source, self.roles, self.strict = source, roles, strict
        self.given = timezone, timestamp_format
        self.instants = InstantReader(
            roles["timestamp"], timezone=timezone, format=timestamp_format, file=source.label,
            look_ahead=self._timestamps,
        )  # fmt: skip
        self.cases, self.activities = TextCodes(roles["case_id"]), TextCodes(roles["activity"])
        self.chunks: list[Chunk] = []
        self.nanoseconds: list[tuple[int, NDArray[np.uint16] | None]] = []
        self.orders: list[pa.Array] = []
        self.dropped: dict[str, Finding] = {}
        self.noted: dict[str, Finding] = {}
        self.zones: dict[str, int] = {}
        self.rows = 0

    def _timestamps(self) -> Iterator[pa.Array]:
        column = self.roles["timestamp"]
        return (batch.column(column) for batch in self.source.batches([column]))

    @property
    def key_columns(self) -> list[str]:
        """The source columns that the log is built from."""
        wanted = (self.roles.get(role) for role in ("case_id", "activity", "timestamp", "order"))
        return list(dict.fromkeys(name for name in wanted if name is not None))

    def append(self, batch: pa.RecordBatch) -> None:
        """Take the rows of one batch; its columns carry the names of the source."""
        if self.rows + batch.num_rows > MOST_ROWS:
            what, hint = f"there are more than {MOST_ROWS:,} rows", "split the log by case"
            raise LogError(what, file=self.source.label, hint=hint)
        instants = self.instants.read(batch.column(self.roles["timestamp"]))
        cases = self.cases.as_text(batch.column(self.roles["case_id"]), self.source.label)
        activities = self.activities.as_text(batch.column(self.roles["activity"]), self.source.label)
        rejected = self._rejected(cases, activities, instants, batch)
        if rejected is not None:
            cases, activities = _nulled(cases, rejected), _nulled(activities, rejected)
        case_codes, case_of = self.cases.coded(cases)
        codes, activity_of = self.activities.narrow(activities)
        case_codes = case_codes.astype(np.int32, copy=False)
        chunk = Chunk(case_codes, codes, instants.microseconds, self.rows, case_of, activity_of)
        self.chunks.append(chunk)
        self.nanoseconds.append((batch.num_rows, instants.nanoseconds))
        if "order" in self.roles:
            column = self.roles["order"]
            self.orders.append(rank_keys(batch.column(column), column, self.source.label))
        self._note(instants)
        if self.rows // ROWS_PER_CHECK < (self.rows + batch.num_rows) // ROWS_PER_CHECK:
            needed, what = self.rows * BYTES_AN_EVENT // 2, f"the first {self.rows:,} rows, sorted,"
            require_memory(needed, what, file=self.source.label)
        self.rows += batch.num_rows

    def _rejected(
        self, cases: pa.Array, activities: pa.Array, instants: Instants, batch: pa.RecordBatch
    ) -> NDArray[np.bool_] | None:
        """Mark and count the rows that cannot become events; None where all can."""
        reasons = [*self.cases.rejected(cases, "case_id"), *self.activities.rejected(activities, "activity")]
        reasons += [
            (f"{reason} timestamp" if reason in ("null", "unparsed", "out of range") else reason, positions)
            for reason, positions in instants.rejected.items()
        ]
        if not any(len(positions) for _, positions in reasons):
            return None
        if self.strict:
            self._refuse_first(reasons, batch)
        rejected = np.zeros(batch.num_rows, dtype=np.bool_)
        for reason, positions in reasons:
            new = positions[~rejected[positions]]
            rejected[new] = True
            self._count(reason, new, batch)
        return rejected

    def _count(self, reason: str, positions: NDArray[np.int64], batch: pa.RecordBatch) -> None:
        if not len(positions):
            return
        column = self._column_of(reason)
        example = _shown(batch.column(column)[int(positions[0])])
        rows = self._row_numbers(positions)
        self.dropped.setdefault(reason, Finding(reason)).add(len(positions), rows, example)

    def _column_of(self, reason: str) -> str:
        return self.roles[next((role for role in ("case_id", "activity") if role in reason), "timestamp")]

    def _refuse_first(self, reasons: Reasons, batch: pa.RecordBatch) -> None:
        """Raise at the first row that is no event."""
        position, reason = min((int(found.min()), reason) for reason, found in reasons if len(found))
        column = self._column_of(reason)
        raise ParseError(
            reason, file=self.source.label, row=self._row_numbers(np.array([position]))[0],
            column=column, value=_shown(batch.column(column)[position]),
            hint="mend the row, or read without strict= to drop and count such rows",
        )  # fmt: skip

    def _row_numbers(self, positions: NDArray[np.int64]) -> list[int]:
        return [self.source.row_number(self.rows + int(position)) for position in positions[:FIRST_ROWS]]

    def _note(self, instants: Instants) -> None:
        for zone, count in instants.zones.items():
            self.zones[zone] = self.zones.get(zone, 0) + count
        for reason, positions in instants.noted.items():
            self.noted.setdefault(reason, Finding(reason)).add(len(positions), self._row_numbers(positions))

    def finish(self, threads: int | None = None) -> EventLog:
        """Sort what was taken and return the log.

        Raises
        ------
        LogError
            No row became an event, or there is too little memory to sort them.
        """
        dropped = by_first_row([*self.source.findings, *self.dropped.values()])
        rows_read = self.rows + sum(finding.count for finding in self.source.findings)
        if len(self.cases) == 0:
            raise LogError(_nothing_left(rows_read, dropped), file=self.source.label)
        activities, ranks = self.activities.sorted_by_text(self.source.label)
        narrow = np.dtype(
            np.uint8 if len(activities) <= 1 << 8 else np.uint16 if len(activities) <= 1 << 16 else np.uint32
        )
        ranks = ranks.astype(narrow)
        for chunk in self.chunks:
            chunk.activity_of = ranks if chunk.activity_of is None else ranks[chunk.activity_of]
            chunk.activities = chunk.activities.astype(narrow, copy=False)
        cases = self.cases.texts(self.source.label)  # the table of them goes before the events are sorted
        events = sorted_events(self.chunks, len(cases), narrow, threads)
        break_ties(events, self.nanoseconds, self.orders)
        zones = self.zones if self.source.zones is None else dict(self.source.zones)
        notes = [*self.source.notes, *self.instants.notes]
        origin = Origin(
            self.source, self.roles, rows_read, dropped, by_first_row(self.noted.values()),
            dict(sorted(zones.items())), notes, *self.given,
        )  # fmt: skip
        return EventLog(cases, activities, *events, origin)


def build_log(
    builder: LogBuilder, *, of: int = 0, threads: int | None = None, progress: Progress | None = None
) -> None:
    """Feed the rows of its source to `builder`, as it reads ahead.

    Raises
    ------
    LogError
        There is too little memory for the `of` rows there are said to be, or for those read so far.
    """
    require_memory(of * BYTES_AN_EVENT, f"{of:,} rows", file=builder.source.label)
    batches = builder.source.batches(builder.key_columns, [builder.roles["activity"]])
    with closed_after(batches):
        for batch in batches:
            if batch.num_rows:
                builder.append(batch)
            tick(progress, builder.rows, max(of, builder.rows))


def _nulled(values: pa.Array, where: NDArray[np.bool_]) -> pa.Array:
    import pyarrow.compute as pc  # late: its import costs as much as a million rows

    return pc.if_else(arrow(~where), values, pa.scalar(None, values.type))


def _shown(value: pa.Scalar) -> str | None:
    """Return a value of the source as text for a report, whatever bytes it has."""
    if not value.is_valid:
        return None
    if pa.types.is_dictionary(value.type):
        return _shown(value.dictionary[value.index.as_py()])
    if pa.types.is_string(value.type) or pa.types.is_large_string(value.type):
        return str(value.as_buffer().to_pybytes(), "utf-8", "replace")
    try:
        return str(value.cast(pa.string()))
    except pa.ArrowException:  # of a kind or size that has no text
        return str(getattr(value, "value", value.type))


def _nothing_left(rows_read: int, dropped: Sequence[Finding]) -> str:
    if rows_read == 0:
        return "there are no rows, only a header"
    reasons = ", ".join(f"{finding.count:,} {finding.reason}" for finding in dropped if finding.count)
    return f"none of the {rows_read:,} rows can become an event ({reasons})"
