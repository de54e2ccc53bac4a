"""Findings about what goes with lost and slow deals; associations, not proof."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from itertools import combinations
from operator import and_
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.driver_patterns import KINDS
from dealtrace_engine.analyses.drivers import Drivers, drivers
from dealtrace_engine.filters import where
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.lead_to_cash.findings_context import (
    ACTIVITY,
    LOST,
    SMALLEST,
    WON,
    Candidate,
    Context,
)
from dealtrace_engine.lead_to_cash.findings_delays import GROUPED_BY, won_cases
from dealtrace_engine.lead_to_cash.findings_money import SOURCES

CAUSES = (
    *GROUPED_BY, ("industry",), ("country",), ("product", "product_category", "product_family"), SOURCES,
    ("type", "opportunity_type", "deal_type"), ("record_type",), ("customer_type", "account_type"),
    ("campaign",), ("channel", "sales_channel"),
)  # fmt: skip
"""What is known when a deal begins; of each, the first attribute that the log has.

What only comes with the outcome explains nothing. People are compared by `rep_benchmark`, which adjusts for
their mix of deals.
"""
MOST = 3
MOST_PATTERNS = 20
"""So many are looked at, of which those that are told again or go with less of it are left out."""
Group = tuple[tuple[str, Any], ...]
"""Attributes, one or two, and their values."""


def loss_drivers(context: Context) -> Iterator[Candidate]:
    """Yield what goes with losing: the groups of closed deals that are lost more often than the others."""
    won, lost = context.decided
    closed = won | lost
    found = _drivers(context, pa.array(lost, mask=~closed))
    for row, group, cases in _groups(context, found):
        stake = context.value[cases] * row["effect"]
        numbers = {"own_share": row["with_it"], "others_share": row["without_it"]}
        yield Candidate("loss_driver", "missed", cases, stake, None, numbers, _named(group),
                        _condition(group) & context.is_closed, f"win rate: {_written(group)}")  # fmt: skip


def slow_drivers(context: Context) -> Iterator[Candidate]:
    """Yield what goes with slow deals: the groups of won ones that took longer from creation to the win."""
    days = context.cycle_days
    found = _drivers(context, pa.array(days, mask=np.isnan(days)))
    for row, group, cases in _groups(context, found):
        stake = context.delay_cost(cases, _later(context, row, cases))
        numbers = {"own_days": row["with_it"], "others_days": row["without_it"], **context.unit}
        yield Candidate("slow_driver", "capital", cases, stake, np.full(len(cases), row["effect"]), numbers,
                        _named(group), won_cases(context, _condition(group)),
                        f"sales cycle: {_written(group)}")  # fmt: skip


def loss_patterns(context: Context) -> Iterator[Candidate]:
    """Yield which steps, done, repeated or in which order, go with losing closed opportunities.

    A step that was skipped is none: what is lost early skips all that comes later, because it was lost.
    """
    won, lost = context.decided
    closed = (won | lost) & context.has("opportunity_created")
    for row, names, cases in _patterns(context, pa.array(lost, mask=~closed), ("did", "repeated", "before")):
        numbers = {"own_share": row["with_it"], "others_share": row["without_it"]}
        yield Candidate("loss_pattern", "missed", cases, context.value[cases] * row["effect"], None, numbers,
                        names, about=f"win rate: {row['what']}")  # fmt: skip


def slow_patterns(context: Context) -> Iterator[Candidate]:
    """Yield which steps before the win, done, skipped, repeated or in which order, go with a later one."""
    days = context.cycle_days
    for row, names, cases in _patterns(context, pa.array(days, mask=np.isnan(days)), tuple(KINDS)):
        stake = context.delay_cost(cases, _later(context, row, cases))
        numbers = {"own_days": row["with_it"], "others_days": row["without_it"], **context.unit}
        yield Candidate("slow_pattern", "capital", cases, stake, np.full(len(cases), row["effect"]), numbers,
                        names, about=f"sales cycle: {row['what']}")  # fmt: skip


def _later(context: Context, row: Mapping[str, Any], cases: NDArray[np.int64]) -> float:
    """Return how many days by the clock cases took longer, at the mean.

    Where they are not told against all others, with a calendar: in the ratio of their days by both.
    """
    longer = float(row["effect"])
    if context.calendar is None:
        return longer
    days = context.by_clock.cycle_days
    if row["base"] != "all cases":
        return longer * float(days[cases].sum() / context.cycle_days[cases].sum())
    others = np.isfinite(days)
    others[cases] = False
    own, rest = np.sort(days[cases]), np.sort(days[others])  # sums of floats depend on their order
    return max(float(own.mean()) - float(rest.mean()), 0.0)


def _patterns(
    context: Context, target: pa.Array, kinds: Sequence[str]
) -> Iterator[tuple[dict[str, Any], dict[str, str], NDArray[np.int64]]]:
    """Yield what was done before the decision where there is more of the target; each step or cases once.

    No expression selects what happened before it only. Who did something is compared by `rep_benchmark`.
    """
    if len(target) - target.null_count < 2 * SMALLEST:
        return
    until = context.own_names(*WON, *LOST)
    found = drivers(context.log, target, attributes=[], pairs=False, until=until, handled=False,
                    smallest=SMALLEST, most=MOST_PATTERNS, threads=context.threads)  # fmt: skip
    told: list[tuple[set[str], NDArray[np.int64]]] = []
    for place, row in enumerate(found.table.to_pylist()):
        steps = _steps(context, row)
        if len(told) == MOST or row["effect_low"] <= 0 or row["kind"] not in kinds:
            continue
        cases = found._rows.numbers(place)
        if not any(others & set(steps) or np.array_equal(same, cases) for others, same in told):
            told.append((set(steps), cases))
            called = zip(("step", "other_step"), steps, strict=False)
            names = {"pattern": row["kind"]} | {name: f"{ACTIVITY}{step}" for name, step in called}
            yield row, names, cases


def _steps(context: Context, row: dict[str, Any]) -> tuple[str, ...]:
    """Return the activities that a pattern is about."""
    kind, what = row["kind"], row["what"]
    if kind != "before":
        return (what.removeprefix(f"{kind} "),)
    there, words = set(context.log.activities.to_pylist()), what.split(" before ")
    pairs = ((" before ".join(words[:at]), " before ".join(words[at:])) for at in range(1, len(words)))
    return next(pair for pair in pairs if there.issuperset(pair))


def _attributes(context: Context) -> list[str]:
    return list(dict.fromkeys(filter(None, map(context.attribute, CAUSES))))


def _drivers(context: Context, target: pa.Array) -> Drivers | None:
    names = _attributes(context)
    if not names or len(target) - target.null_count < 2 * SMALLEST:
        return None
    return drivers(context.log, target, attributes=names, patterns=False, smallest=SMALLEST,
                   threads=context.threads)  # fmt: skip


def _groups(
    context: Context, found: Drivers | None
) -> Iterator[tuple[dict[str, float], Group, NDArray[np.int64]]]:
    """Yield the findings with more of the target, the weightiest first, with the group that they are about.

    A pair of which one side was told says little more.
    """
    told: list[Group] = []
    for place, row in enumerate([] if found is None else found.table.to_pylist()):
        assert found is not None
        if row["effect_low"] <= 0 or len(told) == MOST:
            continue
        cases = found._rows.numbers(place)
        group = _group(context, row["what"], int(cases[0]))
        if group and not any(set(other) <= set(group) for other in told):
            told.append(group)
            yield row, group, cases


def _group(context: Context, what: str, case: int) -> Group:
    """Return the attributes of a finding with their values; none of a band of numbers, or of no value."""
    values = {name: context.log.attribute(name).values[case].as_py() for name in _attributes(context)}
    known = [(name, value) for name, value in values.items() if value is not None]
    groups = [*((one,) for one in known), *combinations(known, 2)]
    return next((group for group in groups if _written(group) == what), ())


def _written(group: Group) -> str:
    return " and ".join(f"{name} = {value}" for name, value in group)


def _condition(group: Group) -> Expression:
    conditions: Iterator[Expression] = (where.case(name) == value for name, value in group)
    return reduce(and_, conditions)


def _named(group: Group) -> dict[str, str]:
    """Return the names for the sentence: ``attribute`` and ``group``, of the second ``*_2``."""
    told = zip(("", "_2"), group, strict=False)
    return {f"{what}{number}": str(said) for number, one in told
            for what, said in zip(("attribute", "group"), one, strict=True)}  # fmt: skip
