"""Working time, against a count minute by minute; run compiled and interpreted."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dealtrace_engine.calendar import MINUTE, WorkingCalendar, WorkingTime
from dealtrace_engine.kernels.working_time import elapsed
from naive import working_time as naive

pytestmark = pytest.mark.kernels
SPRING = 28_531_800  # 2024-03-31 10:00 UTC: Berlin has set its clocks forward
FALL = 28_833_480  # 2024-10-27 12:00 UTC: and back
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")


@st.composite
def weeks(draw):
    """Shifts in minutes for some weekdays, without overlaps."""
    week = {}
    for weekday in draw(st.sets(st.integers(0, 6), min_size=1)):
        marks = sorted(draw(st.sets(st.integers(0, 48), min_size=2, max_size=4)))
        cuts = [30 * mark for mark in marks][: len(marks) // 2 * 2]
        week[weekday] = list(zip(cuts[::2], cuts[1::2], strict=True))
    return week


def clock(minute):
    return f"{minute // 60:02}:{minute % 60:02}"


def calendar_of(zone, week, holidays=()):
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    hours = {names[day]: [f"{clock(a)}-{clock(b)}" for a, b in own] for day, own in week.items()}
    return WorkingCalendar(zone, hours, holidays)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(ZONES), weeks(), weeks(), st.sampled_from([SPRING, FALL]),
    st.lists(st.tuples(st.integers(-2000, 2000), st.integers(0, 2500)), min_size=1, max_size=3),
    st.booleans(),
)  # fmt: skip
def test_elapsed(zone, week, other, around, spans, free):
    holidays = [date(2024, 3, 30), date(2024, 10, 28)] if free else []
    calendars = [calendar_of("UTC", other), calendar_of(zone, week, holidays)]
    sources = np.array([around + start for start, _ in spans]) * MINUTE
    targets = sources + np.array([length for _, length in spans]) * MINUTE
    layout = WorkingTime.of(calendars, int(sources.min()), int(targets.max()))
    for number, (name, hours, off) in enumerate([("UTC", other, []), (zone, week, holidays)]):
        out = np.full(len(spans), -1)
        for pair in range(len(spans)):
            elapsed(
                sources, targets, np.full(len(spans), number, np.int32), pair, pair + 1, layout.first_day,
                layout.begins, layout.ends, layout.worked, layout.shift_offsets, layout.shift_of_day, out,
            )  # fmt: skip
        expected = [
            naive.elapsed(
                naive.instant(around + start), naive.instant(around + start + length), name, hours, off
            )
            for start, length in spans
        ]
        assert (out // MINUTE).tolist() == expected
