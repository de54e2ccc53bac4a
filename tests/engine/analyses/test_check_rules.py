"""Rules on logs: by hand, the planted truths of the generator, groups, money, exceptions, bad input."""

from __future__ import annotations

import json
from datetime import date
from functools import lru_cache

import pytest

import dealtrace as dt
from dealtrace_engine.analyses.check_rules import check_rules
from dealtrace_engine.calendar import Calendars, WorkingCalendar
from dealtrace_engine.errors import ArgumentError, ModelError, SchemaError
from dealtrace_engine.filters import where as w
from dealtrace_engine.lead_to_cash.rule_pack import lead_to_cash_rules
from dealtrace_engine.models.rule_file import read_rules
from dealtrace_engine.models.rules import Rule, Rules
from dealtrace_engine.sources.memory import from_arrow
from rule_logs import rows, small

pytestmark = pytest.mark.kernels
TRUTHS = {
    "won-without-quote": "won_without_quote", "won-without-contract": "won_without_contract",
    "self-approval": "self_approvals", "discount-without-approval": "unapproved_discounts",
    "fulfilled-before-contract": "fulfilled_before_contract",
    "invoice-before-fulfilment": "invoiced_before_fulfilment", "redelivered": "redelivered",
    "rebilled": "rebilled", "order-canceled": "canceled_orders", "paid-late": "late_payments",
    "payment-overdue": "overdue_unpaid", "owner-changed": "owner_changes", "opportunity-reopened": "reopened",
}  # fmt: skip


@lru_cache(maxsize=3)
def planted(language="en"):
    made = dt.lead_to_cash(1500, seed=5, language=language)
    return from_arrow(made.events), made.truths


@pytest.mark.parametrize(
    ("steps", "status", "either"),
    [
        ({"a": [None], "b": ["x", "y"]}, "violated", "violated"),  # two people, whoever did a
        ({"a": ["x", "y"], "b": [None]}, "violated", "violated"),
        ({"a": [None], "b": ["x", "x"]}, "no case", "conforming"),
        ({"a": ["x", "y"]}, "no case", "violated"),  # without b, nothing is asked of both
        ({"a": ["x", None], "b": ["x"]}, "conforming", "conforming"),
    ],
)
def test_people_who_are_not_known(steps, status, either):
    events = [("1", activity, 1) for activity, people in steps.items() for _ in people]
    events += [("2", "b", 1), ("3", "a", 1)]
    log = small(events, resource=[one for people in steps.values() for one in people] + ["x", "x"])
    pack = Rules((Rule("same", "same_person", "a", "b"), Rule("either", "same_person", ("a", "b"))))
    told = {name: row["status"] for name, row in rows(check_rules(log, pack)).items()}
    assert told == {"same": status, "either": either}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_planted_truths(language):
    log, truths = planted(language)
    found = check_rules(log, as_of="2026-01-01")
    told = rows(found)
    assert {rule: told[rule]["violating_cases"] for rule in TRUTHS} == {
        rule: truths[name] for rule, name in TRUTHS.items()
    }
    assert told["won-without-quote"]["applicable_cases"] == truths["won"]
    assert told["discount-without-approval"]["applicable_cases"] == truths["discounts_above_limit"]
    assert told["paid-late"]["applicable_cases"] == truths["paid"]
    assert told["amount-reduced"]["status"] == "not applicable"
    assert "amount_delta" in told["amount-reduced"]["reason"]
    assert told["several-owner-changes"]["status"] == "conforming"


