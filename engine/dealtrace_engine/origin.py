"""Where a log comes from and what was noticed on the way."""

from __future__ import annotations

from dataclasses import dataclass, field

from dealtrace_engine.coverage import Coverage
from dealtrace_engine.quality import Finding
from dealtrace_engine.schema import Roles
from dealtrace_engine.source import Source


@dataclass(frozen=True)
class Origin:
    """Where a log comes from and what was noticed on the way.

    Attributes
    ----------
    source : Source
        The rows it was made from.
    roles : Roles
        Which source column played which role.
    rows_read : int
    dropped, noted : list of Finding
    time_zones : dict of str to int
    notes : list of str
        See `Quality`.
    timezone, timestamp_format : str or None
        As given by the caller; they hold for the start timestamps too.
    coverage : Coverage or None
        Of a log that was made of a CRM export.
    """

    source: Source
    roles: Roles
    rows_read: int
    dropped: list[Finding] = field(default_factory=list)
    noted: list[Finding] = field(default_factory=list)
    time_zones: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    timezone: str | None = None
    timestamp_format: str | None = None
    coverage: Coverage | None = None
