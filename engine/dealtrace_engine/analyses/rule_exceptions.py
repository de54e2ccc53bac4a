"""Which violations are accepted, and exceptions that a log has no use for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.rule_program import Program
from dealtrace_engine.errors import LogError, SchemaError
from dealtrace_engine.log import EventLog
from dealtrace_engine.models.rules import AcceptedException, Rule, Rules
from dealtrace_engine.quality import Finding


def accepted_by(
    program: Program, rule: Rule, day: date, findings: list[Finding]
) -> Iterator[tuple[NDArray[np.bool_], str]]:
    """Yield, for each exception of a rule that has not expired on a day, its cases and its reason.

    One whose condition the log cannot tell accepts nothing, and is added to the findings.
    """
    for exception in _valid(rule, day):
        if exception.when is None:
            yield _named(program.log, exception), exception.reason
            continue
        try:
            mask = program.expression(exception.when).mask(program.log, program.threads)
        except (SchemaError, LogError) as error:
            findings.append(Finding(f"exceptions of rule {rule.id!r} that cannot be told ({error.what})", 1))
        else:
            yield mask, exception.reason


def unknown_cases(log: EventLog, rules: Rules, day: date) -> list[Finding]:
    """Return how many cases the exceptions of each rule name that a log, unfiltered, does not have."""
    found = []
    for rule in rules:
        lacking = [
            len(exception.case_ids) - int(_named(log, exception).sum())
            for exception in _valid(rule, day)
            if exception.case_ids
        ]
        if any(lacking):
            reason = f"exceptions of rule {rule.id!r} for cases that the log does not have"
            found.append(Finding(reason, sum(lacking)))
    return found


def _valid(rule: Rule, day: date) -> Iterator[AcceptedException]:
    for exception in rule.exceptions:
        if exception.expires is None or exception.expires >= day:
            yield exception


def _named(log: EventLog, exception: AcceptedException) -> NDArray[np.bool_]:
    import pyarrow.compute as pc

    return np.asarray(pc.is_in(log.case_ids, value_set=pa.array(exception.case_ids, pa.large_string())))
