"""The REST API and the sf CLI: pages of a query's result as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from zlib import crc32

from dealtrace_engine.synthetic.crm.export import Export
from dealtrace_engine.synthetic.crm.json_text import json_records
from dealtrace_engine.synthetic.crm.salesforce_shapes.organization import with_names
from dealtrace_engine.synthetic.crm.spool import height_of

if TYPE_CHECKING:
    import polars as pl

INSTANT, DAY = "%Y-%m-%dT%H:%M:%S%.3f+0000", "%Y-%m-%d"
VERSION = "v62.0"
PAGE_ROWS = 2_000
RELATED = (("OwnerId", "User", "Owner"), ("AccountId", "Account", "Account"))
"""Id column, object that it points to, and the key of the nested record."""


def write_rest_json(export: Export, *, page_rows: int = PAGE_ROWS) -> None:
    """Write the pages of every object, ``Opportunity-1.json`` and so on.

    Parameters
    ----------
    export : Export
    page_rows : int
        Records of a page; the last has fewer.
    """
    for name in sorted(export.tables):
        total = height_of(export.tables, name)
        written = 0
        for number, rows in enumerate(_pages(export, name, page_rows), 1):
            written += rows.height
            page = _page(name, rows, written, total)
            (export.folder / f"{name}-{number}.json").write_bytes(page)


def _pages(export: Export, name: str, page_rows: int) -> Iterator[pl.DataFrame]:
    for rows in export.slices(name, 25 * page_rows):
        records = records_of(export, name, rows)
        for first in range(0, max(records.height, 1), page_rows):
            yield records.slice(first, page_rows)


def _page(name: str, rows: pl.DataFrame, written: int, total: int) -> bytes:
    done = written >= total
    # the locator names the query, and says from which record on
    url = f"/services/data/{VERSION}/query/0r8xx{crc32(name.encode()):010d}-{written}"
    more = "" if done else f',"nextRecordsUrl":"{url}"'
    head = f'{{"totalSize":{total},"done":{"true" if done else "false"}{more},"records":'
    return b"".join((head.encode(), json_records(rows), b"}"))


def records_of(export: Export, name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows as JSON shows them: `attributes` first, times as text, what they point to nested."""
    import polars as pl

    for column, of, into in RELATED:
        if of in export.tables and column in rows.columns and into not in rows.columns:
            rows = with_names(rows, export.tables, column, of, into)
            rows = rows.with_columns(_nested(column, of, into))
    times = [
        pl.col(column).dt.to_string(INSTANT if isinstance(kind, pl.Datetime) else DAY)
        for column, kind in rows.schema.items()
        if kind.is_temporal()
    ]
    attributes = _attributes(name, "Id").alias("attributes")
    return rows.with_columns(times).select(attributes, pl.all())


def _attributes(name: str, column: str) -> pl.Expr:
    import polars as pl

    url = pl.concat_str(pl.lit(f"/services/data/{VERSION}/sobjects/{name}/"), pl.col(column))
    return pl.struct(pl.lit(name).alias("type"), url.alias("url"))


def _nested(column: str, of: str, into: str) -> pl.Expr:
    import polars as pl

    record = pl.struct(_attributes(of, column).alias("attributes"), pl.col(into).alias("Name"))
    return pl.when(pl.col(column).is_not_null()).then(record).alias(into)
