"""The Dataverse Web API: pages of JSON with annotations beside the values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.dynamics_shapes.schema import (
    POLYMORPHIC,
    Schema,
    lookups_of,
    without_kinds,
)
from dealtrace_engine.synthetic.crm.export import Export, json_records
from dealtrace_engine.synthetic.crm.locales import LOCALES, ORGANISATION_ZONE
from dealtrace_engine.synthetic.crm.spool import height_of

if TYPE_CHECKING:
    import polars as pl

ADDRESS = "https://contoso.crm4.dynamics.com/api/data/v9.2"
INSTANT, DAY = "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"
FORMATTED = "@OData.Community.Display.V1.FormattedValue"
LOGICAL_NAME = "@Microsoft.Dynamics.CRM.lookuplogicalname"
NAVIGATION = "@Microsoft.Dynamics.CRM.associatednavigationproperty"
PAGE_ROWS = 5_000


def write_web_api(export: Export, *, page_rows: int = PAGE_ROWS) -> None:
    """Write the pages of every table, ``opportunities-1.json`` and so on.

    Parameters
    ----------
    export : Export
    page_rows : int
        Rows of a page; the last has fewer.
    """
    schema = Schema(export.tables, export.language)
    for table in sorted(export.tables):
        entity_set = plural(table)
        number, total = 0, height_of(export.tables, table)
        for rows in export.slices(table, 10 * page_rows):
            annotated = _annotated(schema, table, rows, export.language)
            for first in range(0, max(annotated.height, 1), page_rows):
                number += 1
                more = number * page_rows < total
                page = _page(entity_set, annotated.slice(first, page_rows), number if more else None)
                (export.folder / f"{entity_set}-{number}.json").write_bytes(page)


def plural(table: str) -> str:
    """Return the entity set of a table.

    Examples
    --------
    >>> [plural(table) for table in ("opportunity", "quote", "opportunityclose", "opportunitysalesprocess")]
    ['opportunities', 'quotes', 'opportunitycloses', 'opportunitysalesprocesses']
    """
    if table.endswith("y"):
        return f"{table[:-1]}ies"
    return f"{table}es" if table.endswith(("s", "x", "ch")) else f"{table}s"


def _page(entity_set: str, rows: pl.DataFrame, number: int | None) -> bytes:
    records = json_records(rows)
    for name in rows.columns:
        if (
            "@" in name and rows[name].null_count()
        ):  # quotes inside of texts are escaped, so this is never one
            records = records.replace(f',"{name}":null'.encode(), b"")
    cookie = f"%3Ccookie%20pagenumber=%22{(number or 0) + 1}%22%20istracking=%22False%22%20/%3E"
    link = json.dumps(f"{ADDRESS}/{entity_set}?$skiptoken={cookie}")
    more = "" if number is None else f',"@odata.nextLink":{link}'
    context = f'{{"@odata.context":"{ADDRESS}/$metadata#{entity_set}","value":'
    return b"".join((context.encode(), records, more.encode(), b"}"))


def _annotated(schema: Schema, table: str, rows: pl.DataFrame, language: str) -> pl.DataFrame:
    """Return rows as the API shows them: each column, then its annotations."""
    import polars as pl

    lookups = lookups_of(table, rows.columns)
    columns: list[pl.Series] = []
    if "versionnumber" in rows.columns:
        tag = pl.concat_str(pl.lit('W/"'), pl.col("versionnumber"), pl.lit('"')).alias("@odata.etag")
        columns.append(rows.select(tag).to_series())
    for column in without_kinds(rows).columns:
        if column in lookups:
            columns += _lookup(schema, rows, column)
        else:
            columns += _valued(schema, table, rows.select(column), language)
    return pl.DataFrame(columns)


def _lookup(schema: Schema, rows: pl.DataFrame, column: str) -> list[pl.Series]:
    import polars as pl

    key = f"_{column}_value"
    found = schema.resolved(rows, column)
    target = found["target"].alias(f"{key}{LOGICAL_NAME}")
    parts = [rows[column].alias(key), found["label"].alias(f"{key}{FORMATTED}"), target]
    if column in POLYMORPHIC:
        name = (
            pl.lit(column) if column == "ownerid" else pl.concat_str(pl.lit(f"{column}_"), pl.col("target"))
        )
        there = pl.when(pl.col("target").is_not_null()).then(name)
        parts.append(found.select(there.alias(f"{key}{NAVIGATION}")).to_series())
    return parts


def _valued(schema: Schema, table: str, column: pl.DataFrame, language: str) -> list[pl.Series]:
    """Return a column as JSON shows it, and the text that the user would see of it."""
    import polars as pl

    name, kind = next(iter(column.schema.items()))
    value, shown = pl.col(name), f"{name}{FORMATTED}"
    if isinstance(kind, pl.Datetime):
        locale = LOCALES[language]
        local = value.dt.convert_time_zone(ORGANISATION_ZONE).dt.to_string(f"{locale.day} {locale.time}")
        return column.select(value.dt.to_string(INSTANT), local.alias(shown)).get_columns()
    if kind == pl.Date:
        local = value.dt.to_string(LOCALES[language].day)
        return column.select(value.dt.to_string(DAY), local.alias(shown)).get_columns()
    if kind.is_integer():
        labels = schema.labels(table, name)
        if labels:
            label = value.cast(pl.Int64).replace_strict(labels, default=None, return_dtype=pl.String)
            return column.select(value, label.alias(shown)).get_columns()
    return column.get_columns()
