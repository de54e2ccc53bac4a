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
    (
        "rule",
        "kept",
        "broken",
        "old",
    ),  # which cases may have kept the rule, which broke it, how many may have
    [
        (("existence", "b"), {"1", "2"}, {"5"}, 0),
        (("absence", "c"), set(), {"1", "2", "3", "4", "5"}, 0),
        (("absence", "b"), set(), {"3", "4"}, 2),
        (("at_most", "b", {"count": 1}), set(), set(), 3),
        (("exactly", "b", {"count": 1}), {"1", "2"}, {"5"}, 1),
        (("init", "b"), {"1", "2", "3"}, {"4", "5"}, 0),
        (("end", "b"), set(), {"1", "2", "3", "4", "5"}, 0),
        (("end", "e"), {"1", "2", "3", "4", "5"}, set(), 0),
        (("responded_existence", "a", "b"), {"1", "2"}, {"5"}, 0),
        (("co_existence", "b", "a"), {"1", "2"}, {"5"}, 0),
        (("choice", "b", "d"), {"1", "2"}, {"5"}, 0),
        (("exclusive_choice", "b", "c"), set(), {"3", "4"}, 2),
        (("response", "a", "b"), {"1"}, {"2", "5"}, 0),
        (("precedence", "b", "c"), {"1", "2"}, {"5"}, 0),
        (("succession", "b", "c"), {"1", "2"}, {"5"}, 0),
        (("succession", "a", "b"), {"1"}, {"2", "5"}, 0),
        (("not_co_existence", "a", "b"), set(), {"3", "4"}, 2),
        (("not_succession", "a", "c"), set(), {"1", "2", "3", "4", "5"}, 0),
        (("not_succession", "a", "b"), set(), {"3", "4"}, 2),
        (("not_succession", "b", "b"), set(), set(), 0),  # an answer to a b that is seen would be seen
        (("not_chain_succession", "a", "c"), {"1", "2", "5"}, set(), 0),  # an e may have been between
        (("four_eyes", "a", "b"), set(), {"4"}, 0),
        (("same_person", "b"), set(), set(), 1),
        (("never_falls", (), {"attribute": "n"}), set(), set(), 1),
        (("no_skip", (), {"order": ("a", "b", "c")}), {"1", "2"}, {"5"}, 1),
        (("no_skip", (), {"attribute": "step", "order": ("a", "b", "c")}), {"1", "2"}, {"5"}, 1),
        (("on_time", "b", {"attribute": "due", "occurrence": "first"}), {"3"}, {"4"}, 0),
        (("on_time", "b", {"attribute": "due"}), set(), {"3", "4"}, 0),
        (("not_overdue", "b", {"attribute": "due"}), {"1", "2"}, {"5"}, 0),
        (("condition", (), {"must": "due is null"}), set(), {"1", "2", "3", "4", "5"}, 0),
    ],
)
@pytest.mark.parametrize("by", [None, "due"])
def test_what_a_case_lacks_or_broke_may_be_older_than_the_history(rule, kept, broken, old, by):
    """b is known since day 3: case 1 asks before it, 2 began before it, 3 and 4 have it, 5 is younger."""
    days = {"1": [("a", 1), ("c", 5)], "2": [("x", 2), ("a", 3), ("c", 5)], "5": [("a", 4), ("c", 5)],
            "3": [("a", 2), ("b", 3), ("c", 5)], "4": [("a", 4), ("b", 4), ("c", 5)]}  # fmt: skip
    events = [(case, activity, day) for case, own in days.items() for activity, day in own]
    events += [("6", "d", 9), ("6", "e", 9)]
    known = [(case in "4" or activity == "b") for case, activity, _ in events]
    log = small(events, resource=["r" if one else None for one in known], due=["2024-01-02"] * len(events),
                n=[1.0 if activity == "b" else None for _, activity, _ in events],
                step=[activity for _, activity, _ in events])  # fmt: skip
    *given, more = rule if isinstance(rule[-1], dict) else (*rule, {})
    pack = Rules((Rule("asked", *given, **more),))
    before = check_rules(log, pack, where=w.contains("a"), by=by)
    horizons = {"b": "2024-01-03", "e": "2024-01-06", "order_fulfilled": "2030-01-01"}
    coverage = Coverage("salesforce", "csv", horizons=horizons)
    log = replace(log, origin=replace(log.origin, coverage=coverage))
    found = check_rules(log, pack, where=w.contains("a"), by=by)
    assert set(found.violations["case_id"].to_pylist()) == broken
    assert set(before.violations["case_id"].to_pylist()) == broken | kept
    (now,), (then,) = found.table.to_pylist(), before.table.to_pylist()
    assert now["applicable_cases"] == then["applicable_cases"] - len(kept) - old
    said = "cases that may have {} rule 'asked' before the history of what {} begins"
    told = [(said.format("kept", "they lack"), len(kept)), (said.format("broken", "it forbids"), old)]
    assert [(f.reason, f.count) for f in found.findings] == [(reason, n) for reason, n in told if n]
