"""Tables and fields that only one organisation has: read and turned into events as its mapping says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from dealtrace_engine.errors import MappingError
from dealtrace_engine.schema import nearest
from dealtrace_engine.sources.crm.events import RANKS
from dealtrace_engine.sources.crm.ladder import Rule
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import Catalog, CrmTables, Kind

if TYPE_CHECKING:
    import polars as pl

COLUMNS = {"id": Kind.ID, "case": Kind.ID, "resource": Kind.ID, "amount": Kind.NUMBER, "currency": Kind.TEXT}
"""What a column of a custom table can be, besides the instant of an activity."""


def with_custom(catalog: Catalog, mapping: CrmMapping) -> dict[str, dict[str, Kind]]:
    """Return a catalogue with the tables and columns that a mapping names.

    Raises
    ------
    MappingError
        A field is not written as ``Object.Field``.
    """
    found = {name: dict(columns) for name, columns in catalog.items()}
    for name, meanings in mapping.objects.items():
        columns = {column: COLUMNS.get(what, Kind.INSTANT) for what, column in meanings.items()}
        found[name] = {**columns, **found.get(name, {})}
    for field in mapping.fields:
        name, dot, column = field.partition(".")
        if not dot or not name or not column:
            raise MappingError(f"the field {field!r} is not of the form Object.Field")
        found.setdefault(name, {}).setdefault(column, Kind.TEXT)
    return found


def asked_for(
    catalog: Catalog, asked: Mapping[str, Sequence[str]], mapping: CrmMapping
) -> dict[str, dict[str, Kind]]:
    """Return a catalogue with, of some objects, only the columns that are asked for or that a mapping names.

    Parameters
    ----------
    catalog : mapping of str to mapping of str to Kind
    asked : mapping of str to sequence of str
        Objects to the columns that are asked for.
    mapping : CrmMapping
    """
    named = {name: {*meanings.values()} for name, meanings in mapping.objects.items()}
    for name, _, column in (field.partition(".") for field in mapping.fields):
        named.setdefault(name, set()).add(column)
    return {
        name: {
            column: kind
            for column, kind in columns.items()
            if name not in asked or column in asked[name] or column in named.get(name, ())
        }
        for name, columns in catalog.items()
    }


def custom_rules(mapping: CrmMapping) -> list[Rule]:
    """Return the rules of the custom tables of a mapping.

    ``{"Signature__c": {"id": "Id", "case": "Opportunity__c", "contract_signed": "SignedOn__c"}}`` says that
    each row of Signature__c with a value in SignedOn__c is a contract_signed of the case that Opportunity__c
    names. ``resource``, ``amount`` and ``currency`` may name columns too. The rule is called as the table.

    Raises
    ------
    MappingError
        A table has no id or case column, no activity, or something else.
    """
    return [
        Rule(name, what, name, "field", partial(_found, name, meanings, column),
             needs=(f"{name}.{column}", f"{name}.{meanings['case']}"))
        for name, meanings in mapping.objects.items()
        for what, column in _checked(name, meanings).items()
    ]  # fmt: skip


def _checked(name: str, meanings: Mapping[str, str]) -> dict[str, str]:
    """Return the activities of a custom table with their columns."""
    activities = {what: column for what, column in meanings.items() if what not in COLUMNS}
    known: Sequence[str] = (*COLUMNS, *RANKS)
    for what in activities:
        if what not in RANKS:
            raise MappingError(f"the table {name!r} has {what!r}, which is neither an activity nor a column",
                               hint=nearest(known, what, "names"))  # fmt: skip
    for what in ("id", "case"):
        if what not in meanings:
            raise MappingError(f"the table {name!r} does not say which column is {what!r}")
    if not activities:
        raise MappingError(
            f"the table {name!r} names no activity", hint='such as contract_signed = "SignedOn__c"'
        )
    return activities


def _found(
    name: str, meanings: Mapping[str, str], column: str, tables: CrmTables, mapping: CrmMapping
) -> pl.LazyFrame:
    """Return an event for each row; midnight throughout means that only days are known."""
    import polars as pl

    at = pl.col(column).cast(pl.Datetime("us", "UTC"))
    of_day = at.drop_nulls().dt.time().eq(pl.time(0)).all()
    more = {"resource": "resource_id", "amount": "amount", "currency": "currency"}
    return tables.table(name).select(
        fact=pl.concat_str([pl.lit(f"{name}:"), meanings["id"]]),
        object=pl.lit(mapping.leading),
        record_id=pl.col(meanings["case"]),
        timestamp=at,
        ts_precision=pl.when(of_day).then(pl.lit("date")).otherwise(pl.lit("instant")),
        source_row_id=pl.col(meanings["id"]),
        **{event: pl.col(meanings[what]) for what, event in more.items() if what in meanings},
    )
