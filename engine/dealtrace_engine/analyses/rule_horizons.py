"""Violations that cannot be told: what is missing may have happened before the log can tell it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.horizons import horizons
from dealtrace_engine.analyses.milestones import NEVER
from dealtrace_engine.analyses.rule_program import Program
from dealtrace_engine.models.rules import Rule
from dealtrace_engine.quality import Finding

ANYWHERE = {
    "COUNT": "A", "INIT": "A", "NOT_OVERDUE": "A", "RESPONDED_EXISTENCE": "B", "CO_EXISTENCE": "AB",
    "EXCLUSIVE_CHOICE": "AB", "CHOICE": "AB",
}  # fmt: skip
"""Of templates whose cases lack something, on which of their sides it is."""
AHEAD, BACK = ("RESPONSE", "SUCCESSION"), ("PRECEDENCE", "SUCCESSION")
"""How templates end whose A ask for a B after them, and whose B for an A before them."""


def untold(
    program: Program, cells: NDArray[np.int32], applicable: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[Finding]]:
    """Take out violations that are none if something happened before the horizon of its activity.

    A case all of whose violations of a rule are such does not count as one that the rule applies to.

    Parameters
    ----------
    program : Program
    cells : ndarray of int32, shape (cases,)
        Group and currency of each case, as one number.
    applicable : ndarray of int64, shape (cells, rules)
    rows : ndarray of int64, shape (5, n)
        Rule, case, event, other event, delay.

    Returns
    -------
    applicable, rows : ndarray of int64
        What is left of them.
    findings : list of Finding
        Cases that cannot be told, by rule.
    """
    since = horizons(program.log)
    if since is None:
        return applicable, rows, []
    applicable, kept, findings = applicable.copy(), np.ones(rows.shape[1], dtype=np.bool_), []
    for number, place in enumerate(program.applied):
        own, rule = np.flatnonzero(rows[0] == number), program.rules.rules[place]
        unsure = _unsure(program, rule, since, rows[1, own], rows[2, own])
        cases = np.setdiff1d(rows[1, own[unsure]], rows[1, own[~unsure]])
        kept[own[unsure]] = False
        if len(cases):
            applicable[:, number] -= np.bincount(cells[cases], minlength=len(applicable))
            reason = f"cases that may have kept rule {rule.id!r} before the history of what they lack begins"
            findings.append(Finding(reason, len(cases)))
    return applicable, rows[:, kept], findings


def _unsure(
    program: Program, rule: Rule, since: NDArray[np.int64], cases: NDArray[np.int64],
    events: NDArray[np.int64],
) -> NDArray[np.bool_]:  # fmt: skip
    """Return which violations of a rule, by case and event (-1 for none), may be none."""
    log, kind, nothing = program.log, rule.kind.kind, np.zeros(len(since), dtype=np.bool_)
    begins, asking = log.timestamps[log.case_offsets[cases]], log.activity_codes[events]
    sides = {"A": program.activities(rule.activity), "B": program.activities(rule.other)}
    marks = {name: nothing if of is None else of for name, of in sides.items()}
    known = {name: since[of].max(initial=NEVER) for name, of in marks.items()}
    unsure = np.zeros(len(cases), dtype=np.bool_)
    if kind in ANYWHERE:
        lacking = (events < 0) | (kind not in ("COUNT", "EXCLUSIVE_CHOICE"))  # else it is one too many
        for side in ANYWHERE[kind]:
            unsure |= lacking & (begins < known[side])
    elif not kind.startswith("NOT_"):
        if kind.endswith(AHEAD):
            unsure |= marks["A"][asking] & (log.timestamps[events] < known["B"])
        if kind.endswith(BACK):
            unsure |= marks["B"][asking] & (begins < known["A"])
    return unsure
