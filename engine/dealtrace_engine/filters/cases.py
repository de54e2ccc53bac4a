"""Conditions on a case as a whole: its time, its size, its variant, its id, and chance."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dealtrace_engine.buffers import view
from dealtrace_engine.errors import SchemaError
from dealtrace_engine.filters.expressions import Expression, Mask
from dealtrace_engine.filters.values import (
    bounds_us,
    duration_bounds,
    moment,
    moment_us,
    number,
    number_bounds,
    share,
    texts,
)
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import blocks, map_blocks

FIRST_US, LAST_US = -(1 << 63), (1 << 63) - 1


def window_of(start: object, end: object, op: str) -> dict[str, str | None]:
    """Return a time window as text; raise `SchemaError` where nothing can be in it."""
    low = None if start is None else moment(start, "start")
    high = None if end is None else moment(end, "end")
    if low is None and high is None:
        raise SchemaError(f"neither start nor end of {op!r} is given", hint="give one or both")
    if low is not None and high is not None and moment_us(low) >= moment_us(high):
        raise SchemaError(f"the start of {op!r} is not before its end", value=(low, high))
    return {"start": low, "end": high}


def window_us(start: str | None, end: str | None) -> tuple[int, int]:
    """Return the first microsecond of a window, and the last."""
    return FIRST_US if start is None else moment_us(start), LAST_US if end is None else moment_us(end) - 1


@dataclass(frozen=True, repr=False)
class _InWindow(Expression):
    start: str | None
    end: str | None

    def __post_init__(self) -> None:
        self._set(**window_of(self.start, self.end, self.op))

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return the cases that lie so to the window."""
        return self._holds(log.case_starts, log.case_ends, *window_us(self.start, self.end))

    @abstractmethod
    def _holds(self, starts: NDArray[np.int64], ends: NDArray[np.int64], low: int, high: int) -> Mask:
        """Return which cases lie so to the window."""


class ContainedIn(_InWindow):
    """Cases with all their events in a time window."""

    op: ClassVar[str] = "contained_in"

    def _holds(self, starts: NDArray[np.int64], ends: NDArray[np.int64], low: int, high: int) -> Mask:
        return (starts >= low) & (ends <= high)


class Intersecting(_InWindow):
    """Cases that are under way at some time in a window, from their first event to their last."""

    op: ClassVar[str] = "intersecting"

    def _holds(self, starts: NDArray[np.int64], ends: NDArray[np.int64], low: int, high: int) -> Mask:
        return (starts <= high) & (ends >= low)


class StartedIn(_InWindow):
    """Cases with their first event in a time window."""

    op: ClassVar[str] = "started_in"

    def _holds(self, starts: NDArray[np.int64], ends: NDArray[np.int64], low: int, high: int) -> Mask:
        return (starts >= low) & (starts <= high)


class EndedIn(_InWindow):
    """Cases with their last event in a time window."""

    op: ClassVar[str] = "ended_in"

    def _holds(self, starts: NDArray[np.int64], ends: NDArray[np.int64], low: int, high: int) -> Mask:
        return (ends >= low) & (ends <= high)


@dataclass(frozen=True, repr=False)
class CaseSize(Expression):
    """Cases with so many events."""

    at_least: int | None = None
    at_most: int | None = None
    op: ClassVar[str] = "case_size"

    def __post_init__(self) -> None:
        number_bounds(self.at_least, self.at_most)

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return the cases with so many events."""
        high = LAST_US if self.at_most is None else self.at_most
        return _within(np.diff(log.case_offsets), self.at_least or 0, high)


@dataclass(frozen=True, repr=False)
class ThroughputTime(Expression):
    """Cases that take so long from their first event to their last."""

    at_least: str | None = None
    at_most: str | None = None
    op: ClassVar[str] = "throughput_time"

    def __post_init__(self) -> None:
        low, high = duration_bounds(self.at_least, self.at_most, needed=True)
        self._set(at_least=low, at_most=high)

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return the cases that take so long."""
        return _within(log.case_ends - log.case_starts, *bounds_us(self.at_least, self.at_most))


def _within(values: NDArray[np.int64], low: int, high: int) -> Mask:
    return (values >= low) & (values <= high)


@dataclass(frozen=True, repr=False)
class CaseId(Expression):
    """Cases with one of these ids; an id that no case has is no error."""

    case_ids: tuple[str, ...]
    op: ClassVar[str] = "case_id"

    def __post_init__(self) -> None:
        self._set(case_ids=texts(self.case_ids, "the ids of 'case_id'"))

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return the cases with one of the ids."""
        wanted = pa.array(self.case_ids, pa.large_string())
        return view(pc.is_in(log.case_ids, wanted).cast(pa.uint8())).astype(np.bool_)


@dataclass(frozen=True, repr=False)
class Sample(Expression):
    """Cases chosen by a seeded hash of their ids: so many of the log, or each with so much probability."""

    cases: int | None = None
    share: float | None = None
    seed: int = 0
    op: ClassVar[str] = "sample"

    def __post_init__(self) -> None:
        if (self.cases is None) == (self.share is None):
            raise SchemaError("a sample is of so many cases or of a share", hint="give one of both")
        if self.cases is not None:
            number(self.cases, "cases", 1)
        else:
            self._set(share=share(self.share, "share"))
        number(self.seed, "seed")

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return the cases of the sample."""
        hashes = id_hashes(log, self.seed, threads)
        if self.share is not None:
            drawn: Mask = hashes <= np.uint64(min(int(self.share * 2**64), 2**64 - 1))
            return drawn
        if self.cases is None or self.cases >= log.cases:
            return np.ones(log.cases, dtype=np.bool_)
        largest = np.partition(hashes, self.cases - 1)[self.cases - 1]
        passes: Mask = hashes < largest
        passes[np.flatnonzero(hashes == largest)[: self.cases - int(passes.sum())]] = True
        return passes


def id_hashes(log: EventLog, seed: int, threads: int | None = None) -> NDArray[np.uint64]:
    """Return a hash of the id of each case, the same in every log that has the case; shape (cases,)."""
    from dealtrace_ext.sequences import hash_sequences

    words = np.frombuffer(hashlib.shake_256(f"sample {seed}".encode()).digest(256 * 8), dtype="<u8")
    words = words.astype(np.uint64)
    _, spots, data = log.case_ids.buffers()
    offsets = np.frombuffer(spots, dtype=np.int64)[log.case_ids.offset : log.case_ids.offset + log.cases + 1]
    characters = np.frombuffer(data, dtype=np.uint8)
    hashes = np.empty(log.cases, dtype=np.uint64)
    map_blocks(
        lambda block: hash_sequences(characters, offsets, words, *block, hashes),
        blocks(log.case_offsets), threads=threads,
    )  # fmt: skip
    return hashes
