"""Rules that no case can keep together, where that can be decided from what they say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dealtrace_engine.models.rules import Rule

Found = tuple[str, str, str]
ASKING = {"responded_existence", "co_existence", "response", "succession", "chain_response",
          "alternate_response", "chain_succession", "alternate_succession"}  # fmt: skip
"""Templates by which an A asks for a B."""
AFTER = ASKING - {"responded_existence", "co_existence"}
CHAINED = {"chain_response", "chain_succession"}
ASKING_BACK = {"precedence", "alternate_precedence", "chain_precedence", "co_existence", "succession",
               "alternate_succession", "chain_succession"}  # fmt: skip
"""Templates by which a B asks for an A."""


def contradictions(rules: Sequence[Rule]) -> Iterator[Found]:
    """Yield pairs of ids of rules that contradict each other, and why.

    Only rules for the same cases (`when` and `given`) are compared, by the activities that they name. What is
    decided: counts that exclude each other, and, of activities that every case must have, what they ask for
    against what is forbidden.
    """
    scopes: defaultdict[tuple[str, frozenset[str]], list[Rule]] = defaultdict(list)
    for rule in rules:
        scopes[repr(rule.when), frozenset(rule.given)].append(rule)
    for scope, same in scopes.items():
        if "'op': 'event'" not in scope[0]:
            yield from _counts(same)
            yield from _ends(same)
            yield from _forbidden(same)


def _counts(rules: Sequence[Rule]) -> Iterator[Found]:
    counting = [rule for rule in rules if rule.bounds != (0, None)]
    for one, other in combinations(counting, 2):
        for least, most in ((one, other), (other, one)):
            low, high = least.bounds[0], most.bounds[1]
            # what is asked of some activities cannot be kept if no more of them, or of more, are allowed
            if high is not None and set(least.activity) <= set(most.activity) and low > high:
                yield one.id, other.id, f"at least {low} and at most {high} of {_said(least.activity)}"


def _ends(rules: Sequence[Rule]) -> Iterator[Found]:
    for one, other in combinations([rule for rule in rules if rule.template in ("init", "end")], 2):
        if one.template == other.template and not set(one.activity) & set(other.activity):
            yield one.id, other.id, f"a case has one {'first' if one.template == 'init' else 'last'} event"


def _forbidden(rules: Sequence[Rule]) -> Iterator[Found]:
    """Compare what activities that must happen ask for with what may not happen."""
    must = {rule.activity: rule for rule in rules if rule.bounds[0] >= 1}
    never = {activity: rule for rule in rules if rule.bounds[1] == 0 for activity in rule.activity}
    pairs = [rule for rule in rules if rule.other]
    for one in pairs:
        forth = one.activity, one.other, one.template in ASKING
        back = one.other, one.activity, one.template in ASKING_BACK
        for asking, wanted, able in (forth, back):
            if able and asking in must and all(activity in never for activity in wanted):
                yield one.id, never[wanted[0]].id, f"{_said(wanted)} is asked for and must not be"
        if one.template in ("choice", "exclusive_choice"):
            both = (*one.activity, *one.other)
            if all(activity in never for activity in both):
                yield one.id, never[both[0]].id, f"one of {_said(both)} is asked for and none may be"
        if (
            one.template in ("not_co_existence", "exclusive_choice")
            and one.activity in must
            and one.other in must
        ):
            yield one.id, must[one.other].id, f"both {_said(one.activity)} and {_said(one.other)} must be"
    for one, other in combinations(pairs, 2):
        for asks, bars in ((one, other), (other, one)):
            if asks.activity in must and _barred(asks, bars):
                yield (
                    one.id,
                    other.id,
                    f"{_said(asks.other)} is asked for and barred by {_said(asks.activity)}",
                )


def _barred(asks: Rule, bars: Rule) -> bool:
    same = (asks.activity, asks.other) == (bars.activity, bars.other)
    either = same or (asks.activity, asks.other) == (bars.other, bars.activity)
    return (
        (bars.template == "not_co_existence" and asks.template in ASKING and either)
        or (bars.template == "not_succession" and asks.template in AFTER and same)
        or (bars.template == "not_chain_succession" and asks.template in CHAINED and same)
    )  # fmt: skip


def _said(activities: Sequence[str]) -> str:
    return " or ".join(activities)
