"""When cases reach activities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel


@kernel
def first_and_last(
    activities: NDArray[Any],
    timestamps: NDArray[np.int64],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    wanted: NDArray[np.bool_],
    firsts: NDArray[np.int64],
    lasts: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    """Write when each case has a wanted activity first and last, and how often.

    `wanted` has shape (activities,). What never happens is not written.
    """
    for case in range(first, last):
        count = 0
        for event in range(case_offsets[case], case_offsets[case + 1]):
            if wanted[activities[event]]:
                if count == 0:
                    firsts[case] = timestamps[event]
                lasts[case] = timestamps[event]
                count += 1
        counts[case] = count
