"""The documented example on a real log: its figures by dealtrace, by Polars alone, and as it says."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

import dealtrace as dt
from shared_data import LOGS, needs_shared

pytestmark = needs_shared
EXAMPLE = Path(__file__).parents[1] / "bindings" / "ORDER_TO_CASH.md"
DAY = timedelta(days=1)
PAIR = ("Line Creation", "Good Issue")
RULES = """
format = 1
name = "Order to cash"

[[rules]]
id = "issued-before-delivery"
name = "Goods issued without a delivery before"
template = "precedence"
activity = "Delivery"
other = "Good Issue"

[[rules]]
id = "blocked-for-credit"
name = "Blocked for credit, never released"
template = "response"
activity = "Document blocked for credit "
other = "Document released for credit"
"""


@pytest.fixture(scope="module")
def path():
    return LOGS / "o2c-ibm.parquet"


@pytest.fixture(scope="module")
def log(path):
    return dt.read_parquet(path, case_id="Key", activity="Activity", timestamp="timestamp")


@pytest.fixture(scope="module")
def rows(path):
    """The events of each case in order, beside what comes before and after them."""
    columns = {"Key": "case", "Activity": "activity", "timestamp": "at", "User": "user", "NetValue": "value"}
    events = pl.read_parquet(path, columns=list(columns)).rename(columns)
    events = events.sort("case", "at", maintain_order=True)
    names = ("activity", "at", "user")
    return events.with_columns(
        [pl.col(name).shift(-1).over("case").alias(f"next_{name}") for name in names]
    ).with_columns(wait=(pl.col("next_at") - pl.col("at")) / DAY)


@pytest.fixture(scope="module")
def told():
    """The figures of the example, by their names there."""
    found = re.findall(r"^\| ([^|]+?) \| ([\d,.]+) ?\w* \|$", EXAMPLE.read_text("utf-8"), re.MULTILINE)
    return {name: float(number.replace(",", "")) for name, number in found}


def test_segment(log, rows, told):
    firsts = rows.group_by("case").agg(
        [pl.col("at").filter(pl.col("activity") == name).min().alias(name) for name in PAIR]
    )
    there = firsts.drop_nulls().filter(pl.col(PAIR[1]) >= pl.col(PAIR[0]))
    days = there.select((pl.col(PAIR[1]) - pl.col(PAIR[0])) / DAY).to_series()
    (row,) = dt.segments(log, [PAIR]).table.to_pylist()
    assert row["reached"] == there.height == told["lines issued"]
    assert row["never"] == firsts[PAIR[1]].null_count() == told["lines never issued"]
    assert row["p50_s"] / 86_400 == pytest.approx(days.median(), rel=1e-12)
    assert days.median() == pytest.approx(told["median days from line to goods issue"], abs=0.05)


def test_bottleneck(log, rows, told):
    waits = rows.drop_nulls("next_at").group_by("activity", "next_activity").agg(
        count=pl.len(), days=pl.col("wait").sum(), median=pl.col("wait").median(),
        cash=(pl.col("wait") * pl.col("value")).sum(),
    )  # fmt: skip
    first = waits.sort("cash", descending=True).row(0, named=True)
    found = dt.bottlenecks(log, value="NetValue").table.to_pylist()[0]
    assert (found["source"], found["target"]) == (first["activity"], first["next_activity"])
    assert found["count"] == first["count"] == told["waits of the first bottleneck"]
    assert found["total_s"] / 86_400 == pytest.approx(first["days"], rel=1e-9)
    assert found["cash_days"] == pytest.approx(first["cash"], rel=1e-9)
    assert found["p50_s"] / 86_400 == pytest.approx(first["median"], rel=1e-9)
    assert first["median"] == pytest.approx(told["median days of the first bottleneck"], abs=0.05)
    share = first["days"] / waits["days"].sum()
    assert 100 * share == pytest.approx(told["per cent of all waiting time"], abs=0.05)


def test_first_finding(log, rows, told):
    found = dt.findings(log, value="NetValue")
    pair = ("LgstCheckOnConfDat Removed", "Delivery")
    waits = rows.filter((pl.col("activity") == pair[0]) & (pl.col("next_activity") == pair[1]))
    late = waits.filter(pl.col("wait") > pl.col("wait").median())
    cost = (late["value"] * (late["wait"] - waits["wait"].median())).sum() * 0.08 / 365
    first = found.table.to_pylist()[0]
    assert {name["value"] for name in first["names"]} == set(pair)
    assert set(found.cases(0).to_pylist()) == set(late["case"].to_list())
    assert first["cases"] == late["case"].n_unique() == told["lines of the first finding"]
    assert first["money"] == pytest.approx(cost, rel=1e-9)
    assert cost == pytest.approx(told["cost of their delay at 8 per cent a year"], abs=0.5)


def test_rework(log, rows, told):
    again = rows.filter(pl.int_range(pl.len()).over("case", "activity") > 0)
    found = dt.rework(log)
    table = {row["activity"]: row["rework_events"] for row in found.table.to_pylist()}
    expected = dict(again.group_by("activity").len().iter_rows())
    assert {name: count for name, count in table.items() if count} == expected
    assert sum(table.values()) == told["events done again"]
    assert again["case"].n_unique() == told["lines with rework"]
    assert sum(row["rework_events"] > 0 for row in found.by_case.to_pylist()) == again["case"].n_unique()


def test_handovers(log, rows, told):
    passed = rows.filter(
        pl.col("next_user").is_not_null()
        & pl.col("user").is_not_null()
        & (pl.col("user") != pl.col("next_user"))
    )
    pairs = passed.group_by("user", "next_user").len().sort("len", descending=True)
    found = dt.handovers(log, resource="User").table.to_pylist()
    by_polars = {(a, b): n for a, b, n in pairs.iter_rows()}
    assert {(row["source"], row["target"]): row["handovers"] for row in found} == by_polars
    assert sum(by_polars.values()) == told["handovers between people"]
    assert found[0]["handovers"] == pairs["len"][0] == told["handovers of the first pair"]


def test_rules(log, rows, told):
    found = dt.check_rules(log, dt.read_rules(RULES))
    at = rows.group_by("case").agg(
        delivery=pl.col("at").filter(pl.col("activity") == "Delivery").min(),
        place=pl.col("activity").eq("Delivery").arg_max(),
        issued=pl.col("activity").eq("Good Issue").arg_max(),
        any_delivery=pl.col("activity").eq("Delivery").any(),
        any_issue=pl.col("activity").eq("Good Issue").any(),
    )
    early = at.filter("any_issue").filter(~pl.col("any_delivery") | (pl.col("place") > pl.col("issued")))
    counts = {row["rule"]: row["violating_cases"] for row in found.table.to_pylist()}
    assert counts["issued-before-delivery"] == early.height == told["lines issued before a delivery"]
    blocked = rows.with_columns(
        last=pl.when(pl.col("activity") == "Document released for credit").then(
            pl.int_range(pl.len()).over("case")
        ).max().over("case"),
        place=pl.int_range(pl.len()).over("case"),
    ).filter(pl.col("activity") == "Document blocked for credit ")  # fmt: skip
    never = blocked.filter(pl.col("last").is_null() | (pl.col("last") < pl.col("place")))["case"].n_unique()
    assert counts["blocked-for-credit"] == never == told["lines blocked for credit and never released"]


def test_drivers(log, path, rows, told):
    """The example as it stands, against the lines that were issued and their steps until then."""
    (example,) = (block for block in re.findall(r"```python\n(.*?)```", EXAMPLE.read_text("utf-8"), re.S)
                  if "drivers(" in block)  # fmt: skip
    names = {"dt": dt, "log": log}
    exec(compile(example, EXAMPLE.name, "exec"), names)
    found = names["late"]
    before = rows.with_columns(issued=pl.col("activity") == "Good Issue").filter(
        pl.col("issued").any().over("case"), ~pl.col("issued").cum_max().over("case")
    )
    issued = rows.filter(pl.col("activity") == "Good Issue").select("case").unique()
    cases = pl.read_parquet(path, columns=["Key", "Delayed", "OrderType"]).unique("Key")
    cases = cases.join(issued, left_on="Key", right_on="case").with_columns(
        late=pl.col("Delayed") == "DELAYED"
    )
    assert found.target == "Delayed = DELAYED"
    assert cases["late"].sum() == told["lines issued late"]
    did = {name: pl.col("Key").is_in(before.filter(pl.col("activity") == name)["case"].implode()) for name in
           ("Sched.Line Changed Delivery Date", "LgstCheckOnConfDat Removed")}  # fmt: skip
    changed, checked = did.values()
    expected = {
        "OrderType = US-Std. Order": pl.col("OrderType") == "US-Std. Order",
        "did Sched.Line Changed Delivery Date": changed, "skipped LgstCheckOnConfDat Removed": ~checked,
    }  # fmt: skip
    by_name = {row["what"]: row for row in found.table.to_pylist()}
    for what, those in expected.items():
        own, others = cases.filter(those), cases.filter(~those)
        row = by_name[what]
        assert (row["cases"], row["others"]) == (own.height, others.height)
        assert (row["with_it"], row["without_it"]) == (own["late"].mean(), others["late"].mean())
        assert row["effect"] == pytest.approx(own["late"].mean() - others["late"].mean(), rel=1e-9)
    first, _, skipped = (by_name[what] for what in expected)
    assert first["cases"] == told["lines of order type US-Std. Order"]
    assert 100 * first["with_it"] == pytest.approx(told["of which late, per cent"], abs=0.051)
    assert 100 * first["without_it"] == pytest.approx(told["of the other types, late, per cent"], abs=0.051)
    assert skipped["cases"] == told["lines without LgstCheckOnConfDat Removed"]
    share = told["of which late, per cent, without that step"]
    assert 100 * skipped["with_it"] == pytest.approx(share, abs=0.051)
    assert 100 * skipped["without_it"] == pytest.approx(told["of lines with it, late, per cent"], abs=0.051)
    page = " ".join(EXAMPLE.read_text("utf-8").split())
    assert f'The first sentence: "{found.sentences[0]}"' in page
    steps = [row for row in found.table.to_pylist() if row["kind"] not in ("attribute", "pair")]
    assert next(row["what"] for row in steps if row["kind"] != "handled") in expected
    assert not [row["what"] for row in steps if "Good Issue" in row["what"]]
