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
from dealtrace_engine.synthetic.crm.export import Export
from dealtrace_engine.synthetic.crm.json_text import joined, json_objects
from dealtrace_engine.synthetic.crm.locales import LOCALES, ORGANISATION_ZONE
from dealtrace_engine.synthetic.crm.spool import height_of, parts_of

if TYPE_CHECKING:
    import polars as pl

ADDRESS = "https://contoso.crm4.dynamics.com/api/data/v9.2"
INSTANT, DAY = "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"
FORMATTED = "@OData.Community.Display.V1.FormattedValue"
LOGICAL_NAME = "@Microsoft.Dynamics.CRM.lookuplogicalname"
NAVIGATION = "@Microsoft.Dynamics.CRM.associatednavigationproperty"
PAGE_ROWS = 5_000
_ROWS = 25_000


def write_web_api(export: Export, *, page_rows: int = PAGE_ROWS) -> None:
    """Write the pages of every table, ``opportunities-1.json`` and so on.

    Parameters
    ----------
    export : Export
    page_rows : int
        Rows of a page; the last has fewer.
    """
    pages = {table: _Pages(export, table, page_rows) for table in sorted(export.tables)}
    for tables, own in parts_of(export.tables):
        schema, part = Schema(tables, export.language), export.only(tables)
        for table in sorted(own):
            for rows in part.slices(table, _ROWS):
                annotated = _annotated(schema, table, rows, export.language)
                without = [name for name in annotated.columns[1:] if "@" in name]
                pages[table].add(json_objects(annotated, omitted=without))


class _Pages:
    """Writes the pages of a table; one that is not full yet gets the rows that come next."""

    def __init__(self, export: Export, table: str, page_rows: int) -> None:
        import polars as pl

        self._folder, self._entity_set, self._page_rows = export.folder, plural(table), page_rows
        self._total, self._written = height_of(export.tables, table), 0
        if not self._total:
            self._append(1, True, pl.Series(dtype=pl.String))

    def add(self, records: pl.Series) -> None:
        """Add rows, as JSON each."""
        while len(records):
            page, filled = divmod(self._written, self._page_rows)
            fitting = records.head(self._page_rows - filled)
            self._written += len(fitting)
            self._append(page + 1, filled == 0, fitting)
            records = records.slice(len(fitting))

    def _append(self, number: int, first: bool, records: pl.Series) -> None:
        context = f'{{"@odata.context":"{ADDRESS}/$metadata#{self._entity_set}","value":['
        end = ""
        if self._written in (number * self._page_rows, self._total):
            end = f"]{self._link(number) if self._written < self._total else ''}}}"
        with (self._folder / f"{self._entity_set}-{number}.json").open("xb" if first else "ab") as file:
            file.writelines(((context if first else ",").encode(), joined(records, ","), end.encode()))

    def _link(self, number: int) -> str:
        cookie = f"%3Ccookie%20pagenumber=%22{number + 1}%22%20istracking=%22False%22%20/%3E"
        return f',"@odata.nextLink":{json.dumps(f"{ADDRESS}/{self._entity_set}?$skiptoken={cookie}")}'


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
