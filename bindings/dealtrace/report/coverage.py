"""How far a CRM export can tell what happened, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType

from dealtrace.report.terminal import facts_table, heading

if TYPE_CHECKING:
    from dealtrace_engine.quality import Quality

IN_SHORT = ("export", "exported", "objects", "horizon", "known since", "closings", "no history", "odd times",
            "orphans", "leads", "migrated", "currencies", "order", "ambiguous")  # fmt: skip
"""What of the report is told beside an analysis; `dealtrace info` tells all of it."""
MOST_NAMED = 8


def coverage_section(quality: Quality, short: bool = False) -> Iterator[RenderableType]:
    """Say how far a log can be trusted that was made of a CRM export; nothing for other logs."""
    coverage = quality.coverage
    if coverage is None:
        return
    facts = [fact for fact in coverage.lines() if not short or fact[0] in IN_SHORT]
    if short and coverage.underivable:
        names = list(coverage.underivable)
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        facts.append(("cannot tell", f"{', '.join(names[:MOST_NAMED])}{more}; dealtrace info says why"))
    if short and coverage.unmapped:
        found = ", ".join(f"{len(values):,} of {column}" for column, values in coverage.unmapped.items())
        facts.append(("unmapped", f"values that nothing is known of: {found}; see dealtrace mapping"))
    yield heading("Coverage of the export")
    yield facts_table(facts)
