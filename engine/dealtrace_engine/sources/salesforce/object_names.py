"""Which object a file or a table holds: told by its name, else by its columns and the prefix of its ids."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from dealtrace_engine.errors import SchemaError
from dealtrace_engine.sources.crm.tables import Catalog
from dealtrace_engine.sources.salesforce.column_names import folded
from dealtrace_engine.sources.salesforce.objects import CATALOG, PREFIXES

NOISE = frozenset(
    (
        "sf", "sfdc", "salesforce", "crm", "stg", "src", "raw", "base", "dbo", "public", "data", "export",
        "extract", "extraction", "dump", "full", "all", "table", "tbl", "bulk", "query", "result", "results",
        "job", "chunk", "part", "page", "batch", "csv", "json", "records", "backup", "prod", "sandbox", "org",
    )
)  # fmt: skip
"""Words in the names of files and tables that say nothing of the object."""
HISTORY_PREFIX = "017"
"""All tables of field changes share it; the column of the parent tells which it is."""
CHANGE = frozenset({"field", "oldvalue", "newvalue"})
"""Columns, folded, that only tables of field changes have together."""
CLEAR = 1.2
"""How many times better the best object must fit than the next."""
OWN = frozenset({
    "createddate", "createdbyid", "lastmodifieddate", "lastmodifiedbyid", "systemmodstamp", "isdeleted",
    "stagename", "closedate", "isclosed", "iswon", "recordtypeid", "masterrecordid",
})  # fmt: skip
"""Columns, folded, by which tables of Salesforce are told."""
FOREIGN = frozenset({"statecode", "statuscode", "createdon", "modifiedon", "versionnumber"})
"""Columns that no table of Salesforce has, but those of another CRM."""
LEAST = 1.0
"""What columns have to be worth: one that only one object has is worth 1, one of two objects 1/2."""
SEVERAL = 5
"""Columns of a wide table with many custom ones that are enough to be like an object."""
_NUMBERED = re.compile(r"\d*[a-z]?\d+")


def object_of_name(name: str, catalog: Catalog = CATALOG) -> str | None:
    """Return the object that a file (without its suffixes) or a table is named after, or None.

    Examples
    --------
    >>> object_of_name("sf_opportunity_data"), object_of_name("Opportunity_1"), object_of_name("deals")
    ('Opportunity', 'Opportunity', None)
    """
    known = _folded_objects(tuple(catalog))
    words = [word for word in re.split(r"[^0-9a-z]+", name.lower()) if word]
    for length in range(len(words), 0, -1):
        for start in range(len(words) - length + 1):
            rest = words[:start] + words[start + length :]
            found = known.get("".join(words[start : start + length]))
            if found and all(word in NOISE or _NUMBERED.fullmatch(word) for word in rest):
                return found
    return None


def object_of_columns(
    header: Sequence[str], ids: Iterable[str] = (), catalog: Catalog = CATALOG, file: object = None
) -> str | None:
    """Return the object that has these columns, or None where nothing speaks for one.

    Parameters
    ----------
    header : sequence of str
    ids : iterable of str
        The first values of the column Id.
    catalog : mapping of str to mapping of str to Kind
    file : object
        Where it is, for the error.

    Raises
    ------
    SchemaError
        Several objects fit about equally well.
    """
    if set(map(folded, header)) >= CHANGE:
        worth = {name: LEAST for name in catalog if name.endswith("History") and _has_parent(name, header)}
    else:
        worth = _worths(header, catalog)
    by_prefix = _object_of_prefix(ids)
    if by_prefix is not None and by_prefix in catalog and (worth.get(by_prefix, 0.0) > 0 or len(header) <= 3):
        return by_prefix
    ranked = sorted(worth, key=lambda name: (-worth[name], name))
    if not ranked or worth[ranked[0]] < LEAST or not _is_like(ranked[0], header, catalog):
        return None
    near = [name for name in ranked if worth[name] * CLEAR > worth[ranked[0]]]
    most = max(_known(name, header, catalog) for name in near)
    near = [name for name in near if _known(name, header, catalog) == most]
    if len(near) > 1:
        raise SchemaError(
            f"its columns could be those of {' or '.join(near[:4])}", file=file,
            hint=f"name the file after its object, such as {near[0]}.csv",
        )  # fmt: skip
    return near[0]


def is_of_object(name: str, header: Sequence[str], catalog: Catalog = CATALOG) -> bool:
    """Whether a table, by its name and columns, is one of Salesforce, and not of another system.

    Examples
    --------
    >>> is_of_object("Opportunity", ["Id", "StageName", "CloseDate"])
    True
    >>> is_of_object("opportunity", ["opportunityid", "statecode", "createdon"])
    False
    """
    columns = set(map(folded, header))
    if columns & FOREIGN:
        return False
    named = object_of_name(name, catalog)
    if named is None:
        try:
            named = object_of_columns(header, (), catalog)
        except SchemaError:
            return len(columns & OWN) >= SEVERAL
        if named is None:
            return False
    known = columns & set(map(folded, catalog[named]))
    if "id" not in columns and not _is_change(named, known):
        return False
    return len(known & OWN) >= 2 or _worths(header, catalog).get(named, 0.0) >= LEAST


def _is_change(name: str, columns: set[str]) -> bool:
    return name.endswith("History") and {"createddate"} < columns


def _worths(header: Sequence[str], catalog: Catalog) -> dict[str, float]:
    """Return what the columns speak for each object that has those which only it or few others have."""
    owners = _owners(tuple((name, tuple(columns)) for name, columns in catalog.items()))
    worth: dict[str, float] = {}
    for column in dict.fromkeys(map(folded, header)):
        for name in owners.get(column, ()):
            worth[name] = worth.get(name, 0.0) + 1 / len(owners[column])
    return {name: value for name, value in worth.items() if _has_parent(name, header)}


def _is_like(name: str, header: Sequence[str], catalog: Catalog) -> bool:
    """Whether enough columns are the object's: half of them, or several of a wide table."""
    known = _known(name, header, catalog)
    return known >= SEVERAL or 2 * known >= len(header)


