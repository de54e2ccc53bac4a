"""The funnel: by hand, against the plain twin, against the generator's truths and an independent query."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from datetime import UTC, datetime
from unittest import mock

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine import parallel
from dealtrace_engine.analyses.funnel import OWN, funnel
from dealtrace_engine.analyses.funnel_steps import LEAD_TO_CASH
from dealtrace_engine.analyses.milestones import Milestone
from dealtrace_engine.calendar import WorkingCalendar
from dealtrace_engine.coverage import Coverage
from dealtrace_engine.errors import ArgumentError, LogError, SchemaError
from dealtrace_engine.filters import where as w
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash
from naive import funnel as naive

DAY = 86_400.0


def log_of(*rows, **more):
    """A log of (case, activity, day of January 2024) rows."""
    case, activity, day = zip(*rows, strict=True)
    start = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 10**6)
    times = pa.array([start + d * 86_400 * 10**6 for d in day], pa.timestamp("us", "UTC"))
    columns = {"case_id": case, "activity": activity, "timestamp": times}
    return from_arrow(pa.table(columns | {name: pa.array(values) for name, values in more.items()}))


BY_HAND = (
    ("1", "a", 0), ("1", "b", 2), ("1", "b", 3), ("1", "c", 4),
    ("2", "a", 0), ("2", "c", 3), ("2", "b", 5),  # the other way round
    ("3", "a", 1), ("3", "b", 2), ("3", "Opportunity Closed Lost", 3),
    ("4", "a", 1), ("4", "Opportunity Closed Lost", 2), ("4", "b", 9),  # lost, but it went on
    ("5", "b", 4), ("5", "c", 5),  # not from the first step
    ("6", "a", 9),
    ("7", "a", 3), ("7", "c", 5),  # passed over
    ("8", "x", 3),
)  # fmt: skip
AMOUNTS = {str(n): 10.0 * 2**n for n in range(1, 9)}


def by_hand(steps=("a", "b", "c"), **arguments):
    cases = [row[0] for row in BY_HAND]
    log = log_of(
        *BY_HAND, amount=[AMOUNTS[case] for case in cases],
        currency=["EUR" if case != "3" else "USD" for case in cases],
        source=["x" if case in "135" else "y" for case in cases],
    )  # fmt: skip
    return funnel(log, steps, **arguments)


def columns(result, *names):
    return [result.table[name].to_pylist() for name in names]


def test_figures_by_hand():
    found = by_hand()
    assert columns(found, "cases", "converted", "direct", "passed_over", "lost", "open") == [
        [6, 5, 4], [0, 4, 3], [0, 1, 1], [1, 0, 0], [0, 1, 0], [1, 1, 0],
    ]  # fmt: skip
    assert columns(found, "repeated", "occurrences", "out_of_order") == [[0, 1, 0], [6, 6, 4], [0, 0, 1]]
    assert columns(found, "conversion", "decided") == [[None, 4 / 6, 3 / 5], [None, 4 / 5, 3 / 4]]
    assert columns(found, "from_first", "drop_off") == [[None, 4 / 6, 3 / 6], [0.0, 1 / 5, 0.0]]
    assert columns(found, "p50_s", "mean_s")[0] == [None, 3.5 * DAY, 1.5 * DAY]  # 2, 5, 1, 8; 2, 1
    assert found.notes == ["1 cases reach no step"]
    assert found.cases(1).to_pylist() == ["1", "2", "3", "4", "5"]
    assert (found.dropped(1).to_pylist(), found.open_cases(1).to_pylist()) == (["3"], ["4"])
    assert found.open_cases(0).to_pylist() == ["6"]
    with pytest.raises(ArgumentError, match="there is no row"):
        found.dropped(3)
    assert repr(found) == "Funnel: a > b > c"


def test_strict_by_hand():
    found = by_hand(strict=True)
    assert columns(found, "cases", "converted", "direct", "passed_over", "lost", "open") == [
        [6, 4, 1], [0, 4, 1], [0, 0, 0], [0, 0, 0], [0, 1, 0], [2, 2, 0],
    ]  # fmt: skip
    assert found.cases(2).to_pylist() == ["1"]
    assert found.notes == ["2 cases reach no step"]
    assert repr(found).endswith(", strict")
    with pytest.raises(ArgumentError, match="first occurrence after the step before"):
        by_hand(["a", Milestone(("b",), "last")], strict=True)


def test_intervals_equal_to_scipy():
    from scipy.stats import binomtest

    for confidence in (0.95, 0.5):
        found = by_hand(confidence=confidence)
        for row, before in zip(found.table.to_pylist()[1:], [6, 5], strict=True):
            expected = binomtest(row["converted"], before).proportion_ci(confidence, "wilson")
            assert (row["conversion_low"], row["conversion_high"]) == pytest.approx(tuple(expected))


def test_groups_and_money():
    found = by_hand(by="source", value="amount")
    assert found.groups.to_pylist()[0] | {"decided_low": 0} == {
        "rank": 1, "source": "y", "cases": 4, "completed": 2, "lost": 0, "open": 2, "conversion": 0.5,
        "conversion_low": pytest.approx(0.15003899), "conversion_high": pytest.approx(0.84996101),
        "decided": 1.0, "decided_low": 0, "decided_high": 1.0,
    }  # fmt: skip
    assert found.groups["decided"].to_pylist() == [1.0, 0.5]
    assert found.table["source"].to_pylist() == ["x"] * 3 + ["y"] * 3
    assert found.table["cases"].to_pylist() == [2, 3, 2, 4, 2, 2]
    assert found.dropped(1).to_pylist() == ["3"]
    money = {(row["step"], row["currency"]): row for row in by_hand(value="amount").values.to_pylist()}
    assert (money["b", "EUR"]["cases"], money["b", "EUR"]["value"]) == (4, 20.0 + 40 + 160 + 320)
    assert (money["b", "USD"]["lost"], money["b", "USD"]["value_lost"]) == (1, 80.0)
    assert (money["b", "EUR"]["open"], money["b", "EUR"]["value_open"]) == (1, 160.0)
    assert by_hand().values is None
    content = json.loads(found.to_json())
    assert (content["definition"], len(content["funnel"]), len(content["groups"])) == ("funnel 1", 6, 2)


def test_no_attribute_can_hide_a_column():
    found = by_hand(value="amount")
    for table in (found.table, found.groups, found.values):
        assert set(table.column_names) <= set(OWN)
    again = pickle.loads(pickle.dumps(found))
    assert (again.to_json(), again.dropped(1)) == (found.to_json(), found.dropped(1))


def test_groups_tell_what_all_cases_tell():
    whole, parts = by_hand().to_polars(), by_hand(by="source").to_polars()
    counts = ["cases", "repeated", "occurrences", "converted", "direct", "passed_over", "lost", "open",
              "out_of_order"]  # fmt: skip
    summed = parts.group_by("place", maintain_order=True).agg(pl.col(counts).sum()).sort("place")
    assert summed.select(counts).equals(whole.select(counts))


def test_where_until_and_lost():
    assert by_hand(where=w.case("source") == "x").table["cases"].to_pylist() == [2, 3, 2]
    early = by_hand(until="2024-01-04T12:00")
    assert early.table["cases"].to_pylist() == [5, 2, 1]
    assert (early.table["lost"].to_pylist(), early.until.day) == ([1, 1, 0], 4)  # case 4 is still lost
    told = by_hand(lost=["x"])
    assert by_hand(lost="x").table == told.table
    for wrong in ("soon", "2023-01-01"):
        with pytest.raises(ArgumentError, match=r"no instant|before the first event"):
            by_hand(until=wrong)
    assert (told.table["lost"].to_pylist(), told.table["open"].to_pylist()) == ([0, 0, 0], [1, 2, 0])
    nothing = funnel(log_of(("1", "a", 0), ("1", "b", 1)), ["a", "b"])
    assert nothing.notes == [
        "no activity says that a case is lost: those that did not go on count as open"
    ]  # fmt: skip


def test_working_time():
    """2024-01-01 is a Monday: eight hours a day until Friday."""
    found = by_hand(calendar=WorkingCalendar("UTC"))
    assert found.table["mean_s"].to_pylist()[1] == (2 + 5 + 1 + 6) * 8 * 3600 / 4
    assert found.table["out_of_order"].to_pylist() == [0, 0, 1]


def test_steps_in_every_form():
    for steps in (["a", ["b", "c"]], {"a": "a", "b | c": Milestone(("b", "c"))}):
        found = by_hand(steps)
        assert (found.steps, found.table["cases"].to_pylist()) == (("a", "b | c"), [6, 6])
    last = by_hand({"a": "a", "b": Milestone(("b",), "last")})
    assert last.table["p50_s"].to_pylist()[1] == 4.0 * DAY  # 3, 5, 1, 8


def test_the_ready_funnel_leaves_out_what_the_log_does_not_have():
    found = funnel(log_of(("1", "Angebot angenommen", 0), ("1", "Zahlung erhalten", 3)))
    assert found.steps == ("quote_accepted", "payment_received")
    assert found.notes[0].startswith("the log has no lead_captured, lead_qualified, ")


CASES = st.lists(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), min_size=1, max_size=8), min_size=1, max_size=6
)
NAMES = ("a", "b", "c", "Opportunity Closed Lost", "Opportunity Reopened")


@given(CASES, st.booleans(), st.sampled_from([1, 2, 5]))
def test_equal_to_the_twin_for_any_threads(cases, strict, threads):
    cases = [[(n, 0) for n in range(5)], *(sorted(case, key=lambda e: e[1]) for case in cases)]
    log = log_of(*((f"{k}", NAMES[a], t) for k, case in enumerate(cases) for a, t in case),
                 half=[f"{k % 2}" for k, case in enumerate(cases) for _ in case])  # fmt: skip
    with mock.patch.object(parallel, "EVENTS_PER_BLOCK", 3):
        result = funnel(log, ["a", "b", "c"], strict=strict, threads=threads, by="half")
    assert result.to_json() == funnel(log, ["a", "b", "c"], strict=strict, threads=1, by="half").to_json()
    outcomes = {3: 1, 4: -1}
    told = [naive.funnel_steps(case, [{0}, {1}, {2}], [False] * 3, outcomes, 99, strict) for case in cases]
    for number, row in enumerate(result.table.to_pylist()):
        step = row["place"] - 1
        own = [k for k in range(len(cases)) if f"{k % 2}" == row["half"]]
        at = {k: [t is not None for t in told[k][0]] for k in own}
        here = [k for k in own if at[k][step]]
        furthest = [k for k in here if not any(at[k][step + 1 :])]
        lost = [k for k in furthest if told[k][2] is not None]
        assert (row["cases"], row["lost"]) == (len(here), len(lost))
        assert row["open"] == (len(furthest) - len(lost) if step < 2 else 0)
        assert row["occurrences"] == sum(told[k][1][step] for k in own)
        assert result.dropped(number).to_pylist() == [f"{k}" for k in lost]
        if step:
            both = [k for k in here if at[k][step - 1]]
            assert row["converted"] == len(both)
            gaps = [told[k][0][step] - told[k][0][step - 1] for k in both]
            assert row["out_of_order"] == sum(gap < 0 for gap in gaps)
            gaps = [gap for gap in gaps if gap >= 0]
            assert row["mean_s"] == (pytest.approx(sum(gaps) / len(gaps) * DAY) if gaps else None)
        onwards = result.table.to_pylist()[number + 1]["converted"] if step < 2 else 0
        rest = onwards + row["passed_over"] + row["lost"] + row["open"]
        assert row["cases"] == rest or step == 2


def test_the_truths_of_the_generator():
    made = lead_to_cash(800, seed=3)
    found = funnel(from_arrow(made.events), value="amount")
    truths = made.truths
    assert (found.steps, found.notes) == (LEAD_TO_CASH, [])
    by_step = {row["step"]: row for row in found.table.to_pylist()}
    assert sum(row["lost"] for row in by_step.values()) == truths["lost"] + truths["disqualified"]
    assert by_step["opportunity_created"]["cases"] == truths["opportunities"]
    assert by_step["payment_received"]["cases"] == truths["paid"]
    assert by_step["order_fulfilled"]["repeated"] == truths["redelivered"]
    assert by_step["contract_signed"]["lost"] == 0


def test_the_best_and_the_worst_lead_source_are_found():
    made = lead_to_cash(2000, seed=1)
    groups = pl.DataFrame(funnel(from_arrow(made.events), by="lead_source").groups)
    sources = groups["lead_source"].to_list()
    assert (sources[0], sources[-1]) == (
        made.truths["best_lead_source"], made.truths["worst_lead_source"]
    )  # fmt: skip
    best, worst = groups.row(0, named=True), groups.row(-1, named=True)
    assert best["decided_low"] > worst["decided_high"]


def test_counts_against_an_independent_query():
    log = from_arrow(lead_to_cash(300, seed=5).events)
    events = log.to_polars().with_columns(pl.col("activity", "case_id").cast(pl.String))
    first = events.group_by("case_id").agg(
        quoted=pl.col("timestamp").filter(pl.col("activity") == "Quote/Proposal Issued").min(),
        accepted=pl.col("timestamp").filter(pl.col("activity") == "Quote Accepted").min(),
    )
    both = first.drop_nulls()
    taken = (both["accepted"] - both["quoted"]).dt.total_microseconds() / 1e6
    row = funnel(log, ["quote_issued", "quote_accepted"]).table.to_pylist()[1]
    assert row["conversion"] == pytest.approx(both.height / first["quoted"].drop_nulls().len())
    assert (row["p50_s"], row["mean_s"]) == pytest.approx((taken.median(), taken.mean()))


def test_bad_input_is_refused():
    with pytest.raises(SchemaError, match="no activity 'quote_issuedd'"):
        by_hand(["a", "quote_issuedd"])
    for wrong in ("a", ["a"], {"a": "a"}, 5, (step for step in "ab")):
        with pytest.raises(ArgumentError, match="at least two steps"):
            by_hand(wrong)
    for more in ({"steps": [None, "a"]}, {"lost": 5}, {"steps": {1: "a", 2: "b"}}):
        with pytest.raises(ArgumentError, match="one name or several"):
            by_hand(**more)
    with pytest.raises(ArgumentError, match="twice"):
        by_hand(["a", "a"])
    for confidence in (0.0, 1.0, 95):
        with pytest.raises(ArgumentError, match="between 0 and 1"):
            by_hand(confidence=confidence)
    with pytest.raises(SchemaError, match="no activity 'z'"):
        by_hand(lost=["z"])
    with pytest.raises(LogError, match="less than two of the ready funnel's steps"):
        by_hand(None)
    with pytest.raises(SchemaError, match="there is no column"):
        by_hand(by="nothing")


def test_steps_that_no_case_reaches_have_notes():
    found = by_hand(until="2024-01-02T12:00", by="source")
    told = [(row["source"], row["cases"], row["note"]) for row in found.table.to_pylist()]
    assert told[1] == ("x", 0, "no case reached it; all cases are open at the step before")
    assert told[2] == ("x", 0, "no case reached it; no case reached the step before")
    assert found.table["p50_s"].null_count == 6
    assert found.groups["decided"].to_pylist() == [None, None]


def test_leads_that_an_export_leaves_out_are_told():
    log = log_of(("1", "Lead Captured", 0), ("1", "Opportunity Created", 1))
    coverage = Coverage("salesforce", "data-export", leads_without_case=7)
    notes = funnel(replace(log, origin=replace(log.origin, coverage=coverage))).notes
    assert any(note.startswith("7 leads that never became an opportunity are not in") for note in notes)


@pytest.mark.parametrize("strict", [False, True])
def test_cases_older_than_the_history_of_a_step_are_left_out(strict):
    log = log_of(*BY_HAND, old=[case in "12" for case, *_ in BY_HAND], amount=[1.0] * len(BY_HAND))
    told = Coverage("salesforce", "csv", horizons={"b": "2024-01-02", "c": "1970-01-01", "z": "2030-01-01"})
    covered = replace(log, origin=replace(log.origin, coverage=told))
    found = funnel(covered, ["a", "b", "c"], strict=strict, value="amount")
    young = funnel(log, ["a", "b", "c"], strict=strict, value="amount", where=w.case("old") == False)  # noqa: E712
    assert (found.table, found.groups, found.values) == (young.table, young.groups, young.values)
    assert found.open_cases(0).to_pylist() == young.open_cases(0).to_pylist()
    said = "2 cases begin before the history that tells a step, and are left out"
    assert found.notes == [said, *young.notes]


@pytest.mark.parametrize(("strict", "unseen"), [(False, 2), (True, 4)])
def test_cases_older_than_the_history_of_losses_count_as_open(strict, unseen):
    log = log_of(*BY_HAND)
    told = Coverage("salesforce", "csv", horizons={"opportunity_lost": "2024-01-15"})
    found = funnel(replace(log, origin=replace(log.origin, coverage=told)), ["a", "b", "c"], strict=strict)
    known = funnel(log, ["a", "b", "c"], strict=strict)
    assert (found.table, found.groups) == (known.table, known.groups)
    said = f"{unseen} cases may have been lost before the history that tells a loss, and count as open"
    assert found.notes == [said, *known.notes]
