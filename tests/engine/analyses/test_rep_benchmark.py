"""The fair benchmark of reps: adjusted, shrunk, hidden where small, and without names."""

from __future__ import annotations

import pickle
from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from dealtrace_engine.analyses.case_mix import Mix, expected_means, expected_rates, mix_of
from dealtrace_engine.analyses.check_rules import check_rules
from dealtrace_engine.analyses.decided import decided_cases
from dealtrace_engine.analyses.money import amounts_of
from dealtrace_engine.analyses.rate_intervals import p_values
from dealtrace_engine.analyses.rep_benchmark import rep_benchmark
from dealtrace_engine.analyses.rep_metrics import metric_of
from dealtrace_engine.analyses.shrinkage import shrunk
from dealtrace_engine.analyses.stages import stages
from dealtrace_engine.calendar import WorkingCalendar
from dealtrace_engine.errors import ArgumentError, LogError, SchemaError
from dealtrace_engine.filters import where as w
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash


def deals(rows):
    """A log of deals, of (rep, outcome, region): created on one day, decided 10 days later."""
    cases, activities, days, columns = [], [], [], []
    for number, row in enumerate(rows):
        steps = ["opportunity_created"] + ([] if row[1] == "open" else [f"opportunity_{row[1]}"])
        cases += [f"{number}"] * len(steps)
        activities += steps
        days += ["2024-01-01", "2024-01-11"][: len(steps)]
        columns += [row] * len(steps)
    reps, _, regions = (list(own) for own in zip(*columns, strict=True))
    return from_arrow(pa.table({
        "case": cases, "activity": activities, "time": days, "owner": pa.array(reps, pa.string()),
        "region": regions,
    }))  # fmt: skip


def made(rep, won, lost, region="x", still_open=0):
    outcomes = ["won"] * won + ["lost"] * lost + ["open"] * still_open
    return [(rep, outcome, region) for outcome in outcomes]


@pytest.fixture(scope="module")
def large():
    sales = lead_to_cash(20_000, seed=1)
    return from_arrow(sales.events), sales.truths


def test_the_planted_reps_are_first_and_last(large):
    log, truths = large
    found = rep_benchmark(log, pseudonyms=False)
    rows = [row for row in found.table.to_pylist() if row["metric"] == "win_rate"]
    first, last = rows[0], rows[-1]
    assert (first["rep"], last["rep"]) == (truths["star_rep"], truths["weak_rep"])
    assert (first["stands_out"], last["stands_out"]) == ("above", "below")
    assert first["low"] > first["average"]
    assert last["high"] < last["average"]
    assert first["gap_to_top"] == 0
    assert last["gap_to_top"] > 0.1
    assert last["difference"] == pytest.approx(-0.22, abs=0.06)
    assert sum(row["stands_out"] is not None for row in rows) <= 8
    assert sum(row["deals"] for row in rows) == truths["won"] + truths["lost"]
    assert {row["metric"] for row in found.table.to_pylist()} == {"win_rate", "sales_cycle", "discount"}
    assert sum((row["observed"] - row["expected"]) * row["deals"] for row in rows) == pytest.approx(0, abs=1)


@pytest.mark.parametrize("seed", [2, 3])
def test_the_planted_reps_stand_out(seed):
    sales = lead_to_cash(20_000, seed=seed)
    found = rep_benchmark(from_arrow(sales.events), metrics="win_rate", pseudonyms=False).table.to_pylist()
    sides = {row["rep"]: row["stands_out"] for row in found}
    assert (sides[sales.truths["star_rep"]], sides[sales.truths["weak_rep"]]) == ("above", "below")
    assert sum(side is not None for side in sides.values()) <= 4


def test_one_weak_rep_of_many_is_not_drawn_to_the_others():
    """The one truly wins a quarter less, as the synthetic weak rep does with 5,000 deals."""
    held, told = 0, 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        won = rng.binomial(115, [0.3] + [0.55] * 39)
        log = deals([deal for rep, own in enumerate(won) for deal in made(f"{rep}", own, 115 - own)])
        rows = rep_benchmark(log, metrics="win_rate", pseudonyms=False).table.to_pylist()
        (weak,) = [row for row in rows if row["rep"] == "0"]
        assert (weak["rank"], weak["stands_out"]) == (40, "below")
        held += weak["low"] <= 0.3 <= weak["high"]
        told += weak["difference_low"] <= 0.3 - weak["expected"] <= weak["difference_high"]
    assert held >= 8
    assert told >= 8


