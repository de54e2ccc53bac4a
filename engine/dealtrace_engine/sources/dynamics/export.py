"""What a reader of a shape found, as an export: its tables, their versions, audited changes, labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dealtrace_engine.errors import ParseError
from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.crm.ids import GuidIds
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import RawExport
from dealtrace_engine.sources.dynamics.audit import CHANGED, Audit
from dealtrace_engine.sources.dynamics.objects import CATALOG
from dealtrace_engine.sources.dynamics.settle import Part, Table, tables_of

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

SYSTEM = "dynamics"
CHANGED_AT = "modifiedon"


class Latest(Mapping[tuple[str, str], "datetime"]):
    """The last instant in columns of tables, looked up when it is asked for.

    Parameters
    ----------
    tables : mapping of str to Table
    zone : str
        Of instants without one.
    """

    def __init__(self, tables: Mapping[str, Table], zone: str) -> None:
        self._tables, self._zone = tables, zone
        self._known: dict[tuple[str, str], datetime | None] = {}

    def __getitem__(self, key: tuple[str, str]) -> datetime:
        if key not in self:
            raise KeyError(key)
        if key not in self._known:
            self._known[key] = self._tables[key[0]].last(key[1], self._zone)
        last = self._known[key]
        if last is None:
            raise KeyError(key)
        return last

    def __contains__(self, key: object) -> bool:
        name, column = key if isinstance(key, tuple) else (None, None)
        return column == CHANGED_AT and name in self._tables and column in self._tables[name].schema

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((name, CHANGED_AT) for name, table in self._tables.items() if CHANGED_AT in table.schema)

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass
class Reading:
    """What a reader of a shape found.

    Attributes
    ----------
    parts : list of Part
    labels : DataFrame or None
        Labels of option codes from elsewhere than the table `stringmap`, with its columns.
    versioned : bool
        Whether a record may be there in several versions that are worth keeping.
    exported, zone, precision, by_column
        See `RawExport`.
    notes : list of str
    findings : list of Finding
    """

    parts: list[Part] = field(default_factory=list)
    labels: pl.DataFrame | None = None
    versioned: bool = False
    exported: datetime | None = None
    zone: str = "UTC"
    precision: str = "instant"
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    by_column: bool = False


def export(reading: Reading, mapping: CrmMapping, *, shape: str, label: str) -> RawExport:
    """Make an export of what was found.

    Parameters
    ----------
    reading : Reading
    mapping : CrmMapping
    shape : str
    label : str
        The path, or ``"memory"``.

    Raises
    ------
    ParseError
        There is no table of Dynamics.
    """
    tables = tables_of(reading.parts, mapping, reading.findings, reading.versioned)
    if not tables:
        what = "; ".join(reading.notes) or "no file is named after one"
        raise ParseError(f"holds no table of Dynamics ({what})", file=label)
    frames, counted = {name: table.current() for name, table in tables.items()}, dict[str, int]()
    if reading.labels is not None and reading.labels.height:
        frames["stringmap"] = _labels(frames.get("stringmap"), reading.labels)
    audit = _audit(tables["audit"], reading.notes, counted) if "audit" in tables else None
    packed = {name: table.packed for name, table in tables.items() if name != "stringmap"}
    if audit is not None:
        frames |= {"audit": audit.rows(), CHANGED: audit.changes()}
        packed["audit"] = audit.packed
    versions = {
        name: table.versions()
        for name, table in tables.items()
        if reading.versioned and "modifiedon" in CATALOG.get(name, {"modifiedon": None})
    }
    return RawExport(
        SYSTEM, shape, label, frames, versions, reading.exported, reading.zone, reading.precision,
        reading.notes, reading.findings, _others(reading.parts), counted,
        by_column=reading.by_column, typed={} if audit is None else {CHANGED: audit.typed_changes},
        packed=packed, latest=Latest(tables, reading.zone) if reading.by_column else {}, ids=GuidIds(),
    )  # fmt: skip


def _others(parts: list[Part]) -> dict[str, list[str]]:
    """Return the columns of each table that nobody asked for."""
    found: dict[str, dict[str, None]] = {}
    for part in parts:
        found.setdefault(part.table, {}).update(dict.fromkeys(name.lower() for name in part.others))
    return {table: list(names) for table, names in found.items() if names}


def _audit(table: Table, notes: list[str], counted: dict[str, int]) -> Audit | None:
    if all(part.changes is None for part in table.parts):
        notes.append("audit has no column changedata: it tells when something changed, but not what")
        return None
    return Audit(table, counted)


def _labels(own: pl.LazyFrame | None, labels: pl.DataFrame) -> pl.LazyFrame:
    import polars as pl

    known = labels.unique(["objecttypecode", "attributename", "attributevalue", "langid"], keep="first",
                          maintain_order=True).lazy()  # fmt: skip
    return known if own is None else pl.concat([own, known], how="diagonal_relaxed")
