"""Rules that no case can keep together, where that can be decided from what they say.

Each of Declare's templates is an automaton over activities. Rules contradict each other where no trace,
however long, is kept by all of theirs, which a search of the states of their product finds out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple
from unicodedata import normalize

from dealtrace_engine.models.rule_conditions import comparisons

if TYPE_CHECKING:
    from dealtrace_engine.models.rules import Rule

STEPS = 1 << 19
"""Of automata in all searches, of which one may take a quarter of what is left: then nothing is claimed."""
Found = tuple[tuple[str, ...], str]


class Automaton(NamedTuple):
    """A template: its states are small numbers, the first is 0; a and b say what an event is."""

    breaks: Callable[[int, bool, bool], object]
    next: Callable[[int, bool, bool], int]
    keeps: Callable[[int], object] = lambda state: True


def _never(state: int, a: bool, b: bool) -> bool:
    return False


def _seen(state: int, a: bool, b: bool) -> int:
    return state | a | b << 1


def _asked(state: int, a: bool, b: bool) -> int:
    return a or (state and not b)


def _both(state: int, a: bool, b: bool) -> bool:
    return _seen(state, a, b) == 3


AUTOMATA = {
    "INIT": Automaton(lambda s, a, b: not (s or a), lambda s, a, b: 1),
    "END": Automaton(_never, lambda s, a, b: a, lambda s: s),
    "RESPONDED_EXISTENCE": Automaton(_never, _seen, lambda s: s != 1),
    "CO_EXISTENCE": Automaton(_never, _seen, lambda s: s in (0, 3)),
    "NOT_CO_EXISTENCE": Automaton(_both, _seen),
    "CHOICE": Automaton(_never, _seen, lambda s: s),
    "EXCLUSIVE_CHOICE": Automaton(_both, _seen, lambda s: s),
    "RESPONSE": Automaton(_never, _asked, lambda s: not s),
    "ALTERNATE_RESPONSE": Automaton(lambda s, a, b: s and a and not b, _asked, lambda s: not s),
    "CHAIN_RESPONSE": Automaton(lambda s, a, b: s and not b, lambda s, a, b: a, lambda s: not s),
    "PRECEDENCE": Automaton(lambda s, a, b: b and not s, lambda s, a, b: s or a),
    "ALTERNATE_PRECEDENCE": Automaton(lambda s, a, b: b and not s, _asked),
    "CHAIN_PRECEDENCE": Automaton(lambda s, a, b: b and not s, lambda s, a, b: a),
    "NOT_SUCCESSION": Automaton(lambda s, a, b: b and s, lambda s, a, b: s or a),
    "NOT_CHAIN_SUCCESSION": Automaton(lambda s, a, b: b and s, lambda s, a, b: a),
}
"""By the kind of template, those that count aside; a succession is a response and a precedence."""


class Asked(NamedTuple):
    """What a rule asks of a trace: `a` and `b` are the activities, as `_symbols` tells them apart."""

    rule: str
    automaton: Automaton
    a: frozenset[str]
    b: frozenset[str] = frozenset()
    place: str = ""

    def meets(self, other: Asked) -> bool:
        """Whether what the other asks for may be in the way."""
        shared = (self.a | self.b) & (other.a | other.b)
        return bool(shared) or (self.place == other.place != "")


def contradiction(rules: Sequence[Rule]) -> Found | None:
    """Return the ids of rules that contradict each other, as few as do, and why; None where none are known.

    Only rules for the same cases (`when` and `given`) are compared. Decided are Declare's templates without
    limits of time, and conditions that are ranges of numbers; of rules on people, that one person is to do
    what two are to do, which no case can keep that has both activities.

    Examples
    --------
    >>> from dealtrace_engine.models.rules import Rule
    >>> contradiction([Rule("ends", "end", "won"), Rule("order", "response", "won", "order")])
    (('ends', 'order'), 'no case can keep them all')
    """
    left = [STEPS]
    symbols, scopes = _symbols(rules), defaultdict[tuple[str, frozenset[str]], list["Rule"]](list)
    for rule in rules:
        scopes[repr(rule.when), frozenset(rule.given)].append(rule)
    for (when, given), same in scopes.items():
        if "'op': 'event'" in when:
            continue
        asked = [one for rule in same for one in _asked_of(rule, symbols)]
        if given:  # cases without it do not matter
            asked.append(Asked("", _counting(1, None), _named(given, symbols)))
        for part in _parts(asked):
            if broken := _unkept(part, left):
                ids = tuple(dict.fromkeys(one.rule for one in broken if one.rule))
                return ids, f"no case can keep {'them all' if len(ids) > 1 else 'it'}"
        for found in (*_people(same, symbols), *_ranges(same)):
            return found
    return None


def _symbols(rules: Sequence[Rule]) -> dict[str, frozenset[str]]:
    """Return which activities each name stands for, given the names in use.

    A name means the same as its canonical id. Where rules have several names with one meaning, these may be
    several activities of a log, and the id is any of them.
    """
    from dealtrace_engine.sources.meanings import activity_of_label

    names = {name for rule in rules for name in (*rule.activity, *rule.other, *rule.given)}
    meant = {name: activity_of_label(name).activity or normalize("NFC", name) for name in names}
    spelled = defaultdict[str, set[str]](set)
    for name, id_ in meant.items():
        spelled[id_] |= {name} - {id_}
    return {
        name: frozenset([id_] if len(spelled[id_]) < 2 else [name, *(spelled[id_] if name == id_ else ())])
        for name, id_ in meant.items()
    }


def _named(names: Iterable[str], symbols: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*(symbols[name] for name in names))


def _counting(low: int, high: int | None) -> Automaton:
    most = low if high is None else high
    return Automaton(
        lambda s, a, b: high is not None and s + a > high,
        lambda s, a, b: min(s + a, most),
        lambda s: s >= low,
    )


def _asked_of(rule: Rule, symbols: Mapping[str, frozenset[str]]) -> Iterator[Asked]:
    kind = rule.kind.kind
    if rule.at_least is not None or rule.at_most is not None:
        return
    a, b = _named(rule.activity, symbols), _named(rule.other, symbols)
    if kind == "COUNT":
        yield Asked(rule.id, _counting(*rule.bounds), a)
    elif kind.endswith("SUCCESSION") and not kind.startswith("NOT"):
        for half in ("RESPONSE", "PRECEDENCE"):
            yield Asked(rule.id, AUTOMATA[kind.replace("SUCCESSION", half)], a, b)
    elif kind in AUTOMATA:
        yield Asked(rule.id, AUTOMATA[kind], a, b, kind if kind in ("INIT", "END") else "")


def _parts(asked: Sequence[Asked]) -> list[list[Asked]]:
    """Return what can be kept or broken apart from the others."""
    parts: list[list[Asked]] = []
    for one in asked:
        apart, near = [], [one]
        for part in parts:
            if any(map(one.meets, part)):
                near = [*part, *near]
            else:
                apart.append(part)
        parts = [*apart, near]
    return parts


def _unkept(asked: Sequence[Asked], left: list[int]) -> list[Asked]:
    """Return, of what no trace keeps, as little as no trace keeps; nothing where all can be kept."""
    kept = _kept(asked, left)
    if kept is None:  # too many states: at least what is said of a few activities can be told
        few = dict.fromkeys(x.a | x.b | y.a | y.b for x, y in combinations(asked, 2) if x.meets(y))
        parts = ([one for one in asked if one.a | one.b <= names] for names in few)
        return next((_unkept(part, left) for part in parts if _kept(part, left) is False), [])
    rest = [] if kept else list(asked)
    for rule in dict.fromkeys(one.rule for one in rest):
        without = [one for one in rest if one.rule != rule]
        rest = without if _kept(without, left) is False else rest
    return rest


def _kept(asked: Sequence[Asked], left: list[int]) -> bool | None:
    """Return whether a trace keeps all that is asked; None where that takes too long to find out.

    `left` holds how many steps are left, and is counted down.
    """
    names = frozenset[str]().union(*(one.a | one.b for one in asked))
    events = {tuple((name in one.a, name in one.b) for one in asked) for name in (*names, None)}
    events = sorted(events)  # type: ignore[assignment]
    start = (0,) * len(asked)
    seen, waiting, least = {start}, [start], left[0] - left[0] // 4
    for state in waiting:
        left[0] -= len(events) * len(asked)
        if left[0] < least:
            return None
        for event in events:
            each = list(zip(asked, state, event, strict=True))
            if any(one.automaton.breaks(s, a, b) for one, s, (a, b) in each):
                continue
            after = tuple(int(one.automaton.next(s, a, b)) for one, s, (a, b) in each)
            if all(one.automaton.keeps(s) for one, s in zip(asked, after, strict=True)):
                return True
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return False


def _people(rules: Sequence[Rule], symbols: Mapping[str, frozenset[str]]) -> Iterator[Found]:
    """Yield rules of which one asks that one person does what two are to do by the other."""
    for one, other in combinations(
        [rule for rule in rules if rule.kind.kind.endswith(("EYES", "PERSON"))], 2
    ):
        same, eyes = sorted((one, other), key=lambda rule: rule.template == "four_eyes")
        if same.template == eyes.template or (same.attribute or "resource") != (eyes.attribute or "resource"):
            continue
        (a, b), (c, d) = ([_named(n, symbols) for n in (r.activity, r.other)] for r in (same, eyes))
        if {a, b} == {c, d} or (not b and c | d <= a):
            yield (one.id, other.id), "one person does both, and nobody may"


def _ranges(rules: Sequence[Rule]) -> Iterator[Found]:
    """Yield rules by which a number is to be in two ranges that have nothing in common."""
    asked = [(rule.id, *each) for rule in rules if rule.must for each in comparisons(rule.must)]
    for (one, column, sign, x), (other, same, against, y) in combinations(asked, 2):
        if column == same and (_apart(sign, x, against, y) or _apart(against, y, sign, x)):
            yield tuple(dict.fromkeys((one, other))), f"no {column!r} is both"


def _apart(sign: str, low: float, other: str, high: float) -> bool:
    if sign not in (">", ">=", "==") or other not in ("<", "<=", "=="):
        return False
    return low > high or (low == high and (sign == ">" or other == "<"))
