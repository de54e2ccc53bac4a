"""The deals that are open at an instant, what becomes of them, and what that adds up to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.deal_states import DealStates, DealTimes, states_at
from dealtrace_engine.analyses.money import Amounts
from dealtrace_engine.analyses.recalibration import Recalibration, recalibrated
from dealtrace_engine.analyses.win_probability import (
    BAND_EDGES,
    Chances,
    StateModel,
    bands_of,
    drawn_rates,
    fitted,
    steps_in_state,
    won_within,
)
from dealtrace_engine.parallel import Progress, map_blocks

DAY_US = 86_400_000_000
DRAWS_A_TASK, FUTURES_A_DRAW = 8, 25
RATES, OPEN, NEW = range(3)
"""What dice are for."""
LOOKED_BACK = 3
"""So many earlier forecasts correct one."""


@dataclass(frozen=True)
class Plan:
    """How to look ahead.

    Attributes
    ----------
    days : float
        The horizon.
    samples : int
        Futures that are drawn.
    confidence : float
        Of the interval.
    smallest : int
        So many closed deals make a forecast.
    seed : int
    threads : int or None
    progress : callable or None
    """

    days: float
    samples: int
    confidence: float
    smallest: int
    seed: int
    threads: int | None = None
    progress: Progress | None = None

    @property
    def draws(self) -> int:
        """How many rates are drawn; from each come `FUTURES_A_DRAW` futures."""
        return max(1, self.samples // FUTURES_A_DRAW)

    def dice(self, cut: int, *what: int) -> np.random.Generator:
        """Return the same dice for the same seed, instant and use, whoever throws them first."""
        return np.random.default_rng([self.seed, cut & (2**63 - 1), *what])


@dataclass(frozen=True, eq=False)
class OpenDeals:
    """The deals that are open at an instant.

    Attributes
    ----------
    states : DealStates
    model : StateModel
        What was learned from the events until then.
    chances : Chances
        Those of its rates.
    cases : ndarray of int64, shape (deals,)
        Rising.
    places : tuple of three ndarray of int64, each of shape (deals,)
        Band of amounts, state, and steps in it, as in `Outlook`.
    bands : ndarray of int64, shape (cases,)
        The band of amounts of each case of the log.
    """

    states: DealStates
    model: StateModel
    chances: Chances
    cases: NDArray[np.int64]
    places: tuple[NDArray[np.int64], ...]
    bands: NDArray[np.int64]

    @classmethod
    def at(cls, times: DealTimes, amounts: Amounts | None, cut: int, days: float) -> OpenDeals:
        """Find them from the events up to an instant alone."""
        states = states_at(times, cut)
        cases = np.flatnonzero(states.outcome == 0)
        bands = np.zeros(len(times.begun), dtype=np.int64)
        begun = times.begun <= cut
        if amounts is not None:
            for place in range(len(amounts.currencies)):
                own = begun & (amounts.of_case == place)
                bands[own] = bands_of(amounts.units[own], amounts.known[own])
        model = fitted(times, cut, bands, len(BAND_EDGES) + 1 if amounts else 1)
        places = (bands[cases], states.state[cases], steps_in_state(states, cases))
        return cls(states, model, won_within(model.rates, days), cases, places, bands)

    def enough(self, smallest: int) -> bool:
        """Whether there are so many closed deals to learn from."""
        return self.model.closed >= smallest

    def soon(self) -> NDArray[np.float64]:
        """Return the chance of each to be won within the horizon, shape (deals,)."""
        return np.asarray(self.chances.open[self.places])

    def drawn(self, plan: Plan) -> Chances:
        """Draw chances from what is not known about the rates; their first axis has shape (draws,)."""

        def draw(first: int) -> Chances:
            dice = plan.dice(self.states.cut, RATES, first)
            return won_within(drawn_rates(self.model, min(DRAWS_A_TASK, plan.draws - first), dice), plan.days)

        found = map_blocks(draw, range(0, plan.draws, DRAWS_A_TASK), threads=plan.threads)
        return Chances(*(np.concatenate([getattr(one, name) for one in found]) for name in ("open", "new")))


class Lookback:
    """Forecasts at an instant and one, two, ... horizons before, each made once, each from what was known.

    Parameters
    ----------
    times : DealTimes
    amounts : Amounts or None
    until : int
        Microseconds since 1970-01-01 UTC.
    plan : Plan
    most : int
        How far to look back, in horizons.
    """

    def __init__(self, times: DealTimes, amounts: Amounts | None, until: int, plan: Plan, most: int) -> None:
        self._times, self._until, self._plan, self._step = times, until, plan, int(plan.days * DAY_US)
        backs = range(1 + (until - int(times.begun.min()) - 1) // self._step)
        wanted = [0, *backs[1 : 1 + most + LOOKED_BACK]]
        self._deals = map_blocks(
            lambda back: OpenDeals.at(times, amounts, self.cut(back), plan.days), wanted, threads=plan.threads
        )
        self._corrections: dict[int, Recalibration] = {}

    def cut(self, back: int) -> int:
        """Return the instant so many horizons before."""
        return self._until - back * self._step

    def can(self, back: int) -> bool:
        """Whether there were deals and enough closed ones then."""
        there = back < len(self._deals)
        return there and self.deals(back).enough(self._plan.smallest) and len(self.deals(back).cases) > 0

    def deals(self, back: int) -> OpenDeals:
        """Return the deals that were open then."""
        return self._deals[back]

    def came(self, back: int) -> NDArray[np.int64]:
        """Return the deals that began within the horizon after it."""
        begun = self._times.begun
        return np.flatnonzero((begun > self.cut(back)) & (begun <= self.cut(back - 1)))

    @property
    def times(self) -> DealTimes:
        """When deals reach what."""
        return self._times

    def won(self, back: int) -> NDArray[np.bool_]:
        """Return which of them were won within a horizon."""
        return self.won_by(self.deals(back).cases, back - 1)

    def won_by(self, cases: NDArray[np.int64], back: int) -> NDArray[np.bool_]:
        """Return which deals were won by then."""
        return np.asarray(self._states(back).outcome[cases] == 1)

    def base_rate(self, back: int) -> float:
        """Return the share of the deals open a horizon before that were won by then."""
        earlier = np.flatnonzero(self._states(back + 1).outcome == 0)
        return float(self.won_by(earlier, back).mean()) if len(earlier) else float("nan")

    def correction(self, back: int) -> Recalibration:
        """Return what the forecasts before teach, whose outcome was known by then."""
        if back not in self._corrections:
            self._corrections[back] = self._learned(back)
        return self._corrections[back]

    def _states(self, back: int) -> DealStates:
        if back < len(self._deals):
            return self._deals[back].states
        return states_at(self._times, self.cut(back))

    def _learned(self, back: int) -> Recalibration:
        before = [earlier for earlier in range(back + 1, back + 1 + LOOKED_BACK) if self.can(earlier)]
        nothing = [np.zeros(0)]
        chances = np.concatenate(nothing + [self.deals(earlier).soon() for earlier in before])
        came = np.concatenate(nothing + [self.won(earlier) for earlier in before])
        return recalibrated(chances, came > 0)

    def soon(self, back: int) -> NDArray[np.float64]:
        """Return the chance of each deal to be won within the horizon, corrected."""
        return self.correction(back).of(self.deals(back).soon())


def futures(
    deals: OpenDeals, drawn: Chances, correction: Recalibration, units: NDArray[np.int64],
    bags: NDArray[np.int64], count: int, plan: Plan,
) -> NDArray[np.float64]:  # fmt: skip
    """Draw what is won within the horizon: from chances that were drawn, deal by deal.

    Parameters
    ----------
    deals : OpenDeals
    drawn : Chances
        See `OpenDeals.drawn`.
    correction : Recalibration
        Drawn again for each of them.
    units : ndarray of int64, shape (weights, deals)
        What each is worth, in one way or several.
    bags : ndarray of int64, shape (deals,)
        What they are added up by, from 0 to `count` - 1; -1 for those that are not.
    count : int
    plan : Plan

    Returns
    -------
    ndarray of float64, shape (samples, weights, count)
    """
    inside, cut = bags >= 0, deals.states.cut
    places = tuple(place[inside] for place in deals.places)
    worth, bags = units[:, inside].astype(np.float64), bags[inside]
    corrections = correction.drawn(plan.draws, plan.dice(cut, OPEN))

    def draw(number: int) -> NDArray[np.float64]:
        chance, dice = corrections[number].of(drawn.open[number][places]), plan.dice(cut, OPEN, number)
        future, won = np.nonzero(dice.random((FUTURES_A_DRAW, len(chance))) < chance)
        return summed(future, bags[won], worth[:, won], count)

    return np.concatenate(map_blocks(draw, range(plan.draws), threads=plan.threads))


def summed(
    future: NDArray[np.int64], bags: NDArray[np.int64], worth: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    """Add up what deals are worth, by the future and the bag of each.

    Examples
    --------
    >>> found = summed(np.array([0, 2, 2]), np.array([1, 0, 0]), np.array([[5.0, 2.0, 3.0]]), 2)
    >>> found.shape, found[:3, 0].tolist()
    ((25, 1, 2), [[0.0, 5.0], [0.0, 0.0], [5.0, 0.0]])
    """
    keys, size = future * count + bags, FUTURES_A_DRAW * count
    sums = [np.bincount(keys, weights=part, minlength=size).reshape(-1, count) for part in worth]
    return np.stack(sums, axis=1)


def bounds(drawn: NDArray[np.float64], confidence: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the interval of draws, shape (samples, ...)."""
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return low, high
