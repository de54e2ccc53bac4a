"""Columns are recognised by priority; a tie within one level is an error for a column that must be there."""

from __future__ import annotations

import pytest

from dealtrace_engine.errors import SchemaError
from dealtrace_engine.schema import BY_ROLE, COLUMNS, recognise

XES = {column.role: column.xes for column in COLUMNS if column.required}


def test_xes_keys_come_first():
    names = ["Activity", "Case ID", "time", *XES.values()]
    roles = recognise(names, {})
    assert {role: roles[role] for role in XES} == XES
    assert set(roles.chosen.values()) == {"XES key"}


@pytest.mark.parametrize("name", ["case_id", "Case ID", "case-id", "CASEID", "Case_Id"])
def test_names_are_folded(name):
    assert recognise([name, "activity", "timestamp"], {})["case_id"] == name


@pytest.mark.parametrize(("role", "name"), [(c.role, n) for c in COLUMNS if c.recognised for n in c.names])
def test_every_usual_name_is_recognised(role, name):
    others = [column.role for column in COLUMNS if column.required and column.role != role]
    assert recognise([name, *others], {})[role] == name


def test_the_role_comes_before_other_names():
    assert recognise(["case", "case_id", "activity", "timestamp"], {})["case_id"] == "case_id"


def test_given_names_win_and_are_not_taken_twice():
    roles = recognise(["case", "Key", "activity", "time", "date"], {"case_id": "Key", "timestamp": "date"})
    assert (roles["case_id"], roles["timestamp"], roles.chosen["case_id"]) == ("Key", "date", "given")


def test_ties_are_an_error_only_where_a_column_must_be():
    with pytest.raises(SchemaError, match="'time' and 'date' all look like the timestamp"):
        recognise(["case", "activity", "time", "date"], {})
    assert recognise(["case", "activity", "time", "user", "owner"], {}).get("resource") is None


def test_order_is_never_recognised():
    assert "order" not in recognise(["case", "activity", "time", "order"], {})
    assert recognise(["case", "activity", "time", "order"], {"order": "order"})["order"] == "order"


def test_given_columns_must_be_there_once():
    with pytest.raises(SchemaError, match="nearest: 'Aktivität'"):
        recognise(["case", "Aktivität", "time"], {"activity": "Aktivitat"})
    with pytest.raises(SchemaError, match="2 columns are called 'x'"):
        recognise(["x", "x", "activity", "time"], {"case_id": "x"})


def test_no_columns_at_all_and_very_many():
    with pytest.raises(SchemaError, match="columns found: none"):
        recognise([], {})
    with pytest.raises(SchemaError, match="100 in all"):
        recognise([f"c{i}" for i in range(100)], {})


def test_roles_are_documented():
    assert all(column.meaning and column.unit for column in BY_ROLE.values())
