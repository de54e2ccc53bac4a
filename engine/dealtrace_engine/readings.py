"""Values on their way to instants: what was read, and the state of each value."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.date_formats import Parsed
from dealtrace_ext import timestamps

NOT_A_TIME = timestamps.NOT_A_TIME
NONEXISTENT = 4
REASONS = {
    timestamps.MISSING: "null",
    timestamps.UNPARSED: "unparsed",
    timestamps.OUT_OF_RANGE: "out of range",
    NONEXISTENT: "nonexistent local time",
}
"""Why a value is not an instant, by its status."""

DAY = 86_400_000_000
UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": -1_000}
"""Microseconds in a unit; below zero, units in a microsecond."""
EPOCHS = {f"epoch_{unit}": scale for unit, scale in UNITS.items()}
"""The same by the name of the format."""


@dataclass
class Readings:
    """Values of one array, shape (n,).

    Attributes
    ----------
    microseconds : NDArray[int64]
        `NOT_A_TIME` where the status is not OK; may be a read-only view.
    status : NDArray[uint8] or None
        OK or a key of `REASONS`; None where all are OK.
    nanoseconds : NDArray[uint16] or None
        None where all are 0.
    offsets : NDArray[int16] or int
        Minutes east of UTC as written, or `NAIVE`; one number where all are alike.
    zone : str or None
        The zone of all values, where their type names one.
    noted : dict of str to NDArray[int64]
        Positions of values kept with something to know.
    """

    microseconds: NDArray[np.int64]
    status: NDArray[np.uint8] | None = None
    nanoseconds: NDArray[np.uint16] | None = None
    offsets: NDArray[np.int16] | int = timestamps.NAIVE
    zone: str | None = None
    noted: dict[str, NDArray[np.int64]] = field(default_factory=dict)

    @classmethod
    def nulls(cls, length: int) -> Readings:
        """Return `length` missing values."""
        return cls(np.full(length, NOT_A_TIME, np.int64), np.full(length, timestamps.MISSING, np.uint8))

    @classmethod
    def of(cls, parsed: Parsed) -> Readings:
        """Return what was parsed from text."""
        return cls(
            parsed.microseconds,
            parsed.status if parsed.rejected else None,
            parsed.nanoseconds if parsed.has_nanoseconds else None,
            parsed.highest if parsed.lowest >= parsed.highest else parsed.offsets,
        )

    @classmethod
    def scaled(
        cls, raw: NDArray[np.int64], unit: int, zone: str | None, status: NDArray[np.uint8] | None = None
    ) -> Readings:
        """Return whole numbers of a unit (see `UNITS`) since 1970-01-01; microseconds are not copied."""
        outside = _outside(raw, unit)
        if unit == 1:
            read = cls(raw, zone=zone)
        elif unit > 0:
            read = cls((raw if outside is None else np.where(outside, 0, raw)) * unit, zone=zone)
        else:
            read = cls(raw // -unit, zone=zone)
            rest = (raw - read.microseconds * -unit).astype(np.uint16)
            read.nanoseconds = rest if rest.any() else None
        if status is not None:
            for reason in (timestamps.MISSING, timestamps.UNPARSED, timestamps.OUT_OF_RANGE):
                read.reject(np.equal(status, reason), reason)
        if outside is not None:
            read.reject(outside, timestamps.OUT_OF_RANGE)
        return read

    def take(self, which: NDArray[np.int64], missing: NDArray[np.bool_] | None) -> Readings:
        """Return the values at `which`, shape (m,), and nulls where `missing`."""
        taken = Readings(
            self.microseconds[which],
            None if self.status is None else self.status[which],
            None if self.nanoseconds is None else self.nanoseconds[which],
            self.offsets if isinstance(self.offsets, int) else self.offsets[which],
            self.zone,
        )
        if missing is not None:
            taken.status = (
                None if taken.status is None else np.where(missing, np.uint8(timestamps.OK), taken.status)
            )
            taken.reject(missing, timestamps.MISSING)
        return taken

    def reject(self, where: NDArray[np.bool_], reason: int) -> None:
        """Turn the values `where` that were still good into `NOT_A_TIME`."""
        if not where.any():
            return
        if self.status is None:
            self.status = np.zeros(len(self.microseconds), np.uint8)
        good = where & (self.status == timestamps.OK)
        self.status[good] = reason
        self.microseconds = np.where(good, NOT_A_TIME, self.microseconds)
        if self.nanoseconds is not None:
            self.nanoseconds = np.where(good, np.uint16(0), self.nanoseconds)

    def rejected(self) -> dict[str, NDArray[np.int64]]:
        """Return reason to positions, for the reasons there are."""
        if self.status is None:
            return {}
        found = {reason: np.flatnonzero(self.status == code) for code, reason in REASONS.items()}
        return {reason: positions for reason, positions in found.items() if len(positions)}

    def zones(self) -> dict[str, int]:
        """Return zone as written to the number of good values."""
        good = None if self.status is None else self.status == timestamps.OK
        count = len(self.microseconds) if good is None else int(good.sum())
        if count == 0:
            return {}
        if self.zone is not None or isinstance(self.offsets, int):
            return {self.zone or offset_name(int(np.max(self.offsets))): count}
        offsets, counts = np.unique(self.offsets if good is None else self.offsets[good], return_counts=True)
        return {offset_name(int(o)): int(c) for o, c in zip(offsets, counts, strict=True)}


def _outside(raw: NDArray[np.int64], unit: int) -> NDArray[np.bool_] | None:
    """Return where numbers of a unit lie outside the years 1 to 9999, or None where all lie inside."""
    low, high = timestamps.EARLIEST, timestamps.LATEST
    if unit > 0:
        low, high = low // unit, high // unit
    else:  # 64 bits of nanoseconds end in 2262; the lowest number stands for "not a time" in numpy
        low, high = -(2**63) + 1, 2**63 - 1
    if len(raw) == 0 or (raw.min() >= low and raw.max() <= high):
        return None
    return np.less(raw, low) | np.greater(raw, high)


def offset_name(minutes: int) -> str:
    """Return the name of an offset.

    Examples
    --------
    >>> offset_name(-570)
    '-09:30'
    """
    if minutes == timestamps.NAIVE:
        return "naive"
    hours, rest = divmod(abs(minutes), 60)
    return "UTC" if minutes == 0 else f"{'+' if minutes > 0 else '-'}{hours:02}:{rest:02}"


def numbers(values: pa.Array) -> NDArray[np.int64]:
    """Return the buffer of a 64-bit or (copied) narrower column; what stands at nulls has no meaning.

    ``Array.to_numpy`` would import pandas.
    """
    if values.type.bit_width < 64:
        values = (
            values.cast(pa.int32()).cast(pa.int64())
            if pa.types.is_date32(values.type)
            else values.cast(pa.int64())
        )
    if len(values) == 0:
        return np.empty(0, np.int64)
    return np.frombuffer(values.buffers()[1], np.int64, len(values), values.offset * 8)


def null_mask(values: pa.Array) -> NDArray[np.bool_] | None:
    """Return where a column is null, or None where nothing is."""
    if values.null_count == 0:
        return None
    valid = np.frombuffer(values.is_valid().buffers()[1], np.uint8)
    bits = np.unpackbits(valid, count=len(values), bitorder="little")
    return np.equal(bits, 0)
