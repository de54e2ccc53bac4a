"""Sequence patterns by brute force: sets of ends, and Python's own regular expressions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dealtrace_engine.patterns.expression import Anchor, Chain, Choice, Expression, Repeat, Step

PRIVATE_USE = 0xE000


def ends(expression: Expression, trace: Sequence[str], starts: set[int]) -> set[int]:
    """Where a match may end that begins in one of these gaps; gap i is before event i."""
    match expression:
        case Step(names, negated):
            return {i + 1 for i in starts if i < len(trace) and (trace[i] in names) != negated}
        case Anchor(sign):
            return starts & {0 if sign == "^" else len(trace)}
        case Chain(parts):
            for part in parts:
                starts = ends(part, trace, starts)
            return starts
        case Choice(options):
            return {end for option in options for end in ends(option, trace, starts)}
        case Repeat(part, least, most):
            found = set()
            # More rounds than gaps in a trace bring nothing new: what goes on reads an event or stands still.
            for count in range(least + len(trace) + 2 if most is None else most + 1):
                found |= starts if count >= least else set()
                starts = ends(part, trace, starts)
            return found
    raise AssertionError(expression)


def spans(expression: Expression, trace: Sequence[str]) -> list[tuple[int, int]]:
    """All matches as (start, end), by start."""
    gaps = range(len(trace) + 1)
    return [(start, end) for start in gaps for end in sorted(ends(expression, trace, {start}))]


def matches(expression: Expression, trace: Sequence[str]) -> bool:
    """Whether there is any match."""
    return bool(spans(expression, trace))


def find(expression: Expression, trace: Sequence[str], *, longest: bool = False) -> tuple[int, int]:
    """The earliest start, and from there the first or last end."""
    found = spans(expression, trace)
    if not found:
        return -1, -1
    own = [end for start, end in found if start == found[0][0]]
    return found[0][0], own[-1] if longest else own[0]


def as_regex(expression: Expression, letter: dict[str, str]) -> str:
    """The pattern for Python's `re`, over one letter per activity."""
    match expression:
        case Step(names, negated):
            own = "".join(letter[name] for name in names)
            return (f"[^{own}]" if negated else f"[{own}]") if own else "(?s:.)"
        case Anchor(sign):
            return r"\A" if sign == "^" else r"\Z"
        case Chain(parts):
            return "".join(f"(?:{as_regex(part, letter)})" for part in parts)
        case Choice(options):
            return "|".join(as_regex(option, letter) for option in options)
        case Repeat(part, least, most):
            return f"(?:{as_regex(part, letter)}){{{least},{'' if most is None else most}}}"
    raise AssertionError(expression)


def letters(names: Sequence[str]) -> dict[str, str]:
    """A letter of the private use area for each name."""
    return {name: chr(PRIVATE_USE + i) for i, name in enumerate(names)}


def search(expression: Expression, trace: Sequence[str], names: Sequence[str]) -> int:
    """Where Python's `re` finds the earliest match, or -1."""
    letter = letters(names)
    found = re.search(as_regex(expression, letter), "".join(letter[name] for name in trace))
    return found.start() if found else -1
