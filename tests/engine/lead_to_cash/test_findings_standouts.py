"""Who stands behind a finding is named where it is no chance, with the share that a plain query has."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from dealtrace_engine.lead_to_cash.findings import findings
from dealtrace_engine.lead_to_cash.findings_money import overdue_unpaid, unapproved_discounts
from dealtrace_engine.lead_to_cash.findings_rules import broken_rules
from dealtrace_engine.lead_to_cash.findings_standouts import Tally, foremost_group
from dealtrace_engine.sources.labels import LANGUAGES
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash

REGION, REP = "Iberia", "Anna Quinn"
SOURCES = (broken_rules, unapproved_discounts, overdue_unpaid)
BEHIND = {
    "en": "Most often with region “Iberia”: ", "de": "Am häufigsten mit Region „Iberia“: ",
    "fr": "Surtout avec la région «\u00a0Iberia\u00a0»\u00a0: ",
    "it": "Soprattutto con la regione «Iberia»: ",
    "ja": "特に地域が「Iberia」の案件に多く（", "zh": "地区为“Iberia”的案例最为突出：",
}  # fmt: skip


def without(events, cases, activity):
    return events.filter(~(pl.col("case_id").is_in(cases.implode()) & (pl.col("activity") == activity)))


@pytest.fixture(scope="module", params=[1, 2, 3])
def planted(request):
    return planting(request.param)


def planting(seed):
    """A region skips seven of ten contracts; a rep gives 25 % and has it approved in one of ten cases."""
    events = pl.from_arrow(lead_to_cash(8_000, seed=seed).events)
    cases = events.unique("case_id", maintain_order=True)
    chance = pl.Series(np.random.default_rng(seed).random(len(cases)))
    skipping = cases.filter((cases["region"] == REGION) & (chance < 0.7))["case_id"]
    alone = cases.filter((cases["sales_rep"] == REP) & (chance < 0.9))["case_id"]
    high = pl.when(pl.col("sales_rep") == REP).then(25.0).otherwise(pl.col("discount_percent"))
    events = without(without(events, skipping, "Contract Signed"), alone, "Discount Approved")
    return events.with_columns(discount_percent=high)


def told(found, kind, rule=None):
    """The numbers and names of the finding of a kind, and of a rule."""
    for row in found.table.to_pylist():
        names = {one["name"]: one["value"] for one in row["names"]}
        if row["kind"] == kind and rule in (None, names.get("rule")):
            return {one["name"]: one["value"] for one in row["numbers"]}, names
    raise AssertionError(kind)


def shares(cases, own):
    """Share of the flag `hit` with `own`, and elsewhere."""
    return [cases.filter(side)["hit"].mean() for side in (own, ~own)]


def test_the_region_the_rep_and_the_payers_are_named(planted):
    found = findings(from_arrow(planted.to_arrow()), sources=SOURCES, most=60)
    does = {
        name: (pl.col("activity") == activity).any()
        for name, activity in (("won", "Opportunity Closed Won"), ("signed", "Contract Signed"),
                               ("agreed", "Quote Accepted"), ("approved", "Discount Approved"),
                               ("sent", "Invoice Sent to Customer"), ("paid", "Payment Received"))
    }  # fmt: skip
    attributes = ("region", "sales_rep", "segment", "discount_percent", "due_date")
    cases = planted.group_by("case_id").agg(pl.first(*attributes), **does)
    last = planted["timestamp"].max().date()
    for kind, rule, among, hit, attribute, group in (
        ("broken_rule", "Won without a signed contract", pl.col("won"), ~pl.col("signed"), "region", REGION),
        ("unapproved_discounts", None, pl.col("agreed") & (pl.col("discount_percent") > 20),
         ~pl.col("approved"), "sales_rep", REP),
        ("overdue_unpaid", None, pl.col("sent") & (pl.col("due_date") < last), ~pl.col("paid"), "segment",
         "Small Business"),
    ):  # fmt: skip
        numbers, names = told(found, kind, rule)
        assert (names["standout_attribute"], names["standout_group"]) == (attribute, group)
        own = pl.col(attribute).eq_missing(pl.lit(group))
        expected = shares(cases.filter(among).with_columns(hit=hit), own)
        assert [numbers["standout_share"], numbers["standout_others_share"]] == pytest.approx(expected)
    numbers, _ = told(found, "broken_rule", "Won without a signed contract")
    # Planted: 0.7 of them, and of the others the 0.05 that the generator leaves without a contract anywhere.
    assert numbers["standout_share"] == pytest.approx(0.7 + 0.3 * 0.05, abs=0.08)
    assert numbers["standout_others_share"] == pytest.approx(0.05, abs=0.015)


def test_it_is_said_in_every_language():
    log = from_arrow(planting(1).to_arrow())
    for language in LANGUAGES:
        found = findings(log, sources=[broken_rules], most=60, language=language)
        (said,) = [one for one in found.sentences if BEHIND[language] in one]
        assert said[-1] in ".。"
        assert "{" not in said


def test_by_chance_nobody_is_named():
    """Of 300 findings that nothing stands behind, 1 % may name a group: more than 9 once in 1,000 tries."""
    named, dice = 0, np.random.default_rng(8)
    rep = dice.integers(0, 64, 2_000)
    codes = {"region": rep // 8, "segment": dice.integers(0, 3, 2_000), "rep": rep}
    for _ in range(300):
        hit = dice.random(2_000) < 0.2
        tallies = {
            name: Tally(
                range(own.max() + 1), np.bincount(own[hit], minlength=own.max() + 1), np.bincount(own)
            )
            for name, own in codes.items()
        }
        named += bool(foremost_group(tallies).names)
    assert named <= 9


@pytest.mark.parametrize(
    ("values", "hits", "of", "named"),
    [
        (["a", "b"], [30, 5], [50, 60], "a"),
        (["a", None], [5, 30], [60, 50], None),  # no value is no name
        (["a", "b"], [9, 5], [9, 500], None),  # what nine did is not told
        (["a", "b"], [500, 400], [1_000, 1_000], None),  # sure, but not 1.5 times as often
        (["a", "b"], [12, 0], [30, 60], "a"),  # never elsewhere
        (["a"], [10], [30], None),
        ([], [], [], None),
    ],
)
def test_who_is_named(values, hits, of, named):
    counts = (np.array(each, dtype=np.int64) for each in (hits, of))
    assert foremost_group({"x": Tally(values, *counts)}).names.get("standout_group") == named


def test_of_a_region_and_its_reps_the_one_that_sets_it_apart_best():
    """Eight reps of a region: where all do it, the region is named, where one does, he is."""
    for hits, named in (([8] * 8 + [1] * 2, "North"), ([16] + [1] * 9, "rep 0")):
        own, of = np.array(hits), np.full(10, 18)
        parts = [np.array([each[:8].sum(), each[8:].sum()]) for each in (own, of)]
        tallies = {
            "region": Tally(["North", "South"], *parts),
            "rep": Tally([f"rep {k}" for k in range(10)], own, of),
        }
        assert foremost_group(tallies).names["standout_group"] == named
