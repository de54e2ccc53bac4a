"""`dealtrace analyze`: a summary on stdout and, where wanted, a folder of result files."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dealtrace.commands.inputs import open_input, read_filter, read_hours, reading_parameters
from dealtrace.commands.steps import Steps
from dealtrace.report.analysis import Analysis, analyse, document
from dealtrace_engine.errors import ArgumentError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from dealtrace_engine.filters.expressions import Expression
    from dealtrace_engine.models.petri_net import PetriNet

AMOUNTS = ("value", "currency")
"""Options that name columns."""


def run(arguments: argparse.Namespace) -> None:
    """Read, analyse, write the files, then say what was found."""
    from dealtrace.report.files import write_files
    from dealtrace.report.result_folder import result_folder

    files: list[str] = []
    inputs = [*arguments.paths, *filter(None, (arguments.net, arguments.calendar))]
    with Steps(visible=not arguments.quiet) as steps, ExitStack() as stack:
        output = arguments.output
        folder = stack.enter_context(result_folder(output, inputs)) if output else None
        net, expression = _net(arguments.net), read_filter(arguments.filter)
        calendar = read_hours(arguments.calendar)
        with steps.step("read") as progress:
            log = open_input(arguments, progress)
        if expression is not None:
            with steps.step("filter"):
                log = log.filter(expression, threads=arguments.threads)
        asked = arguments.findings or log.origin.coverage is not None
        told = {"value": arguments.value, "currency": arguments.currency, "calendar": calendar}
        unasked = [] if asked else [f"--{name}" for name, given in told.items() if given is not None]
        if unasked:
            raise ArgumentError(
                f"{' and '.join(unasked)} only for what sales asks", hint="give --findings too"
            )
        language = (arguments.lang or "en") if asked else None
        analysis = analyse(log, net, arguments.threads, steps.step, language=language, **told)
        if folder is not None and asked:
            from dealtrace.report.lead_to_cash import answers

            analysis = replace(analysis, lead_to_cash=answers(log, arguments.threads, steps.step, **told))
        if folder is not None:
            with steps.step("write"):
                files = write_files(analysis, folder, _run(arguments, expression, steps))
    if arguments.json:
        answer = {
            **document(analysis),
            "output": _written(arguments.output, files),
            "timings_s": steps.seconds,
        }
        json.dump(answer, sys.stdout, ensure_ascii=False, allow_nan=False)
        sys.stdout.write("\n")
    elif not arguments.quiet:
        show((*sections(analysis, arguments.output), *closing(arguments.output, files, steps.seconds)))


def _net(path: str | None) -> PetriNet | None:
    if path is None:
        return None
    import dealtrace as dt

    return dt.read_pnml(path)


def _run(arguments: argparse.Namespace, expression: Expression | None, steps: Steps) -> Any:
    from dealtrace.report.files import Run
    from dealtrace_engine.sources.files import InputFile

    parameters = {"paths": arguments.paths, **reading_parameters(arguments), "threads": arguments.threads}
    parameters |= {name: getattr(arguments, name) for name in AMOUNTS if getattr(arguments, name)}
    inputs: list[dict[str, object]] = []
    if expression is not None:
        parameters["filter"] = json.loads(expression.to_json())
    if arguments.net:
        parameters["net"] = arguments.net
        inputs.append({**InputFile.at(arguments.net).describe(), "role": "model"})
    if arguments.calendar:
        parameters["calendar"] = arguments.calendar
        inputs.append({**InputFile.at(arguments.calendar).describe(), "role": "calendar"})
    return Run("analyze", parameters, steps.seconds, inputs, title=Path(arguments.paths[0]).name)


def _written(output: str | None, files: Sequence[str]) -> dict[str, Any] | None:
    return None if output is None else {"folder": str(Path(output).resolve()), "files": list(files)}


def sections(analysis: Analysis, output: str | None = None) -> Iterator[RenderableType]:
    """Yield every section of the summary of what is written to the folder `output`, if any."""
    from dealtrace.report import summary
    from dealtrace.report.conformance import conformance_section
    from dealtrace.report.coverage import coverage_section
    from dealtrace.report.findings import findings_section

    yield from summary.log_section(analysis.log)
    yield from summary.quality_section(analysis.log.quality, summary.FEW_NOTES)
    yield from coverage_section(analysis.log.quality, short=True)
    if analysis.findings is not None:
        yield from findings_section(analysis.findings, folder=output)
    yield from summary.map_section(analysis)
    yield from summary.variant_section(analysis)
    yield from summary.throughput_section(analysis)
    if analysis.replay is not None and analysis.net is not None:
        yield from conformance_section(analysis.replay, analysis.net, analysis.log.cases)


def closing(output: str | None, files: Sequence[str], seconds: dict[str, float]) -> Iterator[RenderableType]:
    """Say where the files are and how long it took."""
    from rich.text import Text

    from dealtrace.report.durations import readable
    from dealtrace.report.terminal import facts_table, heading, safe

    slowest = sorted(seconds.items(), key=lambda item: -item[1])[:3]
    spent = ", ".join(f"{step} {readable(took)}" for step, took in slowest)
    names = ", ".join(files) if output else "none written; add -o FOLDER for tables, map and manifest"
    yield heading("Files and time")
    yield facts_table((("took", f"{readable(sum(seconds.values()))} ({spent})"), ("files", names)))
    if output:
        yield Text(f"written to {safe(Path(output).resolve())}")


def show(parts: Sequence[RenderableType], whole: bool = False) -> None:
    """Print to stdout; text outside of tables keeps its lines, so that a path stays whole.

    Parameters
    ----------
    parts : sequence of RenderableType
    whole : bool
        Whether nothing of a table is cut: where it needs more than the width, lines are longer.
    """
    from rich.measure import Measurement
    from rich.table import Table

    from dealtrace.report.terminal import WIDE, console

    out = console(whole)
    width = out.width
    for part in parts:
        if whole and isinstance(part, Table):
            out.width = max(width, Measurement.get(out, out.options.update_width(WIDE), part).minimum)
        out.print(part, soft_wrap=not isinstance(part, Table))
        out.width = width
