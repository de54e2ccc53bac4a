"""Findings about stages and the funnel: what goes back, what is stuck, and where most is lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from dealtrace_engine.analyses.funnel_steps import LOST, REGAINED, funnel_steps
from dealtrace_engine.analyses.funnel_tables import FunnelCases
from dealtrace_engine.analyses.grouping import groups_of
from dealtrace_engine.analyses.stage_model import StageModel, stage_model, stage_rows, stuck_visits
from dealtrace_engine.analyses.stage_source import stage_source
from dealtrace_engine.analyses.stage_visits import REOPEN, RETURN, end_of, stage_order, stage_visits
from dealtrace_engine.errors import LogError, SchemaError
from dealtrace_engine.filters import where
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.lead_to_cash.findings_context import DAY_US, SMALLEST, Candidate, Context
from dealtrace_engine.sources.labels import activity_label


def stage_findings(context: Context) -> Iterator[Candidate]:
    """Yield the move back with most money in it, and the stage in which most is stuck; see `stages`."""
    log, end = context.log, end_of(context.log, context.until)
    try:
        source = stage_source(log, threads=context.threads)
    except (LogError, SchemaError):  # the log does not tell its stages
        return
    visits = stage_visits(log, source, end, threads=context.threads)
    order = stage_order(log, source, visits)
    if not order.open_stages:
        return
    model = stage_model(visits, order, groups_of(log), context.measure, threads=context.threads)
    yield from _returns(context, model)
    yield from _stuck(context, model)


def _returns(context: Context, model: StageModel) -> Iterator[Candidate]:
    """Yield the cases that went back from one stage to another.

    The days are those since they first got there or beyond; of several such moves of a case, until the last.
    """
    visits, told = model.visits.joined, model.joined
    back = np.flatnonzero(((told.kinds == RETURN) | (told.kinds == REOPEN)) & (told.origins >= 0))
    moves = told.origins[back].astype(np.int64) * model.width + visits.stages[back]
    totals = np.bincount(moves, weights=context.weights[visits.cases[back]], minlength=model.width**2)
    totals[np.bincount(moves, minlength=model.width**2) < SMALLEST] = 0
    if totals.max(initial=0) <= 0:
        return
    origin, target = divmod(int(np.argmax(totals)), model.width)
    own = back[moves == origin * model.width + target]
    cases, last = np.unique(visits.cases[own][::-1], return_index=True)
    last = own[len(own) - 1 - last]
    there = np.flatnonzero(visits.stages >= target)
    firsts = there[np.searchsorted(visits.cases[there], cases)]
    cases, begins, ends = cases.astype(np.int64), visits.begins[firsts], visits.begins[last]
    days, late = context.in_both(lambda told: told.took(begins, ends, cases) / DAY_US)
    yield Candidate(
        "stage_returns", "capital", cases, context.delay_cost(cases, late), days,
        {"returns": len(own), "lost_days": float(np.median(days)), **context.unit},
        {"source": model.order.names[origin], "target": model.order.names[target]},
    )  # fmt: skip


def _stuck(context: Context, model: StageModel) -> Iterator[Candidate]:
    """Yield the deals that stay in a stage for longer than nine of ten did; those that are stalled aside."""
    stalled = context.stalled
    if stalled is None:
        return
    visits = model.visits.joined
    limits = stage_rows(model, context.threads)[1]
    stuck = stuck_visits(visits, model.order, limits)
    stuck = stuck[(context.hoped & ~stalled.is_stalled)[visits.cases[stuck]]]
    stages = visits.stages[stuck]
    totals = np.bincount(stages, weights=context.weights[visits.cases[stuck]], minlength=model.width)
    worst = int(np.argmax(totals))
    own = stuck[stages == worst]
    if len(own) < SMALLEST:
        return
    cases, days = visits.cases[own].astype(np.int64), visits.dwell[own] / DAY_US
    numbers = {"limit_days": float(limits[worst] / DAY_US), "own_days": float(np.median(days)),
               **context.unit}  # fmt: skip
    yield Candidate("stuck_stage", "hoped", cases, context.value[cases], days, numbers,
                    {"stage": model.order.names[worst]})  # fmt: skip


def funnel_drop(context: Context) -> Iterator[Candidate]:
    """Yield the step of the ready funnel after which most is lost; see `funnel`."""
    try:
        steps = funnel_steps(context.log, None, end_of(context.log, context.until), threads=context.threads)
    except LogError:  # the log has too few of the steps
        return
    funnel = FunnelCases.of(steps, groups_of(context.log), context.threads)
    lost = np.where(steps.is_lost, funnel.furthest, -1)
    totals = np.bincount(lost + 1, weights=context.weights, minlength=funnel.count + 1)[1:]
    worst = int(np.argmax(totals))
    cases = np.flatnonzero(lost == worst)
    if totals[worst] <= 0:
        return
    numbers = {"drop_share": len(cases) / int(funnel.reached[worst].sum())}
    name = activity_label(steps.names[worst])
    yield Candidate("funnel_drop", "lost", cases, context.value[cases], None, numbers,
                    {"step": f"activity:{name}"},
                    None if steps.older else _lost_after(context, steps.names, worst))  # fmt: skip


def _lost_after(context: Context, steps: Sequence[str], worst: int) -> Expression | None:
    """Return what cases have that are lost after a step: it and a loss, and none of the later steps."""
    later = [context.own_name(step) for step in steps[worst:]]
    if later[0] is None or None in later:
        return None
    condition = where.contains(later[0]) & context.ended(LOST, REGAINED)
    for name in filter(None, later[1:]):
        condition &= ~where.contains(name)
    return condition
