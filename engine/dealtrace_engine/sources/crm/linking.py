"""Events come to their cases by the links between records; what has no link is counted as an orphan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ids import Ids, TextIds

if TYPE_CHECKING:
    import polars as pl

PER_OBJECT = ("quote", "order", "invoice", "payment", "contract")
"""Objects of which a case can have several; `flatten` says what becomes of them."""

ROWS_AT_A_TIME, MOST_TIMES = 1 << 16, 16
"""Events that are joined at once, at least: what a join needs besides is as large as what it returns."""
ONE_EVENT = ("activity", "fact", "record_id", "source_row_id", "timestamp")
"""What tells events of one case apart."""


@dataclass(frozen=True)
class Linked:
    """Events with their cases.

    Attributes
    ----------
    events : DataFrame
        As derived, and case_id, via, confidence, share (1/n of an event that n cases have).
    orphans : dict of str to int
        Object to the events of records that no case is linked to.
    orphan_records : dict of str to int
        Object to the number of such records.
    shared : int
        Events that more than one case has.
    orphan_activities : frozenset of str
        What happened to such records.
    """

    events: pl.DataFrame
    orphans: dict[str, int]
    orphan_records: dict[str, int]
    shared: int
    orphan_activities: frozenset[str] = frozenset()


def linked(events: pl.DataFrame, links: pl.DataFrame, ids: Ids | None = None) -> Linked:
    """Bring events to the cases of their records.

    Parameters
    ----------
    events : DataFrame
        As `ladder.derived` returns them.
    links : DataFrame
        object, record_id, case_id, via, confidence; a record may have several cases. A confidence of 0 is a
        link left out by choice: events that have no other are in no case, but are no orphans either.
    ids : Ids, optional
        How ids are held, as texts by default; cases are named by texts.
    """
    import polars as pl

    links = links.filter(pl.col("case_id").is_not_null())
    cases = links.select(pl.col("case_id").unique())
    cases = cases.with_columns((ids or TextIds()).texts(cases["case_id"]).alias("case")).sort("case")
    cases = cases.with_columns(cases["case"].cast(pl.Enum(cases["case"])))
    links = links.join(cases, on="case_id", maintain_order="left").select(
        pl.col("object").cast(events.schema["object"], strict=False),
        "record_id", "via", "confidence", case_id="case",
    )  # fmt: skip
    links = links.unique(["object", "record_id", "case_id"], keep="first", maintain_order=True)
    record = ["object", "record_id"]
    used = links.filter(pl.col("confidence") > 0).with_columns(share=1.0 / pl.len().over(record))
    lost = events.select(*record, "activity").join(links.select(record), on=record, how="anti")
    counted = (
        lost.group_by("object").agg(events=pl.len(), records=pl.col("record_id").n_unique()).sort("object")
    )
    size = max(ROWS_AT_A_TIME, -(-events.height // MOST_TIMES))
    parts = events.iter_slices(size) if events.height else [events]
    kept = pl.concat(part.join(used, on=record, how="inner", maintain_order="left") for part in parts)
    told = [name for name in ONE_EVENT if name in kept.columns]
    shared = kept.filter(pl.col("share") < 1).select(told).unique().height
    return Linked(
        kept,
        dict(counted.select("object", "events").iter_rows()),
        dict(counted.select("object", "records").iter_rows()),
        shared,
        frozenset(lost["activity"].unique()),
    )


def flattened(events: pl.DataFrame, how: str) -> pl.DataFrame:
    """Keep every event, or of each activity of the objects in `PER_OBJECT` one per case.

    Parameters
    ----------
    events : DataFrame
        With their cases.
    how : {"all", "primary", "first", "last"}
        With "primary", the links already led only to what the case's main quote became.
    """
    import polars as pl

    if how in ("all", "primary"):
        return events
    edge = pl.col("timestamp").min() if how == "first" else pl.col("timestamp").max()
    several = pl.col("object").is_in(list(PER_OBJECT))
    group = ["case_id", "activity"]
    chosen = (pl.col("timestamp") == edge.over(group)) & (
        pl.int_range(pl.len()).over([*group, "timestamp"]) == 0
    )
    return events.filter(~several | chosen)
