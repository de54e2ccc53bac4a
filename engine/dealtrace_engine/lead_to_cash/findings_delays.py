"""Findings about time: slow steps, slow approvers, slow groups, quotes that are done again, stalled deals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import reduce
from itertools import product, starmap
from operator import or_

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.follows import directly_follows
from dealtrace_engine.analyses.milestones import NEVER, wanted_activities
from dealtrace_engine.analyses.waits import in_rows
from dealtrace_engine.attributes import codes_of
from dealtrace_engine.filters import where
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.lead_to_cash.findings_context import (
    DAY_US,
    PAID,
    SMALLEST,
    Candidate,
    Context,
    Days,
)
from dealtrace_engine.lead_to_cash.findings_standouts import standout
from dealtrace_engine.percentiles import group_percentiles

APPROVED = ("discount_approval_approved", "approval_approved")
DECIDED = (*APPROVED, "discount_approval_rejected", "approval_rejected")
GROUPED_BY = (("region", "territory", "sales_region"), ("team", "business_unit"), ("segment", "industry"))
SLOWER = 1.25
"""So many times as slow as the others is slow."""
MOST_STEPS = 2


def slow_steps(context: Context) -> Iterator[Candidate]:
    """Yield the pairs of activities where cash waits most: above the median of the pair."""
    log = context.log
    inside = np.ones(log.events, dtype=np.bool_)
    inside[log.case_offsets[:-1]] = False
    inside &= ~wanted_activities(log, (*PAID, "payment_reminder_sent"), missing=True)[log.activity_codes]
    at = np.flatnonzero(inside)
    width, codes = len(log.activities), log.activity_codes.astype(np.int64)
    edges, cases = codes[at - 1] * width + codes[at], context.case_of_event[at]
    waits, medians, excess = _above_median(context, at, edges, cases)
    late = excess
    if context.calendar is not None:
        late = np.where(excess > 0, _above_median(context.by_clock, at, edges, cases)[2], 0)
    weights = context.cash[cases] * late if context.amounts is not None else excess
    totals = np.bincount(edges, weights=weights, minlength=width * width)
    totals[np.bincount(edges, minlength=width * width) < SMALLEST] = 0
    for edge in np.argsort(-totals, kind="stable")[:MOST_STEPS]:
        own = (edges == edge) & (excess > 0)
        if totals[edge] <= 0:
            return
        found, delays = _by_case(cases[own], excess[own])
        later = delays if context.calendar is None else _by_case(cases[own], late[own])[1]
        longer = timedelta(microseconds=int(medians[edge]) // 2 + 1)
        source, target = (log.activities[int(code)].as_py() for code in divmod(int(edge), width))
        median = float(medians[edge]) / (2 * DAY_US)
        yield Candidate(
            "slow_step", "capital", found, context.delay_cost(found, later), delays,
            {"median_days": median, "slow_days": float(np.median(waits[own])) / DAY_US, **context.unit},
            {"source": f"activity:{source}", "target": f"activity:{target}"},
            None if context.calendar else where.directly_followed(source, target, at_least=longer),
        )  # fmt: skip


def _above_median(
    context: Context, at: NDArray[np.int64], edges: NDArray[np.int64], cases: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Days]:
    """Return waits before events, twice the median of each pair of activities, and the days above it."""
    times = context.log.timestamps
    waits = context.took(times[at - 1], times[at], cases)
    medians = _doubled_medians(context, edges, waits)
    return waits, medians, np.maximum(2 * waits - medians[edges], 0) / (2 * DAY_US)


def _doubled_medians(
    context: Context, edges: NDArray[np.int64], waits: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return twice the median of each pair of activities in microseconds, which is whole; 0 for none.

    Those by the clock are those of the process map; those of work are of `waits`, which are of `edges`.
    """
    log, width = context.log, len(context.log.activities)
    medians = np.zeros(width * width, dtype=np.int64)
    if context.calendar is not None:
        rows, offsets, times, _ = in_rows(edges.astype(np.int32), len(medians), waits, context.threads)
        medians[rows] = _doubled(group_percentiles(times, offsets, [50], threads=context.threads)[:, 0])
        return medians
    told = directly_follows(log).edges
    code_of = {activity: code for code, activity in enumerate(log.activities.to_pylist())}
    pairs = zip(told["source"].to_pylist(), told["target"].to_pylist(), strict=True)
    found = [code_of[source] * width + code_of[target] for source, target in pairs]
    medians[found] = _doubled(np.asarray(told["median_s"]))
    return medians


def _doubled(seconds: Days) -> NDArray[np.int64]:
    return np.rint(seconds * 2_000_000).astype(np.int64)


def _by_case(cases: NDArray[np.int64], days: Days) -> tuple[NDArray[np.int64], Days]:
    found, places = np.unique(cases, return_inverse=True)
    return found, np.bincount(places, weights=days, minlength=len(found)).astype(np.float64)


