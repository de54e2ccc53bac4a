"""Findings about who pays late: the customers with most of the delay, and the groups it goes with."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dealtrace_engine.analyses.invoices import TERMS
from dealtrace_engine.analyses.milestones import NEVER
from dealtrace_engine.lead_to_cash.findings_context import SMALLEST, SURE, Candidate, Context

CUSTOMERS = ("account", "account_name", "customer", "customer_name", "account_id", "customer_id")
PAYERS = (
    TERMS, ("segment", "customer_segment"), ("customer_type", "account_type"), ("industry",),
    ("region", "territory", "sales_region"), ("country",),
)  # fmt: skip
"""What late payment may go with; of each, the first attribute that the log has."""
FOREMOST = 10
MOST_GROUPS = 200


def late_customers(context: Context) -> Iterator[Candidate]:
    """Yield the customers whose late payments delay most cash, where there are many more of them."""
    name, groups, late = context.attribute(CUSTOMERS), context.groups(CUSTOMERS), context.late
    if groups is None or name is None or late is None:
        return
    named = groups.keys.column(name).is_valid().to_numpy()[groups.codes]
    paid, own = named & (late != NEVER), named & (late > 0)
    payers = len(np.unique(groups.codes[paid]))
    if own.sum() < SMALLEST or payers < 2 * FOREMOST:
        return
    days = np.where(own, late, 0).astype(np.float64)
    delayed = np.bincount(groups.codes, weights=days * context.weights, minlength=len(groups))
    foremost = np.argsort(-delayed, kind="stable")[:FOREMOST]
    foremost = foremost[delayed[foremost] > 0]
    cases = np.flatnonzero(own & np.isin(groups.codes, foremost))
    if not len(cases):
        return
    numbers = {"customers": len(foremost), "payers": payers, "late_days": float(np.median(days[cases])),
               "delay_share": float(days[cases].sum() / days.sum())}  # fmt: skip
    first = str(groups.keys.column(name)[int(foremost[0])].as_py())
    stake = context.delay_cost(cases, days[cases])
    yield Candidate("late_customers", "capital", cases, stake, days[cases], numbers, {"customer": first})


def late_groups(context: Context) -> Iterator[Candidate]:
    """Yield the terms, segment or region with late payments so much more often that most cash is delayed."""
    late = context.late
    if late is None:
        return
    told, best, most = late != NEVER, None, 0.0
    for names in PAYERS:
        name, groups = context.attribute(names), context.groups(names)
        if groups is None or name is None or len(groups) > MOST_GROUPS:
            continue
        paid = np.bincount(groups.codes[told], minlength=len(groups))
        delayed = np.bincount(groups.codes[told & (late > 0)], minlength=len(groups))
        for group in np.flatnonzero((paid >= SMALLEST) & (paid.sum() - paid >= SMALLEST)).tolist():
            value = groups.keys.column(name)[group].as_py()
            rate = float(delayed[group] / paid[group])
            usual = float((delayed.sum() - delayed[group]) / (paid.sum() - paid[group]))
            every = float(delayed.sum() / paid.sum())
            spread = np.sqrt(every * (1 - every) * (1 / paid[group] + 1 / (paid.sum() - paid[group])))
            if value is None or spread == 0 or (rate - usual) / spread < SURE:
                continue
            cases = np.flatnonzero(told & (late > 0) & (groups.codes == group))
            days = late[cases].astype(np.float64)
            excess = float((context.weights[cases] * days).sum()) * (rate - usual) / rate
            if excess > most:
                numbers = {"own_share": rate, "others_share": usual, "late_days": float(np.median(days))}
                stake, named = context.delay_cost(cases, days), {"attribute": name, "group": str(value)}
                best, most = Candidate("late_group", "capital", cases, stake, days, numbers, named), excess
    if best is not None:
        yield best
