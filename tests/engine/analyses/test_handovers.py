"""Handovers, working together, specialisation and workload."""

from __future__ import annotations

import pickle
from collections import Counter
from datetime import UTC, date, datetime
from unittest import mock

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dealtrace_engine import parallel
from dealtrace_engine.analyses import handover_events
from dealtrace_engine.analyses import handovers as handovers_module
from dealtrace_engine.analyses import resources as resources_module
from dealtrace_engine.analyses.handovers import handovers
from dealtrace_engine.calendar import WorkingCalendar
from dealtrace_engine.errors import ArgumentError, Cancelled, LogError, SchemaError
from dealtrace_engine.filters import where as w
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash
from naive import handovers as naive

DAY = 86_400.0


def log_of(*rows, **roles):
    """A log of (case, activity, day of January 2024, resource, amount, currency)."""
    names = ("case", "activity", "day", "who", "amount", "currency")[: len(rows[0])]
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    columns["time"] = [f"2024-01-{day:02d}" for day in columns.pop("day")]
    return from_arrow(pa.table(columns), **roles)


BY_HAND = (
    ("1", "a", 1, "x", 10.0, "EUR"),
    ("1", "b", 2, "y", 10.0, "EUR"),
    ("1", "b", 3, "y", 10.0, "EUR"),
    ("1", "c", 5, "x", 10.0, "EUR"),
    ("2", "a", 1, "x", 5.0, "USD"),
    ("2", "b", 4, "y", 5.0, "USD"),
    ("3", "a", 1, "x", None, "EUR"),
    ("3", "b", 2, None, None, "EUR"),
    ("3", "c", 9, "z", None, "EUR"),
)


def test_by_hand():
    found = handovers(log_of(*BY_HAND), resource="who")
    assert found.table.to_pylist() == [
        {
            "source": "x", "target": "y", "handovers": 2, "cases": 2, "share": 2 / 3, "wait_sum_s": 4 * DAY,
            "wait_mean_s": 2 * DAY, "wait_p50_s": 2 * DAY, "wait_p90_s": pytest.approx(2.8 * DAY),
            "returned": 1, "returned_cases": 1,
        },
        {
            "source": "y", "target": "x", "handovers": 1, "cases": 1, "share": 1 / 3, "wait_sum_s": 2 * DAY,
            "wait_mean_s": 2 * DAY, "wait_p50_s": 2 * DAY, "wait_p90_s": 2 * DAY,
            "returned": 0, "returned_cases": 0,
        },
    ]  # fmt: skip
    assert [found.cases(row).to_pylist() for row in (0, 1)] == [["1", "2"], ["1"]]
    assert found.by_case.to_pydict() == {
        "case_id": ["1", "2", "3"], "handovers": [2, 1, 0], "returned": [1, 0, 0],
    }  # fmt: skip
    assert [(finding.reason, finding.count) for finding in found.findings] == [
        ("events without a resource", 1)
    ]
    together = found.working_together.to_pylist()
    assert [tuple(row.values()) for row in together] == [("x", "y", 2, 2 / 3, 1.0), ("x", "z", 1, 1 / 3, 1.0)]
    assert found.cases_together(0).to_pylist() == ["1", "2"]
    assert [row["resource"] for row in found.specialisation.to_pylist()] == ["x", "y", "z"]
    assert "3 between 3 resources" in repr(found)
    fewer = handovers(log_of(*BY_HAND), resource="who", where=w.case_id("2"))
    assert "1 between 2 resources" in repr(fewer)
    with mock.patch.object(handovers_module, "MOST_TOGETHER", 2):
        assert handovers(log_of(*BY_HAND), resource="who", where=w.case_id("2")).findings == []
    assert '"handovers 1"' in found.to_json()
    again = pickle.loads(pickle.dumps(found))
    assert again.table == found.table
    assert again.cases(0) == found.cases(0)
    for row in (-1, 2, "x"):
        with pytest.raises(ArgumentError, match="no row"):
            found.cases(row)
    with pytest.raises(ArgumentError, match="no row"):
        found.cases_together(2)


