"""Names of activities in six languages: normal forms compared exactly, ambiguous ones told, none guessed."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dealtrace_engine.errors import SchemaError
from dealtrace_engine.filters import where
from dealtrace_engine.sources.canonical import canonical_activities
from dealtrace_engine.sources.labels import LANGUAGES, activity_forms, activity_ids, activity_label
from dealtrace_engine.sources.meanings import AMBIGUOUS, Meaning, activity_of_label, halves
from dealtrace_engine.sources.memory import from_arrow

FORMS = [(language, activity, form) for language in LANGUAGES for activity in activity_ids()
         for form in activity_forms(activity, language)]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_published_form_means_its_activity_in_its_language_and_without_one(language):
    for of, activity, form in FORMS:
        if of == language:
            for asked in (language, None):
                found = activity_of_label(form, asked)
                assert found.activity == activity, form
                assert found.ambiguous == (form in AMBIGUOUS), form


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_shown_name_is_a_label_and_the_others_are_aliases(language):
    for activity in activity_ids():
        shown, *aliases = activity_forms(activity, language)
        assert activity_of_label(shown, language).how == "label"
        for form in aliases:
            if form.lower() != shown.lower() and form != activity_label(activity):
                assert activity_of_label(form, language).how == "alias", form


@pytest.mark.parametrize(
    ("text", "activity"),
    [
        ("  QUOTE   accepted ", "quote_accepted"),
        ("Devis\u00a0accept\u00e9", "quote_accepted"),
        ("Devis\u202faccepte\u0301", "quote_accepted"),
        ("«Étape d’opportunité modifiée»", "opportunity_stage_changed"),
        ("Étape d'opportunité modifiée", "opportunity_stage_changed"),
        ("「契約・締結」", "contract_signed"),
        ("Ｐａｙｍｅｎｔ　Ｒｅｃｅｉｖｅｄ", "payment_received"),
        ("Quote Issued", "quote_issued"),
        ("Proposal Issued", "quote_issued"),
        ("service delivered", "order_fulfilled"),
        ("Servizio Consegnato", "order_fulfilled"),
        ("建议书发布", "quote_issued"),
        ("サービス提供済み", "order_fulfilled"),
        ("quote_accepted", "quote_accepted"),
        ("Opportunity Won", "opportunity_won"),
        ("Opportunity Lost", "opportunity_lost"),
        ("invoice sent", "invoice_sent"),
    ],
)
def test_writing_does_not_matter(text, activity):
    assert activity_of_label(text).activity == activity


@pytest.mark.parametrize(
    "text",
    ["", "Won", "Quote", "Quote accept", "Quote Acceptedd", "报价已", "Angebot", "quote-accepted", "报价"],
)
def test_nothing_is_guessed(text):
    assert activity_of_label(text) == Meaning(None, "unmapped")


def test_angebot_erstellt_is_told_and_can_be_settled():
    found = activity_of_label("Angebot erstellt", "de")
    assert (found.activity, found.others) == ("quote_issued", ("quote_created",))
    given = activity_of_label("angebot  ERSTELLT", labels={"Angebot erstellt": "quote_created"})
    assert given == Meaning("quote_created", "given")


def test_a_language_knows_its_own_names_and_english_ones_only():
    assert activity_of_label("Contratto Firmato", "de").activity is None
    assert activity_of_label("Contract Signed", "de").activity == "contract_signed"
    assert activity_of_label("Contratto Firmato", "it").activity == "contract_signed"


@pytest.mark.parametrize(
    ("field", "value", "activity"),
    [
        ("Opportunity.StageName", "Gewonnen", "opportunity_won"), ("Account.Type", "Won", None),
        ("quote.status", "受理済み", "quote_accepted"), ("Contract.Status", "Activated", "contract_signed"),
        ("Order.Status", "Activated", "order_activated"), ("Invoice.Status", "Paid", "payment_received"),
        ("salesorder.statuscode", "Shipped", "order_fulfilled"), (None, "Activated", None),
        ("quote.statecode", "Won", "quote_accepted"), ("quote.statuscode", "Perdu", "quote_rejected"),
    ],
)  # fmt: skip
def test_a_value_means_what_its_field_says(field, value, activity):
    assert activity_of_label(value, field=field).activity == activity


def test_what_cannot_be_asked():
    with pytest.raises(SchemaError, match="choose from en, de"):
        activity_of_label("x", "es")
    with pytest.raises(SchemaError, match="nearest: 'quote_created'"):
        activity_of_label("x", labels={"x": "quote_creatd"})


def test_halves_of_labels_with_a_slash():
    assert halves("Angebot/Vorschlag erstellt") == ("Angebot erstellt", "Vorschlag erstellt")
    assert halves("見積/提案発行済み") == ("見積発行済み", "提案発行済み")
    for language, _, form in FORMS:
        assert bool(halves(form)) == ("/" in form), (language, form)


TABLE = pa.table(
    {
        "case": ["1", "1", "1", "1", "2", "2"],
        "activity": [
            "リード作成",
            "Lead erstellt",
            "Kaffeepause",
            "Angebot erstellt",
            "Lead Creato",
            "Kaffeepause",
        ],
        "time": ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-01", "2024-01-05"],
        "region": ["DACH"] * 4 + ["Italia"] * 2,
    }
)  # fmt: skip


def test_a_log_with_canonical_activities():
    log = from_arrow(TABLE)
    found = canonical_activities(log)
    assert found.log.activities.to_pylist() == ["Kaffeepause", "lead_captured", "quote_issued"]
    assert found.log.to_arrow()["activity"].to_pylist() == [
        "lead_captured", "lead_captured", "Kaffeepause", "quote_issued", "lead_captured", "Kaffeepause",
    ]  # fmt: skip
    assert found.unmapped == {"Kaffeepause": 2}
    assert found.ambiguous == {"Angebot erstellt": ("quote_issued", "quote_created")}
    assert found.log.attribute("region").level == "case"
    notes = "\n".join(found.log.quality.notes)
    assert "4 of 5 names are canonical" in notes
    assert "unknown activities: 'Kaffeepause' 2" in notes
    assert "'Angebot erstellt' (1) is taken for quote_issued, could be quote_created" in notes
    assert log.activities.to_pylist() != found.log.activities.to_pylist()


def test_shown_in_another_language_and_settled():
    found = canonical_activities(from_arrow(TABLE), show="fr", labels={"Angebot erstellt": "quote_created"})
    assert found.log.activities.to_pylist() == ["Devis créé", "Kaffeepause", "Lead capturé"]
    assert found.ambiguous == {}
    assert found.log.fingerprint != from_arrow(TABLE).fingerprint


def test_a_filtered_log():
    log = from_arrow(TABLE).filter(where.case("region") == "Italia")
    assert canonical_activities(log).log.activities.to_pylist() == ["Kaffeepause", "lead_captured"]
    assert canonical_activities(log).log.cases == 1
    assert canonical_activities(log).log.attribute("region").values.to_pylist() == ["Italia"]


def test_names_alone():
    assert canonical_activities({"Order Closed": 7, "x": 2}).unmapped == {"x": 2}
    assert canonical_activities(["x", "x"]).counts == {"x": 2}
    assert canonical_activities([]).log is None
