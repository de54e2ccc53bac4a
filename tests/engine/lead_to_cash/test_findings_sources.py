"""Findings on late payers, stages, the funnel, causes and rules: by independent queries, and on odd logs."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from dealtrace_engine.analyses.check_rules import check_rules
from dealtrace_engine.analyses.funnel import funnel
from dealtrace_engine.analyses.receivables import receivables
from dealtrace_engine.analyses.stages import stages
from dealtrace_engine.filters.json_form import from_json
from dealtrace_engine.lead_to_cash.findings import SOURCES, findings
from dealtrace_engine.lead_to_cash.findings_causes import (
    loss_drivers,
    slow_drivers,
)
from dealtrace_engine.lead_to_cash.findings_payers import late_customers, late_groups
from dealtrace_engine.lead_to_cash.findings_ranking import THEMES
from dealtrace_engine.lead_to_cash.findings_rules import broken_rules
from dealtrace_engine.lead_to_cash.findings_stages import funnel_drop, stage_findings
from dealtrace_engine.lead_to_cash.findings_words import _words
from dealtrace_engine.sources.labels import LANGUAGES
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash

NEW = (late_customers, late_groups, stage_findings, funnel_drop, loss_drivers, slow_drivers, broken_rules)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def large():
    made = lead_to_cash(20_000)
    log = from_arrow(made.events)
    return log, made.truths, findings(log, most=60)


def rows(found, kind):
    return [(place, row) for place, row in enumerate(found.table.to_pylist()) if row["kind"] == kind]


def the(found, kind):
    return rows(found, kind)[0]


def told(row, which):
    return {one["name"]: one["value"] for one in row[which]}


def test_every_kind_has_sentences_and_a_theme():
    assert set(_words()["kinds"]) == set(THEMES)


def test_rules_that_were_planted_are_broken(large):
    log, truths, found = large
    broken = {told(row, "names")["rule"]: row for _, row in rows(found, "broken_rule")}
    counts = {name: row["cases"] for name, row in broken.items()}
    assert counts["Won without a quote"] == truths["won_without_quote"]
    assert counts["Won without a signed contract"] == truths["won_without_contract"]
    assert counts["Fulfilled before the contract is signed"] == truths["fulfilled_before_contract"]
    assert counts["Own discount approved or rejected"] == truths["self_approvals"]
    assert "Order before the contract is signed" not in counts  # by the very same cases
    assert "Payment overdue" not in counts  # another finding says so
    assert not any("Discount above 20 %" in name for name in counts)
    checked = {row["name"]: row for row in check_rules(log, value="amount").table.to_pylist()}
    for name, row in broken.items():
        assert row["money"] == pytest.approx(checked[name]["value_at_stake"])
        assert told(row, "numbers")["rule_share"] == pytest.approx(1 - checked[name]["adherence"])
    amounts = [row["money"] for row in broken.values()]
    assert amounts == sorted(amounts, reverse=True)


def test_late_customers_are_those_of_receivables(large):
    log, _, found = large
    place, row = the(found, "late_customers")
    table = receivables(log, by="account").table.to_pylist()[:10]
    assert told(row, "names")["customer"] == table[0]["account"]
    assert row["cases"] == sum(one["late"] for one in table)
    assert row["money"] == pytest.approx(sum(one["cash_delayed"] for one in table) * 0.08 / 365)
    ids = set(found.cases(place).to_pylist())
    whole = set(found.cases(the(found, "late_payments")[0]).to_pylist())
    assert ids < whole
    late = the(found, "late_payments")[1]
    assert told(row, "numbers")["delay_share"] == pytest.approx(row["days"] / late["days"])


def test_the_segment_that_pays_late_is_found(large):
    log, _, found = large
    _, row = the(found, "late_group")
    table = {one["segment"]: one for one in receivables(log, by="segment").table.to_pylist()}
    worst = max(table.values(), key=lambda one: one["late_rate"])
    assert told(row, "names") == {"attribute": "segment", "group": worst["segment"]}
    assert told(row, "numbers")["own_share"] == pytest.approx(worst["late_rate"])
    assert row["cases"] == worst["late"]
    assert "an association, not proof" in row["sentence"]


def test_returns_are_the_moves_of_stages(large):
    log, truths, found = large
    place, row = the(found, "stage_returns")
    moves = stages(log)
    back = [one for one in moves.transitions.to_pylist() if one["kind"] in ("return", "reopen")]
    (one,) = back
    assert told(row, "names") == {"source": one["from"], "target": one["to"]}
    assert (row["cases"], told(row, "numbers")["returns"]) == (one["cases"], one["count"])
    assert row["cases"] == truths["reopened"]
    number = moves.transitions.to_pylist().index(one)
    assert found.cases(place).to_pylist() == moves.transition_cases(number).to_pylist()


def test_stuck_deals_are_not_told_twice(large):
    log, _, found = large
    place, row = the(found, "stuck_stage")
    stuck = [one for one in stages(log).stuck.to_pylist() if one["stage"] == told(row, "names")["stage"]]
    stalled = set(found.cases(the(found, "stalled_deals")[0]).to_pylist())
    own = set(found.cases(place).to_pylist())
    assert own
    assert own <= {one["case_id"] for one in stuck} - stalled
    limit = told(row, "numbers")["limit_days"]
    assert limit == pytest.approx(stuck[0]["limit_s"] / 86_400)
    assert told(row, "numbers")["own_days"] > limit


def test_the_step_where_most_is_lost(large):
    log, _, found = large
    place, row = the(found, "funnel_drop")
    steps = funnel(log, value="amount")
    lost = steps.values.column("value_lost").to_pylist()
    worst = lost.index(max(lost))
    assert row["money"] == pytest.approx(max(lost))
    assert told(row, "names")["step"] == "Opportunity Created"
    assert steps.table["step"].to_pylist()[worst] == "opportunity_created"
    assert told(row, "numbers")["drop_share"] == pytest.approx(steps.table["drop_off"].to_pylist()[worst])
    assert found.cases(place).to_pylist() == steps.dropped(worst).to_pylist()


def test_what_goes_with_losses(large):
    log, truths, found = large
    _, row = the(found, "loss_driver")
    assert told(row, "names") == {"attribute": "segment", "group": "Enterprise"}
    outcome, segment = (pc.cast(log.attribute(name).values, pa.string()) for name in ("outcome", "segment"))
    cases = list(zip(outcome.to_pylist(), segment.to_pylist(), strict=True))
    own, others = ([one != "Won" for one, where in cases if one != "Open" and (where == "Enterprise") is side]
                   for side in (True, False))  # fmt: skip
    assert row["cases"] == pytest.approx(len(own), abs=5)  # as of the last event, not of the export
    assert told(row, "numbers")["own_share"] == pytest.approx(np.mean(own), abs=0.002)
    assert told(row, "numbers")["others_share"] == pytest.approx(np.mean(others), abs=0.002)
    amounts = np.array(log.attribute("amount").values)[[where == "Enterprise" for _, where in cases]]
    assert 0 < row["money"] < amounts.sum() * (np.mean(own) - np.mean(others)) * 1.05
    assert row["sentence"].count("not proof") == 1
    found_values = {told(one, "names")["group"] for _, one in rows(found, "loss_driver")}
    assert truths["worst_lead_source"] not in found_values  # the weak source is told as such
    assert truths["best_lead_source"] not in found_values


def test_what_goes_with_slow_deals(large):
    log, truths, found = large
    driven = [told(row, "names") for _, row in rows(found, "slow_driver")]
    assert {"attribute": "region", "group": truths["slow_region"]} not in driven  # told as a slow group
    alone = findings(log, sources=[slow_drivers], most=60)
    first = max(rows(alone, "slow_driver"), key=lambda one: one[1]["days"])[1]
    assert told(first, "names") == {"attribute": "region", "group": truths["slow_region"]}
    assert "an association, not proof" in first["sentence"]
    figures = told(first, "numbers")
    assert first["days"] == pytest.approx(first["cases"] * (figures["own_days"] - figures["others_days"]))


PAIRS = {
    "en": "region “r0” and segment “a = b”", "de": "Region „r0“ und Segment „a = b“",
    "fr": "la région «\u00a0r0\u00a0» et le segment «\u00a0a = b\u00a0»",
    "it": "la regione «r0» e il segmento «a = b»", "ja": "地域が「r0」かつセグメントが「a = b」",
    "zh": "地区为“r0”且客户细分为“a = b”",
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_pair_goes_with_losses_where_neither_of_its_sides_does(language):
    dice, events = np.random.default_rng(3), []
    for deal in range(1_200):
        segment, region = deal % 2, deal // 2 % 2
        lost = dice.random() < (0.7 if segment == region else 0.2)
        case = {
            "case_id": f"{deal}",
            "segment": f"a = {'bc'[segment]}",
            "region": f"r{region}",
            "amount": 9.0,
        }
        for name, day in (("Created", 1), ("Closed Lost" if lost else "Closed Won", 20)):
            events.append({**case, "activity": f"Opportunity {name}", "timestamp": f"2024-01-{day:02}"})
    log = from_arrow(pa.Table.from_pylist(events))
    found = findings(log, sources=[loss_drivers], language=language)
    assert {(told(row, "names")["group"], told(row, "names")["group_2"])
            for _, row in rows(found, "loss_driver")} == {("r0", "a = b"), ("r1", "a = c")}  # fmt: skip
    place = next(place for place, said in enumerate(found.sentences) if PAIRS[language] in said)
    own = {row["case_id"] for row in events if (row["segment"], row["region"]) == ("a = b", "r0")}
    assert set(found.cases(place).to_pylist()) == own
    assert set(log.filter(from_json(found.table["filter"][place].as_py())).case_ids.to_pylist()) == own


def test_of_a_pair_whose_side_was_told_nothing_is_told(large):
    _, _, found = large
    for kind in ("loss_driver", "slow_driver"):
        groups = [set(told(row, "names").items()) for _, row in rows(found, kind)]
        assert groups
        assert all(len(group) == 2 for group in groups)


def test_no_two_findings_are_about_the_same(large):
    _, _, found = large
    table = found.table.to_pylist()
    told_of = Counter((row["basis"], row["kind"], str(row["names"])) for row in table)
    assert max(told_of.values()) == 1
    cases = defaultdict(list)
    for place, row in enumerate(table):
        cases[row["basis"], tuple(found.cases(place).to_pylist())].append(row["kind"])
    assert all(len(kinds) == 1 for kinds in cases.values())


def test_returns_by_hand():
    """Thirty cases go back from Offer to Demo, which they had reached ten days before."""
    start, events = datetime(2024, 1, 1, tzinfo=UTC), []
    for case in range(30):
        for day, stage in ((0, "Demo"), (4, "Offer"), (10, "Demo"), (12, "Offer"), (20, "Closed Won")):
            name = "Opportunity Closed Won" if stage == "Closed Won" else "Opportunity Stage Changed"
            events.append((f"{case:02}", name, start + day * DAY, stage, 365.0))
    columns = dict(zip(("case_id", "activity", "timestamp", "stage", "amount"), zip(*events, strict=True),
                       strict=True))  # fmt: skip
    found = findings(from_arrow(pa.table(columns)), sources=[stage_findings])
    (row,) = found.table.to_pylist()
    assert told(row, "names") == {"source": "Offer", "target": "Demo"}
    assert (row["cases"], row["days"], row["money"]) == (30, 300.0, pytest.approx(300 * 0.08))
    assert told(row, "numbers") == {"returns": 30.0, "lost_days": 10.0}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("amount", [True, False])
def test_sentences_of_every_kind(large, language, amount):
    log, _, _ = large
    kinds = set()
    if not amount:
        log = from_arrow(lead_to_cash(5_000, seed=3).events.drop_columns(["amount"]))
    found = findings(log, language=language, most=60)
    for row in found.table.to_pylist():
        kinds.add(row["kind"])
        assert not re.search(r"[{}]|nan|None|rule:|activity:|inf", row["sentence"])
        assert row["sentence"][-1] in ".。"
        assert all(np.isfinite(one["value"]) for one in row["numbers"])
    wanted = {"broken_rule", "late_customers", "late_group", "stage_returns", "funnel_drop", "loss_driver"}
    assert wanted - ({"late_group"} if not amount else set()) <= kinds


@pytest.mark.parametrize("language", LANGUAGES)
def test_association_is_said_without_money(language):
    log = from_arrow(lead_to_cash(5_000, seed=3).events.drop_columns(["amount"]))
    words = _words()["without_money"]["missed"][language]
    found = findings(log, language=language, most=60)
    missed = [row["sentence"] for row in found.table.to_pylist() if row["basis"] == "missed"]
    assert missed
    assert all(said.endswith(words) for said in missed)


def odd(events):
    """Return odd logs by name."""
    one = events.filter(pc.equal(events["case_id"], events["case_id"][0]))
    no_payment = pc.is_in(events["activity"], pa.array(["Payment Received"]))
    nulls = {name: pa.nulls(len(events), events[name].type) for name in ("region", "segment", "lead_source",
             "amount", "due_date", "account")}  # fmt: skip
    place = events.column_names.index
    empty = events
    for name, column in nulls.items():
        empty = empty.set_column(place(name), name, column)
    minus = events.set_column(place("amount"), "amount", pc.negate(events["amount"]))
    only = ["case_id", "activity", "timestamp"]
    return {
        "one case": one, "one event": one.slice(0, 1), "nothing paid": events.filter(pc.invert(no_payment)),
        "no amounts": events.drop_columns(["amount"]), "nothing known": empty, "negative": minus,
        "no attributes": events.select(only), "a stage for all": events.select(only).append_column(
            "stage", pa.array(["Open"] * len(events))),
        "few": events.slice(0, 200),
    }  # fmt: skip


EVENTS = lead_to_cash(400, seed=5).events


@pytest.mark.parametrize("name", list(odd(EVENTS)))
def test_odd_logs(name):
    log = from_arrow(odd(EVENTS)[name])
    for sources in (SOURCES, NEW):
        found = findings(log, most=60, sources=sources)
        assert not any(re.search(r"nan|None|inf\b", said) for said in found.sentences)
        assert found.to_json()
        for place in range(len(found)):
            assert len(found.cases(place)) > 0


def test_little_data_is_no_finding():
    log = from_arrow(EVENTS.slice(0, 300))
    few = (late_customers, late_groups, loss_drivers, slow_drivers, stage_findings)
    assert len(findings(log, sources=few, most=60)) == 0


def test_several_currencies(large):
    events = lead_to_cash(5_000, seed=3).events
    money = pc.if_else(pc.equal(events["region"], "Japan"), "JPY", "EUR")
    whole = findings(from_arrow(events), most=60, sources=NEW)
    parts = findings(from_arrow(events.append_column("currency", money)), most=60, sources=NEW)
    broken = [sum(row["cases"] for _, row in rows(one, "broken_rule")) for one in (whole, parts)]
    assert broken[0] == broken[1]
    assert set(parts.table["currency"].to_pylist()) == {"EUR", "JPY"}


def test_a_currency_in_which_nothing_was_paid():
    day = datetime(2024, 1, 10, tzinfo=UTC).date()
    log = from_arrow(pa.table({
        "case": ["1", "2", "2"], "activity": ["Invoice Generated"] * 2 + ["Payment Received"],
        "time": ["2024-01-01", "2024-01-01", "2024-03-01"], "amount": [100.0] * 3,
        "currency": ["EUR", "USD", "USD"], "due_date": [day] * 3,
    }))  # fmt: skip
    _, row = the(findings(log), "overdue_unpaid")
    assert (row["currency"], row["money"]) == ("EUR", 100.0)
    assert from_json(row["filter"]).mask(log).tolist() == [True, False]


def test_the_same_for_any_threads():
    log = from_arrow(lead_to_cash(2_000, seed=4).events)
    one, more = (findings(log, sources=NEW, threads=threads).to_json() for threads in (1, 3))
    assert one == more


ACTIVITIES = (
    "Lead Captured", "Opportunity Created", "Opportunity Stage Changed", "Quote Created", "Quote Accepted",
    "Quote/Proposal Issued", "Quote Revised", "Discount Approval Requested", "Discount Approved",
    "Contract Signed", "Opportunity Closed Won", "Opportunity Closed Lost", "Opportunity Reopened",
    "Sales Order Created", "Order Fulfilled/Service Delivered", "Invoice Generated",
    "Invoice Sent to Customer", "Payment Received",
)  # fmt: skip


def random_log(seed):
    """Return a log in which anything happens in any order, with odd values and nulls."""
    dice = np.random.default_rng(seed)
    cases = int(dice.choice([1, 2, 31, 90]))
    of_event = np.repeat(np.arange(cases), int(dice.choice([1, 4, 12])))
    times = (dice.integers(0, 200 * 86_400, len(of_event)) + 1_700_000_000) * 1_000_000
    columns = {"case_id": of_event.astype(str), "activity": dice.choice(ACTIVITIES, len(of_event)),
               "timestamp": pa.array(times, pa.timestamp("us", tz="UTC"))}  # fmt: skip
    dates = pa.array([19_700, 19_800, None], pa.int32()).cast(pa.date32())
    values = {
        "amount": pa.array([100.0, -5.0, 0.0, None, 1e9]), "currency": pa.array(["EUR", "JPY", None]),
        "segment": pa.array(["a", "b = c", None, ""]), "region": pa.array([1, 2, None]),
        "type": pa.array([True, False, None]), "account": pa.array([*map(str, range(40)), None]),
        "payment_terms_days": pa.array([0, 30, -5, None]), "due_date": dates,
        "discount_percent": pa.array([0.0, 25.0, 100.0, None]),
    }  # fmt: skip
    for name, each in values.items():
        if dice.random() < 0.6:
            columns[name] = each.take(pa.array(dice.integers(0, len(each), cases)[of_event]))
    if dice.random() < 0.6:
        columns["stage"] = dice.choice(["A", "B", "C", "Closed Won", "Closed Lost"], len(of_event))
    return from_arrow(pa.table(columns))


@pytest.mark.parametrize("seed", range(40))
def test_random_logs(seed):
    found = findings(random_log(seed), most=60, language=LANGUAGES[seed % 6])
    assert not any(re.search(r"\bnan\b|None|\binf\b", said) for said in found.sentences)
    assert found.to_json()
    chance = {"late_group", "loss_driver", "slow_driver", "loss_pattern", "slow_pattern"} & set(
        found.table["kind"].to_pylist()
    )
    assert not chance  # what is shuffled goes with nothing
