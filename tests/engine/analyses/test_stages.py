"""Stages: by hand, against the plain twin, against the generator's truths and an independent query."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime
from unittest import mock

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine import parallel
from dealtrace_engine.analyses import stage_figures
from dealtrace_engine.analyses.stages import OWN, stages
from dealtrace_engine.calendar import WorkingCalendar
from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.filters import where as w
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash
from naive import stages as naive
from stage_logs import BY_HAND, DAY, log_of

AMOUNTS = {"1": 10.0, "2": 20.0, "3": 40.0, "4": 80.0, "5": 160.0}


def by_hand(**arguments):
    cases = [row[0] for row in BY_HAND]
    currency = ["EUR" if case != "3" else "USD" for case in cases]
    region = ["north" if case in "12" else "south" for case in cases]
    log = log_of(*BY_HAND, amount=[AMOUNTS[case] for case in cases], currency=currency, region=region)
    return stages(log, **arguments)


def row_of(result, stage, **keys):
    (row,) = [
        row
        for row in result.table.to_pylist()
        if row["stage"] == stage and all(row[name] == value for name, value in keys.items())
    ]
    return row


def test_figures_by_hand():
    found = by_hand()
    assert found.order == ("A", "B", "C", "Closed Lost", "Closed Won")
    assert (found.order_source, found.told_by, found.notes) == (
        "learnt",
        "stage",
        ["1 cases are in no stage"],
    )
    assert found.until == datetime(2024, 1, 11, tzinfo=UTC)
    a = row_of(found, "A")
    assert (a["place"], a["closed"], a["cases"], a["visits"], a["completed"], a["now"]) == (
        1,
        False,
        4,
        5,
        5,
        0,
    )
    days = np.array([2, 4, 4, 1, 5])
    assert [a["p50_s"], a["p90_s"]] == pytest.approx(np.percentile(days * DAY, [50, 90]))
    assert a["mean_s"] == pytest.approx(days.mean() * DAY)
    assert a["case_mean_s"] == pytest.approx(np.mean([6, 4, 1, 5]) * DAY)
    assert (a["returns_in"], a["returns_out"], a["reentries"], a["pushes"]) == (1, 0, 1, 1)
    b = row_of(found, "B")
    assert (b["cases"], b["visits"], b["completed"], b["skips"], b["now"]) == (3, 3, 2, 0, 1)
    assert (b["returns_out"], b["amount_changes"], b["owner_changes"]) == (1, 1, 1)
    assert b["case_mean_s"] == pytest.approx(4 * DAY)  # of cases 1 and 3: case 2 is still in it
    assert (b["stuck"], b["stuck_limit_s"]) == (None, None)
    assert "fewer than 10 completed visits" in b["note"]
    won = row_of(found, "Closed Won")
    assert (won["closed"], won["now"], won["p50_s"], won["stuck"], won["note"]) == (True, 1, None, None, None)
    assert found.cases(1).to_pylist() == ["1", "2", "3"]


def test_transitions_by_hand():
    found = by_hand()
    told = {(row["from"], row["to"]): row for row in found.transitions.to_pylist()}
    kinds = {move: (row["kind"], row["passed"], row["count"]) for move, row in told.items()}
    assert kinds == {
        (None, "A"): ("first", 0, 4), ("A", "B"): ("forward", 0, 2), ("B", "A"): ("return", 0, 1),
        ("A", "C"): ("skip", 1, 2), ("C", "Closed Won"): ("close", 0, 1), ("B", "C"): ("forward", 0, 1),
        ("C", "Closed Lost"): ("close", 0, 1), ("Closed Lost", "B"): ("reopen", 0, 1),
        ("A", "Closed Lost"): ("close", 2, 1),
    }  # fmt: skip
    counts = found.transitions["count"].to_pylist()
    assert counts == sorted(counts, reverse=True)
    for number, row in enumerate(found.transitions.to_pylist()):
        assert len(found.transition_cases(number)) == row["cases"]
    place = [row["kind"] for row in found.transitions.to_pylist()].index("reopen")
    assert found.transition_cases(place).to_pylist() == ["2"]
    for wrong in (found.cases, found.transition_cases):
        with pytest.raises(ArgumentError, match="there is no row"):
            wrong(99)


def test_cases_and_money_by_hand():
    found = by_hand(value="amount")
    rows = {(row["case_id"], row["stage"]): row for row in found.case_table.to_pylist()}
    assert [key for key in rows if key[0] == "1"] == [("1", s) for s in ("A", "B", "C", "Closed Won")]
    assert rows["1", "A"]["dwell_s"] == 6 * DAY
    assert (rows["1", "A"]["visits"], rows["1", "A"]["returns_in"], rows["1", "B"]["returns_out"]) == (
        2,
        1,
        1,
    )
    assert (rows["2", "B"]["now"], rows["2", "B"]["dwell_s"], rows["2", "B"]["owner_changes"]) == (
        True, 4 * DAY, 1
    )  # fmt: skip
    money = {(row["stage"], row["currency"]): row for row in found.values.to_pylist()}
    assert (money["A", "EUR"]["value"], money["A", "USD"]["value"]) == (190.0, 40.0)
    assert (money["B", "EUR"]["now"], money["B", "EUR"]["value_now"]) == (1, 20.0)
    assert found.findings == []
    assert by_hand().values is None
    content = json.loads(found.to_json())
    assert content["definition"] == "stages 1"
    assert len(content["stages"]) == 5


def test_no_attribute_can_hide_a_column():
    found = by_hand(value="amount")
    for table in (found.table, found.transitions, found.stuck, found.values):
        assert set(table.column_names) <= set(OWN)
    again = pickle.loads(pickle.dumps(found))
    assert (again.to_json(), again.cases(0)) == (found.to_json(), found.cases(0))
    log = log_of(*BY_HAND, visits=[row[0] for row in BY_HAND])
    told = stages(log, by="visits").table
    assert told.column_names[0] == "case_visits"
    assert len(set(told.column_names)) == len(told.column_names)


def test_by_group_where_and_until():
    found = by_hand(by="region")
    assert row_of(found, "A", region="south")["cases"] == 2
    assert row_of(found, "B", region="north")["now"] == 1
    assert found.transitions.column_names[0] == "region"
    assert by_hand(where=w.case("region") == "south").table["cases"].to_pylist() == [2, 1, 1, 1]
    early = by_hand(until="2024-01-05T12:00")
    assert row_of(early, "C")["now"] == 1
    assert row_of(early, "A")["now"] == 1  # case 1, back in A
    assert early.order == ("A", "B", "C")


def test_a_skipped_stage_is_one_that_the_case_never_was_in():
    log = log_of(
        ("1", "x", 0, "A"), ("1", "x", 1, "C"), ("2", "x", 0, "A"), ("2", "x", 1, "B"), ("2", "x", 2, "A"),
        ("2", "x", 3, "C"), ("3", "x", 0, "A"), ("3", "x", 1, "Closed Won"),
    )  # fmt: skip
    found = stages(log)
    assert dict(zip(found.order, found.table["skips"].to_pylist(), strict=True)) == {
        "A": 0, "B": 2, "C": 1, "Closed Won": 0,
    }  # fmt: skip
    assert [row["case_id"] for row in found.case_table.to_pylist() if row["skipped"]] == ["1", "3", "3"]


def test_working_time():
    """2024-01-01 is a Monday: eight hours a day until Friday."""
    office = WorkingCalendar("UTC")
    found = by_hand(calendar=office)
    rows = {(row["case_id"], row["stage"]): row["dwell_s"] / 3600 for row in found.case_table.to_pylist()}
    assert (rows["1", "A"], rows["1", "B"], rows["2", "B"]) == (8 * (2 + 2), 8, 8 * 3)
    assert row_of(found, "A")["p50_s"] == np.median([16, 16, 32, 8, 24]) * 3600
    with pytest.raises(ArgumentError, match="a calendar is"):
        by_hand(calendar="office")


def test_orders_given_and_learnt():
    found = by_hand(order=["C", "B"])
    assert (found.order[:3], found.order_source) == (("C", "B", "A"), "given")
    assert by_hand().order_support == pytest.approx(8 / 9)  # case 2 enters C before B
    assert by_hand(closed=["Closed Won", "C"]).table["closed"].to_pylist() == [False] * 3 + [True] * 2


def test_stuck_deals():
    rows = [(f"{n}", "x", day, stage) for n in range(20) for day, stage in ((0, "A"), (n % 10 + 1, "B"))]
    rows += [("old", "x", 0, "A"), ("older", "x", -5, "A"), ("new", "x", 25, "A"), ("last", "x", 30, "B")]
    log = log_of(*rows, amount=[None if row[0] == "old" else 5.0 for row in rows])
    found = stages(log, value="amount")
    limit = float(np.percentile(np.arange(1, 11).repeat(2), 90)) * DAY
    row = row_of(found, "A")
    assert (row["stuck"], row["now"]) == (2, 3)
    assert row["stuck_limit_s"] == pytest.approx(limit, abs=1e-6)
    told = found.stuck.to_pylist()
    assert [row["case_id"] for row in told][:2] == ["older", "old"]
    assert (told[0]["age_s"], told[0]["times_limit"]) == (35 * DAY, pytest.approx(35 * DAY / limit))
    assert (told[0]["value"], told[1]["value"], told[0]["currency"]) == (5.0, None, None)
    (money,) = [row for row in found.values.to_pylist() if row["stage"] == "A"]
    assert (money["stuck"], money["value_stuck"], money["unknown"]) == (2, 5.0, 1)
    assert found.findings[0].reason == "no amount in 'amount'"
    assert json.loads(found.to_json())["stuck"][0]["since"] == "2023-12-27T00:00:00+00:00"


ROWS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 20), st.sampled_from(["A", "B", "C", "Closed Lost", None])),
    min_size=2, max_size=30,
)  # fmt: skip


@given(ROWS, st.sampled_from([1, 2, 5]))
def test_equal_to_the_twin_for_any_threads(rows, threads):
    rows = [*rows, (0, 0, "A"), (1, 0, None)]  # so that the stage is one of the events
    log = log_of(*((str(case), "x", day, stage) for case, day, stage in rows))
    one = stages(log, threads=1)
    with mock.patch.object(parallel, "EVENTS_PER_BLOCK", 3):
        result = stages(log, threads=threads)
    assert result.to_json() == one.to_json()
    visits = []
    for case in dict.fromkeys(str(row[0]) for row in rows):
        own = sorted((row for row in rows if str(row[0]) == case), key=lambda row: row[1])
        events = [{"time": day, "stage": s, "origin": None, "effect": None} for _, day, s in own]
        visits += [v | {"case": case} for v in naive.stage_visits(events, {"Closed Lost"}, 99, 99)]
    end = max(row[1] for row in rows)
    for row in result.table.to_pylist():
        own = [v for v in visits if v["stage"] == row["stage"]]
        over = [v["end"] - v["begin"] for v in own if v["end"] is not None]
        assert (row["visits"], row["completed"]) == (len(own), len(over))
        assert row["cases"] == len({v["case"] for v in own})
        assert row["p90_s"] == (pytest.approx(np.percentile(over, 90) * DAY) if over else None)
    dwell = sum((end if v["end"] is None else v["end"]) - v["begin"] for v in visits)
    assert sum(row["dwell_s"] for row in result.case_table.to_pylist()) == pytest.approx(dwell * DAY)


def test_the_truths_of_the_generator():
    made = lead_to_cash(800, seed=3)
    log = from_arrow(made.events)
    found = stages(log, value="amount")
    assert found.order[:5] == (
        "Qualification", "Needs Analysis", "Value Proposition", "Proposal", "Negotiation",
    )  # fmt: skip
    assert found.order_support == 1.0
    truths = made.truths
    assert row_of(found, "Closed Won")["now"] == truths["won"]
    assert row_of(found, "Closed Lost")["now"] == truths["lost"]
    reopened = [row for row in found.transitions.to_pylist() if row["kind"] == "reopen"]
    assert sum(row["cases"] for row in reopened) == truths["reopened"]
    assert sum(found.table["owner_changes"].to_pylist()) == truths["owner_changes"]
    still = sum(row["now"] for row in found.table.to_pylist() if not row["closed"])
    assert still == truths["opportunities"] - truths["won"] - truths["lost"]


def test_dwell_against_an_independent_query():
    log = from_arrow(lead_to_cash(300, seed=5).events)
    events = log.to_polars(["stage"]).with_columns(pl.col("case_id", "stage").cast(pl.String))
    changed = (pl.col("stage") != pl.col("stage").shift(1).over("case_id")).fill_null(True)
    visits = events.filter(pl.col("stage").is_not_null()).filter(changed)
    visits = visits.with_columns(end=pl.col("timestamp").shift(-1).over("case_id")).drop_nulls("end")
    length = (pl.col("end") - pl.col("timestamp")).dt.total_microseconds() / 1e6
    expected = {
        stage: (count, median)
        for stage, count, median in visits.group_by("stage").agg(n=pl.len(), p50=length.median()).iter_rows()
    }
    for row in stages(log).table.to_pylist():
        count, median = expected.get(row["stage"], (0, None))
        assert row["completed"] == count
        assert row["p50_s"] == (None if median is None else pytest.approx(median))


def test_the_slow_region_dwells_longest_in_the_proposal():
    made = lead_to_cash(2000, seed=2)
    found = stages(from_arrow(made.events), by="region").to_polars()
    proposal = found.filter(pl.col("stage") == "Proposal", pl.col("region").is_not_null())
    slowest = proposal.sort("p50_s", descending=True).row(0, named=True)
    assert slowest["region"] == made.truths["slow_region"]
    others = proposal.filter(pl.col("region") != slowest["region"])["p50_s"].median()
    assert slowest["p50_s"] > 1.7 * others


@pytest.mark.parametrize("cells", [1, 1 << 16])
def test_blocks_change_nothing(cells):
    expected = by_hand(by="region", value="amount")
    with (
        mock.patch.object(parallel, "EVENTS_PER_BLOCK", 2),
        mock.patch.object(stage_figures, "MOST_CELLS", cells),
    ):
        found = by_hand(by="region", value="amount", threads=2)
        tables = ("table", "transitions", "stuck", "values", "case_table")
        assert all(getattr(found, name).equals(getattr(expected, name)) for name in tables)
        assert found.cases(0).equals(expected.cases(0))
