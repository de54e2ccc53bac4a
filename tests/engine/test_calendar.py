"""Working calendars: clocks that are set forward and back, holidays, and calendars that cannot be."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from dealtrace_engine.analyses.segments import segment_times
from dealtrace_engine.calendar import DAY, Calendars, WorkingCalendar, WorkingTime
from dealtrace_engine.errors import ArgumentError, SchemaError
from dealtrace_engine.sources.memory import from_arrow

ALWAYS = {"mon-sun": "00:00-24:00"}
HOUR = timedelta(hours=1)


def at(text, zone="Europe/Berlin"):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("hours", "source", "target", "worked"),
    [
        ({"mon-fri": "09:00-17:00"}, "2024-01-05 16:00", "2024-01-08 10:00", 2),  # over a weekend
        ({"fri-mon": "09:00-17:00"}, "2024-01-05 16:00", "2024-01-08 10:00", 18),
        ({"Monday": "08:00-12:00", "tue": ["13:00-17:00", "8:00-12:00"]}, "2024-01-01", "2024-01-08", 12),
        (ALWAYS, "2024-03-31 00:00", "2024-04-01 00:00", 23),  # clocks forward
        (ALWAYS, "2024-10-27 00:00", "2024-10-28 00:00", 25),  # and back
        ({"sun": "02:00-03:00"}, "2024-03-30 00:00", "2024-04-02 00:00", 0),  # an hour that there was not
        ({"sun": "02:00-03:00"}, "2024-10-26 00:00", "2024-10-29 00:00", 2),  # and one that there was twice
        ({"sun": "02:15-02:45"}, "2024-10-26 00:00", "2024-10-29 00:00", 1),
        ({"sun": "01:00-04:00"}, "2024-03-30 00:00", "2024-04-02 00:00", 2),
        ({"mon-fri": "09:00-17:00"}, "2024-01-06 10:00", "2024-01-07 10:00", 0),  # no work at all
    ],
)  # fmt: skip
def test_local_hours(hours, source, target, worked):
    assert WorkingCalendar("Europe/Berlin", hours).between(at(source), at(target)) == worked * HOUR


def test_the_first_instants_by_which_so_much_is_worked():
    calendars = [WorkingCalendar("Europe/Berlin"), WorkingCalendar("Asia/Tokyo", {"sun": ["01:00-02:00"]})]
    layout = WorkingTime.of(calendars, 19_800 * DAY, 19_900 * DAY)
    for number in (0, 1):
        work = np.linspace(1, int(layout.in_all[number]), 99).astype(np.int64)
        of, begin = np.full(len(work), number, dtype=np.int32), np.full(len(work), 19_800 * DAY)
        found = layout.instants(work, of)
        assert layout.between(begin, found, of).tolist() == work.tolist()
        assert layout.between(begin, found - 1, of).tolist() == (work - 1).tolist()
        assert layout.instants(0 * work[:1], of[:1]).tolist() == [19_800 * DAY]


def test_holidays_are_local_days():
    calendar = WorkingCalendar("Asia/Tokyo", {"mon-fri": "09:00-17:00"}, ["2024-01-01", date(2024, 1, 2)])
    first, last = at("2024-01-01", "Asia/Tokyo"), at("2024-01-04", "Asia/Tokyo")
    assert calendar.between(first, last) == 8 * HOUR
    assert calendar.between(last, last) == timedelta(0)


def test_years_cost_no_more_than_days():
    calendar = WorkingCalendar("UTC")
    assert (
        calendar.between(datetime(2000, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC))
        == 6260 * 8 * HOUR
    )
    layout = WorkingTime.of([calendar], 0, 20_000 * DAY)
    assert np.diff(layout.shift_of_day[0]).max() <= 1  # never more than a day's shifts to look at


def test_the_same_for_any_number_of_threads():
    rng = np.random.default_rng(1)
    sources = rng.integers(0, 1000 * DAY, 600_000)
    targets = sources + rng.integers(0, 100 * DAY, 600_000)
    layout = WorkingTime.of([WorkingCalendar("Europe/Rome")], 0, 1100 * DAY)
    own = np.zeros(600_000, np.int32)
    one, three = (layout.between(sources, targets, own, threads=n) for n in (1, 3))
    assert one.tobytes() == three.tobytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("Europe/Berlln",), "nearest: 'Europe/Berlin'"),
        ((None,), "no such time zone"),
        (("UTC", {}), "without working hours"),
        (("UTC", {"mon": []}), "without working hours"),
        (("UTC", {"mon": "17:00-09:00"}), "end before they begin; a shift over midnight is two"),
        (("UTC", {"mon": "09:00-09:00"}), "end before they begin"),
        (("UTC", {"mon": ["09:00-13:00", "12:00-17:00"]}), "Monday overlap"),
        (("UTC", {"mon-fri": "09:00-13:00", "wed": "09:00-10:00"}), "Wednesday is named twice"),
        (("UTC", {"mondey": "09:00-13:00"}), "nearest: 'monday'"),
        (("UTC", {"mon": "9-13"}), "no time of day"),
        (("UTC", {"mon": "09:00-24:30"}), "no time of day"),
        (("UTC", {"mon": "09:70-12:30"}), "no time of day"),
        (("UTC", {"mon": "09:00"}), "shifts such as"),
        (("UTC", {"mon": 9}), "shifts such as"),
        (("UTC", {"mon": [9]}), "shifts such as"),
        (("UTC", "09:00-17:00"), "weekdays to shifts"),
        (("UTC", ALWAYS, ["2024-02-30"]), "no day"),
        (("UTC", ALWAYS, [7]), "no day"),
        (("UTC", ALWAYS, "2024-02-03"), "several days"),
        (("UTC", ALWAYS, 3), "several days"),
        (("UTC", ALWAYS, None), "several days"),
    ],
)
def test_calendars_that_cannot_be(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        WorkingCalendar(*arguments)


def test_a_zone_that_there_is_not_is_told_with_those_near_it():
    with pytest.raises(ArgumentError) as error:
        WorkingCalendar("Europe/Berln")
    assert "'Europe/Berlin'" in str(error.value)
    assert "Africa" not in str(error.value)


@pytest.mark.parametrize("when", [datetime(2024, 1, 1), date(2024, 1, 1), "2024-01-01", None])
def test_instants_without_a_time_zone(when):
    with pytest.raises(ArgumentError, match="a datetime with a time zone"):
        WorkingCalendar("UTC").between(at("2024-01-01"), when)


def test_instants_beyond_all_calendars():
    with pytest.raises(ArgumentError, match="years 2 to 9998"):
        WorkingTime.of([WorkingCalendar("UTC")], 0, 2_932_800 * DAY)


LOG = from_arrow(pa.table({
    "case": ["1", "1", "2", "2", "3"], "activity": ["a", "b", "a", "b", "a"],
    "time": ["2024-01-05T16:00:00Z", "2024-01-08T10:00:00Z"] * 2 + ["2024-01-05T16:00:00Z"],
    "region": ["DACH", "DACH", "Japan", "Japan", None],
}))  # fmt: skip
BERLIN, TOKYO = WorkingCalendar("Europe/Berlin"), WorkingCalendar("Asia/Tokyo")


def seconds(calendar, **more):
    return segment_times(LOG, [("a", "b")], calendar=calendar, **more).times()["seconds"].to_pylist()


def test_each_region_by_its_calendar():
    assert seconds(BERLIN) == [2 * 3600, 2 * 3600, None]
    both = Calendars({"DACH": BERLIN, "Japan": TOKYO, "Mars": TOKYO}, by="region", default=BERLIN)
    assert seconds(both) == [2 * 3600, 8 * 3600, None]
    result = segment_times(LOG, [("a", "b")], calendar=both, by="region")
    assert result.table["p50_s"].to_pylist() == [7200, 28800, None]


def test_calendars_of_cases_that_cannot_be():
    with pytest.raises(ArgumentError, match=r"no calendar for '\(none\)' in 'region'; give a default="):
        seconds(Calendars({"DACH": BERLIN, "Japan": TOKYO}, by="region"))
    with pytest.raises(SchemaError, match="no column"):
        seconds(Calendars({"DACH": BERLIN}, by="regoin"))
    with pytest.raises(ArgumentError, match="WorkingCalendar or Calendars"):
        seconds("Europe/Berlin")
    with pytest.raises(ArgumentError, match="values to working calendars"):
        Calendars({}, by="region")
    with pytest.raises(ArgumentError, match="a calendar is a WorkingCalendar"):
        Calendars({"DACH": "Europe/Berlin"}, by="region")
    for by in (None, ["region"]):
        with pytest.raises(ArgumentError, match="by one attribute"):
            Calendars({"DACH": BERLIN}, by=by)


def test_a_log_where_nothing_is_measured():
    empty = segment_times(LOG, [("x", "y")], calendar=BERLIN, missing=True)
    assert empty.table["cases"].to_pylist() == [0]
