"""Filters as JSON, for front ends: read strictly, since what comes may be anything.

::

    {"version": 1, "filter": {"op": "and", "of": [
        {"op": "case", "column": "region", "operator": "==", "value": "DACH"},
        {"op": "not", "of": {"op": "ends", "activities": ["Payment Received"]}}]}}

`op` is the name of a function in `where`, the other fields are its arguments; ``case`` and ``event`` have
`column`, `operator` (``== != < <= > >= in between null``) and `value`. Optional fields may be left out.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from typing import Any

from dealtrace_engine.errors import ParseError, SchemaError, first_line
from dealtrace_engine.filters import activities, attribute, cases, events, expressions, sequence, variant
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.schema import nearest

VERSION = 1
DEEPEST = 100
"""So many expressions may be inside of each other."""
KINDS: tuple[type[Expression], ...] = (
    expressions.And, expressions.Or, expressions.Not, attribute.CaseAttribute, attribute.EventAttribute,
    activities.Starts, activities.Ends, activities.Contains, activities.DirectlyFollowed,
    activities.EventuallyFollowed, activities.Prefix, activities.Rework, activities.SelfLoop,
    sequence.Matches, cases.ContainedIn, cases.Intersecting, cases.StartedIn, cases.EndedIn, cases.CaseSize,
    cases.ThroughputTime, cases.CaseId, cases.Sample, variant.Variant, variant.TopVariants,
    variant.VariantCoverage, events.Activity, events.Timeframe, events.Between, events.AnyEvent,
    events.EveryEvent,
)  # fmt: skip
"""Every kind of expression; one more is a class here and a function in `where`."""
BY_OP = {kind.op: kind for kind in KINDS}


def to_json(expression: Expression, *, indent: int | None = None) -> str:
    """Return an expression as JSON text.

    Examples
    --------
    >>> from dealtrace_engine.filters import where as w
    >>> to_json(w.contains("Quote Revised", at_least=2))
    '{"version": 1, "filter": {"op": "contains", "activity": "Quote Revised", "at_least": 2}}'
    """
    content = {"version": VERSION, "filter": _plain(expression)}
    return json.dumps(content, indent=indent, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Expression):
        given = ((field, getattr(value, field.name)) for field in fields(value))
        kept = {f.name: _plain(v) for f, v in given if f.default is MISSING or v != f.default}
        return {"op": value.op, **kept}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def from_json(content: str | bytes) -> Expression:
    """Return the expression that JSON text stands for.

    Parameters
    ----------
    content : str or bytes
        What `to_json` returns, or what a front end writes in the same form.

    Raises
    ------
    ParseError
        It is no JSON.
    SchemaError
        It is of another version, or an operator, field or value is unknown; the error has the nearest names.

    Examples
    --------
    >>> from_json('{"version": 1, "filter": {"op": "starts", "activities": ["Lead Captured"]}}')
    w.starts('Lead Captured')
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"the filter is no JSON ({first_line(error)})") from error
    if not isinstance(document, dict) or "version" not in document or "filter" not in document:
        raise SchemaError("a filter is an object with version and filter", hint=_FORM)
    if document["version"] != VERSION or isinstance(document["version"], bool):
        raise SchemaError(f"the filter is of another version than {VERSION}", value=document["version"],
                          hint="update dealtrace or write the filter again")  # fmt: skip
    if unknown := [name for name in document if name not in ("version", "filter")]:
        raise SchemaError(f"a filter has no field {unknown[0]!r}", hint=_FORM)
    return _expression(document["filter"], 1)


_FORM = 'such as {"version": 1, "filter": {"op": "contains", "activity": "Quote Revised"}}'


def _expression(node: object, depth: int) -> Expression:
    if not isinstance(node, dict) or not isinstance(node.get("op"), str):
        raise SchemaError("an expression is an object with op", value=node, hint=_FORM)
    op = node["op"]
    if op not in BY_OP:
        raise SchemaError(f"there is no filter {op!r}", hint=nearest(tuple(BY_OP), op, "filters"))
    kind = BY_OP[op]
    known = {field.name: field.default is MISSING for field in fields(kind)}
    given = {name: _value(value, depth) for name, value in node.items() if name != "op"}
    for name in given:
        if name not in known:
            raise SchemaError(f"{op!r} has no field {name!r}", hint=nearest(tuple(known), name, "fields"))
    missing = [name for name, required in known.items() if required and name not in given]
    if missing:
        raise SchemaError(f"{op!r} lacks the field {missing[0]!r}", hint=nearest(tuple(known), "", "fields"))
    return kind(**given)


def _value(value: object, depth: int) -> Any:
    if depth > DEEPEST:
        raise SchemaError(f"more than {DEEPEST} expressions are inside of each other")
    if isinstance(value, dict):
        return _expression(value, depth + 1)
    return tuple(_value(item, depth + 1) for item in value) if isinstance(value, list) else value