@pytest.mark.parametrize("rate", [0.1, 0.9])
def test_the_interval_of_a_rate_far_from_what_is_expected(rate):
    """The noise of the one who wins one in two is not that of one in ten."""
    held = 0
    for seed in range(40):
        won = np.random.default_rng(seed).binomial(40, [0.5] + [rate] * 20)
        log = deals([deal for rep, own in enumerate(won) for deal in made(f"{rep}", own, 40 - own)])
        rows = rep_benchmark(log, metrics="win_rate", pseudonyms=False).table.to_pylist()
        (other,) = [row for row in rows if row["rep"] == "0"]
        held += other["difference_low"] <= 0.5 - other["expected"] <= other["difference_high"]
    assert held >= 36


def test_the_interval_of_a_mean_that_varies_more():
    """Discounts of the one vary ten times as much as those of the others."""
    held = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        reps = np.arange(200) % 10
        log = from_arrow(pa.table({
            "case": [f"{k}" for k in range(200)], "activity": ["opportunity_won"] * 200,
            "time": ["2024-01-11"] * 200, "owner": [f"{rep}" for rep in reps],
            "discount_pct": 20 + rng.normal(0, np.where(reps == 0, 10, 1)),
        }))  # fmt: skip
        rows = rep_benchmark(log, metrics="discount", pseudonyms=False).table.to_pylist()
        (other,) = [row for row in rows if row["rep"] == "0"]
        held += other["difference_low"] <= 20 - other["expected"] <= other["difference_high"]
    assert held >= 36


def test_the_slow_region_as_a_team(large):
    log, truths = large
    found = rep_benchmark(log, rep="region", metrics=["sales_cycle"], pseudonyms=False).table.to_pylist()
    assert found[-1]["rep"] == truths["slow_region"]
    assert found[-1]["stands_out"] == "above"
    assert found[-1]["gap_to_top"] < 0
    by_segment = rep_benchmark(log, rep="region", by="segment", metrics="win_rate", value="amount")
    assert by_segment.table.column_names[0] == "segment"
    assert by_segment.money.column_names == ["segment", "rep", "currency", "won", "won_value"]
    assert sum(by_segment.money["won"].to_pylist()) == truths["won"]


def test_the_mix_is_adjusted_for():
    rows = [*made("easy", 80, 20, "good"), *made("hard", 21, 79, "bad"), *made("both", 80, 20, "good"),
            *made("both", 20, 80, "bad")]  # fmt: skip
    raw = rep_benchmark(deals(rows), metrics="win_rate", adjust=(), pseudonyms=False).table.to_pylist()
    fair = rep_benchmark(deals(rows), metrics="win_rate", pseudonyms=False).table.to_pylist()
    assert [row["rep"] for row in raw] == ["easy", "both", "hard"]
    assert raw[0]["stands_out"] == "above"
    assert all(row["stands_out"] is None for row in fair)
    assert all(abs(row["difference"]) < 0.02 for row in fair)


def test_open_deals_are_not_lost_and_small_groups_are_hidden():
    rows = [*made("a", 10, 10, still_open=50), *made("b", 12, 8), *made("c", 3, 3), *made(None, 4, 4)]
    found = rep_benchmark(deals(rows), metrics="win_rate", pseudonyms=False)
    assert {row["rep"]: (row["deals"], row["observed"]) for row in found.table.to_pylist()} == {
        "a": (20, 0.5), "b": (20, 0.6),
    }  # fmt: skip
    counts = {finding.reason: finding.count for finding in found.findings}
    assert counts["cases neither won nor lost"] == 50
    assert counts["cases without a rep"] == 8
    assert counts["win_rate: reps with fewer than 10 deals"] == 1
    assert counts["not adjusted for 'segment', which the log does not have"] == 1
    number = found.table["rep"].to_pylist().index("a")
    assert found.cases(number).to_pylist() == [f"{case}" for case in range(20)]
    with pytest.raises(ArgumentError, match="no row"):
        found.cases(2)


def test_the_sales_cycle_in_working_time():
    log = deals([*made("a", 10, 0), *made("b", 12, 0)])
    found = rep_benchmark(log, metrics="sales_cycle", calendar=WorkingCalendar("UTC"))
    assert found.table["note"][0].as_py().endswith("the same figure")
    day = WorkingCalendar("UTC").between(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 11, tzinfo=UTC))
    metric = metric_of(log, "sales_cycle", decided_cases(log), WorkingCalendar("UTC"))
    assert metric.values.tolist() == [day.total_seconds() / 86_400] * 22
    assert metric_of(log, "sales_cycle", decided_cases(log)).values.tolist() == [10.0] * 22


