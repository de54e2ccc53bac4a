"""Audit rows of small histories made by hand: what changedata says, and which rows there are."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from dealtrace_engine.synthetic.crm.dynamics_audit import Audited, changed_rows, four_places, state_action
from dealtrace_engine.synthetic.crm.dynamics_directory import Directory
from dealtrace_engine.synthetic.crm.dynamics_history import at_change, history
from dealtrace_engine.synthetic.crm.facts import facts

START = datetime(2025, 3, 3, 9, tzinfo=UTC)
COLUMNS = (
    Audited("statecode", "number"),
    Audited("won", "flag"),
    Audited("value", "money"),
    Audited("day", "day"),
    Audited("seen", "time"),
    Audited("note", "text"),
    Audited("ownerid", "systemuser"),
)
FIXED = (Audited("name", "text"), Audited("customerid", "account"))


def minutes(*numbers):
    times = [None if n is None else START + timedelta(minutes=n) for n in numbers]
    return pl.Series(times, dtype=pl.Datetime("us", "UTC"))


@pytest.fixture(scope="module")
def directory():
    return Directory(facts(20, seed=5))


@pytest.fixture
def made(directory):
    records = pl.DataFrame(
        {
            "key": [1, 2],
            "createdon": minutes(0, 0),
            "createdby": [3, 3],
            "name": ['A "quoted" \\ name', None],
            "customerid": ["11111111-0000-4000-8000-000000000000", None],
            "statecode": pl.Series([0, 0], dtype=pl.Int32),
            "won": [False, False],
            "value": [1234.5, 0.0],
            "day": [date(2025, 3, 9), date(2025, 3, 9)],
            "seen": minutes(0, 0),
            "note": ["", ""],
            "ownerid": ["aaaa", "aaaa"],
            "deletedon": minutes(None, 90),
            "deletedby": pl.Series([None, 4], dtype=pl.Int64),
        }
    )
    event = pl.DataFrame({"key": [1], "at": minutes(10), "by": [5]})
    later = pl.DataFrame({"key": [1], "at": minutes(20), "by": [5]})
    events = [
        at_change(event, "at", "by", 0, statecode=1, won=True, value=0.0625, day=date(2025, 12, 1),
                  seen=pl.col("at"), note="two\tlines", ownerid="bbbb"),
        at_change(later, "at", "by", 0, value=0.0625),
    ]  # fmt: skip
    return history("opportunity", "opportunityid", records, events, directory)


def rows(made, **options):
    action = pl.lit(2, pl.Int32)
    return changed_rows(made, COLUMNS, action, 5, FIXED, **options).sort("createdon", "operation")


def changes(text):
    return {c["logicalName"]: (c["oldValue"], c["newValue"]) for c in json.loads(text)["changedAttributes"]}


def test_values_are_written_as_dataverse_writes_them(made):
    update = rows(made).filter(pl.col("operation") == 2)
    assert len(update) == 1, "a version without a change is no audit row"
    assert changes(update["changedata"][0]) == {
        "statecode": ("0", "1"),
        "won": ("False", "True"),
        "value": ("1234.5000", "0.0625"),
        "day": ("03/09/2025 00:00:00", "12/01/2025 00:00:00"),
        "seen": ("03/03/2025 09:00:00", "03/03/2025 09:10:00"),
        "note": ("", "two\tlines"),
        "ownerid": ("systemuser,aaaa", "systemuser,bbbb"),
    }


def test_a_creation_tells_all_values_that_are_not_null(made):
    created = rows(made).filter(pl.col("operation") == 1)
    both = [changes(text) for text in created["changedata"]]
    told = next(one for one in both if "name" in one)
    assert told["name"] == (None, 'A "quoted" \\ name')
    assert told["customerid"] == (None, "account,11111111-0000-4000-8000-000000000000")
    assert told["statecode"] == (None, "0")
    assert sum("name" in one for one in both) == 1, "null columns are not told"


def test_a_deletion_is_a_row(made):
    (gone,) = rows(made).filter(pl.col("operation") == 3).to_dicts()
    assert gone["createdon"] == minutes(90)[0]
    assert gone["_user"] == 4
    assert gone["action"] == 3


def test_rows_point_to_their_record_and_have_ids_of_their_own(made):
    ids = dict(made.records.select("key", "opportunityid").rows())
    found = rows(made)
    assert found["auditid"].is_unique().all()
    assert set(found["objecttypecode"]) == {"opportunity"}
    assert set(found.filter(pl.col("operation") == 2)["objectid"]) == {ids[1]}


def test_gaps_of_a_table_and_of_a_column(made):
    during = pl.col("at") > START
    assert rows(made, gaps={None: during})["operation"].to_list() == [1, 1, 3]
    update = rows(made, gaps={"value": during}).filter(pl.col("operation") == 2)
    assert "value" not in changes(update["changedata"][0])
    assert "day" in changes(update["changedata"][0])


def test_a_version_whose_only_change_was_not_noticed_is_no_row(made):
    only_value = changed_rows(made, (Audited("value", "money"),), pl.lit(2), 5, (), {"value": pl.lit(True)})
    assert only_value["operation"].sort().to_list() == [1, 1, 3]


def test_actions_are_mixed_and_own_ones_fit():
    states = pl.DataFrame(
        {
            "_number": pl.Series(range(4000), dtype=pl.UInt32),
            "statecode": [1] * 4000,
            "statuscode": [3] * 4000,
            "statecode_last": [0, 1] * 2000,
            "statuscode_last": [1, 3] * 2000,
            "ownerid": ["a"] * 4000,
            "ownerid_last": ["a", "a", "a", "b"] * 1000,
        }
    )
    action = state_action(pl.lit(44), 5, "opportunity", owned=True)
    counts = {
        kind: dict(part.group_by("action").len().rows())
        for (kind,), part in states.with_columns(
            action.alias("action"), kind=pl.int_range(4000) % 4
        ).group_by("kind")
    }
    assert set(counts[0]) == {2, 41, 44}
    assert counts[0][41] > counts[0][2] > counts[0][44] / 2
    assert counts[1] == {2: 1000}
    assert counts[3] == {13: 1000}


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.0, "0.0000"), (0.1 + 0.2, "0.3000"), (12345678.9, "12345678.9000"), (7.0, "7.0000")],
)
def test_four_places(number, text):
    assert pl.select(four_places(pl.lit(number))).item() == text
