"""`dealtrace demo --crm`: a synthetic organisation as a CRM exports it, with the truth beside it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dealtrace.commands.analyze import show
from dealtrace.commands.steps import Steps
from dealtrace_engine.errors import ArgumentError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from dealtrace_engine.synthetic.crm.writing import Organisation

DEALS = 2_000
_MOST_TABLES = 8


def run(arguments: argparse.Namespace) -> None:
    """Write the organisation, and say what is in it and how to analyse it."""
    from dealtrace_engine.synthetic.crm.writing import write_organisation

    deals = arguments.opportunities or DEALS
    with Steps(visible=not arguments.quiet) as steps, steps.step("make and write") as progress:
        made = write_organisation(
            arguments.crm, arguments.shape, deals, arguments.seed, arguments.output,
            language=arguments.lang, packaged=arguments.packages, progress=progress,
        )  # fmt: skip
    if not arguments.quiet:
        show((*sections(made, arguments.lang), *_closing(made, sum(steps.seconds.values()))))


def check_without_crm(arguments: argparse.Namespace) -> None:
    """Refuse what only goes with `--crm`.

    Raises
    ------
    ArgumentError
        A shape or packages were asked for.
    """
    for option in ("shape", "packages"):
        if getattr(arguments, option):
            raise ArgumentError(f"--{option} is for a CRM", hint="add --crm salesforce or --crm dynamics")


def sections(made: Organisation, language: str) -> Iterator[RenderableType]:
    """Yield what was made and what was planted in it."""
    from dealtrace.report.terminal import facts_table, figures_table, heading
    from dealtrace_engine.sources.labels import activity_label

    events = {name: sum(counts[name] for counts in made.events.values()) for name in ("events", "derivable")}
    share = events["derivable"] / max(events["events"], 1)
    largest = sorted(made.rows.items(), key=lambda item: (-item[1], item[0]))
    tables = ", ".join(f"{name} {rows:,}" for name, rows in largest[:_MOST_TABLES])
    yield heading("Organisation")
    yield facts_table(
        (
            ("system", f"{made.system.title()}, {made.shape}"),
            ("deals", f"{made.deals:,} asked for, seed {made.seed}"),
            ("export", f"{made.files:,} files, {made.size / 1e6:,.1f} MB"),
            ("tables", f"{len(made.rows)} with {sum(made.rows.values()):,} rows: {tables}, ..."),
            ("events", f"{events['events']:,} happened, {share:.1%} of them left a trace in the export"),
        )
    )
    lost = [
        (activity_label(name, language), f"{counts['events']:,}", f"{counts['derivable']:,}")
        for name, counts in sorted(made.events.items())
        if counts["derivable"] < counts["events"]
    ]
    if lost:
        yield heading("Not all of it can be found")
        yield figures_table(("activity", "happened", "in the export"), lost)
    yield heading("Planted findings")
    yield facts_table(_findings(made.planted["findings"]))


def _findings(findings: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for name, finding in findings.items():
        who = finding.get("name") or f"{len(finding['accounts'])} customers"
        figures = ", ".join(
            f"{key.replace('_', ' ')} {_readable(value)}"
            for key, value in finding.items()
            if key not in ("name", "accounts")
        )
        yield name.replace("_", " "), f"{who}: {figures}"


def _readable(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def _closing(made: Organisation, seconds: float) -> Iterator[RenderableType]:
    """Say where it is, what is beside it, and the command that analyses it."""
    from dealtrace.report.durations import readable
    from dealtrace.report.terminal import facts_table, heading, safe
    from dealtrace_engine.synthetic.crm.writing import EXPORT, PLANTED, TRUTH

    zone = f" --timezone {made.zone}" if made.zone else ""
    yield heading("Files and time")
    yield facts_table(
        (
            ("took", readable(seconds)),
            (f"{EXPORT}/", "what the CRM exports"),
            (TRUTH, "the events as they happened, and which of them the export tells; not read by analyze"),
            (PLANTED, "what was put in, with its size"),
        )
    )
    yield f"written to {safe(Path(made.folder).resolve())}"
    yield ""
    yield f"Ask: dealtrace analyze {safe(made.folder / EXPORT)}{zone}"
