"""Which amounts the findings are ranked by, and in which currency."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dealtrace_engine.analyses.grouping import case_values
from dealtrace_engine.analyses.money import CONVERTED, Amounts, amounts_of, usual_amount
from dealtrace_engine.log import EventLog
from dealtrace_engine.quality import Finding

BELOW_ZERO = "amount below zero"
"""What begins the reason of a note of `amounts_of`."""


@dataclass(frozen=True, eq=False)
class Ranked:
    """The amounts that findings are ranked by.

    Attributes
    ----------
    amounts : Amounts or None
    notes : list of Finding
        Amounts that are missing or odd, cannot be used, are left out, or were converted.
    is_converted : bool
        Whether they are in one currency into which others were converted; it is named where the log tells it.
    """

    amounts: Amounts | None
    notes: list[Finding]
    is_converted: bool = False


def ranked_amounts(log: EventLog, value: str | None, currency: str | None) -> Ranked:
    """Return the amounts: those named, else those in the corporate currency, else the first usual ones.

    Those below zero, of credit notes and corrections, are none that is at stake: they count as not known,
    and a note says how many they are. Where no amount is left, there are none.

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
        if currency is not None:
            case_values(log, currency)  # one that there is not is told
        return Ranked(None, notes)
    own = _at_stake(log, name, currency)
    if not own.known.any():
        return Ranked(None, [*notes, *own.findings])
    plain = Ranked(own, [*notes, *own.findings])
    if value is not None or currency is not None or len(own.currencies) == 1:
        return plain
    if CONVERTED not in log.attribute_names or log.attribute(CONVERTED).level != "case":
        return plain
    converted = _at_stake(log, CONVERTED, None)
    if (own.known & ~converted.known).any() or len(converted.currencies) > 1:
        return plain
    corporate = converted.currencies[0]
    into = "" if corporate is None else f" into {corporate}"
    told = f"amounts of several currencies, as converted{into} in {CONVERTED!r}"
    notes += [*converted.findings, _note(told, int(converted.known.sum()))]
    return Ranked(converted, notes, is_converted=True)


def _at_stake(log: EventLog, value: str, currency: str | None) -> Amounts:
    """Return the amounts, those below zero as not known."""
    found = amounts_of(log, value, currency)
    below = found.units < 0
    if not below.any():
        return found
    told = [one for one in found.findings if not one.reason.startswith(BELOW_ZERO)]
    note = _note(f"{BELOW_ZERO} in {value!r}, left out of the money at stake", int(below.sum()))
    return replace(found, units=np.where(below, 0, found.units), known=found.known & ~below,
                   findings=[*told, note])  # fmt: skip


def _note(reason: str, count: int) -> Finding:
    note = Finding(reason)
    note.add(count, [])
    return note
