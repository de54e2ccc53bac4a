"""Where an event belongs whose day is known but not its time: inside that day, in the order of ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.events import START_LIKE

if TYPE_CHECKING:
    import polars as pl


def placed(events: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Give every event that is known to the day an instant inside its day.

    It comes right after the last event of that day and case that ranks before it; else right before the first
    that ranks after it; else at the start of the day if it begins something (`events.START_LIKE`), at the end
    if it does not. So it never comes before what must have been there, and a duration is never negative.

    Parameters
    ----------
    events : DataFrame
        With case_id, activity, timestamp, ts_precision, order_rank. A day's timestamp is its midnight UTC.
    zone : str
        IANA name of the zone in which a day begins and ends.

    Returns
    -------
    DataFrame
        The same rows in the same order; timestamps of days changed, and `day_start` and `day_end`, between
        which they may really lie (null for other events).
    """
    import polars as pl

    is_day = pl.col("ts_precision") == "date"
    rows = events.with_row_index("_row").with_columns(_day=_calendar_day(zone))
    days = rows.filter(is_day).select("case_id", "_day").unique()
    if days.height == 0:
        none = pl.lit(None, pl.Datetime("us", "UTC"))
        return events.with_columns(day_start=none, day_end=none)
    around = rows.join(days, on=["case_id", "_day"], how="semi", nulls_equal=True)
    next_day = pl.col("_day") + pl.duration(days=1)
    around = around.with_columns(
        _start=_start_of(pl.col("_day"), zone), _end=_start_of(next_day, zone) - pl.duration(seconds=1)
    )
    spots = _spots(around).select("_row", "_at", "_start", "_end")
    joined = rows.join(spots, on="_row", how="left", maintain_order="left")
    return joined.with_columns(
        timestamp=pl.when(is_day).then(pl.col("_at")).otherwise(pl.col("timestamp")),
        day_start=pl.when(is_day).then(pl.col("_start")),
        day_end=pl.when(is_day).then(pl.col("_end")),
    ).drop("_row", "_day", "_at", "_start", "_end")


def _calendar_day(zone: str) -> pl.Expr:
    """Return the day of an event where the organisation is; that of a date is the date itself."""
    import polars as pl

    there = pl.col("timestamp").dt.convert_time_zone(zone).dt.date()
    return pl.when(pl.col("ts_precision") == "date").then(pl.col("timestamp").dt.date()).otherwise(there)


def _start_of(day: pl.Expr, zone: str) -> pl.Expr:
    """Return when a day begins in a zone.

    Where clocks are put forward at midnight, that is an hour later; where a whole day is left out, the next.
    """
    import polars as pl

    midnight = day.cast(pl.Datetime("us"))
    begins = [
        (midnight + pl.duration(hours=hours)).dt.replace_time_zone(
            zone, ambiguous="earliest", non_existent="null"
        )
        for hours in (0, 1, 24)
    ]
    return pl.coalesce(begins).dt.convert_time_zone("UTC")


def _spots(around: pl.DataFrame) -> pl.DataFrame:
    """Find the instant of each event known to the day among the events of its case and day."""
    import polars as pl

    group = ["case_id", "_day"]
    is_day = pl.col("ts_precision") == "date"
    instant = pl.when(~is_day).then(pl.col("timestamp"))
    ranked = around.sort(*group, "order_rank", "_row").with_columns(
        _before=instant.cum_max().forward_fill().over(group),
        _after=instant.cum_min(reverse=True).backward_fill().over(group),
    )
    alone = (
        pl.when(pl.col("activity").is_in(list(START_LIKE))).then(pl.col("_start")).otherwise(pl.col("_end"))
    )
    spot = pl.coalesce(pl.col("_before"), pl.min_horizontal("_after", alone))
    # Of two known to the day, the one that ranks later does not come first.
    return (
        ranked.filter(is_day).with_columns(_spot=spot).with_columns(_at=pl.col("_spot").cum_max().over(group))
    )
