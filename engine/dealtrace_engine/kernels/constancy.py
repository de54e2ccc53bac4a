"""Whether a column is an attribute of the case."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel


@kernel
def constant_within_cases(
    codes: NDArray[np.int32], case_offsets: NDArray[np.int64], first: int, last: int
) -> bool:
    """Whether all events of each case have one code."""
    for case in range(first, last):
        code = codes[case_offsets[case]]
        for event in range(case_offsets[case] + 1, case_offsets[case + 1]):
            if codes[event] != code:
                return False
    return True
