"""The label table is complete, unambiguous and refuses what it does not know."""

from __future__ import annotations

import doctest

import pytest

from dealtrace_engine.errors import SchemaError
from dealtrace_engine.sources import labels
from dealtrace_engine.sources.labels import LANGUAGES, activity_forms, activity_ids, activity_label


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_activity_has_a_label_of_its_own(language: str):
    shown = [activity_label(activity, language) for activity in activity_ids()]
    assert all(label and label == label.strip() for label in shown)
    assert len(set(shown)) == len(shown)
    english = map(activity_label, activity_ids())
    assert language == "en" or not [label for label, own in zip(english, shown, strict=True) if label == own]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_form_means_two_activities(language: str):
    meaning: dict[str, str] = {}
    for activity in activity_ids():
        for form in activity_forms(activity, language):
            assert meaning.setdefault(form.casefold(), activity) == activity


def test_ids_are_plain_words():
    assert all(activity.isascii() and activity.replace("_", "").islower() for activity in activity_ids())


def test_unknown_activity_names_the_nearest():
    with pytest.raises(SchemaError, match=r"'quote_acepted': .*nearest: quote_accepted"):
        activity_label("quote_acepted")


def test_unknown_language_names_the_languages():
    with pytest.raises(SchemaError, match=r"'es': .*choose from en, de, fr, it, ja, zh"):
        activity_label("quote_accepted", "es")


def test_examples():
    assert doctest.testmod(labels).failed == 0
