"""What the rows of all Salesforce tables have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dealtrace_engine.synthetic.clock import EXPORTED
from dealtrace_engine.synthetic.crm import company

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from dealtrace_engine.synthetic.crm.salesforce_org import SalesforceOrg

_TOUCHED_PERCENT, _TOUCHED_WITHIN_DAYS = 30, 40


def laid_out(columns: Mapping[str, Any], header: Sequence[str] = ()) -> pl.DataFrame:
    """Return a table with its columns in the order of the header, further ones after them.

    Fields of the header that nobody fills in are empty texts.
    """
    import polars as pl

    frame = pl.DataFrame(columns)
    empty = [pl.lit(None, pl.String).alias(name) for name in header if name not in frame.columns]
    further = [name for name in frame.columns if name not in header]
    return frame.with_columns(*empty).select(*header, *further)


def audited(
    org: SalesforceOrg,
    key: pl.Series,
    created: pl.Series,
    created_by: pl.Series,
    changed: pl.Series,
    deleted: pl.Series | bool = False,
) -> dict[str, pl.Series]:
    """Return the system fields of records that were last changed by people at `changed`.

    Some are touched later by a machine, which moves LastModifiedDate and says nothing about the record.
    """
    import polars as pl

    last = pl.select(pl.coalesce(changed, created)).to_series()
    touched = key * 7919 % 100 < _TOUCHED_PERCENT
    seconds = key * 104_729 % (_TOUCHED_WITHIN_DAYS * 86_400)
    later = last + (seconds * 1_000_000).cast(pl.Duration("us"))
    touched = touched & (later < pl.Series([EXPORTED]).cast(pl.Datetime("us", "UTC"))[0])
    modified = pl.select(pl.when(touched).then(later).otherwise(last)).to_series()
    machine = pl.repeat(company.SYSTEM_USER, len(key), dtype=pl.Int64, eager=True)
    modified_by = pl.select(pl.when(touched).then(machine).otherwise(created_by)).to_series()
    return {
        "IsDeleted": _flags(deleted, len(key)),
        "CreatedDate": created,
        "CreatedById": org.users(created_by),
        "LastModifiedDate": modified,
        "LastModifiedById": org.users(modified_by),
        "SystemModstamp": modified,
    }


def latest(*instants: pl.Series) -> pl.Series:
    """Return the latest of some instants, row by row; nulls do not count."""
    import polars as pl

    return pl.select(pl.max_horizontal(*instants)).to_series()


def constant(value: Any, count: int) -> pl.Series:
    """Return a column that says the same in every row."""
    import polars as pl

    return pl.repeat(value, count, eager=True)


def _flags(value: pl.Series | bool, count: int) -> pl.Series:
    return constant(value, count) if isinstance(value, bool) else value


def last_changes(org: SalesforceOrg, object_name: str, keys: pl.Series) -> pl.Series:
    """Return when each of these records last changed, null where it never did."""
    import polars as pl

    changes = org.facts["changes"].filter(pl.col("object") == object_name)
    last = changes.group_by("record").agg(pl.col("at").max())
    return pl.DataFrame({"record": keys}).join(last, on="record", how="left", maintain_order="left")["at"]


def looked_up(keys: pl.Series, table: pl.DataFrame, key: str, value: str) -> pl.Series:
    """Return the value that a table has for each key."""
    import polars as pl

    found = table.select(pl.col(key).alias("key"), pl.col(value).alias("value"))
    return pl.DataFrame({"key": keys}).join(found, on="key", how="left", maintain_order="left")["value"]
