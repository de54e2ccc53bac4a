"""Calendars from TOML: one, or one for each value of an attribute; what is wrong, and where."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from dealtrace_engine.calendar import Calendars, WorkingCalendar
from dealtrace_engine.errors import ModelError, ParseError
from dealtrace_engine.models.calendar_file import read_calendar

ONE = """
zone = "Europe/Berlin"
hours = { mon-thu = ["08:00-12:00", "13:00-17:00"], fri = "08:00-13:00" }
holidays = [2024-05-01, "2024-12-25"]
"""
SEVERAL = """
by = "region"
[calendars.DACH]
zone = "Europe/Berlin"
[calendars."Far East"]
zone = "Asia/Tokyo"
[default]
zone = "UTC"
"""


def test_one_calendar(tmp_path):
    path = tmp_path / "office.toml"
    path.write_text(ONE, "utf-8")
    for given in (ONE, path, str(path)):
        found = read_calendar(given)
        assert isinstance(found, WorkingCalendar)
        assert list(map(str, found.holidays)) == [str(date(2024, 5, 1)), str(date(2024, 12, 25))]
        berlin = ZoneInfo("Europe/Berlin")
        worked = found.between(datetime(2024, 4, 30, tzinfo=berlin), datetime(2024, 5, 4, tzinfo=berlin))
        assert worked.total_seconds() == 3600 * (8 + 8 + 5)


def test_a_calendar_for_each_value():
    found = read_calendar(SEVERAL)
    assert isinstance(found, Calendars)
    zones = {value: calendar.zone for value, calendar in found.calendars.items()}
    assert (found.by, zones) == ("region", {"DACH": "Europe/Berlin", "Far East": "Asia/Tokyo"})
    assert found.default is not None
    assert found.default.zone == "UTC"
    assert read_calendar(SEVERAL.partition("[default]")[0]).default is None


@pytest.mark.parametrize(("text", "line", "said"), [
    ('\nzone = "Europe/Nowhere"\n', 2, "'zone'"),
    ('zone = "UTC"\n\nhours = { mon = "9-17" }\n', 3, "'hours'"),
    ('zone = "UTC"\nholiday = []\n', 2, "'holiday'.*no such key"),
    ('hours = { mon = "09:00-17:00" }\n', None, "with a zone"),
    ('by = 3\n[calendars.DACH]\nzone = "UTC"\n', 1, "'by'"),
    ('by = "region"\n', None, "'calendars'"),
    ('by = "region"\nzone = "UTC"\n[calendars.DACH]\nzone = "UTC"\n', 2, "'zone'"),
    ('by = "region"\n[calendars.DACH]\n\nzone = "Berlin"\n', 4, r"'calendars\.DACH\.zone'"),
    ('by = "region"\n[calendars.DACH]\nhours = {}\n', 2, r"'calendars\.DACH'.*with a zone"),
    ('by = "region"\ndefault = 3\n[calendars.DACH]\nzone = "UTC"\n', 2, "'default'.*with a zone"),
])  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(text, line, said):
    with pytest.raises(ModelError, match=said) as raised:
        read_calendar(text)
    assert raised.value.line == line


def test_what_is_no_toml(tmp_path):
    with pytest.raises(ParseError, match="cannot be read"):
        read_calendar(tmp_path / "none.toml")
    with pytest.raises(ParseError, match="not TOML") as raised:
        read_calendar('zone = "UTC"\nzone =\n')
    assert raised.value.line == 2
    (tmp_path / "latin.toml").write_bytes(b'zone = "\xe9"\n')
    with pytest.raises(ParseError, match="not UTF-8"):
        read_calendar(tmp_path / "latin.toml")
