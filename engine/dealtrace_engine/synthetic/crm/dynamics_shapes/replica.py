"""A warehouse's replica of Dataverse: flat CSV under logical names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.delimited import Dialect
from dealtrace_engine.synthetic.crm.export import Export
from dealtrace_engine.synthetic.crm.texts import TextForm, as_text

if TYPE_CHECKING:
    import polars as pl

INSTANT = "%Y-%m-%d %H:%M:%S"
FORM = TextForm(INSTANT, "%Y-%m-%d", "TRUE", "FALSE")


def write_replica(export: Export) -> None:
    """Write a CSV for each table, ``opportunity.csv`` and so on, labels of options in ``stringmap.csv``.

    Parameters
    ----------
    export : Export
    """
    dialect = Dialect(quoting="necessary")
    for table in sorted(export.tables):
        frames = (_replicated(export, rows) for rows in export.slices(table))
        dialect.write_file(export.folder / f"{table}.csv", frames)


def _replicated(export: Export, rows: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    text = as_text(rows, FORM)
    deleted = pl.lit(FORM.false).alias("_fivetran_deleted")
    synced = pl.lit(export.exported.strftime(INSTANT)).alias("_fivetran_synced")
    return text.select(pl.nth(0), deleted, synced, pl.nth(range(1, text.width)))
