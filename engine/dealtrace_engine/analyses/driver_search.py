"""The search for drivers: what is tested, and what all but decides the target and is told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dealtrace_engine.analyses.decided import decided_cases
from dealtrace_engine.analyses.driver_candidates import (
    Candidates,
    attribute_candidates,
    p_values,
    pair_candidates,
    tells,
    weights,
)
from dealtrace_engine.analyses.driver_findings import APART, DECIDES, KNOWN, REACHED, Told
from dealtrace_engine.analyses.driver_levels import Levels, levels_of
from dealtrace_engine.analyses.driver_patterns import Steps, ends_at, pattern_candidates, steps_of
from dealtrace_engine.analyses.false_discovery import Control, adjusted_p_values
from dealtrace_engine.analyses.targets import Target
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress

WHOLE = 0.25
"""Where levels that decide the target have so large a share of the cases, the attribute encodes it."""
FAINT = 0.25
"""Where cases with or without a value, or a step, have so little of an answer, it tells how far they came.

A deal that is lost early has no contract terms and skipped the contract: because it was lost.
"""
STANDS = (
    "outcome", "is_won", "is_closed", "stage", "probability", "loss_reason", "quote_count", "order_count",
    "invoice_count", "reopen_count",
)  # fmt: skip
"""Attributes of an export that say how the case stands at its end, whatever happened before."""


class Search:
    """Candidates of the three families, and what was set apart."""

    def __init__(
        self, log: EventLog, target: Target, smallest: int, apart: bool = True, *,
        threads: int | None = None, progress: Progress | None = None,
    ) -> None:  # fmt: skip
        self.log, self.target, self.smallest, self.apart, self.threads = log, target, smallest, apart, threads
        self.progress, self.scores = progress, target.scores
        self.left_out: Counter[str] = Counter()
        self.notes = [APART]
        self.levels: list[Levels] = []
        self.steps: Steps | None = None
        self.families: list[Candidates] = []
        self.told: list[Told] = []
        self.standing: dict[str, int] = {}
        self.left_out["case without the target"] = int((~target.known).sum())

    def look(
        self, attributes: Sequence[str] | None, pairs: bool, patterns: bool, until: Sequence[str],
        resource: str | None, handled: bool,
    ) -> None:  # fmt: skip
        """Find the candidates."""
        known = self.target.values[self.target.known]
        if len(known) < 2 * self.smallest or len(np.unique(known)) < 2:
            what = "has one value only" if len(known) >= 2 * self.smallest else f"is known of {len(known):,}"
            self.notes.append(f"not enough data: {self.target.name} {what}; nothing was tested")
            return
        self.levels, left_out = levels_of(
            self.log, attributes, self.smallest, self.target.known, self.target.columns
        )
        self.left_out.update(left_out)
        if self.apart:
            self._drop_those_that_tell(attributes is not None)
        found = self._kept("attribute", attribute_candidates(self.levels, self.scores))
        self.families.append(found)
        if pairs:
            self.families.append(pair_candidates(self.levels, self.scores, self.smallest, self.left_out))
        if patterns:
            self._look_at_patterns(steps_of(self.log, until, resource=resource, handled=handled))

    def _drop_those_that_tell(self, asked_for: bool) -> None:
        """Set attributes apart that encode the target, and the levels of others that do."""
        every, kind = attribute_candidates(self.levels, self.scores), self.target.kind
        (inside, outside), faint = tells(every, kind), tells(every, kind, FAINT)
        levels = Counter(place for place, _ in every.keys)
        total, cases = int((self.scores >= 0).sum()), Counter[int]()
        sizes = every.sums[:, 0].tolist()
        for (place, _), tell, others_tell, size in zip(
            every.keys, inside.tolist(), outside.tolist(), sizes, strict=True
        ):
            cases[place] += size * tell + (total - size) * others_tell
        for at, (place, level) in enumerate(every.keys):
            one, alone = self.levels[place], levels[place] == 1  # it is what the other level is not
            missing = one.missing is not None if alone else one.missing == level
            is_known = missing and bool(faint[0][at] or faint[1][at])
            if is_known or inside[at] or (outside[at] and cases[place] >= WHOLE * total):
                side = bool(inside[at] or (faint[0][at] and not outside[at]))
                self.told.append(("attribute", every, at, side, KNOWN if is_known else DECIDES))
                for gone in range(len(one.texts)) if alone else [level]:
                    one.drop(gone)
        for place, one in enumerate(self.levels):
            if cases[place] >= WHOLE * total or self._follows(one):
                self.notes.append(f"{one.name} all but decides {self.target.name} and is left out")
                one.codes[:] = -1
            elif one.name in STANDS and not asked_for and (one.codes >= 0).any():
                self.standing[one.name] = int((one.codes >= 0).sum())
                one.codes[:] = -1

    def _follows(self, one: Levels) -> bool:
        """Whether an attribute of numbers ranks the cases as the target does."""
        if one.numbers is None or self.target.kind != "number":
            return False
        both = np.isfinite(one.numbers) & self.target.known
        if both.sum() < self.smallest or len(np.unique(one.numbers[both])) < 2:
            return False
        from scipy.stats import spearmanr

        found = spearmanr(one.numbers[both], self.target.values[both])
        return abs(float(np.asarray(found.statistic))) >= 0.95

    def _kept(self, name: str, found: Candidates) -> Candidates:
        """Set what tells apart; return the rest, without groups that were emptied."""
        enough = np.minimum(found.sums[:, 0], found.base[:, 0] - found.sums[:, 0]) >= self.smallest
        found = found.at(enough)
        if not self.apart:
            return found
        inside, outside = tells(found, self.target.kind)
        faint = tells(found, self.target.kind, FAINT)
        steps = np.array([key[0] in ("did", "skipped") for key in found.keys], dtype=np.bool_)
        told = inside | outside | (steps & (faint[0] | faint[1]))
        for at in np.flatnonzero(told).tolist():
            side = bool(inside[at] or (faint[0][at] and not outside[at]))
            self.told.append((name, found, at, side, DECIDES if inside[at] or outside[at] else REACHED))
        return found.at(~told)

    def _look_at_patterns(self, steps: Steps) -> None:
        if self.target.kind == "yes/no" and self.apart:
            steps = self._before_what_tells(steps)
        self.steps = steps
        self.families.append(self._kept("pattern", self._patterns(steps, self.left_out)))

    def _before_what_tells(self, steps: Steps) -> Steps:
        """End each case where it is decided, and before activities of which all but decide the target."""
        found, decision = self._patterns(steps, Counter()), decided_cases(self.log, threads=self.threads)
        inside, outside = tells(found, "yes/no")
        sides = {"did": inside, "skipped": outside}  # where those that did it are all but decided
        ends, codes, is_decided = steps.ends, [], False
        for at, (kind, code, _) in enumerate(found.keys):
            if kind in sides and sides[kind][at]:
                codes.append(code)
            elif kind not in sides or not (inside[at] and decision.deciding[code]):
                continue
            is_decided |= bool(decision.deciding[code])
            self.told.append(("pattern", found, at, bool(inside[at]), DECIDES))
        if is_decided:
            ends = np.minimum(ends, decision.ends)
            self.notes.append("patterns are those before the case was won or lost")
        if codes:
            marked = np.isin(np.arange(len(self.log.activities)), codes)
            ends = np.minimum(ends, ends_at(self.log, marked))
            names = ", ".join(steps.name(code) for code in sorted(codes))
            self.notes.append(f"patterns are those before the first of {names}")
        return replace(steps, ends=ends)

    def _patterns(self, steps: Steps, left_out: Counter[str]) -> Candidates:
        return pattern_candidates(
            steps, self.scores, self.smallest, left_out, threads=self.threads, progress=self.progress
        )

    def ranked(self, level: float, control: Control, groups: int = 1) -> tuple[Any, Any, Any]:
        """Return the places of findings, the weightiest first; adjusted and plain p-values of all.

        Parameters
        ----------
        level : float
        control : {"by", "bh"}
        groups : int
            How many are looked at, this one included.
        """
        if not self.families:
            return np.empty(0, dtype=np.int64), np.empty(0), np.empty(0)
        plain = [p_values(family, self.target.kind) for family in self.families]
        share = groups * sum(1 for p in plain if len(p))
        adjusted = np.concatenate([np.minimum(adjusted_p_values(p, control) * share, 1) for p in plain])
        heavy = np.concatenate([weights(family, self.target.kind) for family in self.families])
        p = np.concatenate(plain)
        found = np.flatnonzero(adjusted <= level)
        return found[np.lexsort((found, p[found], -heavy[found]))], adjusted, p

    def one(self, row: int) -> tuple[str, Candidates, int]:
        """Return the family of a candidate, and where it is there."""
        for family in self.families:
            if row < len(family):
                return family.family, family, int(row)
            row -= len(family)
        raise IndexError(row)
