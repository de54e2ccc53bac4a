"""What all Dynamics tables share: who the users are, in which money they count, where midnight is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, cast

from dealtrace_engine.synthetic.crm.dynamics_guids import guid, guids

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.synthetic.crm.facts import Facts

ORG_ZONE = "Europe/Berlin"
"""The zone of the organisation's users: days that they enter begin at its midnight."""
ZONE_CODE = 110
"""What Dynamics calls that zone."""
UNSET = datetime(1970, 1, 1, tzinfo=UTC)
"""In place of an instant that is not there yet, while versions are put together."""
_SPARSE = 1000


class Directory:
    """Looks up what records point to.

    Parameters
    ----------
    facts : Facts
    """

    def __init__(self, facts: Facts) -> None:
        self.facts, self.seed = facts, facts.seed
        self._known: dict[str, pl.Series] = {}

    @cached_property
    def users(self) -> pl.Series:
        """The GUID of each user; users are positions in it."""
        return guids("systemuser", range(len(self.facts["users"])), self.seed)

    @cached_property
    def business_units(self) -> pl.DataFrame:
        """`department` and `owningbusinessunit` of every department."""
        import polars as pl

        names = self.facts["users"].get_column("department").unique().sort()
        return pl.DataFrame(
            {
                "department": names,
                "owningbusinessunit": guids("businessunit", range(1, len(names) + 1), self.seed),
            }
        )

    @cached_property
    def currencies(self) -> pl.DataFrame:
        """`currency`, `transactioncurrencyid` and `exchangerate` of every currency."""
        import polars as pl

        frame = self.facts["currencies"]
        return frame.select(
            pl.col("code").alias("currency"),
            guids("transactioncurrency", range(len(frame)), self.seed).alias("transactioncurrencyid"),
            pl.col("rate").alias("exchangerate"),
        )

    @property
    def organization(self) -> str:
        """The GUID of the organisation."""
        return guid("organization", 1, self.seed)

    def user(self, keys: pl.Series) -> pl.Series:
        """Return the GUIDs of users, null for null."""
        return self.users.gather(keys.cast(_unsigned())).alias(keys.name)

    def guids(self, table: str, keys: pl.Series) -> pl.Series:
        """Return the GUIDs of records, null for null.

        Those of tables whose keys are dense are written once, and shared by all lookups.
        """
        before = self.facts.part.keys_before
        if cast("int", keys.min() or 0) <= before:
            before = 0
        known, last = self._known.get(table), cast("int", keys.max() or before) - before
        if known is None or last >= len(known):
            if last > 2 * len(keys) + _SPARSE:
                return guids(table, keys, self.seed)
            known = self._known[table] = guids(table, range(before, before + last + 1), self.seed)
        return known.gather((keys - before).cast(_unsigned())).alias(keys.name)

    def pointing(self, frame: pl.DataFrame, **lookups: tuple[str, str]) -> pl.DataFrame:
        """Add lookups: the name of each with the table it points into and the column of the keys."""
        return frame.with_columns(
            self.guids(table, frame.get_column(keys)).alias(name) for name, (table, keys) in lookups.items()
        )

    def of_customers(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add customerid with its type; `account` holds the keys."""
        import polars as pl

        return self.pointing(frame, customerid=("account", "account")).with_columns(
            pl.when(pl.col("customerid").is_not_null()).then(pl.lit("account")).alias("customeridtype")
        )

    def priced(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add transactioncurrencyid and exchangerate; `currency` holds the codes."""
        return frame.join(self.currencies, "currency", "left", maintain_order="left")

    def finished(self, rows: pl.DataFrame, money: Sequence[str] = ()) -> pl.DataFrame:
        """Return rows of a history as Dataverse has them.

        Users become GUIDs, `money` gets its twins in the currency of the organisation, and the columns that
        all tables have are added; helping columns (with a leading underscore) go.
        """
        import polars as pl

        rows = rows.with_columns(
            [self.user(rows.get_column(name)) for name in ("createdby", "modifiedby") if name in rows.columns]
            + [(pl.col(name) / pl.col("exchangerate")).round(2).alias(f"{name}_base") for name in money]
        )
        if "ownerid" in rows.columns:
            owners = self._owners
            rows = rows.join(owners, "ownerid", "left", maintain_order="left").with_columns(
                pl.col("ownerid").alias("owninguser"),
                pl.lit("systemuser").alias("owneridtype"),
                pl.lit(None, pl.String).alias("owningteam"),
            )
        defaults = {
            "timezoneruleversionnumber": pl.lit(0, pl.Int32),
            "utcconversiontimezonecode": pl.lit(None, pl.Int32),
            "importsequencenumber": pl.lit(None, pl.Int32),
            "overriddencreatedon": pl.lit(None, pl.Datetime("us", "UTC")),
        }
        missing = [value.alias(name) for name, value in defaults.items() if name not in rows.columns]
        kept = [name for name in rows.columns if not name.startswith("_") and name != "key"]
        return rows.select(kept).with_columns(missing)

    @cached_property
    def _owners(self) -> pl.DataFrame:
        import polars as pl

        users = self.facts["users"].select("department", ownerid=self.users)
        return users.join(self.business_units, "department", "left", maintain_order="left").select(
            pl.col("ownerid"), pl.col("owningbusinessunit")
        )


def _unsigned() -> pl.DataType:
    import polars as pl

    return pl.UInt32()


def local_day(instant: pl.Expr) -> pl.Expr:
    """Return the calendar day of instants for the organisation: a column of behaviour DateOnly."""
    return instant.dt.convert_time_zone(ORG_ZONE).dt.date()


def local_midnight(instant: pl.Expr) -> pl.Expr:
    """Return the beginning of that day, UTC: a column of behaviour UserLocal and format DateOnly."""
    local = instant.dt.convert_time_zone(ORG_ZONE).dt.truncate("1d")
    return local.dt.convert_time_zone("UTC")


def where_set(name: str, value: pl.Expr) -> pl.Expr:
    """Return `value` where the helping column `name` is no longer `UNSET`."""
    import polars as pl

    return pl.when(pl.col(name) > UNSET).then(value)


def coded(column: str, codes: dict[str, int]) -> pl.Expr:
    """Return the numbers of the labels in a column."""
    import polars as pl

    return pl.col(column).replace_strict(codes, default=None, return_dtype=pl.Int32)


def of_changes(facts: Facts, object_name: str, field: str) -> pl.DataFrame:
    """Return the changes of a field: key, old, new, at, by, rank, in the order of key and time."""
    import polars as pl

    mine = facts["changes"].filter((pl.col("object") == object_name) & (pl.col("field") == field))
    return mine.select(pl.col("record").alias("key"), "old", "new", "at", "by", "rank").sort(
        "key", "at", "rank", maintain_order=True
    )


def beginning(records: pl.DataFrame, changes: pl.DataFrame, column: str) -> pl.Expr:
    """Return what a column was when records were made: what its first change replaced, or what it is."""
    import polars as pl

    first = changes.group_by("key", maintain_order=True).agg(pl.col("old").first())
    before = records.select("key").join(first, "key", "left", maintain_order="left").get_column("old")
    kind = records.schema[column]
    return pl.coalesce(before.str.to_date() if kind == pl.Date else before.cast(kind), pl.col(column))
