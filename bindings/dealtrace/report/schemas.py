"""What a table of a result is, and the units of its columns, kept with it in its file."""

from __future__ import annotations

import inspect
import re
from functools import cached_property
from typing import Any

import pyarrow as pa

TABLE_SCHEMA = "dealtrace.table/1"
BESIDE = (
    (
        "unit",
        "as in column unit",
        r"value|low|high|target|observed|expected|difference(_low|_high)?|average|adjusted|gap_to_top|"
        r"bound",
    ),
    ("measure", "as in column measure", r"estimate|low|high"),
    ("effect", "as the target", r"with(out)?_it|effect(_low|_high)?|median_difference"),
    ("difference", "share", r"difference|low|high"),
    ("currency", "currency", r"expected|actual|low|high|total(_low|_high|_actual)?"),
)
"""A column, and the unit and the names of those that have it in a table with that column."""
BY_NAME = (
    ("number", r"place|version|finding|rank(_(cases|days|value))?"),
    ("s", r".*_s"),
    ("us", r".*_us"),
    ("bits", r".*_bits"),
    ("currency x days", r"cash_\w+"),
    ("days", r"(.*_)?days(_.*)?"),
    ("percent", r".*_(percent|pct)|mean_discount"),
    ("probability", r"[pq](_value)?|win_(probability|within)|predicted|observed|above|up_to"),
    ("share", r"(.*_)?(share|rate|adherence|conversion|fitness|drop_off)(_.*)?"),
    ("share", r"(late|excessive|decided|from_first)(_low|_high)?"),
    ("share", r"error|confidence|with_it|volume|manual|timing|path|score"),
    ("count", r"((new|expected)_)?(deals|wins)(_low|_high)?"),
    ("cases x target", r"excess"),
    ("1", r"odds_(ratio|low|high)|hedges_g|rank_biserial|times_limit|specialisation|brier(_reference)?"),
    ("currency", r"(.*_)?(amount|value|money)(_(?!cases|unknown|changes).*)?"),
)
"""Unit to the names of columns that have it, the first that fits; other whole numbers are counts.

A share is from 0 to 1, and so are differences of shares; 1 is a pure number, the target that of `drivers`, a
share of yes or in its own unit; currency is that of the row, which its column ``currency`` names.
"""


def unit_of(field: pa.Field, columns: list[str]) -> str | None:
    """Return the unit of a column, None for texts and for what has none.

    Parameters
    ----------
    field : pyarrow.Field
    columns : list of str
        Of the table; where one of them is called ``unit``, it says that of values.

    Examples
    --------
    >>> unit_of(pa.field("p50_s", pa.float64()), []), unit_of(pa.field("cases", pa.int64()), [])
    ('s', 'count')
    >>> unit_of(pa.field("amount_late", pa.float64()), ["currency"])
    'currency'
    """
    is_whole = pa.types.is_integer(field.type)
    if not is_whole and not pa.types.is_floating(field.type):
        return None
    beside = [(unit, names) for column, unit, names in BESIDE if column in columns]
    for unit, names in (*beside, *BY_NAME):
        if re.fullmatch(names, field.name) and not (unit == "share" and is_whole):
            return unit
    return "count" if is_whole else None


def documented(owner: Any, name: str) -> str:
    """Return what the docstring of a class, or of its property, says about an attribute, in one line.

    Examples
    --------
    >>> from dealtrace_engine.analyses.receivables import Receivables
    >>> documented(Receivables, "ageing")[:46]
    'Open invoices by how long they are overdue: th'
    """
    own = inspect.getattr_static(owner, name, None)
    if isinstance(own, property | cached_property):
        return " ".join((own.__doc__ or "").split())
    told: list[str] = []
    lines = iter(inspect.cleandoc(owner.__doc__ or "").splitlines())
    for line in lines:
        if re.match(rf"{name} : ", line):
            for more in lines:
                if more and not more.startswith(" "):
                    break
                told.append(more)
    return " ".join(" ".join(told).split())


def with_units(table: pa.Table) -> pa.Table:
    """Return a table whose columns tell their unit, as field metadata.

    Examples
    --------
    >>> with_units(pa.table({"p50_s": [1.0]})).schema.field("p50_s").metadata
    {b'unit': b's'}
    """
    units = [(field, unit_of(field, table.column_names)) for field in table.schema]
    fields = [field if unit is None else field.with_metadata({"unit": unit}) for field, unit in units]
    return table.cast(pa.schema(fields, metadata=table.schema.metadata))


def labelled(table: pa.Table, text: str, **about: str) -> pa.Table:
    """Return a table with metadata of its columns and of itself, ready for a Parquet file.

    Parameters
    ----------
    table : pyarrow.Table
    text : str
        What its docstring says of it and its columns.
    **about : str
        More that a reader needs: the question, the definition with its version, the log's fingerprint.

    Examples
    --------
    >>> labelled(pa.table({"cases": [1]}), "A row per step.", question="funnel").schema.metadata[b"question"]
    b'funnel'
    """
    from dealtrace import __version__

    content = {"schema": TABLE_SCHEMA, "dealtrace": __version__, "description": text, **about}
    return with_units(table).replace_schema_metadata(content)


def columns_of(table: pa.Table) -> list[dict[str, str]]:
    """Return name, type and unit of each column as plain values.

    Examples
    --------
    >>> columns_of(with_units(pa.table({"cases": [1]})))
    [{'name': 'cases', 'type': 'int64', 'unit': 'count'}]
    """
    return [
        {"name": field.name, "type": str(field.type),
         **{name.decode(): said.decode() for name, said in (field.metadata or {}).items()}}
        for field in table.schema
    ]  # fmt: skip
