"""What is sold: the lines of opportunities, and after them those of quotes, orders and invoices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.synthetic import organisation as org
from dealtrace_engine.synthetic.crm import company
from dealtrace_engine.synthetic.dice import Dice

if TYPE_CHECKING:
    import polars as pl

_SECOND_PERMILLE, _SECOND_SHARE = 350, 0.2


def opportunity_lines(deals: pl.DataFrame, dice: Dice) -> pl.DataFrame:
    """Return one or two products for each opportunity, which add up to its amount."""
    import polars as pl

    n = len(deals)
    two = pl.Series("two", dice.chance(n, _SECOND_PERMILLE))
    other = pl.Series("other", 1 + dice.below(n, len(org.PRODUCTS)))
    both = deals.select("opportunity", "product", "amount", two, other)
    both = both.with_columns(two=pl.col("two") & (pl.col("other") != pl.col("product")))
    second = (pl.col("amount") * _SECOND_SHARE).round(0)
    first = pl.when("two").then(pl.col("amount") - second).otherwise("amount")
    lines = pl.concat(
        [
            both.select("opportunity", "product", total=first, place=pl.lit(1)),
            both.filter("two").select("opportunity", product="other", total=second, place=pl.lit(2)),
        ]
    ).sort("opportunity", "place")
    price = pl.Series("list", list(company.PRODUCT_PRICES)).gather(lines["product"] - 1)
    quantity = (lines["total"] / price).round().clip(1, None)
    return lines.with_columns(
        quantity=quantity,
        price=(pl.col("total") / quantity).round(2),
        line=pl.int_range(1, len(lines) + 1, dtype=pl.Int64),
    ).select("line", "opportunity", "place", "product", "quantity", "price", "total")


def lines_of(parents: pl.DataFrame, key: str, opportunity_lines: pl.DataFrame) -> pl.DataFrame:
    """Return the opportunity's lines again for each quote or order, scaled to its total.

    Parents without an opportunity have none.
    """
    import polars as pl

    worth = opportunity_lines.group_by("opportunity").agg(worth=pl.col("total").sum())
    lines = (
        parents.select(key, "opportunity", pl.col("total").alias("parent_total"))
        .join(worth, on="opportunity")
        .join(opportunity_lines.rename({"line": "opportunity_line"}), on="opportunity")
        .sort(key, "place")
    )
    scale = pl.when(pl.col("worth") > 0).then(pl.col("parent_total") / pl.col("worth")).otherwise(1.0)
    return lines.select(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("line"), key, "opportunity_line", "product",
        "quantity",
        (pl.col("price") * scale).round(2).alias("price"), (pl.col("total") * scale).round(2).alias("total"),
    )  # fmt: skip
