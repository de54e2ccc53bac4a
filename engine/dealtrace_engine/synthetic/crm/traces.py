"""Which events of the truth leave a trace in the tables of an export, where, and how exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import polars as pl

    Tables = Mapping[str, pl.DataFrame]

Precision = Literal["instant", "date"]


@dataclass(frozen=True)
class Trace:
    """Rows that tell an activity, by the record that it happened to and the time.

    Attributes
    ----------
    table : str
    record : str
        Column with the id of the record.
    at : str
        Column with the time.
    precision : {"instant", "date"}
        Whether the column tells the moment or the day.
    column, values : str, tuple of str
        Only rows with one of these values in the column; all rows if there is no column.
    via : tuple of str, optional
        Table, its key and its column with the id of the record, where `record` holds that key only.
    """

    table: str
    record: str
    at: str
    precision: Precision = "instant"
    column: str = ""
    values: tuple[str, ...] = ()
    via: tuple[str, str, str] | None = None

    @property
    def name(self) -> str:
        """Where it is, such as ``OpportunityHistory.CreatedDate``."""
        return f"{self.table}.{self.at}"

    def rows(self, tables: Tables) -> pl.DataFrame | None:
        """Return the columns `record_id` and `at`, without doubles; None if the export lacks them."""
        import polars as pl

        frame = tables.get(self.table)
        needed = {self.record, self.at, *([self.column] if self.column else [])}
        if frame is None or not needed <= set(frame.columns):
            return None
        if self.column:
            frame = frame.filter(pl.col(self.column).is_in(list(self.values)))
        found = frame.select(pl.col(self.record).alias("record_id"), pl.col(self.at).alias("at"))
        if self.via is not None:
            table, key, record = self.via
            if table not in tables or not {key, record} <= set(tables[table].columns):
                return None
            known = tables[table].select(pl.col(key).alias("record_id"), pl.col(record).alias("of"))
            found = found.join(known.unique("record_id"), on="record_id").select("at", record_id="of")
        at = pl.col("at")
        exact = at if self.precision == "date" else at.dt.truncate("1s")
        return found.select("record_id", exact.alias("at")).drop_nulls().unique()


def traced(events: pl.DataFrame, tables: Tables, traces: Sequence[Trace]) -> pl.DataFrame:
    """Return events of one activity with what is known of their traces.

    Parameters
    ----------
    events : DataFrame
        With `record_id` and `timestamp`.
    tables : mapping of str to DataFrame
        What the shape shows.
    traces : sequence of Trace
        The best first.

    Returns
    -------
    DataFrame
        The same rows with `derivable` (bool), `precision` ("instant", "date" or null) and `note`: the first
        trace that tells the event, or why there is none.
    """
    import polars as pl

    seconds = pl.col("timestamp").dt.truncate("1s")
    found = events.with_columns(
        pl.lit(None, pl.String).alias("evidence"), pl.lit(None, pl.String).alias("precision")
    )
    looked = []
    for trace in traces:
        rows = trace.rows(tables)
        if rows is None:
            continue
        looked.append(trace.table)
        key = pl.col("timestamp").dt.date() if trace.precision == "date" else seconds
        hit = found.select("record_id", key.alias("at")).join(
            rows.with_columns(pl.lit(True).alias("hit")), on=["record_id", "at"], how="left",
            maintain_order="left",
        )["hit"]  # fmt: skip
        new = pl.col("evidence").is_null() & hit.fill_null(False)
        found = found.with_columns(
            pl.when(new).then(pl.lit(trace.name)).otherwise("evidence").alias("evidence"),
            pl.when(new).then(pl.lit(trace.precision)).otherwise("precision").alias("precision"),
        )
    why_not = pl.lit(_why_not(looked, traces))
    return found.with_columns(
        pl.col("evidence").is_not_null().alias("derivable"),
        pl.col("evidence").fill_null(why_not).alias("note"),
    )


def _why_not(looked: Sequence[str], traces: Sequence[Trace]) -> str:
    if looked:
        return f"no row of {', '.join(dict.fromkeys(looked))} tells it"
    if traces:
        return f"the export has no {', '.join(dict.fromkeys(trace.table for trace in traces))}"
    return "the system does not record it"
