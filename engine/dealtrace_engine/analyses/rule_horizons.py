"""What rules cannot tell of old cases: events before the log can tell their activity are not there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.horizons import known_since
from dealtrace_engine.analyses.milestones import NEVER
from dealtrace_engine.analyses.rule_program import Program
from dealtrace_engine.models.rules import Rule
from dealtrace_engine.quality import Finding

ANYWHERE = {
    "COUNT": "A", "INIT": "A", "NOT_OVERDUE": "A", "RESPONDED_EXISTENCE": "B", "CO_EXISTENCE": "AB",
    "EXCLUSIVE_CHOICE": "AB", "CHOICE": "AB", "ON_TIME": "A", "NO_SKIP": "A",
}  # fmt: skip
"""Of templates whose cases lack something, on which of their sides it is."""
AHEAD, BACK = ("RESPONSE", "SUCCESSION"), ("PRECEDENCE", "SUCCESSION")
"""How templates end whose A ask for a B after them, and whose B for an A before them."""
FORBIDS = {
    "COUNT": "A", "NOT_CO_EXISTENCE": "AB", "NOT_SUCCESSION": "B", "NOT_CHAIN_SUCCESSION": "B",
    "EXCLUSIVE_CHOICE": "AB", "FOUR_EYES": "AB", "SAME_PERSON": "AB", "NEVER_FALLS": "A", "NO_SKIP": "A",
}  # fmt: skip
"""Of templates that one more event can break, on which of their sides it is."""


@dataclass(frozen=True, eq=False)
class Ages:
    """Which cases are too old to tell that they keep rules that forbid something.

    Attributes
    ----------
    codes : ndarray of int32, shape (cases,)
        How many of the instants, from which on rules can be told, have passed when a case begins.
    places : ndarray of int64, shape (applied rules,)
        Cases with a lower code are too old for the rule.
    count : int
        How many codes there are: 1 where all cases can be told.
    """

    codes: NDArray[np.int32]
    places: NDArray[np.int64]
    count: int


def ages_of(program: Program) -> Ages | None:
    """Return which cases are too old for rules that forbid something; None for a log without horizons.

    Parameters
    ----------
    program : Program
    """
    coverage = program.log.origin.coverage
    if coverage is None or not coverage.horizons:
        return None
    rules = [program.rules.rules[place] for place in program.applied]
    known = np.array([_forbidden_since(program, rule) for rule in rules], dtype=np.int64)
    instants = np.unique(known[known != NEVER])
    codes = np.searchsorted(instants, program.log.timestamps[program.log.case_offsets[:-1]], side="right")
    return Ages(codes.astype(np.int32), np.searchsorted(instants, known, side="right"), len(instants) + 1)


def _forbidden_since(program: Program, rule: Rule) -> int:
    """Return the instant since which the log can tell all that a rule forbids; `NEVER` if it always can."""
    kind, log = rule.kind.kind, program.log
    if kind not in FORBIDS or (kind == "COUNT" and rule.bounds[1] is None):
        return NEVER
    sides = {"A": program.about(rule), "B": rule.other}
    known = max(known_since(log, sides[side]) for side in FORBIDS[kind])
    if kind in ("NOT_SUCCESSION", "NOT_CHAIN_SUCCESSION"):  # what an A forbids is told if the A is
        return known if min(known_since(log, [name]) for name in rule.activity) < known else NEVER
    return known


def untold(
    program: Program, cells: NDArray[np.int32], ages: Ages | None, applicable: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[Finding]]:  # fmt: skip
    """Take out what events before the horizon of their activity, which are not there, might change.

    These are violations that are none if what a case lacks happened before, and cases that keep a rule unless
    what it forbids did. A case none of whose violations of a rule are left does not count as one that the
    rule applies to.

    Parameters
    ----------
    program : Program
    cells : ndarray of int32, shape (cases,)
        Group and currency of each case, as one number.
    ages : Ages or None
        See `ages_of`.
    applicable : ndarray of int64, shape (cells * ages, rules)
    rows : ndarray of int64, shape (5, n)
        Rule, case, event, other event, delay.

    Returns
    -------
    applicable : ndarray of int64, shape (cells, rules)
    rows : ndarray of int64, shape (5, m)
        What is left of them.
    findings : list of Finding
        Cases that cannot be told, by rule.
    """
    if ages is None:
        return applicable, rows, []
    by_age = applicable.reshape(-1, ages.count, applicable.shape[1])
    applicable, kept, findings = by_age.sum(axis=1), np.ones(rows.shape[1], dtype=np.bool_), []
    for number, place in enumerate(program.applied):
        own, rule = np.flatnonzero(rows[0] == number), program.rules.rules[place]
        unsure = _unsure(program, rule, *rows[1:4, own])
        cases = np.setdiff1d(rows[1, own[unsure]], rows[1, own[~unsure]])
        kept[own[unsure]] = False
        broken = np.unique(rows[1, own])
        broken = broken[ages.codes[broken] < ages.places[number]]
        older = by_age[:, : ages.places[number], number].sum(axis=1)
        older -= np.bincount(cells[broken], minlength=len(older))
        applicable[:, number] -= np.bincount(cells[cases], minlength=len(applicable)) + older
        findings += _said(rule, "kept", "they lack", len(cases))
        findings += _said(rule, "broken", "it forbids", int(older.sum()))
    return applicable, rows[:, kept], findings


def _said(rule: Rule, did: str, what: str, count: int) -> list[Finding]:
    reason = f"cases that may have {did} rule {rule.id!r} before the history of what {what} begins"
    return [Finding(reason, count)] if count else []


def _unsure(
    program: Program, rule: Rule, cases: NDArray[np.int64], events: NDArray[np.int64],
    others: NDArray[np.int64],
) -> NDArray[np.bool_]:  # fmt: skip
    """Return which violations of a rule, by case, event and other event (-1 for none), may be none."""
    log, kind, unsure = program.log, rule.kind.kind, np.zeros(len(cases), dtype=np.bool_)
    begins, asking = log.timestamps[log.case_offsets[cases]], log.activity_codes[events]
    known = {"A": known_since(log, program.about(rule)), "B": known_since(log, rule.other)}
    if kind in ANYWHERE:
        lacking = (events < 0) | (kind not in ("COUNT", "EXCLUSIVE_CHOICE"))  # else it is one too many
        lacking &= kind != "ON_TIME" or rule.occurrence == "first"  # an earlier one changes no last one
        for side in ANYWHERE[kind]:
            unsure |= lacking & (begins < known[side])
    elif kind == "END":
        unsure = log.timestamps[events] < known["A"]
    elif kind == "NOT_CHAIN_SUCCESSION":  # anything may have been between
        unsure = log.timestamps[others] < known_since(log, log.known_activities.to_pylist())
    elif not kind.startswith("NOT_"):
        if kind.endswith(AHEAD):
            unsure |= program.meant(rule.activity)[asking] & (log.timestamps[events] < known["B"])
        if kind.endswith(BACK):
            unsure |= program.meant(rule.other)[asking] & (begins < known["A"])
    return unsure
