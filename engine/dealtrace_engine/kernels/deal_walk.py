"""What becomes of open deals, step by step back from a horizon."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine._jit import kernel


@kernel
def walk_back(
    stay: np.ndarray[tuple[int, int, int], np.dtype[np.float64]],
    moves: np.ndarray[tuple[int, int, int, int], np.dtype[np.float64]],
    ends: np.ndarray[tuple[int, int, int], np.dtype[np.float64]],
    bounds: NDArray[np.int64],
    steps: int,
    first: int,
    last: int,
    found: np.ndarray[tuple[int, int, int], np.dtype[np.float64]],
    entered: np.ndarray[tuple[int, int], np.dtype[np.float64]],
) -> None:
    """Go back from chances in `found`, shape (models, states, ages), by so many steps, for some models.

    In a step, a deal of a state and an age ends with the chance in `ends`, moves to another state, where it
    is of age 0, with that in `moves`, shape (models, states, states, bands), or stays with that in `stay`,
    shape (models, states, bands), and is older by one; the last age stays what it is. The ages of a band are
    ``bounds[band]:bounds[band + 1]``, shape (bands + 1,). The chances at age 0 after each step are added to
    `entered`, shape (models, states).
    """
    states, bands, oldest = stay.shape[1], stay.shape[2], found.shape[2] - 1
    new, begun = np.empty(bands, dtype=np.float64), np.empty(states, dtype=np.float64)
    older = np.empty(oldest + 1, dtype=np.float64)
    for model in range(first, last):
        for _ in range(steps):
            begun[:] = found[model, :, 0]
            for state in range(states):
                new[:] = ends[model, state]
                for target in range(states):
                    for band in range(bands):
                        new[band] += moves[model, state, target, band] * begun[target]
                older[:oldest] = found[model, state, 1:]
                older[oldest] = found[model, state, oldest]
                for band in range(bands):
                    there = found[model, state, bounds[band] : bounds[band + 1]]
                    then = older[bounds[band] : bounds[band + 1]]  # apart from it: so the loop is vectorised
                    stays, moved = stay[model, state, band], new[band]
                    for age in range(len(there)):
                        there[age] = stays * then[age] + moved
                entered[model, state] += found[model, state, 0]
