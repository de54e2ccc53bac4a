"""Cases begin in their slice of the calendar; people's work moves forward into working hours."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_engine.synthetic.clock import EPOCH, EXPORT_S, start_times, working_time

EPOCH_TIME = datetime(EPOCH.year, EPOCH.month, EPOCH.day)


@given(st.integers(0, EXPORT_S), st.integers(-11, 12))
def test_work_is_done_on_weekdays_from_8_to_18_local_time(second: int, zone: int):
    moved = int(working_time(np.array([second]), np.array([zone * 3600]))[0])
    local = EPOCH_TIME + timedelta(seconds=moved, hours=zone)
    assert moved >= second
    assert local.weekday() < 5
    assert 8 <= local.hour < 18


@given(st.integers(0, EXPORT_S), st.integers(-11, 12))
def test_time_inside_of_working_hours_stays(second: int, zone: int):
    offset = np.array([zone * 3600])
    moved = working_time(np.array([second]), offset)
    assert working_time(moved, offset) == moved


@pytest.mark.parametrize("of", [1, 2, 1_000, 100_000_000])
def test_cases_begin_in_their_order_and_in_the_log(of: int):
    index = np.unique(np.linspace(0, of - 1, 1_000).astype(np.int64))
    earliest = start_times(index, index * 0, of)
    latest = start_times(index, index * 0 + (1 << 20) - 1, of)
    assert earliest[0] == 0
    assert (earliest <= latest).all()
    assert (latest[:-1] <= earliest[1:]).all()
    assert latest[-1] < EXPORT_S


def test_business_grows():
    starts = start_times(np.arange(10_000), np.zeros(10_000, np.int64), 10_000)
    assert (starts < EXPORT_S // 2).mean() < 0.47
