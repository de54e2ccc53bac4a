"""Deals that do not exist yet: how many will begin, and what of them is won within the horizon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.deal_states import DealTimes
from dealtrace_engine.analyses.open_deals import DRAWS_A_TASK, FUTURES_A_DRAW, OpenDeals, Plan
from dealtrace_engine.analyses.win_probability import drawn_rates, won_of_new
from dealtrace_engine.parallel import map_blocks

DAY_US = 86_400_000_000
WINDOW_DAYS, WINDOWS = 30, 6
"""Deals that began in the last 6 times 30 days say how many will begin, and of which kind they will be."""
LEAST_WINDOWS = 2


@dataclass(frozen=True, eq=False)
class NewDeals:
    """What is known by an instant of the deals that will begin after it.

    Attributes
    ----------
    deals : OpenDeals
        What is known of the others.
    recent : ndarray of int64, shape (n,)
        Deals that began in the last windows.
    places : tuple of two ndarray of int64, each of shape (n,)
        The band of amounts of each, and the state in which it began.
    counts : ndarray of int64, shape (windows,)
        How many began in each, the latest first; only of windows since the first deal of the log began.

    Notes
    -----
    The number of deals that begin is a Poisson process at a rate that stays what it was: no trend, no season.
    Its rate is drawn from its gamma posterior with Jeffreys' prior, and the number from the Poisson
    distribution at that rate; where the windows differ by more than that, both variances are multiplied by
    their Pearson dispersion (a negative binomial distribution). Each new deal is like one of the recent ones,
    drawn with replacement: of its group and amount, and begun in the state in which that one did, at any
    instant of the horizon alike. From there the rates of `StateModel` lead on.

    References
    ----------
    A. Gelman et al., "Bayesian Data Analysis", 3rd ed., CRC Press, 2013, section 2.6 (gamma and Poisson).
    P. McCullagh and J. A. Nelder, "Generalized Linear Models", 2nd ed., Chapman & Hall, 1989, section 6.2
    (dispersion of counts).
    """

    deals: OpenDeals
    recent: NDArray[np.int64]
    places: tuple[NDArray[np.int64], NDArray[np.int64]]
    counts: NDArray[np.int64]

    @classmethod
    def after(cls, times: DealTimes, deals: OpenDeals) -> NewDeals:
        """Learn from the deals that had begun by the instant of others."""
        cut, width = deals.states.cut, WINDOW_DAYS * DAY_US
        windows = min(WINDOWS, max(0, (cut - int(times.begun.min())) // width))
        ago = (cut - times.begun) // width
        recent = np.flatnonzero((times.begun <= cut) & (ago < windows))
        begun = times.firsts[:, recent] <= times.begun[recent]
        begun[0] = True
        states = len(begun) - 1 - np.argmax(begun[::-1], axis=0)
        counts = np.bincount(ago[recent], minlength=windows).astype(np.int64)
        return cls(deals, recent, (deals.bands[recent], states), counts)

    @property
    def days(self) -> int:
        """Days of the windows."""
        return WINDOW_DAYS * len(self.counts)

    @property
    def dispersion(self) -> float:
        """Pearson's dispersion of the counts, at least that of the Poisson distribution.

        Examples
        --------
        >>> nothing = np.zeros(0, dtype=np.int64)
        >>> counts = np.array([10, 30])
        >>> NewDeals(None, nothing, (nothing, nothing), counts).dispersion
        10.0
        """
        mean = self.counts.mean()
        return max(1.0, float(((self.counts - mean) ** 2).sum() / mean / (len(self.counts) - 1)))

    def note(self) -> str | None:
        """Return why nothing can be said, or None."""
        if len(self.counts) < LEAST_WINDOWS:
            return f"not enough data: less than {LEAST_WINDOWS * WINDOW_DAYS} days of history"
        return None if len(self.recent) else f"not enough data: no deal began in the last {self.days} days"

    def expected(self, days: float) -> float:
        """Return how many of each of the recent ones are expected to begin in so many days."""
        return days / self.days

    def chances(self, days: float) -> NDArray[np.float64]:
        """Return the chance of a deal like each of the recent ones to begin in so many days and be won."""
        return np.asarray(won_of_new(self.deals.model.rates, days)[self.places])


def new_futures(
    new: NewDeals, units: NDArray[np.int64], bags: NDArray[np.int64], count: int, plan: Plan
) -> NDArray[np.float64]:
    """Draw what is won within the horizon of deals that begin in it; see `futures`.

    Parameters
    ----------
    new : NewDeals
    units : ndarray of int64, shape (weights, recent deals)
    bags : ndarray of int64, shape (recent deals,)
        -1 for those that are not added up.
    count : int
    plan : Plan

    Returns
    -------
    ndarray of float64, shape (samples, weights + 1, count)
        The last is the number of deals that begin.
    """
    draws, spread, cut = max(1, plan.samples // FUTURES_A_DRAW), new.dispersion, new.deals.states.cut
    worth, total = units.astype(np.float64), float(new.counts.sum()) + 0.5

    def draw(first: int) -> NDArray[np.float64]:
        seeds, size = [plan.seed, cut & (2**63 - 1), first], min(DRAWS_A_TASK, draws - first)
        rates = drawn_rates(new.deals.model, size, np.random.default_rng(seeds))  # those of the open deals
        dice, found = np.random.default_rng([*seeds, 1]), []
        for chances in won_of_new(rates, plan.days):
            chance = chances[new.places]
            mean = dice.gamma(total / spread, spread / new.days) * plan.days
            for _ in range(FUTURES_A_DRAW):
                over = dice.gamma(mean / (spread - 1), spread - 1) if spread > 1 else mean
                like = dice.integers(0, len(new.recent), dice.poisson(over))
                like = like[bags[like] >= 0]
                won = like[dice.random(len(like)) < chance[like]]
                sums = [np.bincount(bags[won], weights=part[won], minlength=count) for part in worth]
                found.append(np.stack([*sums, np.bincount(bags[like], minlength=count)]))
        return np.stack(found)

    return np.concatenate(map_blocks(draw, range(0, draws, DRAWS_A_TASK), threads=plan.threads))
