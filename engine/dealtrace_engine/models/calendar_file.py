"""The calendar file: TOML, the hours of everyone, or of each region or person.

::

    zone = "Europe/Berlin"
    hours = { mon-thu = ["08:00-12:00", "13:00-17:00"], fri = "08:00-13:00" }   # else 9 to 17
    holidays = [2026-01-01, 2026-12-25]

::

    by = "region"                      # an attribute of the case

    [calendars.DACH]
    zone = "Europe/Berlin"

    [calendars.Japan]
    zone = "Asia/Tokyo"

    [default]                          # of other regions; without it, such cases are an error
    zone = "UTC"
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dealtrace_engine.calendar import Calendars, WorkingCalendar
from dealtrace_engine.errors import DealtraceError, ModelError
from dealtrace_engine.output import PathLike
from dealtrace_engine.schema import nearest
from dealtrace_engine.toml_files import key_lines, read_toml

KEYS = ("zone", "hours", "holidays")
SEVERAL = ("by", "calendars", "default")
Wrong = Callable[[str, str, str | None], ModelError]
"""Makes an error of a key (empty: all of it), what is wrong, and a hint."""


def read_calendar(source: PathLike) -> WorkingCalendar | Calendars:
    r"""Read a calendar, or those of the values of an attribute.

    Parameters
    ----------
    source : path or str
        A TOML file, or its text, which has more than one line.

    Returns
    -------
    WorkingCalendar or Calendars

    Raises
    ------
    ParseError
        There is no such file, or it is no TOML; with the line.
    ModelError
        A key is not known or has a value that cannot be; with file, line and key.

    Examples
    --------
    >>> read_calendar('zone = "Europe/Paris"\nhours = { mon-fri = "09:00-17:00" }\n').zone
    'Europe/Paris'
    >>> read_calendar('by = "region"\n[calendars.France]\nzone = "Europe/Paris"\n').by
    'region'
    """
    content, text, file = read_toml(source, "the calendar")
    lines = key_lines(text)

    def wrong_in(*table: str) -> Wrong:
        def wrong(key: str, what: str, hint: str | None) -> ModelError:
            path = (*table, key) if key else table
            line = lines.get(path) or lines.get(table)
            named = f"key {'.'.join(path)!r}: " if path else ""
            return ModelError(f"{named}{what}", file=file, line=line, hint=hint)

        return wrong

    if not {"by", "calendars"} & content.keys():
        return calendar_of(content, wrong_in())
    _known(content, SEVERAL, wrong_in())
    by, given = content.get("by"), content.get("calendars")
    if not isinstance(by, str):
        raise wrong_in()("by", f"an attribute of the case, not {by!r}", 'such as by = "region"')
    if not isinstance(given, Mapping) or not given:
        raise wrong_in()("calendars", "a table for each value of the attribute", "such as [calendars.DACH]")
    calendars = {value: calendar_of(one, wrong_in("calendars", value)) for value, one in given.items()}
    default = content.get("default")
    return Calendars(calendars, by, None if default is None else calendar_of(default, wrong_in("default")))


def calendar_of(given: Any, wrong: Wrong) -> WorkingCalendar:
    """Return the calendar that a table of TOML describes.

    Raises
    ------
    ModelError
        As `wrong` makes it.
    """
    if not isinstance(given, Mapping) or "zone" not in given:
        raise wrong("", "a calendar is a table with a zone", 'such as zone = "Europe/Berlin"')
    _known(given, KEYS, wrong)
    made: dict[str, Any] = {}
    for key in (key for key in KEYS if key in given):  # one by one, so that the wrong one is known
        made[key] = given[key]
        try:
            calendar = WorkingCalendar(**made)
        except DealtraceError as error:
            raise wrong(key, error.what, error.hint) from error
    return calendar


def _known(given: Mapping[str, Any], known: tuple[str, ...], wrong: Wrong) -> None:
    for key in given:
        if key not in known:
            raise wrong(key, "there is no such key", nearest(known, key, "keys"))
