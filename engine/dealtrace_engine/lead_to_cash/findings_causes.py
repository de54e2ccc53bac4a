"""Findings about what goes with lost and slow deals; associations, not proof."""

from __future__ import annotations

from collections.abc import Iterator

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


def loss_drivers(context: Context) -> Iterator[Candidate]:
    """Yield what goes with losing: the groups of closed deals that are lost more often than the others."""
    won, lost = context.decided
    closed = won | lost
    found = _drivers(context, pa.array(lost, mask=~closed))
    for row, name, value, condition, cases in _groups(context, found):
        stake = context.value[cases] * row["effect"]
        numbers = {"own_share": row["with_it"], "others_share": row["without_it"]}
        named = {"attribute": name, "group": str(value)}
        yield Candidate("loss_driver", "missed", cases, stake, None, numbers, named,
                        condition & context.is_closed, f"win rate: {name} = {value}")  # fmt: skip


def slow_drivers(context: Context) -> Iterator[Candidate]:
    """Yield what goes with slow deals: the groups of won ones that took longer from creation to the win."""
    days = context.cycle_days
    found = _drivers(context, pa.array(days, mask=np.isnan(days)))
    for row, name, value, condition, cases in _groups(context, found):
        longer = np.full(len(cases), row["effect"])
        numbers = {"own_days": row["with_it"], "others_days": row["without_it"]}
        named = {"attribute": name, "group": str(value)}
        yield Candidate("slow_driver", "capital", cases, context.delay_cost(cases, longer), longer, numbers,
                        named, won_cases(context, condition), f"sales cycle: {name} = {value}")  # fmt: skip


def _drivers(context: Context, target: pa.Array) -> Drivers | None:
    names = list(dict.fromkeys(filter(None, map(context.attribute, CAUSES))))
    if not names or len(target) - target.null_count < 2 * SMALLEST:
        return None
    return drivers(context.log, target, attributes=names, pairs=False, patterns=False, smallest=SMALLEST,
                   threads=context.threads)  # fmt: skip


def _groups(
    context: Context, found: Drivers | None
) -> Iterator[tuple[dict[str, float], str, object, Expression, NDArray[np.int64]]]:
    """Yield the findings with more of the target, the weightiest first, with their attribute and value."""
    told = 0
    for place, row in enumerate([] if found is None else found.table.to_pylist()):
        assert found is not None
        name, _, shown = row["what"].partition(" = ")
        if row["effect_low"] <= 0 or name not in context.log.attribute_names or told == MOST:
            continue
        cases = found._rows.numbers(place)
        value = context.log.attribute(name).values[int(cases[0])].as_py()
        if value is None or str(value) != shown:  # a band of numbers, or no value
            continue
        told += 1
        yield row, name, value, where.case(name) == value, cases
