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


def api_names(header: Iterable[str], columns: Mapping[str, Kind]) -> dict[str, str]:
    """Return the columns of a header that an object has: as they are written, to their API names.

    Where two mean the same column, the one that is spelled as the API does wins, then the first.

    Examples
    --------
    >>> api_names(["id", "stage_name", "notes_c"], {"Id": Kind.ID, "StageName": Kind.TEXT})
    {'id': 'Id', 'stage_name': 'StageName'}
    """
    header = list(header)
    exact = {name for name in header if name in columns}
    known = {folded(column): column for column in columns}
    found: dict[str, str] = {}
    taken = set(exact)
    for name in header:
        column = name if name in exact else known.get(folded(name))
        if column is not None and (name in exact or column not in taken):
            found[name] = column
            taken.add(column)
    return found
