"""Journeys, the steps that separate won from lost ones, and the difference of two maps."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from unittest import mock

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from dealtrace_engine import parallel
from dealtrace_engine.analyses import map_difference as map_module
from dealtrace_engine.analyses import separating_steps as steps_module
from dealtrace_engine.analyses.decided import decided_cases, outcomes_in
from dealtrace_engine.analyses.journeys import journeys
from dealtrace_engine.analyses.rate_intervals import wilson
from dealtrace_engine.calendar import WorkingCalendar
from dealtrace_engine.errors import ArgumentError, Cancelled, LogError, SchemaError
from dealtrace_engine.filters import where as w
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash
from naive import journeys as naive

WON, LOST, AGAIN = "opportunity_won", "opportunity_lost", "opportunity_reopened"


def log_of(paths, **columns):
    """A log of paths, an event a day; other columns have a value per path."""
    lengths = [len(path) for path in paths]
    days = [f"2024-01-{day + 1:02d}" for path in paths for day in range(len(path))]
    repeated = {
        name: pa.array([value for value, n in zip(own, lengths, strict=True) for _ in range(n)])
        for name, own in columns.items()
    }
    cases = [f"{case}" for case, n in enumerate(lengths) for _ in range(n)]
    flat = [activity for path in paths for activity in path]
    return from_arrow(pa.table({"case": cases, "activity": flat, "time": days, **repeated}))


BY_HAND = (
    ["a", "b", "b", WON],
    ["a", "b", "a", "b", WON],
    ["a", "b", LOST],
    ["a", LOST, AGAIN],
    ["a", LOST, AGAIN, "b", WON, "c"],
)


def test_by_hand():
    amounts, currencies = [1.0, 2.0, 4.0, None, 16.0], ["EUR", "EUR", "EUR", "USD", "EUR"]
    log = log_of(BY_HAND, amount=amounts, currency=currencies)
    found = journeys(log, value="amount", fewest=1)
    rows = found.table.to_pylist()
    assert [(row["currency"], row["activities"], row["cases"], row["won"], row["lost"]) for row in rows] == [
        ("EUR", ["a", "b", WON], 2, 2, 0),
        ("EUR", ["a", "b", LOST], 1, 0, 1),
        ("EUR", ["a", LOST, AGAIN, "b", WON, "c"], 1, 1, 0),
        ("USD", ["a", LOST, AGAIN], 1, 0, 0),
    ]
    assert [row["value"] for row in rows] == [3.0, 4.0, 16.0, 0.0]
    assert [row["won_value"] for row in rows] == [3.0, 0.0, 16.0, 0.0]
    assert [row["share"] for row in rows] == [0.5, 0.25, 0.25, 1.0]  # of a currency
    assert [row["win_rate"] for row in rows] == [1.0, 0.0, 1.0, None]
    assert rows[3]["win_rate_low"] is None
    assert rows[0]["win_rate_low"] == pytest.approx(0.3424, abs=1e-4)
    assert rows[0]["p50_s"] == 3.5 * 86_400
    assert [found.cases(row).to_pylist() for row in range(4)] == [["0", "1"], ["2"], ["4"], ["3"]]
    assert {finding.reason: finding.count for finding in found.findings} == {
        "cases neither won nor lost": 1, "no amount in 'amount'": 1,
    }  # fmt: skip
    assert '"journeys 2"' in found.to_json()
    assert "4 rows of 5 cases" in repr(found)
    again = pickle.loads(pickle.dumps(found))
    assert again.table == found.table
    assert again.steps == found.steps


def test_working_time():
    log = log_of([["a", "b"], ["a"] * 8], owner=["x", "y"])
    table = journeys(log, calendar=WorkingCalendar("UTC")).table
    days = {row["length"]: row["p50_s"] for row in table.to_pylist()}
    one = WorkingCalendar("UTC").between(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC))
    assert days == {2: one.total_seconds(), 1: 5 * one.total_seconds()}


def test_loops_kept_are_the_variants():
    kept = journeys(log_of(BY_HAND), loops="kept").table
    assert kept["cases"].to_pylist() == [1] * 5
    short = journeys(log_of(BY_HAND), longest_loop=1).table
    assert ["a", "b", "a", "b", WON] in short["activities"].to_pylist()
    assert "value" not in short.column_names


def test_steps_by_hand():
    paths = [["a", "b", WON]] * 6 + [["b", "a", LOST]] * 5 + [["b", LOST]] * 3 + [["a", "a"]] * 4
    found = journeys(log_of(paths), fewest=3)
    rows = found.steps.to_pylist()
    assert [(row["kind"], row["step"], row["other"]) for row in rows] == [
        ("before", "a", "b"), ("does", "a", None)
    ]  # fmt: skip
    order, does = rows
    assert (order["cases_with"], order["won_with"], order["cases_without"], order["won_without"]) == (
        6, 6, 5, 0,
    )  # fmt: skip
    assert (does["win_rate_with"], does["win_rate_without"]) == (6 / 11, 0.0)
    assert does["difference"] == 6 / 11
    assert does["low"] < 6 / 11 < does["high"]
    assert does["odds_ratio"] == pytest.approx(6.5 * 3.5 / (5.5 * 0.5))
    assert does["q_value"] >= does["p_value"]
    assert found.cases_of_step(0).to_pylist() == [f"{case}" for case in range(6)]
    assert found.cases_of_step(1).to_pylist() == [f"{case}" for case in range(11)]
    assert journeys(log_of(paths), fewest=4).steps_too_rare == 1
    ignored = journeys(log_of(paths), fewest=3, ignore="a").steps
    assert len(ignored) == 0
    with pytest.raises(ArgumentError, match="no row 2"):
        found.cases_of_step(2)


def test_repetition_and_what_comes_after_the_decision():
    paths = [["a", "a", LOST, "c"]] * 5 + [["a", WON, "a", "c"]] * 5
    found = journeys(log_of(paths), fewest=5)
    (row,) = found.steps.to_pylist()
    assert (row["kind"], row["step"], row["difference"]) == ("repeats", "a", -1.0)
    assert found.cases_of_step(0).to_pylist() == [f"{case}" for case in range(5)]
    by = journeys(log_of(paths, region=list("xyxyxyxyxy")), by="region", fewest=2)
    regions = by.steps["region"].to_pylist()
    assert sorted(regions) == ["x", "y"]
    assert by.cases_of_step(regions.index("y")).to_pylist() == ["1", "3"]


def test_map_by_hand():
    found = journeys(log_of([["a", "b", WON]] * 3 + [["a", LOST]] * 2 + [[WON], ["a"]]))
    assert found.compared == ("won", "lost")
    rows = {(row["source"], row["target"]): row for row in found.map.to_pylist()}
    assert set(rows) == {(None, "a"), ("a", "b"), ("b", None), ("a", None)}
    assert rows["a", "b"]["share_first"] == 1.0
    assert rows["a", None]["difference"] == -1.0
    assert rows[None, "a"]["difference"] == 0.0
    number = [row["source"] for row in found.map.to_pylist()].index("b")
    assert found.cases_of_edge(number).to_pylist() == ["0", "1", "2"]
    for row, (edge, _) in enumerate(rows.items()):
        expected = rows[edge]["cases_first"] + rows[edge]["cases_second"]
        assert len(found.cases_of_edge(row)) == expected


def test_map_of_two_groups():
    log = log_of(BY_HAND, region=["x", "x", "y", "y", "z"])
    sides = (w.case("region") == "x", w.case("region") != "z")
    found = journeys(log, compare=sides)
    assert found.findings[-1].count == 2
    assert set(found.map["cases_second"].to_pylist()) == {1, 2}
    assert found.map["share_first"].null_count == len(found.map)
    found = journeys(log, compare=(sides[0], ~sides[0]))
    assert found.map["q_value"].null_count == 0
    assert "x" in found.compared[0]
    for wrong in (sides[0], (1, 2), (sides[0],)):
        with pytest.raises((ArgumentError, SchemaError)):
            journeys(log, compare=wrong)


PATH = st.lists(st.sampled_from(["a", "b", "c", WON, LOST, AGAIN]), min_size=1, max_size=7)
CASES = st.lists(PATH, min_size=1, max_size=8)


@settings(deadline=None)
@given(CASES, st.sampled_from([1, 3]), st.integers(1, 3))
def test_equal_to_the_twin(paths, threads, longest):
    with mock.patch.object(parallel, "EVENTS_PER_BLOCK", 4):
        found = journeys(log_of(paths), threads=threads, longest_loop=longest, fewest=1)
        steps, edges = found.steps.to_pylist(), found.map.to_pylist()
    meanings = {WON: 1, LOST: 0, AGAIN: -1}
    told = [naive.decide(path, meanings) for path in paths]
    cut = [(outcome, path[:end]) for path, (outcome, end) in zip(paths, told, strict=True)]
    variants: dict[tuple[str, ...], list[int]] = {}
    for path, (outcome, _) in zip(paths, told, strict=True):
        left = naive.mark_without_loops(path, longest)
        key = tuple(activity for activity, keep in zip(path, left, strict=True) if keep)
        variants.setdefault(key, []).append(outcome)
    order = sorted(variants, key=lambda key: (-len(variants[key]), key))
    rows = found.table.to_pylist()
    assert [tuple(row["activities"]) for row in rows] == order
    assert [(row["won"], row["lost"]) for row in rows] == [
        (variants[key].count(1), variants[key].count(0)) for key in order
    ]
    with_step, with_repeat, in_order = naive.count_steps(cut)
    for number, row in enumerate(steps):
        key = (row["step"],) if row["other"] is None else (row["step"], row["other"])
        counts = {"does": with_step, "repeats": with_repeat, "before": in_order}[row["kind"]]
        assert row["won_with"] == counts[1, *key]
        assert row["cases_with"] == counts[1, *key] + counts[0, *key] == len(found.cases_of_step(number))
    counts, cases = naive.count_map([(1 - outcome if outcome >= 0 else -1, path) for outcome, path in cut])
    assert {
        (side, row["source"], row["target"]): row[f"cases_{name}"]
        for row in edges
        for side, name in enumerate(("first", "second"))
        if row[f"cases_{name}"]
    } == dict(cases)
    assert sum(row["count_first"] + row["count_second"] for row in edges) == sum(counts.values())


@pytest.fixture(scope="module")
def sales():
    made = lead_to_cash(800, seed=5)
    return from_arrow(made.events), made.truths


def test_on_lead_to_cash(sales):
    log, truths = sales
    found = journeys(log)
    assert sum(found.table["won"].to_pylist()) == truths["won"]
    assert sum(found.table["lost"].to_pylist()) == truths["lost"]
    assert sum(found.table["cases"].to_pylist()) == truths["cases"]
    told = journeys(log, outcome="outcome")
    assert told.table == found.table
    assert told.steps == found.steps
    assert journeys(log, threads=1).map == found.map
    assert len(found.table) < len(journeys(log, loops="kept").table)
    row = found.steps.to_pylist()[0]
    cells = np.array([[row["won_with"], row["cases_with"] - row["won_with"]],
                      [row["won_without"], row["cases_without"] - row["won_without"]]])  # fmt: skip
    assert row["p_value"] == pytest.approx(chi2_contingency(cells, correction=False).pvalue)
    names = set(found.steps["step"].to_pylist()) | set(found.steps["other"].to_pylist())
    assert not names & {"Opportunity Closed Won", "Opportunity Closed Lost", "Opportunity Reopened"}


def test_nothing_is_found_where_the_outcome_is_chance():
    rng, found = np.random.default_rng(1), 0
    for _ in range(12):
        paths = [["a" if rng.random() < 0.5 else "b", "c", "d" if rng.random() < 0.3 else "e",
                  WON if rng.random() < 0.5 else LOST] for _ in range(60)]  # fmt: skip
        found += min(journeys(log_of(paths)).steps["q_value"].to_pylist()) < 0.05
    assert found <= 3


def test_outcomes_of_attributes():
    texts, marks = ["Won", "closed lost", None, "Open", " WON "], [True, False, None, True, None]
    log = log_of([["a"]] * 5, a=texts, b=marks, c=["p", "q", "r", "s", "t"], amount=[1.0] * 5)
    assert outcomes_in(log, "a").tolist() == [1, 0, -1, -1, 1]
    assert outcomes_in(log, "b").tolist() == [1, 0, -1, 1, -1]
    assert [f.reason for f in decided_cases(log, "a").findings] == [
        "cases neither won nor lost", "cases won or lost without an event that says when",
    ]  # fmt: skip
    assert not decided_cases(log).known
    with pytest.raises(SchemaError, match="means won or lost"):
        outcomes_in(log, "c")
    nothing = journeys(log)
    assert len(nothing.steps) == len(nothing.map) == 0
    assert nothing.table["win_rate"].to_pylist() == [None]


def test_bad_input(sales):
    log, _ = sales
    for arguments, error, text in (
        ({"loops": "some"}, ArgumentError, "collapsed"),
        ({"longest_loop": 0}, ArgumentError, "longest_loop"),
        ({"fewest": 0}, ArgumentError, "fewest"),
        ({"confidence": 1.0}, ArgumentError, "confidence"),
        ({"ignore": ["Quote Creatd"]}, SchemaError, "nearest: 'Quote Created'"),
        ({"outcome": "outcom"}, SchemaError, "nearest: 'outcome'"),
        ({"value": "segment"}, SchemaError, "no amounts"),
        ({"by": "stage"}, SchemaError, "varies within cases"),
        ({"where": w.case("region") == "Atlantis"}, LogError, "no case passes"),
        ({"progress": lambda done, of: False}, Cancelled, "cancelled"),
    ):
        with pytest.raises(error, match=text):
            journeys(log, **arguments)
    with mock.patch.object(steps_module, "MOST_CELLS", 5), pytest.raises(ArgumentError, match="too many"):
        journeys(log).steps  # noqa: B018
    with mock.patch.object(map_module, "MOST_CELLS", 5), pytest.raises(ArgumentError, match="too many"):
        journeys(log).map  # noqa: B018


def test_wilson_contains_the_rate():
    hits, of = np.array([0, 3, 10]), np.array([10, 10, 10])
    low, high = wilson(hits, of)
    assert (low <= hits / of).all()
    assert (high >= hits / of).all()
