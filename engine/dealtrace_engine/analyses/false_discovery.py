"""Control of how many of the things found are found by chance."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.errors import ArgumentError

Control = Literal["by", "bh"]


def adjusted_p_values(p_values: NDArray[np.float64], control: Control = "by") -> NDArray[np.float64]:
    """Return p-values adjusted for how many there are: what is at most 0.05 is found at a rate of 5 %.

    Parameters
    ----------
    p_values : ndarray of float64, shape (n,)
    control : {"by", "bh"}
        Benjamini-Yekutieli, which holds whatever the tests have to do with each other, or
        Benjamini-Hochberg, which finds more and holds for tests that are independent or agree.

    Raises
    ------
    ArgumentError
        There is no such control.

    References
    ----------
    Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate", JRSS B 57, 1995; Y. Benjamini and
    D. Yekutieli, "The control of the false discovery rate in multiple testing under dependency", Annals of
    Statistics 29, 2001.

    Examples
    --------
    >>> adjusted_p_values(np.array([0.01, 0.04, 0.03]), "bh").round(3).tolist()
    [0.03, 0.04, 0.04]
    >>> adjusted_p_values(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.055, 0.073, 0.073]
    """
    if control not in ("by", "bh"):
        raise ArgumentError(f"the control of false discoveries is 'by' or 'bh', got {control!r}")
    if len(p_values) == 0:
        return p_values.copy()
    from scipy.stats import false_discovery_control

    adjusted: NDArray[np.float64] = false_discovery_control(p_values, method=control)
    return adjusted
