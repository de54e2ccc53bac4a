"""Findings about rules of the ready pack that cases break."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from dealtrace_engine.analyses.check_rules import check_rules
from dealtrace_engine.filters import where
from dealtrace_engine.filters.expressions import Expression
from dealtrace_engine.lead_to_cash.findings_context import Candidate, Context
from dealtrace_engine.lead_to_cash.findings_standouts import Standout, Tally, foremost_group, grouped_by
from dealtrace_engine.models.rules import Rule, Rules

GRAVE = ("critical", "high")
TOLD = ("discount-without-approval", "payment-overdue")
"""Of other sources, which know the limit of discounts and the terms too."""


def broken_rules(context: Context) -> Iterator[Candidate]:
    """Yield each grave rule that is broken; of those that the very same cases break, the graver one."""
    found = check_rules(context.log, calendar=context.calendar, as_of=context.until, threads=context.threads)
    rows = [
        (GRAVE.index(row["severity"]), place, row)
        for place, row in enumerate(found.table.to_pylist())
        if row["status"] == "violated" and row["severity"] in GRAVE and row["rule"] not in TOLD
    ]
    seen: set[bytes] = set()
    behind = _standouts(context, [found.rules[row["rule"]] for *_, row in rows], found.rules)
    for _, place, row in sorted(rows, key=lambda one: one[:2]):
        cases = found._rows.numbers(place)
        if cases.tobytes() in seen:
            continue
        seen.add(cases.tobytes())
        yield Candidate(
            "broken_rule", "exposed", cases, context.value[cases], None,
            {"rule_share": len(cases) / row["applicable_cases"], **behind[row["rule"]].numbers},
            {"rule": f"rule:{row['rule']}", **behind[row["rule"]].names},
            _condition(context, found.rules[row["rule"]]),
        )  # fmt: skip


def _standouts(context: Context, broken: Sequence[Rule], pack: Rules) -> dict[str, Standout]:
    """Return by rule the group that breaks it clearly more often than the others."""
    import pyarrow.compute as pc  # late: 50 ms

    if not broken:
        return {}
    few, tallies = replace(pack, rules=tuple(broken)), {rule.id: dict[str, Tally]() for rule in broken}
    for name in grouped_by(context):
        by = check_rules(context.log, few, by=name, as_of=context.until, threads=context.threads)
        for rule in tallies:
            own = by.table.filter(pc.equal(by.table["rule"], rule))
            counts = (own[column].to_numpy() for column in ("violating_cases", "applicable_cases"))
            tallies[rule][name] = Tally(own.column(0).to_pylist(), *counts)
    return {rule: foremost_group(own) for rule, own in tallies.items()}


def _condition(context: Context, rule: Rule) -> Expression | None:
    """Return what the cases of a rule have without what it asks for; None where that needs the order."""
    if rule.template != "responded_existence" or rule.when is not None or rule.given:
        return None
    has, lacks = ([context.own_name(name) for name in names] for names in (rule.activity, rule.other))
    if len(has) != 1 or has[0] is None or None in lacks:
        return None
    condition = where.contains(has[0])
    for name in filter(None, lacks):
        condition &= ~where.contains(name)
    return condition
