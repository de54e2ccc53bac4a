"""Versions of records put together from small changes made by hand, and the ids that they get."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from dealtrace_engine.synthetic.crm.dynamics_codes import OPTIONS, STATUSES, option_of, stringmap
from dealtrace_engine.synthetic.crm.dynamics_directory import Directory, local_day, local_midnight
from dealtrace_engine.synthetic.crm.dynamics_guids import below, guid, guids
from dealtrace_engine.synthetic.crm.dynamics_history import at_change, history
from dealtrace_engine.synthetic.crm.facts import facts

START = datetime(2025, 3, 3, 9, tzinfo=UTC)
GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


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
            "createdon": minutes(0, 1),
            "createdby": [3, 4],
            "name": ["first", "second"],
            "statecode": pl.Series([0, 0], dtype=pl.Int32),
            "amount": [10.0, 20.0],
            "deletedon": minutes(None, 50),
            "deletedby": pl.Series([None, 6], dtype=pl.Int64),
        }
    )
    frame = pl.DataFrame(
        {"key": [1, 2, 1], "at": minutes(30, 20, 10), "by": [5, 5, 3], "amount": [12.0, 21.0, 11.0]}
    )
    closed = pl.DataFrame({"key": [1], "at": minutes(30), "by": [5]})
    events = [
        at_change(frame, "at", "by", 0, amount=pl.col("amount")),
        at_change(closed, "at", "by", 0, statecode=1),
        at_change(closed, "at", "by", 7, statecode=2),
    ]
    doubled = (pl.col("amount") * 2).alias("doubled")
    return history("opportunity", "opportunityid", records, events, directory, [doubled])


def test_guids_are_version_four_distinct_and_the_same_every_time():
    made = guids("lead", range(2000), seed=1)
    assert made.n_unique() == 2000
    assert all(GUID.fullmatch(text) for text in made)
    assert made.equals(guids("lead", range(2000), seed=1))
    assert not set(made) & set(guids("lead", range(2000), seed=2))
    assert not set(made) & set(guids("opportunity", range(2000), seed=1))
    assert guid("lead", 17, 1) == made[17]


def test_guids_of_nulls_and_repeats():
    keys = pl.Series([5, None, 5, 9], dtype=pl.Int64)
    made = guids("quote", keys, seed=1)
    assert made[1] is None
    assert made[0] == made[2] == guid("quote", 5, 1)
    assert made[3] == guid("quote", 9, 1)


def test_a_directory_gives_the_same_guids_as_the_function_and_shares_them(directory):
    keys = pl.Series([4, None, 2, 4], dtype=pl.Int64)
    assert directory.guids("quote", keys).equals(guids("quote", keys, 5))
    assert directory.guids("quote", pl.Series([900_000_000_000])).equals(guids("quote", [900_000_000_000], 5))
    assert directory.guids("contact", pl.Series([None], dtype=pl.Int64)).to_list() == [None]


def test_draws_stay_below_their_bound_and_are_spread():
    drawn = below("anything", pl.Series(range(10_000)), 3, 10)
    counts = drawn.value_counts()["count"]
    assert drawn.min() == 0
    assert drawn.max() == 9
    assert counts.min() > 850
    assert counts.max() < 1150


def test_versions_carry_values_forward_and_one_transaction_is_one_version(made):
    rows = made.versions.select("key", "at", "statecode", "amount", "doubled").rows()
    assert rows == [
        (1, minutes(0)[0], 0, 10.0, 20.0),
        (1, minutes(10)[0], 0, 11.0, 22.0),
        (1, minutes(30)[0], 1, 12.0, 24.0),  # amount and state together
        (1, minutes(30)[0], 2, 12.0, 24.0),  # a later step of the same second
        (2, minutes(1)[0], 0, 20.0, 40.0),
        (2, minutes(20)[0], 0, 21.0, 42.0),
    ]


def test_the_current_row_is_the_last_version_of_what_was_not_deleted(made):
    (row,) = made.current().to_dicts()
    assert (row["name"], row["statecode"], row["amount"]) == ("first", 2, 12.0)
    assert (row["modifiedon"], row["modifiedby"], row["createdby"]) == (minutes(30)[0], 5, 3)


def test_rows_end_with_the_deletion(made):
    rows = made.rows()
    gone = rows.filter("IsDelete")
    assert gone.select("key", "modifiedon", "modifiedby", "amount").rows() == [(2, minutes(50)[0], 6, 21.0)]
    assert len(rows) == 7
    assert rows["versionnumber"].n_unique() == 7
    for _, versions in rows.group_by("key"):
        ordered = versions.sort("versionnumber")
        assert ordered["modifiedon"].is_sorted()
        assert not ordered["IsDelete"][:-1].any()


def test_a_null_in_an_event_leaves_the_value_as_it_is(directory):
    records = pl.DataFrame({"key": [1], "createdon": minutes(0), "createdby": [1], "a": ["x"], "b": ["y"]})
    event = pl.DataFrame({"key": [1], "at": minutes(5), "by": [1]})
    change = at_change(event, "at", "by", 0, a="z", b=pl.lit(None, pl.String))
    made = history("lead", "leadid", records, [change], directory)
    assert made.versions.select("a", "b").rows() == [("x", "y"), ("z", "y")]


def test_days_begin_at_the_midnight_of_the_organisation():
    late = pl.DataFrame(
        {"at": [datetime(2025, 5, 20, 22, 30, tzinfo=UTC), datetime(2025, 1, 9, 22, 30, tzinfo=UTC)]}
    )
    days = late.select(day=local_day(pl.col("at")), midnight=local_midnight(pl.col("at")))
    assert [str(day) for day in days["day"]] == ["2025-05-21", "2025-01-09"]
    assert days["midnight"].to_list() == [
        datetime(2025, 5, 20, 22, tzinfo=UTC),
        datetime(2025, 1, 8, 23, tzinfo=UTC),
    ]


def test_labels_of_options_and_states():
    maps = stringmap(seed=1)
    labels = {
        (table, column, value): label
        for table, column, value, label in maps.select(
            "objecttypecode", "attributename", "attributevalue", "value"
        ).rows()
    }
    assert len(labels) == len(maps)
    assert maps["stringmapid"].is_unique().all()
    assert labels["opportunity", "statecode", 2] == "Lost"
    assert labels["invoice", "statuscode", 100002] == "Partial"
    assert labels["lead", "leadsourcecode", option_of("lead", "leadsourcecode")["Partner"]] == "Partner"
    assert all(set(options) for options in OPTIONS.values())
    for statuses in STATUSES.values():
        assert {state for state, _ in statuses.reasons.values()} <= set(statuses.states)
