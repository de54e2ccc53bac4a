"""From an export to the lead-to-cash log: recognised, read, derived, linked, dated, put in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dealtrace_engine.errors import LogError, ParseError
from dealtrace_engine.parallel import Progress, map_blocks, tick
from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.crm.assemble import assembled
from dealtrace_engine.sources.crm.covering import Derivation, covered, taken_inventory
from dealtrace_engine.sources.crm.custom import asked_for, custom_rules, with_custom
from dealtrace_engine.sources.crm.dating import placed
from dealtrace_engine.sources.crm.events import Derived, compact, no_events
from dealtrace_engine.sources.crm.ids import with_texts
from dealtrace_engine.sources.crm.ladder import Rule, by_activity
from dealtrace_engine.sources.crm.linking import flattened, linked
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.polars_memory import give_back, load_polars
from dealtrace_engine.sources.crm.system import NAMES, CrmSystem, Family, crm_system
from dealtrace_engine.sources.crm.tables import CrmTables, RawExport
from dealtrace_engine.sources.labels import activity_label

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.coverage import Coverage
    from dealtrace_engine.log import EventLog

STEPS = 5
KEYS = (
    "activity", "object", "record_id", "timestamp", "ts_precision", "order_rank", "source_row_id",
)  # fmt: skip
"""The columns of events that say to which case they belong and in which order."""
SIDE_BY_SIDE = 800 << 20
"""Bytes of tables up to which ladders are worked out side by side: it is faster, and takes more memory."""
ROW = "!row"
ROWS_AT_A_TIME = 1 << 19
"""Of which a column is put in order."""
MOST_THERE, MOST_MISSING, MOST_ODD = 10, 20, 3


def recognised(path: Path) -> tuple[str, str] | None:
    """Return the CRM and the shape of an export, or None where a path is no export of a CRM."""
    load_polars(path)
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
    load_polars(path)
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
    language: str | None = None, strict: bool = False, threads: int | None = None,
    progress: Progress | None = None,
) -> EventLog:  # fmt: skip
    """Make the log of an export.

    Parameters
    ----------
    system : CrmSystem
    raw : RawExport
    mapping : CrmMapping
    how_recognised : str
        ``"given"``, or what told the shape.
    language : str, optional
        Of the activities; that of the mapping by default.
    strict : bool
        Raise where a value cannot be read.
    threads, progress : optional
        See `ReadOptions`.

    Raises
    ------
    ParseError
        With `strict`, for the first value that cannot be read.
    LogError
        No event could be derived; with what is missing.
    """
    import polars as pl

    activity_label("lead_captured", language or mapping.language)  # an unknown language is told at once
    asked = {} if system.asked is None else system.asked(mapping)
    tables = CrmTables(raw, asked_for(with_custom(system.catalog, mapping), asked, mapping))
    rules = [*system.rules, *custom_rules(mapping)]
    events = _events(system, rules, tables, mapping, threads)
    tick(progress, 1, STEPS)
    links = system.links(tables, mapping)
    cases = _one_row_each(with_texts(system.case_table(tables, mapping), raw.ids), raw)
    inventory = taken_inventory(system, tables, mapping)
    _settle(raw.findings)
    tables.release_all()
    give_back()
    keys = pl.DataFrame(map(events.taken, KEYS)).with_row_index(ROW)
    ids = raw.ids_of_events
    found = linked(keys, links.with_columns(ids.held(links["record_id"])), raw.ids)
    del links, keys
    give_back()
    tick(progress, 2, STEPS)
    dated = flattened(found.events, mapping.flatten)
    found = replace(found, events=found.events.clear())
    dated = whole(in_order(placed(dated, mapping.zone)), events, threads)
    tick(progress, 3, STEPS)
    if strict and raw.findings:
        raise _unread(raw)
    way = Derivation(system, rules, tables, inventory, mapping, found, dated, cases, how_recognised, ids)
    coverage = covered(way)
    tick(progress, 4, STEPS)
    if dated.height == 0:
        raise _nothing_found(raw, mapping, coverage)
    del way
    log = assembled(
        dated, cases, label=raw.label, language=language or mapping.language,
        stage_activity=mapping.stage_activity, notes=raw.notes, findings=raw.findings, ids=ids,
        threads=threads,
    )  # fmt: skip
    tick(progress, STEPS, STEPS)
    return replace(log, origin=replace(log.origin, coverage=coverage))


def _events(
    system: CrmSystem, rules: Sequence[Rule], tables: CrmTables, mapping: CrmMapping, threads: int | None
) -> Derived:
    """Derive all events, family after family, each of which leaves behind only what later ones ask for."""
    names = [rule.name for rule in rules]
    named = {activity for family in system.families for activity in family.activities}
    others = tuple(dict.fromkeys(rule.activity for rule in rules if rule.activity not in named))
    short = partial(compact, rules=names, ids=tables.raw.ids_of_events)
    used, found = mapping.ladder(rules), Derived(short(no_events(tables.ids)).schema)
    for family in (Family(others), *system.families):
        tables.read_all(family.reads)
        give_back()
        ladders = [rule for rule in used if rule.activity in family.activities]
        at_once = threads if tables.held_bytes < SIDE_BY_SIDE else 1
        for events in by_activity(ladders, tables, mapping, short, at_once):
            found.add(events)
        if family.afterwards is not None:
            family.afterwards(tables, mapping)
        _spend(family, tables, mapping)
    return found


def _spend(family: Family, tables: CrmTables, mapping: CrmMapping) -> None:
    """Let go what is not asked for after a family; nobody knows when what a mapping names is asked for."""
    named = mapping.named_objects
    for name, columns in family.kept.items():
        if name not in named:
            tables.keep(name, columns)
    for name in family.spent:
        if name in named:
            continue
        tables.release(name)
    for what in family.spent_made:
        tables.release_made(what)
    give_back()


def _settle(findings: list[Finding]) -> None:
    """Put findings in one order, each once; they came as threads were done."""
    found = sorted(findings, key=lambda finding: finding.reason)
    findings[:] = [finding for place, finding in enumerate(found) if finding not in found[:place]]


def in_order(events: pl.DataFrame) -> pl.DataFrame:
    """Return the events by case and time; ties by rank, then by their evidence."""
    return events.sort(
        "case_id", "timestamp", "order_rank", "source_row_id", "record_id", maintain_order=True
    )


def whole(keys: pl.DataFrame, events: Derived, threads: int | None = None) -> pl.DataFrame:
    """Return events in their order with all their columns, brought one after the other.

    Parameters
    ----------
    keys : DataFrame
        `KEYS` of events with their cases, and in `ROW` which event each is.
    events : Derived
        The other columns; taken on the way, so that no column is there twice.
    threads : int, optional
    """
    import polars as pl

    rows = keys.drop_in_place(ROW)
    parts = [rows.slice(begin, ROWS_AT_A_TIME) for begin in range(0, max(len(rows), 1), ROWS_AT_A_TIME)]

    def gathered(column: pl.Series) -> pl.Series:
        return pl.concat(map_blocks(column.gather, parts, threads=threads), rechunk=False)

    found = [
        keys.drop_in_place(name) if name in KEYS else gathered(events.taken(name)) for name in events.schema
    ]
    return pl.DataFrame([*found, *keys])


def _one_row_each(cases: pl.DataFrame, raw: RawExport) -> pl.DataFrame:
    """Return the case table with the first row of each case; further ones are counted."""
    first = cases.unique("case_id", keep="first", maintain_order=True)
    if first.height < cases.height:
        finding = Finding("case is there more than once; its first row counts")
        repeated = cases.filter(cases["case_id"].is_first_distinct().not_())["case_id"]
        finding.add(repeated.len(), [], repeated[0])
        raw.findings.append(finding)
    return first


def _unread(raw: RawExport) -> ParseError:
    first = raw.findings[0]
    return ParseError(
        first.reason, file=raw.label, row=next(iter(first.first_rows), None), value=first.example,
        hint="mend the value, or read without strict= to leave it out and count it",
    )  # fmt: skip


def _nothing_found(raw: RawExport, mapping: CrmMapping, coverage: Coverage) -> LogError:
    there = [f"{name} ({rows:,})" for name, rows in coverage.objects.items()]
    asked = sorted(coverage.missing, key=lambda need: need.split(".")[0].lower() != mapping.leading)
    unread = "".join(f"; {told}" for told in raw.notes if told.startswith("not read"))
    odd = "".join(f"; {f.count:,} x {f.reason}" for f in sorted(raw.findings, key=_fewer)[:MOST_ODD])
    return LogError(
        f"no event could be derived for any {mapping.leading}: the export has "
        f"{_listed(there, MOST_THERE) or 'no known table'}",
        file=raw.label, hint=f"missing: {_listed(asked, MOST_MISSING) or 'nothing'}{unread}{odd}",
    )  # fmt: skip


def _listed(names: Sequence[str], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _fewer(finding: Finding) -> int:
    return -finding.count
