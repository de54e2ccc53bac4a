"""The rows of an XES log under construction: attribute cells in, Arrow columns out, chunk by chunk."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dealtrace_engine.schema import BY_ROLE
from dealtrace_engine.sources.xes_types import KINDS, NANOSECONDS, BadValue, typed

TIMESTAMP = BY_ROLE["timestamp"].xes
MOST_REPEATED_BYTES = 1 << 30
EVENTS_PER_PIECE = 1 << 22

Columns = dict[str, pa.Array]


class BadCell(Exception):
    """A value that its column cannot hold.

    Parameters
    ----------
    scope : str
        ``"traces"`` or ``"events"``.
    key, kind : str
        The column.
    row : int
        The trace or event, from 0.
    bad : BadValue
        What is wrong.
    """

    def __init__(self, scope: str, key: str, kind: str, row: int, bad: BadValue) -> None:
        super().__init__(scope, key, kind, row, bad)
        self.scope, self.key, self.kind, self.row, self.bad = scope, key, kind, row, bad


class Cells(dict[str, dict[str, dict[int, str]]]):
    """Key to tag to row to value; the tags that fill one column share a dictionary.

    Parameters
    ----------
    as_text : frozenset of str
        Keys to read as text, whatever their tags.

    Attributes
    ----------
    by_kind : dict of str to dict
        Key to kind of column to the same dictionaries.
    """

    def __init__(self, as_text: frozenset[str]) -> None:
        super().__init__()
        self.as_text = as_text
        self.by_kind: dict[str, dict[str, dict[int, str]]] = {}

    def __missing__(self, key: str) -> dict[str, dict[int, str]]:
        self.add(key, {})
        return self[key]

    def add(self, key: str, given: dict[str, dict[int, str]]) -> None:
        """Add a key, with the dictionary `given` for a kind or a new one."""
        kinds: dict[str, dict[int, str]] = {kind: {} for kind in KINDS.values()} | given
        self.by_kind[key] = kinds
        self[key] = {tag: kinds[self._kind(key, tag)] for tag in KINDS}

    def _kind(self, key: str, tag: str) -> str:
        if key in self.as_text:
            return "string"
        if key == TIMESTAMP and KINDS[tag] == "string":
            return "date"  # some programs write it with the tag of a string
        return KINDS[tag]


class Chunks:
    """Columns in pieces; a column may be absent from a piece, and is null there."""

    def __init__(self) -> None:
        self.rows = 0
        self._lengths: list[int] = []
        self._pieces: dict[str, list[pa.Array | None]] = {}

    def append(self, columns: Columns, length: int) -> None:
        """Add `length` rows."""
        for key in columns:
            self._pieces.setdefault(key, [None] * len(self._lengths))
        for key, pieces in self._pieces.items():
            pieces.append(columns.get(key))
        self._lengths.append(length)
        self.rows += length

    def joined(self, key: str) -> pa.ChunkedArray:
        """Return one column; raise `OverflowError` if its dates do not fit the nanoseconds of some."""
        types = {piece.type for piece in self._pieces[key] if piece is not None}
        kind = NANOSECONDS if NANOSECONDS in types else types.pop()
        pieces = (
            pa.nulls(length, kind) if piece is None else piece.cast(kind)
            for piece, length in zip(self._pieces[key], self._lengths, strict=True)
        )
        try:
            return pa.chunked_array(list(pieces), kind)
        except pa.ArrowInvalid as error:
            raise OverflowError from error


class Rows:
    """Events: `cells` of the chunk at hand, and the finished chunks.

    Parameters
    ----------
    scope : str
        ``"traces"`` or ``"events"``.
    as_text : frozenset of str
        Keys to read as text, whatever their tags.

    Attributes
    ----------
    count : int
        Rows begun.
    stored : int
        Values put into the cells.
    repeated_keys : int
        Values that a later one with the same key and row has replaced.
    kinds : dict of str to set of str
        Key to the kinds of its values.
    zones : dict of str to Counter
        Key to the UTC offsets of its dates.
    """

    def __init__(self, scope: str, as_text: frozenset[str] = frozenset()) -> None:
        self.scope = scope
        self.cells = Cells(as_text)
        self.count = self.stored = self.repeated_keys = 0
        self.kinds: dict[str, set[str]] = {}
        self.zones: dict[str, Counter[str]] = {}
        self.chunks = Chunks()
        self._first = 0

    @property
    def mixed(self) -> frozenset[str]:
        """Keys whose values have several types."""
        return frozenset(key for key, kinds in self.kinds.items() if len(kinds) > 1)

    def finish_chunk(self) -> None:
        """Turn the cells into typed arrays.

        Raises
        ------
        BadCell
            The first row with a bad value.
        """
        bad: list[BadCell] = []
        kept = 0
        columns: Columns = {}
        for key, by_kind in self.cells.by_kind.items():
            for kind, cells in by_kind.items():
                if cells:
                    kept += len(cells)
                    try:
                        columns[key] = self._column(key, kind, cells)
                    except BadValue as error:
                        bad.append(BadCell(self.scope, key, kind, list(cells)[error.index], error))
                    cells.clear()
        if bad:
            raise min(bad, key=lambda cell: cell.row)
        self.repeated_keys += self.stored - kept
        self.stored = 0
        self._append(columns)
        self._first = self.count

    def _column(self, key: str, kind: str, cells: dict[int, str]) -> pa.Array:
        values, zones = typed(kind, list(cells.values()))
        self.kinds.setdefault(key, set()).add(kind)
        self.zones.setdefault(key, Counter()).update(zones)
        length = self.count - self._first
        if len(cells) == length:
            return values
        source = np.full(length, -1, np.int64)
        source[np.fromiter(cells, np.int64, len(cells)) - self._first] = np.arange(len(cells))
        return values.take(pa.array(source, mask=source < 0))

    def _append(self, columns: Columns) -> None:
        self.chunks.append(columns, self.count - self._first)

    def columns(self) -> dict[str, pa.ChunkedArray]:
        """Return the finished columns by key, in order of first appearance."""
        return {key: self.chunks.joined(key) for key in self.cells if key in self.kinds}


class TraceRows(Rows):
    """Traces, each repeated for every one of its events.

    Attributes
    ----------
    sizes : list of int
        Events of the traces in the chunk at hand.
    """

    def __init__(self, scope: str, as_text: frozenset[str] = frozenset()) -> None:
        super().__init__(scope, as_text)
        self.sizes: list[int] = []

    def _append(self, columns: Columns) -> None:
        sizes = np.array(self.sizes, np.int64)
        for key, column in columns.items():
            try:
                _check_repeated_bytes(column, sizes)
            except BadValue as error:
                raise BadCell(self.scope, key, "string", self._first + error.index, error) from error
        trace_of_event = np.repeat(np.arange(len(sizes)), sizes)
        for first in range(0, max(1, len(trace_of_event)), EVENTS_PER_PIECE):
            piece = trace_of_event[first : first + EVENTS_PER_PIECE]
            repeated = {key: column.take(pa.array(piece)) for key, column in columns.items()}
            self.chunks.append(repeated, len(piece))
        self.sizes.clear()


def _check_repeated_bytes(column: pa.Array, sizes: NDArray[np.int64]) -> None:
    if not pa.types.is_string(column.type):
        return
    repeated = pc.binary_length(column).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64) * sizes
    if repeated.sum() > MOST_REPEATED_BYTES:
        row = int(repeated.argmax())
        raise BadValue(row, column[row].as_py(), f"too long to be repeated for {sizes[row]:,} events")
