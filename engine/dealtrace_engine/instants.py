"""Date columns, text or Arrow values, to int64 microseconds UTC."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.attributes import plain_type
from dealtrace_engine.date_formats import Evidence, Layout, named_layout, parse_text
from dealtrace_engine.errors import ParseError, SchemaError
from dealtrace_engine.local_time import LocalTime
from dealtrace_engine.readings import (
    DAY,
    EPOCHS,
    NONEXISTENT,
    NOT_A_TIME,
    UNITS,
    Readings,
    null_mask,
    numbers,
)
from dealtrace_engine.strptime import checked_pattern, parse_pattern
from dealtrace_ext import timestamps
from dealtrace_ext.columns import Text


@dataclass(frozen=True)
class Instants:
    """Instants of one array of values, shape (n,).

    Attributes
    ----------
    microseconds : NDArray[int64], shape (n,)
        Since 1970-01-01 UTC; `NOT_A_TIME` where there is none. May be a read-only view of the input.
    nanoseconds : NDArray[uint16], shape (n,), or None
        0 to 999 beyond the microsecond; None where all are 0.
    rejected : dict of str to NDArray[int64]
        Reason (``"null"``, ``"unparsed"``, ``"out of range"``, ``"nonexistent local time"``) to positions.
        The positions are disjoint and are those of every `NOT_A_TIME`.
    noted : dict of str to NDArray[int64]
        Positions of values kept with something to know: ``"ambiguous local time"`` (the earlier is kept).
    zones : dict of str to int
        ``"naive"``, an offset such as ``"+01:00"``, ``"UTC"`` or a zone's name, to values with an instant.
    """

    microseconds: NDArray[np.int64]
    nanoseconds: NDArray[np.uint16] | None
    rejected: dict[str, NDArray[np.int64]]
    noted: dict[str, NDArray[np.int64]]
    zones: dict[str, int]


class InstantReader:
    """Reads one column, chunk by chunk, and remembers the format found in the first one.

    Parameters
    ----------
    column : str
        Its name, for messages.
    timezone : str, optional
        IANA name of the zone of values without one; they are UTC otherwise.
    format : str, optional
        ``"ISO 8601"``, an order such as ``"d/m/Y"``, ``"m/d/Y"`` or ``"d.m.Y"``, ``"epoch_s"``,
        ``"epoch_ms"``, ``"epoch_us"``, ``"epoch_ns"``, or a strptime pattern. A pattern in one of the orders
        fixes the order, not how the time of day is written. Found in the text if not given.
    file : optional
        The source, for messages.
    look_ahead : callable, optional
        Returns the column's arrays from its beginning. Called when the first chunk leaves open whether
        day or month comes first; without it, that is an error.

    Raises
    ------
    SchemaError
        There is no such zone or format.

    Examples
    --------
    >>> reader = InstantReader("timestamp")
    >>> reader.read(pa.array(["1970-01-01 00:00:01", None, "soon"])).rejected
    {'null': array([1]), 'unparsed': array([2])}
    >>> reader.notes
    ['timestamp: format ISO 8601', 'timestamp: values without an offset are taken as UTC']
    """

    def __init__(
        self,
        column: str,
        *,
        timezone: str | None = None,
        format: str | None = None,
        file: object = None,
        look_ahead: Callable[[], Iterable[pa.Array]] | None = None,
    ) -> None:
        self.column, self.file, self.format = column, file, format
        self.notes: list[str] = []
        self._zone = None if timezone is None else LocalTime(timezone)
        self._look_ahead = look_ahead
        self._layout: Layout | str | None = None  # a str is a strptime pattern
        if format is not None and format not in EPOCHS:
            self._layout = self._given(format)
            self._note(f"format {format}")

    def read(self, values: pa.Array) -> Instants:
        """Return the instants of an array, shape (n,).

        Parameters
        ----------
        values : pyarrow.Array
            Text (also dictionary-encoded), timestamps, dates, or integers with an epoch format.

        Raises
        ------
        SchemaError
            Another type, or integers without an epoch format.
        ParseError
            No format reads the text, or it stays open whether day or month comes first.
        """
        read = self._values(values)
        self._settle_zone(read)
        return Instants(read.microseconds, read.nanoseconds, read.rejected(), read.noted, read.zones())

    def _values(self, values: pa.Array) -> Readings:
        kind = values.type
        if pa.types.is_dictionary(kind):
            return self._dictionary(values)
        if pa.types.is_null(kind):
            return Readings.nulls(len(values))
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return self._text(values)
        if pa.types.is_string_view(kind):
            return self._text(values.cast(pa.large_string()))
        if pa.types.is_timestamp(kind):
            return _counted(values, UNITS[kind.unit], kind.tz)
        if pa.types.is_date(kind):
            return _counted(values, DAY if pa.types.is_date32(kind) else UNITS["ms"], None)
        if pa.types.is_integer(kind):
            return self._integers(values)
        what = f"{plain_type(kind)} cannot be read as dates"
        raise SchemaError(
            what, file=self.file, column=self.column, hint="give text, timestamps, dates or integers"
        )

    def _dictionary(self, values: pa.DictionaryArray) -> Readings:
        if len(values) == values.null_count:
            return Readings.nulls(len(values))
        which = numbers(values.indices.fill_null(0))
        return self._values(values.dictionary).take(which, null_mask(values))

    def _integers(self, values: pa.Array) -> Readings:
        if self.format not in EPOCHS:
            hint = f"say what they count with timestamp_format= one of {', '.join(EPOCHS)}"
            raise SchemaError(
                "the timestamps are whole numbers", file=self.file, column=self.column, hint=hint
            )
        self._note(f"format {self.format}")
        if pa.types.is_uint64(values.type):
            values = values.cast(pa.decimal128(20)).cast(pa.string())
            return self._text_of_integers(values, self.format)
        return _counted(values, EPOCHS[self.format], "UTC")

    def _text(self, values: pa.Array) -> Readings:
        if self.format in EPOCHS:
            return self._text_of_integers(values, self.format)
        if self._layout is None:
            if values.null_count == len(values):
                return Readings.nulls(len(values))
            self._layout = self._found(values)
            self._note(f"format {self._layout.name}")
        if isinstance(self._layout, str):
            return Readings.of(parse_pattern(values, self._layout))
        return Readings.of(parse_text(values, self._layout))

    def _text_of_integers(self, values: pa.Array, unit: str) -> Readings:
        counts, status = np.empty(len(values), np.int64), np.empty(len(values), np.uint8)
        timestamps.integers(Text(values), counts, status)
        self._note(f"format {unit}")
        return Readings.scaled(counts, EPOCHS[unit], "UTC", status)

    def _given(self, format: str) -> Layout | str:
        layout = named_layout(format)
        if layout is None and "%" not in format:
            known = ", ".join(EPOCHS)
            hint = f"known are ISO 8601, Y-m-d, d.m.Y, d/m/Y, m/d/Y, Y/m/d, {known} and strptime patterns"
            raise SchemaError(f"there is no timestamp format {format!r}", column=self.column, hint=hint)
        return layout or checked_pattern(format, self.column)

    def _found(self, values: pa.Array) -> Layout:
        """Return the layout that the text shows, or raise."""
        evidence = Evidence()
        evidence.add(values)
        if not evidence.settled and self._look_ahead is not None:
            evidence = Evidence()
            evidence.add_until_settled(map(_texts, self._look_ahead()))
        layout, twin = evidence.layout, evidence.twin
        if layout is None:
            what = f"no date format reads any of the first {evidence.values:,} values"
            hint = "give timestamp_format=, such as '%d %b %Y %H:%M' or epoch_ms"
        elif twin is None or len(evidence.only) == 1:
            return layout
        elif evidence.only:
            shown = " and ".join(f"{only.name} ({text!r})" for only, text in evidence.only.items())
            what = f"the column mixes {shown}, so that other values can be read both ways"
            hint = f"give timestamp_format={layout.name!r} or {twin.name!r}"
        else:
            what = f"day or month first? All values ({evidence.values:,} seen) can be read both ways"
            hint = f"give timestamp_format={layout.name!r} or {twin.name!r}"
        raise ParseError(what, file=self.file, column=self.column, value=evidence.example, hint=hint)

    def _settle_zone(self, read: Readings) -> None:
        """Turn local times into UTC by the zone that was given."""
        if read.zone is not None or "naive" not in read.zones():
            return
        self._note(
            f"values without an offset are taken as {'UTC' if self._zone is None else self._zone.name}"
        )
        if self._zone is None:
            return
        naive = np.equal(read.offsets, timestamps.NAIVE) & (read.microseconds != NOT_A_TIME)
        rows = np.flatnonzero(naive)
        utc, nonexistent, ambiguous = self._zone.to_utc(read.microseconds[rows])
        read.microseconds = read.microseconds.copy()
        read.microseconds[rows] = utc
        read.reject(_mask(rows[nonexistent], len(naive)), NONEXISTENT)
        read.reject(
            _mask(rows[(utc < timestamps.EARLIEST) | (utc > timestamps.LATEST)], len(naive)),
            timestamps.OUT_OF_RANGE,
        )
        kept = rows[ambiguous]
        kept = kept[read.microseconds[kept] != NOT_A_TIME]
        if len(kept):
            read.noted["ambiguous local time"] = kept

    def _note(self, what: str) -> None:
        note = f"{self.column}: {what}"
        if note not in self.notes:
            self.notes.append(note)


def _texts(values: pa.Array) -> pa.Array:
    """Return the distinct texts of a dictionary, and other text as what the parser takes."""
    values = values.dictionary if pa.types.is_dictionary(values.type) else values
    return values.cast(pa.large_string()) if pa.types.is_string_view(values.type) else values


def _counted(values: pa.Array, unit: int, zone: str | None) -> Readings:
    missing = null_mask(values)
    return Readings.scaled(numbers(values), unit, zone, None if missing is None else missing.astype(np.uint8))


def _mask(positions: NDArray[np.int64], length: int) -> NDArray[np.bool_]:
    mask = np.zeros(length, bool)
    mask[positions] = True
    return mask
