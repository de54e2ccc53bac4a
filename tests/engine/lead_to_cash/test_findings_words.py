"""Findings in words: whole in every language, one and many, and nothing rounded away."""

from __future__ import annotations

import re

import numpy as np
import pytest

from dealtrace_engine.lead_to_cash.findings_context import Candidate
from dealtrace_engine.lead_to_cash.findings_words import Words, _words
from dealtrace_engine.sources.labels import LANGUAGES


def test_the_words_are_whole():
    words = _words()
    for part in ("kinds", "groups", "patterns", "compared", "units", "stakes", "without_money", "standout",
                 "attributes", "notes"):  # fmt: skip
        for sentences in words[part].values():
            assert tuple(sentences) == LANGUAGES
            fields = [set(re.findall(r"{(\w+)}", sentence)) for sentence in sentences.values()]
            assert all(set(re.findall(r"\[(\w+):", said)) <= fields[0] for said in sentences.values())
            assert not re.search(r" [:;»!?]|« ", sentences["fr"])  # these spaces break no line
            assert not re.search(r"\b(il|al|nel) {\w+_(share|percent)}|al {rate}", sentences["it"])
            assert all(own == fields[0] for own in fields), sentences["en"]


def test_figures_as_languages_write_them():
    told = [Words(language).money(-1234567.5, "EUR") for language in ("en", "de", "fr", "zh")]
    assert told == ["EUR -1,234,568", "-1.234.568\u00a0EUR", "-1\u202f234\u202f568\u00a0EUR",
                    "-1,234,568\u00a0EUR"]  # fmt: skip
    assert [Words("fr").days(value) for value in (0.123, 2.0, 1234.4)] == ["0,12", "2,0", "1\u202f234"]


ONE = {
    "en": ("1 case,", "The customer with", "1 late payment,", "1.0 days"),
    "de": ("1 Fall,", "Der Kunde mit", "1 verspätete Zahlung,", "1,0 Tage"),
    "fr": ("1 dossier,", "Le client qui retarde le", "1 paiement en", "1,0 jour "),
    "it": ("1 caso,", "Il cliente con", "1 pagamento in", "1,0 giorni"),
    "ja": ("1件", "1社", "1件", "1.0日"), "zh": ("1 个案例", "1 个客户", "1 笔", "1.0 天"),
}  # fmt: skip
MANY = {
    "en": ("2 cases,", "The 2 customers with", "2 late payments,", "1.9 days"),
    "de": ("2 Fälle,", "Die 2 Kunden mit", "2 verspätete Zahlungen,", "1,9 Tage"),
    "fr": ("2 dossiers,", "Les 2 clients qui retardent le", "2 paiements en", "1,9 jour "),
    "it": ("2 casi,", "I 2 clienti con", "2 pagamenti in", "1,9 giorni"),
    "ja": ("2件", "2社", "2件", "1.9日"), "zh": ("2 个案例", "2 个客户", "2 笔", "1.9 天"),
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("count", "days", "wanted"), [(1, 1.0, ONE), (2, 1.94, MANY)])
def test_one_and_many(language, count, days, wanted):
    cases = np.arange(count)
    rule = Candidate("broken_rule", "exposed", cases, cases * 1.0, None, {"rule_share": 0.5}, {"rule": "x"})
    late = {"customers": count, "payers": 30, "late_days": days, "delay_share": 0.2}
    payers = Candidate("late_customers", "capital", cases, cases * 1.0, None, late, {"customer": "y"})
    told = [Words(language).sentence(one, money=None, amount=0, currency=None, is_converted=False, rate=0.08)
            for one in (rule, payers)]  # fmt: skip
    for said, parts in ((told[0], wanted[language][:1]), (told[1], wanted[language][1:])):
        assert all(part in said for part in parts), said
        assert not re.search(r"[\[\]|]", said)


def test_nothing_is_rounded_away():
    words, cases = Words("en"), np.arange(1)
    late = {"slow_days": 0.5, "median_days": 0.002}
    names = {"source": "a", "target": "b"}
    step = Candidate("slow_step", "capital", cases, cases * 1.0, None, late, names)
    said = [words.sentence(step, money=money, amount=9.5, currency="EUR", is_converted=False, rate=0.08)
            for money in (0.04, 0.001, 0.0)]  # fmt: skip
    assert "where 0.0020 are usual. On EUR 9.50, the delay costs EUR 0.04 at 8%" in said[0]
    assert said[1] == said[2] == said[0].partition(" On")[0]
    assert (words.percent(0.04), words.percent(0.0), words.money(0, "EUR")) == ("0.04%", "0%", "EUR 0")
