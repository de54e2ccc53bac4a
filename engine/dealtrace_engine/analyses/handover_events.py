"""Every handover of a log: from whom to whom, how long it waits, and whether it comes straight back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.money import Amounts
from dealtrace_engine.analyses.resources import Resources
from dealtrace_engine.analyses.starts import Starts
from dealtrace_engine.analyses.working_time import Calendar, working_time
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress, blocks, map_blocks, tick

MOST_KEYS = 1 << 24
"""Up to so many possible pairs each has a place of its own; beyond, those that occur are sorted."""
MOST_CELLS = 1 << 22
"""Of counts of keys that all blocks together make their own of."""


class Block(NamedTuple):
    """The handovers of a block of cases, in the order of the log.

    Attributes
    ----------
    first, last : int
        Cases.
    keys : ndarray of int64, shape (handovers,)
        Code of the case, source and target in one.
    waits : ndarray of int64, shape (handovers,)
        Microseconds.
    returned : ndarray of bool, shape (handovers,)
        Whether the work comes straight back.
    """

    first: int
    last: int
    keys: NDArray[np.int64]
    waits: NDArray[np.int64]
    returned: NDArray[np.bool_]


class Found(NamedTuple):
    """All handovers.

    Attributes
    ----------
    counts : ndarray of int64, shape (cases,)
        How many each case has.
    keys : ndarray of int64, shape (keys,)
        Those that occur, rising.
    blocks : list of Block
        In the order of the log.
    ranks : list of ndarray of int32, shape (handovers of the block,)
        The place of each in `keys`.
    """

    counts: NDArray[np.int64]
    keys: NDArray[np.int64]
    blocks: list[Block]
    ranks: list[NDArray[np.int32]]

    @property
    def cases(self) -> NDArray[np.int64]:
        """The case of each handover."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    @property
    def returned(self) -> NDArray[np.bool_]:
        """Whether the work comes straight back after each handover."""
        return np.concatenate([block.returned for block in self.blocks])


def found_handovers(
    log: EventLog, resources: Resources, starts: Starts, codes: NDArray[np.int64], possible: int,
    calendar: Calendar | None, threads: int | None, progress: Progress | None,
) -> Found:  # fmt: skip
    """Find all handovers; keys are the code of the case, the source and the target, and below `possible`."""
    from dealtrace_engine.kernels.handovers import write_handovers

    width, counts = len(resources), np.empty(log.cases, dtype=np.int64)
    begun = np.empty(0, dtype=np.int64) if starts.known is None else starts.microseconds
    case_keys = codes * width * width
    occurs = np.zeros(possible if possible <= MOST_KEYS else 0, dtype=np.bool_)

    def write(cases: tuple[int, int]) -> tuple[Block, NDArray[np.int64]]:
        first, last = cases
        room = int(log.case_offsets[last] - log.case_offsets[first])
        keys, waits = (np.empty(room, dtype=np.int64) for _ in range(2))
        begins, returned = np.empty(0 if calendar is None else room, np.int64), np.empty(room, np.bool_)
        write_handovers(
            resources.codes, log.timestamps, begun, log.case_offsets, first, last, width, case_keys, counts,
            keys, begins, waits, returned, occurs,
        )  # fmt: skip
        count = int(counts[first:last].sum())
        return Block(first, last, keys[:count], waits[:count], returned[:count]), begins[:count]

    written = map_blocks(write, blocks(log.case_offsets), threads=threads)
    found = [block for block, _ in written]
    if calendar is not None and any(len(block.keys) for block in found):
        found = _worked(log, calendar, written, counts, threads)
    tick(progress, 1, 2)
    keys, ranks = _ranked(found, occurs, threads)
    tick(progress, 2, 2)
    return Found(counts, keys, found, ranks)


