"""Figures have the same bits in whatever order the cases of a log are stored."""

from __future__ import annotations

import pytest

from dealtrace_engine.analyses.discounts import discounts
from dealtrace_engine.analyses.drivers import drivers
from dealtrace_engine.analyses.rep_benchmark import rep_benchmark
from dealtrace_engine.lead_to_cash.kpi_comparison import compare_periods
from dealtrace_engine.lead_to_cash.kpis import kpis
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash
from logs import cases_shuffled

ASKED = {
    "kpis": lambda log: kpis(log, value="amount").table,
    "periods": lambda log: compare_periods(log, "2024-12-31").table,
    "reps": lambda log: rep_benchmark(log, pseudonyms=False, smallest=5).table,
    "discounts": lambda log: discounts(log).associations,
    "drivers": lambda log: drivers(log, "throughput", patterns=False).table,
}


@pytest.fixture(scope="module")
def stored():
    events = lead_to_cash(900, seed=5).events
    return from_arrow(events), from_arrow(cases_shuffled(events, seed=1))


@pytest.mark.parametrize("asked", ASKED)
def test_the_order_of_cases_changes_no_bit(asked, stored):
    one, other = stored
    assert one.case_ids != other.case_ids
    assert ASKED[asked](one).to_pylist() == ASKED[asked](other).to_pylist()
