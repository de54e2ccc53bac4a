"""Drivers: planted findings, nothing in shuffled targets, leaks told apart, sizes against plain Python."""

from __future__ import annotations

import json
import re

import numpy as np
import pyarrow as pa
import pytest

from dealtrace_engine import parallel
from dealtrace_engine.analyses.drivers import drivers
from dealtrace_engine.analyses.milestones import reached
from dealtrace_engine.analyses.targets import target_of
from dealtrace_engine.analyses.throughput import case_durations
from dealtrace_engine.analyses.working_time import working_time
from dealtrace_engine.calendar import DAY, WorkingCalendar
from dealtrace_engine.errors import ArgumentError, Cancelled, SchemaError
from dealtrace_engine.filters import where as w
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash

NOT_PATTERNS = ("attribute", "pair")


@pytest.fixture(scope="module")
def made():
    return lead_to_cash(4000, seed=2)


@pytest.fixture(scope="module")
def log(made):
    return from_arrow(made.events)


@pytest.fixture(scope="module")
def wins(log):
    return drivers(log, "is_won", where=w.case("outcome").is_in(["Won", "Lost"]), value="amount")


def of_cases(n, events=None, **columns):
    """A log with a case per value; its events are `events(case)`, pairs of activity and resource."""
    rows = [
        {"case": f"c{i:05}", "activity": activity, "time": f"2024-01-{at + 1:02}", "resource": who,
         **{name: values[i] for name, values in columns.items()}}
        for i in range(n)
        for at, (activity, who) in enumerate(events(i) if events else [("a", "x")])
    ]  # fmt: skip
    return from_arrow(pa.Table.from_pylist(rows))


def told_in(found):
    """What is told, and what is the very same cases."""
    rows = found.table.to_pylist()
    return "; ".join(filter(None, (row[name] for row in rows for name in ("what", "also")))).split("; ")


def rows_of(found):
    return {row["what"]: row for row in found.table.to_pylist()}


def test_what_was_planted_for_wins_is_found(made, wins):
    ranked = [row["what"] for row in wins.table.to_pylist() if row["what"].startswith("lead_source = ")]
    best, worst = (f"lead_source = {made.truths[f'{which}_lead_source']}" for which in ("best", "worst"))
    assert set(ranked[:2]) == {best, worst}
    rows = rows_of(wins)
    assert rows[best]["effect_low"] > 0 > rows[worst]["effect_high"]
    assert abs(rows[worst]["effect"] + 0.18) < 0.08
    weak = rows[f"sales_rep = {made.truths['weak_rep']}"]
    assert weak["effect_low"] < -0.25 < weak["effect_high"] < 0
    reps = [row["what"] for row in wins.table.to_pylist() if row["what"].startswith("sales_rep = ")]
    assert reps[0] == weak["what"]
    assert len(reps) <= 2


def test_what_says_the_same_in_other_words_is_told_apart(wins):
    apart = wins.apart["what"].to_pylist()
    assert {"outcome = Lost", "loss_reason = Price", "did Payment Received"} <= set(apart)
    shown = " ".join(wins.table["what"].to_pylist())
    assert not [word for word in ("outcome", "loss_reason", "is_won", "Payment") if word in shown]
    assert any("outcome all but decides is_won" in note for note in wins.notes)


def test_what_comes_with_the_outcome_or_after_it_is_told_apart_with_the_reason(made, wins):
    reasons = {row["what"]: row["reason"] for row in wins.apart.to_pylist()}
    assert reasons["outcome = Lost"] == "all but decides is_won"
    assert "by whether it is known" in reasons["discount_percent = (none)"]
    assert "by how far a case comes" in reasons["skipped Contract Created"]
    shown = {row["what"]: row["base"] for row in wins.table.to_pylist() if row["kind"] != "handled"}
    late = ("Contract", "Quote Accepted", "Opportunity Closed", "(none)")
    assert not [what for what in [*shown, *reasons] if " before Opportunity Closed" in what]
    assert not [what for what in shown if any(word in what for word in late)]
    assert {base for what, base in shown.items() if what.startswith("discount")} <= {
        "cases with discount_percent"
    }
    kept = drivers(from_arrow(made.events), "is_won", attributes=["discount_percent"], apart=False)
    assert {"did Payment Received", "discount_percent = (none)"} <= set(told_in(kept))
    assert kept.apart.num_rows == 0


