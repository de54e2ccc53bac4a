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
    StateModel,
    bands_of,
    drawn_rates,
    fitted,
    steps_in_state,
    won_within,
)
from dealtrace_engine.parallel import Progress, map_blocks

DAY_US = 86_400_000_000
DRAWS_A_TASK, FUTURES_A_DRAW = 4, 25
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


@dataclass(frozen=True, eq=False)
class OpenDeals:
    """The deals that are open at an instant.

    Attributes
    ----------
    states : DealStates
    model : StateModel
        What was learned from the events until then.
    cases : ndarray of int64, shape (deals,)
        Rising.
    places : tuple of three ndarray of int64, each of shape (deals,)
        Band of amounts, state, and steps in it, as in `Outlook`.
    bands : ndarray of int64, shape (cases,)
        The band of amounts of each case of the log.
    """

    states: DealStates
    model: StateModel
    cases: NDArray[np.int64]
    places: tuple[NDArray[np.int64], ...]
    bands: NDArray[np.int64]

    @classmethod
    def at(cls, times: DealTimes, amounts: Amounts | None, cut: int) -> OpenDeals:
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
        return cls(states, model, cases, places, bands)

    def enough(self, smallest: int) -> bool:
        """Whether there are so many closed deals to learn from."""
        return self.model.closed >= smallest

    def soon(self, days: float) -> NDArray[np.float64]:
        """Return the chance of each to be won within so many days, shape (deals,)."""
        return np.asarray(won_within(self.model.rates, days)[self.places])


class Lookback:
    """Forecasts at an instant and one, two, ... horizons before, each made once, each from what was known.

    Parameters
    ----------
    times : DealTimes
    amounts : Amounts or None
    until : int
        Microseconds since 1970-01-01 UTC.
    plan : Plan
    """

    def __init__(self, times: DealTimes, amounts: Amounts | None, until: int, plan: Plan) -> None:
        self._times, self._amounts, self._until, self._plan = times, amounts, until, plan
        self._step, self._begun = int(plan.days * DAY_US), int(times.begun.min())
        self._deals: dict[int, OpenDeals] = {}
        self._chances: dict[int, NDArray[np.float64]] = {}
        self._corrections: dict[int, Recalibration] = {}
        self._states: dict[int, DealStates] = {}

    def cut(self, back: int) -> int:
        """Return the instant so many horizons before."""
        return self._until - back * self._step

    def can(self, back: int) -> bool:
        """Whether there were deals and enough closed ones then."""
        if self.cut(back) <= self._begun:
            return False
        return self.deals(back).enough(self._plan.smallest) and len(self.deals(back).cases) > 0

    def deals(self, back: int) -> OpenDeals:
        """Return the deals that were open then."""
        if back not in self._deals:
            self._deals[back] = OpenDeals.at(self._times, self._amounts, self.cut(back))
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
        return self.won_by(self.deals(back).cases, self.cut(back - 1))

    def won_by(self, cases: NDArray[np.int64], instant: int) -> NDArray[np.bool_]:
        """Return which deals were won by an instant."""
        return np.asarray(self._at(instant).outcome[cases] == 1)

    def base_rate(self, back: int) -> float:
        """Return the share of the deals open a horizon before that were won by then."""
        earlier = np.flatnonzero(self._at(self.cut(back + 1)).outcome == 0)
        return float(self.won_by(earlier, self.cut(back)).mean()) if len(earlier) else float("nan")

    def correction(self, back: int) -> Recalibration:
        """Return what the forecasts before teach, whose outcome was known by then."""
        if back not in self._corrections:
            self._corrections[back] = self._learned(back)
        return self._corrections[back]

    def _at(self, instant: int) -> DealStates:
        if instant not in self._states:
            self._states[instant] = states_at(self._times, instant)
        return self._states[instant]

    def _learned(self, back: int) -> Recalibration:
        before = [earlier for earlier in range(back + 1, back + 1 + LOOKED_BACK) if self.can(earlier)]
        nothing = [np.zeros(0)]
        chances = np.concatenate(nothing + [self._soon(earlier) for earlier in before])
        came = np.concatenate(nothing + [self.won(earlier) for earlier in before])
        return recalibrated(chances, came > 0)

    def soon(self, back: int) -> NDArray[np.float64]:
        """Return the chance of each deal to be won within the horizon, corrected."""
        return self.correction(back).of(self._soon(back))

    def _soon(self, back: int) -> NDArray[np.float64]:
        if back not in self._chances:
            self._chances[back] = self.deals(back).soon(self._plan.days)
        return self._chances[back]


def futures(
    deals: OpenDeals, correction: Recalibration, units: NDArray[np.int64], bags: NDArray[np.int64],
    count: int, plan: Plan,
) -> NDArray[np.float64]:  # fmt: skip
    """Draw what is won within the horizon: first the rates and their correction, then deal by deal.

    Parameters
    ----------
    deals : OpenDeals
    correction : Recalibration
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
    inside = bags >= 0
    places = tuple(place[inside] for place in deals.places)
    worth, bags = units[:, inside].astype(np.float64), bags[inside]
    draws = max(1, plan.samples // FUTURES_A_DRAW)

    def draw(first: int) -> NDArray[np.float64]:
        dice = np.random.default_rng([plan.seed, deals.states.cut & (2**63 - 1), first])
        rates = drawn_rates(deals.model, min(DRAWS_A_TASK, draws - first), dice)
        found, corrections = [], correction.drawn(len(rates), dice)
        for chances, corrected in zip(won_within(rates, plan.days), corrections, strict=True):
            chance = corrected.of(chances[places])
            for _ in range(FUTURES_A_DRAW):
                won = dice.random(len(chance)) < chance
                sums = [np.bincount(bags[won], weights=part[won], minlength=count) for part in worth]
                found.append(np.stack(sums))
        return np.stack(found)

    return np.concatenate(map_blocks(draw, range(0, draws, DRAWS_A_TASK), threads=plan.threads))


def bounds(drawn: NDArray[np.float64], confidence: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the interval of draws, shape (samples, ...)."""
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return low, high