def test_a_discount_needs_an_approval_before_acceptance_and_before_the_close():
    approved, accepted, won = "discount_approval_approved", "quote_accepted", "opportunity_won"
    log = small(
        [(case, activity, day) for case, steps in {
            "no quote": (won,), "too late": (accepted, approved, won), "never": (accepted, won),
            "fine": (approved, accepted, won), "approved close": (approved, won), "open": ("quote_created",),
        }.items() for day, activity in enumerate(steps, 1)], discount_percent=[30] * 12,
    )  # fmt: skip
    found = check_rules(log, lead_to_cash_rules().only("discount-without-approval"))
    assert found.cases(0).to_pylist() == ["no quote", "too late", "never"]
    told = rows(found)["discount-without-approval"]
    assert (told["applicable_cases"], told["violating_cases"], told["violations"]) == (5, 3, 4)


def test_rows_are_ranked_and_name_their_cases():
    log, _ = planted()
    for rank, column in (("cases", "violating_cases"), ("days", "days_lost"), ("value", "value_at_stake")):
        found = check_rules(log, value="amount", rank=rank)
        told = found.table.to_pylist()
        figures = [row[column] or 0 for row in told if row["status"] != "not applicable"]
        assert figures == sorted(figures, reverse=True)
        assert told[0][f"rank_{rank}"] == 1
    violations = found.violations.to_pylist()
    amounts = dict(zip(log.case_ids.to_pylist(), log.attribute("amount").values.to_pylist(), strict=True))
    for place, row in enumerate(told):
        own = {v["case_id"] for v in violations if v["rule"] == row["rule"]}
        assert set(found.cases(place).to_pylist()) == own
        if row["status"] == "violated":
            assert row["violating_cases"] == len(own)
            assert row["violations"] == sum(v["rule"] == row["rule"] for v in violations)
            assert row["value_at_stake"] == pytest.approx(sum(amounts[case] for case in own), abs=0.01)
            assert row["adherence"] == pytest.approx(1 - len(own) / row["applicable_cases"])
    broken = {v["case_id"] for v in violations}
    assert found.conformance_rate == pytest.approx(1 - len(broken) / log.cases)
    with pytest.raises(ArgumentError, match="no row"):
        found.cases(len(told))


def test_the_same_bits_for_any_number_of_threads(monkeypatch):
    log, _ = planted()
    one = check_rules(log, threads=1, by="region", value="amount")
    monkeypatch.setattr("dealtrace_engine.parallel.EVENTS_PER_BLOCK", 500)
    other = check_rules(log, threads=3, by="region", value="amount")
    assert one.table.equals(other.table)
    assert one.violations.equals(other.violations)
    assert one.overall.equals(other.overall)


def test_groups_add_up():
    log, _ = planted()
    whole, parts = check_rules(log), check_rules(log, by=["region", "segment"])
    told = rows(whole)
    for rule, row in told.items():
        own = [part for part in parts.table.to_pylist() if part["rule"] == rule]
        for column in ("applicable_cases", "violating_cases", "violations"):
            assert sum(part[column] or 0 for part in own) == (row[column] or 0)
    assert sum(parts.overall["cases"].to_pylist()) == log.cases
    assert parts.conformance_rate == whole.conformance_rate
    north = check_rules(log, where=w.case("region") == "Nordics")
    (own,) = (row for row in check_rules(log, by="region").overall.to_pylist() if row["region"] == "Nordics")
    assert north.overall.to_pylist()[0]["conforming_cases"] == own["conforming_cases"]


def test_limits_of_time_wait_until_they_are_over():
    log = small([("1", "ask", 1), ("1", "answer", 6), ("2", "ask", 9), ("3", "ask", 2), ("3", "end", 10)])
    pack = Rules((Rule("slow", "response", "ask", "answer", at_most="3d"),))
    found = check_rules(log, pack)
    assert [(v["case_id"], v["days_late"], v["other_activity"]) for v in found.violations.to_pylist()] == [
        ("1", 2.0, "answer"), ("3", 5.0, None),
    ]  # fmt: skip
    assert rows(found)["slow"]["days_lost"] == 7.0
    assert rows(check_rules(log, pack, as_of=date(2024, 1, 13)))["slow"]["violating_cases"] == 3


