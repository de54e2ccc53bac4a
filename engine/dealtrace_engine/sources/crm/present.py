"""Stamps of records that lie in the future: counted, and no sign of when the export was made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.crm.tables import CrmTables

SLACK = timedelta(days=1)
"""A clock may be behind, and a zone unknown."""


def latest_of_all(tables: CrmTables, names: Sequence[str], columns: Sequence[str]) -> datetime | None:
    """Return the latest of the `latest_stamp` of columns of objects."""
    for name in names:
        asked = [column for column in columns if (name, column) not in tables.raw.latest]
        tables.note_spans(name, asked)
    stamps = (latest_stamp(tables, name, column) for name in names for column in columns)
    return max((when for when in stamps if when is not None), default=None)


def latest_stamp(tables: CrmTables, name: str, column: str) -> datetime | None:
    """Return the latest instant of a column that is not to come.

    What lies in the future was not written down then; it is counted in the findings of the export. Where
    nothing else is there, the clock of this machine may be wrong, and the latest of all is returned.

    Parameters
    ----------
    tables : CrmTables
    name, column : str
        Object and column; None is returned where the export has them not.
    """
    last, now = tables.latest(name, column), datetime.now(UTC) + SLACK
    if last is None or last <= now:
        return last
    later, before = _around(tables, name, column, now)
    finding = Finding(f"{name}.{column} lies in the future")
    finding.add(later, [], last)
    if all(known.reason != finding.reason for known in tables.raw.findings):
        tables.raw.findings.append(finding)
    return before or last


def _around(tables: CrmTables, name: str, column: str, now: datetime) -> tuple[int, datetime | None]:
    """Return how many instants are later, and the latest that is not."""
    import polars as pl

    at = pl.col(column)
    found = tables.only(name, (column,)).select(
        later=(at > pl.lit(now, pl.Datetime("us", "UTC"))).sum(), before=at.filter(at <= now).max()
    )
    later, before = found.collect().row(0)
    return int(later), before
