"""Visits of cases to stages, and the order of the stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.observed import instant_of, last_instant
from dealtrace_engine.analyses.stage_source import StageSource, check_stage
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.filters.values import Moment
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress, blocks, map_blocks

OPEN, MOVED, LEFT, WON = range(4)
"""How a visit stands: not over, another stage follows, the case is in none from then on, since it is won."""
PUSHED, AMOUNT, OWNER = range(3)
"""What changes during a visit: the close date, which is later then, the amount, the owner."""
FIRST, FORWARD, SKIP, RETURN, CLOSE, REOPEN = range(6)
KINDS = ("first", "forward", "skip", "return", "close", "reopen")
"""What moves are, by their numbers."""
MOST_AT_ONCE = 10
"""Stages that are counted after which others they are entered, all of these at once."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ALWAYS = int(np.iinfo(np.int64).min)


class VisitBlock(NamedTuple):
    """Visits of a block of cases in the order of the log's cases and of time, each array of shape (visits,).

    Attributes
    ----------
    cases : ndarray of int32
        The number of the case.
    stages : ndarray of int32
        As codes of the source, or as ranks once the order is known.
    begins : ndarray of int64
        Microseconds since 1970-01-01 UTC.
    dwell : ndarray of int64
        How long each is, microseconds; until the end of what is looked at where it is not over.
    states : ndarray of int8
        `OPEN`, `MOVED`, `LEFT` or `WON`.
    changed : ndarray of int32, shape (changes,)
        Visits during which something changed, in their order.
    changes : ndarray of int8, shape (changes,)
        What did: `PUSHED`, `AMOUNT` or `OWNER`.
    """

    cases: NDArray[np.int32]
    stages: NDArray[np.int32]
    begins: NDArray[np.int64]
    dwell: NDArray[np.int64]
    states: NDArray[np.int8]
    changed: NDArray[np.int32]
    changes: NDArray[np.int8]

    def changed_by(self, what: int) -> NDArray[np.int32]:
        """Return the visits during which the close date, the amount or the owner changed, once per change."""
        found: NDArray[np.int32] = self.changed[self.changes == what]
        return found


@dataclass(frozen=True, eq=False)
class StageVisits:
    """Visits of all cases, block by block.

    Attributes
    ----------
    blocks : list of VisitBlock
        At least one, in the order of the log.
    entered : ndarray of int64, shape (codes,)
        How many visits there are to each stage.
    unseen : int
        Visits that began before what the log tells, and are left out.
    votes : ndarray of int64, shape (codes, codes)
        Cases that enter one stage first before they enter another first.
    """

    blocks: list[VisitBlock]
    entered: NDArray[np.int64]
    unseen: int
    votes: NDArray[np.int64]

    def __len__(self) -> int:
        return sum(len(block.cases) for block in self.blocks)

    @cached_property
    def joined(self) -> VisitBlock:
        """All of them as one block."""
        found = VisitBlock(*(np.concatenate(columns) for columns in zip(*self.blocks, strict=True)))
        starts = np.cumsum([0, *(len(block.cases) for block in self.blocks[:-1])])
        sizes = [len(block.changed) for block in self.blocks]
        return found._replace(changed=(found.changed + np.repeat(starts, sizes)).astype(np.int32))


def end_of(log: EventLog, until: Moment | None) -> int:
    """Return until when a log is looked at, in microseconds since 1970-01-01 UTC.

    By default until its export was made, where it says, but no less than all of it.

    Parameters
    ----------
    log : EventLog
    until : str, date or datetime, optional

    Raises
    ------
    ArgumentError
        It is no instant, or before all events.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"], "activity": ["a"], "time": ["1970-01-02"]}))
    >>> end_of(log, None), end_of(log, "1970-01-03")
    (86400000000, 172800000000)
    """
    end = last_instant(log, until)
    return end if until is not None else max(end, log.span[1])