def test_limits_by_a_calendar():
    log = small(
        [("1", "ask", 4), ("1", "answer", 9), ("2", "ask", 9), ("3", "ask", 2), ("3", "pay", 12)],
        zone=["x", "x", "x", "y", "y"], due=[None, None, None, *[date(2024, 1, 6)] * 2],
    )  # fmt: skip
    pack = Rules((
        Rule("slow", "response", "ask", "answer", at_most="24h"),
        Rule("hasty", "response", "ask", "answer", at_least="32h"),
        Rule("late", "on_time", "pay", attribute="due"),
        Rule("open", "not_overdue", "answer", attribute="due"), Rule("paid", "existence", "pay"),
    ))  # fmt: skip
    office = WorkingCalendar("UTC", {"mon-fri": "09:00-17:00"}, holidays=["2024-01-09"])
    plain, found = check_rules(log, pack), check_rules(log, pack, calendar=office)
    told, clock = rows(found), rows(plain)
    assert clock["slow"]["violating_cases"] == 2 + (12 - 9 > 1)
    assert [(v["case_id"], v["days_late"]) for v in found.violations.to_pylist() if v["rule"] == "slow"] == [
        ("3", (7 * 8 - 24) / 24),
    ]  # fmt: skip
    assert (clock["hasty"]["violating_cases"], told["hasty"]["violating_cases"]) == (2, 3)
    for rule in ("late", "open", "paid"):
        names = ("applicable_cases", "violating_cases", "violations", "days_lost")
        assert [told[rule][name] for name in names] == [clock[rule][name] for name in names]  # by the clock
    later = check_rules(log, pack, calendar=office, as_of=date(2024, 1, 15))  # two more days of work: 16 h
    assert rows(later)["slow"]["violating_cases"] == 1
    assert (
        rows(check_rules(log, pack, calendar=office, as_of=date(2024, 1, 17)))["slow"]["violating_cases"] == 2
    )
    always = WorkingCalendar("UTC", {"mon-sun": "00:00-24:00"})
    both = Calendars({"x": always}, by="zone", default=office)
    assert check_rules(log, pack, calendar=always, threads=3).to_json() == plain.to_json()
    assert rows(check_rules(log, pack, calendar=both))["slow"]["violating_cases"] == 3
    with pytest.raises(ArgumentError, match="no calendar"):
        check_rules(log, pack, calendar=Calendars({"x": always}, by="zone"))


PACK = """
format = 1
[calendar]
zone = "UTC"
hours = { mon-fri = "09:00-17:00" }
holidays = [2024-01-09]
[[rules]]
id = "work"
template = "response"
activity = "ask"
other = "answer"
at_most = "24h"
working_time = true
[[rules]]
id = "clock"
template = "response"
activity = "ask"
other = "answer"
at_most = "24h"
working_time = false
[[rules]]
id = "either"
template = "response"
activity = "ask"
other = "answer"
at_most = "24h"
[[rules]]
id = "late"
template = "on_time"
activity = "answer"
attribute = "due"
"""


