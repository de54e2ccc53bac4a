"""Rows in the order of columns, though memory does not hold them: sorted runs on disk, and their keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_GROUP_ROWS = 10_000


class SortedRows:
    """Rows of the same columns that are added some at a time and come back sorted; ties stay as they came.

    Parameters
    ----------
    stem : Path
        Beside which the runs are kept, under this name and a number.
    keys : sequence of str
        The columns; memory holds those of all rows.
    """

    def __init__(self, stem: Path, keys: Sequence[str]) -> None:
        self._stem, self._by = stem, list(keys)
        self._files: list[Path] = []
        self._keys: list[pl.DataFrame] = []
        self._schema: pl.Schema | None = None

    @property
    def height(self) -> int:
        """How many rows there are."""
        return sum(keys.height for keys in self._keys)

    @property
    def schema(self) -> pl.Schema:
        """Of the rows; some must have been added."""
        assert self._schema is not None, self._stem.name
        return self._schema

    def add(self, rows: pl.DataFrame) -> None:
        """Add rows after those that are there."""
        self._schema = self._schema or rows.schema
        assert rows.schema == self._schema, self._stem.name
        ordered = rows.sort(self._by, maintain_order=True)
        self._keys.append(ordered.select(self._by))
        self._files.append(self._stem.with_name(f"{self._stem.name}-{len(self._files)}.parquet"))
        ordered.write_parquet(
            self._files[-1], compression="lz4", statistics=False, row_group_size=_GROUP_ROWS
        )

    def slices(self, rows: int) -> Iterator[pl.DataFrame]:
        """Yield all rows in order, so many at a time; once, as the runs are removed after it."""
        import polars as pl

        runs = self._runs_in_order()
        read = [0] * len(self._files)
        for first in range(0, len(runs), rows):
            counts = runs.slice(first, rows).value_counts(name="rows").sort("run")
            parts = []
            for run, count in counts.iter_rows():
                parts.append(pl.scan_parquet(self._files[run]).slice(read[run], count).collect())
                read[run] += count
            yield pl.concat(parts).sort(self._by, maintain_order=True)
        for file in self._files:
            file.unlink()

    def every(self, step: int, first: int) -> pl.DataFrame:
        """Return in order each row that comes `step` rows after another, from the one at `first` on."""
        import polars as pl

        places = pl.DataFrame({"run": self._runs_in_order()}).with_columns(
            pl.int_range(pl.len()).over("run").alias("place")
        )
        wanted = places.gather_every(step, first).partition_by("run", as_dict=True)
        found = [
            pl.read_parquet(self._files[run])[of_run["place"]] for (run,), of_run in sorted(wanted.items())
        ]
        none = pl.DataFrame(schema=self.schema)
        return pl.concat([none, *found]).sort(self._by, maintain_order=True)

    def _runs_in_order(self) -> pl.Series:
        """Return for each row in order the run that it is in; those of a run follow each other."""
        import polars as pl

        numbered = (
            keys.with_columns(pl.lit(run, pl.UInt16).alias("run")) for run, keys in enumerate(self._keys)
        )
        return pl.concat(numbered).sort(self._by, maintain_order=True)["run"]