def test_an_attribute_that_is_filled_in_on_the_way_is_told_against_cases_with_a_value():
    random = np.random.default_rng(5)
    won = random.random(2000) < 0.5
    filled = random.random(2000) < np.where(won, 0.97, 0.2)
    slow = random.random(2000) < np.where(won, 0.3, 0.6)
    terms = [("long" if s else "short") if f else None for f, s in zip(filled, slow, strict=True)]
    rival = ["Acme" if not w and r < 0.2 else None for w, r in zip(won, random.random(2000), strict=True)]
    other = random.choice(["a", "b", "c"], 2000).tolist()
    found = drivers(of_cases(2000, won=won, terms=terms, rival=rival, other=other), "won")
    assert {row["what"] for row in found.apart.to_pylist()} == {"terms = (none)", "rival = Acme"}
    (row,) = (row for row in found.table.to_pylist() if row["kind"] == "attribute")
    assert (row["base"], row["cases"] + row["others"]) == ("cases with terms", int(filled.sum()))
    of = {name: won[[term == name for term in terms]].mean() for name in ("long", "short")}
    name = row["what"].removeprefix("terms = ")
    assert (row["with_it"], row["without_it"]) == (of.pop(name), *of.values())
    assert "of other cases with terms" in row["sentence"]
    pairs = [row for row in found.table.to_pylist() if row["kind"] == "pair"]
    assert not any("rival" in row["what"] or "(none)" in row["what"] for row in pairs)


def test_how_a_case_stands_at_its_end_is_told_only_where_it_is_named():
    random = np.random.default_rng(6)
    won = random.random(600) < 0.5
    stage = np.where(random.random(600) < 0.75, won, ~won).astype(str).tolist()
    standing = of_cases(600, won=won, stage=stage)
    found, named = drivers(standing, "won"), drivers(standing, "won", attributes=["stage"])
    (row,) = found.apart.to_pylist()
    assert (row["what"], row["reason"]) == ("stage", "tells how a case stands at the end")
    assert found.found == 0
    assert named.table["what"][0].as_py().startswith("stage = ")


def test_the_slow_region_is_the_largest_effect_on_time_to_win(made, log):
    won = log.filter(w.contains("Opportunity Closed Won") & w.contains("Opportunity Created"))
    created, closed = (reached(won, [name]).firsts for name in ("opportunity_created", "opportunity_won"))
    found = drivers(won, (closed - created) / 86.4e9)
    by_size = [row for row in found.table.to_pylist() if row["kind"] in NOT_PATTERNS]
    by_size.sort(key=lambda row: -row["hedges_g"])
    slow = f"region = {made.truths['slow_region']}"
    before = [row["what"] for row in by_size[: [row["what"] for row in by_size].index(slow)]]
    reps = log.case_table(["sales_rep", "region"]).to_pylist()
    there = {f"sales_rep = {case['sales_rep']}" for case in reps if f"region = {case['region']}" == slow}
    assert set(before) <= there  # its own reps may be slower still
    assert rows_of(found)[slow]["effect_low"] > 20
    ranked = [row["what"] for row in found.table.to_pylist() if row["kind"] in NOT_PATTERNS]
    assert slow in ranked[:3]


