"""What a report is about, and which column is which: told by its header, in the language of who ran it."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from dealtrace_engine.sources.crm.names import normal
from dealtrace_engine.sources.salesforce.column_names import folded

LANGUAGES = ("en", "de", "fr", "it", "ja", "zh")
HISTORY, FIELDS = "OpportunityHistory", "OpportunityFieldHistory"
MAIN = ("Opportunity", "Lead", "Quote", "Order", "Contract")
"""What a report can be about, the first first: columns that could be of any object are of that one."""
LEAST_LABELS = 3
OF_EVENT_LOGS = frozenset(
    {"activity", "activityname", "timestamp", "eventtime", "caseid", "case", "concept:name", "time:timestamp"}
)
"""Labels, folded, that make a table an event log rather than a report of records."""
_OF_HISTORY = {
    "Opportunity.Id": "OpportunityId", "History.CreatedDate": "CreatedDate",
    "History.CreatedBy.Name": "CreatedBy.Name",
}  # fmt: skip
_OF_ROW = {
    "Opportunity.Amount": "Amount", "Opportunity.Probability": "Probability", "Opportunity.CloseDate":
    "CloseDate", "Opportunity.CurrencyIsoCode": "CurrencyIsoCode",
}  # fmt: skip
"""Columns that a report of stage changes gives as they were after the change."""
_INSTEAD = {"LastModifiedDate": "CreatedDate", "LastModifiedBy.Name": "CreatedBy.Name"}
"""What tells when and by whom a change was made where the report has no columns of its own for it."""


@dataclass(frozen=True)
class Header:
    """The columns of a report.

    Attributes
    ----------
    objects : mapping of str to mapping of int to str
        Object to the places of its columns in the report, with their API names.
    languages : tuple of str
        Those in which most labels are, the likeliest first.
    unknown : tuple of str
        Labels that no column is known for.
    """

    objects: Mapping[str, Mapping[int, str]]
    languages: tuple[str, ...]
    unknown: tuple[str, ...]


@lru_cache(maxsize=1)
def default_labels() -> dict[str, dict[str, str]]:
    """Return the labels of each language, folded, with the column that each means."""
    text = files(__package__).joinpath("report_labels.toml").read_text("utf-8")
    languages: dict[str, dict[str, str]] = tomllib.loads(text)
    return {
        language: {folded_label(label): target for label, target in labels.items()}
        for language, labels in languages.items()
    }


def folded_label(label: str) -> str:
    """Return a label without case, spaces and hyphens.

    Examples
    --------
    >>> folded_label("Opportunity-ID") == folded_label("opportunity id")
    True
    """
    return normal(label).replace(" ", "").replace("-", "").removesuffix(":")


def is_report(header: Sequence[str]) -> bool:
    """Whether a header is that of a report on what the labels know, not one of API names.

    Examples
    --------
    >>> is_report(["Opportunity-ID", "Phase", "Betrag"]), is_report(["Id", "StageName", "Amount"])
    (True, False)
    """
    labels = set(map(folded_label, header))
    if "id" in map(folded, header) or labels & OF_EVENT_LOGS:
        return False
    found = [target for target, _ in _resolved(header, {}) if target is not None]
    objects = {target.split(".")[0] for target in found}
    return len(found) >= LEAST_LABELS and bool(objects & {*MAIN, HISTORY, FIELDS})


def resolved(header: Sequence[str], labels: Mapping[str, str]) -> Header:
    """Find the objects and columns of a report.

    Parameters
    ----------
    header : sequence of str
    labels : mapping of str to str
        The organisation's own labels, to ``"Object.Column"``; they win over the default ones.
    """
    found = _resolved(header, {folded_label(label): target for label, target in labels.items()})
    targets = {place: target for place, (target, _) in enumerate(found) if target is not None}
    counted = Counter(language for _, languages in found for language in languages)
    ranked = sorted(counted, key=lambda language: (-counted[language], LANGUAGES.index(language)))
    best = tuple(language for language in ranked if counted[language] == counted[ranked[0]])
    unknown = tuple(name for name, (target, _) in zip(header, found, strict=True) if target is None)
    return Header(_objects(targets), best, unknown)


def _resolved(header: Sequence[str], labels: Mapping[str, str]) -> list[tuple[str | None, tuple[str, ...]]]:
    """Return for each label what it means, and the languages in which it does."""
    known = default_labels()
    found: list[tuple[str | None, tuple[str, ...]]] = []
    for label in map(folded_label, header):
        languages = tuple(language for language in LANGUAGES if label in known[language])
        target = labels.get(label) or (known[languages[0]][label] if languages else None)
        found.append((target, languages))
    return found


def _objects(targets: Mapping[int, str]) -> dict[str, dict[int, str]]:
    kinds = {target.split(".")[0] for target in targets.values()}
    change = HISTORY if HISTORY in kinds else FIELDS if FIELDS in kinds else None
    main = next((name for name in MAIN if f"{name}.Id" in targets.values()), None)
    main = main or next((name for name in MAIN if name in kinds), MAIN[0])
    objects: dict[str, dict[int, str]] = {}
    if change is not None:
        objects[change] = _change_columns(change, targets)
    for place, target in targets.items():
        name, _, column = target.partition(".")
        if target in _INSTEAD and change is not None:
            continue
        if name in (*MAIN, "Account") and not (change and target in _OF_ROW):
            objects.setdefault(name, {})[place] = column
        elif name not in (HISTORY, FIELDS, "History"):
            objects.setdefault(main, {})[place] = target
    return {name: columns for name, columns in objects.items() if name in (change, main) or _has_id(columns)}


def _has_id(columns: Mapping[int, str]) -> bool:
    return "Id" in columns.values()


def _change_columns(change: str, targets: Mapping[int, str]) -> dict[int, str]:
    columns: dict[int, str] = {}
    for place, target in targets.items():
        name, _, column = target.partition(".")
        if name == change:
            columns[place] = column
        elif target in _OF_HISTORY:
            columns[place] = _OF_HISTORY[target]
        elif change == HISTORY and target in _OF_ROW:
            columns[place] = _OF_ROW[target]
    for place, target in targets.items():
        if target in _INSTEAD and _INSTEAD[target] not in columns.values():
            columns[place] = _INSTEAD[target]
    return columns
