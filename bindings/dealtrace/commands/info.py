"""`dealtrace info`: what a log is, and how good its data are."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from dealtrace.commands.analyze import show
from dealtrace.commands.inputs import input_format, open_input
from dealtrace.commands.steps import Steps
from dealtrace.report.analysis import log_facts
from dealtrace_engine.errors import LogError, ParseError

if TYPE_CHECKING:
    from dealtrace_engine.log import EventLog


def run(arguments: argparse.Namespace) -> None:
    """Read the log and describe it; with --verify, check the content of dealtrace's own file first."""
    own = input_format(arguments.paths, arguments.crm) == "dealtrace"
    if arguments.verify and not own:
        raise ParseError("--verify is for .dealtrace files", file=arguments.paths[0], hint="leave it out")
    with Steps(visible=not (arguments.json or arguments.quiet)) as steps, steps.step("read") as progress:
        log = open_input(arguments, progress)
        if arguments.verify:
            _verify(log)
    verified = {"verified": True} if arguments.verify else {}
    if arguments.json:
        format_ = input_format(arguments.paths, arguments.crm)
        answer = {"format": format_, **verified, "log": log_facts(log), "quality": log.quality.to_dict()}
        json.dump(answer, sys.stdout, ensure_ascii=False, allow_nan=False)
        sys.stdout.write("\n")
    elif not arguments.quiet:
        _tell(log, arguments.verify)


def _verify(log: EventLog) -> None:
    from dealtrace_engine.store import verify

    problems = verify(log)
    if problems:
        raise LogError("; ".join(problems), file=log.origin.source.label, hint="import the source again")


def _tell(log: EventLog, verified: bool) -> None:
    from dealtrace.report.coverage import coverage_section
    from dealtrace.report.summary import log_section, quality_section
    from dealtrace.report.terminal import facts_table

    rest = [("attributes", ", ".join(log.attribute_names) or "none"), ("fingerprint", log.fingerprint)]
    if verified:
        rest.append(("verified", "every column is what was saved"))
    show(
        (*log_section(log), facts_table(rest), *quality_section(log.quality), *coverage_section(log.quality))
    )
