"""A warehouse's replica, as Fivetran lays it out: snake case, `__c` as `_c`, columns of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.delimited import Dialect
from dealtrace_engine.synthetic.crm.export import Export
from dealtrace_engine.synthetic.crm.texts import TextForm, as_text

if TYPE_CHECKING:
    import polars as pl

INSTANT = "%Y-%m-%d %H:%M:%S"
FORM = TextForm(INSTANT, "%Y-%m-%d 00:00:00")
_BOUNDARIES = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[a-z])")


def write_replica(export: Export) -> None:
    """Write a CSV for each table, ``opportunity_field_history.csv`` and so on.

    Parameters
    ----------
    export : Export
    """
    dialect = Dialect(quoting="necessary")
    for name in sorted(export.tables):
        frames = (_replicated(export, rows) for rows in export.slices(name))
        dialect.write_file(export.folder / f"{snake_case(name)}.csv", frames)


def snake_case(name: str) -> str:
    """Return the name of a table or column in the warehouse.

    Examples
    --------
    >>> [snake_case(name) for name in ("StageName", "Pricebook2Id", "SBQQ__Opportunity2__c", "Region__c")]
    ['stage_name', 'pricebook_2_id', 'sbqq_opportunity_2_c', 'region_c']
    """
    return _BOUNDARIES.sub("_", name.replace("__", "_")).lower()


def _replicated(export: Export, rows: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    text = as_text(rows, FORM).rename(snake_case)
    synced = pl.lit(export.exported.strftime(INSTANT)).alias("_fivetran_synced")
    deleted = [] if "is_deleted" in text.columns else [pl.lit("false").alias("_fivetran_deleted")]
    active = pl.lit("true").alias("_fivetran_active")
    return text.select(*deleted, synced, *sorted(text.columns), active)
