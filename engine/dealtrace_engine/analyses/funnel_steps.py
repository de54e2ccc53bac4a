"""The steps of a funnel, and when each case reaches them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.horizons import older_cases
from dealtrace_engine.analyses.milestones import NEVER, Milestone, wanted_activities
from dealtrace_engine.errors import ArgumentError, LogError
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress, blocks, map_blocks
from dealtrace_engine.schema import names_of, nearest

Step = Milestone | str | Sequence[str]
Steps = Sequence[Step] | Mapping[str, Step]

LEAD_TO_CASH = (
    "lead_captured", "lead_qualified", "opportunity_created", "quote_issued", "quote_accepted",
    "contract_signed", "sales_order_created", "order_fulfilled", "invoice_sent", "payment_received",
)  # fmt: skip
"""Canonical ids of the steps of the ready funnel."""
LOST = ("opportunity_lost", "lead_disqualified")
REGAINED = ("opportunity_won", "opportunity_reopened")
NO_LOSS = "no activity says that a case is lost: those that did not go on count as open"


@dataclass(frozen=True, eq=False)
class FunnelSteps:
    """When cases reach steps.

    Attributes
    ----------
    names : tuple of str
    times : ndarray of int64, shape (steps, cases)
        Microseconds since 1970-01-01 UTC; `NEVER` where it does not happen.
    counts : ndarray of int32, shape (steps, cases)
        How often.
    is_lost : ndarray of bool, shape (cases,)
        Whether the case is lost in the end.
    notes : list of str
    older : int
        Cases that begin before the history that tells a step (`Coverage.horizons`): they reach none here, as
        what they reached cannot be told.
    """

    names: tuple[str, ...]
    times: NDArray[np.int64]
    counts: NDArray[np.int32]
    is_lost: NDArray[np.bool_]
    notes: list[str]
    older: int = 0


def named_steps(steps: Steps) -> dict[str, Milestone]:
    """Return milestones by name; one without a name is called as its activities.

    Raises
    ------
    ArgumentError
        There are less than two, or two are called the same.

    Examples
    --------
    >>> list(named_steps(["lead_captured", ["quote_issued", "quote_created"]]))
    ['lead_captured', 'quote_issued | quote_created']
    """
    if isinstance(steps, str) or not isinstance(steps, Sequence | Mapping) or len(steps) < 2:
        raise ArgumentError(f"a funnel has at least two steps, got {steps!r}",
                            hint="name them as a list, or as a mapping of names to steps")  # fmt: skip
    if isinstance(steps, Mapping):
        names_of(list(steps), "names of steps")
        return {name: Milestone.of(step) for name, step in steps.items()}
    found = [Milestone.of(step) for step in steps]
    names = [" | ".join(step.activities) for step in found]
    for name in names:
        if names.count(name) > 1:
            raise ArgumentError(f"step {name!r} is in the funnel twice", hint="name them: {name: step, ...}")
    return dict(zip(names, found, strict=True))


def _ready(log: EventLog, notes: list[str]) -> dict[str, Milestone]:
    """Return the steps of the ready funnel that a log has."""
    there = [name for name in LEAD_TO_CASH if wanted_activities(log, [name], missing=True).any()]
    missing = [name for name in LEAD_TO_CASH if name not in there]
    if missing:
        notes.append(f"the log has no {', '.join(missing)}: left out of the funnel")
    if len(there) < 2:
        raise LogError(
            "the log has less than two of the ready funnel's steps", file=log.origin.source.label,
            hint=f"name steps=; {nearest(log.activities.to_pylist(), LEAD_TO_CASH[0], 'activities')}",
        )  # fmt: skip
    return {name: Milestone.of(name) for name in there}


def _outcomes(log: EventLog, lost: str | Sequence[str] | None, notes: list[str]) -> NDArray[np.int8]:
    """Return for each activity whether a case is lost with it (1), or no longer is (-1)."""
    outcomes = np.zeros(len(log.activities), dtype=np.int8)
    outcomes[wanted_activities(log, REGAINED, missing=True)] = -1
    losing = wanted_activities(log, LOST if lost is None else lost, missing=lost is None)
    outcomes[losing] = 1
    if not losing.any():
        notes.append(NO_LOSS)
    return outcomes


def funnel_steps(
    log: EventLog,
    steps: Steps | None,
    until: int,
    *,
    strict: bool = False,
    lost: str | Sequence[str] | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> FunnelSteps:
    """Return when cases reach steps; see `funnel.funnel`.

    Parameters
    ----------
    log : EventLog
    steps : sequence or mapping of steps, optional
        The ready ones by default.
    until : int
        Events after it are not looked at; microseconds since 1970-01-01 UTC.
    strict : bool
        Whether a step counts only after the one before it.
    lost : str or sequence of str, optional
    threads : int, optional
    progress : callable (done, of) -> object, optional

    Raises
    ------
    ArgumentError, SchemaError, LogError
        See `funnel.funnel`.
    """
    from dealtrace_engine.kernels.funnel import funnel_steps as reach

    notes: list[str] = []
    chosen = _ready(log, notes) if steps is None else named_steps(steps)
    latest = np.array([step.occurrence == "last" for step in chosen.values()], dtype=np.bool_)
    if strict and latest.any():
        raise ArgumentError("in a strict funnel the first occurrence after the step before counts",
                            hint="leave out occurrence='last', or strict")  # fmt: skip
    outcomes = _outcomes(log, lost, notes)
    of_step = np.array([wanted_activities(log, step.activities) for step in chosen.values()])
    activity, step = np.nonzero(of_step.T)
    offsets = np.searchsorted(activity, np.arange(len(log.activities) + 1)).astype(np.int64)
    size = len(chosen) * log.cases
    times, counts = np.empty(size, dtype=np.int64), np.zeros(size, dtype=np.int32)
    losses, shape = np.full(log.cases, NEVER), (len(chosen), log.cases)

    def write(block: tuple[int, int]) -> None:
        times.reshape(shape)[:, slice(*block)] = NEVER
        reach(
            log.activity_codes, log.timestamps, log.case_offsets, *block, until, strict, offsets,
            step.astype(np.int64), latest, outcomes, times, counts, losses,
        )  # fmt: skip

    map_blocks(write, blocks(log.case_offsets), threads=threads, progress=progress)
    notes += coverage_notes(log, "lead_captured" in chosen)
    told = [name for one in chosen.values() for name in one.activities]
    older = older_cases(log, told)
    left_out = 0 if older is None else int(older.sum())
    if left_out:
        counts.reshape(shape)[:, older] = 0
        notes.append(f"{left_out:,} cases begin before the history that tells a step, and are left out")
    unsure = older_cases(log, names_of(LOST if lost is None else lost, "lost"))
    if unsure is not None:
        reached = counts.reshape(shape) > 0
        unseen = int((unsure & reached.any(axis=0) & ~reached[-1] & (losses == NEVER)).sum())
        if unseen:
            notes.append(f"{unseen:,} cases may have been lost before the history that tells a loss, "
                         "and count as open")  # fmt: skip
    return FunnelSteps(
        tuple(chosen), times.reshape(shape), counts.reshape(shape), losses != NEVER, notes, left_out
    )


def coverage_notes(log: EventLog, leads: bool = False) -> list[str]:
    """Return what the coverage of a log says against its figures.

    Parameters
    ----------
    log : EventLog
    leads : bool
        Whether they tell of leads.
    """
    coverage = log.origin.coverage
    if coverage is None:
        return []
    notes = []
    if coverage.left_truncated:
        notes.append(f"{coverage.left_truncated:,} cases of the export are older than its history "
                     "and may lack their beginning")  # fmt: skip
    if leads and coverage.leads_without_case:
        notes.append(f"{coverage.leads_without_case:,} leads that never became an opportunity are not in "
                     "this log: read it with case='lead' for the conversion of leads")  # fmt: skip
    return notes
