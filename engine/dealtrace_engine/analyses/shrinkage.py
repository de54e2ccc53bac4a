"""Effects of many groups, of which few say much: each is drawn to the average as far as it is uncertain."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.rate_intervals import normal_quantile

Floats = NDArray[np.float64]
FEWEST = 4
"""Groups from which the spread between groups can be told."""
MOST_DRAWN = 1.0
"""Standard errors of its own by which an effect is drawn at most."""


class Shrunk(NamedTuple):
    """Effects drawn to their average.

    Attributes
    ----------
    effects, low, high : ndarray of float64, shape (groups,)
    weights : ndarray of float64, shape (groups,)
        How much of a group's own figure counts, but for the limit: 1 is all of it.
    spread : float
        Standard deviation between groups that is not chance; NaN where there are too few.
    """

    effects: Floats
    low: Floats
    high: Floats
    weights: Floats
    spread: float


def shrunk(effects: Floats, variances: Floats, confidence: float = 0.95) -> Shrunk:
    """Return what to believe of the effects of groups, by parametric empirical Bayes.

    The variance between groups is estimated by moments (DerSimonian and Laird), effects and intervals as
    Morris does, who counts in that it is only estimated. With fewer than `FEWEST` groups nothing is shrunk.

    That takes effects for normal, so that the one group that is truly far off would vanish among many that
    are alike. No effect is therefore drawn by more than `MOST_DRAWN` standard errors (limited translation),
    and the interval of one that would be then holds that without shrinkage, too.

    Parameters
    ----------
    effects, variances : ndarray of float64, shape (groups,)
        Of each group; variances above zero.
    confidence : float
        Of the intervals.

    References
    ----------
    C. N. Morris, "Parametric empirical Bayes inference: theory and applications", Journal of the American
    Statistical Association 78(381), 1983. R. DerSimonian, N. Laird, "Meta-analysis in clinical trials",
    Controlled Clinical Trials 7(3), 1986. B. Efron, C. Morris, "Limiting the risk of Bayes and empirical
    Bayes estimators - part II: the empirical Bayes case", Journal of the American Statistical Association
    67(337), 1972.

    Examples
    --------
    >>> found = shrunk(np.array([-4.0, -1.0, 0.0, 1.0, 4.0]), np.ones(5))
    >>> found.effects.round(2).tolist(), round(found.spread, 2)
    ([-3.76, -0.94, 0.0, 0.94, 3.76], 2.74)
    """
    z, k, errors = normal_quantile(confidence), len(effects), np.sqrt(variances)
    low, high = effects - z * errors, effects + z * errors
    if k < FEWEST:
        return Shrunk(effects, low, high, np.ones(k), float("nan"))
    between = _between(effects, variances)
    precision = 1 / (variances + between)
    middle = float((precision * effects).sum() / precision.sum())
    drawn = (k - 3) / (k - 1) * variances * precision
    wanted, most = drawn * (effects - middle), MOST_DRAWN * errors
    shift = np.clip(wanted, -most, most)
    found = effects - shift
    leverage = precision / precision.sum()
    variance = variances * (1 - (1 - leverage) * drawn) + 2 / (k - 3) * shift**2
    reach = z * np.sqrt(variance)
    limited = np.abs(wanted) > most
    low = np.minimum(found - reach, np.where(limited, low, np.inf))
    high = np.maximum(found + reach, np.where(limited, high, -np.inf))
    return Shrunk(found, low, high, 1 - drawn, float(np.sqrt(between)))


def _between(effects: Floats, variances: Floats) -> float:
    """Return the variance between groups, beyond that within them."""
    w = 1 / variances
    middle = (w * effects).sum() / w.sum()
    excess = (w * (effects - middle) ** 2).sum() - (len(effects) - 1)
    return max(0.0, float(excess / (w.sum() - (w**2).sum() / w.sum())))
