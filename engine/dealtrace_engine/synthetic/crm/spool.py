"""Tables of an organisation that memory would not hold: on disk, a file for each part of each table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


class Spool(Mapping[str, "pl.DataFrame"]):
    """Tables to which parts are added; a table that is asked for as a whole is read, and not kept.

    What the parts share is small and asked for often, so it stays in memory.

    Parameters
    ----------
    folder : Path
        Exists and is empty.
    shared : frozenset of str
        Tables that come with the first part only.
    """

    def __init__(self, folder: Path, shared: frozenset[str] = frozenset()) -> None:
        self._folder, self._names = folder, shared
        self._shared: dict[str, pl.DataFrame] = {}
        self._files: dict[str, list[Path]] = {}
        self._schemas: dict[str, pl.Schema] = {}
        self._heights: dict[str, list[int]] = {}

    def add(self, name: str, rows: pl.DataFrame) -> None:
        """Add rows to a table."""
        if name in self._names:
            self._shared.setdefault(name, rows)
            return
        files = self._files.setdefault(name, [])
        assert self._schemas.setdefault(name, rows.schema) == rows.schema, name
        self._heights.setdefault(name, []).append(rows.height)
        files.append(self._folder / f"{name}-{len(files)}.parquet")
        rows.write_parquet(files[-1], compression="lz4", statistics=False)

    def height(self, name: str) -> int:
        """Return the rows of a table so far."""
        return self._shared[name].height if name in self._shared else sum(self._heights.get(name, ()))

    def columns(self, name: str) -> list[str]:
        """Return the columns of a table."""
        return self._shared[name].columns if name in self._shared else self._schemas[name].names()

    def select(self, name: str, columns: Sequence[str]) -> pl.DataFrame:
        """Return columns of a table."""
        import polars as pl

        if name in self._shared:
            return self._shared[name].select(columns)
        return pl.concat(pl.read_parquet(file, columns=list(columns)) for file in self._files[name])

    def slices(self, name: str, rows: int) -> Iterator[pl.DataFrame]:
        """Yield a table in order, so many rows at a time."""
        import polars as pl

        if name in self._shared:
            yield from self._shared[name].iter_slices(rows)
            return
        rest = pl.DataFrame(schema=self._schemas[name])
        for file in self._files[name]:
            frame = pl.concat([rest, pl.read_parquet(file)])
            whole = frame.height // rows * rows
            yield from frame.head(whole).iter_slices(rows)
            rest = frame.slice(whole)
        if rest.height:
            yield rest

    def parts(self) -> Iterator[Spool]:
        """Yield what was added at a time, each with what all share."""
        for number in range(max(map(len, self._files.values()), default=1)):
            part = Spool(self._folder, self._names)
            part._shared, part._schemas = self._shared, self._schemas
            part._files = {name: files[number : number + 1] for name, files in self._files.items()}
            part._heights = {name: rows[number : number + 1] for name, rows in self._heights.items()}
            yield part

    def is_shared(self, name: str) -> bool:
        """Return whether a table came with the first part only."""
        return name in self._shared

    def __getitem__(self, name: str) -> pl.DataFrame:
        if name not in self:
            raise KeyError(name)
        return self.select(name, self.columns(name))

    def __contains__(self, name: object) -> bool:
        return name in self._shared or name in self._files

    def __iter__(self) -> Iterator[str]:
        yield from self._shared
        yield from self._files

    def __len__(self) -> int:
        return len(self._shared) + len(self._files)


Tables = Mapping[str, "pl.DataFrame"]
"""In memory, or a `Spool`."""


def parts_of(tables: Tables) -> Iterator[tuple[Tables, list[str]]]:
    """Yield tables part by part, and the names of those whose rows are of this part.

    What a row points to is in the tables that come with it. Tables in memory are one part.
    """
    if not isinstance(tables, Spool):
        yield tables, list(tables)
        return
    for number, part in enumerate(tables.parts()):
        yield part, [name for name in part if not number or not part.is_shared(name)]


def height_of(tables: Tables, name: str) -> int:
    """Return the rows of a table."""
    return tables.height(name) if isinstance(tables, Spool) else tables[name].height


def columns_of(tables: Tables, name: str) -> list[str]:
    """Return the columns of a table."""
    return tables.columns(name) if isinstance(tables, Spool) else tables[name].columns


def selected(tables: Tables, name: str, columns: Sequence[str]) -> pl.DataFrame:
    """Return columns of a table."""
    return tables.select(name, columns) if isinstance(tables, Spool) else tables[name].select(columns)
