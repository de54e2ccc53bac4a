"""The distinct traces of a log: which case has which, their hashes and their ids."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.buffers import gathered
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress, blocks, map_blocks


class Traces(NamedTuple):
    """The distinct sequences of activities, in order of first appearance.

    Attributes
    ----------
    numbers : ndarray of int32, shape (cases,)
        Which one each case has.
    firsts : ndarray of int32, shape (distinct traces,)
        The first case with each.
    hashes : ndarray of uint64, shape (distinct traces,)
    """

    numbers: NDArray[np.int32]
    firsts: NDArray[np.int32]
    hashes: NDArray[np.uint64]


def distinct_traces(log: EventLog, threads: int | None = None) -> Traces:
    """Return the distinct traces of a log; kept with the log, which never changes.

    Parameters
    ----------
    log : EventLog
    threads : int, optional
        All CPUs by default; the result does not depend on it.
    """
    from dealtrace_ext.sequences import number_sequences

    known: Traces | None = log.__dict__.get("_traces")
    if known is None:
        hashes = sequence_hashes(log, threads)
        numbers, firsts = np.empty(log.cases, dtype=np.int32), np.empty(log.cases, dtype=np.int32)
        found = number_sequences(log.activity_codes, log.case_offsets, hashes, numbers, firsts)
        known = Traces(numbers, firsts[:found].copy(), hashes[firsts[:found]])
        log.__dict__["_traces"] = known
    return known


def trace_ids(log: EventLog, threads: int | None = None) -> pa.StringArray:
    """Return the stable id of each distinct trace, as in the table of variants; shape (distinct traces,)."""
    traces = distinct_traces(log, threads)
    codes, offsets = sequences_of(log, traces.firsts)
    return stable_ids(traces.hashes, codes, offsets, log.activities)


def sequences_of(log: EventLog, cases: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the activity codes of some cases, one after the other, and where each case starts."""
    return gathered(log.activity_codes, log.case_offsets, cases)


def sequence_hashes(
    log: EventLog, threads: int | None = None, progress: Progress | None = None
) -> NDArray[np.uint64]:
    """Return a hash of the activities' texts of each case, the same in every log; shape (cases,)."""
    from dealtrace_ext.sequences import hash_sequences

    digests = [hashlib.blake2b(text.as_py().encode(), digest_size=8).digest() for text in log.activities]
    words = np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)
    hashes = np.empty(log.cases, dtype=np.uint64)
    map_blocks(
        lambda block: hash_sequences(log.activity_codes, log.case_offsets, words, *block, hashes),
        blocks(log.case_offsets), threads=threads, progress=progress,
    )  # fmt: skip
    return hashes


def stable_ids(
    hashes: NDArray[np.uint64], codes: NDArray[Any], offsets: NDArray[np.int64], names: pa.LargeStringArray
) -> pa.StringArray:
    """Write hashes as 16 hexadecimal digits; where two are equal, take a longer hash of the texts instead."""
    digits = hashes.astype(">u8").tobytes().hex().encode()
    spots = pa.py_buffer(np.arange(len(hashes) + 1, dtype=np.int32) * 16)
    ids = pa.StringArray.from_buffers(len(hashes), spots, pa.py_buffer(digits))
    _, place, count = np.unique(hashes, return_inverse=True, return_counts=True)
    clashes = np.flatnonzero(count[place] > 1)
    if not len(clashes):
        return ids
    texts = ids.to_pylist()
    for v in clashes.tolist():
        trace = [names[int(code)].as_py().encode() for code in codes[offsets[v] : offsets[v + 1]]]
        content = b"".join(len(text).to_bytes(8, "little") + text for text in trace)
        texts[v] = hashlib.blake2b(content, digest_size=16).hexdigest()
    return pa.array(texts, pa.string())
