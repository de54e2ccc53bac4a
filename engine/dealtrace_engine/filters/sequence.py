"""Conditions on the whole sequence of activities."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from dealtrace_engine.filters.activities import activity_code
from dealtrace_engine.filters.expressions import Expression, Mask
from dealtrace_engine.filters.values import text
from dealtrace_engine.log import EventLog
from dealtrace_engine.patterns.pattern import Pattern, compile_pattern


@dataclass(frozen=True, repr=False)
class Matches(Expression):
    """Cases that match a sequence pattern; the grammar is at the top of `dealtrace_engine.patterns`."""

    pattern: str
    op: ClassVar[str] = "pattern"

    def __post_init__(self) -> None:
        self._set(pattern=str(compile_pattern(text(self.pattern, "the pattern"))))

    @cached_property
    def _compiled(self) -> Pattern:
        return compile_pattern(self.pattern)

    def mask(self, log: EventLog, threads: int | None = None) -> Mask:
        """Return the cases that match."""
        for activity in self._compiled.activities:
            activity_code(log, activity)
        return self._compiled.matches(log, threads=threads, allow_unknown=True)