def test_rules_that_say_whether_they_are_of_working_time():
    log = small([("1", "ask", 4), ("1", "answer", 9), ("2", "ask", 2), ("2", "pay", 12)],
                due=[date(2024, 1, 5)] * 2 + [None] * 2)  # fmt: skip
    pack = read_rules(PACK)
    broken = {name: one["violating_cases"] for name, one in rows(check_rules(log, pack)).items()}
    assert broken == {"work": 1, "clock": 2, "either": 2, "late": 1}  # 1 waits 24 hours of work
    always = WorkingCalendar("UTC", {"mon-sun": "00:00-24:00"})
    broken = {n: one["violating_cases"] for n, one in rows(check_rules(log, pack, calendar=always)).items()}
    assert broken == {"work": 2, "clock": 2, "either": 2, "late": 1}
    short = WorkingCalendar("UTC", {"mon-fri": "09:00-10:00"})
    broken = {n: one["violating_cases"] for n, one in rows(check_rules(log, pack, calendar=short)).items()}
    assert broken == {"work": 0, "clock": 2, "either": 0, "late": 1}
    assert pack.only("work").calendar is pack.calendar
    with pytest.raises(ArgumentError, match="rule 'work' asks for working time"):
        check_rules(log, Rules(pack.only("work").rules))


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ('zone = "UTC"', 'zone = "UTX"', 4, "calendar, key 'zone': there is no such time zone"),
        ("mon-fri =", "mon-fry =", 5, "calendar, key 'hours': there is no weekday 'fry'"),
        ("[2024-01-09]", '["soon"]', 6, "calendar, key 'holidays'"),
        ("holidays", "holydays", 6, "there is no such key; nearest: 'holidays'"),
        ("[2024-01-09]", "3", 6, "calendar, key 'holidays': holidays are several days"),
        ('zone = "UTC"', "", None, "calendar is a table with a zone"),
        ("working_time = true", "working_time = 1", 13, "rule 'work', key 'working_time'"),
        (
            'at_most = "24h"\nworking_time = true',
            "working_time = true",
            12,
            "working_time is for limits of time",
        ),
    ],
)
def test_calendars_of_packs_that_cannot_be(old, new, line, what):
    with pytest.raises(ModelError, match=what) as error:
        read_rules(PACK.replace(old, new, 1))
    assert error.value.line == line


def test_currencies_are_not_added():
    log = small(
        [("1", "won", 1), ("2", "won", 2), ("3", "won", 3), ("4", "quote", 1), ("5", "won", 1),
         ("6", "won", 1), ("7", "won", 1), ("8", "quote", 1)],
        amount=[10.0, 20.5, None, 1.0, -7.0, None, -1.0, None],
        currency=["EUR", "USD", "EUR", "EUR", "EUR", "CHF", "CHF", "JPY"],
    )  # fmt: skip
    found = check_rules(log, Rules((Rule("q", "existence", "quote"),)), value="amount")
    told = {
        row["currency"]: (row["violating_cases"], row["value_at_stake"]) for row in found.table.to_pylist()
    }
    assert told == {"EUR": (3, 10.0), "USD": (1, 20.5), "CHF": (2, None), "JPY": (0, 0.0)}
    assert [finding.count for finding in found.findings] == [3, 2]


def test_conditions_on_events_and_numbers_and_steps():
    log = small(
        [("1", "quote", 1), ("1", "quote", 2), ("2", "quote", 1), ("2", "ok", 2), ("2", "quote", 3)],
        percent=[25, 30, 10, None, 5], stage=["A", "C", "A", None, "B"], who=["x", "y", "x", "x", None],
    )  # fmt: skip
    high = {"op": "event", "column": "percent", "operator": ">", "value": 20}
    pack = Rules((
        Rule("approved", "precedence", "ok", "quote", when=high),
        Rule("falls", "never_falls", attribute="percent"),
        Rule("skip", "no_skip", attribute="stage", order=("A", "B", "Z", "C")),
        Rule("same", "same_person", "quote", attribute="who"),
        Rule("terms", "condition", must="percent <= 20"),
        Rule("steps", "no_skip", order=("ok", "other")),
    ))  # fmt: skip
    found = check_rules(log, pack)
    told = rows(found)
    assert told["approved"]["violations"] == 2
    assert told["approved"]["applicable_cases"] == 1
    assert [told[rule]["violating_cases"] for rule in ("falls", "skip", "same")] == [1, 1, 1]
    assert told["same"]["applicable_cases"] == 2
    assert "varies within cases" in told["terms"]["reason"]
    assert "fewer than two steps" in told["steps"]["reason"]


