"""Which statuses and stages an export has, how often, and what each is taken for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dealtrace_engine.sources.crm.mapping import CrmMapping, default_statuses
from dealtrace_engine.sources.crm.names import matching, normal
from dealtrace_engine.sources.crm.system import CrmSystem
from dealtrace_engine.sources.crm.tables import CrmTables


@dataclass(frozen=True)
class StatusValue:
    """A value of a status column.

    Attributes
    ----------
    name : str
        As it is written.
    count : int
        Rows that have it.
    meanings : dict of str to str
        Keys of the status sets that it is in, such as ``"quote.accepted"``, to the name there that fits.
    """

    name: str
    count: int
    meanings: dict[str, str]


def status_values(system: CrmSystem, tables: CrmTables, mapping: CrmMapping) -> dict[str, list[StatusValue]]:
    """Return the values of every status column, the most frequent first.

    Parameters
    ----------
    system : CrmSystem
    tables : CrmTables
    mapping : CrmMapping
    """
    found: dict[str, list[StatusValue]] = {}
    for place, prefix in system.statuses.items():
        name, _, column = place.partition(".")
        if tables.has(name, column):
            counts = _counts(tables, name, column)
            found[place] = [
                StatusValue(value, count, dict(meanings(value, prefix, mapping))) for value, count in counts
            ]
    return found


def meanings(value: str, prefix: str, mapping: CrmMapping) -> Iterator[tuple[str, str]]:
    """Yield the keys of the status sets of an object that have a value, and the name there that fits.

    Examples
    --------
    >>> dict(meanings("ACCEPTED", "quote", CrmMapping()))
    {'quote.accepted': 'accepted'}
    """
    for key in {**default_statuses(), **mapping.statuses}:
        if key.startswith(f"{prefix}."):
            fitting = matching(normal(value), mapping.status(key))
            if fitting is not None:
                yield key, fitting


def _counts(tables: CrmTables, name: str, column: str) -> list[tuple[str, int]]:
    import polars as pl

    value = pl.col(column)
    counts = tables.table(name).filter(value.is_not_null()).group_by(value).agg(n=pl.len())
    return list(counts.sort("n", column, descending=[True, False]).collect().iter_rows())
