"""Analyses that look at many things at once find something in at most 5 of 100 shuffled logs.

What is looked for is shuffled between cases, or events, and the rest of the log stays as it is: whatever is
found then is chance. `drivers` is tested so in test_drivers.py.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from dealtrace_engine.analyses.bottlenecks import bottlenecks
from dealtrace_engine.analyses.discounts import discounts
from dealtrace_engine.analyses.journeys import journeys
from dealtrace_engine.analyses.rep_benchmark import rep_benchmark
from dealtrace_engine.lead_to_cash.kpi_comparison import compare_periods
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash

SHUFFLES, MOST = 100, 5


@pytest.fixture(scope="module")
def events():
    return pl.from_arrow(lead_to_cash(300, seed=6).events)


@pytest.fixture(scope="module")
def many_events():
    return pl.from_arrow(lead_to_cash(1_000, seed=6).events)


def shuffled(events, seed, *names):
    """The events, with the values of attributes of the case given to other cases, together."""
    cases = events.group_by("case_id", maintain_order=True).agg(pl.col(*names).first())
    order = np.random.default_rng(seed).permutation(cases.height)
    cases = cases.with_columns(pl.col(*names).gather(order))
    return from_arrow(events.drop(names).join(cases, on="case_id", maintain_order="left").to_arrow())


def begun_at_other_times(events, seed):
    """The events, with each case moved to the day another one began; and the middle of the beginnings."""
    begun = events.group_by("case_id", maintain_order=True).agg(begun=pl.col("timestamp").min())
    order = np.random.default_rng(seed).permutation(begun.height)
    day = pl.col("begun").dt.truncate("1d")
    moved = begun.select("case_id", by=day.gather(order) - day)
    found = events.join(moved, on="case_id", maintain_order="left")
    found = found.with_columns(pl.col("timestamp", "due_date") + pl.col("by"))
    return from_arrow(found.drop("by").to_arrow()), begun["begun"].median().isoformat()


def test_nobody_lets_wait_longer_than_others(events):
    found = 0
    for seed in range(SHUFFLES):
        who = pl.col("resource").shuffle(seed).over("activity")  # everybody still does what they do
        table = bottlenecks(from_arrow(events.with_columns(who).to_arrow())).resources.table
        low = pl.from_arrow(table)["excess_low_s"]
        assert low.count() > 10
        found += bool((low > 0).any())
    assert found <= MOST


def test_no_step_separates_won_from_lost_paths(events):
    found = 0
    for seed in range(SHUFFLES):
        steps = journeys(shuffled(events, seed, "outcome"), outcome="outcome").steps
        found += bool((pl.from_arrow(steps)["q_value"] <= 0.05).any())
    assert found <= MOST


def test_no_rep_stands_out(many_events):
    found = 0
    for seed in range(SHUFFLES):
        table = pl.from_arrow(rep_benchmark(shuffled(many_events, seed, "sales_rep"), pseudonyms=False).table)
        assert table["observed"].count() > 30
        found += table["stands_out"].count() > 0
    assert found <= MOST


def test_no_kpi_differs_before_and_after(many_events):
    found = 0
    for seed in range(SHUFFLES):
        log, middle = begun_at_other_times(many_events, seed)
        table = pl.from_arrow(compare_periods(log, middle).table)
        assert table["p"].count() > 20
        found += bool(table["significant"].any())
    assert found <= MOST


def test_each_association_of_discounts_is_found_as_often_as_it_says(events):
    """These are few, told of whatever they are, and not adjusted for how many: 5 % each, give or take."""
    found = []
    for seed in range(SHUFFLES):
        told = discounts(shuffled(events, seed, "discount_percent")).associations
        found.append((pl.from_arrow(told)["p_value"] <= 0.05).fill_null(False).to_list())
    assert np.sum(found, axis=0).max() <= 2 * MOST
