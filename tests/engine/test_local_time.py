"""Local time to UTC, against zoneinfo one value at a time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dealtrace_engine.errors import SchemaError
from dealtrace_engine.local_time import LocalTime
from naive import timestamps as naive

ZONES = ["Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]
HOUR = 3_600_000_000
SPRING = 1_585_447_200_000_000  # 2020-03-29 02:00 in Berlin: skipped
AUTUMN = 1_603_591_200_000_000  # 2020-10-25 02:00 in Berlin: shown twice


def converted(local, zone):
    utc, nonexistent, ambiguous = zone.to_utc(np.array(local, np.int64))
    states = np.where(nonexistent, "nonexistent", np.where(ambiguous, "ambiguous", "ok"))
    return list(zip(states.tolist(), utc.tolist(), strict=True))


def test_gap_and_fold():
    berlin = LocalTime("Europe/Berlin")
    local = [
        SPRING - 1,
        SPRING,
        SPRING + HOUR - 1,
        SPRING + HOUR,
        AUTUMN - 1,
        AUTUMN,
        AUTUMN + HOUR - 1,
        AUTUMN + HOUR,
    ]
    states = ["ok", "nonexistent", "nonexistent", "ok", "ok", "ambiguous", "ambiguous", "ok"]
    assert [state for state, _ in converted(local, berlin)] == states
    assert converted([AUTUMN], berlin) == [("ambiguous", AUTUMN - 2 * HOUR)]  # the earlier of the two


def test_a_day_that_never_was():
    dateline = 1_325_203_200_000_000  # 2011-12-30 00:00: Samoa went from the 29th to the 31st
    local = [dateline - 1, dateline, dateline + 24 * HOUR - 1]
    assert [s for s, _ in converted(local, LocalTime("Pacific/Apia"))] == [
        "ok",
        "nonexistent",
        "nonexistent",
    ]


instants = st.one_of(
    st.integers(naive.EARLIEST, naive.LATEST),
    st.integers(0, 2_000_000_000_000_000),
    st.sampled_from([0, naive.EARLIEST, naive.LATEST]),
    st.builds(int.__add__, st.sampled_from([SPRING, AUTUMN]), st.integers(-2 * HOUR, 2 * HOUR)),
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(ZONES), st.lists(st.lists(instants, max_size=6), min_size=1, max_size=3))
def test_equals_the_twin_whatever_came_before(name, chunks):
    zone = LocalTime(name)
    for local in chunks:
        assert converted(local, zone) == [naive.to_utc(value, name) for value in local]


def test_every_minute_around_every_change_of_some_years():
    for name in ZONES:
        for year in (1916, 1980, 2011, 2024, 2100):
            first = (year - 1970) * 365 * 24 * HOUR
            hours = range(first, first + 400 * 24 * HOUR, HOUR // 2)
            assert converted(hours, LocalTime(name))[::7] == [naive.to_utc(v, name) for v in hours[::7]]


@pytest.mark.parametrize("name", ["Europe/Atlantis", "", "../passwd", "Europe", "a\0b"])
def test_no_such_zone(name):
    with pytest.raises(SchemaError, match="no such time zone"):
        LocalTime(name)
