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
    band_of_age: NDArray[np.int64],
    steps: int,
    first: int,
    last: int,
    found: np.ndarray[tuple[int, int, int], np.dtype[np.float64]],
) -> None:
    """Go back from chances in `found`, shape (models, states, ages), by so many steps, for some models.

    In a step, a deal of a state and an age ends with the chance in `ends`, moves to another state, where it
    is of age 0, with that in `moves`, shape (models, states, bands, states), or stays with that in `stay`,
    shape (models, states, bands), and is older by one; the last age stays what it is. `band_of_age` has shape
    (ages,).
    """
    states, bands, ages = stay.shape[1], stay.shape[2], len(band_of_age)
    new = np.empty((states, bands), dtype=np.float64)
    for model in range(first, last):
        for _ in range(steps):
            for state in range(states):
                for band in range(bands):
                    total = ends[model, state, band]
                    for target in range(states):
                        total += moves[model, state, band, target] * found[model, target, 0]
                    new[state, band] = total
            for state in range(states):
                for age in range(ages):
                    band = band_of_age[age]
                    older = age + 1 if age + 1 < ages else age
                    found[model, state, age] = (
                        stay[model, state, band] * found[model, state, older] + new[state, band]
                    )