def test_what_the_log_lacks_is_not_applicable():
    log = small([("1", "won", 1), ("2", "won", 2)])
    pack = Rules((
        Rule("a", "four_eyes", "won", "lost"), Rule("b", "four_eyes", "won", "won2"),
        Rule("c", "same_person", "won"), Rule("d", "on_time", "won", attribute="due"),
        Rule("e", "absence", "won", when="region == 'x'"),
    ))  # fmt: skip
    found = check_rules(log, pack)
    assert set(found.table["status"].to_pylist()) == {"not applicable"}
    assert found.conformance_rate is None
    assert found.overall["conformance_rate"].to_pylist() == [None]
    assert "none applicable" in repr(found)
    assert not found.violated
    assert check_rules(log, where=w.case_id("1")).overall["cases"].to_pylist() == [1]


def test_accents_are_compared_however_they_are_encoded():
    composed, apart = "Devis créé", "Devis cre\u0301e\u0301"
    for own, other in ((composed, apart), (apart, composed)):
        log = small([("1", own, 1), ("1", "b", 2), ("2", "b", 1)])
        pack = Rules((
            Rule("q", "existence", other), Rule("s", "no_skip", order=(other, "b")),
        ))  # fmt: skip
        assert [rows(check_rules(log, pack))[name]["violating_cases"] for name in "qs"] == [1, 0]
    with pytest.raises(ModelError, match="contradict"):
        Rules((Rule("a", "existence", "é"), Rule("b", "absence", "e\u0301")))


def test_what_a_filter_left_out_is_known():
    log = small([("1", "won", 1), ("2", "won", 2), ("2", "quote", 3)])
    pack = Rules((Rule("q", "existence", "quote"),))
    assert rows(check_rules(log, pack, where=w.case_id("1")))["q"]["violating_cases"] == 1


def test_json_and_words():
    log, _ = planted()
    found = check_rules(log, by="region", language="de")
    answer = json.loads(found.to_json())
    assert answer["definition"] == "check_rules 1"
    assert answer["rules"][0]["rule"] == "first-response-late"
    assert answer["rules"][0]["name"].startswith("Keine Reaktion")
    assert answer["pack"] == "Lead to cash"
    assert "conform" in repr(found)
    assert found.to_arrow() is found.table


def test_bad_arguments():
    log = small([("1", "won", 1)])
    with pytest.raises(ArgumentError, match="rank"):
        check_rules(log, rank="money")
    with pytest.raises(ArgumentError, match="language"):
        check_rules(log, language="xx")
    with pytest.raises(SchemaError, match="no column"):
        check_rules(log, by="regoin")
    with pytest.raises(SchemaError):
        check_rules(log, value="activity")
    for rules in (3, b"x", [], {}, Rule("a", "absence", "x")):
        with pytest.raises(ArgumentError, match="the rule pack is a path or a text, not"):
            check_rules(log, rules)
    for id_ in ("none", 3):
        with pytest.raises(ModelError, match="no rule"):
            lead_to_cash_rules().only(id_)
    assert len(lead_to_cash_rules().only("paid-late")) == 1


def test_ends_falls_and_people_of_one_step_only():
    events = [("1", "a", 1), ("1", "b", 2), ("1", "b", 3), ("2", "b", 1), ("2", "a", 2), ("3", "b", 1)]
    log = small(events, percent=[9.0, 5.0, 3.0, 4.0, 1.0, 2.0], resource=["x", "y", "x", "x", "y", "x"])
    rules = Rules((
        Rule("begin", "init", "a"), Rule("end", "end", "b"),
        Rule("falls", "never_falls", "b", attribute="percent"),
        Rule("same", "same_person", "a", "b", attribute="resource"),
    ))  # fmt: skip
    found = check_rules(log, rules)
    broken = {
        row["rule"]: found.cases(place).to_pylist() for place, row in enumerate(found.table.to_pylist())
    }
    assert broken == {"begin": ["2", "3"], "end": ["2"], "falls": ["1"], "same": ["1", "2"]}
