"""The ready segments of lead-to-cash on a synthetic log, whose figures Polars finds again."""

from __future__ import annotations

import polars as pl
import pytest

from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.lead_to_cash.milestones import LEAD_TO_CASH_SEGMENTS
from dealtrace_engine.lead_to_cash.moved_ends import lead_to_cash_segments
from dealtrace_engine.lead_to_cash.segments import segments
from dealtrace_engine.sources.labels import activity_ids, activity_label
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash


@pytest.fixture(scope="module")
def made():
    return lead_to_cash(1500, seed=3)


@pytest.fixture(scope="module")
def log(made):
    return from_arrow(made.events)


def test_every_end_is_an_activity_that_there_is():
    assert {id.partition(".")[0] for id in (s.id for s in LEAD_TO_CASH_SEGMENTS)} == {
        "K1", "K2", *(f"K{n}" for n in range(5, 17) if n != 10),  # K10 is a rate
    }  # fmt: skip
    for segment in LEAD_TO_CASH_SEGMENTS:
        assert {*segment.source.activities, *segment.target.activities} <= set(activity_ids())


def test_the_same_as_polars(made, log):
    result = segments(log).to_polars()
    events = pl.DataFrame(made.events)
    times = [pl.col("timestamp").filter(pl.col("activity") == activity_label(id, "en")) for id in
             ("opportunity_created", "opportunity_won", "invoice_sent", "payment_received")]  # fmt: skip
    cases = events.group_by("case_id").agg(
        created=times[0].min(), won=times[1].min(), sent=times[2].min(), paid=times[3].max()
    )
    for id, source, target in (("K1.W", "created", "won"), ("K16.S", "sent", "paid")):
        own = cases.filter(pl.col(source).is_not_null())
        days = own.select((pl.col(target) - pl.col(source)).dt.total_microseconds() / 1e6).to_series()
        row = result.row(by_predicate=pl.col("segment") == id, named=True)
        assert (row["cases"], row["reached"]) == (len(own), len(days.drop_nulls()))
        assert row["p90_s"] == pytest.approx(days.quantile(0.9, "linear"), rel=1e-12)
        assert row["sum_s"] == pytest.approx(days.sum(), rel=1e-12)


def test_planted_truths_are_found(made, log):
    rows = segments(log, by="region", where=None).to_polars()
    slowest = rows.filter(pl.col("segment") == "K12.D", pl.col("reached") > 20).sort("p50_s")
    assert slowest["region"][-1] == made.truths["slow_region"]
    approvals = segments(log).to_polars().row(by_predicate=pl.col("segment") == "K11", named=True)
    assert approvals["starts"] == made.truths["approvals_requested"]


def test_any_language_gives_the_same_times(log):
    german = segments(from_arrow(lead_to_cash(1500, seed=3, language="de").events))
    english = segments(log)
    assert german.table.drop_columns(["note"]) == english.table.drop_columns(["note"])


def test_ends_can_be_moved(log):
    moved = segments(log, ends={"K1.W": ("lead_captured", "opportunity_won")}).to_polars()
    given = segments(log, [("lead_captured", "opportunity_won")]).to_polars()
    assert moved.filter(pl.col("segment") == "K1.W")["sum_s"][0] == given["sum_s"][0]
    with pytest.raises(ArgumentError, match=r"nearest|segments found"):
        lead_to_cash_segments({"K99": ("a", "b")})
    with pytest.raises(ArgumentError, match="between a source and a target"):
        lead_to_cash_segments({"K13": "quote_issued"})
    with pytest.raises(ArgumentError, match="either pairs or ends"):
        segments(log, [("lead_captured", "opportunity_won")], ends={})


def test_the_same_bits_for_any_number_of_threads(log):
    one, three = (segments(log, by="region", value="amount", threads=n) for n in (1, 3))
    assert one.table.equals(three.table)
