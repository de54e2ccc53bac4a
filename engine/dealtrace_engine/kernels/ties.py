"""Equal timestamps within a case."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel


@kernel
def count_ties(
    activities: NDArray[Any],
    timestamps: NDArray[np.int64],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    seen: NDArray[np.int64],
    out: NDArray[np.int64],
) -> None:
    """Add to ``out[0]`` the events at the time of the one before, to ``out[1]`` repeats of an activity.

    `seen`, shape (activities,), holds -1 at first.
    """
    for case in range(first, last):
        start = case_offsets[case]
        for event in range(case_offsets[case], case_offsets[case + 1]):
            if event > case_offsets[case]:
                if timestamps[event] == timestamps[event - 1]:
                    out[0] += 1
                    if seen[activities[event]] == start:
                        out[1] += 1
                else:
                    start = event
            seen[activities[event]] = start
