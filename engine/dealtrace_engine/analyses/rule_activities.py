"""Activities that rules name and nobody knows: misspelt ones, which would leave a rule unchecked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from unicodedata import normalize

from dealtrace_engine.analyses.rule_program import MOST_LABELS
from dealtrace_engine.log import EventLog
from dealtrace_engine.models.rules import Rule, Rules
from dealtrace_engine.schema import close_to
from dealtrace_engine.sources.labels import activity_ids, activity_label
from dealtrace_engine.sources.meanings import activity_of_label


@dataclass(frozen=True)
class UnknownActivity:
    """An activity that a rule names.

    Attributes
    ----------
    rule : str
        Id of the rule.
    activity : str
    near : list of str
        Up to three names of the log, or canonical ones, that are near it, the nearest first.
    """

    rule: str
    activity: str
    near: list[str]


def unknown_activities(log: EventLog, rules: Rules) -> list[UnknownActivity]:
    """Return which activities of rules are neither in the log nor canonical, in the order of the pack.

    A canonical one, by its id or by a name in any of the six languages, may well be missing in a log; but
    where the log has it under another name, rules are to use that, or its id. Those that only a condition
    (`when`, `must`) names are not looked for.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1"], "activity": ["Coffee break"], "time": ["2024-01-01"]}))
    >>> rules = Rules((Rule("a", "existence", "Cofee break"), Rule("b", "absence", "payment_received")))
    >>> unknown_activities(log, rules)
    [UnknownActivity(rule='a', activity='Cofee break', near=['Coffee break'])]
    """
    known = _Known.of(log)
    return [
        UnknownActivity(rule.id, name, known.near(name))
        for rule in rules
        for name in dict.fromkeys(name for names in _named(rule) for name in known.missing(names))
    ]


def _named(rule: Rule) -> list[tuple[str, ...]]:
    """Return the activities that a rule names, together those any of which counts."""
    steps = [] if rule.attribute else [tuple(map(str.strip, step.split("|"))) for step in rule.order]
    return [rule.activity, rule.other, rule.given, *steps]


@dataclass(frozen=True)
class _Known:
    """The names of a log in their normal form, and by what they mean."""

    spelled: frozenset[str]
    meant: Mapping[str, list[str]]
    names: Sequence[str]

    @classmethod
    def of(cls, log: EventLog) -> _Known:
        labels, ids, meant = log.known_activities.to_pylist(), activity_ids(), defaultdict(list)
        for label in labels:
            meant[_meaning(label)].append(label)
        names = [*ids, *map(activity_label, ids), *labels[:MOST_LABELS]]
        return cls(frozenset(normalize("NFC", label) for label in labels), meant, names)

    def missing(self, names: Sequence[str]) -> list[str]:
        found = [name for name in names if normalize("NFC", name) in self.spelled or name in activity_ids()]
        meant = {"", *self.meant} - {_meaning(name) for name in found if _meaning(name)}
        return [name for name in names if name not in found and _meaning(name) in meant]

    def near(self, name: str) -> list[str]:
        meaning = _meaning(name)
        return self.meant[meaning] if meaning else close_to(self.names, name)


def _meaning(name: str) -> str:
    """Return the canonical id of a name, or nothing."""
    return activity_of_label(name).activity or ""
