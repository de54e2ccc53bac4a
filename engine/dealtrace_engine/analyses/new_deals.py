"""Deals that do not exist yet: how many will begin, and what of them is won within the horizon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.deal_states import DealTimes
from dealtrace_engine.analyses.open_deals import FUTURES_A_DRAW, NEW, OpenDeals, Plan, summed
from dealtrace_engine.analyses.win_probability import Chances
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

    def chances(self) -> NDArray[np.float64]:
        """Return the chance of a deal like each of the recent ones to begin in the horizon and be won."""
        return np.asarray(self.deals.chances.new[self.places])


def new_futures(
    new: NewDeals, drawn: Chances, units: NDArray[np.int64], bags: NDArray[np.int64], count: int, plan: Plan
) -> NDArray[np.float64]:
    """Draw what is won within the horizon of deals that begin in it; see `futures`.

    Parameters
    ----------
    new : NewDeals
    drawn : Chances
        Those of the open deals.
    units : ndarray of int64, shape (weights, recent deals)
    bags : ndarray of int64, shape (recent deals,)
        -1 for those that are not added up.
    count : int
    plan : Plan

    Returns
    -------
    ndarray of float64, shape (samples, weights + 1, count)
        The last is the number of deals that begin.

    Notes
    -----
    Deals of a bag that begin alike have the same chance. Of a Poisson number of deals, each of which may be
    one of them and be won, those that are form a Poisson number as well, and so do those that are not won;
    all of these are independent (J. F. C. Kingman, "Poisson Processes", Clarendon Press, 1993, section 5.1).
    So only deals that are won are drawn one by one.
    """
    spread, cut, total = new.dispersion, new.deals.states.cut, float(new.counts.sum()) + 0.5
    shape = (count + 1, *drawn.new.shape[1:])
    cell = np.ravel_multi_index((bags + 1, *new.places), shape)
    order = np.argsort(cell, kind="stable")
    cells, starts, sizes = np.unique(cell[order], return_index=True, return_counts=True)
    bag, *places = np.unravel_index(cells, shape)
    chosen = bag > 0  # the others are in no bag
    starts, sizes, bag = starts[chosen], sizes[chosen], bag[chosen] - 1
    at, share = tuple(place[chosen] for place in places), sizes / len(new.recent)
    worth = units[:, order].astype(np.float64)

    def draw(number: int) -> NDArray[np.float64]:
        chance, dice = drawn.new[number][at], plan.dice(cut, NEW, number)
        mean = dice.gamma(total / spread, spread / new.days) * plan.days
        over = np.full(FUTURES_A_DRAW, mean)
        if spread > 1:
            over = dice.gamma(mean / (spread - 1), spread - 1, FUTURES_A_DRAW)
        won, not_won = (
            dice.poisson(np.outer(over, share * part)).ravel() for part in (chance, np.maximum(1 - chance, 0))
        )
        future, cell = np.indices((FUTURES_A_DRAW, len(sizes))).reshape(2, -1)
        own = np.repeat(cell, won)
        like = starts[own] + (dice.random(len(own)) * sizes[own]).astype(np.int64)
        money = summed(np.repeat(future, won), bag[own], worth[:, like], count)
        began = summed(future, bag[cell], (won + not_won)[None].astype(np.float64), count)
        return np.concatenate((money, began), axis=1)

    return np.concatenate(map_blocks(draw, range(plan.draws), threads=plan.threads))
