"""What token replay found, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType

from dealtrace.report.summary import facts_table, heading

if TYPE_CHECKING:
    from dealtrace_engine.analyses.token_replay import TokenReplay

TOP = 5


def conformance_section(replay: TokenReplay, cases: int) -> Iterator[RenderableType]:
    """Give the three fitness figures by name, where tokens are missing or left, and what the model lacks."""
    yield heading("Conformance by token replay")
    tokens = (
        f"{getattr(replay, name):,} {name}" for name in ("produced", "consumed", "missing", "remaining")
    )
    yield facts_table(
        (
            (
                "fitting traces",
                f"{replay.percentage_of_fitting_traces:.1f} % ({replay.fit_cases:,} of {cases:,} cases)",
            ),
            ("average trace fitness", f"{replay.average_trace_fitness:.4f}"),
            ("log fitness", f"{replay.log_fitness:.4f}"),
            ("tokens", ", ".join(tokens)),
        )
    )
