"""The records of a Dynamics table over time: what never changes of them, and every version of the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.dynamics_guids import spread

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.synthetic.crm.dynamics_directory import Directory
    from dealtrace_engine.synthetic.crm.parts import Part

_PER_SECOND = 100_000
"""Version numbers are given out by second, so that they rise over all tables."""
_PER_PART = 1_600
"""So many are left to each part; those of its tables may meet, as those of other parts may not."""


@dataclass(frozen=True)
class History:
    """All records of a table in all their versions.

    Attributes
    ----------
    table, primary : str
        Logical names of the table and of the column that identifies its records.
    part : Part
        Of the organisation whose records they are.
    records : DataFrame
        A row per record: `key`, the column `primary`, `createdon`, `createdby` (a key), `deletedon` (null
        while it lives), `deletedby`, and the columns that never change.
    versions : DataFrame
        A row per version, in the order of key and time: `key`, `at`, `by` (a key), `rank`, `versionnumber`,
        and the columns that change. The first of a record is its creation.
    """

    table: str
    primary: str
    part: Part
    records: pl.DataFrame
    versions: pl.DataFrame

    @property
    def changing(self) -> list[str]:
        """The columns that change."""
        return [name for name in self.versions.columns if name not in _OF_VERSION]

    def current(self) -> pl.DataFrame:
        """Return the living records as they are, with modifiedon, modifiedby and versionnumber."""
        import polars as pl

        last = self.versions.filter(pl.col("key").ne_missing(pl.col("key").shift(-1)))
        return self._joined(last).filter(pl.col("deletedon").is_null()).drop("deletedon", "deletedby")

    def rows(self) -> pl.DataFrame:
        """Return every version as a full row with `IsDelete`; a deletion is a version of its own."""
        import polars as pl

        rows = self._joined(self.versions).with_columns(pl.lit(False).alias("IsDelete"))
        last = rows.filter(pl.col("key").ne_missing(pl.col("key").shift(-1)))
        gone = last.filter(pl.col("deletedon").is_not_null())
        if len(gone):
            gone = gone.with_columns(
                pl.col("deletedon").alias("modifiedon"),
                pl.col("deletedby").alias("modifiedby"),
                pl.lit(True).alias("IsDelete"),
                _version_numbers(self.table, self.part, pl.col("deletedon")) + 1,
            )
            rows = pl.concat([rows, gone])
        return rows.drop("deletedon", "deletedby")

    def _joined(self, versions: pl.DataFrame) -> pl.DataFrame:
        import polars as pl

        versions = versions.rename({"at": "modifiedon", "by": "modifiedby"})
        rows = versions.drop("rank").join(self.records, "key", "left", maintain_order="left")
        return rows.select(
            "key", self.primary, *(name for name in rows.columns if name not in {"key", self.primary})
        ).with_columns(pl.col("versionnumber").cast(pl.Int64))


_OF_VERSION = {"key", "at", "by", "rank", "versionnumber"}


def history(
    table: str,
    primary: str,
    records: pl.DataFrame,
    events: Iterable[pl.DataFrame],
    directory: Directory,
    derived: Sequence[pl.Expr] = (),
) -> History:
    """Put the versions of records together from what changed in them.

    Parameters
    ----------
    table, primary : str
        As in `History`.
    records : DataFrame
        As in `History`, without `primary`; the changing columns in it are their values at the creation and
        must not be null.
    events : iterable of DataFrame
        Each with `key`, `at`, `by`, `rank` and some of the changing columns of `records`; null is unchanged.
    directory : Directory
        For the ids.
    derived : sequence of Expr
        Further changing columns, told from the others of the version.

    Returns
    -------
    History
    """
    import polars as pl

    changes, part = list(events), directory.facts.part
    changing = sorted({name for event in changes for name in event.columns} - _OF_VERSION)
    made = records.select(
        "key",
        pl.col("createdon").alias("at"),
        pl.col("createdby").alias("by"),
        pl.lit(-1, pl.Int64).alias("rank"),
        *changing,
    )
    stack = pl.concat([made, *(_conforming(event, made) for event in changes)], how="diagonal")
    stack = stack.sort("key", "at", "rank", maintain_order=True)
    stack = stack.with_columns(pl.col(changing).forward_fill())
    final = pl.struct("key", "at", "rank").ne_missing(pl.struct("key", "at", "rank").shift(-1))
    versions = (
        stack.filter(final).with_columns(derived).with_columns(_version_numbers(table, part, pl.col("at")))
    )
    ids = directory.guids(table, records.get_column("key")).alias(primary)
    records = _with_deletion(records.drop(changing)).with_columns(ids)
    return History(table, primary, part, records, versions)


def _conforming(event: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    return event.with_columns(pl.col(name).cast(made.schema[name]) for name in event.columns)


def _with_deletion(records: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    if "deletedon" in records.columns:
        return records
    never = pl.lit(None, pl.Datetime("us", "UTC")).alias("deletedon")
    return records.with_columns(never, pl.lit(None, pl.Int64).alias("deletedby"))


def _version_numbers(table: str, part: Part, at: pl.Expr) -> pl.Expr:
    """Return numbers that rise with time; odd ones are left for deletions."""
    import polars as pl

    offset = int(spread(table, pl.Series([0]), 0)[0] % 1000) * 2 + part.number * _PER_PART % _PER_SECOND
    second = at.dt.epoch("s")
    nth = pl.int_range(pl.len()).over(second)
    return (second * _PER_SECOND + offset + nth * 2).alias("versionnumber")


def at_change(frame: pl.DataFrame, at: str, by: str | pl.Expr, rank: int, **values: object) -> pl.DataFrame:
    """Return the event of setting columns where the column `at` is not null.

    Parameters
    ----------
    frame : DataFrame
        With `key`.
    at : str
        Column of the time.
    by : str or Expr
        Who did it.
    rank : int
        Orders events of one record in one second.
    **values : Expr or literal
        What the columns are set to.
    """
    import polars as pl

    return frame.filter(pl.col(at).is_not_null()).select(
        "key",
        pl.col(at).alias("at"),
        (pl.col(by) if isinstance(by, str) else by).alias("by"),
        pl.lit(rank, pl.Int64).alias("rank"),
        *(
            (value if isinstance(value, pl.Expr) else pl.lit(value)).alias(name)
            for name, value in values.items()
        ),
    )
