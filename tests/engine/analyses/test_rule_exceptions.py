"""Exceptions: what they accept, what they do not any more, and those that a log has no use for."""

from __future__ import annotations

from datetime import date

import pytest

from dealtrace_engine.analyses.check_rules import check_rules
from dealtrace_engine.filters import where as w
from dealtrace_engine.models.rules import AcceptedException, Rule, Rules
from rule_logs import rows, small

pytestmark = pytest.mark.kernels


def test_exceptions_are_told_and_do_not_count():
    events = [(case, "won", day) for day, case in enumerate("123", 1)]
    exceptions = (
        AcceptedException(("1",), reason="agreed"),
        AcceptedException(when="region == 'UK'", reason="old", expires=date(2023, 12, 31)),
    )
    log = small(events, region=["DACH", "UK", "DACH"])
    pack = Rules((Rule("q", "existence", "quote", exceptions=exceptions),))
    assert rows(check_rules(log, pack))["q"]["status"] == "not applicable"
    log = small([*events, ("4", "quote", 1)], region=["DACH", "UK", "DACH", "UK"])
    found = check_rules(log, pack)
    assert (rows(found)["q"]["violating_cases"], rows(found)["q"]["accepted_cases"]) == (2, 1)
    assert found.cases(0).to_pylist() == ["2", "3"]
    assert found.violations["accepted_reason"].to_pylist() == ["agreed", None, None]
    assert found.overall["conforming_cases"].to_pylist() == [2]
    assert rows(check_rules(log, pack, as_of="2023-12-31"))["q"]["accepted_cases"] == 2


def test_exceptions_that_the_log_has_no_use_for_are_told():
    log = small([("1", "won", 1), ("2", "won", 2), ("2", "quote", 3)])
    exceptions = (
        AcceptedException(when="regoin == 'UK'", reason="moved"), AcceptedException("8", reason="x"),
        AcceptedException(("1", "7"), reason="x"),
        AcceptedException("9", reason="x", expires=date(2020, 1, 1)),
    )  # fmt: skip
    pack = Rules((Rule("q", "existence", "quote", exceptions=exceptions),))
    for found in (check_rules(log, pack), check_rules(log, pack, where=w.case_id("2"))):
        assert [(finding.reason, finding.count) for finding in found.findings] == [
            ("exceptions of rule 'q' that cannot be told (there is no column 'regoin')", 1),
            ("exceptions of rule 'q' for cases that the log does not have", 2),
        ]
    assert rows(check_rules(log, pack))["q"]["accepted_cases"] == 1
