"""How open deals will go on: rates of moving between states by age, from all deals, open ones too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.deal_states import DealStates, DealTimes, visits_until

DAY_US, DAY_SECONDS = 86_400_000_000, 86_400
AGES = (0, 1, 2, 4, 7, 14, 21, 30, 45, 60, 90, 120, 180)
"""Days in a state at which its rates may change."""
PRIOR = 1.0
"""So many moves' worth of the rates at the age before are mixed into those at each age."""
BAND_PRIOR = 10.0
"""So many moves' worth of the rates of all deals are mixed into those of each band of amounts."""
BAND_EDGES = (0.5, 0.85)
"""Quantiles of the amounts between bands: few large deals are most of the money."""
STEPS_A_DAY = 2
LONGEST_DAYS = 720
"""Deals are followed so far into the future; what is open then is taken for neither won nor closed."""


@dataclass(frozen=True, eq=False)
class StateModel:
    """Rates per day of moving from each state, at each age, to each other state, to won and to lost.

    Attributes
    ----------
    moves : ndarray of float64, shape (bands, states, ages, states + 2)
        Counted, with the prior.
    days : ndarray of float64, shape (bands, states, ages)
        In which they were counted, with the prior.
    closed, won : int
        Deals that the model has seen to their end, and those of them that were won.
    exits : ndarray of int64, shape (states,)
        Stays in each state that ended.

    Notes
    -----
    A semi-Markov model in continuous time with piecewise constant rates: occurrences by exposure, so that
    deals that are still open count for as long as they were watched. Rates at an age are shrunk towards those
    at the age before, which are taken to fall with age; those of a band of amounts towards those of all.

    References
    ----------
    O. O. Aalen, O. Borgan and H. K. Gjessing, "Survival and Event History Analysis", Springer, 2008,
    chapters 3 and 5.
    """

    moves: NDArray[np.float64]
    days: NDArray[np.float64]
    closed: int
    won: int
    exits: NDArray[np.int64]

    @property
    def rates(self) -> NDArray[np.float64]:
        """Moves per day."""
        return self.moves / self.days[..., None]


def fitted(times: DealTimes, cut: int, bands: NDArray[np.int64], count: int) -> StateModel:
    """Learn from the events up to an instant alone.

    Parameters
    ----------
    times : DealTimes
    cut : int
        Microseconds since 1970-01-01 UTC.
    bands : ndarray of int64, shape (cases,)
        The band of amounts of each deal.
    count : int
        How many bands there are.
    """
    visits, states = visits_until(times, cut), len(times.states)
    seconds = np.array(AGES, dtype=np.int64) * DAY_SECONDS
    stayed = visits.stayed // 1_000_000  # whole: sums of them are exact, whatever the order of the deals
    place = bands[visits.case] * states + visits.state
    age = np.searchsorted(seconds, stayed, side="right") - 1
    at, shape = place * len(AGES) + age, (count * states, len(AGES))
    spent = np.bincount(at, weights=stayed - seconds[age], minlength=shape[0] * shape[1]).reshape(shape)
    older = np.bincount(at, minlength=shape[0] * shape[1]).reshape(shape)[:, ::-1].cumsum(axis=1)[:, ::-1]
    spent[:, :-1] += older[:, 1:] * np.diff(seconds)
    ended = visits.exit >= 0
    target = at[ended] * (states + 2) + visits.exit[ended]
    moves = np.bincount(target, minlength=count * states * len(AGES) * (states + 2)).astype(np.float64)
    moves = moves.reshape(count, states, len(AGES), states + 2)
    days = spent.reshape(count, states, len(AGES)) / DAY_SECONDS
    closed, exits = visits.exit[ended], moves.sum(axis=(0, 2, 3)).astype(np.int64)
    all_moves, all_days = moves.sum(axis=0), days.sum(axis=0)
    _shrink(all_moves, all_days)
    total = all_moves.sum(axis=-1)
    known = total > 0
    share = np.where(known, BAND_PRIOR / np.where(known, total, 1), 1.0)
    won = int((closed == states).sum())
    return StateModel(moves + all_moves * share[..., None], days + all_days * share,
                      won + int((closed == states + 1).sum()), won, exits)  # fmt: skip


