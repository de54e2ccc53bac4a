"""Derived events and a case table become an event log."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from dealtrace_engine.attributes import Attribute, plain_column
from dealtrace_engine.errors import LogError
from dealtrace_engine.log import EventLog
from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.labels import activity_label
from dealtrace_engine.sources.memory import TableSource
from dealtrace_engine.sources.options import ReadOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

ROLES = {"case_id": "case_id", "activity": "activity", "timestamp": "timestamp", "order": "order_rank"}
EMPTY_WITHOUT_VALUES = ("resource_id", "end_timestamp", "via", "confidence")


def assembled(
    events: pl.DataFrame, cases: pl.DataFrame, *, label: str, language: str = "en",
    notes: Sequence[str] = (), findings: Sequence[Finding] = (), threads: int | None = None,
) -> EventLog:  # fmt: skip
    """Make the log.

    Parameters
    ----------
    events : DataFrame
        With their cases and with days placed; in any order.
    cases : DataFrame
        case_id and the attributes of each case; cases without events are left out.
    label : str
        Where it all comes from.
    language : str
        Of the activities; `activity_id` keeps the canonical id.
    notes, findings
        How the export was read.

    Raises
    ------
    LogError
        No event belongs to a case.
    """
    if events.height == 0:
        raise LogError("no event could be derived for any case", file=label,
                       hint="the coverage report says which objects and columns are missing")  # fmt: skip
    table = in_order(events, language).to_arrow()
    source = TableSource(table, label, notes=list(notes), findings=list(findings))
    roles = {**ROLES, "resource": "resource_name"} if "resource_name" in table.column_names else ROLES
    log = ReadOptions(**roles, threads=threads).log_of(source, rows=table.num_rows)  # type: ignore[arg-type]
    return replace(log, kept={**log.kept, **case_attributes(log, cases)})


def in_order(events: pl.DataFrame, language: str) -> pl.DataFrame:
    """Return the events in the order of time, ties by rank and then by their evidence, with labels."""
    import polars as pl

    ids = events["activity"].unique().to_list()
    labels = {activity: activity_label(activity, language) for activity in ids}
    texts = [name for name, kind in events.schema.items() if kind == pl.String and name != "fact"]
    ordered = events.sort("timestamp", "order_rank", "source_row_id", "case_id", maintain_order=True)
    empty = [name for name in ordered.columns if ordered[name].null_count() == ordered.height]
    return (
        ordered.drop(*empty, "day_start", "day_end", "fact", strict=False)
        .with_columns(activity_id=pl.col("activity"), activity=pl.col("activity").replace_strict(labels))
        .with_columns(pl.col(name).cast(pl.Categorical) for name in texts if name not in empty)
    )


def case_attributes(log: EventLog, cases: pl.DataFrame) -> dict[str, Attribute]:
    """Return the columns of the case table, in the order of the log's cases."""
    import polars as pl

    ids = pl.DataFrame({"case_id": pl.Series(pl.from_arrow(log.case_ids)).cast(pl.String)})
    aligned = ids.join(cases, on="case_id", how="left", maintain_order="left").drop("case_id")
    table: pa.Table = aligned.to_arrow()
    return {
        name: Attribute(name, "case", _compact(plain_column(table.column(name))))
        for name in table.column_names
    }


def _compact(values: pa.Array) -> pa.Array:
    """Return text as a dictionary, as every other attribute of a log is kept."""
    return values.dictionary_encode() if pa.types.is_large_string(values.type) else values
