"""What the display names in a workbook stand for: tables, columns, option codes, in several languages."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.names import normal
from dealtrace_engine.sources.dynamics.codes import default_labels, state_of_status
from dealtrace_engine.sources.dynamics.naming import table_of, wanted_columns
from dealtrace_engine.sources.dynamics.objects import CATALOG


@lru_cache(maxsize=1)
def _labels() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("excel_labels.toml").read_text("utf-8"))


@lru_cache(maxsize=1)
def _tables() -> dict[str, str]:
    return {normal(label): table for table, labels in _labels()["tables"].items() for label in labels}


@lru_cache(maxsize=64)
def _columns(table: str) -> dict[str, str]:
    """Return display names to columns; those of the table come before those of any table."""
    groups = _labels()["columns"]
    return {
        normal(label): column
        for group in (groups["any"], groups.get(table, {}))
        for column, labels in group.items()
        if column in CATALOG[table]
        for label in labels
    }


@lru_cache(maxsize=256)
def codes_of(table: str, column: str) -> dict[str, int]:
    """Return the codes of a column by their labels, in the form of `names.normal`; default codes only.

    Examples
    --------
    >>> codes = codes_of("opportunity", "statecode")
    >>> codes["won"], codes["gewonnen"]
    (1, 1)
    """
    found: dict[str, int] = {}
    for code, label in default_labels(table, column).items():
        for name in (label, *_labels()["options"].get(label, ())):
            found.setdefault(normal(name), code)
    return found


@lru_cache(maxsize=1)
def truths() -> dict[str, bool]:
    """Return what stands for true and false, in the form of `names.normal`."""
    return {normal(name): key == "true" for key, names in _labels()["truth"].items() for name in names}


def statuses_of(table: str) -> dict[str, int]:
    """Return the status codes of a table by state code and label, ``"1 in progress"``."""
    states = state_of_status(table)
    options = _labels()["options"]
    return {
        f"{states[code]} {normal(name)}": code
        for code, label in reversed(default_labels(table, "statuscode").items())
        for name in (label, *options.get(label, ()))
    }


def table_named(display: str, mapping: CrmMapping) -> str | None:
    """Return the table with a display name, or None.

    Examples
    --------
    >>> table_named("Verkaufschance", CrmMapping())
    'opportunity'
    """
    return _tables().get(normal(display)) or table_of(display, mapping)


def columns_named(table: str, displays: Sequence[str], mapping: CrmMapping) -> dict[str, str]:
    """Return which display name holds each logical column; the first of several counts.

    Parameters
    ----------
    table : str
    displays : sequence of str
    mapping : CrmMapping
        A field of it may be named by its display name.

    Examples
    --------
    >>> columns_named("opportunity", ["Topic", "Est. Revenue", "Colour"], CrmMapping())
    {'name': 'Topic', 'estimatedvalue': 'Est. Revenue'}
    """
    own = {normal(name): name for name in wanted_columns(table, mapping)}
    found: dict[str, str] = {}
    for display in displays:
        column = _columns(table).get(normal(display)) or own.get(normal(display))
        if column is not None:
            found.setdefault(column, display)
    return found
