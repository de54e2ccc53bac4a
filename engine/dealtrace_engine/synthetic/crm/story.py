"""The walks of all cases of an organisation, with the CRM's own findings planted before they set out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from dealtrace_engine.parallel import Progress, tick
from dealtrace_engine.synthetic import organisation as org
from dealtrace_engine.synthetic.cases import Cases, draw_cases
from dealtrace_engine.synthetic.crm import company
from dealtrace_engine.synthetic.crm.parts import Part
from dealtrace_engine.synthetic.dice import Dice, Flags, Ints
from dealtrace_engine.synthetic.steps import ROUNDS, steps_of
from dealtrace_engine.synthetic.walk import NEVER, Times, walk

CASES_PER_BLOCK = 1 << 15
NONE = -1
"""In place of a time that never came, or of a key that points nowhere."""

_PLANTING, _FACTS = 1 << 40, 1 << 41
"""Blocks of the dice beyond those of the cases."""
_TOPICS = 1 << 20


@dataclass(frozen=True)
class Story:
    """What happened in the cases of a part of an organisation.

    Attributes
    ----------
    seed : int
    part : Part
    cases : Cases
        Their `index` begins with 0 in every part.
    times : ndarray of int32, shape (steps, cases)
        As `walk` returns them.
    """

    seed: int
    part: Part
    cases: Cases
    times: Times

    def __len__(self) -> int:
        return len(self.cases)

    def dice(self, topic: int) -> Dice:
        """Return draws for one topic, independent of all others."""
        return Dice(self.seed, _FACTS + self.part.number * _TOPICS + topic)

    def at(self, position: int) -> Ints:
        """Return when each case took a step, in seconds since the epoch of the log, or `NONE`."""
        times = self.times[position].astype(np.int64)
        return np.where(times < NEVER, times, NONE)

    def step(self, activity: str, number: int = 0) -> Ints:
        """Return the times of the activity's step of this number, in the order of the list of steps."""
        return self.at(steps_of(activity)[number])

    def first(self, activity: str, among: Iterable[int] | None = None) -> Ints:
        """Return the time of the first of the activity's steps, or of those of these positions."""
        positions = steps_of(activity) if among is None else list(among)
        first = self.times[positions].min(axis=0)
        return np.asarray(np.where(first < NEVER, first, NONE), np.int64)

    def last(self, activity: str) -> Ints:
        """Return the time of the last of the activity's steps, or `NONE`."""
        times = self.times[steps_of(activity)]
        return np.asarray(np.where(times < NEVER, times, NONE).max(axis=0), np.int64)

    @property
    def ended(self) -> Ints:
        """The time of the last step of each case."""
        return np.asarray(np.where(self.times < NEVER, self.times, NONE).max(axis=0), np.int64)

    def by(self, role: str) -> Ints:
        """Return the user who has a role in each case."""
        return self.cases.people[role]


def tell(seed: int, part: Part, progress: Progress | None = None) -> Story:
    """Walk all cases of a part, in blocks of their own dice."""
    blocks = []
    number = part.number * -(-part.size // CASES_PER_BLOCK)
    for first in range(part.first, part.last, CASES_PER_BLOCK):
        last = min(first + CASES_PER_BLOCK, part.last)
        dice = Dice(seed, number)
        cases = draw_cases(first, last, part.of, dice)
        _plant(cases, Dice(seed, _PLANTING + number))
        blocks.append((cases, walk(cases, dice)))
        tick(progress, last, part.of)
        number += 1
    cases = _joined([cases for cases, _ in blocks], part.first)
    return Story(seed, part, cases, np.concatenate([times for _, times in blocks], axis=1))


def _plant(cases: Cases, dice: Dice) -> None:
    _plant_discounter(cases, dice)
    _plant_skipped_contracts(cases, dice)
    _plant_late_payers(cases, dice)


def _plant_discounter(cases: Cases, dice: Dice) -> None:
    """Raise the discounts of one rep, who seldom asks for the approval that they need."""
    his = cases.people["rep"] == company.DISCOUNTER
    cases.discounts[1:, his] += company.DISCOUNTER_POINTS
    for number in range(1, ROUNDS + 1):
        above = cases.discounts[number] > org.DISCOUNT_LIMIT_PERCENT
        asked = cases.flags[f"round_{number}"] & above & dice.chance(len(cases), 300)
        for flag in ("asked", "approved"):
            cases.flags[f"{flag}_{number}"] = np.where(his, asked, cases.flags[f"{flag}_{number}"])
        cases.flags[f"resubmitted_{number}"] &= cases.flags[f"asked_{number}"]


def _plant_skipped_contracts(cases: Cases, dice: Dice) -> None:
    region = cases.codes["region"] == company.SKIPPING_REGION
    skips = region & dice.chance(len(cases), company.SKIPPED_CONTRACTS_PERMILLE)
    for flag in ("contract_drafted", "signed_before_won", "signed_after_won", "signed_late"):
        cases.flags[flag] &= ~skips


def _plant_late_payers(cases: Cases, dice: Dice) -> None:
    late_payers = np.isin(cases.codes["account"], np.array(company.LATE_PAYERS))
    late = late_payers & cases.flags["pays_on_time"] & dice.chance(len(cases), 800)
    reminded = late & dice.chance(len(cases), 400)
    cases.flags["pays_on_time"] = cases.flags["pays_on_time"] & ~late
    cases.flags["pays_late"] = cases.flags["pays_late"] | (late & ~reminded)
    cases.flags["reminded"] = cases.flags["reminded"] | reminded


def _joined(parts: list[Cases], first: int) -> Cases:
    def columns(name: str) -> dict[str, Ints]:
        return {
            key: np.concatenate([getattr(p, name)[key] for p in parts]) for key in getattr(parts[0], name)
        }

    flags: dict[str, Flags] = {key: np.concatenate([p.flags[key] for p in parts]) for key in parts[0].flags}
    return Cases(
        np.concatenate([p.index for p in parts]) - first,
        np.concatenate([p.start for p in parts]),
        columns("codes"),
        np.concatenate([p.cents for p in parts]),
        np.concatenate([p.discounts for p in parts], axis=1),
        columns("people"),
        columns("pace"),
        flags,
    )
