"""The rule file: TOML, versioned, checked key by key.

::

    format = 1
    name = "Our rules"

    [columns]                          # names in the rules to columns of logs, the first that there is
    discount = ["discount_percent", "discount_pct"]

    [calendar]                         # of rules that say working_time = true
    zone = "Europe/Berlin"
    hours = { mon-fri = "09:00-17:00" }
    holidays = [2026-12-25]

    [[rules]]
    id = "discount-approved"
    name = "Discount above 20 % is approved before acceptance"
    names = { de = "Rabatt über 20 % ist vor der Annahme genehmigt" }
    template = "precedence"            # see `rule_templates`
    activity = "discount_approval_approved"
    other = "quote_accepted"
    when = "discount > 20"
    # at_most = "16 h", working_time = true: by the calendar below
    severity = "high"
    owner = "sales operations"

    [[rules.exceptions]]
    case_ids = ["0065g00006DkcNxAAJ"]  # or when = "..."
    reason = "agreed with the board"
    expires = 2027-12-31
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from dealtrace_engine.calendar import WorkingCalendar
from dealtrace_engine.errors import ModelError
from dealtrace_engine.models.calendar_file import calendar_of
from dealtrace_engine.models.rules import AcceptedException, Rule, RuleError, Rules
from dealtrace_engine.output import PathLike
from dealtrace_engine.schema import nearest
from dealtrace_engine.toml_files import read_toml

FORMAT = 1
READY = Path(__file__).parent.parent / "lead_to_cash" / "rules.toml"
"""The ready pack for lead-to-cash."""
KEYS = ("format", "name", "columns", "calendar", "rules")
_HEADER = re.compile(r"\s*\[(\[)?\s*rules(?:\s*\.\s*(\w+))?[^\]]*\]")
_ANY_HEADER = re.compile(r"\s*\[")
_KEY = re.compile(r"""\s*["']?([A-Za-z0-9_-]+)["']?\s*[.=]""")
Lines = dict[tuple[int, str], int]


def read_rules(source: PathLike) -> Rules:
    r"""Read a rule pack.

    Parameters
    ----------
    source : path or str
        A TOML file, or its text, which has more than one line.

    Returns
    -------
    Rules

    Raises
    ------
    ArgumentError
        It is neither a path nor a text.
    ParseError
        There is no such file, or it is no TOML; with the line.
    ModelError
        It is of another format, a key is not known or has a value that cannot be, with file, line and key;
        or rules contradict each other.

    Examples
    --------
    >>> pack = read_rules('format = 1\n[[rules]]\nid = "paid"\ntemplate = "existence"\n'
    ...                   'activity = "payment_received"\n')
    >>> [rule.id for rule in pack]
    ['paid']
    """
    content, text, file = read_toml(source, "the rule pack")
    return _checked(content, file, _lines(text))


@lru_cache(maxsize=1)
def ready_rules() -> Rules:
    """Return the ready pack for lead-to-cash, read once."""
    return read_rules(READY)


def _lines(text: str) -> Lines:
    """Return the line of each key: (number of the rule, key); -1 before and outside of the rules."""
    lines: Lines = {}
    rule, outside = -1, True
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        if header:
            rule, outside = rule + (header[1] is not None and header[2] is None), False
            lines.setdefault((rule, header[2] or ""), number)
        elif _ANY_HEADER.match(line) and not line[:1].isspace():
            outside = True
        elif key := _KEY.match(line):
            lines.setdefault((-1 if outside else rule, key[1]), number)
    return lines


def _checked(content: Mapping[str, Any], file: object, lines: Lines) -> Rules:
    for key in content:
        if key not in KEYS:
            raise ModelError(f"there is no key {key!r}", file=file, line=lines.get((-1, key)),
                             hint=nearest(KEYS, key, "keys"))  # fmt: skip
    if content.get("format") is not FORMAT:
        raise ModelError(f"format is {FORMAT}, not {content.get('format')!r}", file=file,
                         line=lines.get((-1, "format")), hint=f"begin with format = {FORMAT}")  # fmt: skip
    rules, name, columns = content.get("rules", []), content.get("name", ""), content.get("columns", {})
    if not isinstance(name, str):
        raise ModelError("name is a text", file=file, line=lines.get((-1, "name")))
    if not isinstance(rules, list) or not rules:
        raise ModelError("there are no rules", file=file, hint="each begins with [[rules]]")
    if not isinstance(columns, dict) or not all(
        isinstance(names, list) and names and all(isinstance(one, str) for one in names)
        for names in columns.values()
    ):
        raise ModelError("columns are lists of texts", file=file, line=lines.get((-1, "columns")))
    found = []
    for number, given in enumerate(rules):
        try:
            found.append(_rule(given))
        except RuleError as error:
            line = lines.get((number, error.key)) or lines.get((number, ""))
            label = given.get("id", number + 1) if isinstance(given, dict) else number + 1
            raise ModelError(f"rule {label!r}, key {error.key!r}: {error.what}", file=file, line=line,
                             hint=error.hint) from error  # fmt: skip
    source = "" if file is None else str(file)
    calendar = _calendar(content["calendar"], file, lines) if "calendar" in content else None
    columns = {key: tuple(names) for key, names in columns.items()}
    return Rules(tuple(found), name, columns, source, calendar)


def _calendar(given: Any, file: object, lines: Lines) -> WorkingCalendar:
    def wrong(key: str, what: str, hint: str | None) -> ModelError:
        named = f"calendar, key {key!r}: " if key else "calendar: "
        return ModelError(f"{named}{what}", file=file, line=lines.get((-1, key or "calendar")), hint=hint)

    return calendar_of(given, wrong)


def _rule(given: Any) -> Rule:
    known = [field.name for field in fields(Rule)]
    _known(given, known)
    for key in ("id", "template"):
        if key not in given:
            raise _missing(key)
    exceptions = given.get("exceptions", [])
    if not isinstance(exceptions, list):
        exceptions = [exceptions]
    return Rule(**{**given, "exceptions": tuple(map(_exception, exceptions))})


def _exception(given: Any) -> AcceptedException:
    _known(given, [field.name for field in fields(AcceptedException)])
    return AcceptedException(**given)


def _known(given: Any, known: list[str]) -> None:
    if not isinstance(given, dict):
        raise RuleError("a rule, and an exception, is a table of keys")
    for key in given:
        if key not in known:
            error = RuleError(f"there is no key {key!r}", hint=nearest(known, key, "keys"))
            error.key = key
            raise error


def _missing(key: str) -> RuleError:
    error = RuleError(f"a rule has {key}")
    error.key = key
    return error
