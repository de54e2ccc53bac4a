"""`dealtrace demo`: a lead-to-cash log is made, analysed and told."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dealtrace.commands.analyze import closing, show
from dealtrace.commands.steps import Steps
from dealtrace.report.analysis import analyse

if TYPE_CHECKING:
    import pyarrow as pa

    from dealtrace_engine.log import EventLog

EVENTS = "events.parquet"
OPPORTUNITIES = 20_000


def run(arguments: argparse.Namespace) -> None:
    """Make the log, write it with the result files, and say what is worth knowing."""
    from dealtrace.commands import demo_crm

    if arguments.crm is not None:
        demo_crm.run(arguments)
        return
    demo_crm.check_without_crm(arguments)
    _demonstrate(arguments)


def _demonstrate(arguments: argparse.Namespace) -> None:
    from dealtrace.report.deals import deal_sections
    from dealtrace.report.files import Run, write_files
    from dealtrace.report.findings import findings_section
    from dealtrace.report.result_folder import result_folder

    making = {"opportunities": arguments.opportunities or OPPORTUNITIES, "seed": arguments.seed,
              "language": arguments.lang}  # fmt: skip
    with Steps(visible=not arguments.quiet) as steps, result_folder(arguments.output) as folder:
        with steps.step("make"):
            events = _events(**making)
        with steps.step("read"):
            log = _log(events)
        analysis = analyse(log, None, None, steps.step, language=arguments.lang)
        with steps.step("write"):
            _write(events, folder / EVENTS)
            run = Run("demo", making, steps.seconds, title="Lead to cash")
            files = write_files(analysis, folder, run)
    if not arguments.quiet:
        told = [*deal_sections(analysis, arguments.lang)]
        if analysis.findings is not None:
            told += findings_section(analysis.findings, folder=arguments.output)
        ask = f"dealtrace analyze {Path(arguments.output) / EVENTS}"
        show((*told, *closing(arguments.output, files, steps.seconds), "", f"Ask more: {ask}"))


def _events(opportunities: int, seed: int, language: str) -> pa.Table:
    import dealtrace as dt

    return dt.lead_to_cash(opportunities, seed=seed, language=language).events


def _log(events: pa.Table) -> EventLog:
    import dealtrace as dt

    columns: dict[str, Any] = {"case_id": "case_id", "activity": "activity", "timestamp": "timestamp"}
    return dt.from_arrow(events, **columns)


def _write(events: pa.Table, path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(events, path, compression="zstd")
