"""Variants: the distinct sequences of activities, and which case has which."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.throughput import case_durations, grouped
from dealtrace_engine.buffers import arrow, gathered, table, view
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress
from dealtrace_engine.percentiles import group_percentiles
from dealtrace_engine.results import Later, LogReference, Result
from dealtrace_engine.traces import sequence_hashes, stable_ids

RANKS = {"min_s": 0, "p50_s": 50, "p90_s": 90, "p95_s": 95, "max_s": 100}


@dataclass(frozen=True, eq=False)
class Variants(Result):
    """The variants of a log, by number of cases, largest first, then by the texts of their activities.

    What depends on their order is made when it is first asked for.

    Attributes
    ----------
    activity_names : pyarrow.LargeStringArray
        What the codes stand for.
    """

    activity_names: pa.LargeStringArray
    _case_ids: Later[pa.LargeStringArray]
    _sequences: pa.LargeBinaryArray
    _kind: np.dtype[Any]
    _numbers: NDArray[np.int32]
    _hashes: NDArray[np.uint64]
    _durations: Later[NDArray[np.int64]]
    _log: LogReference
    definition: ClassVar[str] = "variants 1"

    @property
    def case_ids(self) -> pa.LargeStringArray:
        """The source's text for each case, shape (cases,)."""
        return self._case_ids()

    @cached_property
    def as_found(self) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
        """Codes, offsets and counts as below, of the variants in order of first appearance."""
        return *_from_binary(self._sequences, self._kind), np.bincount(self._numbers, minlength=len(self))

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """The rows of `table` as positions in order of first appearance, shape (variants,)."""
        cases = self.as_found[2]
        keys = table({"cases": cases, "sequence": self._sequences})
        by = [("cases", "descending"), ("sequence", "ascending")]
        import pyarrow.compute as pc  # late: 50 ms

        return view(pc.sort_indices(keys, sort_keys=by)).astype(np.int64)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Cases of each variant, shape (variants,)."""
        return self.as_found[2][self.order]

    @cached_property
    def of_case(self) -> NDArray[np.int32]:
        """The variant of each case, as a row of `table`, shape (cases,); cases in the order of the log."""
        rank = np.empty(len(self), dtype=np.int32)
        rank[self.order] = np.arange(len(self), dtype=np.int32)
        return rank[self._numbers]

    @cached_property
    def _flat(self) -> tuple[NDArray[Any], NDArray[np.int64]]:
        return _from_binary(self._sequences.take(arrow(self.order)), self._kind)

    @property
    def codes(self) -> NDArray[Any]:
        """The activities of all variants, one after the other: uint8, uint16 or uint32."""
        return self._flat[0]

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Variant v is ``codes[offsets[v]:offsets[v + 1]]``; shape (variants + 1,)."""
        return self._flat[1]

    @cached_property
    def ids(self) -> pa.StringArray:
        """Hash of the activities' texts, the same in every log; shape (variants,)."""
        return stable_ids(self._hashes[self.order], self.codes, self.offsets, self.activity_names)

    def __len__(self) -> int:
        return len(self._hashes)

    @cached_property
    def table(self) -> pa.Table:
        """One row per variant, by number of cases, largest first, then by text.

        variant: stable id; activities: list of text; length: events; cases; share and cumulative_share of
        all cases; mean_s, min_s, p50_s, p90_s, p95_s, max_s: throughput times in seconds.
        """
        durations, offsets = grouped(self._durations(), self.of_case, len(self))
        figures = group_percentiles(durations, offsets, list(RANKS.values()))
        cases = int(self.counts.sum())
        columns: dict[str, Any] = {
            "variant": self.ids,
            "activities": self.activities,
            "length": np.diff(self.offsets),
            "cases": self.counts,
            "share": self.counts / cases,
            "cumulative_share": np.cumsum(self.counts) / cases,
            "mean_s": _exact_means(durations, offsets),
        }
        return table(columns | {name: figures[:, i] for i, name in enumerate(RANKS)})

    @property
    def activities(self) -> pa.LargeListArray:
        """The activities of each variant, as lists of text."""
        texts = self.activity_names.take(arrow(self.codes))
        return pa.LargeListArray.from_arrays(arrow(self.offsets), texts)

    @cached_property
    def cases(self) -> pa.Table:
        """case_id and variant id of each case, in the order of the log."""
        return table({"case_id": self.case_ids, "variant": self.ids.take(arrow(self.of_case))})

    @property
    def _table(self) -> pa.Table:
        return self.table

    def __repr__(self) -> str:
        top = self.counts[0] / self.counts.sum()
        return f"Variants: {len(self):,} of {len(self._numbers):,} cases, the first has {top:.1%}"


def _exact_means(durations: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    from dealtrace_ext.moments import exact_moments

    moments, sizes = exact_moments(durations, offsets), np.diff(offsets).tolist()
    return np.array([total / (n * 10**6) for (total, _), n in zip(moments, sizes, strict=True)])


def variants(log: EventLog, *, threads: int | None = None, progress: Progress | None = None) -> Variants:
    """Return the distinct sequences of activities, how many cases have each, and the variant of each case.

    Sequences are grouped by a 64-bit hash and compared on every hit, so that a collision can never merge two.

    Parameters
    ----------
    log : EventLog
    threads : int, optional
        All CPUs by default; the result does not depend on it.
    progress : callable (done, of) -> object, optional
        Returning False cancels.

    Returns
    -------
    Variants

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "1", "2", "3"], "activity": ["a", "b", "a", "a"],
    ...                            "time": ["2024-01-01"] * 4}))
    >>> variants(log).table.select(["activities", "cases"]).to_pylist()
    [{'activities': ['a'], 'cases': 2}, {'activities': ['a', 'b'], 'cases': 1}]
    """
    from dealtrace_ext.sequences import number_sequences

    hashes = sequence_hashes(log, threads, progress)
    numbers, firsts = np.empty(log.cases, dtype=np.int32), np.empty(log.cases, dtype=np.int32)
    found = number_sequences(log.activity_codes, log.case_offsets, hashes, numbers, firsts)
    sequences = _as_binary(*gathered(log.activity_codes, log.case_offsets, firsts[:found]))
    return Variants(
        log.activities, Later(lambda: log.case_ids), sequences, log.activity_codes.dtype, numbers,
        hashes[firsts[:found]], Later(lambda: case_durations(log, threads)), LogReference(log),
    )  # fmt: skip


def _as_binary(codes: NDArray[Any], offsets: NDArray[np.int64]) -> pa.LargeBinaryArray:
    """Make each sequence a byte string that sorts as its codes do, which is as its texts do."""
    width = codes.dtype.itemsize
    data = codes.astype(codes.dtype.newbyteorder(">"), copy=False)
    buffers = [None, pa.py_buffer(offsets * width), pa.py_buffer(np.ascontiguousarray(data))]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(offsets) - 1, buffers)


def _from_binary(
    sequences: pa.LargeBinaryArray, kind: np.dtype[Any]
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    _, offsets, data = sequences.buffers()
    spots = np.frombuffer(offsets, dtype=np.int64)[sequences.offset : sequences.offset + len(sequences) + 1]
    codes = np.frombuffer(data, dtype=kind.newbyteorder(">"), count=int(spots[-1]) // kind.itemsize)
    return codes.astype(kind, copy=False), spots // kind.itemsize
