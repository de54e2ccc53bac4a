"""Derived events and a case table become an event log."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from dealtrace_engine.attributes import Attribute, plain_column
from dealtrace_engine.errors import LogError
from dealtrace_engine.log import EventLog
from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.crm.event_source import EventSource
from dealtrace_engine.sources.crm.events import IDS
from dealtrace_engine.sources.crm.ids import Ids, TextIds
from dealtrace_engine.sources.files import InputFile
from dealtrace_engine.sources.labels import activity_label
from dealtrace_engine.sources.options import ReadOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

ROLES = {"case_id": "case_id", "activity": "activity", "timestamp": "timestamp", "order": "order_rank"}
OF_BOTH = ("amount", "currency", "discount_pct", "close_date", "payment_terms")
"""What an event and its case have under one name: that of the event is called ``event_amount`` and so on."""
HELPFUL_ONLY = ("day_start", "day_end", "fact")
"""Columns that served their purpose before there is a log."""
RESOURCE = ("resource_name", "resource_id")
ROWS_AT_A_TIME = 1 << 16
"""Of which names of stages are put together, as texts."""
FEW = 1 << 16
"""Different texts whose codes take two bytes."""
STAGE_CHANGED = "opportunity_stage_changed"


def assembled(
    events: pl.DataFrame, cases: pl.DataFrame, *, label: str, language: str = "en", stage_activity: str = "",
    notes: Sequence[str] = (), findings: Sequence[Finding] = (), ids: Ids | None = None,
    threads: int | None = None,
) -> EventLog:  # fmt: skip
    """Make the log.

    Parameters
    ----------
    events : DataFrame
        With their cases and with days placed; those of a case in their order. Emptied on the way.
    cases : DataFrame
        case_id and the attributes of each case; cases without events are left out.
    label : str
        Where it all comes from.
    language : str
        Of the activities; `activity_id` keeps the canonical id.
    stage_activity : str
        What a change of stage is called, such as ``"Stage: <to>"``; as any other activity where empty.
    notes, findings
        How the export was read, and what looked odd in it.
    ids : Ids, optional
        How the ids of events are held, as texts by default.
    threads : int, optional

    Raises
    ------
    LogError
        No event belongs to a case.
    """
    if events.height == 0:
        raise LogError("no event could be derived for any case", file=label,
                       hint="the coverage report says which objects and columns are missing")  # fmt: skip
    named = event_table(events, cases.columns, language, stage_activity)
    source = EventSource(named, ids or TextIds(), label, list(notes), files_at(label), threads)
    roles = {**ROLES, "resource": "resource_name"} if "resource_name" in named.columns else ROLES
    log = ReadOptions(**roles, threads=threads).log_of(source, rows=named.height)  # type: ignore[arg-type]
    origin = replace(log.origin, noted=[*log.origin.noted, *findings])
    return replace(log, origin=origin, kept={**log.kept, **case_attributes(log, cases)})


def files_at(label: str) -> list[InputFile]:
    """Return the files of an export, for a manifest; none for tables in memory."""
    path = Path(label)
    found = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [InputFile.at(file) for file in found if file.is_file() and file.stat().st_size]


def event_table(
    events: pl.DataFrame, case_columns: Sequence[str], language: str, stage_activity: str = ""
) -> pl.DataFrame:
    """Return the events with the names that people read, without columns in which there is nothing.

    An event column that is called as one of the case gets the prefix ``event_``. Who did it is named by id
    where the export does not tell the name. `events` are emptied, so that no column is there twice.
    """
    import polars as pl

    renamed = {*OF_BOTH, *case_columns} - {*ROLES.values(), "case_id"}
    named = {"activity": _activity_names(events, language, stage_activity)}
    if set(RESOURCE) <= set(events.columns):
        named["resource_name"] = events.select(pl.coalesce(RESOURCE)).to_series()
    events.insert_column(events.width, events["activity"].alias("activity_id"))
    found = []
    for name in events.columns:
        column = events.drop_in_place(name)
        column = named.pop(name, column).alias(f"event_{name}" if name in renamed else name)
        if name not in HELPFUL_ONLY and column.null_count() < len(column):
            found.append(_narrow(column))
    return pl.DataFrame(found)


def _narrow(column: pl.Series) -> pl.Series:
    """Return texts as codes of one or two bytes, where there are few different ones; any other as it is."""
    import polars as pl

    if column.dtype == pl.String and column.name not in IDS:
        column = column.cast(pl.Categorical)
    if column.dtype != pl.Categorical:
        return column
    different = column.unique().drop_nulls().cast(pl.String).sort()
    return column.cast(pl.Enum(different)) if len(different) < FEW else column


def _activity_names(events: pl.DataFrame, language: str, stage_activity: str) -> pl.Series:
    """Return what the activity of each event is called."""
    import polars as pl

    ids = events["activity"]
    known = ids.unique()
    labels = {activity: activity_label(activity, language) for activity in known}
    if not stage_activity:
        names = pl.Series(list(labels.values()), dtype=pl.Enum(list(dict.fromkeys(labels.values()))))
        return ids.replace_strict(known, names, return_dtype=names.dtype)
    name = pl.col("activity").cast(pl.String).replace_strict(labels, return_dtype=pl.String)
    to, before = (pl.col(name).cast(pl.String) for name in ("stage_to", "stage_from"))
    parts = {"<to>": to, "<from>": before.fill_null("?")}
    pieces = [parts.get(piece, pl.lit(piece)) for piece in re.split("(<to>|<from>)", stage_activity)]
    is_stage = (pl.col("activity") == STAGE_CHANGED) & pl.col("stage_to").is_not_null()
    told = pl.when(is_stage).then(pl.concat_str(pieces)).otherwise(name).cast(pl.Categorical)
    return pl.concat(part.select(told).to_series() for part in events.iter_slices(ROWS_AT_A_TIME))


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
