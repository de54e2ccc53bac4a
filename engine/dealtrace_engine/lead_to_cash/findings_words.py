"""Findings as sentences in six languages; the words are in findings.json."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, cast

from dealtrace_engine.errors import SchemaError
from dealtrace_engine.lead_to_cash.findings_context import ACTIVITY, Candidate, shown_activity
from dealtrace_engine.models.rule_file import ready_rules
from dealtrace_engine.sources.labels import LANGUAGES

RULE = "rule:"
LEAST = 0.005
"""Money below it is not told: it would be rounded away."""
NAMED_ATTRIBUTES = {"attribute", "attribute_2", "standout_attribute"}
"""Names of a candidate that are those of attributes."""
_FIELD = re.compile(r"\\{(\w+)\\}")
_FORMS = re.compile(r"\[(\w+):([^|\]]*)\|([^\]]*)\]")


def _decimals(value: float) -> int:
    """Return how many decimals tell a number below a half."""
    return 2 if value >= 0.005 else 4 if value >= 0.00005 else 0


@lru_cache(maxsize=1)
def _words() -> dict[str, Any]:
    text = files(__package__).joinpath("findings.json").read_text("utf-8")
    return cast(dict[str, Any], json.loads(text))


@dataclass(frozen=True)
class Words:
    """How a language writes figures and findings.

    Attributes
    ----------
    language : {"en", "de", "fr", "it", "ja", "zh"}

    Raises
    ------
    SchemaError
        There are no words in this language.
    """

    language: str

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise SchemaError("there are no words in this language", value=self.language,
                              hint=f"choose from {', '.join(LANGUAGES)}")  # fmt: skip

    @property
    def _figures(self) -> dict[str, str]:
        return cast(dict[str, str], _words()["figures"][self.language])

    def number(self, value: float, decimals: int = 0) -> str:
        """Return a number as the language writes it.

        Examples
        --------
        >>> Words("en").number(1234.56, 1), Words("de").number(1234.56, 1), Words("it").number(0.26, 1)
        ('1,234.6', '1.234,6', '0,3')
        """
        signs = {",": self._figures["thousands"], ".": self._figures["decimal"]}
        return "".join(signs.get(sign, sign) for sign in f"{value:,.{decimals}f}")

    def days(self, value: float) -> str:
        """Return days with a decimal, without one from 100 on, with more below a half.

        Examples
        --------
        >>> words = Words("en")
        >>> words.days(123.4), words.days(1.24), words.days(0.25), words.days(0.002), words.days(0.0)
        ('123', '1.2', '0.25', '0.0020', '0')
        """
        return self.number(value, 0 if value >= 100 else 1 if value >= 0.5 else _decimals(value))

    def percent(self, value: float) -> str:
        r"""Return percent; a decimal where it is not whole or below ten, more below 0.1.

        Examples
        --------
        >>> Words("en").percent(20.0), Words("de").percent(3.14)
        ('20%', '3,1\xa0%')
        """
        decimals = 0 if value == round(value) or abs(value) >= 10 else 1 if value >= 0.1 else _decimals(value)
        return f"{self.number(value, decimals)}{self._figures['before_percent']}%"

    def money(self, value: float, currency: str | None, is_converted: bool = False) -> str:
        r"""Return an amount in whole units of its currency, which is named where it is known.

        Below ten, it has two decimals unless it is whole. One that was converted into a currency that is not
        known says so.

        Examples
        --------
        >>> Words("en").money(1234567.8, "EUR"), Words("de").money(1234567.8, "EUR")
        ('EUR 1,234,568', '1.234.568\xa0EUR')
        """
        amount = self.number(value, 0 if abs(value) >= 10 or value == round(value) else 2)
        if currency is None:
            return f"{amount}{self._figures['converted']}" if is_converted else amount
        before = self._figures["currency"] == "before"
        return f"{currency} {amount}" if before else f"{amount}\u00a0{currency}"

    def sentence(
        self, candidate: Candidate, *, money: float | None, amount: float, currency: str | None,
        is_converted: bool, rate: float,
    ) -> str:  # fmt: skip
        """Return what was found, what a day is where it is of work, and what is at stake where that is known.

        Parameters
        ----------
        candidate : Candidate
        money : float or None
            At stake.
        amount : float
            Of the cases.
        currency : str or None
        is_converted : bool
            Whether amounts of several currencies were converted into one.
        rate : float
            Part of an amount that its delay by a year costs.
        """
        numbers = {name: self._told(name, value) for name, value in candidate.numbers.items()}
        names = {name: self.name(value) for name, value in candidate.names.items()}
        for name in NAMED_ATTRIBUTES & names.keys():
            names[name] = self.attribute(names[name])
        if "group" in names:
            pair = "two" if "group_2" in names else "one"
            names["groups"] = self._template("groups", pair).format(**names)
        if "pattern" in names:
            kind = candidate.names["pattern"]
            for name, part in (("pattern", "patterns"), ("compared", "compared")):
                names[name] = self._template(part, kind).format(**names)
        counted = {**candidate.numbers, "cases": len(candidate.cases)}
        said = self._counted(self._template("kinds", candidate.kind), counted).format(
            cases=self.number(counted["cases"]), **numbers, **names
        )  # fmt: skip
        parts = [said]
        if "standout_group" in names:
            one = {"attribute": names["standout_attribute"], "group": names["standout_group"]}
            groups = self._template("groups", "one").format(**one)
            parts.append(self._template("standout", "group").format(groups=groups, **numbers))
        if "day_hours" in numbers:
            parts.append(self._template("units", "working_days").format(**numbers))
        if money is not None and money >= LEAST:
            parts.append(self._template("stakes", candidate.basis).format(
                money=self.money(money, currency, is_converted),
                amount=self.money(amount, currency, is_converted), rate=self.percent(100 * rate),
            ))  # fmt: skip
        elif candidate.basis in _words()["without_money"]:
            parts.append(self._template("without_money", candidate.basis))
        return ("" if self.language in ("ja", "zh") else " ").join(parts)

    def attribute(self, name: str) -> str:
        """Return what an attribute is called in a sentence: by its own name, if it is not a usual one.

        Examples
        --------
        >>> Words("de").attribute("lead_source"), Words("fr").attribute("region"), Words("it").attribute("x")
        ('Lead-Quelle', 'la région', 'x')
        """
        called = cast(Mapping[str, str], _words()["attributes"].get(name.lower(), {}))
        return called.get(self.language, name)

    def note(self, reason: str, cases: int) -> str:
        """Return a note on amounts in the language, with the number of its cases; one not known as it is.

        Parameters
        ----------
        reason : str
            As findings have it, in English.
        cases : int

        Examples
        --------
        >>> Words("de").note("no amount in 'amount'", 1), Words("en").note("anything", 1200)
        ('kein Betrag in „amount“ (1 Fall)', 'anything (1,200 cases)')
        """
        said = reason
        for key, words in _words()["notes"].items():
            form = _FIELD.sub(r"(?P<\1>.+)", re.escape(words["en"])).replace("'", "['\"]")
            found = re.fullmatch(form, reason)
            if found is not None:
                said = self._template("notes", key).format(**found.groupdict())
        told = self._template("units", "cases").format(reason=said, cases=self.number(cases))
        return self._counted(told, {"cases": cases})

    def _counted(self, template: str, numbers: Mapping[str, float]) -> str:
        """Write ``[name:one|many]`` as the number asks for; in French, less than two is one."""

        def form(found: re.Match[str]) -> str:
            number = numbers[found[1]]
            is_one = round(number, 1) < 2 if self.language == "fr" else number == 1
            return found[2] if is_one else found[3]

        return _FORMS.sub(form, template)

    def name(self, value: str) -> str:
        """Return a name as it is, that of an activity or a ready rule in the language."""
        if value.startswith(ACTIVITY):
            return shown_activity(value.removeprefix(ACTIVITY), self.language)
        if value.startswith(RULE):
            return ready_rules()[value.removeprefix(RULE)].name_in(self.language)
        return value

    def _template(self, part: str, key: str) -> str:
        sentences = cast(Mapping[str, Mapping[str, str]], _words()[part])
        if key not in sentences:
            raise SchemaError(f"findings.json has no {part} {key!r}", hint="add its sentences")
        return sentences[key][self.language]

    def _told(self, name: str, value: float) -> str:
        if name.endswith("_days"):
            return self.days(value)
        if name.endswith("_percent"):
            return self.percent(value)
        return self.percent(100 * value) if name.endswith("_share") else self.number(value)
