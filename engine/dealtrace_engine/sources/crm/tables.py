"""The tables of an export: objects under their API names, columns typed, whatever the shape they came in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.crm.ids import Ids, TextIds

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl


class Kind(StrEnum):
    """What the values of a column are.

    ID is a record's id in its one canonical form (`ids` says how it is held), INSTANT microseconds UTC, DATE
    a calendar day without a zone, NUMBER a float, BOOLEAN true or false, TEXT anything else. Only the empty
    text is null.
    """

    ID = "id"
    INSTANT = "instant"
    DATE = "date"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXT = "text"


Typed = Callable[[], "tuple[pl.DataFrame, list[Finding]]"]
Packed = Callable[[Collection[str]], "pl.DataFrame"]
Catalog = Mapping[str, Mapping[str, Kind]]
"""The objects that are read, with the columns of each that are; nothing else of an export is."""


def data_types(ids: Ids | None = None) -> dict[Kind, pl.DataType]:
    """Return the Polars type of each kind; ids are texts unless it is said how they are held."""
    import polars as pl

    return {
        Kind.ID: pl.String() if ids is None else ids.kind,
        Kind.INSTANT: pl.Datetime("us", "UTC"),
        Kind.DATE: pl.Date(),
        Kind.NUMBER: pl.Float64(),
        Kind.BOOLEAN: pl.Boolean(),
        Kind.TEXT: pl.String(),
    }


@dataclass(frozen=True)
class RawExport:
    """What a reader of one shape of export hands on: text under API names, nothing interpreted yet.

    Attributes
    ----------
    system : {"salesforce", "dynamics"}
    shape : str
        Such as ``"data-export"``.
    label : str
        The path, or ``"memory"``.
    frames : mapping of str to LazyFrame
        Object to its current rows. A column of text is still to be read by its kind; one that came with a
        type, from Parquet or a frame in memory, keeps it.
    versions : mapping of str to LazyFrame
        Object to all versions of its rows, where the export keeps them, with the column `version_at`
        (INSTANT) that says since when; empty otherwise.
    exported : datetime, optional
        When the export was made, where it says so.
    zone : str
        IANA name of the zone of datetimes without one; API exports are in UTC.
    precision : {"instant", "minute", "date"}
        Of every datetime of the export.
    notes : list of str
        How it was read: encoding, delimiter, parts, generations.
    findings : list of Finding
        Rows left out, and what looks odd.
    other_columns : dict of str to list of str
        Object to the columns that the export has of it and nobody asked for, as far as the reader tells.
    counted : dict of str to int
        Objects of which the frame leaves out rows that no rule asks for, to how many rows there are; known
        once they have been read.
    by_column : bool
        Whether to read one column of an object takes much less than to read all of it.
    latest : mapping of (str, str) to datetime
        Object and column to the last instant in it, where the reader came to know it, or finds it faster than
        `CrmTables.span` does.
    typed : mapping of str to callable () -> (DataFrame, list of Finding)
        Objects that come with their values read, ids packed where they can be, and what was odd in them.
    packed : mapping of str to callable (collection of str) -> DataFrame
        Objects of which columns of `frames` can be had with ids packed; see `crm.packed`.
    ids : Ids
        How ids are held.
    event_ids : Ids, optional
        How events hold theirs until they are the log's; as tables do by default.
    """

    system: str
    shape: str
    label: str
    frames: Mapping[str, pl.LazyFrame]
    versions: Mapping[str, pl.LazyFrame] = field(default_factory=dict)
    exported: datetime | None = None
    zone: str = "UTC"
    precision: str = "instant"
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    other_columns: dict[str, list[str]] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)
    by_column: bool = False
    latest: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    typed: Mapping[str, Typed] = field(default_factory=dict)
    packed: Mapping[str, Packed] = field(default_factory=dict)
    ids: Ids = field(default_factory=TextIds)
    event_ids: Ids | None = None

    @property
    def ids_of_events(self) -> Ids:
        """How events hold ids."""
        return self.event_ids or self.ids


@dataclass(frozen=True)
class CrmTables:
    """Typed tables, each read at most once; what cannot be read is null and counted in the export's findings.

    Attributes
    ----------
    raw : RawExport
        Where they come from.
    catalog : mapping of str to mapping of str to Kind
    """

    raw: RawExport
    catalog: Catalog
    _held: dict[str, pl.DataFrame] = field(default_factory=dict, repr=False)
    _columns: dict[str, list[str]] = field(default_factory=dict, repr=False)
    _rows: dict[str, int] = field(default_factory=dict, repr=False)
    _spans: dict[tuple[str, str], tuple[datetime | None, datetime | None]] = field(
        default_factory=dict, repr=False
    )

    _making: dict[str, threading.RLock] = field(default_factory=dict, repr=False)
    _reading_versions: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def ids(self) -> Ids:
        """How ids are held."""
        return self.raw.ids

    @property
    def objects(self) -> list[str]:
        """Objects of the catalogue that the export has."""
        return [name for name in self.catalog if name in self.raw.frames]

    @property
    def held_bytes(self) -> int:
        """How much memory the tables take, and what was worked out of them."""
        return sum(int(frame.estimated_size()) for frame in list(self._held.values()))

    def has(self, name: str, *columns: str) -> bool:
        """Whether the export has an object, with these columns."""
        return name in self.raw.frames and set(columns) <= set(self.columns(name))

    def columns(self, name: str) -> list[str]:
        """Return the columns of the catalogue that the export has of an object."""
        if name not in self._columns:
            frame = self.raw.frames.get(name)
            known = [] if frame is None else frame.collect_schema().names()
            self._columns[name] = [column for column in self.catalog[name] if column in known]
        return self._columns[name]

    def table(self, name: str) -> pl.LazyFrame:
        """Return an object with every column of the catalogue: null where the export has none.

        An object that is missing is a table without rows, so that a rule need not ask.
        """
        return self._made(name, lambda: self._read(name, self.raw.frames.get(name)))

    def read_all(self, names: Sequence[str]) -> None:
        """Read several objects, each on all threads; the same as to read each when it is asked for."""
        for name in names:
            if name in self.raw.frames:
                self.table(name)

    def all_versions(self, name: str) -> pl.LazyFrame:
        """Return every version of the rows of an object, with `version_at`; no rows where none are kept."""

        def make() -> pl.DataFrame:
            with self._reading_versions:  # one table at a time: they are the largest, and read on all threads
                return self._read(name, self.raw.versions.get(name), version_at=Kind.INSTANT)

        return self._made(f"{name}@", make)

    def once(self, what: str, make: Callable[[], pl.LazyFrame]) -> pl.LazyFrame:
        """Return what several rules need, worked out when it is first asked for.

        Parameters
        ----------
        what : str
            Names it, with everything that it depends on besides the tables.
        make : callable () -> LazyFrame
        """
        return self._made(f"@{what}", lambda: make().collect())

    def _made(self, key: str, make: Callable[[], pl.DataFrame]) -> pl.LazyFrame:
        """Return what is held, made if it is not there; who asks for it meanwhile waits."""
        if key not in self._held:
            with self._making.setdefault(key, threading.RLock()):
                if key not in self._held:
                    self._held[key] = make()
        return self._held[key].lazy()

    def rows(self, name: str) -> int:
        """Return how many rows an object has, without reading it; known also once it is released."""
        if name not in self._rows:
            self._rows[name] = self._counted(name)
        return self._rows[name]

    def _counted(self, name: str) -> int:
        import polars as pl

        if name in self.raw.counted:
            return self.raw.counted[name]
        if name in self._held or name not in self.raw.frames:
            return self._held[name].height if name in self._held else 0
        return int(self.raw.frames[name].select(pl.len()).collect(engine="streaming").item())

    def knows(self, name: str, column: str) -> bool:
        """Whether `span` needs to read nothing."""
        return name in self._held or (name, column) in self._spans

    def span(self, name: str, column: str) -> tuple[datetime | None, datetime | None]:
        """Return the first and the last instant in a column, reading no other; known once it is released."""
        self.note_spans(name, (column,))
        return self._spans[name, column]

    def latest(self, name: str, column: str) -> datetime | None:
        """Return the last instant in a column, as `span` does, or as the reader of the export knows it."""
        known = None if self.knows(name, column) else self.raw.latest.get((name, column))
        return self.span(name, column)[1] if known is None else known

    def note_spans(self, name: str, columns: Sequence[str]) -> None:
        """Look up what `span` returns of several columns at once."""
        import polars as pl

        asked = [column for column in columns if (name, column) not in self._spans]
        there = [column for column in asked if self.has(name, column)]
        found: dict[str, datetime | None] = {}
        if there:
            ends = [pl.col(there).min().name.prefix("first "), pl.col(there).max().name.prefix("last ")]
            found = self.only(name, there).select(ends).collect(engine="streaming").row(0, named=True)
        # All at once, when they are known: another thread may ask meanwhile.
        self._spans.update(
            ((name, column), (found.get(f"first {column}"), found.get(f"last {column}"))) for column in asked
        )

    def only(self, name: str, columns: Sequence[str]) -> pl.LazyFrame:
        """Return some columns of an object, without ids, reading no other where the object is not held."""
        from dealtrace_engine.sources.crm.values import value

        held = self._held.get(name)
        if held is not None and set(columns) <= set(held.columns):
            return held.lazy().select(columns)
        frame = self.raw.frames[name]
        kinds = frame.collect_schema()
        return frame.select(
            value(column, self.catalog[name][column], kinds[column], self.raw.zone) for column in columns
        )

    def release(self, name: str) -> None:
        """Let the memory of an object go; it is read again if it is asked for again."""
        self._remember(name)
        self._held.pop(name, None)
        self._held.pop(f"{name}@", None)

    def keep(self, name: str, columns: Sequence[str]) -> None:
        """Let all but some columns of an object go; to ask for another one is an error from then on."""
        self._remember(name)
        if name in self._held:
            held = self._held[name]
            self._held[name] = held.select(column for column in columns if column in held.columns)

    def _remember(self, name: str) -> None:
        """Look up what the coverage report tells of an object that is held: its rows, and its instants."""
        if name in self._held:
            self.rows(name)
            kinds = self.catalog[name]
            self.note_spans(name, [column for column in kinds if kinds[column] is Kind.INSTANT])

    def release_made(self, what: str, *, whole: bool = False) -> None:
        """Let go what was worked out once and is named so, or begins so; see `once`."""
        names = [f"@{what}"] if whole else [key for key in list(self._held) if key.startswith(f"@{what}")]
        for key in names:
            self._held.pop(key, None)

    def release_all(self) -> None:
        """Let all memory go, also what was worked out once."""
        self._held.clear()

    def _read(self, name: str, frame: pl.LazyFrame | None, **more: Kind) -> pl.DataFrame:
        rows, findings = self._typed(name, frame, **more)
        self._note(findings)
        return rows

    def _note(self, findings: Sequence[Finding]) -> None:
        self.raw.findings.extend(f for f in findings if f not in self.raw.findings)

    def _typed(
        self, name: str, frame: pl.LazyFrame | None, **more: Kind
    ) -> tuple[pl.DataFrame, Sequence[Finding]]:
        import polars as pl

        from dealtrace_engine.sources.crm.values import reading

        types, kinds = data_types(self.ids), {**self.catalog[name], **more}
        if frame is None:
            return pl.DataFrame(schema={column: types[kind] for column, kind in kinds.items()}), ()
        if name in self.raw.typed and not more:
            read, findings = self.raw.typed[name]()
        else:
            if name in self.raw.packed and not more:
                frame = self.raw.packed[name](kinds).lazy()
            read, findings = reading(frame, kinds, name, self.raw.system, self.raw.zone)

        def column(name: str, kind: Kind) -> pl.Series:
            none = pl.Series(name, [None], types[kind])
            found = read[name] if name in read.columns else none.new_from_index(0, read.height)
            return self.ids.held(found) if kind is Kind.ID else found

        # columns, not expressions: these would join the pieces of a table that comes in many
        return pl.DataFrame([column(name, kind) for name, kind in kinds.items()]), findings
