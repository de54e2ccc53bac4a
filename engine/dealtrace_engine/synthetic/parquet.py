"""A synthetic log of any size as a Parquet file, written in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.output import written_whole
from dealtrace_engine.parallel import Progress
from dealtrace_engine.synthetic.lead_to_cash import Making

EVENTS_PER_OPPORTUNITY = 14.75
"""Measured over seeds; a log of 100,000 events and more is met to about 1 in 100."""


def write_parquet(
    path: str | os.PathLike[str],
    events: int,
    *,
    seed: int = 1,
    language: str = "en",
    precision: str = "second",
    row_group: int = 1 << 20,
    progress: Progress | None = None,
) -> dict[str, str | int]:
    """Write a lead-to-cash log of about `events` events.

    The file holds the very rows of ``lead_to_cash(opportunities, ...)``, where `opportunities` is ``events /
    EVENTS_PER_OPPORTUNITY``: all rows in the order of time, cases interleaved as in an export. Memory holds a
    row group, and the events and cases under way at one moment of the log.

    Parameters
    ----------
    path : path-like
        Replaced only when the file is complete.
    events : int
        Met to about 1 in 100.
    seed, language, precision
        As in `lead_to_cash`.
    row_group : int
        Rows in a row group; the last has fewer.
    progress : callable, optional
        Called with (cases made, of); returning False cancels.

    Returns
    -------
    dict
        The truths of the log, as in `LeadToCash`.

    Raises
    ------
    OutputError
        The file cannot be written.
    Cancelled
        The progress callback returned False; nothing is left behind.
    """
    if row_group < 1:
        raise ArgumentError(f"row_group is at least 1, got {row_group}")
    making = Making(max(1, round(events / EVENTS_PER_OPPORTUNITY)), seed, language, precision)
    with written_whole(path) as unfinished:
        _write(unfinished, _cut(making.tables(progress), row_group))
    return making.truths


def _write(path: Path, groups: Iterator[pa.Table]) -> None:
    first = next(groups)
    # without the Arrow schema the file says string, not dictionary, as other writers' files do
    with pq.ParquetWriter(path, first.schema, compression="zstd", store_schema=False) as writer:
        for group in chain((first,), groups):
            writer.write_table(group, row_group_size=len(group))


def _cut(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """Yield the same rows in tables of `rows` rows; the last may be shorter."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        while sum(map(len, waiting)) >= rows:
            joined = pa.concat_tables(waiting)
            yield joined.slice(0, rows)
            waiting = [joined.slice(rows)]
    if sum(map(len, waiting)):
        yield pa.concat_tables(waiting)
