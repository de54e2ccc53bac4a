"""Journeys: what cases of the same path, with or without its loops, come to."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.decided import Decided
from dealtrace_engine.analyses.grouping import Groups
from dealtrace_engine.analyses.money import UNITS, Amounts
from dealtrace_engine.analyses.rate_intervals import null_for_nan, wilson
from dealtrace_engine.analyses.throughput import case_durations, grouped
from dealtrace_engine.analyses.variants import Variants, variants
from dealtrace_engine.analyses.working_time import Calendar
from dealtrace_engine.buffers import arrow, table
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import blocks, map_blocks
from dealtrace_engine.percentiles import group_percentiles
from dealtrace_engine.selection import select_events

Loops = Literal["collapsed", "kept"]
LONGEST_LOOP = 4
COLUMNS = ("variant", "activities", "length", "cases", "share", "won", "lost", "win_rate", "win_rate_low",
           "win_rate_high", "p50_s", "p90_s")  # fmt: skip


class JourneyTable(NamedTuple):
    """The rows of a result.

    Attributes
    ----------
    table : pyarrow.Table
    of_case : ndarray of int64, shape (cases,)
        The row of each case.
    """

    table: pa.Table
    of_case: NDArray[np.int64]


def paths_of(
    log: EventLog, loops: Loops = "collapsed", longest: int = LONGEST_LOOP, threads: int | None = None
) -> Variants:
    """Return the variants of a log, of which loops may be taken once.

    A loop is a block of up to `longest` activities that directly follows the same block: ``a b a b a b c``
    becomes ``a b c``. From left to right, the shortest block first, the first time stays.

    Parameters
    ----------
    log : EventLog
    loops : {"collapsed", "kept"}
    longest : int
        Activities of a block, from 1: only what is repeated at once.
    threads : int, optional

    Raises
    ------
    ArgumentError
        There is no such way to take loops, or `longest` is below 1.

    References
    ----------
    R. P. J. C. Bose, W. M. P. van der Aalst, "Abstractions in process mining: a taxonomy of patterns",
    Business Process Management 2009: tandem repeats.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> days = [f"2024-01-0{day}" for day in range(1, 7)]
    >>> log = from_arrow(pa.table({"case": ["1"] * 6, "activity": list("aababc"), "time": days}))
    >>> paths_of(log).activities.to_pylist()
    [['a', 'b', 'c']]
    """
    if loops not in ("collapsed", "kept"):
        raise ArgumentError(f"loops are 'collapsed' or 'kept', got {loops!r}")
    if not isinstance(longest, int | np.integer) or longest < 1:
        raise ArgumentError(f"longest_loop is a whole number of at least 1, got {longest!r}")
    if loops == "kept":
        return variants(log, threads=threads)
    from dealtrace_engine.kernels.journeys import mark_without_loops

    marks = np.empty(log.events, dtype=np.bool_)
    longest_case = int(np.diff(log.case_offsets).max())

    def mark(block: tuple[int, int]) -> None:
        places = np.empty(longest_case, dtype=np.int64)
        mark_without_loops(log.activity_codes, log.case_offsets, *block, int(longest), places, marks)

    map_blocks(mark, blocks(log.case_offsets), threads=threads)
    return variants(select_events(log, marks, "loops taken once", threads), threads=threads)


def journey_table(
    log: EventLog, paths: Variants, groups: Groups, decided: Decided, amounts: Amounts | None,
    calendar: Calendar | None = None, confidence: float = 0.95, threads: int | None = None,
) -> JourneyTable:  # fmt: skip
    """Return what the cases of each path come to; see `Journeys.table`.

    Parameters
    ----------
    log : EventLog
    paths : Variants
    groups : Groups
    decided : Decided
    amounts : Amounts, optional
    calendar : WorkingCalendar or Calendars, optional
    confidence : float
    threads : int, optional
    """
    currencies = 1 if amounts is None else len(amounts.currencies)
    codes = groups.codes.astype(np.int64) * currencies
    if amounts is not None:
        codes += amounts.of_case
    keys, ranks = _rows_of(codes * len(paths) + paths.of_case)
    code, path = np.divmod(keys, len(paths))
    group, money = np.divmod(code, currencies)
    durations, offsets = grouped(
        case_durations(log, threads, calendar=calendar), ranks.astype(np.int32), len(keys)
    )
    figures = group_percentiles(durations, offsets, [50, 90], threads=threads)
    cases = np.diff(offsets)
    won, lost = (np.bincount(ranks[decided.outcomes == what], minlength=len(keys)) for what in (1, 0))
    known = won + lost
    rates = np.divide(won, known, out=np.full(len(keys), np.nan), where=known > 0)
    low, high = wilson(won, np.where(known > 0, known, np.nan), confidence)
    columns: dict[str, Any] = groups.columns(group)
    if amounts is not None:
        columns["currency"] = pa.array([amounts.currencies[k] for k in money.tolist()], pa.string())
    made = (paths.ids.take(arrow(path)), paths.activities.take(arrow(path)), np.diff(paths.offsets)[path],
            cases, cases / np.bincount(codes)[code], won, lost, null_for_nan(rates), null_for_nan(low),
            null_for_nan(high), figures[:, 0], figures[:, 1])  # fmt: skip
    columns |= dict(zip(COLUMNS, made, strict=True))
    if amounts is not None:
        columns |= _values(amounts, ranks, decided, len(keys))
    return JourneyTable(table(columns), ranks)


def _rows_of(codes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the codes that occur, the most frequent first, and the place of each among them."""
    keys, ranks, cases = np.unique(codes, return_inverse=True, return_counts=True)
    order = np.lexsort((keys, -cases))
    places = np.empty(len(keys), dtype=np.int64)
    places[order] = np.arange(len(keys))
    return keys[order], places[ranks]


def _values(
    amounts: Amounts, ranks: NDArray[np.int64], decided: Decided, count: int
) -> dict[str, NDArray[np.float64]]:
    """Return the amounts of all cases of each row, and of those that are won."""
    units = np.where(decided.outcomes == 1, amounts.units, 0)
    won = Amounts(units, amounts.known, amounts.currencies, amounts.of_case)
    return {
        name: np.array([total / UNITS for total in own.exact_sums(ranks, count)], dtype=np.float64)
        for name, own in (("value", amounts), ("won_value", won))
    }
