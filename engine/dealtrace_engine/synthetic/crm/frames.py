"""Numpy columns become Polars frames: seconds since the epoch of the log are instants, `NONE` is null."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.synthetic.clock import EPOCH_DAY, EPOCH_S
from dealtrace_engine.synthetic.crm.story import NONE
from dealtrace_engine.synthetic.dice import Flags, Ints
from dealtrace_engine.synthetic.steps import DAY

if TYPE_CHECKING:
    import polars as pl

Numbers = NDArray[np.float64]


def instants(seconds: Ints) -> pl.Series:
    """Return instants, datetime[us, UTC]."""
    import polars as pl

    moments = pl.Series((seconds + EPOCH_S) * 1_000_000).cast(pl.Datetime("us", "UTC"))
    return _without(moments, seconds == NONE)


def days(days_since_epoch: Ints) -> pl.Series:
    """Return calendar days of days since the epoch of the log."""
    import polars as pl

    return _without(
        pl.Series((days_since_epoch + EPOCH_DAY).astype(np.int32)).cast(pl.Date), days_since_epoch == NONE
    )


def day_of(seconds: Ints) -> Ints:
    """Return the day (UTC) of each time; that of `NONE` is `NONE`."""
    return np.where(seconds == NONE, NONE, seconds // DAY)


def keys(values: Ints) -> pl.Series:
    """Return keys of records or users."""
    import polars as pl

    return _without(pl.Series(values.astype(np.int64)), values == NONE)


def named(codes: Ints, names: Sequence[str]) -> pl.Series:
    """Return the name of each code; that of `NONE` is null."""
    import polars as pl

    return _without(pl.Series(names, dtype=pl.String).gather(np.maximum(codes, 0)), codes == NONE)


def numbers(values: Ints | Numbers, valid: Flags) -> pl.Series:
    """Return numbers, null where they are not valid."""
    import polars as pl

    return _without(pl.Series(values.astype(np.float64)), ~valid)


def _without(series: pl.Series, missing: Flags) -> pl.Series:
    import polars as pl

    return pl.select(pl.when(~pl.Series(missing)).then(series)).to_series()


def among(seconds: Ints, latest: Ints | int) -> Ints:
    """Return the times that are before `latest`, `NONE` in place of the others."""
    return np.where((seconds != NONE) & (seconds < latest), seconds, NONE)
