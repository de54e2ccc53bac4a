"""Rules on cases that are older than the history of what they lack."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dealtrace_engine.analyses.check_rules import check_rules
from dealtrace_engine.coverage import Coverage
from dealtrace_engine.filters import where as w
from dealtrace_engine.models.rules import Rule, Rules
from rule_logs import small


@pytest.mark.parametrize(
    ("template", "kept", "broken"),  # of which cases the rule on a and b cannot be told, and broken by which
    [
        (("existence", "b"), {"1", "2"}, {"5"}),
        (("absence", "c"), set(), {"1", "2", "3", "4", "5"}),
        (("init", "b"), {"1", "2", "3"}, {"4", "5"}),
        (("responded_existence", "a", "b"), {"1", "2"}, {"5"}),
        (("co_existence", "b", "a"), {"1", "2"}, {"5"}),
        (("choice", "b", "d"), {"1", "2"}, {"5"}),
        (("exclusive_choice", "b", "c"), set(), {"3", "4"}),
        (("response", "a", "b"), {"1"}, {"2", "5"}),
        (("precedence", "b", "c"), {"1", "2"}, {"5"}),
        (("succession", "b", "c"), {"1", "2"}, {"5"}),
        (("succession", "a", "b"), {"1"}, {"2", "5"}),
        (("not_succession", "a", "c"), set(), {"1", "2", "3", "4", "5"}),
        (("four_eyes", "a", "b"), set(), {"4"}),
    ],
)
def test_what_a_case_lacks_may_be_older_than_the_history(template, kept, broken):
    """b is known since day 3: case 1 asks before it, 2 began before it, 3 and 4 have it, 5 is younger."""
    days = {"1": [("a", 1), ("c", 5)], "2": [("x", 2), ("a", 3), ("c", 5)], "5": [("a", 4), ("c", 5)],
            "3": [("a", 2), ("b", 3), ("c", 5)], "4": [("a", 4), ("b", 4), ("c", 5)]}  # fmt: skip
    events = [(case, activity, day) for case, own in days.items() for activity, day in own] + [("6", "d", 9)]
    log = small(events, resource=["r" if case == "4" else None for case, _, _ in events])
    name, activity, *more = template
    pack = Rules((Rule("asked", name, activity, *more),))
    before = check_rules(log, pack, where=w.contains("a"))
    known = Coverage("salesforce", "csv", horizons={"b": "2024-01-03", "order_fulfilled": "2030-01-01"})
    log = replace(log, origin=replace(log.origin, coverage=known))
    found = check_rules(log, pack, where=w.contains("a"))
    assert set(found.violations["case_id"].to_pylist()) == broken
    assert set(before.violations["case_id"].to_pylist()) == broken | kept
    (now,), (then,) = found.table.to_pylist(), before.table.to_pylist()
    assert now["applicable_cases"] == then["applicable_cases"] - len(kept)
    reason = "cases that may have kept rule 'asked' before the history of what they lack begins"
    assert [(f.reason, f.count) for f in found.findings] == ([(reason, len(kept))] if kept else [])
