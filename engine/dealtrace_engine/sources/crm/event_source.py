"""A log's events as they were derived; what of them is asked for becomes Arrow's then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.crm.ids import Ids
from dealtrace_engine.sources.files import InputFile
from dealtrace_engine.sources.memory import described
from dealtrace_engine.sources.options import ROWS_PER_BATCH

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class EventSource:
    """Events in memory, whose ids are numbers until they are asked for; see `source.RowSource`.

    Attributes
    ----------
    events : DataFrame
        In the order of the log.
    ids : Ids
        How their ids are held.
    label : str
        Where the export is.
    notes : sequence of str
        How it was read.
    files : sequence of InputFile
        Those of the export.
    threads : int, optional
    """

    events: pl.DataFrame
    ids: Ids
    label: str
    notes: Sequence[str] = ()
    files: Sequence[InputFile] = ()
    threads: int | None = None
    findings: Sequence[Finding] = ()
    zones: Mapping[str, int] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of the events."""
        return tuple(self.events.columns)

    def read(self, names: Sequence[str]) -> pa.Table:
        """Return columns of the events; ids as texts."""
        return pa.table({name: self.ids.arrow(self.events[name], self.threads) for name in names})

    def batches(self, names: Sequence[str], repeated: Sequence[str] = ()) -> Iterator[pa.RecordBatch]:
        """Yield columns in batches."""
        yield from self.read(names).to_batches(ROWS_PER_BATCH)

    def row_number(self, position: int) -> int:
        """Return the row, from 1."""
        return position + 1

    def describe(self) -> list[dict[str, object]]:
        """Return the files of the export, or how many events there are."""
        return described(self.files, self.label, self.events.height)
