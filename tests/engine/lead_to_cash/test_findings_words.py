"""Findings in words: whole in every language, one and many, and nothing rounded away."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow as pa
import pytest

from dealtrace_engine.lead_to_cash.findings_amounts import ranked_amounts
from dealtrace_engine.lead_to_cash.findings_causes import CAUSES
from dealtrace_engine.lead_to_cash.findings_context import Candidate
from dealtrace_engine.lead_to_cash.findings_delays import GROUPED_BY
from dealtrace_engine.lead_to_cash.findings_payers import PAYERS
from dealtrace_engine.lead_to_cash.findings_standouts import LOOKED_AT
from dealtrace_engine.lead_to_cash.findings_words import Words, _words
from dealtrace_engine.sources.labels import LANGUAGES
from dealtrace_engine.sources.memory import from_arrow


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


ODD = pa.table({
    "case": ["1", "1", "2", "3", "4"], "activity": ["a"] * 5, "time": ["2024-01-01"] * 5,
    "amount": [1.0, 2.0, 3.0, 4.0, 5.0], "total_amount": ["x"] * 5, "value": [-1.0, -1.0, None, 1e18, 2.0],
})  # fmt: skip
CONVERTED = pa.table({
    "case": ["1", "2", "3"], "activity": ["a"] * 3, "time": ["2024-01-01"] * 3, "amount": [1.0, 2.0, 3.0],
    "currency": ["EUR", "EUR", "JPY"],
})  # fmt: skip


@pytest.mark.parametrize(
    ("table", "count"),
    [
        (ODD, 5),
        (ODD.drop_columns(["value"]), 3),
        (CONVERTED.append_column("amount_corporate", pa.array([1.0, 2.0, 0.1])), 1),
        (CONVERTED.append_column("amount_corporate", pa.array([1.1, 2.2, 0.1])), 2),
        (ODD.select(["case", "activity", "time"]), 1),
    ],
)
def test_every_note_is_told_in_every_language(table, count):
    notes = ranked_amounts(from_arrow(table), None, None).notes
    assert len(notes) == count
    for note in notes:
        told = [Words(language).note(note.reason, 1234) for language in LANGUAGES]
        assert told[0] == f"{note.reason} (1,234 cases)"
        assert len(set(told)) == len(LANGUAGES)
        assert not [said for said in told[1:] if note.reason in said or re.search(r"[{}\[\]]|'", said)]
    assert Words("de").note("amount below zero in 'x', left out of the money at stake", 1) == (
        "Betrag unter null in „x“, in den Geldbeträgen nicht enthalten (1 Fall)"
    )
    assert Words("de").note("anything else", 2) == "anything else (2 Fälle)"


def test_attributes_that_findings_name_have_names():
    asked = (*GROUPED_BY, *CAUSES, *PAYERS, *LOOKED_AT)
    assert {name for names in asked for name in names} <= set(_words()["attributes"])


@pytest.mark.parametrize(
    ("language", "wanted"),
    [
        ("en", ("with region “North” and lead source “Web” are", "with sales rep “Ann”:")),
        ("de", ("mit Region „North“ und Lead-Quelle „Web“ gehen", "mit Vertriebsmitarbeiter „Ann“:")),
        ("fr", ("avec la région «\u00a0North\u00a0» et la source du lead «\u00a0Web\u00a0» sont",
                "avec le représentant commercial «\u00a0Ann\u00a0»")),
        ("it", ("con la regione «North» e la fonte del lead «Web»:",
                "con il rappresentante di vendita «Ann»:")),
        ("ja", ("地域が「North」かつリードソースが「Web」の案件", "営業担当者が「Ann」の案件")),
        ("zh", ("地区为“North”且线索来源为“Web”的商机", "销售代表为“Ann”的案例")),
    ],
)  # fmt: skip
def test_attributes_in_sentences(language, wanted):
    cases = np.arange(2)
    shares = {"own_share": 0.5, "others_share": 0.2, "standout_share": 0.5, "standout_others_share": 0.1}
    names = {"attribute": "region", "group": "North", "attribute_2": "lead_source", "group_2": "Web",
             "standout_attribute": "sales_rep", "standout_group": "Ann"}  # fmt: skip
    driver = Candidate("loss_driver", "missed", cases, cases * 1.0, None, shares, names)
    told = partial(
        Words(language).sentence, money=None, amount=0, currency=None, is_converted=False, rate=0.08
    )
    assert all(part in told(driver) for part in wanted)
    own = replace(driver, names=names | {"attribute": "our_own_x"})
    assert re.search(r"our_own_x ?[“„«が为]", told(own))


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
