"""`dealtrace warmup`: every kernel is compiled into the cache."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from dealtrace.commands.steps import Steps

if TYPE_CHECKING:
    from dealtrace_engine.warmup import Warmup


def run(arguments: argparse.Namespace) -> None:
    """Compile, then say what was compiled, where it is kept and how long it took."""
    import dealtrace as dt

    with Steps(visible=not arguments.quiet) as steps, steps.step("compile") as progress:
        done = dt.warm_up(progress)
    if arguments.json:
        answer = {
            "kernels": list(done.kernels), "compiled": done.compiled, "loaded": done.loaded,
            "folder": str(done.folder), "seconds": done.seconds,
        }  # fmt: skip
        json.dump(answer, sys.stdout, ensure_ascii=False)
        sys.stdout.write("\n")
    elif not arguments.quiet:
        _tell(done)


def _tell(done: Warmup) -> None:
    from dealtrace.commands.analyze import show
    from dealtrace.report.durations import readable
    from dealtrace.report.terminal import facts_table, heading

    forms = f"{done.compiled} compiled now, {done.loaded} were in the cache"
    facts = [("kernels", f"{len(done.kernels)}: {', '.join(done.kernels)}"), ("forms", forms),
             ("cache", str(done.folder)), ("took", readable(done.seconds))]  # fmt: skip
    show((heading("Warm-up"), facts_table(facts)))
