"""Sums of violations of rules, by cell (group and currency)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel

VIOLATING, ACCEPTED, VIOLATIONS, LATE, LATE_HIGH, SUMS = range(6)
"""Sums: cases that violate a rule, those that are accepted; violations and their delays, these aside.

Delays are in two limbs, the lower of `LIMB` bits, as those of many cases do not fit 64 bits.
"""
LIMB = 32
Cube = np.ndarray[tuple[int, int, int], np.dtype[np.int64]]


@kernel
def sum_violations(
    rules: NDArray[np.int64], cases: NDArray[np.int64], late: NDArray[np.int64], accepted: NDArray[np.bool_],
    cells: NDArray[np.int32], sums: Cube, broken: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Add violations, by rule and case, to `sums`, shape (SUMS, cells, rules), and say which cases have any.

    Delays that are negative have no meaning.
    """
    rule_before, case_before = -1, -1
    for place in range(len(rules)):
        rule, case, cell = rules[place], cases[place], cells[cases[place]]
        new = rule != rule_before or case != case_before
        rule_before, case_before = rule, case
        if accepted[place]:
            sums[ACCEPTED, cell, rule] += new
            continue
        sums[VIOLATING, cell, rule] += new
        sums[VIOLATIONS, cell, rule] += 1
        delay = max(late[place], 0)
        sums[LATE, cell, rule] += delay & ((1 << LIMB) - 1)
        sums[LATE_HIGH, cell, rule] += delay >> LIMB
        broken[case] = True
