"""Resampling: what changes save in other samples of the cases, as likely as the one that was seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.money import UNITS
from dealtrace_engine.analyses.what_if_changes import Redrawn, ranks
from dealtrace_engine.parallel import Progress, map_blocks
from dealtrace_engine.quality import Finding

DAY_US = 86_400_000_000
SAMPLES_A_TASK = 25


@dataclass(frozen=True, eq=False)
class Window:
    """The measured cases, and the events between which they are measured."""

    cases: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    findings: list[Finding]


@dataclass(frozen=True, eq=False)
class Effect:
    """Microseconds of measured cases before and after, and what is drawn again: (places of cases, what).

    `elapsed` tells how long, by the clock, cases at some places take for so much work, see `elapsed_time`;
    `waited` is how long they took. Both are None where all times are by the clock.
    """

    before: NDArray[np.int64]
    after: NDArray[np.int64]
    window: Window
    redraws: list[tuple[NDArray[np.int64], Redrawn]]
    waited: NDArray[np.int64] | None = None
    elapsed: Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.int64]] | None = None

    def bound(self, times: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how long, by the clock, cash is bound by cases at some places that take such times."""
        if self.elapsed is None or self.waited is None:
            return times
        return np.where(times == self.before[places], self.waited[places], self.elapsed(times, places))


@dataclass(frozen=True)
class Resampling:
    """How to resample: see `what_if`."""

    samples: int
    confidence: float
    smallest: int
    seed: int
    threads: int | None
    progress: Progress | None


def bootstrap(
    effect: Effect, members: NDArray[np.int64],
    weights: list[tuple[str | None, NDArray[np.int64], NDArray[np.bool_]]], plan: Resampling, group: int,
) -> NDArray[np.float64]:  # fmt: skip
    """Return what each resample of the cases saves: mean, median and cash; shape (samples, measures)."""
    before, after = (part[members] / DAY_US for part in (effect.before, effect.after))
    size, orders = len(members), (np.argsort(before, kind="stable"), np.argsort(after, kind="stable"))
    place = np.full(len(effect.before) + 1, -1, dtype=np.int64)
    place[members] = np.arange(size)
    redraws = [(place[cases], redrawn) for cases, redrawn in effect.redraws]
    bound = [effect.bound(part[members], members) / DAY_US for part in (effect.before, effect.after)]

    def draw(first: int) -> NDArray[np.float64]:
        count = min(SAMPLES_A_TASK, plan.samples - first)
        out = np.empty((count, 2 + len(weights)))
        for sample in range(count):
            dice = np.random.default_rng([plan.seed, group, first + sample])
            times = np.bincount(dice.integers(0, size, size), minlength=size)
            then, order, moved = _drawn_again(after, redraws, orders[1], dice)
            saved = freed = times * (before - then)
            if effect.elapsed is not None and weights:
                still = effect.bound(effect.after[members] + moved, members) / DAY_US if redraws else bound[1]
                freed = times * (bound[0] - still)
            out[sample, 0] = saved.sum() / size
            out[sample, 1] = _median(before, orders[0], times) - _median(then, order, times)
            out[sample, 2:] = [(freed * units).sum() / UNITS for _, units, _ in weights]
        return out

    firsts = range(0, plan.samples, SAMPLES_A_TASK)
    return np.concatenate(map_blocks(draw, firsts, threads=plan.threads, progress=plan.progress))


def _drawn_again(
    after: NDArray[np.float64], redraws: list[tuple[NDArray[np.int64], Redrawn]], order: NDArray[np.int64],
    dice: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """Give groups a resample of their distribution.

    Returns
    -------
    then : ndarray of float64, shape (cases,)
        Days of the cases.
    order : ndarray of int64, shape (cases,)
    moved : ndarray of int64, shape (cases,)
        By how many microseconds they differ from `after`.
    """
    moved = np.zeros(len(after), dtype=np.int64)
    if not any((places >= 0).any() for places, _ in redraws):
        return after, order, moved
    then = after.copy()
    for places, redrawn in redraws:
        size = len(redrawn.pool)
        pool = np.repeat(redrawn.pool, np.bincount(dice.integers(0, size, size), minlength=size))
        given = np.empty(len(redrawn.given), dtype=np.int64)
        given[redrawn.order] = pool[ranks(len(given), size)]
        mine = places >= 0
        longer = (given - redrawn.given)[mine]
        np.add.at(then, places[mine], longer / DAY_US)
        np.add.at(moved, places[mine], longer)
    return then, np.argsort(then, kind="stable"), moved


def _median(values: NDArray[np.float64], order: NDArray[np.int64], times: NDArray[np.int64]) -> float:
    """Return the median of values that are there so many times."""
    counts = np.cumsum(times[order])
    total = int(counts[-1])
    low, high = np.searchsorted(counts, [(total - 1) // 2, total // 2], side="right")
    return float(values[order[low]] + values[order[high]]) / 2
