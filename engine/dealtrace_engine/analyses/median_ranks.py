"""Which values bound a median, whatever they are distributed like."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def median_ranks(sizes: NDArray[np.int64], confidence: float = 0.95) -> NDArray[np.int64]:
    """Return which smallest, and by symmetry which largest, value bounds the median; 0 of too few values.

    The interval from the k-th smallest to the k-th largest of n values holds the median of what they come
    from with at least the confidence, whatever its distribution.

    References
    ----------
    H. A. David and H. N. Nagaraja, *Order Statistics*, 3rd ed., Wiley 2003, section 7.1.

    Examples
    --------
    >>> median_ranks(np.array([5, 6, 10, 100])).tolist()
    [0, 1, 2, 40]
    """
    from scipy.stats import binom

    return np.asarray(binom.ppf((1 - confidence) / 2, sizes, 0.5)).astype(np.int64)
