"""Records of JSON text, by the standard library's decoder."""

from __future__ import annotations

import json


def records(text, depth):
    """Return the objects that are `depth` brackets deep in a sequence of JSON values, in order."""
    decoder, at, found = json.JSONDecoder(), 0, []
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        found += _at(value, depth)
    return found


def _at(value, depth):
    if depth == 0:
        return [value] if isinstance(value, dict) else []
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [record for inner in inside for record in _at(inner, depth - 1)]