def slow_approvers(context: Context) -> Iterator[Candidate]:
    """Yield whoever decides approvals much later than the others do; the one who delays most cash."""
    log = context.log
    role = log.origin.roles.get("resource") or "resource"
    if role not in log.attribute_names or not context.knows(*DECIDED):
        return
    at = np.flatnonzero(wanted_activities(log, DECIDED, missing=True)[log.activity_codes])
    at = at[~np.isin(at, log.case_offsets)]
    resource = log.attribute(role)
    values = resource.per_event(log.case_offsets).take(pa.array(at))
    who = codes_of(values).astype(np.int64)
    at, who, known = at[who >= 0], who[who >= 0], np.flatnonzero(who >= 0)
    cases = np.searchsorted(log.case_offsets, at, side="right") - 1
    begins, ends = log.timestamps[at - 1], log.timestamps[at]
    days, by_clock = context.in_both(lambda told: told.took(begins, ends, cases) / DAY_US)
    best: Candidate | None = None
    for person in np.unique(who)[np.unique(who, return_counts=True)[1] >= SMALLEST]:
        own = who == person
        if own.all():
            continue
        others, median = float(np.median(days[~own])), float(np.median(days[own]))
        if median <= SLOWER * others:
            continue
        found, delays = _by_case(cases[own], np.maximum(days[own] - others, 0))
        late = np.maximum(by_clock[own] - np.median(by_clock[~own]), 0)
        stake = context.delay_cost(found, _by_case(cases[own], late)[1])
        name = str(values[int(known[np.flatnonzero(own)[0]])].as_py())
        if best is None or (stake.sum(), delays.sum()) > (best.stake.sum(), _total(best)):
            best = Candidate(
                "slow_approver", "capital", found, stake, delays,
                {"own_days": median, "others_days": others, "decisions": int(own.sum()), **context.unit},
                {"person": name}, where.any_event((where.event(role) == name) & _decisions(context)),
            )  # fmt: skip
    if best is not None:
        yield best


def _total(candidate: Candidate) -> float:
    return 0.0 if candidate.days is None else float(candidate.days.sum())


def _decisions(context: Context) -> Expression:
    wanted = np.flatnonzero(wanted_activities(context.log, DECIDED, missing=True))
    return where.activity(*(context.log.activities[int(code)].as_py() for code in wanted))


def slow_groups(context: Context) -> Iterator[Candidate]:
    """Yield the region, team or segment whose sales cycle is longest against the others."""
    days, by_clock = context.cycle_days, context.by_clock.cycle_days
    there = np.isfinite(days)
    for names in GROUPED_BY:
        name, groups = context.attribute(names), context.groups(names)
        best: Candidate | None = None
        for group in range(len(groups) if groups is not None and len(groups) <= 200 else 0):
            assert groups is not None
            own = there & (groups.codes == group)
            others = there & ~own
            if own.sum() < SMALLEST or others.sum() < SMALLEST or name is None:
                continue
            value = groups.keys.column(name)[group].as_py()
            if value is None:
                continue
            median, usual = float(np.median(days[own])), float(np.median(days[others]))
            if median <= SLOWER * usual:
                continue
            cases = np.flatnonzero(own)
            late = max(float(np.median(by_clock[own]) - np.median(by_clock[others])), 0.0)
            candidate = Candidate(
                "slow_group", "capital", cases, context.delay_cost(cases, late),
                np.full(len(cases), median - usual),
                {"own_days": median, "others_days": usual, **context.unit},
                {"attribute": name, "group": str(value)},
                won_cases(context, where.case(name) == value), f"sales cycle: {name} = {value}",
            )  # fmt: skip
            if best is None or candidate.stake.sum() > best.stake.sum():
                best = candidate
        if best is not None:
            yield best


def won_cases(context: Context, condition: Expression) -> Expression:
    """Return a condition for the cases that were created, then won, only."""
    pairs = product(*map(context.own_names, ("opportunity_created", "opportunity_won")))
    return condition & reduce(or_, starmap(where.eventually_followed, pairs))


def quote_revisions(context: Context) -> Iterator[Candidate]:
    """Yield the quotes that were revised: the time from the first quote to the last revision."""
    revised = context.reached("quote_revised")
    quoted = context.reached("quote_created", "quote_issued").firsts
    own = (revised.lasts != NEVER) & (quoted != NEVER) & (revised.lasts > quoted)
    cases = np.flatnonzero(own)
    if not len(cases):
        return
    behind = standout(context, own, quoted != NEVER)
    days, late = context.in_both(lambda told: told.took(quoted[cases], revised.lasts[cases], cases) / DAY_US)
    name = context.own_name("quote_revised")
    yield Candidate(
        "quote_revisions", "capital", cases, context.delay_cost(cases, late), days,
        {"revisions": int(revised.counts[cases].sum()), "lost_days": float(np.median(days)),
         "quoted_share": len(cases) / int((quoted != NEVER).sum()), **context.unit, **behind.numbers},
        behind.names, None if name is None else where.contains(name),
    )  # fmt: skip


def stalled_deals(context: Context) -> Iterator[Candidate]:
    """Yield open deals in which nothing has happened for longer than ever in nearly every closed one."""
    stalled = context.stalled
    if stalled is None or not stalled.is_stalled.any():
        return
    cases = np.flatnonzero(stalled.is_stalled)
    idle = stalled.idle_days[cases]
    behind = standout(context, stalled.is_stalled, context.hoped)
    numbers = {"limit_days": stalled.limit_days, "idle_days": float(np.median(idle)), **context.unit,
               **behind.numbers}  # fmt: skip
    yield Candidate("stalled_deals", "hoped", cases, context.value[cases], idle, numbers, behind.names)