def stage_visits(
    log: EventLog,
    source: StageSource,
    until: int,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> StageVisits:
    """Return the visits of each case to stages.

    Parameters
    ----------
    log : EventLog
    source : StageSource
    until : int
        Events after it are not looked at; microseconds since 1970-01-01 UTC.
    threads : int, optional
        All CPUs by default; the result does not depend on it.
    progress : callable (done, of) -> object, optional
        Returning False cancels.
    """
    from dealtrace_engine.kernels.stages import first_entries
    from dealtrace_engine.kernels.stages import stage_visits as visits_of

    horizon = log.origin.coverage and log.origin.coverage.horizon
    known_from = instant_of(horizon) if horizon else ALWAYS
    kinds: tuple[Any, ...] = (np.int32, np.int32, np.int64, np.int64, np.int8, np.int32, np.int8)

    width = len(source.names)
    longest = int(np.diff(log.case_offsets).max(initial=0))

    def partial(block: tuple[int, int]) -> tuple[VisitBlock, NDArray[np.int64], int, NDArray[np.int64]]:
        room = int(log.case_offsets[block[1]] - log.case_offsets[block[0]])
        counts, scratch = np.zeros(3, dtype=np.int64), np.empty(longest, dtype=np.int32)
        columns = tuple(np.empty(room, dtype=kind) for kind in kinds)
        cases, stages, begins, dwell, states, changed, changes = columns
        visits_of(
            log.activity_codes, log.timestamps, log.case_offsets, source.codes, source.origins, *block, until,
            known_from, source.effects, source.closed, cases, stages, begins, dwell, states, changed, changes,
            scratch, counts,
        )  # fmt: skip
        sizes = [counts[0]] * 5 + [counts[2]] * 2
        found = VisitBlock(*(column[:size] for column, size in zip(columns, sizes, strict=True)))
        seen, rank = np.full(width, -1, dtype=np.int64), np.empty(width, dtype=np.int32)
        entered, votes = np.zeros(width, dtype=np.int64), np.zeros(width * width, dtype=np.int64)
        after = np.zeros(width << width if width <= MOST_AT_ONCE else 0, dtype=np.int64)
        first_entries(found.cases, found.stages, seen, rank, after, entered, votes)
        return found, entered, int(counts[1]), votes

    parts = map_blocks(partial, blocks(log.case_offsets), threads=threads, progress=progress)
    found, entered, unseen, votes = zip(*parts, strict=True)
    return StageVisits(
        list(found), np.sum(entered, axis=0), sum(unseen), np.sum(votes, axis=0).reshape(width, width)
    )


@dataclass(frozen=True, eq=False)
class StageOrder:
    """Stages in their order, closed ones last.

    Attributes
    ----------
    names : tuple of str
    open_stages : int
        How many of them are not closed.
    lost : ndarray of bool, shape (stages,)
    ranks : ndarray of int32, shape (codes,)
        The place of each code of the source; -1 where no case is in that stage.
    how : {"given", "learnt"}
    support : float or None
        Of all pairs of open stages that a case enters one after the other, how many are in this order; None
        where there are none.
    """

    names: tuple[str, ...]
    open_stages: int
    lost: NDArray[np.bool_]
    ranks: NDArray[np.int32]
    how: str
    support: float | None


def stage_order(
    log: EventLog, source: StageSource, visits: StageVisits, order: Sequence[str] | None = None
) -> StageOrder:
    """Return the order of stages: as given, or that in which most cases enter them first.

    A stage is before another if more cases enter it first that way round; stages are ordered by how many
    others they are before, less those they are after, then by the margins as shares of cases, then by text.

    Parameters
    ----------
    log : EventLog
    source : StageSource
    visits : StageVisits
    order : sequence of str, optional
        Stages that are not in it come after those that are.

    Raises
    ------
    ArgumentError
        A stage is in the given order twice, or there is none.
    SchemaError
        There is no such stage.

    References
    ----------
    A. H. Copeland, "A reasonable social welfare function", University of Michigan, 1951.
    """
    count, votes = len(source.names), visits.votes
    entered = visits.entered > 0
    place = _given_places(log, source, order)
    used = [code for code in range(count) if entered[code] or source.names[code] in place]
    margins = np.where(source.closed, 0, votes - votes.T)  # all stages are before the closed ones
    score, margin = np.sign(margins).sum(axis=1), (margins / np.maximum(votes + votes.T, 1)).sum(axis=1)
    used.sort(
        key=lambda c: (
            bool(source.closed[c]), place.get(source.names[c], count), -score[c], -margin[c], source.names[c]
        )
    )  # fmt: skip
    ranks = np.full(count, -1, dtype=np.int32)
    ranks[used] = np.arange(len(used), dtype=np.int32)
    still = [code for code in used if not source.closed[code]]
    between = votes[np.ix_(still, still)]
    total = int(between.sum())
    support = int(np.triu(between, 1).sum()) / total if total else None
    names = tuple(source.names[code] for code in used)
    how = "learnt" if order is None else "given"
    return StageOrder(names, len(still), source.lost[used], ranks, how, support)


def _given_places(log: EventLog, source: StageSource, order: Sequence[str] | None) -> dict[str, int]:
    if order is None:
        return {}
    if isinstance(order, str) or not isinstance(order, Sequence) or not order:
        raise ArgumentError(f"an order is a sequence of stages, got {order!r}")
    for name in order:
        check_stage(log, source.names, name)
        if list(order).count(name) > 1:
            raise ArgumentError(f"stage {name!r} is in the order twice")
    return {name: place for place, name in enumerate(order)}
