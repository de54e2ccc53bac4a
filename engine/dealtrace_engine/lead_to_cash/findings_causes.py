"""Findings about what goes with lost and slow deals; associations, not proof."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from itertools import combinations
from operator import and_
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.drivers import Drivers, drivers
from dealtrace_engine.filters import where
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.lead_to_cash.findings_context import SMALLEST, Candidate, Context
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
        late = row["effect"] if context.calendar is None else _later(context.by_clock.cycle_days, cases)
        stake = context.delay_cost(cases, late)
        numbers = {"own_days": row["with_it"], "others_days": row["without_it"], **context.unit}
        yield Candidate("slow_driver", "capital", cases, stake, np.full(len(cases), row["effect"]), numbers,
                        _named(group), won_cases(context, _condition(group)),
                        f"sales cycle: {_written(group)}")  # fmt: skip


def _later(days: NDArray[np.float64], cases: NDArray[np.int64]) -> float:
    """Return how many days longer cases took than the others at the mean; 0 if they did not."""
    others = np.isfinite(days)
    others[cases] = False
    return max(float(days[cases].mean() - days[others].mean()), 0.0)


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
