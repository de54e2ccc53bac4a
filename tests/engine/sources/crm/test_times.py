"""Texts of dates and times, several ways of writing in one column, against Python's own reading."""

from datetime import UTC, date, datetime, timedelta, timezone
from random import Random
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from dealtrace_engine.sources.crm.times import days, instants

WAYS = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%dT%H:%M:%S.%f+0000", "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S.%f0+00:00", "%m/%d/%Y %I:%M:%S %p", "%Y-%m-%dT%H:%M:%S",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_any_mixture_of_ways_in_one_column(seed):
    random = Random(seed)
    at = [datetime(2000, 1, 1) + timedelta(seconds=random.randrange(10**9)) for _ in range(200)]
    texts = [when.strftime(random.choice(WAYS)) for when in at]
    found = instants(pl.Series("At", texts), "UTC")
    assert found.name == "At"
    assert found.to_list() == [when.replace(tzinfo=UTC) for when in at]


def test_times_without_an_offset_are_in_the_zone_and_others_are_not_moved():
    found = instants(pl.Series(["2024-07-01 12:00:00", "2024-07-01T12:00:00+02:00", None]), "Asia/Tokyo")
    tokyo = datetime(2024, 7, 1, 12, tzinfo=ZoneInfo("Asia/Tokyo"))
    berlin = datetime(2024, 7, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert found.to_list() == [tokyo, berlin, None]


def test_the_earlier_of_two_instants_and_none_where_the_clock_skipped_it():
    found = instants(pl.Series(["2024-10-27 02:30:00", "2024-03-31 02:30:00"]), "Europe/Berlin")
    assert found.to_list() == [datetime(2024, 10, 27, 0, 30, tzinfo=UTC), None]


def test_a_day_is_the_day_that_is_written():
    texts = ["2024-01-01T00:30:00+02:00", "2024-01-01T23:30:00-05:00", "1969-12-31", "12/31/1999 11:00:00 PM"]
    assert days(pl.Series(texts)).to_list() == [
        date(2024, 1, 1), date(2024, 1, 1), date(1969, 12, 31), date(1999, 12, 31),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["soon", "2024-13-01", "2024-02-30 10:00:00", "13/1/2024", "", "2024-01-01 10"]
)
def test_what_is_no_time_is_none(text):
    assert instants(pl.Series([text]), "UTC").to_list() == [None]
    assert days(pl.Series([text])).to_list() == [None]


def test_no_rows_and_only_nulls():
    for texts in (pl.Series("a", [], pl.String), pl.Series("a", [None, None], pl.String)):
        assert instants(texts, "Europe/Berlin").to_list() == texts.to_list()
        assert days(texts).to_list() == texts.to_list()
