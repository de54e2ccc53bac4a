"""Conditions in rules: a short text, or a filter in its JSON form."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from dealtrace_engine.errors import SchemaError
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.filters.json_form import VERSION, from_json, to_json

Node = dict[str, Any]
"""A filter in its JSON form, without the version."""
_COLUMN = r"""(?P<column>"[^"]+"|[^"<>=!]+?)"""
_NULL = re.compile(_COLUMN + " is (?P<not>not )?null")
_COMPARED = re.compile(_COLUMN + " ?(?P<operator>==|!=|<=|>=|<|>) ?(?P<value>.+)")
_QUOTED = r""""[^"]*"|'[^']*'"""
_BLANKS, _AND = re.compile(_QUOTED + r"|\s+"), re.compile(_QUOTED + "| and ")
_WORDS = re.compile(r"\b(and|or|not)\b")
"""Which a name of a column has in quotes only."""
_FORM = "such as 'discount_percent > 20 and region == \"DACH\"', or a filter in its JSON form"


def condition_of(given: str | Mapping[str, Any] | Expression) -> Node:
    """Return a condition as a filter in its JSON form, checked.

    Parameters
    ----------
    given : str, mapping or Expression
        Comparisons of attributes of the case with ``and`` between them, or any filter. A name of a column is
        in double quotes where it has one of the words and, or, not, or a sign such as ``<``.

    Raises
    ------
    SchemaError
        It is none; see `filters.json_form`.

    Examples
    --------
    >>> condition_of("discount_percent > 20")
    {'op': 'case', 'column': 'discount_percent', 'operator': '>', 'value': 20}
    >>> condition_of("due_date is not null")["op"]
    'not'
    """
    try:
        if isinstance(given, Expression):
            return _node(json.loads(to_json(given))["filter"])
        if isinstance(given, Mapping):
            return _node(plain_values(given))
    except RecursionError as error:
        raise SchemaError("too many expressions are inside of each other") from error
    if not isinstance(given, str):
        raise SchemaError("a condition is a text or a table", value=given, hint=_FORM)
    parts = [_comparison(part) for part in _parts(given)]
    return _node(parts[0] if len(parts) == 1 else {"op": "and", "of": parts})


def expression_of(node: Mapping[str, Any]) -> Expression:
    """Return the filter that a condition stands for."""
    return from_json(json.dumps({"version": VERSION, "filter": node}))


def comparisons(node: Node) -> Iterator[tuple[str, str, float]]:
    """Yield the columns that are to be compared with numbers, as column, operator and number.

    Examples
    --------
    >>> list(comparisons(condition_of("discount <= 20 and region == 'UK' and amount > 0")))
    [('discount', '<=', 20), ('amount', '>', 0)]
    """
    if node["op"] == "and":
        for part in node["of"]:
            yield from comparisons(part)
    elif node["op"] == "case" and type(node.get("value")) in (int, float):
        yield node["column"], node["operator"], node["value"]


def _node(node: Node) -> Node:
    expression_of(node)
    return node


def plain_values(value: Any) -> Any:
    """Return what TOML holds as JSON does: dates as text."""
    if isinstance(value, Mapping):
        return {name: plain_values(part) for name, part in value.items()}
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain_values(part) for part in value]
    return value


def _parts(text: str) -> list[str]:
    """Return what is between each ``and``, with one space for many; what is in quotes stays as it is."""
    plain = _BLANKS.sub(lambda found: " " if found[0].isspace() else found[0], text).strip()
    cuts = [found.span() for found in _AND.finditer(plain) if found[0] == " and "]
    begins, ends = [0, *(end for _, end in cuts)], [*(begin for begin, _ in cuts), len(plain)]
    return [plain[begin:end].strip() for begin, end in zip(begins, ends, strict=True)]


def _comparison(text: str) -> Node:
    if found := _NULL.fullmatch(text):
        node: Node = {"op": "case", "column": _column(found), "operator": "null"}
        return {"op": "not", "of": node} if found["not"] else node
    if not (found := _COMPARED.fullmatch(text)):
        raise SchemaError("this is no condition", value=text, hint=_FORM)
    column = _column(found)
    try:
        value = plain_values(tomllib.loads(f"value = {found['value']}")["value"])
    except (tomllib.TOMLDecodeError, RecursionError):
        raise SchemaError("this is no condition", value=text,
                          hint=f"texts are in quotes, {_FORM}") from None  # fmt: skip
    return {"op": "case", "column": column, "operator": found["operator"], "value": value}


def _column(found: re.Match[str]) -> str:
    name = found["column"]
    if name[0] != '"' and (word := _WORDS.search(name)):
        raise SchemaError(f"this is no condition: {word[0]!r} in the name of a column", value=found[0],
                          hint=f"it is between comparisons; in names it is in quotes, {_FORM}")  # fmt: skip
    return name.strip('"')
