"""From the names that exports use to logical names: of tables and of columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import Kind
from dealtrace_engine.sources.dynamics.objects import (
    CATALOG,
    ENTITY_SETS,
    KEYS,
    LOOKUP_TYPES,
    PROCESS_COLUMNS,
)

CUSTOM_PROCESS = "customsalesprocess"
LABEL = "@odata.community.display.v1.formattedvalue"
LOOKUP_TABLE = "@microsoft.dynamics.crm.lookuplogicalname"
DELETE_MARKS = ("isdelete", "is_delete", "_fivetran_deleted", "_airbyte_deleted", "is_deleted", "_deleted")
"""Columns in which pipelines mark a row that is no longer there."""
_AROUND = """
dbo crm dynamics dynamics365 d365 dataverse cds fivetran airbyte dlt raw src stg stage bronze export
exports extract data page pages part file rows table view all my active open closed csv json jsonl
ndjson parquet tbl base advanced find entity full delta snapshot list
"""
_FILLERS = frozenset(_AROUND.split())
"""Words around the name of a table in the name of a file."""
_ENDINGS = re.compile(r"(\.(csv|tsv|txt|jsonl?|ndjson|parquet|xlsx|xls|gz|zst))+$")
_NOISE = re.compile(r"\d+|[0-9a-f]{8,}|\d*(am|pm)|[tz]|\d+(t\d+)?z?")
_LOOKUP = re.compile(r"_(.+)_value")


def squeezed(name: str) -> str:
    """Return a name without what snake case adds to it.

    Examples
    --------
    >>> squeezed("Parent_Account_Id")
    'parentaccountid'
    """
    return name.lower().replace("_", "")


@lru_cache(maxsize=1)
def _tables() -> dict[str, str]:
    names = {squeezed(plural): name for plural, name in ENTITY_SETS.items()}
    names |= {squeezed(name): name for name in CATALOG if name != CUSTOM_PROCESS}
    return names


@lru_cache(maxsize=512)
def _columns(table: str) -> dict[str, str]:
    return {squeezed(column): column for column in CATALOG.get(table, {})}


def table_of(name: str, mapping: CrmMapping | None = None) -> str | None:
    """Return the table that a file or folder is named after, or None.

    Parameters
    ----------
    name : str
        Such as ``"opportunities_page_3.json"``; words that are not known make it another table.
    mapping : CrmMapping, optional
        Names tables of the organisation's own.

    Examples
    --------
    >>> table_of("fivetran.dynamics_365.quote_close_data.csv"), table_of("new_opportunity.csv")
    ('quoteclose', None)
    """
    stem = _ENDINGS.sub("", name.lower())
    if mapping is not None and stem in mapping.objects:
        return stem
    if squeezed(stem) in _tables():
        return _tables()[squeezed(stem)]
    words = [word for word in re.split(r"[^0-9a-z]+", stem) if word]
    words = [word for word in words if word not in _FILLERS and not _NOISE.fullmatch(word)]
    return _tables().get("".join(words))


def is_process(columns: Iterable[str]) -> bool:
    """Return whether a table with these columns holds instances of a business process flow."""
    names = {_bare(column) for column in columns}
    return PROCESS_COLUMNS[0] in names and any(column in names for column in PROCESS_COLUMNS[1:])


def table_by_columns(columns: Iterable[str]) -> str | None:
    """Return the table that has the id of the rows among its columns and most of the others, or None."""
    names = {squeezed(_bare(column)) for column in columns}
    fitting = {
        table: len(names & set(_columns(table))) for table, key in KEYS.items() if squeezed(key) in names
    }
    fitting.pop("audit_changes", None)
    if not fitting:
        return None
    most = max(fitting.values())
    best = [table for table, count in fitting.items() if count == most]
    return best[0] if len(best) == 1 else None


def wanted_columns(table: str, mapping: CrmMapping) -> list[str]:
    """Return the columns that are read of a table: the catalogue's, and those that the mapping names."""
    own = [
        field.split(".", 1)[1].lower() for field in mapping.fields if field.lower().startswith(f"{table}.")
    ]
    custom = mapping.objects.get(table, {})
    named = [name.lower() for pair in custom.items() for name in pair if isinstance(name, str)]
    return list(dict.fromkeys([*CATALOG.get(table, {}), *own, *named]))


def kinds_of(table: str) -> Mapping[str, Kind]:
    """Return the kinds of the catalogue's columns of a table; none of a table that only the mapping knows."""
    return CATALOG.get(table, {})


def logical_columns(table: str, found: Iterable[str], mapping: CrmMapping) -> dict[str, str]:
    """Return which column of a file holds each logical column.

    Parameters
    ----------
    table : str
        Logical name.
    found : iterable of str
        The columns of the file: logical or snake-case names, ``_x_value``, annotations of the Web API.
    mapping : CrmMapping

    Returns
    -------
    dict of str to str
        Logical to found; the first of several found for one counts.

    Examples
    --------
    >>> logical_columns("quote", ["Quote_Id", "_opportunityid_value", "description"], CrmMapping())
    {'quoteid': 'Quote_Id', 'opportunityid': '_opportunityid_value'}
    """
    wanted = {squeezed(column): column for column in wanted_columns(table, mapping)}
    columns: dict[str, str] = {}
    for name in found:
        logical = wanted.get(squeezed(_as_logical(table, name)))
        if logical is not None:
            columns.setdefault(logical, name)
    key = KEYS.get(table)
    if key is not None and key not in columns:
        same = next((name for name in found if name.lower() == "id"), None)
        columns |= {} if same is None else {key: same}
    return columns


def delete_mark(found: Iterable[str]) -> str | None:
    """Return the column in which deleted rows are marked, or None."""
    return next((name for name in found if name.lower() in DELETE_MARKS), None)


def _bare(name: str) -> str:
    """Return a column's name without the frame that the Web API puts around lookups."""
    lower = name.lower().lstrip("\ufeff")
    lookup = _LOOKUP.fullmatch(lower)
    return lookup[1] if lookup else lower


def _as_logical(table: str, name: str) -> str:
    """Return the logical name of what a column or annotation says; labels only of codes and lookups."""
    column, mark, annotation = name.lower().lstrip("\ufeff").partition("@")
    bare = _bare(column)
    if not mark:
        return LOOKUP_TYPES.get(bare, bare)
    if mark + annotation == LOOKUP_TABLE:
        return f"{bare}_entitytype"
    is_label = mark + annotation == LABEL and kinds_of(table).get(bare) in (Kind.ID, Kind.NUMBER)
    return f"{bare}name" if is_label else name.lower()
