"""Which cases are won, lost, or neither yet."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.grouping import case_values
from dealtrace_engine.analyses.milestones import wanted_activities
from dealtrace_engine.errors import SchemaError
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import blocks, map_blocks
from dealtrace_engine.quality import Finding

WON, LOST, OPEN = 1, 0, -1
WON_TEXTS = ("won", "closed won", "success", "successful", "yes", "true")
LOST_TEXTS = ("lost", "closed lost", "failure", "unsuccessful", "no", "false")
DECIDING = {"opportunity_won": WON, "opportunity_lost": LOST, "opportunity_reopened": OPEN}
"""Canonical activities that decide a case, and what they say."""
NOTHING = -2


@dataclass(frozen=True, eq=False)
class Decided:
    """What became of each case.

    Attributes
    ----------
    outcomes : ndarray of int8, shape (cases,)
        1 won, 0 lost, -1 neither: open, disqualified, or not known.
    ends : ndarray of int64, shape (cases,)
        The place of the event that decided the case, or where the case ends: what is from there on cannot
        be among the reasons.
    deciding : ndarray of bool, shape (activities,)
        The activities that decide.
    findings : list of Finding
        Cases that are neither, and those that no event decides.
    """

    outcomes: NDArray[np.int8]
    ends: NDArray[np.int64]
    deciding: NDArray[np.bool_]
    findings: list[Finding] = field(default_factory=list)

    @property
    def known(self) -> bool:
        """Whether any case is won or lost."""
        return bool((self.outcomes >= 0).any())


def decided_cases(log: EventLog, outcome: str | None = None, *, threads: int | None = None) -> Decided:
    """Return which cases are won and lost.

    Parameters
    ----------
    log : EventLog
    outcome : str, optional
        An attribute of the case: truth values, or texts such as Won and Lost (`WON_TEXTS`, `LOST_TEXTS`);
        anything else is neither. By default the last of the activities `DECIDING` says it, in any of the six
        languages: a deal that was opened again is open.
    threads : int, optional

    Raises
    ------
    SchemaError
        There is no such attribute, it varies within cases, or no value of it means won or lost.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "1", "2"], "activity": ["a", "opportunity_won", "a"],
    ...                            "time": ["2024-01-01"] * 3}))
    >>> found = decided_cases(log)
    >>> found.outcomes.tolist(), found.ends.tolist()
    ([1, -1], [1, 3])
    """
    from dealtrace_engine.kernels.journeys import decide

    meanings = np.full(len(log.activities), NOTHING, dtype=np.int8)
    for name, meaning in DECIDING.items():
        meanings[wanted_activities(log, [name], missing=True)] = meaning
    outcomes, ends = np.empty(log.cases, dtype=np.int8), np.empty(log.cases, dtype=np.int64)
    map_blocks(
        lambda block: decide(log.activity_codes, log.case_offsets, *block, meanings, outcomes, ends),
        blocks(log.case_offsets), threads=threads,
    )  # fmt: skip
    if outcome is not None:
        outcomes = outcomes_in(log, outcome)
    findings = [_finding("cases neither won nor lost", outcomes < 0)]
    if outcome is not None:
        whole = (outcomes >= 0) & (ends == log.case_offsets[1:])
        findings.append(_finding("cases won or lost without an event that says when", whole))
    deciding = meanings != NOTHING
    return Decided(outcomes, ends, deciding, [finding for finding in findings if finding.count])


def outcomes_in(log: EventLog, name: str) -> NDArray[np.int8]:
    """Return the outcomes that an attribute says, shape (cases,); see `decided_cases`."""
    values = case_values(log, name)
    if pa.types.is_boolean(values.type):
        known = values.cast(pa.int8()).fill_null(OPEN)
        return np.asarray(known, dtype=np.int8)
    coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    texts = [str(text).strip().casefold() for text in coded.dictionary.to_pylist()]
    meaning = [WON if text in WON_TEXTS else LOST if text in LOST_TEXTS else OPEN for text in texts]
    if WON not in meaning and LOST not in meaning:
        raise SchemaError(
            f"no value of {name!r} means won or lost", file=log.origin.source.label, column=name,
            hint=f"values that do: {', '.join((*WON_TEXTS, *LOST_TEXTS))}",
        )  # fmt: skip
    codes = np.asarray(coded.indices.fill_null(len(texts)), dtype=np.int64)
    return np.array([*meaning, OPEN], dtype=np.int8)[codes]


def _finding(reason: str, marks: NDArray[np.bool_]) -> Finding:
    finding = Finding(reason)
    finding.add(int(marks.sum()), [])
    return finding