def _known(name: str, header: Sequence[str], catalog: Catalog) -> int:
    return len(set(map(folded, header)) & set(map(folded, catalog[name])))


def _has_parent(name: str, header: Sequence[str]) -> bool:
    """Whether a table of changes says whose they are."""
    if not name.endswith("History"):
        return True
    return folded(parent_of(name)) in map(folded, header)


def parent_of(history: str) -> str:
    """Return the column of a table of changes that says whose they are.

    Examples
    --------
    >>> parent_of("OpportunityFieldHistory"), parent_of("SBQQ__Quote__History")
    ('OpportunityId', 'ParentId')
    """
    return "ParentId" if "__" in history else f"{history.removesuffix('History').removesuffix('Field')}Id"


def _object_of_prefix(ids: Iterable[str]) -> str | None:
    """Return the object of most ids, where their first three characters tell it."""
    seen = Counter(text[:3] for text in ids if len(text) in (15, 18))
    if not seen:
        return None
    prefix, count = seen.most_common(1)[0]
    if prefix == HISTORY_PREFIX or 2 * count <= seen.total():
        return None
    return PREFIXES.get(prefix)


@lru_cache(maxsize=8)
def _folded_objects(names: tuple[str, ...]) -> dict[str, str]:
    plural = {f"{folded(name)}s": name for name in names}
    return plural | {"opportunities": "Opportunity"} | {folded(name): name for name in names}


@lru_cache(maxsize=8)
def _owners(objects: tuple[tuple[str, tuple[str, ...]], ...]) -> Mapping[str, list[str]]:
    """Return the objects that have a column, by its folded name."""
    found: dict[str, list[str]] = {}
    for name, columns in objects:
        for column in dict.fromkeys(map(folded, columns)):
            found.setdefault(column, []).append(name)
    return found
