"""Times from the first to the last event, and order within groups of durations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel


@kernel
def throughput_times(
    timestamps: NDArray[np.int64],
    case_offsets: NDArray[np.int64],
    first: int,
    last: int,
    out: NDArray[np.int64],
) -> None:
    """Write the last minus the first timestamp of each case to `out`."""
    for case in range(first, last):
        out[case] = timestamps[case_offsets[case + 1] - 1] - timestamps[case_offsets[case]]


@kernel
def sort_small_groups(
    values: NDArray[np.int64], offsets: NDArray[np.int64], first: int, last: int, largest: int
) -> None:
    """Sort each group of `values` with at most `largest` members, in place."""
    for group in range(first, last):
        begin, end = offsets[group], offsets[group + 1]
        if 1 < end - begin <= largest:
            values[begin:end].sort()