def _worked(
    log: EventLog, calendar: Calendar, written: list[tuple[Block, NDArray[np.int64]]],
    counts: NDArray[np.int64], threads: int | None,
) -> list[Block]:  # fmt: skip
    """Return blocks whose waits are working time; with each block is given when its waits begin."""
    some = [(block, begins) for block, begins in written if len(begins)]
    ends = max(int((begins + block.waits).max()) for block, begins in some)
    measure = working_time(log, calendar, min(int(begins.min()) for _, begins in some), ends)

    def worked(part: tuple[Block, NDArray[np.int64]]) -> Block:
        block, begins = part
        cases = np.repeat(np.arange(block.first, block.last), counts[block.first : block.last])
        return block._replace(waits=measure(begins, begins + block.waits, cases))

    return map_blocks(worked, written, threads=threads)


def _ranked(
    found: list[Block], occurs: NDArray[np.bool_], threads: int | None
) -> tuple[NDArray[np.int64], list[NDArray[np.int32]]]:
    """Return the keys that occur, rising, and the place of each key among them, block by block."""
    if not len(occurs):
        keys, inverse = np.unique(np.concatenate([block.keys for block in found]), return_inverse=True)
        cuts = np.cumsum([len(block.keys) for block in found[:-1]])
        return keys, np.split(inverse.astype(np.int32), cuts)
    keys, places = np.flatnonzero(occurs), np.empty(len(occurs), dtype=np.int32)
    places[keys] = np.arange(len(keys), dtype=np.int32)
    return keys, map_blocks(lambda block: places.take(block.keys, mode="clip"), found, threads=threads)


class Tallies(NamedTuple):
    """What there is of each key.

    Attributes
    ----------
    waits : ndarray of int64, shape (handovers,)
        Key by key, each's in the order of the log.
    offsets : ndarray of int64, shape (keys + 1,)
        Where those of each key begin.
    cases, returned, returned_cases : ndarray of int64, shape (keys,)
        Cases, handovers that come straight back, and cases with such.
    low, high : ndarray of int64, shape (keys,)
        Sum of the lower 24 bits of the amounts of the cases, and of the others.
    """

    waits: NDArray[np.int64]
    offsets: NDArray[np.int64]
    cases: NDArray[np.int64]
    returned: NDArray[np.int64]
    returned_cases: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]


def tallied(found: Found, amounts: Amounts | None, threads: int | None) -> Tallies:
    """Count what there is of each key.

    Parameters
    ----------
    found : Found
    amounts : Amounts or None
        Added, of each case once.
    threads : int or None
    """
    from dealtrace_engine.kernels.handovers import count_cases, group_waits

    units, count = np.empty(0, dtype=np.int64) if amounts is None else amounts.units, len(found.keys)
    parts = _joined(found, -(-6 * count * len(found.blocks) // MOST_CELLS))

    def tally(part: tuple[Block, NDArray[np.int32]]) -> NDArray[np.int64]:
        block, ranks = part
        seen, out = np.full((2, count), -1, dtype=np.int64), np.zeros((6, count), dtype=np.int64)
        count_cases(ranks, block.returned, found.counts, units, block.first, block.last, *seen, *out)
        return out

    tallies = np.stack(map_blocks(tally, parts, threads=threads))
    total, sizes = tallies.sum(axis=0), tallies[:, 0]
    offsets = np.concatenate(([0], np.cumsum(total[0])))
    positions = offsets[:-1] + np.cumsum(sizes, axis=0) - sizes
    waits = np.empty(int(offsets[-1]), dtype=np.int64)
    map_blocks(
        lambda at: group_waits(parts[at][1], parts[at][0].waits, positions[at], waits), range(len(parts)),
        threads=threads,
    )  # fmt: skip
    return Tallies(waits, offsets, *total[1:])


def _joined(found: Found, together: int) -> list[tuple[Block, NDArray[np.int32]]]:
    """Return blocks and their ranks, so many joined to one."""
    if together <= 1:
        return list(zip(found.blocks, found.ranks, strict=True))
    parts = []
    for at in range(0, len(found.blocks), together):
        own = found.blocks[at : at + together]
        keys, waits, returned = (np.concatenate(columns) for columns in list(zip(*own, strict=True))[2:])
        ranks = np.concatenate(found.ranks[at : at + together])
        parts.append((Block(own[0].first, own[-1].last, keys, waits, returned), ranks))
    return parts
