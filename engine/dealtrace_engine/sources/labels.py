"""Names of the canonical activities in six languages.

`labels.json` holds, per activity id, the English name and for every other language the forms found in
published lead-to-cash guides (``attested``) and, where those have none of their own, ours (``proposed``). The
first form is shown, one that is the English name only where there is no other; all of them mean the id. So do
the words of the id in English: "Opportunity Won".
"""

from __future__ import annotations

import difflib
import json
from functools import lru_cache
from importlib.resources import files
from typing import cast

from dealtrace_engine.errors import SchemaError

LANGUAGES = ("en", "de", "fr", "it", "ja", "zh")


@lru_cache(maxsize=1)
def activity_ids() -> tuple[str, ...]:
    """Return the ids of the canonical activities.

    Examples
    --------
    >>> activity_ids()[:2]
    ('lead_captured', 'lead_qualified')
    """
    return tuple(_table())


def activity_label(activity_id: str, language: str = "en") -> str:
    """Return the name by which an activity is shown.

    Parameters
    ----------
    activity_id : str
        Canonical id, such as ``"quote_accepted"``.
    language : {"en", "de", "fr", "it", "ja", "zh"}

    Raises
    ------
    SchemaError
        There is no such activity or language.

    Examples
    --------
    >>> activity_label("quote_accepted")
    'Quote Accepted'
    >>> activity_label("quote_accepted", "fr")
    'Devis accepté'
    """
    return activity_forms(activity_id, language)[0]


@lru_cache(maxsize=512)
def activity_forms(activity_id: str, language: str = "en") -> tuple[str, ...]:
    """Return every name of an activity in a language, the one that is shown first.

    Raises
    ------
    SchemaError
        There is no such activity or language.

    Examples
    --------
    >>> activity_forms("contract_signed", "zh"), activity_forms("opportunity_won")
    (('合同已签署', '合同签署'), ('Opportunity Closed Won', 'Opportunity Won'))
    >>> activity_label("order_fulfilled", "de")
    'Bestellung erfüllt/Leistung erbracht'
    """
    if language not in LANGUAGES:
        raise SchemaError(
            "there are no labels in this language", value=language, hint=f"choose from {', '.join(LANGUAGES)}"
        )
    if activity_id not in _table():
        near = difflib.get_close_matches(str(activity_id), activity_ids(), n=3)
        raise SchemaError(
            "there is no such canonical activity", value=activity_id,
            hint=f"nearest: {', '.join(near)}" if near else "activity_ids() lists them",
        )  # fmt: skip
    if language == "en":
        shown, words = cast(str, _table()[activity_id]["en"]), activity_id.replace("_", " ")
        return (shown,) if shown.lower() == words else (shown, words.title())
    forms = cast(dict[str, list[str]], _table()[activity_id][language])
    every = (*forms["attested"], *forms["proposed"])
    return tuple(sorted(every, key=lambda form: form == _table()[activity_id]["en"]))


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, str | dict[str, list[str]]]]:
    text = files(__package__).joinpath("labels.json").read_text("utf-8")
    return cast(dict[str, dict[str, str | dict[str, list[str]]]], json.loads(text))
