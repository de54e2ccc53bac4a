"""What was read, what was dropped and why, and what looks odd in a log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from dealtrace_engine.coverage import Coverage

FIRST_ROWS = 5
"""How many row numbers of each kind of finding are kept."""


@dataclass
class Finding:
    """Rows of one kind.

    Attributes
    ----------
    reason : str
        What is the matter with them, such as ``"null case_id"``.
    count : int
        How many rows.
    first_rows : list of int
        The first few, counted from 1 after the header.
    example : str or None
        The value in the first of them.
    """

    reason: str
    count: int = 0
    first_rows: list[int] = field(default_factory=list)
    example: str | None = None

    def add(self, count: int, rows: Sequence[int], example: object = None) -> None:
        """Count further rows; `rows` are the first of them (from 1), in order."""
        if self.count == 0 and example is not None:
            self.example = str(example)
        self.count += count
        self.first_rows += [int(row) for row in rows[: FIRST_ROWS - len(self.first_rows)]]


def by_first_row(findings: Iterable[Finding]) -> list[Finding]:
    """Sort findings by the first row that shows them: an order that does not depend on how rows were read."""
    return sorted(findings, key=lambda finding: (finding.first_rows[:1], finding.reason))


@dataclass(frozen=True)
class Quality:
    """The quality report of a log.

    Attributes
    ----------
    rows_read, rows_kept : int
        Data rows of the source, and those that became events.
    dropped : list of Finding
        Rows left out, by reason. The counts add up to ``rows_read - rows_kept``.
    noted : list of Finding
        Rows kept, with something to know about them, such as an ambiguous local time.
    tied_timestamps : int
        Events with the same timestamp as the event before them in their case.
    duplicates : int
        Events equal to an earlier one in case, activity and timestamp.
    time_zones : dict of str to int
        UTC offset or zone as written in the source, to rows; ``"naive"`` where there is none.
    columns : dict of str to dict
        Role to the source column and how it was chosen.
    notes : list of str
        How the source was read: delimiter, encoding, formats.
    coverage : Coverage or None
        Of a log that was made of a CRM export: how far it can tell what happened.
    """

    rows_read: int
    rows_kept: int
    dropped: list[Finding]
    noted: list[Finding]
    tied_timestamps: int
    duplicates: int
    time_zones: dict[str, int]
    columns: dict[str, dict[str, str]]
    notes: list[str]
    coverage: Coverage | None = None

    @property
    def rows_dropped(self) -> int:
        """Rows left out, for whatever reason."""
        return self.rows_read - self.rows_kept

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values, ready for JSON."""
        return {**asdict(self), "rows_dropped": self.rows_dropped}
