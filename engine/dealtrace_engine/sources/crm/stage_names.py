"""What stages are called now, from first to last, and what they were called before."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True)
class FormerStage:
    """A name of a stage that history has and the CRM has no longer.

    Attributes
    ----------
    name : str
    last : date
        When a record last came to it.
    now : str or None
        What it seems to be called now; None where that cannot be told.
    """

    name: str
    last: date
    now: str | None


@dataclass(frozen=True)
class StageNames:
    """The stages of an export.

    Attributes
    ----------
    order : list of str
        Those that there are now, from first to last.
    former : list of FormerStage
    """

    order: list[str]
    former: list[FormerStage] = field(default_factory=list)
