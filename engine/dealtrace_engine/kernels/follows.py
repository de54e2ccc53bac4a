"""How often activities occur, for logs with so many of them that pairs are sorted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel


@kernel
def count_activities(
    activities: NDArray[Any],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    seen: NDArray[np.int64],
    counts: np.ndarray[tuple[int, int], np.dtype[np.int64]],
) -> None:
    """Add to ``counts[a]`` the events, cases, starts and ends of activity a.

    `seen`, shape (activities,), holds -1 at first; `counts` has shape (activities, 4).
    """
    for case in range(first, last):
        begin, end = case_offsets[case], case_offsets[case + 1]
        counts[activities[begin], 2] += 1
        counts[activities[end - 1], 3] += 1
        for event in range(begin, end):
            activity = activities[event]
            counts[activity, 0] += 1
            if seen[activity] != case:
                seen[activity] = case
                counts[activity, 1] += 1
