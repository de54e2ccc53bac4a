"""Changed attributes of JSON text, by the standard library's decoder."""

from __future__ import annotations

import json

KEYS = {"logicalName", "oldValue", "newValue"}


def find_changes(text: str | None, names: list[str]) -> list[tuple[str, str | None, str | None]] | None:
    """Name, old and new value of each wanted change; None for what is not plain."""
    if text is None:
        return []
    try:
        read = json.loads(text, object_pairs_hook=_pairs)
    except json.JSONDecodeError:
        return None
    if not isinstance(read, Pairs) or [key for key, _ in read] != ["changedAttributes"]:
        return None
    ((_, changes),) = read
    if isinstance(changes, Pairs) or not isinstance(changes, list):
        return None
    found = []
    for change in changes:
        if not isinstance(change, Pairs) or not change or not {key for key, _ in change} <= KEYS:
            return None
        if not all(value is None or isinstance(value, str) for _, value in change):
            return None
        last = dict(change)
        name = (last.get("logicalName") or "").lower()
        if name in names:
            found.append((name, last.get("oldValue"), last.get("newValue")))
    return found


class Pairs(list):
    """The keys and values of an object."""


def _pairs(pairs):
    return Pairs(pairs)
