"""What cases did, as groups that may go with a target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.driver_candidates import Candidates, Sums, sums_by
from dealtrace_engine.analyses.milestones import wanted_activities
from dealtrace_engine.attributes import codes_of
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress, blocks, map_blocks

MOST_ACTIVITIES = 64
MOST_RESOURCES = 500
KINDS = {"did": 0, "skipped": 0, "repeated": 1, "before": 2, "handled": 3}
"""Kind of pattern to what `kernels.process_patterns.shows` calls it."""


@dataclass(frozen=True, eq=False)
class Steps:
    """The events that patterns are looked for in.

    Attributes
    ----------
    log : EventLog
    ends : ndarray of int64, shape (cases,)
        The event before which each case ends, as far as it is looked at.
    activities : ndarray of int64, shape (chosen,)
        Codes of the activities that are looked at: the most frequent.
    resources : ndarray of int64, shape (events,)
        Who did it, as a place in `people`; -1 where not known.
    people : list of str
    """

    log: EventLog
    ends: NDArray[np.int64]
    activities: NDArray[np.int64]
    resources: NDArray[np.int64]
    people: list[str]

    def name(self, activity: int) -> str:
        """Return what the activity at a code is called."""
        return str(self.log.activities[activity].as_py())

    def text(self, key: tuple[Any, ...]) -> str:
        """Return what the cases of a pattern did."""
        kind, one, other = key
        if kind == "before":
            return f"{self.name(one)} before {self.name(other)}"
        if kind == "handled":
            return f"{self.name(one)} by {self.people[other]}"
        return f"{kind} {self.name(one)}"

    def base_text(self, key: tuple[Any, ...]) -> str:
        """Return which cases a pattern is told against."""
        kind, one, other = key
        if kind in ("did", "skipped"):
            return "all cases"
        with_both = f" and {self.name(other)}" if kind == "before" else ""
        return f"cases with {self.name(one)}{with_both}"

    def shown(self, key: tuple[Any, ...], threads: int | None = None) -> NDArray[np.int64]:
        """Return which cases show a pattern: 1 yes, 0 no, -1 it could not be; shape (cases,)."""
        from dealtrace_engine.kernels.process_patterns import shows

        kind, one, other = key
        out = np.empty(self.log.cases, dtype=np.int64)
        columns = self.log.activity_codes, self.log.case_offsets, self.ends
        map_blocks(lambda block: shows(*columns, *block, self.resources, KINDS[kind], one, other, out),
                   blocks(self.log.case_offsets), threads=threads)  # fmt: skip
        return 1 - out if kind == "skipped" else out


def steps_of(
    log: EventLog, until: Sequence[str] = (), *, resource: str | None = None, handled: bool = True
) -> Steps:
    """Return the events in which patterns are looked for.

    Parameters
    ----------
    log : EventLog
    until : sequence of str
        Activities that end a case for this; see `wanted_activities`.
    resource : str, optional
        Who did it; by default the resource of the log, if it has one.
    handled : bool
        Whether that is looked at.
    """
    marked = wanted_activities(log, until)
    sizes = np.bincount(log.activity_codes, minlength=len(log.activities))
    chosen = np.sort(np.argsort(-sizes, kind="stable")[:MOST_ACTIVITIES])
    name = resource or ("resource" if "resource" in log.origin.roles else None)
    if name is None or not handled:
        return Steps(log, ends_at(log, marked), chosen, np.full(log.events, -1, dtype=np.int64), [])
    values = log.attribute(name).per_event(log.case_offsets)
    codes = codes_of(values)
    _, firsts, numbers = np.unique(codes, return_index=True, return_inverse=True)
    texts = ["" if value is None else str(value) for value in (values[int(at)].as_py() for at in firsts)]
    often = np.argsort(-np.bincount(numbers), kind="stable")[:MOST_RESOURCES]
    kept = sorted((int(at) for at in often if texts[at]), key=lambda at: texts[at])
    places = np.full(len(texts), -1, dtype=np.int64)
    places[kept] = np.arange(len(kept))
    return Steps(log, ends_at(log, marked), chosen, places[numbers], [texts[at] for at in kept])


def ends_at(log: EventLog, marked: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the first event of each case whose activity is marked, or else where the case ends."""
    from dealtrace_engine.kernels.process_patterns import first_marked

    ends = np.empty(log.cases, dtype=np.int64)
    map_blocks(lambda block: first_marked(log.activity_codes, log.case_offsets, *block, marked, ends),
               blocks(log.case_offsets))  # fmt: skip
    return ends


