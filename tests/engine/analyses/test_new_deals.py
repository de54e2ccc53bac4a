"""Deals that will begin: counted as Polars counts, covered by their intervals, blind to the future."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from dealtrace_engine.analyses.forecast import forecast
from dealtrace_engine.analyses.new_deals import WINDOW_DAYS, WINDOWS
from dealtrace_engine.analyses.win_probability import AGES, won_within
from dealtrace_engine.errors import SchemaError
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash

COLUMNS = ["case_id", "activity", "timestamp", "amount", "region"]


@pytest.fixture(scope="module")
def events():
    return lead_to_cash(1_500, seed=6).events.select(COLUMNS)


@pytest.fixture(scope="module")
def found(events):
    return forecast(from_arrow(events), samples=200)


def begins(events):
    """The first instant, amount and region of each case."""
    return pl.DataFrame(events).group_by("case_id").agg(
        pl.col("timestamp").min(), pl.col("amount", "region").first()
    )  # fmt: skip


def test_so_many_begin_as_in_the_last_months(events, found):
    first = begins(events)
    (row,) = found.new_deals.to_pylist()
    until = events["timestamp"].to_pandas().max()
    recent = first.filter(pl.col("timestamp") > until - timedelta(days=WINDOW_DAYS * WINDOWS))
    assert row["began"] == recent.height
    assert row["deals"] == pytest.approx(recent.height * 91 / 180)
    assert row["amount"] == pytest.approx(recent["amount"].sum() * 91 / 180)
    assert row["total"] == pytest.approx(row["expected"] + found.revenue["expected"][0].as_py())
    for low, value, high in (
        ("deals_low", "deals", "deals_high"), ("wins_low", "expected_wins", "wins_high"),
        ("low", "expected", "high"), ("total_low", "total", "total_high"),
    ):  # fmt: skip
        assert row[low] < row[value] < row[high]
    assert row["expected_wins"] < row["deals"] / 2
    assert row["total_low"] > row["low"]


def test_the_back_test_says_what_came(events, found):
    first, rows = begins(events), found.backtest.to_pylist()
    for row in rows:
        end = row["cut"] + timedelta(days=91)
        came = first.filter((pl.col("timestamp") > row["cut"]) & (pl.col("timestamp") <= end))
        won = pl.DataFrame(events).filter(
            (pl.col("activity") == "Opportunity Closed Won") & (pl.col("timestamp") <= end)
            & pl.col("case_id").is_in(came["case_id"].implode())
        )  # fmt: skip
        assert row["came"] == came.height
        assert row["new_won"] == pytest.approx(won["case_id"].n_unique(), abs=1)  # one may be opened again
        assert row["total"] > row["expected"]
        assert row["total_actual"] >= row["actual"]
    assert len(rows) == 6
    assert sum(row["total_covered"] for row in rows) >= 4
    assert 0.8 < sum(row["new_deals"] for row in rows) / sum(row["came"] for row in rows) < 1.2
    assert 0.7 < sum(row["new_wins"] for row in rows) / sum(row["new_won"] for row in rows) < 1.3


def test_groups_add_up_and_threads_change_nothing(events, found):
    log, options = from_arrow(events), {"samples": 100, "backtests": 1, "by": "region"}
    one, two = (forecast(log, threads=threads, **options) for threads in (1, 3))
    assert one.to_json() == two.to_json()
    (whole,) = found.new_deals.to_pylist()
    for name in ("began", "deals", "amount", "expected_wins", "expected", "total"):
        assert sum(one.new_deals[name].to_pylist()) == pytest.approx(whole[name])
    assert one.new_deals["region"].to_pylist() == one.revenue["region"].to_pylist()
    assert json.loads(one.to_json())["new_deals"][0]["currency"] is None


def test_what_comes_after_the_instant_is_not_looked_at(events):
    until = "2025-03-01"
    early = events.filter(pc.less_equal(events["timestamp"], pa.scalar(f"{until}T00:00:00Z").cast(
        events["timestamp"].type)))  # fmt: skip
    whole, part = (
        forecast(from_arrow(one), until=until, samples=100, backtests=2) for one in (events, early)
    )
    assert whole.new_deals.equals(part.new_deals)
    assert whole.backtest.equals(part.backtest)


def test_without_new_deals(events):
    options = {"samples": 100, "backtests": 1}
    plain = forecast(from_arrow(events), new_deals=False, **options)
    told = forecast(from_arrow(events), **options)
    assert plain.new_deals.num_rows == 0
    assert plain.new_deals.schema.names == told.new_deals.schema.names
    assert plain.revenue.equals(told.revenue)
    assert plain.deals.equals(told.deals)
    assert plain.backtest["new_deals"].to_pylist() == plain.backtest["total"].to_pylist() == [None]
    assert plain.backtest.select(["won", "expected"]).equals(told.backtest.select(["won", "expected"]))
    money = forecast(from_arrow(events), value=None, **options)
    (row,), (tested,) = money.new_deals.to_pylist(), money.backtest.to_pylist()
    assert row["deals"] > row["expected_wins"] > 0
    assert row["amount"] is row["expected"] is row["total_high"] is None
    assert tested["new_wins"] > 0
    assert tested["total"] is tested["total_covered"] is None


def test_where_there_is_too_little_it_says_so(events):
    rows = {"case": [str(n) for n in range(41) for _ in "ab"][:-1],
            "activity": (["Opportunity Created", "Opportunity Closed Won"] * 41)[:-1],
            "time": (["2024-01-01", "2024-01-20"] * 41)[:-1], "amount": [5.0] * 81}  # fmt: skip
    (short,) = forecast(from_arrow(pa.table(rows)), samples=100).new_deals.to_pylist()
    assert short["note"] == "not enough data: less than 60 days of history"
    (none,) = forecast(from_arrow(pa.table(rows)), until="2025-06-01", samples=100).new_deals.to_pylist()
    assert none["note"] == "not enough data: no deal began in the last 180 days"
    assert (none["began"], none["deals"], none["total"]) == (0, None, None)
    few = forecast(from_arrow(events), smallest=10_000, samples=100).new_deals.to_pylist()[0]
    assert few["note"].startswith("not enough data: ")
    assert few["deals"] is few["total"] is None
    with pytest.raises(SchemaError):
        forecast(from_arrow(events), by="total")


def test_the_chance_of_new_deals_is_the_mean_over_the_time_that_is_left():
    dice = np.random.default_rng(1)
    rates = dice.gamma(1.0, 0.02, (2, 3, len(AGES), 5))
    left = np.arange(0.5, 30.5, 0.5)
    by_time = np.stack([won_within(rates, days).open[..., 0] for days in left])
    assert won_within(rates, 30).new == pytest.approx((by_time.sum(axis=0) - by_time[-1] / 2) / 60, rel=1e-12)
