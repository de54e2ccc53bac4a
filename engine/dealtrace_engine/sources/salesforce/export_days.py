"""Whether the tables of an export are of one day: no change can be newer than the record it is of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.salesforce.generations import STAMPS

if TYPE_CHECKING:
    import polars as pl

CHANGES = {
    "OpportunityHistory": "Opportunity", "OpportunityFieldHistory": "Opportunity", "LeadHistory": "Lead",
    "QuoteHistory": "Quote", "ContractHistory": "Contract", "OrderHistory": "Order",
    "InvoiceHistory": "Invoice", "CaseHistory": "Case",
}  # fmt: skip
"""Tables of changes to the objects whose stamps each change moves."""
SPREAD = timedelta(days=1)
"""An export of all objects can take hours."""


def other_days(
    frames: Mapping[str, pl.LazyFrame], latest: Mapping[str, Mapping[str, str]]
) -> list[Finding]:  # fmt: skip
    """Return a finding for each table of changes that goes on after the last change of its records.

    Parameters
    ----------
    frames : mapping of str to LazyFrame
        Object to its rows, instants as ISO text or as such.
    latest : mapping of str to mapping of str to str
        Object and column to the latest instant in it, as far as that is known; others are looked up.
    """
    import polars as pl

    found = []
    for changes, name in CHANGES.items():
        if changes not in frames or name not in frames:
            continue
        last = _latest(frames[name], STAMPS, latest.get(name, {}))
        newest = _latest(frames[changes], ("CreatedDate",), latest.get(changes, {}))
        if last is None or newest is None or newest[1] - last[1] <= SPREAD:
            continue
        text = pl.col("CreatedDate").cast(pl.String)
        later = frames[changes].select((text > last[0]).sum()).collect(engine="streaming").item()
        found.append(
            Finding(f"{changes} goes on to {newest[0]}, {name} only to {last[0]}: exports of different days?")
        )
        found[-1].add(int(later), [])
    return found


def _latest(
    frame: pl.LazyFrame, columns: tuple[str, ...], known: Mapping[str, str]
) -> tuple[str, datetime] | None:  # fmt: skip
    """Return the latest instant of the first of these columns that there is, as text and as such."""
    import polars as pl

    there = frame.collect_schema().names()
    column = next((column for column in columns if column in there), None)
    if column is None:
        return None
    text = known.get(column)
    if text is None:
        text = frame.select(pl.col(column).cast(pl.String).max()).collect(engine="streaming").item()
    try:
        return text, datetime.fromisoformat(text[:19])
    except (TypeError, ValueError):
        return None
