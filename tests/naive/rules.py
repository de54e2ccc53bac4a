"""Rules on traces, as their definitions read.

A trace is a list of `Event`; a rule is a mapping with the template's name, `a` and `b` (which events they
are: functions of an event), and what else the template takes. Every template returns None where it does not
apply, else its violations as (place, other place, delay), None for none.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple


class Event(NamedTuple):
    activity: int
    time: int
    person: int | None = None
    value: float | None = None
    marked: bool = True


def places(trace, which):
    return [] if which is None else [place for place, event in enumerate(trace) if which(event)]


def count(trace, rule):
    """Existence, absence, exactly, at least and at most."""
    found = places(trace, rule["a"])
    if len(found) < rule["low"]:
        return [(None, None, None)]
    return [(place, None, None) for place in found[rule["high"] :]] if rule["high"] is not None else []


def init(trace, rule):
    return [] if rule["a"](trace[0]) else [(0, None, None)]


def end(trace, rule):
    return [] if rule["a"](trace[-1]) else [(len(trace) - 1, None, None)]


def responded_existence(trace, rule):
    a, b = places(trace, rule["a"]), places(trace, rule["b"])
    return None if not a else [] if b else [(place, None, None) for place in a]


def co_existence(trace, rule):
    a, b = places(trace, rule["a"]), places(trace, rule["b"])
    return None if not a and not b else [] if a and b else [(place, None, None) for place in a + b]


def not_co_existence(trace, rule):
    a, b = places(trace, rule["a"]), places(trace, rule["b"])
    if not a and not b:
        return None
    return [(max(a[0], b[0]), min(a[0], b[0]), None)] if a and b else []


def choice(trace, rule):
    return [] if places(trace, rule["a"]) or places(trace, rule["b"]) else [(None, None, None)]


def exclusive_choice(trace, rule):
    both = not_co_existence(trace, rule)
    return [(None, None, None)] if both is None else both


def not_succession(trace, rule):
    a, b = places(trace, rule["a"]), places(trace, rule["b"])
    return [(place, a[0], None) for place in b if place > a[0]] if a else None


def not_chain_succession(trace, rule):
    a, b = places(trace, rule["a"]), places(trace, rule["b"])
    return [(place, place - 1, None) for place in b if place - 1 in a] if a else None


def response(trace, rule, kind="plain"):
    """Each A has a B after it, within the limits; what can still come in time is not broken."""
    a, b, least, most = places(trace, rule["a"]), places(trace, rule["b"]), rule["least"], rule["most"]
    broken = []
    for place in a:
        reach = {
            "plain": range(place + 1, len(trace)),
            "alternate": range(place + 1, min([p for p in a if p > place], default=len(trace)) + 1),
            "chain": range(place + 1, place + 2),
        }[kind]
        gaps = {other: trace[other].time - trace[place].time for other in b if other in reach}
        far = {other: gap for other, gap in gaps.items() if gap >= least}
        if any(most is None or gap <= most for gap in far.values()):
            continue
        if far:
            broken.append((place, min(far), far[min(far)] - most))
        elif (
            most is not None
            and reach.stop >= len(trace)
            and not (kind != "plain" and reach_ends(trace, reach))
        ):
            late = rule["now"] - trace[place].time - most
            broken += [(place, None, late)] if late > 0 else []
        else:
            broken.append((place, None, None))
    return broken if a else None


def reach_ends(trace, reach):
    """Whether an event of the trace ended what was in reach, not the trace."""
    return reach.stop <= len(trace)


def precedence(trace, rule, kind="plain"):
    """Each B has an A before it: a response in the mirror, where nothing is still to come."""
    mirror = [event._replace(time=-event.time) for event in reversed(trace)]
    found = response(mirror, {**rule, "a": rule["b"], "b": rule["a"], "now": 2**80}, kind)
    last = len(trace) - 1
    return found and [
        (last - place, None, None) if other is None else (last - place, last - other, late)
        for place, other, late in found
    ]


def succession(trace, rule, kind="plain"):
    both = response(trace, rule, kind), precedence(trace, rule, kind)
    return None if both == (None, None) else [row for found in both if found is not None for row in found]


def four_eyes(trace, rule):
    a = [place for place in places(trace, rule["a"]) if trace[place].person is not None]
    b = [place for place in places(trace, rule["b"]) if trace[place].person is not None]
    if not a or not b:
        return None
    same = {place: [p for p in a if trace[p].person == trace[place].person] for place in b}
    return [(place, others[-1], None) for place, others in same.items() if others]


def same_person(trace, rule):
    """Two people who are known to have done A or B are too many, even if nobody is known for one of them."""
    steps = [places(trace, rule[name]) for name in ("a", "b") if rule[name] is not None]
    known = [[place for place in step if trace[place].person is not None] for step in steps]
    both = sorted({place for step in known for place in step})
    broken = [(place, both[0], None) for place in both if trace[place].person != trace[both[0]].person]
    return broken if all(known) or (all(steps) and broken) else None


def on_time(trace, rule):
    found, deadline = places(trace, rule["a"]), rule["deadline"]
    if not found or deadline is None:
        return None
    late = trace[found[rule["occurrence"]]].time - deadline
    return [(found[rule["occurrence"]], None, late)] if late > 0 else []


def not_overdue(trace, rule):
    if rule["deadline"] is None:
        return None
    late = rule["now"] - rule["deadline"]
    if places(trace, rule["a"]):
        return []
    return [(None, None, late)] if late > 0 else None


def condition(trace, rule):
    return [] if rule["holds"] else [(None, None, None)]


def never_falls(trace, rule):
    known = [place for place in places(trace, rule["a"]) if trace[place].value is not None]
    pairs = pairwise(known)
    return [(q, p, None) for p, q in pairs if trace[q].value < trace[p].value] if known else None


def no_skip(trace, rule):
    known = [place for place in places(trace, rule["a"]) if trace[place].value is not None]
    broken = []
    for number, place in enumerate(known[1:], 1):
        highest = max(known[:number], key=lambda p: trace[p].value)
        if trace[place].value > trace[highest].value + 1:
            broken.append((place, highest, None))
    return broken if known else None


TEMPLATES = {
    "count": count, "init": init, "end": end, "responded_existence": responded_existence,
    "co_existence": co_existence, "not_co_existence": not_co_existence, "choice": choice,
    "exclusive_choice": exclusive_choice, "not_succession": not_succession,
    "not_chain_succession": not_chain_succession, "four_eyes": four_eyes, "same_person": same_person,
    "on_time": on_time, "not_overdue": not_overdue, "condition": condition, "never_falls": never_falls,
    "no_skip": no_skip,
}  # fmt: skip
for _family in (response, precedence, succession):
    for _kind in ("plain", "alternate", "chain"):
        _name = _family.__name__ if _kind == "plain" else f"{_kind}_{_family.__name__}"
        TEMPLATES[_name] = lambda trace, rule, family=_family, kind=_kind: family(trace, rule, kind)


def check_cases(traces, rule):
    """What each case has against a rule: None where it does not apply, or where it is out of its scope."""
    found = []
    for number, trace in enumerate(traces):
        own = {**rule, **{key: rule[key][number] for key in ("deadline", "holds") if key in rule}}
        given = rule.get("given") is None or places(trace, rule["given"])
        scope = rule.get("scope") is None or rule["scope"][number]
        found.append(TEMPLATES[rule["template"]](trace, own) if given and scope else None)
    return found


def judge_traces(traces, rule):
    """What the cases have by their traces, and by their times."""
    return check_cases(traces, rule)


def note_events(trace, rule):
    """The first and last event of A, which `mark_odd` and `look_closer` go by."""
    found = places(trace, rule["a"])
    return (found[0], found[-1]) if found else None


def mark_odd(trace, rule):
    return TEMPLATES[rule["template"]](trace, rule)


def look_closer(trace, rule):
    return TEMPLATES[rule["template"]](trace, rule)
