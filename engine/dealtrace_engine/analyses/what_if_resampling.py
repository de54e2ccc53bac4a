"""Resampling: what changes save in other samples of the cases, as likely as the one that was seen."""

from __future__ import annotations

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

    `days` is what their days are called.
    """

    before: NDArray[np.int64]
    after: NDArray[np.int64]
    window: Window
    redraws: list[tuple[NDArray[np.int64], Redrawn]]
    days: str


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

    def draw(first: int) -> NDArray[np.float64]:
        count = min(SAMPLES_A_TASK, plan.samples - first)
        out = np.empty((count, 2 + len(weights)))
        for sample in range(count):
            dice = np.random.default_rng([plan.seed, group, first + sample])
            times = np.bincount(dice.integers(0, size, size), minlength=size)
            then, order = _drawn_again(after, redraws, orders[1], dice)
            saved = times * (before - then)
            out[sample, 0] = saved.sum() / size
            out[sample, 1] = _median(before, orders[0], times) - _median(then, order, times)
            out[sample, 2:] = [(saved * units).sum() / UNITS for _, units, _ in weights]
        return out

    firsts = range(0, plan.samples, SAMPLES_A_TASK)
    return np.concatenate(map_blocks(draw, firsts, threads=plan.threads, progress=plan.progress))


def _drawn_again(
    after: NDArray[np.float64], redraws: list[tuple[NDArray[np.int64], Redrawn]], order: NDArray[np.int64],
    dice: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:  # fmt: skip
    """Give groups a resample of their distribution; return the times of the cases and their order."""
    if not any((places >= 0).any() for places, _ in redraws):
        return after, order
    then = after.copy()
    for places, redrawn in redraws:
        size = len(redrawn.pool)
        pool = np.repeat(redrawn.pool, np.bincount(dice.integers(0, size, size), minlength=size))
        given = np.empty(len(redrawn.given), dtype=np.int64)
        given[redrawn.order] = pool[ranks(len(given), size)]
        mine = places >= 0
        np.add.at(then, places[mine], (given - redrawn.given)[mine] / DAY_US)
    return then, np.argsort(then, kind="stable")


def _median(values: NDArray[np.float64], order: NDArray[np.int64], times: NDArray[np.int64]) -> float:
    """Return the median of values that are there so many times."""
    counts = np.cumsum(times[order])
    total = int(counts[-1])
    low, high = np.searchsorted(counts, [(total - 1) // 2, total // 2], side="right")
    return float(values[order[low]] + values[order[high]]) / 2
