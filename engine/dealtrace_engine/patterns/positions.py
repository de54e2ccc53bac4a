"""The position automaton of an expression: which written step may come after which.

Every written step is a position, a set of positions is the bits of an integer. Anchors are conditions on the
gap between two events: before the first event lies the start, after the last one the end, all other gaps are
inside. An expression that can be empty inside can be empty at either end too.

References
----------
Glushkov, V. M. (1961). The abstract theory of automata. Russian Mathematical Surveys 16(5), 1-53.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

from dealtrace_engine.patterns.expression import Anchor, Chain, Choice, Expression, Repeat, Step, steps

INSIDE, AT_START, AT_END, EMPTY_CASE = 1, 2, 4, 8
"""Where an expression may match nothing: bits of `Fragment.empty`. In an empty case both ends are one gap."""
ANYWHERE = INSIDE | AT_START | AT_END | EMPTY_CASE


@dataclass(frozen=True)
class Fragment:
    """How a part of the expression starts and ends.

    Attributes
    ----------
    empty : int
        Where it may match no event at all.
    first, first_at_start : int
        Positions that may read its first event, with and without an event before.
    last, last_at_end : int
        Positions that may read its last event, with and without an event after.
    """

    empty: int
    first: int = 0
    first_at_start: int = 0
    last: int = 0
    last_at_end: int = 0


NOTHING = Fragment(ANYWHERE)


def members(bits: int) -> Iterator[int]:
    """Yield the positions in a set."""
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


class Positions:
    """The position automaton of an expression.

    Parameters
    ----------
    expression : Expression

    Attributes
    ----------
    of_step : dict of Step to int
        The positions of each distinct step.
    follow : list of int
        The positions that may read the next event, by position.
    whole : Fragment
        How the expression starts and ends.
    """

    def __init__(self, expression: Expression) -> None:
        self.of_step: dict[Step, int] = {}
        self.follow: list[int] = []
        self.whole = self._fragment(expression)

    def _fragment(self, expression: Expression) -> Fragment:
        match expression:
            case Step():
                return self._step(expression)
            case Anchor(sign):
                return Fragment(EMPTY_CASE | (AT_START if sign == "^" else AT_END))
            case Chain(parts):
                return reduce(self._joined, map(self._fragment, parts))
            case Choice(options):
                return reduce(_either, map(self._fragment, options))
            case Repeat():
                return self._repeated(expression)

    def _step(self, step: Step) -> Fragment:
        bit = 1 << len(self.follow)
        self.follow.append(0)
        self.of_step[step] = self.of_step.get(step, 0) | bit
        return Fragment(0, bit, bit, bit, bit)

    def _joined(self, left: Fragment, right: Fragment) -> Fragment:
        self._link(left.last, right.first)
        return Fragment(
            left.empty & right.empty,
            left.first | (right.first if left.empty & INSIDE else 0),
            left.first_at_start | (right.first_at_start if left.empty & AT_START else 0),
            right.last | (left.last if right.empty & INSIDE else 0),
            right.last_at_end | (left.last_at_end if right.empty & AT_END else 0),
        )

    def _link(self, sources: int, targets: int) -> None:
        for position in members(sources):
            self.follow[position] |= targets

    def _repeated(self, repeat: Repeat) -> Fragment:
        """Write the copies out from the last to the first, optional ones within each other."""
        least, most = repeat.least, repeat.most
        if most is None:
            tail = self._fragment(repeat.part)
            self._link(tail.last, tail.first)
            tail = tail if least else _optional(tail)
            fixed = max(least - 1, 0)
        else:
            tail, fixed = NOTHING, least
            for _ in range(most - least):
                tail = _optional(self._joined(self._fragment(repeat.part), tail))
        for _ in range(fixed):
            tail = self._joined(self._fragment(repeat.part), tail)
        return tail


def _optional(fragment: Fragment) -> Fragment:
    return _either(fragment, NOTHING)


def _either(one: Fragment, other: Fragment) -> Fragment:
    return Fragment(
        one.empty | other.empty,
        one.first | other.first,
        one.first_at_start | other.first_at_start,
        one.last | other.last,
        one.last_at_end | other.last_at_end,
    )


def name_classes(expression: Expression) -> dict[str, int]:
    """Return a number for each name, from 1, those that no step tells apart alike; 0 is any other name.

    The numbers are the same for an expression and its reverse.

    Examples
    --------
    >>> from dealtrace_engine.patterns.parser import parse
    >>> name_classes(parse("[A | B] -> C | ![A | B]"))
    {'A': 1, 'B': 1, 'C': 2}
    """
    users: dict[str, list[int]] = {}
    for number, step in enumerate(sorted(set(steps(expression)), key=lambda s: (s.names, s.negated))):
        for name in step.names:
            users.setdefault(name, []).append(number)
    numbers: dict[tuple[int, ...], int] = {}
    return {name: numbers.setdefault(tuple(users[name]), len(numbers) + 1) for name in sorted(users)}
