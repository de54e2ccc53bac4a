"""Chances made to fit what came of earlier ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEWTON_STEPS = 25
PRECISIONS = (4.0, 16.0)
"""Of the prior at no correction: half a unit of log odds, a quarter of a slope."""
LEAST_CHANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Recalibration:
    """The log odds of a chance are moved by `at` and stretched by `slope`.

    Attributes
    ----------
    at, slope : float
    covariance : ndarray of float64, shape (2, 2)
        Of both.

    References
    ----------
    D. R. Cox, "Two further applications of a model for binary regression", Biometrika 45, 1958. A. P. Dawid,
    "The well-calibrated Bayesian", Journal of the American Statistical Association 77, 1982.
    """

    at: float
    slope: float
    covariance: NDArray[np.float64]

    def of(self, chances: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return corrected chances; none and certainty stay what they are."""
        return _chances(_log_odds(chances) * self.slope + self.at, chances)

    def drawn(self, draws: int, dice: np.random.Generator) -> list[Recalibration]:
        """Return others that may as well be right."""
        root = np.linalg.cholesky(self.covariance)
        steps = dice.standard_normal((draws, 2)) @ root.T
        return [Recalibration(self.at + a, max(self.slope + b, 0.0), self.covariance)
                for a, b in steps.tolist()]  # fmt: skip


def recalibrated(chances: NDArray[np.float64], came: NDArray[np.bool_]) -> Recalibration:
    """Fit the correction by logistic regression, with a prior at none.

    Parameters
    ----------
    chances : ndarray of float64, shape (n,)
        Earlier ones.
    came : ndarray of bool, shape (n,)
        What came of them.

    Examples
    --------
    >>> fitted = recalibrated(np.full(10_000, 0.5), np.arange(10_000) < 3_000)
    >>> float(fitted.of(np.array([0.5]))[0].round(2))
    0.3
    """
    x = np.column_stack((np.ones(len(chances)), _log_odds(chances)))
    none, precision = np.array([0.0, 1.0]), np.diag(PRECISIONS)
    at, curvature = none.copy(), precision
    for _ in range(NEWTON_STEPS):
        expected = 1 / (1 + np.exp(-(x * at).sum(axis=1)))
        slope = (x * (came - expected)[:, None]).sum(axis=0) - precision @ (at - none)
        weights = expected * (1 - expected)
        curvature = (x[:, :, None] * x[:, None, :] * weights[:, None, None]).sum(axis=0) + precision
        step = np.linalg.solve(curvature, slope)
        at = at + step
        if float(np.abs(step).max()) < 1e-10:
            break
    return Recalibration(float(at[0]), float(at[1]), np.linalg.inv(curvature))


def _log_odds(chances: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(chances, LEAST_CHANCE, 1 - LEAST_CHANCE)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def _chances(log_odds: NDArray[np.float64], before: NDArray[np.float64]) -> NDArray[np.float64]:
    fixed = (before <= 0) | (before >= 1)
    return np.where(fixed, before, 1 / (1 + np.exp(-log_odds)))
