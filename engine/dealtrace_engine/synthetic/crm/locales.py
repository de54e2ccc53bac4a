"""How users of each language see dates, times and numbers."""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGES = ("en", "de", "fr", "it", "ja", "zh")
ORGANISATION_ZONE = "Europe/Berlin"
"""Of the synthetic organisation: its days, where a system keeps days, begin at midnight there."""


@dataclass(frozen=True)
class Locale:
    """How a user's locale writes dates, times and numbers, and the character set of its exports.

    Attributes
    ----------
    day, time : str
        Formats, as `strftime` takes them.
    decimal : str
    zone : str
        IANA name of the zone that such a user is likely to be in.
    encoding : str
        Of a report that is exported without choosing one.
    """

    day: str
    time: str
    decimal: str
    zone: str
    encoding: str


LOCALES = {
    "en": Locale("%-m/%-d/%Y", "%-I:%M %p", ".", "America/New_York", "iso-8859-1"),
    "de": Locale("%d.%m.%Y", "%H:%M", ",", "Europe/Berlin", "iso-8859-1"),
    "fr": Locale("%d/%m/%Y", "%H:%M", ",", "Europe/Paris", "iso-8859-1"),
    "it": Locale("%d/%m/%Y", "%H:%M", ",", "Europe/Rome", "iso-8859-1"),
    "ja": Locale("%Y/%m/%d", "%-H:%M", ".", "Asia/Tokyo", "cp932"),
    "zh": Locale("%Y-%-m-%-d", "%-H:%M", ".", "Asia/Shanghai", "gb2312"),
}
