"""Findings on steps that go with lost and slow deals: planted ones are told in each language."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from dealtrace_engine.filters import where as w
from dealtrace_engine.lead_to_cash.findings import findings
from dealtrace_engine.lead_to_cash.findings_causes import loss_patterns, slow_patterns
from dealtrace_engine.sources.labels import LANGUAGES
from dealtrace_engine.sources.memory import from_arrow


def steps_log(cases=800):
    """Closed deals that are lost more often, or won later, by what was done; the rest is chance or later."""
    dice, events = np.random.default_rng(7), []
    for case in range(cases):
        demo, legal, twice, first = (dice.random(4) < (0.7, 0.3, 0.5, 0.5)).tolist()
        lost = dice.random() < 0.25 + 0.4 * legal
        order = ["Solution Proposed", "First Customer Contact"]
        steps = [*(order if first else order[::-1]), *["Quote Revised"] * (1 + twice)]
        steps += ["Legal Review"] * legal + ["Demo: how, before what"] * demo
        days = 20 + 10 * (not demo) + 20 * twice + 30 * first + 5 * dice.random()
        ending = ["Opportunity Closed Lost", "Farewell"] if lost else ["Opportunity Closed Won", "Party"]
        done = ["Opportunity Created", *steps, *ending]
        times = [0.0, *(1.0 + at / 100 for at in range(len(steps))), days, days + 1]
        events += [
            {
                "case": str(case),
                "activity": step,
                "time": datetime(2024, 1, 1) + timedelta(days=at),
                "amount": 100.0,
            }
            for step, at in zip(done, times, strict=True)
        ]
    return from_arrow(pa.Table.from_pylist(events))


@pytest.mark.parametrize("language", LANGUAGES)
def test_steps_that_go_with_lost_and_slow_deals(language):
    log = steps_log()
    found = findings(log, sources=[loss_patterns, slow_patterns], language=language)
    names = [{name["name"]: name["value"] for name in row["names"]} for row in found.table.to_pylist()]
    kinds = [row["kind"] for row in found.table.to_pylist()]
    assert {(kind, one["pattern"]) for kind, one in zip(kinds, names, strict=True)} == {
        ("loss_pattern", "did"), ("slow_pattern", "skipped"), ("slow_pattern", "repeated"),
        ("slow_pattern", "before"),
    }  # fmt: skip
    assert not [said for said in found.sentences if re.search("Party|Farewell|[{}]|None|nan", said)]
    for place, one in enumerate(names):
        assert one["step"] in found.sentences[place]
        assert len(found.cases(place)) == found.table["cases"][place].as_py()
    (lost,) = (place for place, kind in enumerate(kinds) if kind == "loss_pattern")
    closed = w.contains("Legal Review").mask(log, None)
    assert found.table["cases"][lost].as_py() == closed.sum()