def bands_of(units: NDArray[np.int64], known: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the band of each amount among those that are known; the first where it is not.

    Examples
    --------
    >>> bands_of(np.arange(8), np.arange(8) > 0).tolist()
    [0, 0, 0, 0, 1, 1, 1, 2]
    """
    if not known.any():
        return np.zeros(len(units), dtype=np.int64)
    edges = np.quantile(units[known], BAND_EDGES, method="higher")
    return np.where(known, np.searchsorted(edges, units, side="right"), 0).astype(np.int64)


def _shrink(moves: NDArray[np.float64], days: NDArray[np.float64]) -> None:
    """Mix into the counts at each age some at the rates of the age before, which fall as ages grow.

    At the first age they are those of the state as a whole. What is rarely seen is old deals, and those move
    less: rates that were shrunk to the mean of the state would see them won.
    """
    before = moves.sum(axis=1) / np.maximum(days.sum(axis=1), 1.0)[:, None]
    middles = np.append(np.add(AGES[:-1], AGES[1:]) / 2, 1.5 * AGES[-1])
    falls = np.append(1.0, middles[:-1] / middles[1:])
    for age, fall in enumerate(falls):
        total = before.sum(axis=1) * fall
        known = total > 0
        moves[known, age] += PRIOR * (before[known] * fall) / total[known, None]
        days[known, age] += PRIOR / total[known]
        days[~known, age] += 1.0
        before = moves[:, age] / days[:, age, None]


@dataclass(frozen=True, eq=False)
class Outlook:
    """What becomes of deals, by band of amounts, state and steps in it.

    Attributes
    ----------
    soon : ndarray of float64, shape (bands, states, steps)
        Probability of being won within the horizon.
    ever : ndarray of float64, shape (bands, states, steps)
        Probability of being won.
    closing_days : ndarray of float64, shape (bands, states, steps)
        Median days until won or lost; NaN where fewer than half are closed in `LONGEST_DAYS`.
    """

    soon: NDArray[np.float64]
    ever: NDArray[np.float64]
    closing_days: NDArray[np.float64]


def _bounds() -> NDArray[np.int64]:
    """Return where each of `AGES` begins in the steps in a state, and how many steps there are.

    The last step stands for all that are older.
    """
    return np.array([*(STEPS_A_DAY * age for age in AGES), STEPS_A_DAY * AGES[-1] + 1])


def steps_in_state(states: DealStates, cases: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the steps that deals have been in their state, as places in `Outlook`."""
    steps = (states.cut - states.since[cases]) * STEPS_A_DAY // DAY_US
    return np.minimum(steps, STEPS_A_DAY * AGES[-1])


class _Walk:
    """The chances of each move in a step, and how to go back by steps."""

    def __init__(self, rates: NDArray[np.float64]) -> None:
        total = rates.sum(axis=-1, keepdims=True)
        left = -np.expm1(-total / STEPS_A_DAY)  # who stays is right; a move comes half a step late
        chances = rates * (left / np.where(total > 0, total, 1))
        states, ages = chances.shape[-3:-1]
        self.shape = (*rates.shape[:-2], STEPS_A_DAY * AGES[-1] + 1)
        chances = chances.reshape(-1, states, ages, states + 2)
        self._stay = 1 - chances.sum(axis=-1)
        self._moves = np.ascontiguousarray(chances[..., :states].swapaxes(2, 3))
        self.won = np.ascontiguousarray(chances[..., states])
        self.ended = chances[..., states:].sum(axis=-1)
        self._bounds = _bounds()

    def back(self, found: NDArray[np.float64], ends: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
        """Go back from the chances in `found`, which are overwritten; return the sums of those at age 0."""
        from dealtrace_engine.kernels.deal_walk import walk_back

        flat = found.reshape(-1, *found.shape[-2:])
        entered = np.zeros((len(flat), found.shape[-2]))
        walk_back(self._stay, self._moves, ends, self._bounds, steps, 0, len(flat), flat, entered)
        return entered.reshape(found.shape[:-1])


@dataclass(frozen=True, eq=False)
class Chances:
    """The chance to be won within a horizon.

    Attributes
    ----------
    open : ndarray of float64, shape (..., states, steps)
        Of deals that are open, by state and steps in it.
    new : ndarray of float64, shape (..., states)
        Of deals that begin at any time in the horizon alike, by the state in which they begin.
    """

    open: NDArray[np.float64]
    new: NDArray[np.float64]


def won_within(rates: NDArray[np.float64], days: float) -> Chances:
    """Return the chance to be won within so many days.

    Parameters
    ----------
    rates : ndarray of float64, shape (..., states, ages, states + 2)
    days : float

    Examples
    --------
    >>> rates = np.zeros((1, 1, len(AGES), 3))
    >>> rates[..., 1] = 0.1  # of being won, per day
    >>> found = won_within(rates, 10)
    >>> found.open[..., 0].round(2).tolist(), found.new.round(2).tolist(), round(float(np.exp(-1)), 2)
    ([[0.63]], [[0.37]], 0.37)
    """
    walk, steps = _Walk(rates), max(1, round(days * STEPS_A_DAY))
    found = np.zeros(walk.shape)
    entered = walk.back(found, walk.won, steps)
    return Chances(found, (entered - found[..., 0] / 2) / steps)


def outlook(model: StateModel, days: float) -> Outlook:
    """Follow deals from every state and age."""
    walk = _Walk(model.rates)
    won, closed = np.zeros(walk.shape), np.zeros(walk.shape)
    median = np.full(walk.shape, np.nan)
    for step in range(1, LONGEST_DAYS * STEPS_A_DAY + 1):
        walk.back(closed, walk.ended, 1)
        median[np.isnan(median) & (closed >= 0.5)] = step / STEPS_A_DAY
    horizon, longest = (round(each * STEPS_A_DAY) for each in (days, LONGEST_DAYS))
    walk.back(won, walk.won, horizon)
    soon = won.copy()
    walk.back(won, walk.won, max(longest - horizon, 0))
    return Outlook(soon, won, median)


def drawn_rates(model: StateModel, draws: int, dice: np.random.Generator) -> NDArray[np.float64]:
    """Draw rates from what the counts leave possible (gamma), shape (draws, bands, states, ages, moves)."""
    seen = model.moves > 0
    drawn = np.zeros((draws, *model.moves.shape))
    drawn[:, seen] = dice.standard_gamma(model.moves[seen], (draws, int(seen.sum())))
    return drawn / model.days[..., None]
