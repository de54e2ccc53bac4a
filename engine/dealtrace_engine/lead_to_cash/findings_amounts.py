"""Which amounts the findings are ranked by, and in which currency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dealtrace_engine.analyses.grouping import case_values
from dealtrace_engine.analyses.money import Amounts, amounts_of
from dealtrace_engine.attributes import is_number
from dealtrace_engine.log import EventLog
from dealtrace_engine.quality import Finding

VALUES = (
    "amount", "opportunity_value", "estimated_value", "estimatedvalue", "total_amount", "totalamount",
    "value",
)  # fmt: skip
WITHOUT = (
    f"without money, as no usable column is called {VALUES[0]!r}, {VALUES[-1]!r} or the like; "
    "name one with value="
)
BELOW_ZERO = "amount below zero"
"""What begins the reason of a note of `amounts_of`."""
CONVERTED = "amount_corporate"
"""What the readers of CRM exports call an amount in the organisation's own currency."""


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


def usual_amount(log: EventLog) -> tuple[str | None, list[Finding]]:
    """Return the first of the usual attributes with the amount of a case, and why others before it are not.

    Where there is none at all, the last note says what to do.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "1"], "activity": ["a", "b"], "time": ["2024-01-01"] * 2,
    ...                            "amount": [1.0, 2.0], "total_amount": [3.0, 3.0]}))
    >>> name, notes = usual_amount(log)
    >>> name, notes[0].reason
    ('total_amount', "no amount in 'amount', which varies within cases")
    """
    notes: list[Finding] = []
    for name in VALUES:
        if name not in log.attribute_names:
            continue
        attribute = log.attribute(name)
        kind = attribute.values.type
        has_numbers = is_number(kind)
        if has_numbers and attribute.level == "case":
            return name, notes
        why = "varies within cases" if has_numbers else "has no numbers"
        notes.append(_note(f"no amount in {name!r}, which {why}", log.cases))
    return None, [*notes, _note(WITHOUT, log.cases)]


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
    converted = _at_stake(log, CONVERTED, currency)
    if (own.known & ~converted.known).any():
        return plain
    corporate = _unchanged(own, converted)
    into = "" if corporate is None else f" into {corporate}"
    told = f"amounts of several currencies, as converted{into} in {CONVERTED!r}"
    notes += [*converted.findings, _note(told, int(converted.known.sum()))]
    one = replace(converted, currencies=(corporate,), of_case=np.zeros(log.cases, dtype=np.int32))
    return Ranked(one, notes, is_converted=True)


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


def _unchanged(own: Amounts, converted: Amounts) -> str | None:
    """Return the one currency whose amounts stay as they are when converted: that of the organisation."""
    told = own.known & converted.known & (own.units != 0)
    changed = told & (own.units != converted.units)
    count = len(own.currencies)
    amounts, changes = (np.bincount(own.of_case[marks], minlength=count) for marks in (told, changed))
    same: Sequence[int] = np.flatnonzero((amounts > 0) & (changes == 0)).tolist()
    return own.currencies[same[0]] if len(same) == 1 else None


def _note(reason: str, count: int) -> Finding:
    note = Finding(reason)
    note.add(count, [])
    return note
