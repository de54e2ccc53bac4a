"""KPIs of larger logs: what the generator planted, independent queries, and a real log."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl
import pytest

from dealtrace_engine.lead_to_cash.kpi_figures import median_ranks, proportions
from dealtrace_engine.lead_to_cash.kpis import kpis
from dealtrace_engine.sources.canonical import canonical_activities
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash
from shared_data import LOGS, needs_shared


@cache
def made():
    synthetic = lead_to_cash(2_000, seed=1)
    return synthetic.truths, from_arrow(synthetic.events), pl.DataFrame(synthetic.events)


@cache
def told():
    return {one["id"]: one for one in kpis(made()[1], value="amount").table.to_pylist()}


@pytest.mark.parametrize(
    ("kpi", "column", "truth"),
    [
        ("K18.w", "numerator", "won"), ("K18.l", "numerator", "lost"), ("K1.s", "cases", "opportunities"),
        ("K17.p", "numerator", "late_payments"), ("K17.p", "cases", "paid"),
        ("K17.o", "numerator", "overdue_unpaid"), ("K21.i", "numerator", "rebilled"),
        ("K11.d", "cases", "approvals_requested"), ("K27.n", "cases", "cases"),
    ],
)  # fmt: skip
def test_what_the_generator_counted(kpi, column, truth):
    assert told()[kpi][column] == made()[0][truth]


def test_open_ones_are_stated():
    truths = made()[0]
    undecided = truths["opportunities"] - truths["won"] - truths["lost"]
    assert told()["K25.n"]["numerator"] == undecided
    assert told()["K18.w"]["note"] == f"{undecided:,} open opportunities are not decided and not counted"


def days(frame, start, end, last=False):
    ends = pl.col("timestamp").filter(pl.col("activity") == end)
    found = frame.group_by("case_id", maintain_order=True).agg(
        pl.col("timestamp").filter(pl.col("activity") == start).min().alias("start"),
        (ends.max() if last else ends.min()).alias("end"),
    )
    spent = ((found["end"] - found["start"]).dt.total_microseconds() / 86_400e6).drop_nulls()
    return spent.filter(spent >= 0)


@pytest.mark.parametrize(
    ("kpi", "start", "end", "last"),
    [
        ("K1.s", "Opportunity Created", "Contract Signed", False),
        ("K2.s", "Lead Captured", "Payment Received", True),
        ("K6.o", "Opportunity Created", "First Customer Contact", False),
        ("K15.g", "Order Fulfilled/Service Delivered", "Invoice Generated", False),
        ("K16.s", "Invoice Sent to Customer", "Payment Received", True),
    ],
)
def test_times_equal_a_query(kpi, start, end, last):
    spent = days(made()[2], start, end, last)
    found = told()[kpi]
    assert found["numerator"] == len(spent)
    assert found["value"] == pytest.approx(spent.median(), rel=1e-9)
    ordered, rank = np.sort(spent.to_numpy()), int(median_ranks(np.array([len(spent)]))[0])
    assert found["low"] == pytest.approx(ordered[rank - 1], rel=1e-9)
    assert found["high"] == pytest.approx(ordered[len(spent) - rank], rel=1e-9)


def test_groups_equal_a_query():
    _, log, frame = made()
    cases = frame.unique("case_id").filter(pl.col("outcome").is_in(["Won", "Lost"]))
    expected = cases.group_by("region").agg(
        (pl.col("outcome") == "Won").mean(), pl.len(), pl.col("amount").sum()
    )
    found = kpis(log, "K18.w", by="region", value="amount").to_polars().join(expected, on="region")
    assert found.height == expected.height
    assert found["value"].to_list() == pytest.approx(found["outcome"].to_list())
    assert found["cases"].to_list() == found["len"].to_list()
    assert found["amount"].to_list() == pytest.approx(found["amount_right"].to_list())


def test_handovers_equal_a_query():
    frame = made()[2].with_row_index("row").sort("case_id", "timestamp", "row")
    gaps = frame.select(
        (pl.col("timestamp") - pl.col("timestamp").shift().over("case_id")).alias("gap"),
        (pl.col("department") != pl.col("department").shift().over("case_id")).alias("passed"),
    ).filter("passed")
    found = told()["K26.t"]
    assert found["cases"] == gaps.height
    assert found["value"] == pytest.approx(gaps["gap"].median().total_seconds() / 86_400, rel=1e-6)


DAY = pl.duration(days=1)
CLOSES = {"Opportunity Closed Won", "Opportunity Closed Lost", "Lead Disqualified"}


def ordered():
    return made()[2].with_row_index("row").sort("case_id", "timestamp", "row")


def at(*activities):
    return pl.col("timestamp").filter(pl.col("activity").is_in(activities))


def deals():
    """Return when each opportunity was created, and when it was closed, if it was not opened again."""
    last = pl.col("activity").filter(pl.col("activity").is_in([*CLOSES, "Opportunity Reopened"])).last()
    found = ordered().group_by("case_id").agg(
        at("Opportunity Created").min().alias("created"), at(*CLOSES).max().alias("closed"),
        last.is_in(CLOSES).fill_null(value=False).alias("is_closed"),
    )  # fmt: skip
    return found.with_columns(pl.when("is_closed").then("closed").alias("closed"))


def test_approvals_equal_a_query():
    asked = "Discount Approval Requested"
    events = ordered().filter(pl.col("activity").is_in([asked, "Discount Approved", "Discount Rejected"]))
    decided = pl.when(pl.col("activity") != asked).then(pl.col("timestamp"))
    requests = events.with_columns(answer=decided.fill_null(strategy="backward").over("case_id"))
    requests = requests.filter(activity=asked).with_columns(waited=pl.col("answer") - pl.col("timestamp"))
    unanswered = requests.filter(pl.col("answer").is_null()).join(deals(), on="case_id")
    found = told()["K11.d"]
    assert (found["cases"], found["numerator"]) == (requests.height, requests["waited"].count())
    assert found["value"] == pytest.approx(requests.select(pl.median("waited") / DAY).item(), rel=1e-9)
    assert found["open"] == unanswered.filter(~pl.col("is_closed")).height


def test_stage_visits_equal_a_query():
    staged = ordered().drop_nulls("stage").join(deals(), on="case_id", maintain_order="left")
    visits = staged.filter(pl.col("stage").ne_missing(pl.col("stage").shift().over("case_id")))
    visits = visits.with_columns(left=pl.col("timestamp").shift(-1).over("case_id"))
    visits = visits.filter((pl.col("timestamp") < pl.col("closed")).fill_null(value=True))
    spent = visits.select(pl.coalesce("left", "closed") - pl.col("timestamp"))["left"]
    found = told()["K19.d"]
    assert (found["cases"], found["numerator"]) == (visits.height, spent.count())
    assert found["value"] == pytest.approx(spent.median().total_seconds() / 86_400, rel=1e-9)


def test_stuck_opportunities_equal_a_query():
    created = deals().drop_nulls("created")
    ages = (created["closed"] - created["created"]).drop_nulls().sort()
    limit = ages[-(-9 * len(ages) // 10) - 1]
    still = created.filter(~pl.col("is_closed"))
    stuck = still.filter(made()[2]["timestamp"].max() - pl.col("created") > limit)
    found = told()["K19.s"]
    assert (found["cases"], found["numerator"]) == (still.height, stuck.height)
    assert found["value"] == pytest.approx(stuck.height / still.height)
    assert found["note"] == f"older than {limit.total_seconds() / 86_400:.1f} days"


@pytest.mark.parametrize(
    ("kpi", "begun", "wrong"),
    [
        ("K21.o", "Sales Order Created", {"Order Canceled": 0, "Order Fulfilled/Service Delivered": 1}),
        ("K21.i", "Invoice Generated", {"Invoice Canceled": 0, "Invoice Rebilled": 0}),
    ],
)
def test_records_that_went_wrong_equal_a_query(kpi, begun, wrong):
    went = pl.any_horizontal((pl.col("activity") == name).sum() > most for name, most in wrong.items())
    has = (pl.col("activity") == begun).any()
    records = made()[2].group_by("case_id").agg(has.alias("has"), went.alias("wrong")).filter("has")
    found = told()[kpi]
    assert (found["cases"], found["numerator"]) == (records.height, records["wrong"].sum())
    assert found["value"] == pytest.approx(records["wrong"].mean())


def test_the_planted_lead_sources_are_the_ends():
    truths, log, _ = made()
    found = kpis(log, "K3", by="lead_source").to_polars().sort("value")
    assert found["lead_source"][0] == truths["worst_lead_source"]


def test_the_same_for_any_number_of_threads():
    log = made()[1]
    tables = [kpis(log, by="region", period="quarter", value="amount", threads=n).table for n in (1, 3)]
    assert tables[0].equals(tables[1])


def test_intervals_hold_what_they_should():
    rng = np.random.default_rng(7)
    share, low, high = proportions(rng.binomial(40, 0.3, 2_000), np.full(2_000, 40))
    assert 0.93 < np.mean((low <= 0.3) & (high >= 0.3)) < 0.975
    assert ((low <= share) & (share <= high)).all()
    samples = np.sort(rng.exponential(1.0, (2_000, 31)), axis=1)
    rank = int(median_ranks(np.array([31]))[0])
    held = (samples[:, rank - 1] <= np.log(2)) & (samples[:, 31 - rank] >= np.log(2))
    assert 0.94 < held.mean() < 0.985


@needs_shared
def test_a_real_order_to_cash_log():
    from dealtrace_engine.sources.readers import read_parquet

    log = read_parquet(LOGS / "o2c-ibm.parquet", case_id="Key", activity="Activity", timestamp="timestamp")
    labels = {"Line Creation": "sales_order_created", "Good Issue": "order_fulfilled",
              "Schedule Line Rejected": "order_canceled"}  # fmt: skip
    found = kpis(canonical_activities(log, labels=labels).log, ["K1", "K14", "K21.o", "K26.t", "K27.n"])
    rows = {one["id"]: one for one in found.table.to_pylist()}
    frame = pl.DataFrame(log.to_arrow())
    spent = days(frame, "Line Creation", "Good Issue")
    assert rows["K14"]["numerator"] == len(spent)
    assert rows["K14"]["value"] == pytest.approx(spent.median(), rel=1e-9)
    counts = frame.group_by("case_id").agg(
        (pl.col("activity") == "Schedule Line Rejected").sum().alias("canceled"),
        (pl.col("activity") == "Good Issue").sum().alias("issued"),
        (pl.col("activity") == "Line Creation").any().alias("order"),
    ).filter("order")  # fmt: skip
    assert rows["K21.o"]["cases"] == counts.height
    assert (
        rows["K21.o"]["numerator"] == counts.filter((pl.col("canceled") > 0) | (pl.col("issued") > 1)).height
    )
    assert rows["K1.s"]["value"] is None
    assert "no activity 'Opportunity Created'" in rows["K1.s"]["note"]
