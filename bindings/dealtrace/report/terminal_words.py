"""The fixed words of what the terminal shows, in six languages; they are in terminal_words.json."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import Any, cast

from dealtrace_engine.lead_to_cash.findings_words import Words


@lru_cache(maxsize=1)
def _parts() -> dict[str, dict[str, dict[str, str]]]:
    text = files(__package__).joinpath("terminal_words.json").read_text("utf-8")
    return cast(dict[str, dict[str, dict[str, str]]], json.loads(text))


class TerminalWords(Words):
    """What a language calls the parts of a report, beside how it writes figures."""

    def heading(self, name: str, **values: Any) -> str:
        """Return the title of a section.

        Examples
        --------
        >>> TerminalWords("de").heading("violated", count="2", rules="29")
        'Verletzt: 2 von 29 Regeln'
        """
        return self._word("headings", name).format(**values)

    def said(self, name: str, **values: Any) -> str:
        """Return a fixed sentence.

        Examples
        --------
        >>> TerminalWords("it").said("more", count="3")
        'e altri 3, vedi --json'
        """
        return self._word("said", name).format(**values)

    def column(self, name: str) -> str:
        """Return the title of a column: that of an attribute is its name.

        Examples
        --------
        >>> TerminalWords("fr").column("rule"), TerminalWords("fr").column("region")
        ('règle', 'region')
        """
        return self._word("columns", name) if name in _parts()["columns"] else name

    def severity(self, name: str) -> str:
        """Return how severe a rule is.

        Examples
        --------
        >>> TerminalWords("zh").severity("high")
        '高'
        """
        return self._word("severities", name)

    def unit(self, name: str) -> str:
        """Return a unit as it follows a figure, with the space between them if there is one.

        Examples
        --------
        >>> TerminalWords("en").unit("days"), TerminalWords("ja").unit("days")
        (' d', '日')
        """
        return self._word("units", name)

    def share(self, value: float) -> str:
        r"""Return a share as percent with a decimal.

        Examples
        --------
        >>> TerminalWords("en").share(0.125), TerminalWords("fr").share(0.125)
        ('12.5%', '12,5\xa0%')
        """
        return f"{self.number(100 * value, 1)}{self._figures['before_percent']}%"

    def _word(self, part: str, name: str) -> str:
        return _parts()[part][name][self.language]
