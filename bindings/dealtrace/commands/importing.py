"""`dealtrace import`: a log becomes dealtrace's own file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from dealtrace.commands.analyze import show
from dealtrace.commands.inputs import SUFFIXES, open_input
from dealtrace.commands.steps import Steps
from dealtrace_engine.errors import OutputError

if TYPE_CHECKING:
    from dealtrace_engine.log import EventLog


def run(arguments: argparse.Namespace) -> None:
    """Read, save, and say what was kept."""
    target = Path(arguments.output)
    _check(target, arguments.paths)
    with Steps(visible=not arguments.quiet) as steps:
        with steps.step("read") as progress:
            log = open_input(arguments, progress)
        with steps.step("write"):
            names = _columns(arguments.columns, log)
            log.save(target, columns=names)
    if not arguments.quiet:
        _tell(log, target, names, sum(steps.seconds.values()))


def _check(target: Path, paths: list[str]) -> None:
    if not target.name.lower().endswith(SUFFIXES["dealtrace"]):
        raise OutputError(
            "the name of dealtrace's own file ends in .dealtrace", file=target, hint="rename it"
        )
    if target.is_dir():
        raise OutputError("is a folder", file=target, hint="name a file")
    if any(target.resolve() == Path(path).resolve() for path in paths):
        raise OutputError("is the input itself", file=target, hint="name another file")


def _columns(wanted: str, log: EventLog) -> list[str]:
    if wanted == "all":
        return list(log.attribute_names)
    names = [] if wanted == "none" else [name for name in wanted.split(",") if name]
    return [log.attribute(name).name for name in names]


def _tell(log: EventLog, target: Path, names: list[str], seconds: float) -> None:
    from dealtrace.report.coverage import coverage_section
    from dealtrace.report.durations import readable
    from dealtrace.report.summary import log_section, quality_section
    from dealtrace.report.terminal import facts_table, safe

    kept = ", ".join(f"{name} (per {log.attribute(name).level})" for name in names)
    columns = facts_table([("other columns", kept or "none")])
    written = f"written to {safe(target)}: {target.stat().st_size / 1e6:,.1f} MB in {readable(seconds)}"
    quality = (*quality_section(log.quality), *coverage_section(log.quality, short=True))
    show((*log_section(log), *quality, "", columns, written))
