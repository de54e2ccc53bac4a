"""Forecasts of open deals: calibrated, blind to the future, and honest where there is little to learn."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import logs
from dealtrace_engine.analyses.forecast import forecast
from dealtrace_engine.analyses.recalibration import recalibrated
from dealtrace_engine.errors import ArgumentError, SchemaError
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash

COLUMNS = ["case_id", "activity", "timestamp", "amount"]


@pytest.fixture(scope="module")
def events():
    return lead_to_cash(2_000, seed=5).events


@pytest.fixture(scope="module")
def found(events):
    return forecast(from_arrow(events), samples=200)


def test_the_chances_are_calibrated_and_better_than_the_base_rate(found):
    calibration = found.calibration.to_pydict()
    deals = np.array(calibration["deals"])
    gap = np.array(calibration["predicted"]) - np.array(calibration["observed"])
    assert (np.abs(gap) * deals).sum() / deals.sum() < 0.06
    tested = found.backtest.to_pydict()
    assert found.backtest.num_rows == 6
    assert sum(tested["brier"]) < 0.9 * sum(tested["brier_reference"])
    assert abs(sum(tested["expected_wins"]) / sum(tested["won"]) - 1) < 0.15
    assert found.coverage >= 0.5


def test_the_tables_add_up(found):
    deals, revenue = found.deals, found.revenue.to_pylist()[0]
    assert revenue["deals"] == deals.num_rows == sum(found.pipeline.column("deals").to_pylist())
    assert revenue["expected"] == pytest.approx(pc.sum(deals.column("expected")).as_py())
    assert revenue["expected"] == pytest.approx(sum(found.pipeline.column("expected").to_pylist()))
    assert revenue["low"] < revenue["expected"] < revenue["high"]
    assert revenue["wins_low"] < revenue["expected_wins"] < revenue["wins_high"]
    expected = deals.column("expected").to_pylist()
    assert expected == sorted(expected, reverse=True)
    assert set(found.cases(0).to_pylist()) == set(deals.column("case_id").to_pylist())
    assert all(0 <= chance <= 1 for chance in deals.column("win_probability").to_pylist())
    assert json.loads(found.to_json())["backtest"][0]["cut"].endswith("Z")


def test_open_deals_are_those_of_the_truth(found, events):
    open_cases = events.filter(pc.equal(events["outcome"], "Open"))["case_id"].unique().to_pylist()
    told = found.deals.column("case_id").to_pylist()
    assert len(set(told) ^ set(open_cases)) <= 0.02 * len(open_cases)


def test_what_comes_after_the_instant_is_not_looked_at(events):
    until = "2025-03-01"
    moment = pa.scalar(f"{until}T00:00:00Z").cast(events["timestamp"].type)
    early = events.filter(pc.less_equal(events["timestamp"], moment))
    whole, part = (
        forecast(from_arrow(table.select(COLUMNS)), until=until, samples=100, backtests=2)
        for table in (events, early)
    )
    assert whole.revenue.equals(part.revenue)
    assert whole.backtest.equals(part.backtest)
    assert whole.deals.equals(part.deals)


def test_the_same_for_any_threads_and_seeded(events):
    log = from_arrow(events)
    options = {"samples": 200, "backtests": 1, "horizon": "month", "by": ["region"]}
    one, two = (forecast(log, threads=threads, **options) for threads in (1, 3))
    assert one.to_json() == two.to_json()
    assert one.revenue.num_rows == 8
    assert forecast(log, seed=1, **options).revenue["low"] != one.revenue["low"]


def test_the_order_in_which_cases_are_stored_does_not_matter(events):
    mixed = logs.cases_shuffled(events)
    one, two = (
        forecast(from_arrow(table), samples=100, backtests=2, by="region") for table in (events, mixed)
    )
    assert one.to_arrow().equals(two.to_arrow())
    for name, table in one.tables().items():
        assert table.equals(two.tables()[name])
    assert sorted(one.cases(0).to_pylist()) == sorted(two.cases(0).to_pylist())
    assert one.cases(0).to_pylist() != two.cases(0).to_pylist()


def test_without_money_and_with_currencies(events):
    log = from_arrow(events.select(["case_id", "activity", "timestamp"]))
    plain = forecast(log, value=None, samples=100, backtests=1).revenue.to_pylist()[0]
    assert plain["expected_wins"] > 0
    assert plain["expected"] is plain["low"] is None
    euro = pc.if_else(pc.equal(events["region"], "Japan"), "JPY", "EUR")
    mixed = forecast(from_arrow(events.append_column("currency", euro)), samples=100, backtests=1)
    assert mixed.revenue.column("currency").to_pylist() == ["EUR", "JPY"]
    assert mixed.backtest.column("currency").to_pylist() == ["EUR", "JPY"]


def test_too_little_to_learn_from(events):
    few = forecast(from_arrow(events.slice(0, 3000)), smallest=10_000, samples=100)
    (row,) = few.revenue.to_pylist()
    assert row["expected"] is None
    assert row["deals"] > 0
    assert row["note"].startswith("not enough data: ")
    assert few.backtest.num_rows == few.calibration.num_rows == 0
    assert few.coverage is None
    assert few.to_json()


def test_all_open_and_none_open():
    rows = {"case": ["1", "2"], "activity": ["Opportunity Created", "Opportunity Closed Won"],
            "time": ["2024-01-01", "2024-01-02"], "amount": [1.0, 2.0]}  # fmt: skip
    one = forecast(from_arrow(pa.table(rows)))
    assert one.deals.num_rows == 1
    assert one.deals.to_pylist()[0]["win_within"] is None
    none = forecast(from_arrow(pa.table(rows).slice(1)))
    assert none.deals.num_rows == none.revenue.num_rows == 0
    with pytest.raises(SchemaError, match="no activity 'opportunity_won'"):
        forecast(from_arrow(pa.table(rows).slice(0, 1)))


def test_a_plain_text_is_one_activity(events):
    log = from_arrow(events)
    one, list_of_one = (
        forecast(log, way=way, won=won, samples=100, backtests=0)
        for way, won in (("quote_created", "opportunity_won"), (["quote_created"], ["opportunity_won"]))
    )
    assert one.pipeline["state"].to_pylist() == ["begun", "quote_created"]
    assert one.deals.equals(list_of_one.deals)


def test_bad_input_is_refused(events):
    log = from_arrow(events)
    for wrong in (
        {"samples": 1},
        {"confidence": 0},
        {"seed": -1},
        {"horizon": "1 h"},
        {"until": "1999-01-01"},
        {"backtests": "x"},
        {"backtests": 2.5},
        {"backtests": -1},
        {"confidence": "x"},
        {"way": None},
    ):
        with pytest.raises(ArgumentError):
            forecast(log, **wrong)
    for wrong in ({"lost": ["typo"]}, {"way": "typo"}, {"won": ["opportunity_won", "typo"]}):
        with pytest.raises(SchemaError, match="no activity 'typo'"):
            forecast(log, **wrong)
    with pytest.raises(SchemaError, match="horizon is a duration"):
        forecast(log, horizon="soon")
    with pytest.raises(SchemaError, match="no column"):
        forecast(log, value="amuont")


def test_a_correction_without_anything_to_learn_from_changes_nothing():
    chances = np.array([0.0, 0.1, 0.7, 1.0])
    assert recalibrated(np.zeros(0), np.zeros(0, dtype=np.bool_)).of(chances) == pytest.approx(chances)
