"""Rules that cases are to keep: what each asks, how grave it is, who answers for it, what is accepted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any, Literal

from dealtrace_engine.calendar import WorkingCalendar
from dealtrace_engine.errors import DealtraceError, ModelError
from dealtrace_engine.filters.values import duration, duration_us
from dealtrace_engine.models.rule_conditions import Node, condition_of, expression_of
from dealtrace_engine.models.rule_contradictions import contradiction
from dealtrace_engine.models.rule_templates import COMMON, TEMPLATES, Template
from dealtrace_engine.schema import nearest

SEVERITIES = ("info", "low", "medium", "high", "critical")
LANGUAGES = ("en", "de", "fr", "it", "ja", "zh")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class AcceptedException:
    """Violations that somebody has accepted; they are told, and do not count.

    Attributes
    ----------
    case_ids : tuple of str
        Of these cases, or
    when : dict, optional
        of those for which this condition holds.
    reason : str
    expires : datetime.date, optional
        The last day on which it holds.
    """

    case_ids: tuple[str, ...] = ()
    when: Node | None = None
    reason: str = ""
    expires: date | None = None

    def __post_init__(self) -> None:
        _texts(self, "case_ids")
        if self.when is not None:
            object.__setattr__(self, "when", _condition(self.when, "when"))
            if expression_of(self.when or {}).level != "case":
                raise _wrong("when", "an exception is about cases, this chooses events")
        if bool(self.case_ids) == (self.when is not None):
            raise _wrong("exceptions", "an exception has either case_ids or when")
        if not isinstance(self.reason, str) or not self.reason.strip():
            raise _wrong("reason", "an exception has a reason")
        if self.expires is not None and (
            not isinstance(self.expires, date) or isinstance(self.expires, datetime)
        ):
            raise _wrong("expires", f"expires is a date such as 2027-12-31, not {self.expires!r}")


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes
    ----------
    id : str
        Letters, digits, ``_``, ``-`` and ``.``.
    template : str
        One of `rule_templates.TEMPLATES`.
    activity, other : tuple of str
        What it is about: A and B of the template, each any of some activities, as the log names them or as
        canonical ids.
    given : tuple of str
        It is for cases that have one of these.
    when : dict, optional
        It is for cases for which this condition holds; a choice of events says which events of `activity`
        (of `other`, for a precedence) count. As `rule_conditions.condition_of` takes it.
    must : dict, optional
        What has to hold of the case.
    count : int, optional
    at_least, at_most : str, optional
        Time between the two, such as ``"3d"``.
    working_time : bool, optional
        Whether that is of working time, by the calendar of the pack or the caller; by default where the
        caller gives one.
    attribute : str, optional
        The date, the person (by default the log's resource) or the number that it is about.
    order : tuple of str
        Activities, or values of `attribute`, in the order in which cases go through them; ``"A | B"`` is one
        step with two names. Steps that the log does not have are left out.
    occurrence : {"last", "first"}
        Which is to be on time.
    grace : str, optional
        By how much a date may be passed.
    name, description, severity, owner : str
        Severity is info, low, medium, high or critical.
    names : dict of str to str
        Name by language.
    exceptions : tuple of AcceptedException

    Raises
    ------
    ModelError
        A field is missing, not known to the template, or has a value that cannot be.

    Examples
    --------
    >>> Rule("no-quote", "responded_existence", "opportunity_won", "quote_created").activity
    ('opportunity_won',)
    """

    id: str
    template: str
    activity: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    when: Node | None = None
    must: Node | None = None
    count: int | None = None
    at_least: str | None = None
    at_most: str | None = None
    working_time: bool | None = None
    attribute: str | None = None
    order: tuple[str, ...] = ()
    occurrence: Literal["last", "first"] = "last"
    grace: str | None = None
    name: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    severity: str = "medium"
    owner: str = ""
    exceptions: tuple[AcceptedException, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not _ID.fullmatch(self.id):
            raise _wrong("id", f"an id has letters, digits, _ - and ., not {self.id!r}")
        if not isinstance(self.template, str) or self.template not in TEMPLATES:
            hint = nearest(tuple(TEMPLATES), str(self.template), "templates")
            raise _wrong("template", f"there is no template {self.template!r}", hint)
        for key in ("activity", "other", "given", "order"):
            _texts(self, key)
        for key in ("name", "description", "owner"):
            if not isinstance(getattr(self, key), str):
                raise _wrong(key, f"{key} is a text, not {getattr(self, key)!r}")
        for key in ("when", "must"):
            if getattr(self, key) is not None:
                object.__setattr__(self, key, _condition(getattr(self, key), key))
        _check_values(self)
        _check_fields(self)

    @property
    def kind(self) -> Template:
        """Its template."""
        return TEMPLATES[self.template]

    @property
    def timed(self) -> bool:
        """Whether its violations have days that are lost."""
        return self.kind.timed or (bool(self.other) and self.at_most is not None)

    @property
    def bounds(self) -> tuple[int, int | None]:
        """How often `activity` is to happen, of templates that count."""
        count = 1 if self.count is None else self.count
        return {
            "existence": (count, None), "at_least": (count, None), "absence": (0, 0), "at_most": (0, count),
            "exactly": (count, count), "init": (1, None), "end": (1, None),
        }.get(self.template, (0, None))  # fmt: skip

    @property
    def limits_us(self) -> tuple[int, int | None]:
        """The least and the most time between the two, in microseconds; no most is None."""
        least, most = self.at_least, self.at_most
        return (duration_us(least) if least else 0, duration_us(most) if most is not None else None)

    def name_in(self, language: str = "en") -> str:
        """Return what it is called, in a language where it is known, else in any; at last its id."""
        return self.names.get(language) or self.name or self.names.get("en") or self.id


@dataclass(frozen=True)
class Rules:
    """A rule pack.

    Attributes
    ----------
    rules : tuple of Rule
    name : str
    columns : dict of str to tuple of str
        A name that rules use for an attribute, to the columns of logs that hold it: the first that there is.
    source : str
        Where it was read.
    calendar : WorkingCalendar, optional
        Of rules that ask for working time, unless the caller gives another.

    Raises
    ------
    ModelError
        Something is no rule, column or calendar; two rules have one id, or they contradict each other.

    Examples
    --------
    >>> pack = Rules((Rule("one-order", "at_most", "sales_order_created", count=1),))
    >>> len(pack), pack["one-order"].bounds
    (1, (0, 1))
    """

    rules: tuple[Rule, ...]
    name: str = ""
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    source: str = ""
    calendar: WorkingCalendar | None = None

    def __post_init__(self) -> None:
        given = tuple(self.rules) if isinstance(self.rules, Iterable) else (self.rules,)
        if not all(isinstance(one, Rule) for one in given):
            raise ModelError(f"a pack has rules of the type Rule, not {given!r}")
        object.__setattr__(self, "rules", given)
        if not isinstance(self.columns, Mapping) or not all(
            isinstance(names, tuple | list) and names for names in self.columns.values()
        ):
            raise ModelError(f"columns are lists of texts, not {self.columns!r}")
        if self.calendar is not None and not isinstance(self.calendar, WorkingCalendar):
            raise ModelError(f"the calendar of a pack is a WorkingCalendar, not {self.calendar!r}")
        ids = [rule.id for rule in self.rules]
        for id_ in ids:
            if ids.count(id_) > 1:
                raise ModelError(f"two rules have the id {id_!r}", file=self.source or None)
        if found := contradiction(self.rules):
            *others, last = map(repr, found[0])
            told = f"rules {', '.join(others)} and {last} contradict each other" if others else f"rule {last}"
            raise ModelError(f"{told}: {found[1]}", file=self.source or None,
                             hint="take one out, or give them when or given")  # fmt: skip

    def __len__(self) -> int:
        return len(self.rules)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def __getitem__(self, id_: str) -> Rule:
        for rule in self.rules:
            if rule.id == id_:
                return rule
        raise ModelError(
            f"there is no rule {id_!r}", hint=nearest([r.id for r in self.rules], str(id_), "rules")
        )

    def only(self, *ids: str) -> Rules:
        """Return the pack of some of its rules."""
        return Rules(tuple(self[id_] for id_ in ids), self.name, self.columns, self.source, self.calendar)


class RuleError(ModelError):
    """A field of a rule is wrong; `key` says which."""

    key: str = ""


def _wrong(key: str, what: str, hint: str | None = None) -> RuleError:
    error = RuleError(what, hint=hint)
    error.key = key
    return error


def _texts(holder: Rule | AcceptedException, key: str) -> None:
    given: object = getattr(holder, key)
    texts = (given,) if isinstance(given, str) else given
    if not isinstance(texts, Sequence) or not all(isinstance(text, str) and text for text in texts):
        raise _wrong(key, f"{key} is a text or a list of texts, not {given!r}")
    object.__setattr__(holder, key, tuple(dict.fromkeys(texts)))


def _condition(given: Any, key: str) -> Node:
    try:
        return json.loads(json.dumps(condition_of(given)))  # type: ignore[no-any-return]
    except DealtraceError as error:
        raise _wrong(key, f"{key}: {error.what}", error.hint) from error


def _check_values(rule: Rule) -> None:
    if rule.severity not in SEVERITIES:
        raise _wrong("severity", f"the severity is one of {', '.join(SEVERITIES)}, not {rule.severity!r}")
    if rule.occurrence not in ("first", "last"):
        raise _wrong("occurrence", f"the occurrence is first or last, not {rule.occurrence!r}")
    least = 0 if rule.template in ("at_most", "exactly") else 1
    if rule.count is not None and (type(rule.count) is not int or not least <= rule.count < 1 << 31):
        raise _wrong("count", f"the count is a whole number from {least} on, not {rule.count!r}")
    if rule.attribute is not None and (not isinstance(rule.attribute, str) or not rule.attribute):
        raise _wrong("attribute", f"attribute is the name of a column, not {rule.attribute!r}")
    for key in ("at_least", "at_most", "grace"):
        try:
            if getattr(rule, key) is not None:
                object.__setattr__(rule, key, duration(getattr(rule, key), key))
        except DealtraceError as error:
            raise _wrong(key, error.what, error.hint) from error
    if rule.working_time is not None and not isinstance(rule.working_time, bool):
        raise _wrong("working_time", f"working_time is true or false, not {rule.working_time!r}")
    if rule.working_time is not None and rule.at_least is None and rule.at_most is None:
        raise _wrong("working_time", "working_time is for limits of time: at_least and at_most")
    low, high = rule.limits_us
    if high is not None and low > high:
        raise _wrong("at_least", "at_least is longer than at_most")
    if not isinstance(rule.names, Mapping) or not all(isinstance(n, str) for n in rule.names.values()):
        raise _wrong("names", "names are texts by language")
    for language in rule.names:
        if language not in LANGUAGES:
            raise _wrong(
                "names", f"there is no language {language!r}", nearest(LANGUAGES, language, "languages")
            )


def _check_fields(rule: Rule) -> None:
    """Check that the template has what it needs, and nothing that it would pass over."""
    default = {f.name: f.default for f in fields(Rule)}
    known = (*rule.kind.needs, *rule.kind.may, *COMMON)
    for key in rule.kind.needs:
        if getattr(rule, key) in (None, ()):
            raise _wrong(key, f"template {rule.template!r} needs {key}")
    for key, value in default.items():
        if key not in known and getattr(rule, key) != value and getattr(rule, key) != ():
            raise _wrong(key, f"template {rule.template!r} has no {key}", nearest(known, key, "keys"))
    if rule.template == "no_skip" and len(rule.order) < 2:
        raise _wrong("order", "an order has two steps or more")
    if rule.template == "four_eyes" and set(rule.activity) & set(rule.other):
        raise _wrong("other", "four_eyes is about two different activities")
    if rule.template == "condition" and rule.when and expression_of(rule.when).level != "case":
        raise _wrong("when", "a condition is about cases, this chooses events")
    if rule.must is not None and expression_of(rule.must).level != "case":
        raise _wrong("must", "must is a condition on cases, this chooses events")
    if not isinstance(rule.exceptions, Sequence) or not all(
        isinstance(part, AcceptedException) for part in rule.exceptions
    ):
        raise _wrong("exceptions", "exceptions are of the type AcceptedException")
    object.__setattr__(rule, "exceptions", tuple(rule.exceptions))