def test_by_group_and_money():
    found = handovers(log_of(*BY_HAND), resource="who", value="amount")
    rows = found.table.select(["currency", "source", "target", "handovers", "value"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("EUR", "x", "y", 1, 10.0), ("EUR", "y", "x", 1, 10.0), ("USD", "x", "y", 1, 5.0),
    ]  # fmt: skip
    assert found.table["share"].to_pylist() == [0.5, 0.5, 1.0]
    assert [finding.reason for finding in found.findings] == [
        "no amount in 'amount'", "events without a resource",
    ]  # fmt: skip
    grouped = handovers(log_of(*BY_HAND), resource="who", by="currency").table
    assert grouped.column_names[:3] == ["currency", "source", "target"]
    assert grouped["share"].to_pylist() == [0.5, 0.5, 1.0]
    kept = handovers(log_of(*BY_HAND), resource="who", where=w.case("currency") == "USD").table
    assert kept["cases"].to_pylist() == [1]


def test_a_wait_ends_when_the_next_one_starts():
    table = pa.table({
        "case": ["1"] * 3, "activity": ["a", "b", "c"], "resource": ["x", "y", "z"],
        "time": ["2024-01-01", "2024-01-05", "2024-01-09"],
        "start_timestamp": ["2024-01-01", "2024-01-03", "2024-01-04"],
    })  # fmt: skip
    found = handovers(from_arrow(table)).table.sort_by("source")
    assert found["wait_sum_s"].to_pylist() == [2 * DAY, 0.0]


def test_a_start_after_the_end_is_not_known():
    table = pa.table({
        "case": ["1"] * 2, "activity": ["a", "b"], "resource": ["x", "y"],
        "time": ["2024-01-01", "2024-01-02"], "start_timestamp": ["2024-01-01", "2024-01-05"],
    })  # fmt: skip
    found = handovers(from_arrow(table))
    assert found.table["wait_sum_s"].to_pylist() == [DAY]
    assert [(one.reason, one.count) for one in found.findings] == [("start timestamp after the end", 1)]


def test_waits_of_working_time():
    calendar = WorkingCalendar("UTC", holidays=["2024-01-02"])
    log = log_of(
        ("1", "a", 1, "x"), ("1", "b", 3, "y"), ("1", "b", 7, "z"), ("2", "a", 6, "x"), ("2", "b", 7, "y")
    )
    found = handovers(log, resource="who", calendar=calendar).table
    waits = dict(zip(zip(found["source"].to_pylist(), found["target"].to_pylist(), strict=True),
                     found["wait_sum_s"].to_pylist(), strict=True))  # fmt: skip
    day = calendar.between(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)).total_seconds()
    assert day > 0
    assert waits == {("x", "y"): day, ("y", "z"): 3 * day}
    assert len(handovers(log_of(("1", "a", 1, "x")), resource="who", calendar=calendar).table) == 0


def test_specialisation_and_workload():
    rows = [("1", "abab"[k], k + 1, "xxxy"[k]) for k in range(4)]
    found = handovers(log_of(*rows), resource="who")
    x, y = found.specialisation.to_pylist()
    assert x["entropy_bits"] == pytest.approx(0.9183, abs=1e-4)
    assert x["specialisation"] == pytest.approx(1 - 0.9183, abs=1e-4)
    assert y == {
        "resource": "y", "events": 1, "activities": 1, "main_activity": "b", "main_share": 1.0,
        "entropy_bits": 0.0, "specialisation": 1.0,
    }  # fmt: skip
    days = [tuple(row.values()) for row in found.workload("day").to_pylist()]
    assert days == [
        ("x", date(2024, 1, 1), 1, 1), ("x", date(2024, 1, 2), 1, 1), ("x", date(2024, 1, 3), 1, 1),
        ("y", date(2024, 1, 4), 1, 0),
    ]  # fmt: skip
    weeks = handovers(log_of(("1", "a", 7, "x"), ("1", "a", 8, "x")), resource="who").workload("week")
    assert [tuple(row.values()) for row in weeks.to_pylist()] == [
        ("x", date(2024, 1, 1), 1, 1), ("x", date(2024, 1, 8), 1, 0),
    ]  # fmt: skip
    for period in ("month", "quarter", "year"):
        assert found.workload(period)["period"].to_pylist() == [date(2024, 1, 1)] * 2
    one = handovers(log_of(("1", "a", 1, "x")), resource="who").specialisation.to_pylist()
    assert one[0]["specialisation"] is None


EVENTS = st.tuples(st.sampled_from("abc"), st.integers(1, 20), st.sampled_from(["x", "y", "z", None]))
CASES = st.lists(st.lists(EVENTS, min_size=1, max_size=7), min_size=1, max_size=6)


@settings(deadline=None)
@given(CASES, st.sampled_from([1, 3]), st.booleans())
def test_equal_to_the_twin(cases, threads, sparse):
    rows = [(str(case), *event) for case, own in enumerate(cases) for event in own] + [("0", "a", 21, "x")]
    log = log_of(*rows)
    ordered = [
        [(who, activity, day * 86_400_000_000, day * 86_400_000_000) for _, activity, day, who in
         sorted((row for row in rows if row[0] == str(case)), key=lambda row: row[2])]
        for case in range(len(cases))
    ]  # fmt: skip
    with (
        mock.patch.object(parallel, "EVENTS_PER_BLOCK", 3),
        mock.patch.object(handover_events, "MOST_KEYS", 0 if sparse else 1 << 24),
    ):
        found = handovers(log, resource="who", threads=threads)
        found.working_together, found.specialisation  # noqa: B018 - made with the small blocks
    waits: dict[tuple[str, str], list[int]] = {}
    returned = Counter()
    for case in ordered:
        for source, target, _, wait, back in naive.write_handovers(case):
            waits.setdefault((source, target), []).append(wait)
            returned[source, target] += back
    order = sorted(waits, key=lambda pair: (-len(waits[pair]), pair))
    rows = found.table.to_pylist()
    assert [(row["source"], row["target"]) for row in rows] == order
    for number, row in enumerate(rows):
        own = waits[row["source"], row["target"]]
        assert row["handovers"] == len(own)
        assert row["wait_sum_s"] == sum(own) / 1e6
        assert (row["wait_p50_s"], row["wait_p90_s"]) == tuple(np.percentile(np.array(own) / 1e6, [50, 90]))
        assert row["returned"] == returned[row["source"], row["target"]]
        assert row["cases"] == len(found.cases(number))
    together = naive.count_together(ordered)
    assert {(row["resource"], row["other"]): row["cases"] for row in found.working_together.to_pylist()} == {
        pair: count for pair, count in together.items() if pair[0] != pair[1]
    }
    activities = naive.count_activities(ordered)
    for row in found.specialisation.to_pylist():
        assert row["events"] == sum(n for (who, _), n in activities.items() if who == row["resource"])


