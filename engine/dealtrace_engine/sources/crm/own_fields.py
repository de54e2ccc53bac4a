"""Fields that an organisation added to its CRM: how far they are filled, and what they might be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dealtrace_engine.sources.crm.custom import with_custom
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.names import normal
from dealtrace_engine.sources.crm.tables import CrmTables, RawExport

GUESSES = {
    "loss_reason": ("loss", "lost", "verlust", "perte", "perdita", "失注", "丢单"),
    "competitor": ("competitor", "wettbewerb", "mitbewerber", "concurrent", "concorrente", "競合", "竞争"),
    "region": ("region", "territory", "gebiet", "regione", "région", "地域", "地区"),
    "segment": ("segment", "tier", "kundensegment"),
    "product_category": ("productcategory", "productfamily", "productline", "produktkategorie"),
    "payment_terms": ("paymentterm", "zahlungsbedingung", "paiement", "pagamento"),
    "contract_terms": ("contractterm", "vertragslaufzeit"),
}  # fmt: skip
"""Attribute of the case to what a name has in it that may be it."""
_SALESFORCE = re.compile(r"(?:\w+__)?\w+__c")
_DYNAMICS = re.compile(r"(?!msdyn_|msa_|adx_|address\d|yomi|cdm_)[a-z][a-z0-9]{1,7}_[a-z0-9_]+")


@dataclass(frozen=True)
class OwnField:
    """A column that is in no catalogue.

    Attributes
    ----------
    name : str
        ``"Object.Column"``.
    rows, filled, distinct : int
        Rows of the object, those with a value, and different values.
    example : str or None
        The most frequent value.
    guess : str or None
        The attribute of the case that it might be, by its name.
    """

    name: str
    rows: int
    filled: int
    distinct: int
    example: str | None
    guess: str | None

    @property
    def attribute(self) -> str:
        """What it could be called: the guess, else its own name in small letters."""
        plain = re.sub(r"__c$|^[a-z0-9]+_(?=.)", "", self.name.partition(".")[2])
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain)
        return self.guess or re.sub(r"\W+|__+", "_", words).strip("_").lower()


def is_own(column: str, system: str) -> bool:
    """Return whether a column is one that an organisation added, by its name.

    Examples
    --------
    >>> is_own("Loss_Reason__c", "salesforce"), is_own("new_region", "dynamics"), is_own("Name", "salesforce")
    (True, True, False)
    """
    return bool((_SALESFORCE if system == "salesforce" else _DYNAMICS).fullmatch(column))


def guess(column: str) -> str | None:
    """Return the attribute of the case that a column might be, by its name.

    Examples
    --------
    >>> guess("Main_Competitor__c"), guess("new_lossreason"), guess("Color__c")
    ('competitor', 'loss_reason', None)
    """
    plain = re.sub(r"[\W_]", "", normal(column))
    return next((what for what, words in GUESSES.items() if any(word in plain for word in words)), None)


def named_fields(raw: RawExport, objects: Sequence[str]) -> dict[str, str]:
    """Return the own fields of objects, as `CrmMapping.fields` would name them to have them read."""
    found = (
        f"{name}.{column}"
        for name in objects
        for column in raw.other_columns.get(name, ())
        if is_own(column, raw.system)
    )
    return {field: f"own_{place}" for place, field in enumerate(found)}


def own_fields(raw: RawExport, fields: Mapping[str, str]) -> Iterator[OwnField]:
    """Yield the fields that have values, the most filled first.

    Parameters
    ----------
    raw : RawExport
        Read with a mapping that names them.
    fields : mapping of str to str
        As `named_fields` gives them.
    """
    mapping = CrmMapping(fields=fields)
    tables = CrmTables(replace(raw, findings=[]), with_custom({}, mapping))
    found = [_counted(tables, field) for field in fields]
    yield from sorted(
        (field for field in found if field.filled), key=lambda field: -field.filled / field.rows
    )


def _counted(tables: CrmTables, field: str) -> OwnField:
    import polars as pl

    name, _, column = field.partition(".")
    if not tables.has(name, column):
        return OwnField(field, 0, 0, 0, None, None)
    values = tables.table(name).select(column).collect()[column].drop_nulls()
    most = values.value_counts().sort("count", column, descending=[True, False]).head(1)
    example = None if most.is_empty() else str(most[column][0])
    rows = int(tables.table(name).select(pl.len()).collect().item())
    return OwnField(field, rows, values.len(), values.n_unique(), example, guess(column))
