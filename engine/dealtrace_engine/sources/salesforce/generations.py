"""Several files of one object: parts of it, or its state at several times, of which the newest counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

STAMPS = ("SystemModstamp", "LastModifiedDate")
"""Columns that tell versions of a record apart, the surest first."""
ID_CHARACTERS = 15
"""The three more of a long id are a checksum."""


@dataclass(frozen=True)
class Combined:
    """The rows of an object.

    Attributes
    ----------
    frame : LazyFrame
        Each record once.
    versions : LazyFrame or None
        Every version of each record, with `version_at`, where records differ between files.
    notes : list of str
    whole : bool
        Whether all rows of all files are in `frame`.
    """

    frame: pl.LazyFrame
    versions: pl.LazyFrame | None = None
    notes: list[str] = field(default_factory=list)
    whole: bool = True


def combined(name: str, pieces: Sequence[tuple[pl.LazyFrame, str]]) -> Combined:
    """Put the files of an object together.

    Without an id in two files they are parts. With one they are generations: of each record the row that was
    changed last is current, and of equal ones that of the last file.

    Parameters
    ----------
    name : str
        The object.
    pieces : sequence of (LazyFrame, str)
        Rows and where they come from.
    """
    import polars as pl

    frames = [frame for frame, _ in pieces]
    if len(frames) == 1:
        return Combined(frames[0])
    whole = pl.concat(frames, how="diagonal_relaxed")
    columns = [frame.collect_schema().names() for frame in frames]
    if not all("Id" in names for names in columns):
        return Combined(whole, notes=[f"{name}: {len(frames)} files, put one behind the other"])
    if not _overlap(frames):
        return Combined(whole, notes=[f"{name}: {len(frames)} parts"])
    stamp = next((stamp for stamp in STAMPS if all(stamp in names for names in columns)), None)
    return _generations(name, pieces, stamp)


def _overlap(frames: Sequence[pl.LazyFrame]) -> bool:
    """Whether an id occurs twice; equal ids have equal hashes, so that only a yes may be wrong."""
    import polars as pl

    hashes = [_key(frame).select(pl.col("key").hash(seed=0)) for frame in frames]
    ids = pl.concat(hashes).collect(engine="streaming")["key"]
    return bool(ids.n_unique() < len(ids))


def _key(frame: pl.LazyFrame) -> pl.LazyFrame:
    import polars as pl

    return frame.with_columns(key=pl.col("Id").cast(pl.String).str.slice(0, ID_CHARACTERS))


def _generations(name: str, pieces: Sequence[tuple[pl.LazyFrame, str]], stamp: str | None) -> Combined:
    import polars as pl

    changed = pl.lit("") if stamp is None else pl.col(stamp).cast(pl.String).fill_null("")
    rows = [
        _key(frame)
        .select("key", at=changed)
        .with_row_index("row")
        .with_columns(file=pl.lit(number, pl.UInt32))
        for number, (frame, _) in enumerate(pieces)
    ]
    found = pl.concat(rows).collect(engine="streaming").sort("at", "file", "row", maintain_order=True)
    current = found.unique("key", keep="last", maintain_order=True)
    distinct = found.unique(["key", "at"], keep="last", maintain_order=True)
    only_older = current.filter(pl.col("file") < len(pieces) - 1).height
    notes = [
        f"{name}: {len(pieces)} generations ({', '.join(label for _, label in pieces)}); of each record the "
        f"newest counts: {found.height - current.height} older or equal rows set aside, {only_older} records "
        "are newest in an earlier file"
    ]
    versions = None
    if stamp is not None and distinct.height > current.height:
        versions = _chosen(pieces, distinct).with_columns(version_at=pl.col(stamp))
    return Combined(_chosen(pieces, current), versions, notes, whole=False)


def _chosen(pieces: Sequence[tuple[pl.LazyFrame, str]], rows: pl.DataFrame) -> pl.LazyFrame:
    """Return those rows of the files, in the order of the files."""
    import polars as pl

    kept = []
    for number, (frame, _) in enumerate(pieces):
        wanted = rows.filter(pl.col("file") == number).select(pl.col("row").alias("!row")).lazy()
        numbered = frame.with_row_index("!row")
        kept.append(numbered.join(wanted, on="!row", how="semi", maintain_order="left").drop("!row"))
    return pl.concat(kept, how="diagonal_relaxed")
