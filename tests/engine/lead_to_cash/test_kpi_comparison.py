"""KPIs before and after an instant: the planted change is found, and chance is not."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime

import numpy as np
import pytest
from scipy import stats

from deal_logs import log_of
from dealtrace_engine.errors import ArgumentError, SchemaError
from dealtrace_engine.filters import where as w
from dealtrace_engine.lead_to_cash.kpi_comparison import compare_periods
from dealtrace_engine.lead_to_cash.kpi_differences import adjusted, difference
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash

CHANGED = {"K15.s", "K16.g", "K2.s", "K2.d"}
"""What has the sending of the invoice, which was automated, in it."""


@pytest.fixture(scope="module", params=[1, 2])
def made(request):
    synthetic = lead_to_cash(2_000, seed=request.param)
    return synthetic.truths, from_arrow(synthetic.events)


@pytest.mark.parametrize("cohort", ["created", "started"])
def test_the_planted_change_is_found(made, cohort):
    truths, log = made
    found = compare_periods(log, truths["billing_automated"], cohort=cohort)
    rows = found.table.to_pylist()
    first = rows[0]
    assert (first["id"], first["direction"], first["significant"]) == ("K15.s", "better", True)
    assert first["high"] < -2 < first["before"] - 4
    assert first["after"] < 2.5
    others = [one for one in rows if one["significant"] and one["id"] not in CHANGED]
    assert len(others) <= 1
    assert {"K18.w", "K1.s", "K3"} <= {one["id"] for one in rows if one["significant"] is False}


def test_an_instant_at_which_nothing_happened(made):
    rows = compare_periods(made[1], "2024-07-01").table.to_pylist()
    assert sum(bool(one["significant"]) for one in rows) <= 1


def test_the_latest_are_not_taken_for_faster(made):
    """Of those created shortly before the end only the fast ones got there."""
    rows = {
        one["id"]: one for one in compare_periods(made[1], "2025-11-15", ["K1", "K2", "K3"]).table.to_pylist()
    }
    assert not any(one["significant"] for one in rows.values())
    assert rows["K2.s"]["note"].startswith("not enough data")
    assert rows["K2.s"]["cases_after"] == 0


def test_shares_of_what_has_no_time_count_only_cases_that_are_old_enough():
    """How often something was done again, or how large a discount is, is no time to be followed for."""
    events = [
        (str(n), activity, n + at)
        for n in range(100)
        for activity, at in [("opportunity_created", 0), ("quote_created", 0)]
        + [("quote_revised", 1)] * (n % 10 + 1) + [("opportunity_won", 8)]
    ]  # fmt: skip
    log = log_of(*events, discount_percent={str(n): 21.0 + n % 10 for n in range(100)})
    found = compare_periods(log, "1970-02-10", ["K22.r", "K23.x"])
    for one in found.table.to_pylist():
        assert (one["before"], one["after"], one["follow_up_days"]) == (1.0, 1.0, 8.0)
        assert (one["cases_before"], one["cases_after"]) == (40, 60)  # the last began 8 days before the end


@pytest.mark.parametrize(
    ("kpi", "before", "good", "bad"),
    [
        ("K18.w", (), "opportunity_won", "opportunity_lost"),
        ("K17.p", ("opportunity_won", "invoice_sent"), "payment_received", "payment_received"),
    ],
)
def test_an_unchanged_share_does_not_change_where_the_bad_end_is_later(kpi, before, good, bad):
    """One in two ends well, within 39 days of the creation; the others 40 days and 90 on average after it."""
    found = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        begins, well = rng.uniform(0, 730, 3000), rng.random(3000) < 0.5
        lasts = np.where(well, rng.uniform(0, 39, 3000), 40 + rng.exponential(90, 3000))
        events = [
            (str(n), activity, begins[n] + by)
            for n in range(3000)
            for activity, by in [("opportunity_created", 0), *((one, 0) for one in before),
                                 (good if well[n] else bad, lasts[n])]
            if begins[n] + by <= 730
        ]  # fmt: skip
        due = {str(n): date.fromordinal(date(1970, 2, 9).toordinal() + int(begins[n])) for n in range(3000)}
        found += compare_periods(log_of(*events, due_date=due), "1971-04-27", kpi).table.to_pylist()
    assert abs(np.mean([one["difference"] for one in found])) < 0.015
    assert sum(one["p"] < 0.05 for one in found) <= 1


def test_what_is_not_compared(made):
    rows = {one["id"]: one for one in compare_periods(made[1], "2025-02-03").table.to_pylist()}
    assert rows["K27.n"]["note"] == "sums and formulas are not compared"
    assert rows["K25.n"]["note"].startswith("it tells of the end of the log")
    assert rows["K20.r"]["p"] is not None  # by the ready rules
    assert rows["K11.a"]["note"].startswith("the log has no activity")
    assert all((one["q"] is None) == (one["p"] is None) for one in rows.values())


def test_as_plain_values(made):
    found = compare_periods(made[1], "2025-02-03", ["K15", "K18"], language="fr")
    answer = json.loads(found.to_json())
    assert answer["kpis"][0]["name"] == "Délai de facturation (jusqu'à l'envoi)"
    assert answer["at_us"] == 1_738_540_800_000_000
    assert repr(found) == "PeriodComparison of 6 KPIs, 1 differ significantly"


def test_a_date_is_its_first_instant(made):
    at, until = date(2025, 2, 3), datetime(2027, 1, 1, tzinfo=UTC)
    found = compare_periods(made[1], at, "K15.s", until=until)
    assert found.table.equals(compare_periods(made[1], "2025-02-03", "K15.s", until="2027-01-01").table)


def test_by_group_as_of_its_cases_alone_and_adjusted_together(made):
    truths, log = made
    at, ids = truths["billing_automated"], ["K1.w", "K15.s", "K18", "K25.n"]
    found = compare_periods(log, at, ids, by="segment")
    assert found.table.column_names[:4] == ["id", "name", "segment", "unit"]
    rows = found.table.to_pylist()
    segments = sorted(set(log.attribute("segment").values.to_pylist()))
    assert {row["segment"] for row in rows[: len(segments)]} == set(segments)
    assert {(row["id"], row["direction"]) for row in rows[: len(segments)]} == {("K15.s", "better")}
    assert sum(bool(row["significant"]) for row in rows[len(segments) :]) <= 1
    for segment in segments:
        alone = compare_periods(log, at, ids, where=w.case("segment") == segment).table.to_pylist()
        own = {row["id"]: row for row in rows if row["segment"] == segment}
        assert own.keys() == {row["id"] for row in alone}
        for row in alone:
            both = row.keys() - {"q", "significant", "direction", "note"}
            assert {name: own[row["id"]][name] for name in both} == {name: row[name] for name in both}
    known = [row for row in rows if row["p"] is not None]
    assert [row["q"] for row in known] == adjusted([row["p"] for row in known])
    assert repr(found).startswith(f"PeriodComparison of 7 KPIs in {len(segments)} groups, ")


def test_of_groups_that_are_too_small_it_is_said(made):
    rows = compare_periods(made[1], "2025-02-03", "K18.w", by=["account"]).table.to_pylist()
    few = [row for row in rows if min(row["cases_before"], row["cases_after"]) < 5]
    assert len(few) > 1
    assert all(row["p"] is None and row["note"].startswith("not enough data") for row in few)
    with pytest.raises(SchemaError, match="varies within"):
        compare_periods(made[1], "2025-02-03", by="stage")


@pytest.mark.parametrize(
    "wrong",
    [{"at": "soon"}, {"at": 5}, {"at": "2025-01-01", "cohort": "closed"}, {"at": "2025-01-01", "ids": 5}],
)
def test_wrong_arguments(made, wrong):
    with pytest.raises(ArgumentError):
        compare_periods(made[1], **wrong)


def samples(seed, count, shift=0.0):
    rng = np.random.default_rng(seed)
    return rng.exponential(5.0, count), rng.exponential(5.0, count) + shift


def test_equal_to_scipy():
    before, after = samples(1, 60, 1.0)
    assert difference("median", before, after).p == pytest.approx(
        stats.mannwhitneyu(before, after, method="asymptotic").pvalue
    )
    welch = stats.ttest_ind(after, before, equal_var=False)
    found = difference("mean", before, after)
    assert found.p == pytest.approx(welch.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(welch.confidence_interval()))
    qs = [random.Random(seed).random() ** 3 for seed in range(20)]
    assert adjusted(qs) == pytest.approx(stats.false_discovery_control(qs).tolist())
    assert adjusted([]) == []


@pytest.mark.parametrize("count", [8, 40])
def test_the_interval_of_medians_holds_the_difference(count):
    held = 0
    for seed in range(300):
        before, after = samples(seed, count, 2.0)
        found = difference("median", before, after)
        held += found.low <= 2.0 <= found.high
    assert 0.92 <= held / 300 <= 0.99


@pytest.mark.parametrize("sizes", [(200, 100), (1000, 300), (15, 200)])
def test_the_interval_of_medians_holds_where_times_are_whole_days(sizes):
    rng = np.random.default_rng(0)
    pairs = [[np.round(rng.lognormal(1, 1, size)) for size in sizes] for _ in range(300)]
    found = [difference("median", *pair) for pair in pairs]
    assert sum(one.low <= 0 <= one.high for one in found) >= 0.95 * 300


def test_samples_without_any_difference():
    same = np.ones(20)
    for kind in ("median", "rate", "mean"):
        found = difference(kind, same, same)
        assert (found.difference, found.p) == (0.0, 1.0)
    assert difference("mean", same, same + 1).p == 0.0
    few = difference("median", same[:3], same)
    assert (few.p, few.note) == (None, "not enough data: 3 before, 20 after")
    assert difference("rate", same[:0], same).before is None
