"""What token replay found, for files and for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dealtrace_engine.results import plain
from rich.console import RenderableType

from dealtrace.report.summary import facts_table, figures_table, heading

if TYPE_CHECKING:
    import pyarrow as pa
    from dealtrace_engine.analyses.token_replay import TokenReplay

TOP = 6
FITNESS = ("percentage_of_fitting_traces", "average_trace_fitness", "log_fitness")
TOKENS = ("produced", "consumed", "missing", "remaining")


def conformance(replay: TokenReplay) -> dict[str, Any]:
    """Return the figures of the log and where it differs from the model, ready for JSON.

    Fitness and token counts of each case and variant are in the Parquet files.
    """
    found = replay.diagnostics
    return {
        **{name: getattr(replay, name) for name in (*FITNESS, "fit_cases", *TOKENS)},
        "notes": list(replay.notes),
        "places": plain(found.places),
        "transitions": plain(found.transitions),
        "not_in_model": plain(found.unknown),
    }


def conformance_section(replay: TokenReplay, cases: int) -> Iterator[RenderableType]:
    """Give the three fitness figures by name, where tokens are missing or left, and what the model lacks."""
    found = replay.diagnostics
    fit = f"{replay.percentage_of_fitting_traces:.2f} % ({replay.fit_cases:,} of {cases:,} cases)"
    yield heading("Conformance by token replay")
    yield facts_table(
        (
            ("percentage of fitting traces", fit),
            ("average trace fitness", f"{replay.average_trace_fitness:.4f}"),
            ("log fitness", f"{replay.log_fitness:.4f}"),
            ("tokens", ", ".join(f"{getattr(replay, name):,} {name}" for name in TOKENS)),
            *(("note", note) for note in replay.notes if "is not in the model" not in note),
        )
    )
    for title, table, texts, figures in (
        ("Places where tokens are missing or remain", found.places, ["place"], ["missing", "remaining"]),
        ("Activities done too early", found.transitions, ["activity", "transition"], ["problems", "fired"]),
        ("Activities not in the model", found.unknown, ["activity"], ["events"]),
    ):
        rows = worst(table, figures)
        if rows:
            yield heading(title)
            cells = ([row[n] or "" for n in texts] + [f"{row[n]:,}" for n in figures] for row in rows)
            yield figures_table((*texts, *figures), cells, texts=len(texts))


def worst(table: pa.Table, figures: list[str]) -> list[dict[str, Any]]:
    """Return the rows with the largest figures that are not all zero; `fired` alone is no trouble."""
    counted = [name for name in figures if name != "fired"]
    rows = [row for row in table.to_pylist() if any(row[name] for name in counted)]
    return sorted(rows, key=lambda row: -sum(row[name] for name in counted))[:TOP]
