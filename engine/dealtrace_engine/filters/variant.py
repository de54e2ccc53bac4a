"""Conditions on the variant of a case."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dealtrace_engine.buffers import view
from dealtrace_engine.filters.expressions import Expression, Mask
from dealtrace_engine.filters.values import number, share, texts
from dealtrace_engine.log import EventLog
from dealtrace_engine.traces import distinct_traces, sequences_of, trace_ids


@dataclass(frozen=True, repr=False)
class Variant(Expression):
    """Cases of variants with these ids; an id that no variant has is no error."""

    ids: tuple[str, ...]
    op: ClassVar[str] = "variant"

    def __post_init__(self) -> None:
        self._set(ids=texts(self.ids, "the ids of 'variant'"))

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return the cases of the variants."""
        wanted = pc.is_in(trace_ids(log, threads), pa.array(self.ids, pa.string()))
        chosen: Mask = view(wanted.cast(pa.uint8())).astype(np.bool_)
        return chosen[distinct_traces(log, threads).numbers]


@dataclass(frozen=True, repr=False)
class TopVariants(Expression):
    """Cases of the most frequent variants; equally frequent ones by the texts of their activities."""

    count: int
    op: ClassVar[str] = "top_variants"

    def __post_init__(self) -> None:
        number(self.count, "the count of 'top_variants'", 1)

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return the cases of the variants."""
        return _top(log, self.count, threads)


@dataclass(frozen=True, repr=False)
class VariantCoverage(Expression):
    """Cases of the fewest variants, most frequent first, that together have at least a share of all cases."""

    share: float
    op: ClassVar[str] = "variant_coverage"

    def __post_init__(self) -> None:
        self._set(share=share(self.share, "the share of 'variant_coverage'"))

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return the cases of the variants."""
        counts = np.bincount(distinct_traces(log, threads).numbers)
        covered = np.cumsum(np.sort(counts)[::-1])
        needed = math.ceil(Fraction(repr(self.share)) * log.cases)
        return _top(log, int(np.searchsorted(covered, needed)) + 1, threads)


def _top(log: EventLog, most: int, threads: int | None) -> Mask:
    """Return the cases of the `most` most frequent variants."""
    traces = distinct_traces(log, threads)
    counts = np.bincount(traces.numbers)
    chosen = np.ones(len(counts), dtype=np.bool_)
    if most < len(counts):
        least = np.partition(counts, -most)[-most]
        chosen = counts > least
        tied = np.flatnonzero(counts == least)
        chosen[_first_by_text(log, tied, traces.firsts, most - int(chosen.sum()))] = True
    return chosen[traces.numbers]


def _first_by_text(
    log: EventLog, numbers: NDArray[np.int64], firsts: NDArray[np.int32], most: int
) -> NDArray[np.int64]:
    """Return those traces whose activities come first by text, which is by code."""
    codes, offsets = sequences_of(log, firsts[numbers])
    width = codes.dtype.itemsize
    data = pa.py_buffer(codes.astype(codes.dtype.newbyteorder(">")))
    spots = pa.py_buffer(offsets * width)
    sequences = pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(numbers), [None, spots, data])
    first: NDArray[np.int64] = numbers[view(pc.sort_indices(sequences)).astype(np.int64)[:most]]
    return first