def test_the_slow_approver_is_found_by_who_handled_it(made, log):
    approvals = log.filter(w.contains("Discount Approved"))
    wait = np.array([
        (case["last"] - case["first"]).total_seconds()
        for case in approvals.filter(w.activity("Discount Approval Requested", "Discount Approved"))
        .to_polars().group_by("case_id", maintain_order=True)
        .agg(first=_first("Discount Approval Requested"), last=_first("Discount Approved")).to_dicts()
    ])  # fmt: skip
    found = drivers(approvals, wait, smallest=15)
    (handled, *_) = (row for row in found.table.to_pylist() if row["kind"] == "handled" and row["effect"] > 0)
    assert handled["what"] == f"Discount Approved by {made.truths['slow_approver']}"


def _first(activity):
    import polars as pl

    return pl.col("timestamp").filter(pl.col("activity") == activity).first()


def test_sizes_are_those_of_plain_python(log, wins):
    decided = log.filter(w.case("outcome").is_in(["Won", "Lost"]))
    table = decided.case_table(["lead_source", "is_won", "amount"]).to_pylist()
    row = rows_of(wins)["lead_source = Referral"]
    own = [case for case in table if case["lead_source"] == "Referral"]
    rate = sum(case["is_won"] for case in own) / len(own)
    others = [case["is_won"] for case in table if case["lead_source"] != "Referral"]
    assert (row["cases"], row["others"], row["with_it"]) == (len(own), len(others), rate)
    assert row["effect"] == pytest.approx(rate - sum(others) / len(others))
    assert row["value"] == pytest.approx(sum(case["amount"] for case in own))
    place = wins.table["what"].to_pylist().index("lead_source = Referral")
    assert wins.cases(place).to_pylist() == [case["case_id"] for case in own]


def test_every_row_names_its_cases_and_says_so_without_nan(wins):
    assert [len(wins.cases(row)) for row in range(wins.table.num_rows)] == wins.table["cases"].to_pylist()
    assert all("Association, not proof" in sentence for sentence in wins.sentences)
    assert "nan" not in " ".join(wins.sentences).lower().split()
    content = json.loads(wins.to_json())
    assert content["found"] == wins.found >= len(content["drivers"])
    assert "association, not proof" in repr(wins)


@pytest.mark.parametrize(
    ("target", "control"),
    [
        ("is_won", "by"),
        pytest.param("throughput", "by", marks=pytest.mark.slow),
        pytest.param("is_won", "bh", marks=pytest.mark.slow),
        pytest.param("throughput", "bh", marks=pytest.mark.slow),
    ],
)
def test_in_shuffled_targets_nothing_is_found(target, control):
    small = from_arrow(lead_to_cash(250, seed=6).events)
    values = target_of(small, target).values if target == "is_won" else case_durations(small)
    values = values.astype(np.bool_) if target == "is_won" else values
    found = [
        drivers(small, np.random.default_rng(seed).permutation(values), control=control).found
        for seed in range(100)
    ]
    assert np.count_nonzero(found) <= 5


def test_pairs_are_found_where_they_say_more_than_their_parts():
    random = np.random.default_rng(1)
    region, product = random.choice(["N", "S", "W"], 3000), random.choice(["P", "Q", "R"], 3000)
    chance = np.where((region == "N") & (product == "P"), 0.8, 0.4)
    y = random.random(3000) < chance
    both = of_cases(3000, region=region.tolist(), product=product.tolist())
    found = drivers(both, y, patterns=False)
    rows = [row["what"] for row in found.table.to_pylist()]
    assert rows[0] == "region = N and product = P"
    assert [what for what in rows if " and " in what] == rows[:1]
    assert "pair" not in drivers(both, y, patterns=False, pairs=False).table["kind"].to_pylist()
    chance = 0.3 + 0.3 * (region == "N")
    found = drivers(both, random.random(3000) < chance, patterns=False)
    assert "pair" not in found.table["kind"].to_pylist()


