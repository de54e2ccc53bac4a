"""The text of a pattern as tokens, and names as text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dealtrace_engine.errors import ParseError

MOST_CHARACTERS = 10_000
MOST_REPETITIONS = 1_000

# Beyond ASCII everything may stand in a bare name but space, controls, and what editors make of ASCII signs.
_WORD = r"(?:[A-Za-z0-9_]|(?![\s…→“”„\ud800-\udfff])[^\x00-\xa0])+"
_NAME = re.compile(rf"{_WORD}(?:(?:\.|(?:[ /]|-(?!>))+){_WORD})*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_COUNT = re.compile(r"\{\s*([0-9]+)\s*(?:(,)\s*([0-9]+)?\s*)?\}")
_SIGN = re.compile(r"->|→|\.\.\.|…|[.()\[\]|!^$*+?]")
_SPACE = re.compile(r"\s*")
_ALIASES = {"→": "->", "…": "..."}
_ESCAPES = {'"': '"', "\\": "\\", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True)
class Token:
    """A sign, a name or a count, and where it starts.

    Attributes
    ----------
    kind : str
        The sign itself, or "name", "count" or "end".
    position : int
        In characters, from 0.
    name : str
        Of a name: its text without quotes.
    counts : tuple of (int, int or None)
        Of a count: least and most.
    """

    kind: str
    position: int
    name: str = ""
    counts: tuple[int, int | None] = (1, 1)

    def __str__(self) -> str:
        names = {"name": f"the name {self.name!r}", "count": "a repetition", "end": "the end of the pattern"}
        return names.get(self.kind, f"'{self.kind}'")


def wrong(text: str, position: int, what: str, hint: str | None = None) -> ParseError:
    """Make the error for what is at a character, counted from 0; in its text they count from 1."""
    return ParseError(f"at character {position + 1}: {what}", value=text, hint=hint)


def tokens(text: str) -> list[Token]:
    """Cut a pattern into tokens, the last of which is the end.

    Raises
    ------
    ParseError
        A character, an escape or a count is none that a pattern may have, or the text is too long.
    """
    if len(text) > MOST_CHARACTERS:
        raise wrong(text, MOST_CHARACTERS, f"a pattern has at most {MOST_CHARACTERS:,} characters")
    found, at = [], _after_space(text, 0)
    while at < len(text):
        token, at = _token(text, at)
        found.append(token)
        at = _after_space(text, at)
    return [*found, Token("end", len(text))]


def _after_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _token(text: str, at: int) -> tuple[Token, int]:
    """Return the token that starts here, and where it ends."""
    if name := _NAME.match(text, at):
        return Token("name", at, name[0]), name.end()
    if sign := _SIGN.match(text, at):
        return Token(_ALIASES.get(sign[0], sign[0]), at), sign.end()
    if text[at] == '"':
        return _quoted_token(text, at)
    if text[at] == "{":
        return _count_token(text, at)
    hint = "write names in straight quotes" if text[at] in "“”„'" else "a name with other signs needs quotes"
    raise wrong(text, at, f"{text[at]!r} has no meaning here", hint)


def _quoted_token(text: str, at: int) -> tuple[Token, int]:
    name = _QUOTED.match(text, at)
    if name is None:
        raise wrong(text, at, "the quotes are never closed")
    for escape in _ESCAPE.finditer(name[1]):
        if escape[1] not in _ESCAPES:
            place = name.start(1) + escape.start()
            raise wrong(text, place, f"there is no escape {escape[0]!r}", r"write \\ for a backslash")
    plain = _ESCAPE.sub(lambda escape: _ESCAPES[escape[1]], name[1])
    return Token("name", at, plain), name.end()


def _count_token(text: str, at: int) -> tuple[Token, int]:
    count = _COUNT.match(text, at)
    if count is None:
        raise wrong(text, at, "a repetition is {n}, {n,} or {n,m}")
    least, comma, most = count.groups()
    for digits in (least, most or "0"):
        if len(digits.lstrip("0")) > 9 or int(digits) > MOST_REPETITIONS:
            raise wrong(text, at, f"a step is repeated at most {MOST_REPETITIONS:,} times")
    upper = int(most) if most else None if comma else int(least)
    if upper is not None and upper < int(least):
        raise wrong(text, at, f"{least} to {upper} repetitions are none", "write the smaller count first")
    return Token("count", at, counts=(int(least), upper)), count.end()


def quoted(name: str) -> str:
    r"""Write a name as a pattern needs it: bare where that is unambiguous, else in quotes.

    Examples
    --------
    >>> quoted("Quote v1.2"), quoted('Say "yes"')
    ('Quote v1.2', '"Say \\"yes\\""')
    """
    if _NAME.fullmatch(name):
        return name
    for letter, sign in (("\\", "\\"), ('"', '"'), ("n", "\n"), ("r", "\r"), ("t", "\t")):
        name = name.replace(sign, "\\" + letter)
    return f'"{name}"'
