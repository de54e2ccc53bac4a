"""What token replay found, for files and for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType

from dealtrace.report.terminal import facts_table, figures_table, heading
from dealtrace_engine.results import plain

if TYPE_CHECKING:
    import pyarrow as pa

    from dealtrace_engine.analyses.token_replay import TokenReplay
    from dealtrace_engine.models.petri_net import PetriNet

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


def conformance_section(replay: TokenReplay, net: PetriNet, cases: int) -> Iterator[RenderableType]:
    """Give the three fitness figures by name, where tokens are missing or left, and what the model lacks."""
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
    yield from _where(replay, net)


def _where(replay: TokenReplay, net: PetriNet) -> Iterator[RenderableType]:
    found = replay.diagnostics
    if worst_places := worst(found.places, ("missing", "remaining")):
        yield heading("Where tokens are missing (skipped or too early) or remain (not gone on)")
        rows = (
            (*_between(r["place"], net), _number(r["missing"]), _number(r["remaining"])) for r in worst_places
        )
        yield figures_table(("place", "after", "before", "missing", "remaining"), rows, texts=3)
    if fired := worst(found.transitions, ("problems",)):
        yield heading("Activities done when the model did not allow them")
        done = (
            (r["activity"] or r["transition"], _number(r["problems"]), _number(r["fired"])) for r in fired
        )
        yield figures_table(("activity", "not allowed", "of"), done)
    if unknown := worst(found.unknown, ("events",)):
        yield heading("Activities not in the model")
        yield figures_table(("activity", "events"), ((r["activity"], _number(r["events"])) for r in unknown))


def _number(count: int) -> str:
    return f"{count:,}"


def _between(place: str, net: PetriNet) -> tuple[str, str, str]:
    """Return a place with the activities right before and after it."""
    labels = {transition.id: transition.label or "(silent)" for transition in net.transitions}
    before = dict.fromkeys(labels[arc.source] for arc in net.arcs if arc.target == place)
    after = dict.fromkeys(labels[arc.target] for arc in net.arcs if arc.source == place)
    return place, ", ".join(before) or "(start)", ", ".join(after) or "(end)"


def worst(table: pa.Table, figures: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows with the largest sums of these figures, none where all are zero."""
    rows = [row for row in table.to_pylist() if any(row[name] for name in figures)]
    return sorted(rows, key=lambda row: -sum(row[name] for name in figures))[:TOP]