def test_each_kind_of_pattern():
    random = np.random.default_rng(2)
    n = 1200
    draws = random.random((n, 4)) < 0.5

    def events(i):
        first, second = [("a", "ann"), ("b", "bob")] if draws[i, 0] else [("b", "bob"), ("a", "ann")]
        repeated = [("c", "cyd")] * (1 + draws[i, 1])
        maybe = [("d", "dan")] if draws[i, 2] else []
        return [first, second, *repeated, *maybe, ("e", "eve" if draws[i, 3] else "eli")]

    patterns = of_cases(n, events)
    expected = {0: "a before b", 1: "repeated c", 2: "d", 3: "e by e"}
    for column, what in expected.items():
        y = np.where(random.random(n) < 0.8, draws[:, column], ~draws[:, column])
        found = drivers(patterns, y.astype(float) * 5 + random.random(n), attributes=[])
        told = found.table["what"].to_pylist()
        turned = " before ".join(reversed(told[0].split(" before ")))
        assert what in f"{told[0]} {turned}"
        assert (
            found.table["effect"][0].as_py() == pytest.approx(3, abs=0.4)
            or found.table["effect"][0].as_py() < 0
        )
    cut = drivers(patterns, draws[:, 2] ^ (random.random(n) < 0.2), attributes=[], until=["c"])
    assert cut.found == 0


def test_the_same_cases_are_told_once():
    y = [(i % 2 == 0) != (i % 7 == 0) for i in range(400)]
    x = ["p" if i % 2 == 0 and i > 9 else "q" for i in range(400)]
    z = ["r" if value == "p" else "s" for value in x]
    found = drivers(of_cases(400, x=x, z=z, y=y), "y", patterns=False, most=1)
    assert [(row["what"], row["also"]) for row in found.table.to_pylist()] == [("x = p", "z = r")]
    assert found.found == 2


def test_an_attribute_of_two_values_that_decides_is_left_out_of_pairs_too():
    random = np.random.default_rng(4)
    y = random.random(600) < 0.3
    closed, other = ["yes" if value else "no" for value in y], random.choice(["a", "b"], 600).tolist()
    found = drivers(of_cases(600, y=y.tolist(), closed=closed, other=other), "y", patterns=False)
    assert found.found == 0
    assert found.tested <= 2
    assert {row["what"] for row in found.apart.to_pylist()} == {"closed = yes"}


def test_leaks_of_numbers():
    random = np.random.default_rng(3)
    days = random.random(400) * 50
    leaky = of_cases(400, days=days.tolist(), hours=(days * 24).tolist(), other=random.random(400).tolist())
    found = drivers(leaky, "days", patterns=False)
    assert found.found == 0
    assert any(note.startswith("hours all but decides days") for note in found.notes)


@pytest.mark.parametrize("number", [False, True])
def test_the_interval_of_a_sentence_is_that_of_the_amount_told(number):
    x = ["p", "q"] * 300
    y = [(i % 7 == 0) != (value == "p") for i, value in enumerate(x)]
    target = [5.0 * value + i % 3 for i, value in enumerate(y)] if number else y
    found = drivers(of_cases(600, x=x, y=target), "y", smallest=2)
    (row,) = found.table.to_pylist()
    fewer = row["effect"] < 0
    assert fewer == (row["what"] == "x = q")
    scale = 1 if number else 100
    low, high = sorted(abs(row[name]) * scale for name in ("effect_low", "effect_high"))
    told = [float(text) for text in re.search(r"interval (\S+) to ([\d.]+);", row["sentence"]).groups()]
    assert told == pytest.approx([low, high], abs=0.06)
    (mirrored,) = drivers(of_cases(600, x=x, y=[-v if number else not v for v in target]), "y",
                          smallest=2).sentences  # fmt: skip
    assert (
        re.search(r"interval (\S+) to ([\d.]+);", mirrored).groups()
        == re.search(r"interval (\S+) to ([\d.]+);", row["sentence"]).groups()
    )


def test_sentences_name_columns_as_they_are_spelled(log):
    found = drivers(log, "is_won")
    for row in [*found.table.to_pylist(), *found.apart.to_pylist()]:
        verb = row["kind"] in ("did", "skipped", "repeated")
        assert row["sentence"].startswith(row["what"][0].upper() + row["what"][1:] if verb else row["what"])
    assert " cases have is_won = yes, against " in found.sentences[0]
    passes = w.case("outcome") == "Won"
    assert f" cases pass {passes!r}, against " in drivers(log, passes, patterns=False).sentences[0]


