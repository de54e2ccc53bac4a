"""Which column of an object a header means, in whatever spelling warehouses, queries and tools give it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from dealtrace_engine.sources.crm.tables import Kind

_WRAPPED = re.compile(r"(?:toLabel|format|convertCurrency)\((.*)\)", re.IGNORECASE)
_SIGNS = re.compile(r"[\s_.]+")


def folded(name: str) -> str:
    """Return a name without case, points and underscores: API names, capitals and snake case become one.

    Examples
    --------
    >>> folded("SBQQ__Opportunity2__c"), folded("sbqq_opportunity_2_c"), folded("toLabel(Account.Name)")
    ('sbqqopportunity2c', 'sbqqopportunity2c', 'accountname')
    """
    wrapped = _WRAPPED.fullmatch(name.strip())
    return _SIGNS.sub("", wrapped[1] if wrapped else name.strip("\ufeff ")).lower()


class Spellings:
    """The columns of an object by any spelling: as the API has it, else nearly so, else folded.

    Parameters
    ----------
    columns : mapping of str to Kind

    Examples
    --------
    >>> columns = {"LossReason__c": Kind.TEXT, "Loss_Reason__c": Kind.TEXT}
    >>> Spellings(columns).column("loss_reason_c"), Spellings(columns).column("LOSSREASON__C")
    ('Loss_Reason__c', 'LossReason__c')
    """

    def __init__(self, columns: Mapping[str, Kind]) -> None:
        self._exact = columns
        self._near = {_near(column): column for column in reversed(list(columns))}
        self._folded = {folded(column): column for column in reversed(list(columns))}

    def column(self, name: str) -> str | None:
        """Return the API name of a column, or None where there is none."""
        if name in self._exact:
            return name
        return self._near.get(_near(name)) or self._folded.get(folded(name))


def _near(name: str) -> str:
    return re.sub("_+", "_", name.lower())


def api_names(header: Iterable[str], columns: Mapping[str, Kind]) -> dict[str, str]:
    """Return the columns of a header that an object has: as they are written, to their API names.

    Where two mean the same column, the one that is spelled as the API does wins, then the first.

    Examples
    --------
    >>> api_names(["id", "stage_name", "notes_c"], {"Id": Kind.ID, "StageName": Kind.TEXT})
    {'id': 'Id', 'stage_name': 'StageName'}
    """
    header, spellings = list(header), Spellings(columns)
    taken = exact = {name for name in header if name in columns}
    found: dict[str, str] = {}
    for name in header:
        column = spellings.column(name)
        if column is not None and (name in exact or column not in taken):
            found[name] = column
            taken = taken | {column}
    return found
