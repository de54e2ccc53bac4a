"""KPIs of small logs made by hand, where every figure is known."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deal_logs import DEALS, log_of, row
from dealtrace_engine.analyses.check_rules import check_rules
from dealtrace_engine.analyses.receivables import receivables
from dealtrace_engine.errors import ArgumentError, LogError, SchemaError
from dealtrace_engine.filters import where as w
from dealtrace_engine.lead_to_cash.kpi_registry import LANGUAGES, REGISTRY, chosen
from dealtrace_engine.lead_to_cash.kpis import kpis
from dealtrace_engine.models.rules import Rule, Rules
from dealtrace_engine.sources.canonical import canonical_activities
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash

REGION = {"a": "North", "b": "South", "c": "North", "e": "South"}
AMOUNT = {"a": 1000.0, "b": 500.0, "c": 200.5, "e": 300.0}


@pytest.fixture
def deals():
    return log_of(*DEALS, region=REGION, amount=AMOUNT)


@pytest.mark.parametrize(
    ("kpi", "value", "cases", "numerator", "open_"),
    [
        ("K1.w", 7.5, 4, 2, 1),  # 10 and 5 days; c is open, b is lost
        ("K2.s", 40.0, 3, 1, 0),
        ("K2.d", 38.0, 4, 1, 1),
        ("K3", 2 / 3, 3, 2, 0),
        ("K4.w", 1 / 3, 3, 1, 0),
        ("K4.p", 1 / 3, 3, 1, 0),
        ("K5", 3.0, 3, 2, 0),
        ("K7.t", 1.0, 4, 3, 0),  # 3, 1 and 1; e is lost
        ("K7.n", 1.0, 3, 3, 0),
        ("K9.d", 3.0, 3, 1, 1),
        ("K10", 1 / 3, 3, 1, 1),
        ("K15.s", 3.0, 2, 1, 0),  # e has the invoice before the fulfilment
        ("K16.s", 17.0, 2, 1, 0),
        ("K18.w", 1 / 3, 3, 1, 0),  # e was won, reopened and lost
        ("K18.l", 2 / 3, 3, 2, 0),
        ("K18.t", 8.0, 4, 2, 1),  # b 6, e 10
        ("K22.r", 0.25, 4, 1, 0),
        ("K22.n", 0.25, 4, 4, 0),
        ("K25.n", 0.25, 4, 1, 0),
        ("K27.n", 5.0, 5, 5, 0),
        ("K27.c", 1.0, 5, 5, 0),
    ],
)
def test_values(deals, kpi, value, cases, numerator, open_):
    found = row(kpis(deals, kpi), kpi)
    assert found["value"] == pytest.approx(value, rel=1e-12)
    assert (found["cases"], found["numerator"], found["open"]) == (cases, numerator, open_)


def test_money(deals):
    found = kpis(deals, value="amount", until=datetime(1970, 3, 1, tzinfo=UTC))
    assert row(found, "K18.a")["value"] == pytest.approx(1000 / 1800)
    assert row(found, "K25.p")["value"] == 200.5
    assert row(found, "K25.f")["value"] == pytest.approx(200.5 / 3)
    assert row(found, "K22.m")["value"] == 300.0
    assert row(found, "K16.d")["value"] == 365 * 300 / 1300  # e is lost; its invoice was not canceled
    assert row(found, "K19.v")["value"] == pytest.approx(1 * (1 / 3) * 1000 / 10)
    won = row(found, "K18.w")
    assert (won["amount"], won["amount_numerator"]) == (1800.0, 1000.0)
    assert row(found, "K25.p")["unit"] == "money"
    assert [finding.reason for finding in found.findings] == ["no amount in 'amount'"]


def test_figures_stay_in_their_range():
    events = [(str(n), "opportunity_created", 0) for n in range(4)] + [("3", "quote_revised", 1)] * 3
    ends = [("0", "opportunity_won", 5), ("1", "opportunity_lost", 5), ("2", "opportunity_lost", 5)]
    events += [(str(n), "quote_created", 1) for n in range(4)]
    log = log_of(*events, *ends, amount={"0": 10.0, "1": -5.0, "2": 30.0, "3": 1.0},
                 discount_percent={"0": 0.0, "1": 99.0, "2": 98.0, "3": 99.5})  # fmt: skip
    found = kpis(log, ["K18.a", "K22.n", "K23.a"], value="amount")
    won = row(found, "K18.a")
    assert (won["value"], won["cases"]) == (0.25, 2)
    assert won["note"] == "1 has a negative amount and is not counted"
    assert (row(found, "K22.n")["value"], row(found, "K22.n")["low"]) == (0.75, 0.0)
    discount = row(found, "K23.a")
    assert (discount["low"], discount["high"]) == (0.0, 100.0)


def test_notes_of_one_and_of_several():
    one = log_of(*DEALS, ("e", "quote_accepted", 36), ("e", "quote_created", 37))
    assert row(kpis(one, "K18.w"), "K18.w")["note"] == "1 open opportunity is not decided and not counted"
    assert "1 has the end before the start and no time" in row(kpis(one, "K9.d"), "K9.d")["note"]
    two = log_of(*DEALS, ("x", "opportunity_created", 1))
    assert row(kpis(two, "K18.w"), "K18.w")["note"] == "2 open opportunities are not decided and not counted"


def test_currencies_are_never_added():
    log = log_of(*DEALS, amount=AMOUNT, currency={"a": "EUR", "b": "EUR", "c": "USD", "e": "USD"})
    found = kpis(log, ["K25.p", "K18.a"], value="amount").table.to_pylist()
    figures = {(one["id"], one["currency"]): (one["value"], one["unit"]) for one in found}
    assert figures["K25.p", "USD"] == (200.5, "USD")
    assert figures["K18.a", "EUR"] == (pytest.approx(2 / 3), "share")
    assert figures["K25.p", None][0] is None


def test_by_group_and_period(deals):
    found = kpis(deals, "K18.w", by="region")
    assert found.table["region"].to_pylist() == ["North", "South", None]
    assert found.table["value"].to_pylist() == [1.0, 0.0, None]
    assert found.table["note"].to_pylist()[2] == "not enough data: there is none"
    assert found.cases(1).to_pylist() == ["b", "e"]
    assert found.cases(0, numerator=True).to_pylist() == ["a"]
    months = kpis(deals, "K18.w", period="month")
    assert months.table["period"].to_pylist() == ["1970-01", "1970-02"]
    assert months.table["value"].to_pylist() == [0.5, 0.0]
    assert months.table["note"].to_pylist()[1].startswith("1 open opportunity is")
    closed = kpis(deals, "K18.w", period="quarter", cohort="closed").table
    assert (closed["period"].to_pylist(), closed["cases"].to_pylist()) == (["1970-Q1"], [3])
    nothing_closed = kpis(deals.filter(w.case_id("c")), "K18.w", period="year", cohort="closed").table
    assert nothing_closed.select(["period", "value"]).to_pylist() == [{"period": None, "value": None}]


def test_where_and_rules(deals):
    rules = np.array([0, 2, 0, -1, 1])
    found = kpis(deals, "K20", rules=rules)
    assert row(found, "K20.r")["value"] == 0.5
    assert row(found, "K20.n")["value"] == 0.75
    south = kpis(deals, "K20", rules=rules, where=w.case("region") == "South")
    assert row(south, "K20.n")["value"] == 1.5
    assert row(kpis(deals, "K20", rules=rules == 0), "K20.r")["value"] == 0.4


def test_the_ready_pack_is_the_rules_by_default():
    log = from_arrow(lead_to_cash(300, seed=2).events)
    checked, found = check_rules(log), kpis(log, "K20")
    assert row(found, "K20.r")["value"] == checked.conformance_rate
    deviations = sum(checked.overall["violations"].to_pylist())
    assert row(found, "K20.n")["value"] == pytest.approx(deviations / log.cases)
    assert row(found, "K20.r")["note"] == "by the rules of the pack 'Lead to cash'"
    assert checked.deviations.sum() == len(checked.violations)
    by_check = kpis(log, "K20", rules=checked)
    assert row(by_check, "K20.n")["value"] == row(found, "K20.n")["value"]
    assert row(by_check, "K20.n")["note"] is None  # whose rules these are, the caller knows
    dach = w.case("region") == "DACH"
    rate = row(kpis(log, "K20", where=dach), "K20.r")["value"]
    assert rate == row(kpis(log, "K20", where=dach, rules=checked), "K20.r")["value"]
    pack = Rules((Rule("no-order", "absence", "sales_order_created"),))
    assert row(kpis(log, "K20", rules=pack), "K20.r")["value"] == check_rules(log, pack).conformance_rate


def test_rules_that_are_not_applicable_are_no_conformance(deals):
    nothing = Rules((Rule("no-visit", "absence", "a visit"),), name="Visits")
    told = row(kpis(deals, "K20", rules=nothing), "K20.r")
    assert told["value"] is None
    assert told["note"].startswith("no rule of the pack 'Visits' is applicable")


def test_late_payments():
    due = {"a": datetime(1970, 2, 5).date(), "e": datetime(1970, 1, 31).date(), "b": None}
    found = kpis(log_of(*DEALS, due_date=due), "K17")
    assert row(found, "K17.p")["value"] == 1.0  # paid on 10 February
    assert (row(found, "K17.o")["value"], row(found, "K17.o")["cases"]) == (0.5, 2)  # e has no payment
    assert "due_date" in row(kpis(log_of(*DEALS), "K17.p"), "K17.p")["note"]


INVOICES = (
    ("canceled", "invoice_generated", 0), ("canceled", "invoice_canceled", 4),
    ("reversed", "invoice_generated", 0), ("reversed", "payment_received", 19),
    ("reversed", "payment_reversed", 24), ("unsent", "opportunity_lost", 3),
    ("open", "invoice_generated", 0), ("open", "customer_contact", 60), ("paid", "invoice_generated", 0),
    ("paid", "payment_completed", 60), ("undated", "invoice_generated", 0),
    ("undated", "payment_received", 60),
)  # fmt: skip
DUE = dict.fromkeys(("canceled", "reversed", "unsent", "open", "paid"), 30)


@pytest.mark.parametrize(
    "columns",
    [
        {"due_date": {case: date(1970, 1, 1 + day) for case, day in DUE.items()}},
        {"due_date": {case: f"1970-01-{1 + day}" for case, day in DUE.items()}},
        {"payment_terms_days": DUE},
        {"due_date": {"x": None}, "payment_terms_days": DUE},
    ],
    ids=["dates", "texts", "terms", "no dates but terms"],
)
def test_invoices_are_late_overdue_and_owed_as_receivables_tell(columns):
    """Canceled invoices are not owed, reversed payments not made; a due date that is null is not known."""
    log = log_of(*INVOICES, amount={case: 10.0 for case, *_ in INVOICES}, **columns)
    found, told = kpis(log, ["K16.d", "K17"], value="amount"), receivables(log)
    late, overdue, owed = (found.table["id"].to_pylist().index(kpi) for kpi in ("K17.p", "K17.o", "K16.d"))
    assert found.table["cases"].take([late, overdue]).to_pylist() == [1, 3]
    assert found.cases(late, numerator=True).to_pylist() == told.cases(0, "late").to_pylist() == ["paid"]
    expected = ["reversed", "open"]
    assert (
        found.cases(overdue, numerator=True).to_pylist() == told.cases(0, "overdue").to_pylist() == expected
    )
    assert found.cases(owed, numerator=True).to_pylist() == told.cases(0, "open").to_pylist() == expected
    assert row(found, "K16.d")["value"] == 365 * 20 / 40


def test_targets_and_alerts(deals):
    found = kpis(
        deals, ["K18.w", "K1.w", "K7.n"], targets={"K18.w": 0.5, "K1.w": 8, "K7.n": 1},
        limits={"K18.w": (0.4, None), "K1.w": (None, 20)},
    )  # fmt: skip
    assert {one["id"]: one["met"] for one in found.table.to_pylist()} == {
        "K18.w": False, "K1.w": True, "K7.n": None,
    }  # fmt: skip
    (alert,) = found.alerts.to_pylist()
    assert alert | {"name": ""} == {
        "id": "K18.w", "name": "", "limit": "low", "bound": 0.4, "value": pytest.approx(1 / 3),
        "unit": "share", "period": None, "since": None,
    }  # fmt: skip


def test_an_alert_says_since_when():
    rates = [(1, 4), (3, 1), (1, 4), (1, 4)]
    events = [
        (f"{month}-{place}", activity, month * 31 + 5)
        for month, (won, lost) in enumerate(rates)
        for place in range(won + lost)
        for activity in ("opportunity_created", "opportunity_won" if place < won else "opportunity_lost")
    ]
    found = kpis(log_of(*events), "K18.w", period="month", limits={"K18.w": (0.5, 0.9)})
    (alert,) = found.alerts.to_pylist()
    assert (alert["since"], alert["period"], alert["value"]) == ("1970-03", "1970-04", 0.2)
    assert kpis(log_of(*events[:18]), "K18.w", limits={"K18.w": (0.1, 0.9)}).alerts.num_rows == 0


def test_stages_and_handovers():
    log = log_of(
        ("a", "opportunity_created", 0), ("a", "opportunity_stage_changed", 3),
        ("a", "opportunity_stage_changed", 4), ("a", "opportunity_won", 9), ("b", "opportunity_created", 2),
        stage=["New", "Offer", "Offer", "Won", "New"], department=["Sales", "Legal", "Sales", None, "Sales"],
    )  # fmt: skip
    found = kpis(log, ["K19.d", "K26"])
    dwell = row(found, "K19.d")
    assert (dwell["value"], dwell["cases"], dwell["numerator"], dwell["open"]) == (4.5, 3, 2, 1)
    assert (row(found, "K26.t")["value"], row(found, "K26.n")["value"]) == (2.0, 1.0)


def test_discounts_and_reps():
    events = [(str(n), a, n + d) for n in range(40) for d, a in enumerate(
        ("opportunity_created", "quote_created", "opportunity_won" if n % 4 else "opportunity_lost")
    )]  # fmt: skip
    log = log_of(
        *events, discount_percent={str(n): float(n) for n in range(40)},
        amount={str(n): 100.0 for n in range(40)}, sales_rep={str(n): "xy"[n % 2] for n in range(40)},
    )  # fmt: skip
    found = kpis(log, ["K23", "K24"], value="amount")
    assert row(found, "K23.a")["value"] == 19.5
    assert row(found, "K23.x")["value"] == 19 / 40
    lost = sum(100 * n / (100 - n) for n in range(40) if n % 4)
    assert row(found, "K23.m")["value"] == pytest.approx(lost, abs=0.01)
    assert row(found, "K24")["value"] == 0.25  # x has half, y all: 0.625 and 0.875
    assert "not computable" in row(found, "K23.p")["note"]


def test_nothing_to_tell():
    found = kpis(log_of(("1", "customer_contact", 0)))
    assert found.table.num_rows == len(REGISTRY)
    known = {one["id"] for one in found.table.to_pylist() if one["value"] is not None}
    assert known <= {"K27.n", "K27.c", "K26.n"}
    assert all(one["note"] for one in found.table.to_pylist() if one["value"] is None)
    assert row(found, "K1.s")["note"] == "the log has no activity 'Opportunity Created'"
    assert "not computable" in row(found, "K28")["note"]
    assert "NaN" not in found.to_json()


def test_a_filter_that_nothing_passes(deals):
    with pytest.raises(LogError, match="no case passes"):
        kpis(deals, where=w.case_id("z"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"ids": "K99"}, "no KPI 'K99'"),
        ({"ids": []}, "no KPI is asked for"),
        ({"period": "week"}, "no period 'week'"),
        ({"cohort": "paid"}, "no cohort 'paid'"),
        ({"language": "es"}, "no language 'es'"),
        ({"targets": {"K1.x": 1}}, "no KPI"),
        ({"targets": {"K1.s": float("nan")}}, "the target of K1.s is nan"),
        ({"limits": {"K1.s": (1,)}}, "the limit of K1.s"),
        ({"limits": {"K1.s": (3, 1)}}, "low 3 above high 1"),
        ({"until": "1970-01-05"}, "before the last event"),
        ({"until": "soon"}, "until is no instant: 'soon'"),
        ({"until": 5}, "until is no instant: 5"),
        ({"until": date(1970, 1, 5)}, "before the last event"),
        ({"ids": 5}, "ids: one name or several"),
        ({"ends": 5}, "ends are a mapping"),
        ({"targets": [0.5]}, "the targets are a mapping"),
        ({"limits": "x"}, "the limits are a mapping"),
        ({"language": None}, "no language None"),
        ({"rules": [1, 2]}, "rules has shape"),
    ],
)
def test_wrong_arguments(deals, wrong, said):
    with pytest.raises(ArgumentError, match=said):
        kpis(deals, **wrong)


def test_wrong_columns(deals):
    for wrong in ({"by": "territory"}, {"value": "region"}, {"value": "price"}, {"by": "activity"}):
        with pytest.raises(SchemaError):
            kpis(deals, "K18", **wrong)


def test_names_in_six_languages(deals):
    for language in LANGUAGES:
        assert len({kpi.label(language) for kpi in REGISTRY}) == len(REGISTRY)
        assert kpis(deals, "K18.w", language=language).table["name"][0].as_py() == chosen("K18.w")[0].label(
            language
        )
    ids = [kpi.id for kpi in REGISTRY]
    assert len(set(ids)) == len(ids)
    assert {kpi.partition(".")[0] for kpi in ids} == {f"K{n}" for n in range(1, 29)}


def test_activities_in_any_language(deals):
    german = canonical_activities(deals, show="de").log
    assert kpis(german).table.equals(kpis(deals).table)


def test_as_plain_values(deals):
    found = kpis(deals, ["K18"], by="region", targets={"K18.w": 0.5})
    answer = json.loads(found.to_json())
    assert answer["definition"] == "kpis 1"
    assert answer["log_fingerprint"] == deals.fingerprint
    assert answer["kpis"][0]["region"] == "North"
    assert found.definitions["id"].to_pylist() == ["K18.w", "K18.l", "K18.t", "K18.a"]
    again = pickle.loads(pickle.dumps(found))
    assert again.table.equals(found.table)
    assert again.cases(0).to_pylist() == found.cases(0).to_pylist()
    assert repr(found) == "Kpis: 12 rows of 4 KPIs, 5 with a value"


DECISIONS = ("opportunity_created", "opportunity_won", "opportunity_lost", "opportunity_reopened")


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(DECISIONS), st.integers(0, 9)), min_size=1),
    st.sampled_from([1, 3]),
)
def test_equal_to_a_plain_count(events, threads):
    cases = {}
    for case, activity, day in events:
        cases.setdefault(case, []).append((day, activity))
    times, begun, still, ends = [], 0, 0, []
    for own in cases.values():
        own.sort(key=lambda event: event[0])  # stable: ties as in the source
        state = [activity for _, activity in own if activity != "opportunity_created"]
        ends.append(state[-1] if state else "opportunity_reopened")
        first = {activity: day for day, activity in reversed(own)}
        if "opportunity_created" in first:
            begun += 1
            if "opportunity_won" not in first:
                still += ends[-1] == "opportunity_reopened"
            elif first["opportunity_won"] >= first["opportunity_created"]:
                times.append(first["opportunity_won"] - first["opportunity_created"])
    found = kpis(log_of(*events), ["K1.w", "K18.w"], threads=threads)
    cycle, rate = row(found, "K1.w"), row(found, "K18.w")
    if cycle["note"] is None or "no activity" not in cycle["note"]:
        assert (cycle["cases"], cycle["numerator"], cycle["open"]) == (begun, len(times), still)
        assert cycle["value"] == (float(np.median(times)) if times else None)
    won, lost = ends.count("opportunity_won"), ends.count("opportunity_lost")
    assert rate["value"] == (won / (won + lost) if won + lost else None)
