"""What a CRM brings to the shared way from an export to a log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from dealtrace_engine.sources.crm.ladder import Rule
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.stage_names import StageNames
from dealtrace_engine.sources.crm.tables import Catalog, CrmTables, RawExport

if TYPE_CHECKING:
    import polars as pl

NAMES = ("salesforce", "dynamics")


@dataclass(frozen=True)
class Family:
    """Activities whose rules ask for much the same tables, which are let go once these are done.

    Attributes
    ----------
    activities : sequence of str
        Those that no earlier family has.
    reads : sequence of str
        Objects that are read before the rules run; others are read when they are asked for.
    afterwards : callable (tables, mapping) -> None, optional
        Works out what links, case table and coverage report ask of tables that are spent then; see
        `CrmTables.once`.
    spent : sequence of str
        Objects that nobody asks for afterwards. One that is asked for all the same is read again.
    spent_made : sequence of str
        How that begins which nobody asks for afterwards, of what is worked out once.
    kept : mapping of str to sequence of str
        Objects of which only these columns are asked for afterwards.
    """

    activities: Sequence[str]
    reads: Sequence[str] = ()
    afterwards: Callable[[CrmTables, CrmMapping], None] | None = None
    spent: Sequence[str] = ()
    spent_made: Sequence[str] = ()
    kept: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class CrmSystem:
    """A CRM.

    Attributes
    ----------
    name : {"salesforce", "dynamics"}
    catalog : mapping of str to mapping of str to Kind
        Objects and columns that are read.
    rules : sequence of Rule
        All ladders.
    links : callable (tables, mapping) -> DataFrame
        object, record_id, case_id, via, confidence.
    case_table : callable (tables, mapping) -> DataFrame
        One row per leading record.
    recognise : callable (path) -> str or None
        The shape of an export at a path, told from names and first lines.
    read_raw : callable (path, shape, mapping) -> RawExport
    from_frames : callable (frames, mapping) -> RawExport
        The tables of a caller, by whatever names warehouses give them.
    shapes : sequence of str
        All shapes.
    history : mapping of str to str
        History objects to the column of their instants.
    stamps : sequence of str
        Columns that say when a record was last touched; the latest is when the export was made.
    leads : (str, str)
        The object of leads, and its id.
    rates : sequence of str
        Objects that hold rates of currencies.
    unmapped : callable (tables, mapping) -> dict
        ``"Object.Column"`` to values that nothing is known of, with counts.
    stages : callable (tables, mapping) -> StageNames
        What stages are called now, in their order, and were called before.
    statuses : mapping of str to str
        ``"Object.Column"`` whose values are compared with the names of statuses, to what these begin with:
        ``"Quote.Status"`` to ``"quote"`` for ``"quote.accepted"`` and so on.
    described_by : sequence of str
        ``"Object.Column"`` that the case table cannot do without; the coverage report misses them.
    families : sequence of Family
        In the order in which they are derived.
    asked : callable (mapping) -> mapping of str to sequence of str, optional
        Objects of which only these columns are read, and those that the mapping names.
    leading_history : mapping of str to sequence of str
        Leading object to those history objects that tell of it; all of `history` where absent.
    """

    name: str
    catalog: Catalog
    rules: Sequence[Rule]
    links: Callable[[CrmTables, CrmMapping], pl.DataFrame]
    case_table: Callable[[CrmTables, CrmMapping], pl.DataFrame]
    recognise: Callable[[Path], str | None]
    read_raw: Callable[[Path, str, CrmMapping], RawExport]
    from_frames: Callable[[Mapping[str, object], CrmMapping], RawExport]
    shapes: Sequence[str]
    history: Mapping[str, str]
    stamps: Sequence[str]
    leads: tuple[str, str]
    rates: Sequence[str]
    unmapped: Callable[[CrmTables, CrmMapping], dict[str, dict[str, int]]]
    stages: Callable[[CrmTables, CrmMapping], StageNames]
    statuses: Mapping[str, str] = field(default_factory=dict)
    leading_history: Mapping[str, Sequence[str]] = field(default_factory=dict)
    described_by: Sequence[str] = ()
    families: Sequence[Family] = ()
    asked: Callable[[CrmMapping], Mapping[str, Sequence[str]]] | None = None


def crm_system(name: str) -> CrmSystem:
    """Return a CRM by its name; only that one is imported."""
    module = import_module(f"dealtrace_engine.sources.{name}.system")
    return cast(CrmSystem, module.SYSTEM)
