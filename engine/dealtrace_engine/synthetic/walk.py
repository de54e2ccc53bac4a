"""Cases walk down the list of steps: when each takes each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.synthetic import organisation as org
from dealtrace_engine.synthetic.cases import Cases
from dealtrace_engine.synthetic.clock import BILLING_AUTOMATED_S, EXPORT_S, working_time
from dealtrace_engine.synthetic.dice import ONE, Dice, Flags, Ints
from dealtrace_engine.synthetic.steps import DAY, HOUR, STEPS, Step

NEVER = EXPORT_S
"""Time of a step that is not taken, or not before the export."""

Times = NDArray[np.int32]


def walk(cases: Cases, dice: Dice) -> Times:
    """Return the time of each step in each case, in seconds since the epoch of the log, or `NEVER`.

    Returns
    -------
    ndarray of int32, shape (steps, cases)
        The steps that a case takes have times that do not fall.
    """
    times = np.full((len(STEPS), len(cases)), NEVER, np.int32)
    clock = cases.start.copy()
    for position, step in enumerate(STEPS):
        takers = np.flatnonzero(_takes(step, cases, clock, dice))
        clock[takers] = np.minimum(_next_times(step, cases, takers, clock[takers], dice), NEVER)
        times[position, takers] = clock[takers]
    return times


def _takes(step: Step, cases: Cases, clock: Ints, dice: Dice) -> Flags:
    takes = cases.flags[step.when]
    if step.share < 1000:
        takes = takes & dice.chance(len(cases), step.share)
    if step.billing is not None:
        takes = takes & ((clock >= BILLING_AUTOMATED_S) == (step.billing == "automated"))
    return takes


def _next_times(step: Step, cases: Cases, takers: Ints, clock: Ints, dice: Dice) -> Ints:
    n = len(takers)
    if step.terms is not None:
        due_s = np.array(org.PAYMENT_TERMS_DAYS, np.int64)[cases.codes["terms"][takers]] * DAY
        early = 55 + dice.below(n, 40)
        clock = clock + (due_s * early // 100 if step.terms == "within" else due_s + DAY)
    if step.hours:
        median = round(step.hours * HOUR)
        clock = clock + (dice.log_normal(n, step.spread) * median // ONE * cases.pace[step.role][takers] >> 8)
        clock = clock + dice.below(n, 600)
    if step.role in org.MACHINES:
        return clock
    at_odd_hours = dice.chance(n, 30)
    return np.where(at_odd_hours, clock, working_time(clock, cases.utc_offset[takers]))
