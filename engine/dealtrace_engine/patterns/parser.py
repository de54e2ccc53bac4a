"""A pattern's text as an expression, by recursive descent."""

from __future__ import annotations

from dealtrace_engine.errors import ParseError
from dealtrace_engine.patterns.expression import (
    ANY,
    END,
    GAP,
    START,
    Expression,
    Repeat,
    Step,
    chain,
    choice,
    size,
)
from dealtrace_engine.patterns.lexer import Token, tokens, wrong

MOST_DEPTH = 50
MOST_STEPS = 2_000
_SIGNS: dict[str, Expression] = {".": ANY, "...": GAP, "^": START, "$": END}
_REPETITIONS = {"*": (0, None), "+": (1, None), "?": (0, 1)}


def parse(text: str) -> Expression:
    """Return the expression of a pattern; the grammar is at the top of the package.

    Raises
    ------
    ParseError
        What is wrong, and at which character (from 1).

    Examples
    --------
    >>> parse("A+")
    Repeat(part=Step(names=('A',), negated=False), least=1, most=None)
    """
    if not isinstance(text, str):
        raise ParseError(f"a pattern is a text, not of type {type(text).__name__}")
    expression = _Parser(text).whole()
    if size(expression) > MOST_STEPS:
        raise ParseError(
            f"the pattern has more than {MOST_STEPS:,} steps once its repetitions are written out",
            value=text,
            hint="use smaller counts, or * and +",
        )
    return expression


class _Parser:
    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.at, self.depth = text, tokens(text), 0, 0

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def take(self, kind: str) -> bool:
        """Whether the next token is of this kind; if so, it is used up."""
        taken = self.next.kind == kind
        self.at += taken
        return taken

    def wrong(self, what: str, hint: str | None = None) -> ParseError:
        return wrong(self.text, self.next.position, what, hint)

    def whole(self) -> Expression:
        expression = self.choice()
        if self.next.kind == ")":
            raise self.wrong("')' without its '('")
        if self.next.kind != "end":
            raise self.wrong(f"expected '->' or '|', found {self.next}")
        return expression

    def choice(self) -> Expression:
        options = [self.chain()]
        while self.take("|"):
            options.append(self.chain())
        return choice(options)

    def chain(self) -> Expression:
        parts = [self.part()]
        while self.take("->") or self.next.kind == "$" or (parts[-1] == START and self.starts_part()):
            parts.append(self.part())
        return chain(parts)

    def starts_part(self) -> bool:
        return self.next.kind in ("name", "(", "[", "!", *_SIGNS)

    def part(self) -> Expression:
        """Parse a step, a group or an anchor with the repetition behind it."""
        anchored = self.next.kind in ("^", "$")
        part = self.operand()
        counts = self.counts()
        if counts is None:
            return part
        if anchored:
            self.at -= 1
            raise self.wrong("an anchor cannot be repeated")
        if self.next.kind in _REPETITIONS or self.next.kind == "count":
            raise self.wrong("a repetition cannot be repeated", "put what it repeats in parentheses: (A+)?")
        return Repeat(part, *counts)

    def counts(self) -> tuple[int, int | None] | None:
        token = self.next
        if token.kind not in _REPETITIONS and token.kind != "count":
            return None
        self.at += 1
        return _REPETITIONS.get(token.kind, token.counts)

    def operand(self) -> Expression:
        token = self.next
        if token.kind in _REPETITIONS or token.kind == "count":
            raise self.wrong(f"there is nothing that {token} could repeat")
        if not self.starts_part():
            raise self.wrong(f"expected a step, found {token}")
        if token.kind in ("name", "["):
            return self.named(negated=False)
        self.at += 1
        if token.kind == "(":
            return self.group(token)
        return self.negation() if token.kind == "!" else _SIGNS[token.kind]

    def group(self, opening: Token) -> Expression:
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise wrong(self.text, opening.position, f"groups are nested at most {MOST_DEPTH} deep")
        inner = self.choice()
        if self.next.kind == "end":
            raise wrong(self.text, opening.position, "'(' is never closed")
        if not self.take(")"):
            raise self.wrong(f"expected '->', '|' or ')', found {self.next}")
        self.depth -= 1
        return inner

    def negation(self) -> Expression:
        if self.next.kind not in ("name", "["):
            raise self.wrong(
                f"expected a name or '[' after '!', found {self.next}",
                "only a single step is negated: ![A | B]",
            )
        return self.named(negated=True)

    def named(self, *, negated: bool) -> Step:
        """Parse a name, or names in brackets."""
        opening = self.next
        if not self.take("["):
            return Step((self.name(),), negated)
        names = {self.name()}
        while self.take("|"):
            names.add(self.name())
        if self.next.kind == "end":
            raise wrong(self.text, opening.position, "'[' is never closed")
        if not self.take("]"):
            raise self.wrong(f"expected '|' or ']', found {self.next}")
        return Step(tuple(sorted(names)), negated)

    def name(self) -> str:
        token = self.next
        if not self.take("name"):
            raise self.wrong(f"expected a name, found {token}")
        return token.name
