"""The event log: columns sorted by case and time, and where each case starts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.attributes import Attribute, attribute_of, plain_column
from dealtrace_engine.buffers import arrow, taken_texts
from dealtrace_engine.errors import ArgumentError, LogError, SchemaError
from dealtrace_engine.origin import Origin
from dealtrace_engine.output import PathLike
from dealtrace_engine.parallel import Progress, map_blocks, thread_count
from dealtrace_engine.quality import FIRST_ROWS, Finding, Quality
from dealtrace_engine.schema import nearest
from dealtrace_engine.trace import Trace

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from dealtrace_engine.filters.expressions import Expression

UTC_MICROSECONDS = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, eq=False, repr=False)
class EventLog:
    """Events sorted by case and time; cases in order of first appearance in the source.

    Made by `read_csv`, `read_parquet`, `read_xes`, `from_arrow` and `open`. Never changed.

    Attributes
    ----------
    case_ids : pyarrow.LargeStringArray, shape (cases,)
        The source's text for each case.
    activities : pyarrow.LargeStringArray, shape (distinct activities,)
        Sorted by text; the code of an activity is its position.
    case_offsets : ndarray of int64, shape (cases + 1,)
        The events of case c are ``case_offsets[c]:case_offsets[c + 1]``; no case is empty.
    activity_codes : ndarray of uint8, uint16 or uint32, shape (events,)
    timestamps : ndarray of int64, shape (events,)
        Microseconds since 1970-01-01 UTC, rising within a case.
    rows : ndarray of uint32, shape (events,)
        Position of the event in the source, from 0; breaks ties between equal timestamps.
    origin : Origin
    kept : mapping of str to Attribute
        Other columns that are already in memory.
    """

    case_ids: pa.LargeStringArray
    activities: pa.LargeStringArray
    case_offsets: NDArray[np.int64]
    activity_codes: NDArray[Any]
    timestamps: NDArray[np.int64]
    rows: NDArray[np.uint32]
    origin: Origin
    kept: Mapping[str, Attribute] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for column in (self.case_offsets, self.activity_codes, self.timestamps, self.rows):
            column.flags.writeable = False

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__post_init__()  # numpy forgets the flag in a pickle

    @property
    def cases(self) -> int:
        """Number of cases."""
        return len(self.case_offsets) - 1

    @property
    def events(self) -> int:
        """Number of events."""
        return len(self.timestamps)

    def __len__(self) -> int:
        return self.events

    @property
    def known_activities(self) -> pa.LargeStringArray:
        """The activities that may be asked for: those of the log, and those that a filter left out."""
        return self.activities

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """Every column besides case id, activity and timestamp."""
        keys = {self.origin.roles.get(role) for role in ("case_id", "activity", "timestamp")}
        names = dict.fromkeys((*self.kept, *self.origin.source.names))
        return tuple(name for name in names if name not in keys)

    def attribute(self, name: str) -> Attribute:
        """Return a column by its name in the source, read now if it was not yet.

        Parameters
        ----------
        name : str
            A column of the source, or one of the roles resource, lifecycle and start_timestamp.

        Returns
        -------
        Attribute
            A value per case where it is constant within each (null is a value), else per event.

        Raises
        ------
        ArgumentError
            The name is no text.
        SchemaError
            There is no such column.
        LogError
            The source has changed since the log was made.
        """
        if not isinstance(name, str):
            raise ArgumentError(f"a column is named by a text, got {name!r}",
                                hint=nearest(self.attribute_names, ""))  # fmt: skip
        column = self.origin.roles.get(name) or name
        if column not in self.kept:
            if column not in self.attribute_names:
                raise SchemaError(
                    f"there is no column {name!r}",
                    file=self.origin.source.label,
                    hint=nearest(self.attribute_names, name),
                )
            if self.origin.source.names.count(column) > 1:
                raise SchemaError(
                    f"{self.origin.source.names.count(column)} columns are called {column!r}",
                    file=self.origin.source.label,
                    hint="rename one",
                )
            values = plain_column(self.origin.source.read([column]).column(0))
            self._keep(attribute_of(column, values.take(arrow(self.rows)), self.case_offsets))
        return self.kept[column]

    def _keep(self, attribute: Attribute) -> None:
        object.__setattr__(self, "kept", {**self.kept, attribute.name: attribute})

    def with_attributes(self, names: Sequence[str]) -> EventLog:
        """Return the same log with these columns in memory."""
        return replace(self, kept={**self.kept, **{self.attribute(n).name: self.attribute(n) for n in names}})

    @property
    def has_start_timestamps(self) -> bool:
        """Whether the log knows when activities started; else service times are unknown, not zero."""
        return "start_timestamp" in self.origin.roles

    @cached_property
    def start_timestamps(self) -> pa.TimestampArray:
        """When each event's activity started, in order of the log; null where unknown.

        Values that cannot be read are null too, and are counted in `quality` from then on.

        Raises
        ------
        LogError
            The log has no start timestamps.
        """
        from dealtrace_engine.instants import InstantReader
        from dealtrace_engine.readings import NOT_A_TIME

        if not self.has_start_timestamps:
            raise LogError(
                "the log has no start timestamps, so service times are unknown",
                file=self.origin.source.label,
                hint="name the column with start_timestamp=",
            )
        column = self.origin.roles["start_timestamp"]
        origin = self.origin
        reader = InstantReader(
            column, timezone=origin.timezone, format=origin.timestamp_format, file=origin.source.label
        )
        instants = reader.read(self.attribute(column).per_event(self.case_offsets))
        self._note_unread(column, instants.rejected)
        times = instants.microseconds
        return pa.array(times, type=UTC_MICROSECONDS, mask=times == NOT_A_TIME)

    def _note_unread(self, column: str, rejected: Mapping[str, NDArray[np.int64]]) -> None:
        """Note the values of a time column that are there but are no times; source rows from 1."""
        for reason, positions in rejected.items():
            finding = Finding(f"{reason} {column}")
            if reason != "null" and all(known.reason != finding.reason for known in self.origin.noted):
                first = np.sort(self.rows[positions])[:FIRST_ROWS]
                finding.add(len(positions), [self._row_number(int(row)) for row in first])
                self.origin.noted.append(finding)

    def _row_number(self, position: int) -> int:
        number = getattr(self.origin.source, "row_number", None)
        return number(position) if number is not None else position + 1

    @cached_property
    def quality(self) -> Quality:
        """What was read, dropped and noticed."""
        from dealtrace_ext.groups import count_ties

        counts = np.zeros(2, dtype=np.int64)
        seen = np.full(len(self.activities), -1, dtype=np.int64)
        count_ties(self.activity_codes, self.timestamps, self.case_offsets, 0, self.cases, seen, counts)
        roles, origin = self.origin.roles, self.origin
        columns = {r: {"column": c, "chosen": roles.chosen.get(r, "given")} for r, c in roles.columns.items()}
        return Quality(
            origin.rows_read, self.events, origin.dropped, origin.noted, int(counts[0]), int(counts[1]),
            origin.time_zones, columns, origin.notes, origin.coverage,
        )  # fmt: skip

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the log's content: cases, activities, timestamps and their order; not of attributes."""
        parts = [
            b"dealtrace event log 1", *_text_parts(self.case_ids), *_text_parts(self.activities),
            self.case_offsets, self.activity_codes, self.timestamps,
        ]  # fmt: skip
        step = 1 << 22
        pieces = [memoryview(part).cast("B") for part in parts]
        slices = [piece[at : at + step] for piece in pieces for at in range(0, max(len(piece), 1), step)]
        lengths = ",".join(str(len(piece)) for piece in pieces).encode()
        digests = map_blocks(lambda part: hashlib.sha256(part).digest(), slices)
        return hashlib.sha256(lengths + b"".join(digests)).hexdigest()

    def filter(self, expression: Expression, *, threads: int | None = None) -> EventLog:
        """Return the log of the cases, or of the events, that pass a filter.

        Parameters
        ----------
        expression : Expression
            Made with `dealtrace.where`.
        threads : int, optional
            All CPUs by default; the result does not depend on it.

        Raises
        ------
        LogError
            Nothing passes, or the log has no such activity.
        SchemaError
            The log has no such column, or it cannot be compared so; or this is no filter.
        ArgumentError
            There is less than one thread.

        Examples
        --------
        >>> import pyarrow as pa
        >>> from dealtrace_engine.filters import where as w
        >>> from dealtrace_engine.sources.memory import from_arrow
        >>> log = from_arrow(pa.table({"case": ["1", "1", "2"], "activity": ["a", "b", "a"],
        ...                            "time": ["2024-01-01"] * 3, "region": ["DACH", "DACH", "UK"]}))
        >>> log.filter((w.case("region") == "DACH") & w.contains("b")).cases
        1
        """
        from dealtrace_engine.filters.expressions import checked

        return checked(expression, "a filter").select(self, thread_count(threads))

    def case(self, case_id: str) -> Trace:
        """Return the trace of one case.

        Raises
        ------
        LogError
            There is no such case.
        """
        import pyarrow.compute as pc

        position = pc.index(self.case_ids, pa.scalar(str(case_id), pa.large_string())).as_py()
        if position < 0:
            raise LogError(f"there is no case {case_id!r}", file=self.origin.source.label)
        span = slice(int(self.case_offsets[position]), int(self.case_offsets[position + 1]))
        columns = {
            "activity": self.activity_texts(self.activity_codes[span]),
            "timestamp": arrow(self.timestamps[span], UTC_MICROSECONDS),
        }
        for attribute in self.kept.values():
            if attribute.level == "event":
                columns[attribute.name] = attribute.values[span]
        constant = {a.name: a.values[position].as_py() for a in self.kept.values() if a.level == "case"}
        return Trace(str(case_id), pa.table(columns), constant)

    def activity_texts(self, codes: NDArray[Any]) -> pa.StringArray:
        """Return the texts of activity codes, shape (n,)."""
        return taken_texts(self.activities, codes)

    def to_arrow(self, columns: Sequence[str] = ()) -> pa.Table:
        """Return the events in order: case_id, activity, timestamp and the attributes named in `columns`."""
        cases = np.repeat(np.arange(self.cases, dtype=np.int32), np.diff(self.case_offsets))
        codes = arrow(self.activity_codes.astype(np.int32))
        table = {
            "case_id": pa.DictionaryArray.from_arrays(arrow(cases), self.case_ids),
            "activity": pa.DictionaryArray.from_arrays(codes, self.activities),
            "timestamp": arrow(self.timestamps, UTC_MICROSECONDS),
        }
        for name in columns:
            table[name] = self.attribute(name).per_event(self.case_offsets)
        return pa.table(table)

    def case_table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return one row per case, in the order of the log: case_id and attributes of the case.

        Parameters
        ----------
        columns : sequence of str, optional
            Which attributes; all that have one value per case by default, which reads every column.

        Raises
        ------
        SchemaError
            There is no such column, or it varies within cases.

        Examples
        --------
        >>> from dealtrace_engine.sources.memory import from_arrow
        >>> log = from_arrow(pa.table({"case": ["1", "1"], "activity": ["a", "b"],
        ...                            "time": ["2024-01-01", "2024-01-03"], "region": ["DACH", "DACH"]}))
        >>> log.case_table().to_pylist()
        [{'case_id': '1', 'region': 'DACH'}]
        """
        found = [self.attribute(name) for name in (self.attribute_names if columns is None else columns)]
        varying = [attribute.name for attribute in found if attribute.level != "case"]
        if columns is not None and varying:
            raise SchemaError(f"column {varying[0]!r} varies within cases", file=self.origin.source.label,
                              hint="to_arrow() gives it per event")  # fmt: skip
        cases = {attribute.name: attribute.values for attribute in found if attribute.level == "case"}
        return pa.table({"case_id": self.case_ids, **cases})

    def to_polars(self, columns: Sequence[str] = ()) -> pl.DataFrame:
        """Return the events as a Polars frame; see `to_arrow`."""
        import polars as pl

        frame = pl.from_arrow(self.to_arrow(columns))
        assert isinstance(frame, pl.DataFrame)
        return frame

    def to_pandas(self, columns: Sequence[str] = ()) -> pd.DataFrame:
        """Return the events as a pandas frame; see `to_arrow`."""
        return cast("pd.DataFrame", self.to_arrow(columns).to_pandas())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def save(
        self, path: PathLike, columns: Sequence[str] | None = None, *, progress: Progress | None = None
    ) -> None:
        """Write the log to dealtrace's own file; see `store.save`."""
        from dealtrace_engine.store import save

        save(self, path, columns, progress=progress)

    def __repr__(self) -> str:
        first, last = (np.datetime64(int(t), "us").astype("datetime64[s]") for t in self.span)
        columns = ", ".join(f"{role}={column!r}" for role, column in self.origin.roles.columns.items())
        start = "" if self.has_start_timestamps else "\n  no start timestamps: service times are unknown"
        return (
            f"EventLog of {self.events:,} events, {self.cases:,} cases, {len(self.activities):,} activities\n"
            f"  {first} to {last} UTC, from {self.origin.source.label}\n"
            f"  {columns}{start}{self._lost()}"
        )

    def _lost(self) -> str:
        dropped = self.origin.rows_read - self.events
        return f"\n  {dropped:,} of {self.origin.rows_read:,} rows dropped, see .quality" if dropped else ""

    @cached_property
    def case_starts(self) -> NDArray[np.int64]:
        """First timestamp of each case, in microseconds since 1970-01-01 UTC."""
        return self.timestamps[self.case_offsets[:-1]]

    @cached_property
    def case_ends(self) -> NDArray[np.int64]:
        """Last timestamp of each case, in microseconds since 1970-01-01 UTC."""
        return self.timestamps[self.case_offsets[1:] - 1]

    @cached_property
    def span(self) -> tuple[int, int]:
        """First and last timestamp, in microseconds since 1970-01-01 UTC."""
        return int(self.case_starts.min()), int(self.case_ends.max())


def _text_parts(texts: pa.LargeStringArray) -> list[Any]:
    """Return offsets from zero and the bytes they point into."""
    _, offsets, data = texts.buffers()
    spots = np.frombuffer(offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    body = memoryview(b"" if data is None else data)[int(spots[0]) : int(spots[-1])]
    return [np.ascontiguousarray(spots - spots[0]), body]