def test_names_are_hidden_unless_asked_for():
    log = deals([*made("Ann", 10, 10), *made("Bob", 12, 8)])
    one, other = (rep_benchmark(log, metrics="win_rate") for _ in range(2))
    assert "Ann" not in one.to_json()
    assert not set(one.table["rep"].to_pylist()) & set(other.table["rep"].to_pylist())
    assert all(name.startswith("owner ") for name in one.table["rep"].to_pylist())
    same = [rep_benchmark(log, metrics="win_rate", salt=salt).table for salt in ("key", b"key")]
    assert same[0] == same[1]
    again = pickle.loads(pickle.dumps(one))
    assert again.table == one.table
    assert "RepBenchmark of 2 reps by win_rate" in repr(one)
    with pytest.raises(ArgumentError, match="salt"):
        rep_benchmark(log, salt=3)


def test_not_enough_data_is_said():
    lonely = rep_benchmark(deals(made("a", 10, 10)), metrics="win_rate").table.to_pylist()
    assert lonely[0]["note"].startswith("not enough data")
    assert lonely[0]["observed"] is lonely[0]["rank"] is None
    alike = deals([*made("a", 20, 0), *made("b", 20, 0)])
    assert rep_benchmark(alike, metrics="win_rate").table["note"][0].as_py().endswith("the same figure")
    undecided = rep_benchmark(deals(made("a", 0, 0, still_open=30)))
    assert len(undecided.table) == 0
    assert len(undecided.money) == 0
    assert {finding.reason for finding in undecided.findings} >= {
        "win_rate: the log cannot tell it", "discount: the log cannot tell it"
    }  # fmt: skip
    assert "nothing" in repr(undecided)


def test_any_number_can_be_compared(large):
    log, _ = large
    found = rep_benchmark(log, rep="segment", metrics=["payment_terms_days", "is_won"], pseudonyms=False)
    rows = found.table.to_pylist()
    assert [row["rep"] for row in rows[:1]] == ["Enterprise"]
    assert {row["unit"] for row in rows} == {"number", "share"}


def test_adherence_and_time_in_stage_are_those_of_rules_and_stages():
    log = from_arrow(lead_to_cash(300, seed=2).events)
    found = rep_benchmark(log, metrics=["adherence", "time_in_stage"], pseudonyms=False, smallest=2)
    told = {(row["metric"], row["rep"]): row for row in found.table.to_pylist()}
    ids, reps = log.case_ids.to_pylist(), log.attribute("sales_rep").values.to_pylist()
    deviations = dict(zip(ids, check_rules(log).deviations.tolist(), strict=True))
    created = {*log.filter(w.activity("Opportunity Created")).case_ids.to_pylist()}
    visits, days, open_ = Counter(), Counter(), set()
    for row in stages(log).case_table.to_pylist():
        if not row["stage"].startswith("Closed"):
            visits[row["case_id"]] += row["visits"]
            days[row["case_id"]] += row["dwell_s"] / 86_400
            open_ |= {row["case_id"]} if row["now"] else set()
    metric = metric_of(log, "time_in_stage", decided_cases(log))
    for place, case in enumerate(ids):
        if visits[case] and case not in open_:  # what is not over has no time yet
            assert metric.values[place] == pytest.approx(days[case] / visits[case])
    for rep in {rep for name, rep in told if name == "adherence"}:
        own = [case for case, name in zip(ids, reps, strict=True) if name == rep and case in created]
        kept = told["adherence", rep]
        assert (kept["deals"], kept["unit"]) == (len(own), "share")
        assert kept["observed"] == pytest.approx(sum(deviations[case] == 0 for case in own) / len(own))
    assert {row["unit"] for (name, _), row in told.items() if name == "time_in_stage"} == {"days"}
    office = WorkingCalendar("UTC", {"mon-fri": "09:00-17:00"})
    worked = metric_of(log, "time_in_stage", decided_cases(log), office)
    assert (worked.values <= metric.values).all()
    assert worked.values.sum() < metric.values.sum()
    untold = rep_benchmark(deals(made("x", 9, 9)), metrics="time_in_stage").findings
    assert "time_in_stage: the log cannot tell it" in [finding.reason for finding in untold]


def test_what_crm_exports_call_it():
    rows = [*made("a", 10, 10, "good"), *made("b", 12, 8, "bad")]
    log = deals(rows)
    count = log.events
    table = log.to_arrow(["owner", "region"]).append_column(
        "discount_pct", pa.array([5.0] * (count - 4) + [7.0] * 4)
    )
    table = table.append_column("product_category", pa.array(["p"] * count))
    found = rep_benchmark(from_arrow(table), metrics="discount")
    assert found.table["unit"].to_pylist() == ["percent"] * 2
    reasons = [finding.reason for finding in found.findings]
    assert [reason for reason in reasons if "not adjusted" in reason] == [
        f"not adjusted for {name!r}, which the log does not have" for name in ("segment", "lead_source")
    ]


