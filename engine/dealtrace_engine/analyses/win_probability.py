"""How open deals will go on: rates of moving between states by age, from all deals, open ones too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.deal_states import DealStates, DealTimes, visits_until

DAY_US = 86_400_000_000
AGES = (0, 1, 2, 4, 7, 14, 21, 30, 45, 60, 90, 120, 180, 365)
"""Days in a state at which its rates may change."""
PRIOR = 4.0
"""So many moves' worth of the state's rates at any age are mixed into those at each age."""
STEPS_A_DAY = 2
LONGEST_DAYS = 720
"""Deals are followed so far into the future; what is open then is taken for neither won nor closed."""


@dataclass(frozen=True, eq=False)
class StateModel:
    """Rates per day of moving from each state, at each age, to each other state, to won and to lost.

    Attributes
    ----------
    moves : ndarray of float64, shape (states, ages, states + 2)
        Counted, with the prior.
    days : ndarray of float64, shape (states, ages)
        In which they were counted, with the prior.
    closed, won : int
        Deals that the model has seen to their end, and those of them that were won.
    exits : ndarray of int64, shape (states,)
        Stays in each state that ended.

    Notes
    -----
    A semi-Markov model in continuous time with piecewise constant rates: occurrences by exposure, so that
    deals that are still open count for as long as they were watched. Rates at an age are shrunk towards those
    of the state.

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
        return self.moves / self.days[:, :, None]


def fitted(times: DealTimes, cut: int) -> StateModel:
    """Learn from the events up to an instant alone."""
    visits, states = visits_until(times, cut), len(times.states)
    edges = np.array(AGES, dtype=np.float64)
    widths = np.append(np.diff(edges), np.inf)
    stayed = visits.stayed / DAY_US
    days = np.empty((states, len(AGES)))
    for age in range(len(AGES)):
        inside = np.clip(stayed - edges[age], 0, widths[age])
        days[:, age] = np.bincount(visits.state, weights=inside, minlength=states)
    ended = visits.exit >= 0
    age = np.searchsorted(edges, stayed[ended], side="right") - 1
    place = (visits.state[ended] * len(AGES) + age) * (states + 2) + visits.exit[ended]
    moves = np.bincount(place, minlength=states * len(AGES) * (states + 2)).astype(np.float64)
    moves = moves.reshape(states, len(AGES), states + 2)
    exits = moves.sum(axis=(1, 2))
    whole_moves, whole_days = moves.sum(axis=1), np.maximum(days.sum(axis=1), 1.0)
    share = PRIOR / np.maximum(exits, 1)  # of the state's own moves and days: PRIOR moves at its rates
    moves += whole_moves[:, None, :] * share[:, None, None]
    days += (whole_days * share)[:, None]
    closed = visits.exit[ended]
    won = int((closed == states).sum())
    return StateModel(moves, days, won + int((closed == states + 1).sum()), won, exits.astype(np.int64))


@dataclass(frozen=True, eq=False)
class Outlook:
    """What becomes of deals, by state and by half days in it.

    Attributes
    ----------
    soon : ndarray of float64, shape (states, half days)
        Probability of being won within the horizon.
    ever : ndarray of float64, shape (states, half days)
        Probability of being won.
    closing_days : ndarray of float64, shape (states, half days)
        Median days until won or lost; NaN where fewer than half are closed in `LONGEST_DAYS`.
    """

    soon: NDArray[np.float64]
    ever: NDArray[np.float64]
    closing_days: NDArray[np.float64]


def grid_ages() -> NDArray[np.int64]:
    """Return the place in `AGES` of each half day in a state; the last one stands for all that are older."""
    half_days = np.arange(STEPS_A_DAY * AGES[-1] + 1) / STEPS_A_DAY
    return np.searchsorted(AGES, half_days, side="right") - 1


def places_of(states: DealStates, cases: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the state of deals, and the half days that they are in it, as places in `Outlook`."""
    age = (states.cut - states.since[cases]) * STEPS_A_DAY // DAY_US
    return states.state[cases], np.minimum(age, STEPS_A_DAY * AGES[-1])


def _chances(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the chances of each move in a step: the mean stay is right, but never shorter than a step."""
    steps = rates / STEPS_A_DAY
    return steps / np.maximum(steps.sum(axis=-1, keepdims=True), 1)


def won_within(rates: NDArray[np.float64], days: float) -> NDArray[np.float64]:
    """Return the chance to be won within so many days.

    Parameters
    ----------
    rates : ndarray of float64, shape (draws, states, ages, states + 2)
    days : float

    Returns
    -------
    ndarray of float64, shape (draws, states, half days)
    """
    chances = _chances(rates)
    states, ages = chances.shape[1], grid_ages()
    stay = (1 - chances.sum(axis=-1))[:, :, ages]
    moves, wins = chances[..., :states], chances[..., states]
    found = np.zeros(stay.shape)
    for _ in range(round(days * STEPS_A_DAY)):
        found = _step(found, stay, moves, wins, ages)
    return found


def _step(
    found: NDArray[np.float64], stay: NDArray[np.float64], moves: NDArray[np.float64],
    ends: NDArray[np.float64], ages: NDArray[np.int64],
) -> NDArray[np.float64]:  # fmt: skip
    """Go one step back: stay and be older, move and be new there, or end."""
    older = np.concatenate((found[..., 1:], found[..., -1:]), axis=-1)
    # A sum in a fixed order, not a matrix product: the same bits whatever the threads of the machine.
    new = (moves * found[:, None, None, :, 0]).sum(axis=-1) + ends
    return stay * older + new[:, :, ages]


def outlook(model: StateModel, days: float) -> Outlook:
    """Follow deals from every state and age."""
    rates = model.rates[None]
    chances = _chances(rates)
    states, ages = chances.shape[1], grid_ages()
    stay = (1 - chances.sum(axis=-1))[:, :, ages]
    moves, wins = chances[..., :states], chances[..., states]
    ends = chances[..., states:].sum(axis=-1)
    won, closed = np.zeros(stay.shape), np.zeros(stay.shape)
    soon, median = won, np.full(stay.shape, np.nan)
    horizon = round(days * STEPS_A_DAY)
    for step in range(1, max(LONGEST_DAYS * STEPS_A_DAY, horizon) + 1):
        won, closed = _step(won, stay, moves, wins, ages), _step(closed, stay, moves, ends, ages)
        median[np.isnan(median) & (closed >= 0.5)] = step / STEPS_A_DAY
        soon = won if step == horizon else soon
    return Outlook(soon[0], won[0], median[0])


def drawn_rates(model: StateModel, draws: int, dice: np.random.Generator) -> NDArray[np.float64]:
    """Draw rates from what the counts leave possible (gamma), shape (draws, states, ages, states + 2)."""
    shape = np.broadcast_to(model.moves, (draws, *model.moves.shape))
    drawn = dice.standard_gamma(np.maximum(shape, 1e-12))
    return np.asarray(np.where(shape > 0, drawn, 0) / model.days[:, :, None])
