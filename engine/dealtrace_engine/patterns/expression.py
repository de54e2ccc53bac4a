"""What a pattern is made of, how large it is, how it reads backwards and how it is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dealtrace_engine.patterns.lexer import quoted


@dataclass(frozen=True)
class Step:
    """One event: with one of these activities or, negated, with none of them.

    Attributes
    ----------
    names : tuple of str
        Sorted, each once.
    negated : bool
        With no names: any event at all.
    """

    names: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True)
class Anchor:
    """The start of the case (``^``) or its end (``$``)."""

    sign: str


@dataclass(frozen=True)
class Chain:
    """Parts that directly follow each other; at least two, none of them a chain."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True)
class Choice:
    """One of several; at least two, none of them a choice."""

    options: tuple[Expression, ...]


@dataclass(frozen=True)
class Repeat:
    """A part that occurs `least` to `most` times in a row; `most` None is any number."""

    part: Expression
    least: int
    most: int | None


Expression = Step | Anchor | Chain | Choice | Repeat

ANY = Step((), negated=True)
START, END = Anchor("^"), Anchor("$")
GAP = Repeat(ANY, 0, None)


def chain(parts: list[Expression]) -> Expression:
    """Return the parts one after the other, chains within them dissolved."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, Chain) else (part,))]
    return flat[0] if len(flat) == 1 else Chain(tuple(flat))


def choice(options: list[Expression]) -> Expression:
    """Return one of the options, choices within them dissolved."""
    flat = [
        inner for option in options for inner in (option.options if isinstance(option, Choice) else (option,))
    ]
    return flat[0] if len(flat) == 1 else Choice(tuple(flat))


def inner_parts(expression: Expression) -> tuple[Expression, ...]:
    """Return what an expression is directly made of."""
    match expression:
        case Chain(parts) | Choice(parts):
            return parts
        case Repeat(part):
            return (part,)
    return ()


def steps(expression: Expression) -> Iterator[Step]:
    """Yield every step as it is written, repetitions once."""
    if isinstance(expression, Step):
        yield expression
    for part in inner_parts(expression):
        yield from steps(part)


def size(expression: Expression) -> int:
    """Return how many steps and anchors there are once repetitions are written out; at least 1."""
    inner = sum(map(size, inner_parts(expression)))
    if isinstance(expression, Repeat):
        inner *= max(expression.least, expression.most or 1)
    return max(inner, 1)


def reversed_expression(expression: Expression) -> Expression:
    """Return the expression that matches the same cases read from their ends."""
    match expression:
        case Anchor(sign):
            return END if sign == "^" else START
        case Chain(parts):
            return Chain(tuple(map(reversed_expression, reversed(parts))))
        case Choice(options):
            return Choice(tuple(map(reversed_expression, options)))
        case Repeat(part, least, most):
            return Repeat(reversed_expression(part), least, most)
    return expression


def written(expression: Expression) -> str:
    """Return the text of an expression, which parses back to it.

    Examples
    --------
    >>> written(Chain((Step(("A",)), GAP, Repeat(Step(("B", "C"), negated=True), 1, 3))))
    'A -> ... -> ![B | C]{1,3}'
    """
    match expression:
        case Step():
            return _written_step(expression)
        case Anchor(sign):
            return sign
        case Chain(parts):
            return _written_chain(parts)
        case Choice(options):
            return " | ".join(map(written, options))
        case Repeat(part, least, most):
            return "..." if expression == GAP else _operand(part) + _written_count(least, most)


def _operand(part: Expression) -> str:
    return written(part) if isinstance(part, Step) else f"({written(part)})"


def _written_step(step: Step) -> str:
    if step == ANY:
        return "."
    names = " | ".join(map(quoted, step.names))
    return ("!" if step.negated else "") + (names if len(step.names) == 1 else f"[{names}]")


def _written_chain(parts: tuple[Expression, ...]) -> str:
    text = ""
    for before, part in zip((None, *parts), parts, strict=False):
        if before is not None:
            text += " " if before == START or part == END else " -> "
        text += f"({written(part)})" if isinstance(part, Choice) else written(part)
    return text


def _written_count(least: int, most: int | None) -> str:
    signs = {(0, None): "*", (1, None): "+", (0, 1): "?"}
    if (least, most) in signs:
        return signs[least, most]
    return f"{{{least}}}" if least == most else f"{{{least},{'' if most is None else most}}}"
