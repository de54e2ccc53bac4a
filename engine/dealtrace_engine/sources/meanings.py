"""What a name of an activity means: its canonical id, found by exact comparison only, never guessed.

The order of LABELS: the name as it is shown, in its normal form; then an alias (another published form, or
either half of a label with a slash); then, where it is the value of a field, what that field's value says;
else nothing is known of it. A name that could mean several things says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from dealtrace_engine.errors import SchemaError
from dealtrace_engine.schema import nearest
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.names import normal
from dealtrace_engine.sources.crm.statuses import meanings
from dealtrace_engine.sources.labels import LANGUAGES, activity_forms, activity_ids

AMBIGUOUS = {"Angebot erstellt": ("quote_issued", "quote_created")}
"""Names that mean one thing in published guides and another by their words; the first is the default."""
HALVES = {
    "报价/建议书发布": ("报价发布", "建议书发布"),
    "見積/提案発行済み": ("見積発行済み", "提案発行済み"),
}
"""Labels with a slash whose halves no blank shows."""
FAMILIES = {"opportunity": "stage", "salesorder": "order"}
"""Objects whose statuses go by another name."""
OF_STATUS = {
    "lead.qualified": "lead_qualified", "lead.disqualified": "lead_disqualified",
    "quote.issued": "quote_issued", "quote.accepted": "quote_accepted", "quote.rejected": "quote_rejected",
    "contract.in_approval": "contract_sent_for_approval", "contract.activated": "contract_signed",
    "order.activated": "order_activated", "order.fulfilled": "order_fulfilled",
    "order.canceled": "order_canceled", "order.closed": "order_closed", "invoice.sent": "invoice_sent",
    "invoice.canceled": "invoice_canceled", "invoice.rebilled": "invoice_rebilled",
    "invoice.paid": "payment_received", "stage.won": "opportunity_won", "stage.lost": "opportunity_lost",
    "stage.solution_proposed": "solution_proposed",
}  # fmt: skip
"""What has happened when a record gets a status."""
OF_CLOSED_QUOTE = {"stage.won": "quote_accepted", "stage.lost": "quote_rejected"}


@dataclass(frozen=True)
class Meaning:
    """What a name means.

    Attributes
    ----------
    activity : str or None
        Canonical id; None where nothing is known.
    how : {"given", "id", "label", "alias", "status", "unmapped"}
        What told it.
    others : tuple of str
        Further ids that it could mean as well; it is ambiguous where there are any.
    """

    activity: str | None
    how: str
    others: tuple[str, ...] = ()

    @property
    def ambiguous(self) -> bool:
        """Whether it could mean something else as well."""
        return bool(self.others)


UNMAPPED = Meaning(None, "unmapped")


def activity_of_label(
    text: str, language: str | None = None, *, field: str | None = None,
    labels: Mapping[str, str] | None = None,
) -> Meaning:  # fmt: skip
    """Return what a name of an activity means.

    Parameters
    ----------
    text : str
        The name, as some log has it.
    language : {"en", "de", "fr", "it", "ja", "zh"}, optional
        All of them by default. English names count in every language, as guides mix them in.
    field : str, optional
        ``"Quote.Status"`` where the name is that field's value: "won" is another thing for a quote than for
        an opportunity.
    labels : mapping of str to str, optional
        What names mean here, before anything else; they settle ambiguous ones.

    Raises
    ------
    SchemaError
        There is no such language, or `labels` names no activity.

    Examples
    --------
    >>> activity_of_label("  「契約締結済み」 ").activity, activity_of_label("Service Delivered").activity
    ('contract_signed', 'order_fulfilled')
    >>> activity_of_label("Angebot erstellt")
    Meaning(activity='quote_issued', how='alias', others=('quote_created',))
    >>> activity_of_label("Won").activity, activity_of_label("Won", field="Opportunity.StageName").activity
    (None, 'opportunity_won')
    """
    if language is not None and language not in LANGUAGES:
        raise SchemaError("there are no labels in this language", value=language,
                          hint=f"choose from {', '.join(LANGUAGES)}")  # fmt: skip
    given = _given(labels) if labels else {}
    if given and (name := normal(text)) in given:
        return Meaning(given[name], "given")
    return _meaning(text, language, field)


@lru_cache(maxsize=1 << 14)
def _meaning(text: str, language: str | None, field: str | None) -> Meaning:
    if text.strip() in activity_ids():
        return Meaning(text.strip(), "id")
    name = normal(text)
    return _known(language).get(name) or _of_status(name, field)


def _given(labels: Mapping[str, str]) -> dict[str, str]:
    for label, activity in labels.items():
        if activity not in activity_ids():
            raise SchemaError(f"the label {label!r} means no activity", value=activity,
                              hint=nearest(activity_ids(), activity, "activities"))  # fmt: skip
    return {normal(label): activity for label, activity in labels.items()}


@lru_cache(maxsize=len(LANGUAGES) + 1)
def _known(language: str | None) -> dict[str, Meaning]:
    """Return every name in its normal form with what it means."""
    languages = LANGUAGES if language is None else dict.fromkeys(("en", language))
    found: dict[str, dict[str, str]] = {}
    for how, form, activity in _forms(languages):
        found.setdefault(normal(form), {}).setdefault(activity, how)
    known = {}
    for name, activities in found.items():
        (first, how), *others = activities.items()
        known[name] = Meaning(first, how, tuple(activity for activity, _ in others))
    settled = {normal(label): activities for label, activities in AMBIGUOUS.items()}
    for name, (activity, *rest) in settled.items():
        if name in known:
            known[name] = Meaning(activity, known[name].how, tuple(rest))
    return known


def _forms(languages: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Yield how, form and activity: first what is shown, then aliases, then halves."""
    every = [
        (activity, activity_forms(activity, language))
        for language in languages
        for activity in activity_ids()
    ]
    yield from (("label", forms[0], activity) for activity, forms in every)
    yield from (("alias", form, activity) for activity, forms in every for form in forms[1:])
    yield from (("alias", half, activity) for activity, forms in every for f in forms for half in halves(f))


def halves(label: str) -> tuple[str, ...]:
    """Return the two names of a label with a slash; nothing for others.

    Examples
    --------
    >>> halves("Quote/Proposal Issued"), halves("Order Fulfilled/Service Delivered"), halves("Order Closed")
    (('Quote Issued', 'Proposal Issued'), ('Order Fulfilled', 'Service Delivered'), ())
    """
    if label in HALVES:
        return HALVES[label]
    left, slash, right = label.partition("/")
    if not slash:
        return ()
    _, *rest = right.split(" ")
    return (left if " " in left or not rest else " ".join([left, *rest])), right


def _of_status(name: str, field: str | None) -> Meaning:
    """Return what the value of a field says, by the default status sets."""
    if field is None:
        return UNMAPPED
    record = field.partition(".")[0].lower()
    family = FAMILIES.get(record, record)
    found = [OF_STATUS[key] for key, _ in meanings(name, family, CrmMapping()) if key in OF_STATUS]
    if family == "quote" and not found:  # Dynamics closes a quote as an opportunity: won or lost
        stages = (key for key, _ in meanings(name, "stage", CrmMapping()))
        found = [OF_CLOSED_QUOTE[key] for key in stages if key in OF_CLOSED_QUOTE]
    return Meaning(found[0], "status", tuple(found[1:])) if found else UNMAPPED
