"""Where the stages of cases are told: by a column of the log, or by its activities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.horizons import older_cases
from dealtrace_engine.analyses.milestones import wanted_activities
from dealtrace_engine.analyses.repeated import known_indices
from dealtrace_engine.attributes import sortable
from dealtrace_engine.errors import ArgumentError, LogError, SchemaError
from dealtrace_engine.log import EventLog
from dealtrace_engine.schema import names_of, nearest
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.statuses import meanings

AFTER, BEFORE, STATE = "stage_to", "stage_from", "stage"
"""Columns that tell stages: of a change that to which and that from which, and that of all events."""
MOST_STAGES = 500
PUSH, AMOUNT, OWNER, CLOSES, OPENS, WINS = 1, 2, 3, 4, 5, 6
CHANGES = {PUSH: ("close_date_pushed",), AMOUNT: ("amount_changed",), OWNER: ("owner_changed",)}
BOUNDS = {
    CLOSES: ("opportunity_lost", "lead_disqualified"),
    WINS: ("opportunity_won",),
    OPENS: ("opportunity_created", "opportunity_reopened"),
}
"""What activities do to the stages of a case; see `kernels.stages.stage_visits`."""


@dataclass(frozen=True, eq=False)
class StageSource:
    """What events say of stages.

    Attributes
    ----------
    names : tuple of str
        What the codes stand for.
    codes : ndarray of int32, shape (events,)
        The stage after each event; -1 where it does not say.
    origins : ndarray of int32, shape (events,) or (0,)
        The stage before it; empty where no column tells.
    effects : ndarray of uint8, shape (activities,)
        See `kernels.stages.stage_visits`.
    closed, lost : ndarray of bool, shape (names,)
        Stages in which a case is over, and those of them in which it is lost.
    told_by : str
        The column, or ``"activities"``.
    older : int
        Cases that begin before the history that tells one of the activities, or how they ended
        (`Coverage.horizons`): their events say nothing here, as some may be missing.
    """

    names: tuple[str, ...]
    codes: NDArray[np.int32]
    origins: NDArray[np.int32]
    effects: NDArray[np.uint8]
    closed: NDArray[np.bool_]
    lost: NDArray[np.bool_]
    told_by: str
    older: int = 0


def stage_source(
    log: EventLog,
    column: str | None = None,
    activities: Mapping[str, str | None] | None = None,
    closed: str | Sequence[str] | None = None,
    *,
    threads: int | None = None,
) -> StageSource:
    """Return what the events of a log say of stages.

    Parameters
    ----------
    log : EventLog
    column : str, optional
        Attribute with the stage after an event; by default ``stage_to`` and, beside it, ``stage_from``, or
        else ``stage``. Null says nothing.
    activities : mapping of str to str or None, optional
        Activities, by the names of the log or canonical ids, to the stage that begins with them; None if the
        case is in no stage from then on.
    closed : str or sequence of str, optional
        Stages in which a case is over; by default those that mean won or lost in any of the six languages.
    threads : int, optional
        All CPUs by default; the result does not depend on it.

    Raises
    ------
    ArgumentError
        Both a column and activities are given, or no activity.
    SchemaError
        There is no such column, activity or stage, or far too many stages.
    LogError
        No event says anything of stages.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "1"], "activity": ["a", "b"], "time": ["2024-01-01"] * 2,
    ...                            "stage": ["Demo", "Closed Lost"]}))
    >>> source = stage_source(log)
    >>> source.names, source.codes.tolist(), source.lost.tolist(), source.told_by
    (('Demo', 'Closed Lost'), [0, 1], [False, True], 'stage')
    """
    if column is not None and activities is not None:
        raise ArgumentError("stages are told by a column or by activities, not by both")
    effects = np.zeros(len(log.activities), dtype=np.uint8)
    _set_effects(log, effects, CHANGES)
    _set_effects(log, effects, BOUNDS)
    nothing, left_out = np.empty(0, dtype=np.int32), 0
    if activities is not None:
        stages, codes = _of_activities(log, activities, effects)
        older = older_cases(log, [*activities, *BOUNDS[CLOSES], *BOUNDS[WINS]])
        if older is not None:
            codes[np.repeat(older, np.diff(log.case_offsets))] = -1
            left_out = int(older.sum())
        origins, told_by = nothing, "activities"
    else:
        told_by = column or _column_of(log)
        stages, codes = _of_column(log, told_by, threads)
        origins = nothing
        if told_by == AFTER and BEFORE in log.attribute_names:
            stages, origins = _joined(stages, *_of_column(log, BEFORE, threads))
    if not stages:
        raise LogError(f"no event says anything of stages in {told_by!r}", file=log.origin.source.label)
    over, lost = _closed(log, stages, closed)
    return StageSource(tuple(stages), codes, origins, effects, over, lost, told_by, left_out)


def _set_effects(log: EventLog, effects: NDArray[np.uint8], names: Mapping[int, Sequence[str]]) -> None:
    for effect, activities in names.items():
        effects[wanted_activities(log, activities, missing=True)] = effect


def _column_of(log: EventLog) -> str:
    names = log.attribute_names
    if AFTER in names:
        return AFTER
    if STATE in names and log.origin.coverage is None:  # of an export it is the stage now
        return STATE
    raise LogError(
        "the log does not tell the stages of its cases", file=log.origin.source.label,
        hint=f"name a column= or map activities= to stages; {nearest(names, STATE)}",
    )  # fmt: skip


def _of_column(log: EventLog, name: str, threads: int | None) -> tuple[list[str], NDArray[np.int32]]:
    values = sortable(log.attribute(name).per_event(log.case_offsets))
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode()
    names = [str(value) for value in values.dictionary.to_pylist()]
    if len(names) > MOST_STAGES:
        raise SchemaError(f"column {name!r} has {len(names):,} values: these are no stages",
                          file=log.origin.source.label, column=name)  # fmt: skip
    return names, known_indices(values.indices.cast(pa.int32(), safe=False), threads)


def _joined(
    stages: list[str], others: list[str], codes: NDArray[np.int32]
) -> tuple[list[str], NDArray[np.int32]]:
    """Return all names, and codes of the second as places in them."""
    names = list(dict.fromkeys((*stages, *others)))
    place = np.array([*(names.index(name) for name in others), -1], dtype=np.int32)
    return names, place[codes]


def _of_activities(
    log: EventLog, activities: Mapping[str, str | None], effects: NDArray[np.uint8]
) -> tuple[list[str], NDArray[np.int32]]:
    if not isinstance(activities, Mapping) or not activities:
        raise ArgumentError(f"no activity is mapped to a stage, got {activities!r}",
                            hint="{activity: stage, ...}")  # fmt: skip
    for stage in activities.values():
        if stage is not None and not isinstance(stage, str):
            raise ArgumentError(f"a stage is a text, got {stage!r}")
    names = list(dict.fromkeys(stage for stage in activities.values() if stage is not None))
    codes = np.full(len(log.activities), -1, dtype=np.int32)
    for activity, stage in activities.items():
        wanted = wanted_activities(log, [activity])
        if stage is None:
            effects[wanted] = CLOSES
        else:
            codes[wanted] = names.index(stage)
    return names, codes[log.activity_codes]


def _closed(
    log: EventLog, stages: Sequence[str], closed: str | Sequence[str] | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    means = [_means(stage) for stage in stages]
    lost = np.array(["stage.lost" in meant for meant in means], dtype=np.bool_)
    if closed is None:
        return lost | np.array(["stage.won" in meant for meant in means], dtype=np.bool_), lost
    named = names_of(closed, "closed stages")
    for name in named:
        check_stage(log, stages, name)
    over = np.array([stage in named for stage in stages], dtype=np.bool_)
    return over, lost & over


@lru_cache(maxsize=2 * MOST_STAGES)
def _means(stage: str) -> frozenset[str]:
    """Return what the name of a stage means; to tell takes a quarter of a millisecond."""
    return frozenset(key for key, _ in meanings(stage, "stage", CrmMapping()))


def check_stage(log: EventLog, stages: Sequence[str], name: str) -> None:
    """Raise `SchemaError` if there is no such stage.

    Parameters
    ----------
    log : EventLog
    stages : sequence of str
        Those that there are.
    name : str
    """
    if name not in stages:
        raise SchemaError(f"there is no stage {name!r}", file=log.origin.source.label,
                          hint=nearest(list(stages), str(name), "stages"))  # fmt: skip
