"""Wanted values of records of JSON, by the standard library's decoder."""

from __future__ import annotations

import json


def fields(line, paths):
    """Return the value at the end of each path in a record, a text or nested; None where there is none.

    Numbers, true and false are the text that they are written as. A ValueError says that it is no record.
    """
    record = json.loads(line, parse_float=str, parse_int=str, parse_constant=_no_constant)
    if not isinstance(record, dict):
        raise ValueError("no object")
    return [_at(record, path) for path in paths]


def _at(value, path):
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return str(value).lower() if isinstance(value, bool) else value


def _no_constant(text):
    raise ValueError(text)
