"""What the files of an export come to: pieces of tables under API names, put together to an export."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dealtrace_engine.errors import ParseError, SchemaError
from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.crm.ids import Ids, SalesforceIds
from dealtrace_engine.sources.crm.tables import RawExport
from dealtrace_engine.sources.crm.values import read_ids
from dealtrace_engine.sources.salesforce.export_days import other_days
from dealtrace_engine.sources.salesforce.generations import combined
from dealtrace_engine.sources.salesforce.latest import as_instants, latest_of
from dealtrace_engine.sources.salesforce.workspace import Workspace
from dealtrace_ext.record_ids import DAMAGED, OTHER

if TYPE_CHECKING:
    import polars as pl

RECORDS = (
    "Opportunity",
    "Lead",
    "Quote",
    "Contract",
    "Order",
    "Invoice",
    "SBQQ__Quote__c",
    "blng__Invoice__c",
)
"""Objects that are of no use without the ids of their records."""
SAMPLE = 100
"""Records whose ids are looked at before all are read."""


@dataclass(frozen=True)
class Piece:
    """Rows of one object, of one file.

    Attributes
    ----------
    name : str
        The object.
    frame : LazyFrame
        Current rows.
    label : str
        The file.
    versions : LazyFrame, optional
        All versions of its rows, with `version_at`, where the file keeps them.
    others : sequence of str
        Columns of the file that are not read.
    latest : mapping of str to str
        Columns of times to the latest of them, as far as that is known without another look.
    """

    name: str
    frame: pl.LazyFrame
    label: str
    versions: pl.LazyFrame | None = None
    others: Sequence[str] = ()
    latest: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Pieces:
    """Everything that was read of an export so far.

    Attributes
    ----------
    space : Workspace
        Where converted text is kept.
    all : list of Piece
    notes : list of str
    findings : list of Finding
    unread : list of str
        Files that hold no object of the catalogue.
    """

    space: Workspace
    all: list[Piece] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def export(
        self, path: object, shape: str, zone: str = "UTC", precision: str = "instant",
        exported: datetime | None = None,
    ) -> RawExport:  # fmt: skip
        """Put the pieces together; of several generations of a record the newest is current.

        Raises
        ------
        ParseError
            There is no piece.
        SchemaError
            An object has no ids.
        """
        import polars as pl

        if not self.all:
            hint = f"not read: {_listed(self.unread)}" if self.unread else "is it of another CRM or shape?"
            raise ParseError("holds no object of Salesforce that is of use", file=path, hint=hint)
        frames: dict[str, pl.LazyFrame] = {}
        versions: dict[str, pl.LazyFrame] = {}
        latest: dict[str, dict[str, str]] = {}
        for name in dict.fromkeys(piece.name for piece in self.all):
            pieces = [piece for piece in self.all if piece.name == name]
            _refuse_without_ids(pieces)
            kept = [piece.versions for piece in pieces if piece.versions is not None]
            now = [piece for piece in pieces if piece.versions is None] or pieces
            result = combined(name, [(piece.frame, piece.label) for piece in now])
            frames[name] = result.frame
            latest[name] = latest_of([piece.latest for piece in now]) if result.whole else {}
            if kept:
                versions[name] = pl.concat(kept, how="diagonal_relaxed")
            elif result.versions is not None:
                versions[name] = result.versions
            self.notes += result.notes
        if self.unread:
            self.notes.append(f"not read, no object of use: {_listed(self.unread)}")
        if shape != "report":
            self.findings += other_days(frames, latest)
        raw = RawExport(
            "salesforce", shape, str(path), frames, versions, exported, zone, precision, self.notes,
            self.findings, self._others(), latest=as_instants(latest, zone), event_ids=_event_ids(self.all),
        )  # fmt: skip
        self.space.live_as_long_as(raw)
        return raw

    def _others(self) -> dict[str, list[str]]:
        """Return the columns of each object that are not read."""
        found: dict[str, dict[str, None]] = {}
        for piece in self.all:
            found.setdefault(piece.name, {}).update(dict.fromkeys(map(as_api, piece.others)))
        return {name: list(columns) for name, columns in found.items() if columns}


def _event_ids(pieces: Sequence[Piece]) -> Ids | None:
    """Return how events hold ids: as numbers, if the first records have ids of Salesforce and no others.

    References of trees and keys of other systems stay texts: numbers for them would take more memory.
    """
    import polars as pl

    records = next((piece for name in RECORDS for piece in pieces if piece.name == name), None)
    if records is None:
        return SalesforceIds()
    first = records.frame.select(pl.col("Id").cast(pl.String)).head(SAMPLE).collect().to_series()
    odd = np.isin(read_ids(first, "salesforce")[1], (DAMAGED, OTHER)).sum()
    return None if 10 * odd > len(first) else SalesforceIds()


def as_api(column: str) -> str:
    """Return how the API spells a column that is in no catalogue, as far as that can be told.

    Examples
    --------
    >>> as_api("loss_reason_c"), as_api("LOSS_REASON__C"), as_api("LossReason__c")
    ('loss_reason__c', 'LOSS_REASON__c', 'LossReason__c')
    """
    return re.sub(r"_?_[cC]$", "__c", column)


def _refuse_without_ids(pieces: Sequence[Piece]) -> None:
    for piece in pieces:
        if piece.name in RECORDS and "Id" not in piece.frame.collect_schema():
            raise SchemaError(f"the table {piece.name} has no column Id", file=piece.label, column="Id",
                              hint="export it with the ids of the records")  # fmt: skip


def _listed(names: Sequence[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(sorted(names)[:most]) + more


def files_of(path: Path, suffixes: Iterable[str]) -> list[Path]:
    """Return a file, or the files of a folder and its subfolders that end so, hidden ones aside, by name."""
    if path.is_file():
        return [path]
    endings = tuple(suffixes)
    found = (file for file in path.rglob("*") if file.name.lower().endswith(endings) and file.is_file())
    return sorted(
        file for file in found if not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
