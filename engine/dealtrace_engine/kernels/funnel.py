"""When cases reach the steps of a funnel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel

NEVER = np.iinfo(np.int64).min


@kernel
def funnel_steps(
    activities: NDArray[Any],
    timestamps: NDArray[np.int64],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    until: int,
    strict: bool,
    step_offsets: NDArray[np.int64],
    steps: NDArray[np.int64],
    latest: NDArray[np.bool_],
    outcomes: NDArray[np.int8],
    times: NDArray[np.int64],
    counts: NDArray[np.int32],
    losses: NDArray[np.int64],
) -> None:
    """Write when each case reaches each step, how often, and when it is lost.

    The steps of activity a are ``steps[step_offsets[a]:step_offsets[a + 1]]``. If `strict`, a step counts
    only once the one before it is reached, by an earlier event. `latest`, shape (steps,): the last time
    counts. `outcomes`, shape (activities,): 1 the case is lost, -1 it is not, or no longer; nor is it once a
    further step follows. Events after `until` are not looked at. `times` and `counts`, shape
    (steps * cases,), step after step; `losses` has shape (cases,). What never happens is not written.
    """
    width = len(losses)
    for case in range(first, last):
        reached = 0
        stop = case_offsets[case + 1]
        while stop > case_offsets[case] and timestamps[stop - 1] > until:
            stop -= 1
        for event in range(case_offsets[case], stop):
            activity = activities[event]
            outcome = outcomes[activity]
            begin, end = step_offsets[activity], step_offsets[activity + 1]
            if outcome == 0 and begin == end:
                continue
            before = reached
            taken = False
            for place in range(begin, end):
                step = steps[place]
                if strict:
                    if step > before:
                        continue
                    if step == before:
                        reached += 1
                at = step * width + case
                if counts[at] == 0 or latest[step]:
                    times[at] = timestamps[event]
                counts[at] += 1
                taken = True
            if outcome == 1:
                losses[case] = timestamps[event]
            elif outcome == -1 or taken:
                losses[case] = NEVER
