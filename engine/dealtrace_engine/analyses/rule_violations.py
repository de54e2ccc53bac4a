"""The violations of rules, in order, and those that are accepted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.rule_exceptions import accepted_by
from dealtrace_engine.analyses.rule_program import DAY_US, Program
from dealtrace_engine.buffers import arrow, table, text
from dealtrace_engine.log import UTC_MICROSECONDS
from dealtrace_engine.quality import Finding


@dataclass(frozen=True, eq=False)
class Violations:
    """Violations by rule, case and event.

    Attributes
    ----------
    rules : ndarray of int64, shape (n,)
        Places among the rules that were applied.
    cases, events, others : ndarray of int64, shape (n,)
        Places in the log; events are -1 where there is none.
    late : ndarray of int64, shape (n,)
        Microseconds, -1 where they have no meaning.
    accepted : ndarray of bool, shape (n,)
    reasons : ndarray of int64, shape (n,)
        Of those that are accepted, as a place in `texts`; -1 else.
    texts : list of str
    findings : list of Finding
        Exceptions that the log cannot tell.
    """

    rules: NDArray[np.int64]
    cases: NDArray[np.int64]
    events: NDArray[np.int64]
    others: NDArray[np.int64]
    late: NDArray[np.int64]
    accepted: NDArray[np.bool_]
    reasons: NDArray[np.int64]
    texts: list[str]
    findings: list[Finding]

    @cached_property
    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the first violation of each rule and case, and whether all of the pair are accepted.

        An exception is about cases, so that either all of a pair are accepted or none.
        """
        new = np.ones(len(self.rules), dtype=np.bool_)
        new[1:] = (self.rules[1:] != self.rules[:-1]) | (self.cases[1:] != self.cases[:-1])
        firsts = np.flatnonzero(new)
        return firsts, self.accepted[firsts]

    def table(self, program: Program) -> pa.Table:
        """Return them as the table that `RuleCheck.violations` describes."""
        log = program.log
        ids = pa.array([program.rules.rules[place].id for place in program.applied], pa.string())
        return table({
            "rule": ids.take(arrow(self.rules)),
            "case_id": log.case_ids.take(arrow(self.cases)),
            **_event_columns(program, "", self.events),
            **_event_columns(program, "other_", self.others),
            "days_late": pa.array(np.where(self.late < 0, 0, self.late) / DAY_US, mask=self.late < 0),
            "accepted": self.accepted,
            "accepted_reason": text(self.texts).take(_or_null(self.reasons)),
        })  # fmt: skip


def _or_null(places: NDArray[np.int64]) -> pa.Array:
    return pa.array(places, mask=places < 0)


def _event_columns(program: Program, prefix: str, events: NDArray[np.int64]) -> dict[str, pa.Array]:
    log, places = program.log, np.maximum(events, 0)
    codes, missing = log.activity_codes[places].astype(np.int64), events < 0
    return {
        f"{prefix}event": _or_null(events),
        f"{prefix}activity": log.activities.take(pa.array(codes, mask=missing)),
        f"{prefix}timestamp": pa.array(log.timestamps[places], UTC_MICROSECONDS, mask=missing),
    }


def violations_of(program: Program, rows: NDArray[np.int64], day: date) -> Violations:
    """Put what the kernel found in order, and see what is accepted on a day.

    Parameters
    ----------
    program : Program
    rows : ndarray of int64, shape (5, n)
        Rule, case, event, other event, delay; those of a rule are in order.
    day : datetime.date
    """
    if (rows[0, 1:] < rows[0, :-1]).any():  # from two passes
        rows = rows.take(np.argsort(rows[0], kind="stable"), axis=1)
    rules, cases, events, others, late = rows
    accepted, reasons = np.zeros(len(rules), dtype=np.bool_), np.full(len(rules), -1, dtype=np.int64)
    texts: list[str] = []
    findings: list[Finding] = []
    for number, place in enumerate(program.applied):
        for mask, reason in accepted_by(program, program.rules.rules[place], day, findings):
            own = (rules == number) & mask[cases] & ~accepted
            accepted |= own
            reasons[own] = len(texts)
            texts.append(reason)
    return Violations(rules, cases, events, others, late, accepted, reasons, texts, findings)
