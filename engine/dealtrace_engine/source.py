"""Where a log's other columns are read from when they are first asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import pyarrow as pa

from dealtrace_engine.quality import Finding


class Source(Protocol):
    """The rows that a log was made from, in their order.

    Attributes
    ----------
    label : str
        What to call it in messages, such as a path.
    names : tuple of str
        Its columns.
    """

    @property
    def label(self) -> str:
        """What to call it in messages, such as a path."""

    @property
    def names(self) -> tuple[str, ...]:
        """Its columns."""

    def read(self, names: Sequence[str]) -> pa.Table:
        """Read columns, all rows in source order; raise `LogError` if the source has changed."""

    def describe(self) -> list[dict[str, object]]:
        """Return the inputs with their fingerprints, for a manifest."""


class RowSource(Source, Protocol):
    """A source that a log can be built from, batch by batch.

    Attributes
    ----------
    notes : sequence of str
        How it is read.
    findings : sequence of Finding
        Rows that were skipped; complete when the batches have ended.
    zones : mapping of str to int, or None
        UTC offsets as written, where the batches no longer show them.
    """

    @property
    def notes(self) -> Sequence[str]:
        """How it is read."""

    @property
    def findings(self) -> Sequence[Finding]:
        """Rows that were skipped; complete when the batches have ended."""

    @property
    def zones(self) -> Mapping[str, int] | None:
        """UTC offsets as written, where the batches no longer show them."""

    def batches(self, names: Sequence[str], repeated: Sequence[str] = ()) -> Iterator[pa.RecordBatch]:
        """Yield columns in batches, in source order; those in `repeated` may come as dictionaries."""

    def row_number(self, position: int) -> int:
        """Return the data row, from 1 after the header, at a position (from 0) of the batches."""
