"""Which amounts the findings are ranked by, and in which currency."""

from __future__ import annotations

from dataclasses import dataclass

from dealtrace_engine.analyses.money import CONVERTED, Amounts, amounts_of, usual_amount
from dealtrace_engine.log import EventLog
from dealtrace_engine.quality import Finding


@dataclass(frozen=True, eq=False)
class Ranked:
    """The amounts that findings are ranked by.

    Attributes
    ----------
    amounts : Amounts or None
    notes : list of Finding
        Amounts that are missing or odd, cannot be used, or were converted.
    is_converted : bool
        Whether they are in one currency into which others were converted; it is named where the log tells it.
    """

    amounts: Amounts | None
    notes: list[Finding]
    is_converted: bool = False


def ranked_amounts(log: EventLog, value: str | None, currency: str | None) -> Ranked:
    """Return the amounts: those named, else those in the corporate currency, else the first usual ones.

    Parameters
    ----------
    log : EventLog
    value, currency : str, optional
        See `findings`.

    Raises
    ------
    SchemaError
        See `amounts_of`.
    """
    name, notes = (value, list[Finding]()) if value is not None else usual_amount(log)
    if name is None:
        return Ranked(None, notes)
    own = amounts_of(log, name, currency)
    plain = Ranked(own, [*notes, *own.findings])
    if value is not None or currency is not None or len(own.currencies) == 1:
        return plain
    if CONVERTED not in log.attribute_names or log.attribute(CONVERTED).level != "case":
        return plain
    converted = amounts_of(log, CONVERTED)
    if (own.known & ~converted.known).any() or len(converted.currencies) > 1:
        return plain
    corporate = converted.currencies[0]
    into = "" if corporate is None else f" into {corporate}"
    told = f"amounts of several currencies, as converted{into} in {CONVERTED!r}"
    notes += [*converted.findings, _note(told, int(converted.known.sum()))]
    return Ranked(converted, notes, is_converted=True)


def _note(reason: str, count: int) -> Finding:
    note = Finding(reason)
    note.add(count, [])
    return note
