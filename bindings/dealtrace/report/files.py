"""The files of a result folder, by their fixed names."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dealtrace.report.process_map import process_map, process_map_svg
from dealtrace.report.result_folder import MADE_BY, MANIFEST
from dealtrace.report.schemas import documented

if TYPE_CHECKING:
    import pyarrow as pa

    from dealtrace.report.analysis import Analysis
    from dealtrace_engine.log import EventLog
    from dealtrace_engine.results import Result

MANIFEST_FORMAT = 1
LIBRARIES = ("numpy", "numba", "pyarrow", "polars")


@dataclass(frozen=True)
class Run:
    """How an analysis was made, for the manifest.

    Attributes
    ----------
    command : str
    parameters : mapping of str to object
    timings : mapping of str to float
        Step to seconds.
    inputs : sequence of mapping
        Paths with sizes and hashes.
    title : str
        Of the picture.
    """

    command: str
    parameters: Mapping[str, Any]
    timings: Mapping[str, float]
    inputs: Sequence[Mapping[str, Any]] = field(default_factory=list)
    title: str = "Process map"


def write_files(analysis: Analysis, folder: Path, run: Run) -> list[str]:
    """Write every file and then the manifest, which lists whatever is in the folder; return the names.

    Raises
    ------
    OSError
        The disk does not take them.
    """
    without = {"conformance.json": analysis.replay is None,
               "coverage.json": analysis.log.quality.coverage is None}  # fmt: skip
    for name, write in WRITERS.items():
        if not without.get(name):
            write(analysis, folder / name)
    if analysis.findings is not None:
        from dealtrace.report.findings import write_findings

        write_findings(analysis.findings, folder)
    if analysis.lead_to_cash is not None:
        from dealtrace.report.lead_to_cash import write_answers

        write_answers(analysis.lead_to_cash, folder)
    (folder / "process_map.svg").write_text(process_map_svg(analysis.follows, title=run.title), "utf-8")
    names = sorted(file.name for file in folder.iterdir())
    _write_json(manifest(analysis, folder, run, names), folder / MANIFEST)
    return [*names, MANIFEST]


def manifest(analysis: Analysis, folder: Path, run: Run, names: Sequence[str]) -> dict[str, Any]:
    """Return what was read, by which versions, with which parameters, and what was written."""
    log = analysis.log
    return {
        "made_by": MADE_BY,
        "format": MANIFEST_FORMAT,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": run.command,
        "parameters": dict(run.parameters),
        "inputs": [*log.origin.source.describe(), *run.inputs],
        "log": {"fingerprint": log.fingerprint, "events": log.events, "cases": log.cases},
        **_crm(log),
        "definitions": [answer.definition for answer in analysis.answers],
        "versions": versions(),
        "timings_s": {step: round(seconds, 6) for step, seconds in run.timings.items()},
        "files": [_described(folder / name) for name in names],
    }


def _crm(log: EventLog) -> dict[str, Any]:
    coverage = log.quality.coverage
    if coverage is None:
        return {}
    told = {
        name: getattr(coverage, name) for name in ("system", "shape", "how_recognised", "exported", "zone")
    }
    return {"crm": told}


def versions() -> dict[str, str]:
    """Return the versions of dealtrace, Python and the libraries that numbers depend on."""
    from dealtrace import __version__

    libraries = {name: importlib.metadata.version(name) for name in LIBRARIES}
    return {"dealtrace": __version__, "python": platform.python_version(), **libraries}


def _described(file: Path) -> dict[str, Any]:
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"name": file.name, "bytes": file.stat().st_size, "sha256": digest}


def case_table(analysis: Analysis) -> pa.Table:
    """Return one row per case, in the order of the log.

    case_id: text; variant: id in variants.parquet; events: int64; start, end: timestamp (UTC) of the first
    and last event; throughput_s: float64; where the log was replayed: fit and fitness; where it was made of a
    CRM export: the attributes of the case.
    """
    import numpy as np
    import pyarrow as pa

    from dealtrace_engine.buffers import arrow, table

    log = analysis.log
    offsets = log.case_offsets
    utc = pa.timestamp("us", tz="UTC")
    columns: dict[str, Any] = {
        "case_id": log.case_ids,
        "variant": analysis.variants.cases["variant"],
        "events": np.diff(offsets),
        "start": arrow(log.timestamps[offsets[:-1]], utc),
        "end": arrow(log.timestamps[offsets[1:] - 1], utc),
        "throughput_s": analysis.throughput.table["seconds"],
    }
    if analysis.replay is not None:
        replayed = analysis.replay.cases
        columns |= {name: replayed[name] for name in ("fit", "fitness")}
    if log.quality.coverage is not None:
        named = {attribute.name: attribute for attribute in log.kept.values() if attribute.level == "case"}
        columns |= {
            f"case_{name}" if name in columns else name: attribute.values for name, attribute in named.items()
        }
    return table(columns)


def variant_table(analysis: Analysis) -> pa.Table:
    """Return one row per variant, in the order of `Variants.table`.

    The columns of `Variants.table`; where the log was replayed: fit, fitness, produced, consumed, missing,
    remaining.
    """
    table = analysis.variants.table
    if analysis.replay is not None:
        for name in ("fit", "fitness", "produced", "consumed", "missing", "remaining"):
            table = table.append_column(name, analysis.replay.table[name])
    return table


def _write_json(content: Any, path: Path) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")


def _write_parquet(table: pa.Table, path: Path, result: Result, text: str) -> None:
    """Write a table with what it is: `text` of the docstrings, and what `result` it is of."""
    import pyarrow.parquet as pq

    from dealtrace.report.schemas import labelled

    told = labelled(table, text, question=path.stem, definition=result.definition,
                    log_fingerprint=result.log_fingerprint)  # fmt: skip
    pq.write_table(told, path, compression="zstd")


def _conformance(analysis: Analysis) -> dict[str, Any]:
    from dealtrace.report.conformance import conformance

    assert analysis.replay is not None
    return conformance(analysis.replay)


def _coverage(analysis: Analysis) -> dict[str, Any]:
    coverage = analysis.log.quality.coverage
    assert coverage is not None
    return {"schema": "dealtrace.coverage/1", **coverage.to_dict()}


WRITERS: dict[str, Callable[[Analysis, Path], None]] = {
    "process_map.json": lambda a, path: _write_json(process_map(a.follows), path),
    "edges.parquet": lambda a, path: _write_parquet(
        a.follows.edges, path, a.follows, documented(type(a.follows), "edges")
    ),
    "variants.parquet": lambda a, path: _write_parquet(
        variant_table(a), path, a.variants, documented(type(a.variants), "table")
    ),
    "cases.parquet": lambda a, path: _write_parquet(
        case_table(a), path, a.throughput, " ".join((case_table.__doc__ or "").split())
    ),
    "conformance.json": lambda a, path: _write_json(_conformance(a), path),
    "coverage.json": lambda a, path: _write_json(_coverage(a), path),
    "quality.json": lambda a, path: _write_json(
        {"schema": "dealtrace.quality/1", **a.log.quality.to_dict()}, path
    ),
}
"""File name to what writes it."""