@pytest.fixture(scope="module")
def sales():
    made = lead_to_cash(800, seed=3)
    return from_arrow(made.events), made.truths


def test_work_waits_longest_for_the_slow_approver(sales):
    log, truths = sales
    found = handovers(log)
    assert found.table == handovers(log, threads=1).table
    table = found.table.to_pandas()
    received = table.groupby("target")[["wait_sum_s", "handovers"]].sum()
    work = found.specialisation.to_pandas()
    approvers = received.loc[work.loc[work["main_activity"] == "Discount Approved", "resource"]]
    waits = (approvers["wait_sum_s"] / approvers["handovers"]).sort_values()
    assert waits.index[-1] == truths["slow_approver"]
    assert waits.iloc[-1] > 2 * waits.iloc[-2]


def test_departments(sales):
    log, _ = sales
    found = handovers(log, resource="department", value="amount")
    pairs = {(row["source"], row["target"]) for row in found.table.to_pylist()}
    assert ("Marketing", "Sales") in pairs
    assert ("Sales", "Sales") not in pairs
    assert sum(found.by_case["handovers"].to_pylist()) == sum(found.table["handovers"].to_pylist())


def test_bad_input(sales):
    log, _ = sales
    with pytest.raises(SchemaError, match="nearest: 'department'"):
        handovers(log, resource="departmint")
    with pytest.raises(SchemaError, match="varies within cases"):
        handovers(log, by="department")
    with pytest.raises(LogError, match="no case passes"):
        handovers(log, where=w.case("region") == "Atlantis")
    with pytest.raises(SchemaError, match="no event has a value"):
        handovers(from_arrow(pa.table({"case": ["1"], "activity": ["a"], "time": ["2024-01-01"],
                                       "who": pa.array([None], pa.string())})), resource="who")  # fmt: skip
    with pytest.raises(Cancelled):
        handovers(log, progress=lambda done, of: False)
    with pytest.raises(ArgumentError, match="no period"):
        handovers(log).workload("fortnight")


def test_limits(sales):
    log, _ = sales
    with (
        mock.patch.object(resources_module, "MOST_PERIODS", 3),
        pytest.raises(ArgumentError, match="periods"),
    ):
        handovers(log).workload("month")
    with mock.patch.object(resources_module, "MOST_CELLS", 3), pytest.raises(ArgumentError, match="too many"):
        handovers(log).specialisation  # noqa: B018
    with (
        mock.patch.object(resources_module, "MOST_TOGETHER", 3),
        mock.patch.object(handovers_module, "MOST_TOGETHER", 3),
    ):
        found = handovers(log, resource="department")
        assert len(found.working_together) == 3
        assert found.findings[-1].count == len(found.specialisation) - 3


def test_nobody_hands_over():
    found = handovers(log_of(("1", "a", 1, "x"), ("2", "a", 1, "y"), ("2", "b", 2, "y")), resource="who")
    assert len(found.table) == 0
    assert found.by_case["returned"].to_pylist() == [0, 0]
    assert len(found.working_together) == 0
    by_case = handovers(log_of(("1", "a", 1, "x"), ("1", "b", 2, "x")), resource="who")
    assert len(by_case.table) == 0
    assert [finding.count for finding in by_case.findings] == [1]
    assert by_case.specialisation["events"].to_pylist() == [2]


@pytest.mark.parametrize("cells", [1, 40])
def test_joined_blocks_change_nothing(cells):
    log = from_arrow(
        lead_to_cash(60, seed=3).events, case_id="case_id", activity="activity", timestamp="timestamp"
    )
    expected = handovers(log)
    with (
        mock.patch.object(parallel, "EVENTS_PER_BLOCK", 50),
        mock.patch.object(handover_events, "MOST_CELLS", cells),
    ):
        found = handovers(log, threads=2)
    assert found.table.equals(expected.table)
    assert found.cases(0).equals(expected.cases(0))
    assert found.by_case.equals(expected.by_case)
