"""The audit table of a synthetic organisation: what it tells agrees with the tables, where it may tell it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import polars as pl
import pytest

from dealtrace_engine.synthetic.crm.dynamics_auditing import CHANGES, CREATIONS, GAPS, KEPT_SINCE, audited
from dealtrace_engine.synthetic.crm.dynamics_tables import dynamics_tables, versions
from dealtrace_engine.synthetic.crm.facts import facts

PRIMARY = {"opportunitysalesprocess", "leadtoopportunitysalesprocess"}


def key_of(table):
    return "businessprocessflowinstanceid" if table in PRIMARY else f"{table}id"


@pytest.fixture(scope="module")
def made():
    return facts(2500, seed=9)


@pytest.fixture(scope="module")
def tables(made):
    return dynamics_tables(made)


@pytest.fixture(scope="module")
def told(tables):
    """Every changed attribute of every audit row: table, record, at, action, operation, name, old, new."""
    rows = []
    audit = tables["audit"].filter(pl.col("changedata").is_not_null()).sort("createdon", maintain_order=True)
    for row in audit.iter_rows(named=True):
        for change in json.loads(row["changedata"])["changedAttributes"]:
            rows += [
                (row["objecttypecode"], row["objectid"], row["createdon"], row["action"], row["operation"],
                 change["logicalName"], change["oldValue"], change["newValue"])
            ]  # fmt: skip
    names = ["table", "record", "at", "action", "operation", "name", "old", "new"]
    return pl.DataFrame(rows, names, orient="row")


def written(value, kind):
    """Return a value as changedata has it."""
    if value is None:
        return None
    if kind == "number":
        return str(value)
    if kind == "flag":
        return str(value)
    if kind == "money":
        return f"{value:.4f}"
    if kind == "day":
        return f"{value:%m/%d/%Y} 00:00:00"
    if kind == "time":
        return f"{value:%m/%d/%Y %H:%M:%S}"
    return value if kind == "text" else f"{kind},{value}"


@pytest.mark.parametrize("table", CHANGES)
def test_the_last_change_told_of_a_column_is_its_value(tables, told, table):
    rows = {row[key_of(table)]: row for row in tables[table].iter_rows(named=True)}
    gaps = [gap.column for gap in GAPS if gap.table == table]
    checked = 0
    for column in CHANGES[table]:
        if None in gaps or column.name in gaps:
            continue
        mine = told.filter((pl.col("table") == table) & (pl.col("name") == column.name))
        for record, new in mine.group_by("record", maintain_order=True).agg(pl.col("new").last()).rows():
            if record in rows:
                assert new == written(rows[record][column.name], column.kind)
                checked += 1
    assert checked or None in gaps


@pytest.mark.parametrize("table", CHANGES)
def test_a_change_begins_with_what_the_one_before_ended_with(told, table):
    gaps = {gap.column for gap in GAPS if gap.table == table}
    mine = told.filter((pl.col("table") == table) & ~pl.col("name").is_in(list(gaps - {None})))
    before = pl.col("new").shift(1).over("record", "name")
    known = pl.int_range(pl.len()).over("record", "name") > 0
    broken = mine.with_columns(before.alias("before"), known.alias("known")).filter(
        pl.col("known") & pl.col("old").ne_missing(pl.col("before"))
    )
    assert len(broken) == 0 or (None in gaps and len(broken) < 0.05 * len(mine))


@pytest.mark.parametrize("table", CHANGES)
def test_every_version_that_should_be_told_is(made, tables, told, table):
    rows = versions(made)[table]
    key = key_of(table)
    rows = rows.filter(~pl.col("IsDelete")).sort(key, "versionnumber")
    mine = told.filter(pl.col("table") == table)
    for column in CHANGES[table]:
        value, last = pl.col(column.name), pl.col(column.name).shift(1).over(key)
        first = pl.col("modifiedon") == pl.col("createdon")
        changed = rows.filter(
            value.ne_missing(last) & audited(table, pl.col("modifiedon"), column.name) & ~first
        ).select(key, "modifiedon")
        updates = mine.filter((pl.col("name") == column.name) & (pl.col("operation") == 2))
        updates = updates.join(rows.select(key, "createdon").unique(key), left_on="record", right_on=key)
        updates = updates.filter(pl.col("at") != pl.col("createdon"))
        assert sorted(changed.rows()) == sorted(updates.select("record", "at").rows()), column.name


def test_nothing_is_told_before_the_log_was_cut_or_inside_of_gaps(tables, told):
    assert tables["audit"]["createdon"].min() == KEPT_SINCE
    for gap in GAPS:
        inside = told.filter(
            (pl.col("table") == gap.table) & pl.col("at").is_between(gap.begin, gap.end, "left")
        )
        if gap.column:
            inside = inside.filter(pl.col("name") == gap.column)
        assert len(inside) == 0


def test_starting_and_stopping_is_told(tables):
    switches = tables["audit"].filter(pl.col("action") > 100).sort("createdon")
    assert switches.select("action", "objecttypecode").rows() == [
        (111, "audit"),
        (105, "opportunitysalesprocess"),
        (105, "leadtoopportunitysalesprocess"),
        (109, "opportunity"),
        (106, "opportunity"),
        (108, "invoice"),
        (105, "invoice"),
    ]
    assert switches["changedata"].null_count() == len(switches)


def test_actions_of_state_changes_are_mostly_set_state_and_update(tables, told):
    states = told.filter((pl.col("name") == "statecode") & (pl.col("operation") == 2))
    shares = dict(states.group_by("action").agg(pl.len() / len(states)).rows())
    assert shares[41] + shares[2] > 0.6
    assert {21, 22, 23, 24, 25, 44, 45} <= set(shares)
    won = states.filter(pl.col("action") == 44)
    assert set(zip(won["table"], won["new"], strict=True)) == {("opportunity", "1"), ("quote", "2")}
    assert set(states.filter(pl.col("action") == 24)["table"]) == {"lead"}


def test_deletions_are_told(made, tables):
    gone = tables["audit"].filter(pl.col("operation") == 3)
    deals = gone.filter(pl.col("objecttypecode") == "opportunity")
    assert 0 < len(deals) <= made["opportunities"]["deleted"].sum()
    assert not set(deals["objectid"]) & set(tables["opportunity"]["opportunityid"])


def test_creations_tell_columns_that_never_change(tables, told):
    for table, columns in CREATIONS.items():
        mine = told.filter((pl.col("table") == table) & pl.col("name").is_in([c.name for c in columns]))
        assert set(mine["operation"]) == {1}
        assert len(mine)


def test_times_are_judged_one_by_one():
    times = pl.DataFrame({"at": [datetime(2025, 6, 1, tzinfo=UTC), datetime(2025, 6, 10, tzinfo=UTC),
                                 datetime(2024, 6, 30, tzinfo=UTC)]})  # fmt: skip
    at = pl.col("at")
    assert times.select(audited("invoice", at)).to_series().to_list() == [True, False, False]
    assert times.select(audited("quote", at)).to_series().to_list() == [True, True, False]
    assert not times.select(audited("task", at)).to_series().any()
    spring = pl.DataFrame({"at": [datetime(2025, 2, 20, tzinfo=UTC)]})
    column = "estimatedclosedate"
    assert spring.select(audited("opportunity", at, column)).item() is False
    assert spring.select(audited("opportunity", at)).item() is True