def test_bad_input(large):
    log, _ = large
    for arguments, error, text in (
        ({"rep": "sales_rap"}, SchemaError, "nearest: 'sales_rep'"),
        ({"rep": "department"}, SchemaError, "varies within cases"),
        ({"metrics": ["win_rat"]}, SchemaError, "nearest: 'win_rate'"),
        ({"metrics": ["segment"]}, SchemaError, "no numbers"),
        ({"adjust": ["sales_rep"]}, ArgumentError, "tells them apart"),
        ({"adjust": "regio"}, SchemaError, "nearest: 'region'"),
        ({"by": ["region", "sales_rep"]}, ArgumentError, "'sales_rep' would tell who"),
        ({"by": "region", "rep": "region"}, ArgumentError, "'region' would tell who"),
        ({"metrics": 3}, ArgumentError, "named by texts"),
        ({"metrics": [3]}, ArgumentError, "named by texts"),
        ({"smallest": 1}, ArgumentError, "smallest"),
        ({"confidence": 95}, ArgumentError, "confidence"),
        ({"value": "segment"}, SchemaError, "no amounts"),
        ({"where": w.case("region") == "Atlantis"}, LogError, "no case passes"),
    ):
        with pytest.raises(error, match=text):
            rep_benchmark(log, **arguments)
    plain = from_arrow(pa.table({"case": ["1"], "activity": ["a"], "time": ["2024-01-01"]}))
    with pytest.raises(SchemaError, match="whose deals"):
        rep_benchmark(plain)


def test_expected_figures_against_plain_ones():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, 4000)
    design = np.hstack([np.ones((4, 1)), np.eye(4)])
    truth = np.array([0.2, 0.4, 0.6, 0.9])[codes]
    hits = rng.random(4000) < truth
    rates = expected_rates(Mix(codes, design), hits)
    assert rates.sum() == pytest.approx(hits.sum())
    for kind in range(4):
        assert rates[codes == kind][0] == pytest.approx(hits[codes == kind].mean(), abs=0.01)
    means = expected_means(Mix(codes, design), truth)
    assert means == pytest.approx(truth, abs=0.01)
    everything = expected_rates(Mix(codes, design), np.ones(4000, np.bool_))
    assert everything.min() > 0.999


def test_bands_of_amounts_are_of_their_currency():
    count = 20
    log = from_arrow(pa.table({
        "case": [f"{k}" for k in range(count)], "activity": ["a"] * count, "time": ["2024-01-01"] * count,
        "amount": [float(k % 10) * (1 if k < 10 else 100) for k in range(count - 1)] + [None],
        "currency": ["EUR"] * 10 + ["JPY"] * 10, "kind": [f"{k}" for k in range(count)],
    }))  # fmt: skip
    mix = mix_of(log, [], amounts_of(log, "amount"))
    assert mix.design.shape == (6, 7)
    assert mix.codes[:10].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert mix_of(log, ["kind"]).design.shape == (20, 21)


def test_shrinkage():
    rng, covered = np.random.default_rng(3), []
    for _ in range(50):
        truth = rng.normal(0, 1, 40)
        seen = truth + rng.normal(0, 1, 40)
        found = shrunk(seen, np.ones(40))
        covered.append(((found.low <= truth) & (truth <= found.high)).mean())
    assert 0.93 < np.mean(covered) < 0.97
    truth = rng.normal(0, 1, 400)
    seen = truth + rng.normal(0, 1, 400)
    found = shrunk(seen, np.ones(400))
    assert found.spread == pytest.approx(1, abs=0.15)
    assert ((found.effects - truth) ** 2).mean() < 0.6 * ((seen - truth) ** 2).mean()
    truth = np.array([6.5] + [0.0] * 62)
    found = [shrunk(truth + rng.normal(size=63), np.ones(63)) for _ in range(300)]
    assert sum(one.low[0] <= 6.5 <= one.high[0] for one in found) >= 0.93 * 300
    assert np.mean([one.effects[0] for one in found]) == pytest.approx(5.5, abs=0.2)
    assert np.mean([(one.low <= truth) & (truth <= one.high) for one in found]) >= 0.95
    few = shrunk(np.array([1.0, 2.0]), np.ones(2))
    assert few.effects.tolist() == [1.0, 2.0]
    assert np.isnan(few.spread)
    alike = shrunk(np.zeros(5), np.ones(5))
    assert alike.spread == 0


def test_p_values_of_nothing():
    assert np.isnan(p_values([0], [0], [1], [3])).all()