def pattern_candidates(
    steps: Steps, scores: NDArray[np.int64], smallest: int, left_out: Counter[str], *,
    threads: int | None = None, progress: Progress | None = None,
) -> Candidates:  # fmt: skip
    """Return what cases did, skipped, repeated, did before something else, and who handled it.

    Of the two sides of a pattern (did or skipped, X before Y or Y before X) it is the rarer one.

    Parameters
    ----------
    steps : Steps
    scores : ndarray of int64, shape (cases,)
        Negative where a case is not looked at.
    smallest : int
        Cases that are needed on either side.
    left_out : Counter
        Where those that are too thin are counted.
    threads, progress : optional
    """
    did, repeated, before, handled = _summed(steps, scores, threads, progress)
    every = sums_by(np.where(scores >= 0, 0, -1), scores, 1)[0]
    found: list[tuple[tuple[Any, ...], Sums, Sums]] = []
    codes, thin = steps.activities.tolist(), 0
    for place, code in enumerate(codes):
        rare = did[place, 0] * 2 <= every[0]
        found.append(
            (("did" if rare else "skipped", code, -1), did[place] if rare else every - did[place], every)
        )
        found.append((("repeated", code, -1), repeated[place], did[place]))
        for other in range(place):
            one_way, other_way = before[place, other], before[other, place]
            swap = one_way[0] > other_way[0] or (one_way[0] == other_way[0])
            pair = (codes[other], code) if swap else (code, codes[other])
            found.append((("before", *pair), other_way if swap else one_way, one_way + other_way))
        found += [
            (("handled", code, who), handled[place, who], did[place]) for who in range(len(steps.people))
        ]
    kept = [one for one in found if one[1][0] >= smallest and one[2][0] - one[1][0] >= smallest]
    thin = sum(1 for _, sums, _ in found if sums[0] > 0) - len(kept)
    left_out["pattern with too few cases"] += thin
    nothing = np.empty((0, 3), dtype=np.int64)
    sums = np.array([one[1] for one in kept]) if kept else nothing
    base = np.array([one[2] for one in kept]) if kept else nothing
    return Candidates("pattern", [one[0] for one in kept], sums, base, [base])


def _summed(
    steps: Steps, scores: NDArray[np.int64], threads: int | None, progress: Progress | None
) -> tuple[Sums, ...]:
    from dealtrace_engine.kernels.process_patterns import handled_sums, pattern_sums

    log, size = steps.log, len(steps.activities)
    places = np.full(len(log.activities), -1, dtype=np.int64)
    places[steps.activities] = np.arange(size)
    columns = log.activity_codes, log.case_offsets, steps.ends

    def summed(block: tuple[int, int]) -> tuple[Sums, ...]:
        did, repeated = np.zeros((size, 3), dtype=np.int64), np.zeros((size, 3), dtype=np.int64)
        before = np.zeros((size, size, 3), dtype=np.int64)
        handled = np.zeros((size, len(steps.people), 3), dtype=np.int64)
        pattern_sums(*columns, *block, places, scores, did, repeated, before)
        if steps.people:
            handled_sums(*columns, *block, places, steps.resources, scores, handled)
        return did, repeated, before, handled

    found = map_blocks(summed, blocks(log.case_offsets), threads=threads, progress=progress)
    return tuple(np.sum(parts, axis=0) for parts in zip(*found, strict=True))
