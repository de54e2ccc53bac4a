"""`dealtrace mapping`: how an export of a CRM is to be understood, proposed from its data."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dealtrace.commands.inputs import CRMS, input_format
from dealtrace.commands.steps import Steps
from dealtrace_engine.errors import OutputError, ParseError


def run(arguments: argparse.Namespace) -> None:
    """Look at the export, and write the mapping file or print it."""
    from dealtrace_engine.output import written_whole
    from dealtrace_engine.sources.crm.proposal import proposed_mapping
    from dealtrace_engine.sources.crm.system import crm_system

    source = Path(arguments.path)
    _check(arguments.output, source)
    kind = input_format([arguments.path], arguments.crm)
    if kind not in CRMS:
        raise ParseError("is no export of a CRM", file=source, hint="say which with --crm")
    with Steps(visible=not arguments.quiet) as steps, steps.step("look"):
        text = proposed_mapping(crm_system(kind), source, arguments.shape)
    if arguments.output is None:
        sys.stdout.write(text)
        return
    with written_whole(arguments.output) as temporary:
        temporary.write_text(text, "utf-8")
    if not arguments.quiet:
        use = f"dealtrace analyze {source} --mapping {arguments.output}"
        sys.stdout.write(f"written to {arguments.output}; edit it, then: {use}\n")


def _check(output: str | None, source: Path) -> None:
    if output is not None and Path(output).is_dir():
        raise OutputError("is a folder", file=output, hint="name a file")
    if output is not None and Path(output).resolve() == source.resolve():
        raise OutputError("is the export itself", file=output, hint="name another file")
