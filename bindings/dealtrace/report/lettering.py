"""Text in pictures: how wide it is, where it breaks, and what XML may hold."""

from __future__ import annotations

import re
import unicodedata
from xml.sax.saxutils import escape

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ORDERING = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def xml_text(text: str) -> str:
    r"""Return `text` so that it is text in XML, whatever it holds, and turns no other text around.

    Examples
    --------
    >>> xml_text('<script>"&\x00')
    '&lt;script&gt;&quot;&amp;�'
    """
    return escape(_NOT_XML.sub("\ufffd", _ORDERING.sub("", text)), {'"': "&quot;", "'": "&apos;"})


def width_em(text: str) -> float:
    """Estimate the width of a line of sans-serif text in units of its font size."""
    return sum(map(_character_em, text))


def _character_em(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0
    if unicodedata.combining(character):
        return 0.0
    if character in "iljtfI.,:;'|!()[]/ ":
        return 0.32
    return 0.88 if character in "mwMW@%" else 0.68 if character.isupper() else 0.57


def wrapped(text: str, widest_em: float, lines: int = 2) -> list[str]:
    """Break `text` into at most `lines` lines; what does not fit ends in an ellipsis.

    Examples
    --------
    >>> wrapped("Order Fulfilled/Service Delivered", 10)
    ['Order Fulfilled/', 'Service Delivered']
    >>> wrapped("abc" * 20, 5, lines=1)
    ['abcabca…']
    """
    done: list[str] = []
    line = ""
    for piece in _pieces(" ".join(text.split()) or "(empty)", widest_em):
        if line and width_em(line + piece.rstrip()) > widest_em:
            done.append(line.rstrip())
            line = ""
        line += piece
    done.append(line.rstrip())
    if len(done) > lines:
        done = [*done[: lines - 1], _shortened("".join(done[lines - 1 :]), widest_em)]
    return done


def _pieces(text: str, widest_em: float) -> list[str]:
    """Cut where a line may break: after spaces, slashes and hyphens, at wide characters, inside giants."""
    pieces = [""]
    for character in text:
        wide = unicodedata.east_asian_width(character) in "WF"
        if pieces[-1] and (wide or pieces[-1][-1] in " /-_" or width_em(pieces[-1]) > widest_em - 1):
            pieces.append("")
        pieces[-1] += character
    return pieces


def _shortened(text: str, widest_em: float) -> str:
    while text and width_em(text) > widest_em - 1:
        text = text[:-1]
    return f"{text.rstrip()}…"
