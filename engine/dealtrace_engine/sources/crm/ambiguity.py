"""How many pairs of events may really be the other way round, and what that could change of throughput."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars as pl

PERCENTILES = (50, 90, 95, 99)
MICROSECONDS = 1_000_000
ROWS_AT_A_TIME = 1 << 19
"""Bounds what the pairs of neighbours take."""


@dataclass(frozen=True)
class Ambiguity:
    """What is not known about the order of events.

    Attributes
    ----------
    pairs : int
        Neighbours in a case, in the order of the log.
    tied : int
        Of these, how many have one instant, so that the rank of their activities decided.
    within_day : int
        Of these, how many may be the other way round since one of them is known to the day only.
    within_minute : int
        The same for the minute.
    throughput : dict of str to (float, float, float)
        ``mean_s``, ``p50_s``, ... : the least it can be, what it is, the most it can be, in seconds.
    """

    pairs: int
    tied: int
    within_day: int
    within_minute: int
    throughput: dict[str, tuple[float, float, float]]

    @property
    def ambiguous(self) -> int:
        """Pairs whose order is not known."""
        return self.tied + self.within_day + self.within_minute


def ambiguity(events: pl.DataFrame) -> Ambiguity:
    """Account for what the order of events rests on.

    Parameters
    ----------
    events : DataFrame
        In the order of the log: case_id, timestamp, ts_precision, day_start, day_end as `dating.placed` gives
        them.
    """
    import polars as pl

    minute = pl.col("ts_precision") == "minute"
    bounded = events.select(
        "case_id",
        "ts_precision",
        at=pl.col("timestamp").dt.timestamp("us"),
        low=pl.coalesce("day_start", "timestamp").dt.timestamp("us"),
        high=pl.coalesce(
            "day_end",
            pl.when(minute).then(pl.col("timestamp") + pl.duration(seconds=59)),
            "timestamp",
        ).dt.timestamp("us"),
    )
    starts = range(0, events.height, ROWS_AT_A_TIME)
    counts = [_counted(bounded[at : at + ROWS_AT_A_TIME + 1]) for at in starts]
    pairs, tied, day, minute = (sum(column) for column in zip((0, 0, 0, 0), *counts, strict=True))
    return Ambiguity(pairs, tied, day, minute, _throughput(bounded))


def _counted(bounded: pl.DataFrame) -> tuple[int, int, int, int]:
    """Count the pairs of neighbours in one case, and those whose order is open, by why."""
    import polars as pl

    following = bounded.select(pl.all().shift(-1).name.prefix("next_"))
    pairs = pl.concat([bounded, following], how="horizontal").filter(
        pl.col("case_id") == pl.col("next_case_id")
    )
    open_order = pl.col("next_low") <= pl.col("high")
    one_is = [
        (pl.col("ts_precision") == precision) | (pl.col("next_ts_precision") == precision)
        for precision in ("date", "minute")
    ]
    day = open_order & one_is[0]
    minute = open_order & one_is[1] & ~one_is[0]
    tied = (pl.col("at") == pl.col("next_at")) & ~one_is[0] & ~one_is[1]
    counts = pairs.select(tied=tied.sum(), day=day.sum(), minute=minute.sum()).row(0)
    return pairs.height, int(counts[0] or 0), int(counts[1] or 0), int(counts[2] or 0)


def _throughput(bounded: pl.DataFrame) -> dict[str, tuple[float, float, float]]:
    """Bound each figure: every case is at least and at most so long, and percentiles keep that order."""
    import polars as pl

    lengths = bounded.group_by("case_id").agg(
        least=pl.max_horizontal(pl.lit(0), pl.col("low").max() - pl.col("high").min()),
        found=pl.col("at").max() - pl.col("at").min(),
        most=pl.col("high").max() - pl.col("low").min(),
    )
    figures: dict[str, tuple[float, float, float]] = {}
    columns = [lengths[name].to_numpy() / MICROSECONDS for name in ("least", "found", "most")]
    if lengths.height:
        means = [float(np.mean(column)) for column in columns]
        figures["mean_s"] = (means[0], means[1], means[2])
        for percentile in PERCENTILES:
            least, found, most = (float(np.percentile(column, percentile)) for column in columns)
            figures[f"p{percentile}_s"] = (least, found, most)
    return figures
