"""Drivers: attributes, pairs of them and process patterns that go with a target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from dealtrace_engine.analyses.case_rows import CaseRows
from dealtrace_engine.analyses.driver_candidates import (
    Candidates,
    attribute_candidates,
    p_values,
    pair_candidates,
    tells,
    weights,
)
from dealtrace_engine.analyses.driver_findings import APART, Finder, Told
from dealtrace_engine.analyses.driver_levels import Levels, levels_of
from dealtrace_engine.analyses.driver_patterns import Steps, ends_at, pattern_candidates, steps_of
from dealtrace_engine.analyses.false_discovery import Control, adjusted_p_values
from dealtrace_engine.analyses.milestones import Names
from dealtrace_engine.analyses.money import amounts_of
from dealtrace_engine.analyses.targets import Kind, Target, target_of
from dealtrace_engine.analyses.working_time import Calendar
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress
from dealtrace_engine.results import Later, LogReference, Result
from dealtrace_engine.schema import names_of

if TYPE_CHECKING:
    from dealtrace_engine.filters.expressions import Expression

WHOLE = 0.25
"""Where levels that decide the target have so large a share of the cases, the attribute encodes it."""


@dataclass(frozen=True, eq=False)
class Drivers(Result):
    """What goes with a target; association, not proof.

    Attributes
    ----------
    table : pyarrow.Table
        A row per finding, by cases times the end of the interval of the effect that is nearer to zero. kind
        (attribute, pair, did, skipped, repeated, before, handled), what: text; also: other findings that are
        the very same cases, or null; base: what it is told against;
        cases, others: cases with it, and others of the base; with_it, without_it: share of yes, or mean;
        effect, effect_low, effect_high: their difference and its interval; odds_ratio, odds_low, odds_high:
        of a yes/no, else null; median_difference, hedges_g, rank_biserial: of a number, else null; p_value;
        q_value: p adjusted for all that was tested; excess: cases times effect, which is how many yes more,
        or how much more in all; value: amount of the cases, null without `value`, without any known amount,
        and where there are several currencies (see `values`); sentence: text.
    apart : pyarrow.Table
        What all but decides the target, so that it says the same in other words or comes after it: kind,
        what, cases, with_it, sentence.
    values : pyarrow.Table
        finding (row of `table`), currency, cases (with a known amount), value.
    left_out : dict of str to int
        What was not tested, by reason.
    notes : list of str
    target, kind : str
    tested, found : int
        How many things were tested, and how many of them are findings; `table` has the first of these.
    """

    table: pa.Table
    apart: pa.Table
    values: pa.Table
    left_out: dict[str, int]
    notes: list[str]
    target: str
    kind: Kind
    tested: int
    found: int
    _rows: CaseRows
    _log: LogReference
    definition: ClassVar[str] = "drivers 1"

    @property
    def _table(self) -> pa.Table:
        return self.table

    def _content(self) -> dict[str, Any]:
        names = ("target", "kind", "tested", "found", "left_out", "notes")
        tables = {"drivers": self.table, "apart": self.apart, "values": self.values}
        return {name: getattr(self, name) for name in names} | tables

    @property
    def sentences(self) -> list[str]:
        """Each finding in one sentence."""
        return list(self.table["sentence"].to_pylist())

    def cases(self, row: int) -> pa.LargeStringArray:
        """Return the ids of the cases of a finding, in the order of the log.

        Raises
        ------
        ArgumentError
            There is no such row.
        """
        return self._rows.cases(row)

    def __repr__(self) -> str:
        return f"Drivers of {self.target}: {self.found:,} of {self.tested:,} tested; association, not proof"


def drivers(
    log: EventLog, target: Any, *, kind: Kind | None = None, yes: object = None,
    attributes: Names | None = None, pairs: bool = True, patterns: bool = True,
    until: Names = (), resource: str | None = None, where: Expression | None = None,
    calendar: Calendar | None = None, value: str | None = None, currency: str | None = None,
    level: float = 0.05, control: Control = "by", smallest: int = 20, most: int = 100,
    threads: int | None = None, progress: Progress | None = None,
) -> Drivers:  # fmt: skip
    """Return which attributes, pairs of attributes and process patterns go with a target.

    Attributes, pairs and patterns are three families of tests; each is controlled at a third of `level`, so
    that all of them are at `level`. A pair is a finding only if it differs within each of its parts. What all
    but decides a yes/no is told apart: where that is an activity, a case ends before it for the patterns.

    Parameters
    ----------
    log : EventLog
    target : str, Expression or sequence, shape (cases,)
        An attribute of the case, ``"throughput"`` (days), a filter, or a truth value or number per case (of
        the cases that pass `where`).
    kind : {"yes/no", "number"}, optional
        Found by default.
    yes : optional
        The value of the attribute that is a yes.
    attributes : str or sequence of str, optional
        All attributes of the case by default that have values in several cases.
    pairs, patterns : bool
        Whether to look for them.
    until : str or sequence of str
        Activities, or canonical ids, from the first of which on nothing counts as a pattern.
    resource : str, optional
        Who did it; the log's resource by default.
    where : Expression, optional
        Only the cases that pass.
    calendar : WorkingCalendar or Calendars, optional
        The target ``"throughput"`` is working time by it, in days of 24 hours; no other target tells times.
    value, currency : str, optional
        See `amounts_of`: the money of the cases of a finding.
    level : float
        The rate of false discoveries.
    control : {"by", "bh"}
        See `adjusted_p_values`.
    smallest : int
        Cases that are needed with and without what is tested; from 2.
    most : int
        How many findings are told.
    threads : int, optional
        All CPUs by default; the result does not depend on it.
    progress : callable (done, of) -> object, optional
        Returning False cancels.

    Raises
    ------
    SchemaError
        There is no such column or activity, or the target has no two sides.
    ArgumentError
        A number is out of its range, what is to be named is no name, there is not one value of the target
        per case, a calendar is given for another target than the throughput, or a case has none.

    References
    ----------
    M. de Leoni, W. M. P. van der Aalst and M. Dees, "A general process mining framework for correlating,
    predicting and clustering dynamic behavior based on event logs", Information Systems 56, 2016, for the
    question; the tests in `driver_candidates.p_values`.

    Examples
    --------
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash
    >>> made = lead_to_cash(1000, seed=3)
    >>> found = drivers(from_arrow(made.events), "throughput", attributes=["region"], patterns=False)
    >>> found.table["what"].to_pylist()[0] == f"region = {made.truths['slow_region']}"
    True
    """
    if not isinstance(smallest, int) or smallest < 2 or not isinstance(most, int) or most < 1:
        raise ArgumentError("smallest is a whole number of at least 2, most of at least 1")
    if not isinstance(level, int | float) or not 0 < level < 1:
        raise ArgumentError(f"the level is between 0 and 1, got {level!r}")
    log = log if where is None else log.filter(where, threads=threads)
    wanted = target_of(log, target, kind=kind, yes=yes, calendar=calendar, threads=threads)
    search = _Search(log, wanted, smallest, threads, progress)
    named = None if attributes is None else names_of(attributes, "attributes")
    search.look(named, pairs, patterns, names_of(until, "until"), resource)
    rows, adjusted, p = search.ranked(level, control)
    amounts = amounts_of(log, value, currency) if value else None
    finder = Finder(log, wanted, search.levels, search.steps, amounts, threads)
    table, values, members = finder.findings(((search.one(row), p[row], adjusted[row]) for row in rows), most)
    numbers = np.repeat(np.arange(len(members)), [len(one) for one in members])
    cases = np.concatenate([*members, np.empty(0, dtype=np.int64)])
    of_rows = CaseRows.of_pairs(Later(lambda: log.case_ids), numbers, cases, len(members))
    return Drivers(
        table, finder.apart(search.told), values, dict(+search.left_out), search.notes, wanted.name,
        wanted.kind, len(adjusted), len(rows), of_rows, LogReference(log),
    )  # fmt: skip


class _Search:
    """Candidates of the three families, and what was set apart."""

    def __init__(
        self, log: EventLog, target: Target, smallest: int, threads: int | None, progress: Progress | None
    ) -> None:
        self.log, self.target, self.smallest, self.threads = log, target, smallest, threads
        self.progress, self.scores = progress, target.scores
        self.left_out: Counter[str] = Counter()
        self.notes = [APART]
        self.levels: list[Levels] = []
        self.steps: Steps | None = None
        self.families: list[Candidates] = []
        self.told: list[Told] = []
        self.left_out["case without the target"] = int((~target.known).sum())

    def look(
        self, attributes: Sequence[str] | None, pairs: bool, patterns: bool, until: Sequence[str],
        resource: str | None,
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
        self._drop_those_that_tell()
        found = self._kept("attribute", attribute_candidates(self.levels, self.scores))
        self.families.append(found)
        if pairs:
            self.families.append(pair_candidates(self.levels, self.scores, self.smallest, self.left_out))
        if patterns:
            self._look_at_patterns(until, resource)

    def _drop_those_that_tell(self) -> None:
        """Set attributes apart that encode the target, and the levels of others that do."""
        every = attribute_candidates(self.levels, self.scores)
        inside, outside = (found.tolist() for found in tells(every, self.target.kind))
        total, cases = int((self.scores >= 0).sum()), Counter[int]()
        sizes = every.sums[:, 0].tolist()
        for (place, _), tell, others_tell, size in zip(every.keys, inside, outside, sizes, strict=True):
            cases[place] += size * tell + (total - size) * others_tell
        for at, (place, level) in enumerate(every.keys):
            codes = self.levels[place].codes
            if inside[at] or (outside[at] and cases[place] >= WHOLE * total):
                self.told.append(("attribute", every, at, inside[at]))
                codes[codes == level] = -1
        for place, one in enumerate(self.levels):
            if cases[place] >= WHOLE * total or self._follows(one):
                self.notes.append(f"{one.name} all but decides {self.target.name} and is left out")
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
        inside, outside = tells(found, self.target.kind)
        told = np.flatnonzero(inside | outside)
        self.told += [(name, found, int(at), bool(inside[at])) for at in told]
        return found.at(~inside & ~outside)

    def _look_at_patterns(self, until: Sequence[str], resource: str | None) -> None:
        steps = steps_of(self.log, until, resource=resource)
        if self.target.kind == "yes/no":
            found = self._patterns(steps, Counter())
            inside, outside = tells(found, "yes/no")
            sides = {"did": inside, "skipped": outside}  # where those that did it are all but decided
            rows = [at for at, key in enumerate(found.keys) if key[0] in sides and sides[key[0]][at]]
            codes = [found.keys[at][1] for at in rows]
            self.told += [("pattern", found, at, bool(inside[at])) for at in rows]
            if codes:
                marked = np.isin(np.arange(len(self.log.activities)), codes)
                ends = np.minimum(steps.ends, ends_at(self.log, marked))
                steps = Steps(self.log, ends, steps.activities, steps.resources, steps.people)
                names = ", ".join(steps.name(code) for code in sorted(codes))
                self.notes.append(f"patterns are those before the first of {names}")
        self.steps = steps
        self.families.append(self._kept("pattern", self._patterns(steps, self.left_out)))

    def _patterns(self, steps: Steps, left_out: Counter[str]) -> Candidates:
        return pattern_candidates(
            steps, self.scores, self.smallest, left_out, threads=self.threads, progress=self.progress
        )

    def ranked(self, level: float, control: Control) -> tuple[Any, Any, Any]:
        """Return the places of findings, the weightiest first; adjusted and plain p-values of all."""
        if not self.families:
            return np.empty(0, dtype=np.int64), np.empty(0), np.empty(0)
        plain = [p_values(family, self.target.kind) for family in self.families]
        share = sum(1 for p in plain if len(p))
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
