"""What a filter keeps, from its JSON form, event by event: every expression is a set of source rows."""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from dealtrace_engine.patterns.parser import parse
from naive import conditions, patterns
from naive.selection import mark_between

Node = Mapping[str, Any]
Cases = Mapping[str, Sequence[Any]]
Attribute = Callable[[Any, str], Any]
US = {"d": 86_400_000_000, "h": 3_600_000_000, "min": 60_000_000, "s": 1_000_000, "ms": 1_000, "us": 1}
SYMBOLS = {"==": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def kept(node: Node, cases: Cases, attribute: Attribute, ids: Mapping[tuple[str, ...], str]) -> set[int]:
    """Rows of the events that pass.

    `cases` are lists of events in order, `attribute` gives an event's value of a column, `ids` the id of each
    variant.
    """
    everything = {event.row for events in cases.values() for event in events}
    if node["op"] == "and":
        return everything.intersection(*(kept(part, cases, attribute, ids) for part in node["of"]))
    if node["op"] == "or":
        return set().union(*(kept(part, cases, attribute, ids) for part in node["of"]))
    if node["op"] == "not":
        return everything - kept(node["of"], cases, attribute, ids)
    if node["op"] in ("any_event", "every_event"):
        chosen = kept(node["events"], cases, attribute, ids)
        quantifier = any if node["op"] == "any_event" else all
        return rows(own for own in cases.values() if quantifier(event.row in chosen for event in own))
    if node["op"] in EVENTS:
        return {row for own in cases.values() for row in EVENTS[node["op"]](node, own, attribute)}
    if node["op"] in VARIANTS:
        return VARIANTS[node["op"]](node, cases, ids)
    return rows(own for own in cases.values() if CASES[node["op"]](node, own, attribute))


def rows(cases) -> set[int]:
    return {event.row for own in cases for event in own}


def instant(text: str | None, default: float) -> float:
    if text is None:
        return default
    passed = datetime.fromisoformat(text) - datetime.fromisoformat("1970-01-01T00:00:00Z")
    return (passed.days * 86_400 + passed.seconds) * 10**6 + passed.microseconds


def lasting(text: str | None, default: float) -> float:
    if text is None:
        return default
    parts = (part.rstrip("abcdefghijklmnopqrstuvwxyz") for part in text.split())
    return sum(
        int(number) * US[part[len(number) :]] for number, part in zip(parts, text.split(), strict=True)
    )


def in_window(node: Node, time_us: int) -> bool:
    return instant(node["start"], -math.inf) <= time_us < instant(node["end"], math.inf)


def intersecting(node: Node, own) -> bool:
    start, end = instant(node["start"], -math.inf), instant(node["end"], math.inf)
    return own[0].time_us < end and own[-1].time_us >= start


def compares(node: Node, value: Any) -> bool:
    """Whether a value compares so; a null is unequal to everything."""
    symbol, wanted = node["operator"], node.get("value")
    if symbol == "null":
        return value is None
    if symbol == "!=":
        return value is None or value != wanted
    if value is None:
        return False
    if symbol == "in":
        return value in wanted
    if symbol == "between":
        return wanted[0] <= value <= wanted[1]
    return SYMBOLS[symbol](value, wanted)


def plain(own) -> list[tuple[str, int]]:
    return [(event.activity, event.time_us) for event in own]


def names(own) -> list[str]:
    return [event.activity for event in own]


def most(node: Node) -> float:
    return math.inf if node.get("at_most") is None else node["at_most"]


def followed(test, node: Node, own) -> bool:
    low, high = lasting(node.get("at_least"), 0), lasting(node.get("at_most"), math.inf)
    return test(plain(own), node["source"], node["target"], low, high)


CASES: dict[str, Callable[[Node, Any, Attribute], bool]] = {
    "case": lambda node, own, of: compares(node, of(own[0], node["column"])),
    "case_id": lambda node, own, _: own[0].case in node["case_ids"],
    "starts": lambda node, own, _: own[0].activity in node["activities"],
    "ends": lambda node, own, _: own[-1].activity in node["activities"],
    "prefix": lambda node, own, _: conditions.begins_with(plain(own), node["activities"]),
    "contains": lambda node, own, _: (
        node.get("at_least", 1) <= names(own).count(node["activity"]) <= most(node)
    ),
    "directly_followed": lambda node, own, _: followed(conditions.follows_directly, node, own),
    "eventually_followed": lambda node, own, _: followed(conditions.follows_eventually, node, own),
    "rework": lambda node, own, _: any(
        count >= node.get("at_least", 2) and node.get("activity") in (None, name)
        for name, count in Counter(names(own)).items()
    ),
    "self_loop": lambda node, own, _: conditions.loops(
        plain(own), node.get("activity"), node.get("at_least", 1)
    ),
    "pattern": lambda node, own, _: patterns.matches(parse(node["pattern"]), names(own)),
    "case_size": lambda node, own, _: node.get("at_least", 0) <= len(own) <= most(node),
    "throughput_time": lambda node, own, _: (
        lasting(node.get("at_least"), 0)
        <= own[-1].time_us - own[0].time_us
        <= lasting(node.get("at_most"), math.inf)
    ),
    "contained_in": lambda node, own, _: all(in_window(node, event.time_us) for event in own),
    "intersecting": lambda node, own, _: intersecting(node, own),
    "started_in": lambda node, own, _: in_window(node, own[0].time_us),
    "ended_in": lambda node, own, _: in_window(node, own[-1].time_us),
}


def between(node: Node, own, _: Attribute) -> list[int]:
    marks = mark_between(plain(own), node["source"], node["target"], node.get("to") == "next")
    return [event.row for event, marked in zip(own, marks, strict=True) if marked]


EVENTS: dict[str, Callable[[Node, Any, Attribute], list[int]]] = {
    "event": lambda node, own, of: [e.row for e in own if compares(node, of(e, node["column"]))],
    "activity": lambda node, own, _: [e.row for e in own if e.activity in node["activities"]],
    "timeframe": lambda node, own, _: [e.row for e in own if in_window(node, e.time_us)],
    "between": between,
}


def variant(node: Node, cases: Cases, ids: Mapping[tuple[str, ...], str]) -> set[int]:
    return rows(own for own in cases.values() if ids[tuple(names(own))] in node["ids"])


def ranked(cases: Cases) -> list[tuple[tuple[str, ...], int]]:
    counts = Counter(tuple(names(own)) for own in cases.values())
    return sorted(counts.items(), key=lambda item: (-item[1], [name.encode() for name in item[0]]))


def top_variants(node: Node, cases: Cases, _: object) -> set[int]:
    chosen = {trace for trace, _ in ranked(cases)[: node["count"]]}
    return rows(own for own in cases.values() if tuple(names(own)) in chosen)


def variant_coverage(node: Node, cases: Cases, ids: object) -> set[int]:
    covered, needed = 0, Decimal(repr(node["share"])) * len(cases)
    for count, (_, size) in enumerate(ranked(cases), 1):
        covered += size
        if covered >= needed:
            return top_variants({"count": count}, cases, ids)
    raise AssertionError("all variants together have all cases")


VARIANTS: dict[str, Callable[[Node, Cases, Mapping[tuple[str, ...], str]], set[int]]] = {
    "variant": variant,
    "top_variants": top_variants,
    "variant_coverage": variant_coverage,
}
