"""Where stages are told: columns, activities and exports; and what cannot be told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from dealtrace_engine.analyses.stages import stages
from dealtrace_engine.coverage import Coverage
from dealtrace_engine.errors import ArgumentError, LogError, SchemaError
from dealtrace_engine.sources.memory import from_arrow
from stage_logs import BY_HAND, DAY, changes, log_of


def covered(log, **coverage):
    """The log as if it came from a CRM export."""
    known = Coverage("salesforce", "data-export", **coverage)
    return replace(log, origin=replace(log.origin, coverage=known))


def test_a_change_tells_what_was_before_it():
    found = stages(
        changes(
            ("1", "Opportunity Created", 0, None, None),
            ("1", "Opportunity Stage Changed", 2, "A", "B"),
            ("1", "Opportunity Closed Won", 5, None, None),
            ("2", "Opportunity Stage Changed", 3, "A", "B"),  # when A began nobody knows
            ("2", "Opportunity Closed Lost", 4, None, None),
            ("2", "Opportunity Reopened", 6, None, None),
            ("2", "Opportunity Stage Changed", 9, "B", "C"),
            ("3", "Opportunity Created", 9, None, None),
        )
    )
    assert found.order == ("A", "B", "C")
    rows = {(row["case_id"], row["stage"]): row for row in found.case_table.to_pylist()}
    assert rows["1", "A"]["dwell_s"] == 2 * DAY
    assert rows["1", "B"]["dwell_s"] == 3 * DAY
    assert rows["1", "C"]["skipped"]  # won without
    assert rows["2", "B"]["dwell_s"] == (1 + 3) * DAY
    assert ("2", "A") not in rows
    assert set(found.notes) == {
        "1 cases are in no stage", "1 visits began before what the log knows, and are left out",
    }  # fmt: skip
    told = {(row["from"], row["to"], row["kind"]) for row in found.transitions.to_pylist()}
    assert told >= {("B", None, "close"), (None, "B", "reopen"), ("B", "C", "forward")}


def test_stages_of_activities():
    rows = [("1", "Lead Captured", 0, None), ("1", "Quote/Proposal Issued", 2, None), ("1", "Bye", 5, None)]
    mapping = {"lead_captured": "Lead", "Quote/Proposal Issued": "Quote", "Bye": None}
    found = stages(log_of(*rows), activities=mapping)
    assert (found.order, found.told_by) == (("Lead", "Quote"), "activities")
    assert found.table["mean_s"].to_pylist() == [2 * DAY, 3 * DAY]
    assert found.table["now"].to_pylist() == [0, 0]


def test_a_win_or_a_loss_ends_the_stage_unless_it_is_mapped_to_one():
    rows = [
        ("1", "Lead Captured", 2, None), ("1", "Quote Created", 4, None),
        ("1", "Opportunity Closed Won", 7, None), ("2", "Lead Captured", 0, None),
        ("2", "Opportunity Closed Lost", 3, None), ("2", "z", 10, None),
    ]  # fmt: skip
    mapping = {"lead_captured": "L", "quote_created": "Q"}
    for more in ({}, {"opportunity_won": "Closed Won", "opportunity_lost": "Closed Lost"}):
        found = stages(log_of(*rows), activities=mapping | more).table.to_pylist()
        assert [(row["completed"], row["now"], row["p50_s"]) for row in found if not row["closed"]] == [
            (2, 0, 2.5 * DAY),
            (1, 0, 3 * DAY),
        ]


def test_closed_stages_are_one_or_several():
    one, several = (stages(log_of(*BY_HAND), closed=closed) for closed in ("C", ["C"]))
    assert one.table == several.table
    assert [row["stage"] for row in one.table.to_pylist() if row["closed"]] == ["C"]


def test_a_stage_that_never_changes_is_told():
    rows = [("1", "x", 0, "Closed Won"), ("1", "y", 5, "Closed Won"), ("2", "x", 0, "Demo")]
    assert stages(log_of(*rows)).notes == [
        "'stage' is the same in all events of each case: it may be the stage now, not then"
    ]
    assert stages(log_of(*BY_HAND)).notes == ["1 cases are in no stage"]
    assert stages(log_of(*rows), activities={"x": "A", "y": "B"}).notes == []


def test_what_an_export_says_of_itself_counts():
    log = changes(
        ("1", "Opportunity Created", 0, None, None), ("1", "Opportunity Stage Changed", 4, "A", "B"),
        ("2", "Opportunity Created", 3, None, None), ("2", "Opportunity Stage Changed", 4, "A", "B"),
    )  # fmt: skip
    found = stages(
        covered(log, exported="2024-01-09T00:00:00", horizon="2024-01-03T00:00:00", left_truncated=1)
    )
    assert found.until == datetime(2024, 1, 9, tzinfo=UTC)
    rows = {(row["case_id"], row["stage"]): row["dwell_s"] for row in found.case_table.to_pylist()}
    assert rows == {("1", "B"): 4 * DAY, ("2", "A"): DAY, ("2", "B"): 4 * DAY}  # what was before the horizon?
    assert found.notes == [
        "1 visits began before what the log knows, and are left out",
        "1 cases of the export are older than its history and may lack their beginning",
    ]
    with pytest.raises(LogError, match="does not tell the stages"):  # the stage is the one now
        stages(covered(log_of(("1", "x", 0, "A"), ("1", "x", 1, "A"))))


@pytest.mark.parametrize("known", ["quote_issued", "opportunity_lost", "Bye"])
def test_cases_older_than_the_history_of_an_activity_are_in_no_stage(known):
    rows = [("1", "Lead Captured", 0, None), ("1", "Quote/Proposal Issued", 2, None), ("2", "Bye", 9, None),
            ("2", "Lead Captured", 1, None), ("2", "Quote/Proposal Issued", 5, None),
            ("3", "Opportunity Closed Lost", 9, None)]  # fmt: skip
    mapping = {"lead_captured": "Lead", "Quote/Proposal Issued": "Quote", "Bye": None}
    log = covered(log_of(*rows), horizons={known: "2024-01-02", "order_fulfilled": "2030-01-01"})
    found = stages(log, activities=mapping)
    assert {row["case_id"] for row in found.case_table.to_pylist()} == {"2"}
    assert found.table["mean_s"].to_pylist() == [4 * DAY, 4 * DAY]
    said = "1 cases begin before the history that tells a stage or an end, and are left out"
    assert found.notes == ["1 cases are in no stage", said]


def test_what_cannot_be_told_is_refused():
    log = log_of(*BY_HAND)
    plain = from_arrow(pa.table({"case": ["1"], "activity": ["a"], "time": ["2024-01-01"]}))
    with pytest.raises(LogError, match="does not tell the stages"):
        stages(plain)
    with pytest.raises(SchemaError, match="nearest: 'stage'"):
        stages(log, column="stag")
    with pytest.raises(ArgumentError, match="not by both"):
        stages(log, column="stage", activities={"x": "A"})
    for wrong in ({}, ["x"]):
        with pytest.raises(ArgumentError, match="no activity is mapped"):
            stages(log, activities=wrong)
    with pytest.raises(ArgumentError, match="a stage is a text, got 1"):
        stages(log, activities={"x": 1})
    with pytest.raises(ArgumentError, match="closed stages: one name or several, not 5"):
        stages(log, closed=5)
    with pytest.raises(SchemaError, match="no activity 'y'"):
        stages(log, activities={"y": "A"})
    with pytest.raises(SchemaError, match=r"no stage 'Closed Wo'.*nearest: 'Closed Won'"):
        stages(log, closed=["Closed Wo"])
    with pytest.raises(SchemaError, match="no stage 'D'"):
        stages(log, order=["A", "D"])
    with pytest.raises(ArgumentError, match="in the order twice"):
        stages(log, order=["A", "A"])
    for wrong in ([], "A", 5):
        with pytest.raises(ArgumentError, match="an order is a sequence"):
            stages(log, order=wrong)
    for wrong, said in (("2023-01-01", "before the first event"), ("soon", "no instant")):
        with pytest.raises(ArgumentError, match=said):
            stages(log, until=wrong)
    with pytest.raises(LogError, match="no event says anything"):
        stages(log_of(("1", "x", 0, None)))
    many = log_of(*((f"{n}", "x", n % 9, f"s{n}") for n in range(501)))
    with pytest.raises(SchemaError, match="these are no stages"):
        stages(many)


def test_stages_that_no_case_is_in():
    rows = [("1", "Lead Captured", 0, None), ("2", "x", 9, "A")]
    found = stages(log_of(*rows), until="2024-01-02")
    assert (found.table.num_rows, found.notes) == (0, ["2 cases are in no stage"])
    assert (found.transitions.num_rows, found.stuck.num_rows, found.case_table.num_rows) == (0, 0, 0)
    one = stages(log_of(("1", "x", 0, "A")))
    assert one.table["note"].to_pylist()[0].startswith("no visit is completed; fewer than 10")
    assert one.order_support is None
    assert repr(one) == "Stages: A (learnt), told by 'stage'"
