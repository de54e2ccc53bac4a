"""The latest instants of columns, from what is known of them once the bytes of the files were looked at."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.tables import Kind

if TYPE_CHECKING:
    from datetime import datetime

_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?")


def latest_of(parts: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the latest instants of columns in all parts of an object.

    Parameters
    ----------
    parts : sequence of mapping of str to str
        Columns to the latest instant of the part, where all are written in one form, as text.

    Returns
    -------
    dict
        Those columns that all parts have in one form, in which the later instant is the greater text.

    Examples
    --------
    >>> latest_of([{"at": "2024-01-05 10:00:00", "on": "5.1.2024"}, {"at": "2024-01-12 09:00:00"}])
    {'at': '2024-01-12 09:00:00'}
    >>> latest_of([{"at": "2024-01-05 10:00:00"}, {"at": "2024-01-05T10:00:00.000Z"}])
    {}
    """
    found = {}
    for column in parts[0]:
        texts = [part.get(column, "") for part in parts]
        matches = [_ISO.fullmatch(text) for text in texts]
        if len({match and (match[1], len(match[0]), match[0][10]) for match in matches}) == 1 and matches[0]:
            found[column] = max(texts)
    return found


def as_instants(latest: Mapping[str, Mapping[str, str]], zone: str) -> dict[tuple[str, str], datetime]:
    """Return object and column to the instant, without those that cannot be read.

    Parameters
    ----------
    latest : mapping of str to mapping of str to str
        Object and column to the text.
    zone : str
        IANA name of the zone of times without an offset.
    """
    import polars as pl

    from dealtrace_engine.sources.crm.values import value

    texts = {(name, column): text for name, columns in latest.items() for column, text in columns.items()}
    frame = pl.DataFrame({"at": list(texts.values())}, {"at": pl.String})
    read = frame.select(value("at", Kind.INSTANT, pl.String(), zone))["at"]
    return {place: at for place, at in zip(texts, read, strict=True) if at is not None}
