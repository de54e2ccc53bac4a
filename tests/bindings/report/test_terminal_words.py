"""The fixed words of the terminal are there in every language, with the same figures in them."""

from __future__ import annotations

import re

import pytest

from dealtrace.report.terminal_words import TerminalWords, _parts
from dealtrace_engine.errors import SchemaError
from dealtrace_engine.models.rules import SEVERITIES
from dealtrace_engine.sources.labels import LANGUAGES


def test_the_words_are_whole():
    for entries in _parts().values():
        for told in entries.values():
            assert tuple(told) == LANGUAGES
            fields = [set(re.findall(r"{(\w+)}", text)) for text in told.values()]
            assert all(own == fields[0] for own in fields), told["en"]
            assert not re.search(r" [:;»!?]|« ", told["fr"])  # these spaces break no line
            assert not any(re.search("[:(),]", told[language]) for language in ("ja", "zh"))
    assert set(_parts()["severities"]) == set(SEVERITIES)


def test_another_language_is_refused():
    with pytest.raises(SchemaError, match="no words in this language"):
        TerminalWords("es")
