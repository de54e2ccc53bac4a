"""Drivers: attributes, pairs of them and process patterns that go with a target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dealtrace_engine.analyses.case_rows import CaseRows
from dealtrace_engine.analyses.driver_findings import APART, APART_SCHEMA, SCHEMA, Finder
from dealtrace_engine.analyses.driver_search import Search
from dealtrace_engine.analyses.false_discovery import Control
from dealtrace_engine.analyses.grouping import By, Groups, groups_of
from dealtrace_engine.analyses.milestones import Names
from dealtrace_engine.analyses.money import Amounts, amounts_of
from dealtrace_engine.analyses.targets import Kind, Target, target_of
from dealtrace_engine.analyses.working_time import Calendar
from dealtrace_engine.buffers import table
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.log import EventLog
from dealtrace_engine.parallel import Progress, tick
from dealtrace_engine.results import Later, LogReference, Result
from dealtrace_engine.schema import names_of
from dealtrace_engine.selection import select_cases

if TYPE_CHECKING:
    from dealtrace_engine.filters.expressions import Expression


@dataclass(frozen=True, eq=False)
class Drivers(Result):
    """What goes with a target; association, not proof.

    Attributes
    ----------
    table : pyarrow.Table
        A row per finding, group by group, by cases times the end of the interval of the effect that is nearer
        to zero. The attributes of `by`; kind (attribute, pair, did, skipped, repeated, before, handled),
        what: text; also: other findings that are the very same cases, or null; base: what it is told against;
        cases, others: cases with it, and others of the base; with_it, without_it: share of yes, or mean;
        effect, effect_low, effect_high: with_it less without_it, with its interval of 95 %; odds_ratio,
        odds_low, odds_high: of a yes/no, else null; median_difference, hedges_g, rank_biserial: of a number,
        else null; p_value;
        q_value: p adjusted for all that was tested; excess: cases times effect, which is how many yes more,
        or how much more in all; value: amount of the cases, null without `value`, without any known amount,
        and where there are several currencies (see `values`); sentence: text.
    apart : pyarrow.Table
        What comes with the target or after it, so that it explains nothing, group by group, the largest
        first: the attributes of `by`, kind, what, cases, with_it; reason, sentence: text.
    values : pyarrow.Table
        finding (row of `table`), currency, cases (with a known amount), value.
    left_out : dict of str to int
        What was not tested, by reason.
    notes : list of str
    target : str
        What is explained, with the value that is a yes, such as ``"Delayed = DELAYED"``.
    kind : str
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
    definition: ClassVar[str] = "drivers 2"

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
    log: EventLog, target: Any, *, kind: Kind | None = None, yes: object = None, by: By = None,
    attributes: Names | None = None, pairs: bool = True, patterns: bool = True,
    until: Names = (), resource: str | None = None, handled: bool = True, where: Expression | None = None,
    calendar: Calendar | None = None, value: str | None = None, currency: str | None = None,
    level: float = 0.05, control: Control = "by", smallest: int = 20, most: int = 100, apart: bool = True,
    threads: int | None = None, progress: Progress | None = None,
) -> Drivers:  # fmt: skip
    """Return which attributes, pairs of attributes and process patterns go with a target.

    Attributes, pairs and patterns are three families of tests, and so are those of each group of `by`; each
    is controlled at its part of `level`, so that all of them are at `level`. A pair is a finding only if it
    differs within each of its parts.

    What comes with the target or after it explains nothing and is told in `apart`: what all but decides it;
    an attribute's having a value, or an activity's being there at all, where that leaves at most a quarter of
    the other answer, since a case that ends early gets neither; and attributes of an export that say how the
    case stands at its end (`driver_search.STANDS`; not those named in `attributes`). The other values of an
    attribute that is known of one side are told against cases with a value. For the patterns, a case ends
    where it is won or lost, if that goes with the target, and before activities that all but decide it.

    Parameters
    ----------
    log : EventLog
    target : str, Expression or sequence, shape (cases,)
        An attribute of the case, ``"throughput"`` (days), a filter, or a truth value or number per case (of
        the cases that pass `where`).
    kind : {"yes/no", "number"}, optional
        Found by default.
    yes : optional
        The value of the attribute that is a yes; see `target_of`: needed where its values do not say it.
    by : str or sequence of str, optional
        Attributes of the case; each group is looked at by itself.
    attributes : str or sequence of str, optional
        All attributes of the case by default that have values in several cases.
    pairs, patterns : bool
        Whether to look for them.
    until : str or sequence of str
        Activities, or canonical ids, from the first of which on nothing counts as a pattern.
    resource : str, optional
        Who did it; the log's resource by default.
    handled : bool
        Whether who did something is one of the patterns.
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
    apart : bool
        Whether to tell apart what comes with the target; False ranks it with the rest.
    threads : int, optional
        All CPUs by default; the result does not depend on it.
    progress : callable (done, of) -> object, optional
        Returning False cancels.

    Raises
    ------
    SchemaError
        There is no such column or activity, or which value of the target is a yes is to be said.
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
    groups = groups_of(log, by, taken=[*SCHEMA.names, *APART_SCHEMA.names])
    amounts = amounts_of(log, value, currency) if value else None
    named = None if attributes is None else names_of(attributes, "attributes")
    asked = (named, pairs, patterns, names_of(until, "until"), resource, handled)
    parts: list[_Part] = []
    for group in range(len(groups)):
        own = _Own(log, wanted, amounts) if not groups.names else _own(
            log, groups.codes == group, groups.label(group), wanted, amounts, threads)  # fmt: skip
        search = Search(own.log, own.target, smallest, apart, threads=threads,
                        progress=None if groups.names else progress)  # fmt: skip
        search.look(*asked)
        parts.append(_found(own, search, search.ranked(level, control, len(groups)), most, threads))
        if groups.names:
            tick(progress, group + 1, len(groups))
    return _together(log, wanted, groups, parts)


class _Own(NamedTuple):
    """What there is of a group; `cases` are its cases in the whole log, None for all."""

    log: EventLog
    target: Target
    amounts: Amounts | None
    cases: NDArray[np.int64] | None = None


class _Part(NamedTuple):
    """What was found in a group; `members` are the cases of each finding."""

    table: pa.Table
    apart: pa.Table
    values: pa.Table
    members: list[NDArray[np.int64]]
    search: Search
    tested: int
    found: int


def _own(
    log: EventLog, marks: NDArray[np.bool_], label: str, target: Target, amounts: Amounts | None,
    threads: int | None,
) -> _Own:  # fmt: skip
    cases = np.flatnonzero(marks)
    chosen = select_cases(log, marks, f"group {label}", threads)
    own = None if amounts is None else amounts.taken(cases)
    return _Own(chosen, replace(target, values=target.values[cases]), own, cases)


def _found(own: _Own, search: Search, ranked: tuple[Any, Any, Any], most: int, threads: int | None) -> _Part:
    rows, adjusted, p = ranked
    finder = Finder(own.log, own.target, search.levels, search.steps, own.amounts, threads)
    found, values, members = finder.findings(((search.one(row), p[row], adjusted[row]) for row in rows), most)
    if own.cases is not None:
        members = [own.cases[one] for one in members]
    apart = finder.apart(search.told, search.standing)
    return _Part(found, apart, values, members, search, len(adjusted), len(rows))


def _together(log: EventLog, target: Target, groups: Groups, parts: Sequence[_Part]) -> Drivers:
    """Put the groups below each other, with the values of their attributes in front."""

    def grouped(tables: Sequence[pa.Table]) -> pa.Table:
        found, sizes = pa.concat_tables(tables), [each.num_rows for each in tables]
        of_row = np.repeat(np.arange(len(tables)), sizes)
        columns = {name: found.column(name).combine_chunks() for name in found.column_names}
        if groups.names:
            said = zip(map(groups.label, of_row.tolist()), found["sentence"].to_pylist(), strict=True)
            columns["sentence"] = pa.array([f"{label}: {one}" for label, one in said], pa.string())
        return table(groups.columns(of_row) | columns)

    members = [cases for part in parts for cases in part.members]
    numbers = np.repeat(np.arange(len(members)), [len(one) for one in members])
    cases = np.concatenate([*members, np.empty(0, dtype=np.int64)])
    of_rows = CaseRows.of_pairs(Later(lambda: log.case_ids), numbers, cases, len(members))
    firsts = np.cumsum([0, *(len(part.members) for part in parts)])
    values = [
        part.values.set_column(0, "finding", pc.add(part.values["finding"], int(first)))
        for part, first in zip(parts, firsts[:-1], strict=True)
    ]
    left_out: Counter[str] = sum((part.search.left_out for part in parts), Counter())
    notes = [note if note == APART or not groups.names else f"{groups.label(place)}: {note}"
             for place, part in enumerate(parts) for note in part.search.notes]  # fmt: skip
    return Drivers(
        grouped([part.table for part in parts]), grouped([part.apart for part in parts]),
        pa.concat_tables(values), dict(+left_out), list(dict.fromkeys(notes)), target.name, target.kind,
        sum(part.tested for part in parts), sum(part.found for part in parts), of_rows, LogReference(log),
    )  # fmt: skip