def test_a_plain_text_is_one_name(log):
    one, list_of_one = (
        drivers(log, "is_won", attributes=attributes, until=until)
        for attributes, until in (("region", "quote_accepted"), (["region"], ["quote_accepted"]))
    )
    assert one.table.equals(list_of_one.table)


def test_too_little_is_said_and_bad_input_refused(log):
    few = of_cases(10, y=[True, False] * 5, region=["N"] * 10)
    found = drivers(few, "y")
    assert (found.found, found.tested, found.table.num_rows) == (0, 0, 0)
    assert "not enough data" in found.notes[-1]
    assert "one value only" in drivers(few, [True] * 10, smallest=2).notes[-1]
    for arguments, error in (
        ({"smallest": 1}, "smallest"), ({"most": 0}, "most"), ({"level": 1}, "level"),
        ({"attributes": ["regoin"]}, "regoin"), ({"attributes": ["resource"]}, "varies within"),
        ({"until": ["nothing"]}, "nothing"), ({"control": "no"}, "'by' or 'bh'"),
        ({"value": "region"}, "amounts"), ({"attributes": [5]}, "one name or several"),
        ({"until": 5}, "one name or several"),
    ):  # fmt: skip
        with pytest.raises((SchemaError, ArgumentError), match=error):
            drivers(log, "is_won", **arguments)
    with pytest.raises(Cancelled):
        drivers(log, "is_won", progress=lambda done, of: False)
    with pytest.raises(ArgumentError, match="no row"):
        found.cases(0)


def test_currencies_are_told_apart_and_threads_do_not_matter():
    y = [i % 2 == 0 for i in range(200)]
    x = ["p" if (i % 2 == 0) != (i % 7 == 0) else "q" for i in range(200)]
    money = of_cases(200, y=y, x=x, amount=[2.0] * 200, currency=["EUR", "USD"] * 100)
    one, two = (drivers(money, "y", attributes=["x"], value="amount", threads=n) for n in (1, 2))
    assert one.table.equals(two.table)
    (row,) = one.table.to_pylist()
    assert row["value"] is None
    assert {v["currency"]: v["value"] for v in one.values.to_pylist()}.keys() == {"EUR", "USD"}
    assert sum(v["cases"] for v in one.values.to_pylist()) == row["cases"]
    assert "EUR" in row["sentence"]
    assert "USD" in row["sentence"]


def test_the_throughput_is_of_work_by_a_calendar():
    office, small = WorkingCalendar("Europe/Berlin"), from_arrow(lead_to_cash(1000, seed=3).events)
    worked = case_durations(small, calendar=office)
    measure = working_time(small, office, *small.span)
    assert worked.tolist() == measure(small.case_starts, small.case_ends, np.arange(small.cases)).tolist()
    found = drivers(small, "throughput", attributes=["region"], patterns=False, calendar=office)
    given = drivers(small, worked / DAY, attributes=["region"], patterns=False)
    assert found.target == "throughput (days of 24 working hours)"
    assert found.table.drop_columns("sentence").equals(given.table.drop_columns("sentence"))
    assert found.found > 0
    assert "the mean throughput (days of 24 working hours) of" in found.sentences[0]
    with pytest.raises(ArgumentError, match="a calendar is for the target 'throughput'"):
        drivers(small, "is_won", calendar=office)


@pytest.mark.parametrize("target", ["is_won", "throughput"])
def test_any_cut_and_any_number_of_threads_give_the_same_bits(target, monkeypatch):
    log = from_arrow(lead_to_cash(700, seed=8).events)
    whole = drivers(log, target, threads=1)
    monkeypatch.setattr(parallel, "EVENTS_PER_BLOCK", 300)
    cut = drivers(log, target, threads=2)
    assert whole.found > 0
    assert cut.to_json() == whole.to_json()
