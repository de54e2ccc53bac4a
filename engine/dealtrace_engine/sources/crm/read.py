"""From an export to the lead-to-cash log: recognised, read, derived, linked, dated, put in order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dealtrace_engine.errors import LogError, ParseError
from dealtrace_engine.parallel import Progress, tick
from dealtrace_engine.sources.crm.assemble import assembled
from dealtrace_engine.sources.crm.covering import Derivation, covered
from dealtrace_engine.sources.crm.dating import placed
from dealtrace_engine.sources.crm.ladder import derived
from dealtrace_engine.sources.crm.linking import flattened, linked
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.system import NAMES, CrmSystem, crm_system
from dealtrace_engine.sources.crm.tables import CrmTables, RawExport

if TYPE_CHECKING:
    from dealtrace_engine.log import EventLog

STEPS = 5


def recognised(path: Path) -> tuple[str, str] | None:
    """Return the CRM and the shape of an export, or None where a path is no export of a CRM."""
    for name in NAMES:
        shape = crm_system(name).recognise(path)
        if shape is not None:
            return name, shape
    return None


def raw_export(
    system: CrmSystem, path: Path, shape: str | None, mapping: CrmMapping
) -> tuple[RawExport, str]:
    """Read an export as text, and say how its shape was found.

    Raises
    ------
    ParseError
        There is nothing at the path, or nothing of this CRM.
    """
    if not path.exists():
        raise ParseError("there is no such file or folder", file=path)
    found = shape or system.recognise(path)
    if found is None:
        raise ParseError(f"does not look like an export of {system.name}", file=path,
                         hint=f"say which with shape=: {', '.join(system.shapes)}")  # fmt: skip
    if found not in system.shapes:
        raise ParseError(f"{system.name} has no exports of the shape {found!r}", file=path,
                         hint=f"there are {', '.join(system.shapes)}")  # fmt: skip
    return system.read_raw(path, found, mapping), "given" if shape else "recognised"


def log_of(
    system: CrmSystem, raw: RawExport, mapping: CrmMapping, *, how_recognised: str = "given",
    language: str = "en", threads: int | None = None, progress: Progress | None = None,
) -> EventLog:  # fmt: skip
    """Make the log of an export.

    Raises
    ------
    LogError
        No event could be derived; with what is missing.
    """
    tables = CrmTables(raw, system.catalog)
    events = derived(system.rules, tables, mapping)
    tick(progress, 1, STEPS)
    found = linked(events, system.links(tables, mapping))
    cases = system.case_table(tables, mapping)
    tick(progress, 2, STEPS)
    dated = placed(flattened(found.events, mapping.flatten), mapping.zone)
    dated = dated.sort("case_id", "timestamp", "order_rank", "source_row_id", maintain_order=True)
    tick(progress, 3, STEPS)
    coverage = covered(Derivation(system, tables, mapping, found, dated, cases, how_recognised))
    tick(progress, 4, STEPS)
    if dated.height == 0:
        missing = ", ".join(coverage.missing) or "nothing"
        raise LogError(f"no event could be derived for any {mapping.leading}", file=raw.label,
                       hint=f"missing in the export: {missing}")  # fmt: skip
    log = assembled(dated, cases, label=raw.label, language=language, notes=raw.notes, findings=raw.findings,
                    threads=threads)  # fmt: skip
    tick(progress, STEPS, STEPS)
    return replace(log, origin=replace(log.origin, coverage=coverage))
