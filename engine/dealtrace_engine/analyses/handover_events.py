"""Every handover of a log: from whom to whom, how long it waits, and whether it comes straight back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.money import Amounts
from dealtrace_engine.analyses.resources import Resources
from dealtrace_engine.analyses.working_time import Calendar, working_time
from dealtrace_engine.buffers import view
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import EVENTS_PER_BLOCK, Progress, blocks, map_blocks, tick

MOST_KEYS = 1 << 24
"""Up to so many possible pairs each has a place of its own; beyond, those that occur are sorted."""


class Found(NamedTuple):
    """All handovers, in the order of the log.

    Attributes
    ----------
    counts : ndarray of int64, shape (cases,)
        How many each case has.
    offsets : ndarray of int64, shape (cases + 1,)
        Where those of each case begin.
    keys : ndarray of int64, shape (handovers,)
        Code of the case, source and target in one.
    waits : ndarray of int64, shape (handovers,)
        Microseconds.
    returned : ndarray of bool, shape (handovers,)
        Whether the work comes straight back.
    """

    counts: NDArray[np.int64]
    offsets: NDArray[np.int64]
    keys: NDArray[np.int64]
    waits: NDArray[np.int64]
    returned: NDArray[np.bool_]

    @property
    def cases(self) -> NDArray[np.int64]:
        """The case of each."""
        return np.repeat(np.arange(len(self.counts)), self.counts)


def found_handovers(
    log: EventLog, resources: Resources, codes: NDArray[np.int64], calendar: Calendar | None,
    threads: int | None, progress: Progress | None,
) -> Found:  # fmt: skip
    """Find all handovers; keys are the code of the case, the source and the target, in this order."""
    from dealtrace_engine.kernels.handovers import count_handovers, write_handovers

    width, spans = len(resources), blocks(log.case_offsets)
    counts = np.empty(log.cases, dtype=np.int64)
    map_blocks(
        lambda block: count_handovers(resources.codes, log.case_offsets, *block, counts), spans,
        threads=threads,
    )  # fmt: skip
    tick(progress, 1, 2)
    offsets = np.concatenate(([0], np.cumsum(counts)))
    keys, waits = np.empty((2, int(offsets[-1])), dtype=np.int64)
    returned = np.empty(len(keys), dtype=np.bool_)
    starts, case_keys = _starts(log), codes * width * width
    begins = np.empty(0 if calendar is None else len(keys), dtype=np.int64)
    map_blocks(
        lambda block: write_handovers(
            resources.codes, log.timestamps, starts, log.case_offsets, *block, width, case_keys, offsets,
            keys, begins, waits, returned,
        ),
        spans, threads=threads,
    )  # fmt: skip
    found = Found(counts, offsets, keys, waits, returned)
    if calendar is not None and len(keys):
        ends = begins + waits
        measure = working_time(log, calendar, int(begins.min()), int(ends.max()))
        found = found._replace(waits=measure(begins, ends, found.cases))
    tick(progress, 2, 2)
    return found


def _starts(log: EventLog) -> NDArray[np.int64]:
    """Return when events start, or nothing where that is when they end."""
    if not log.has_start_timestamps:
        return np.empty(0, dtype=np.int64)
    starts = log.start_timestamps
    known = np.asarray(starts.is_valid())
    return np.where(known, view(starts), log.timestamps)


def distinct_keys(keys: NDArray[np.int64], possible: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the keys that occur, rising, and the place of each key among them."""
    if possible > MOST_KEYS:
        distinct, ranks = np.unique(keys, return_inverse=True)
        return distinct, ranks.astype(np.int32)
    occurs = np.zeros(possible, dtype=np.bool_)
    occurs[keys] = True
    distinct = np.flatnonzero(occurs)
    places = np.empty(possible, dtype=np.int32)
    places[distinct] = np.arange(len(distinct), dtype=np.int32)
    return distinct, places[keys]


class Tallies(NamedTuple):
    """What there is of each key.

    Attributes
    ----------
    cases, returned, returned_cases : ndarray of int64, shape (keys,)
        Cases, handovers that come straight back, and cases with such.
    low, high : ndarray of int64, shape (keys,)
        Sum of the lower 24 bits of the amounts of the cases, and of the others.
    """

    cases: NDArray[np.int64]
    returned: NDArray[np.int64]
    returned_cases: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]


def tallied(
    found: Found, ranks: NDArray[np.int32], amounts: Amounts | None, count: int, threads: int | None
) -> Tallies:
    """Count what there is of each key.

    Parameters
    ----------
    found : Found
    ranks : ndarray of int32, shape (handovers,)
        The place of the key of each.
    amounts : Amounts or None
        Added, of each case once.
    count : int
        How many keys there are.
    threads : int or None
    """
    from dealtrace_engine.kernels.handovers import count_cases

    units = np.empty(0, dtype=np.int64) if amounts is None else amounts.units

    def tally(block: tuple[int, int]) -> NDArray[np.int64]:
        seen, out = np.full((2, count), -1, dtype=np.int64), np.zeros((5, count), dtype=np.int64)
        count_cases(ranks, found.returned, found.offsets, units, *block, *seen, *out)
        return out

    total = np.zeros((5, count), dtype=np.int64)
    for part in map_blocks(tally, blocks(found.offsets, max(EVENTS_PER_BLOCK, 4 * count)), threads=threads):
        total += part
    return Tallies(*total)
