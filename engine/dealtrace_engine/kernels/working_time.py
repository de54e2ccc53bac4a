"""Working time between instants."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel

DAY = 86_400_000_000


@kernel
def elapsed(
    sources: NDArray[np.int64],
    targets: NDArray[np.int64],
    calendars: NDArray[np.int32],
    first: int,
    last: int,
    first_day: int,
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    worked: NDArray[np.int64],
    shift_offsets: NDArray[np.int64],
    shift_of_day: np.ndarray[tuple[int, int], np.dtype[np.int64]],
    out: NDArray[np.int64],
) -> None:
    """Write the working time of each pair, by its calendar.

    The shifts of calendar c are ``shift_offsets[c]:shift_offsets[c + 1]``: when they begin and end, and what
    was `worked` before them. ``shift_of_day[c, d]`` is the last one that has begun when day `first_day` + d
    (UTC) begins; there is always one. So an instant's shift is at most a day's shifts further on.
    """
    for pair in range(first, last):
        calendar = calendars[pair]
        beyond = shift_offsets[calendar + 1]
        total = 0
        for side in range(2):
            instant = sources[pair] if side == 0 else targets[pair]
            shift = shift_of_day[calendar, instant // DAY - first_day]
            while shift + 1 < beyond and begins[shift + 1] <= instant:
                shift += 1
            done = worked[shift] + min(instant, ends[shift]) - begins[shift]
            total = done - total
        out[pair] = total
